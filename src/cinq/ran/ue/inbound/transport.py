"""Downlink NAS transport, TS 24.501 §5.4.5.3."""

from __future__ import annotations

from collections.abc import Callable

from cinq.procedure import Why, procedure
from cinq.ran.ue.back_off import T3346
from cinq.ran.ue.causes import gmm, words
from cinq.ran.ue.context import UNASSIGNED_PTI, NoAnswer, Received
from cinq.ran.ue.home import NotFromHome
from cinq.ran.ue.inbound.gsm import Answered, Unreadable, downlink_message
from cinq.ran.ue.session import Session
from cinq.ran.ue.signals import ModifySession
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GsmCause, PayloadContainerType
from cinq.wire.nas.ie.transport import Payload, payloads, sor_acknowledgement, sor_container


@procedure(opens=nas.DLNASTransport)
async def downlink_nas_transport(ue: Ue, received: Received) -> None:
    """§5.4.5.3.3: each payload goes to its reader; several in one are taken apart (§5.4.5.3.3 i))."""
    transport = received.message
    assert isinstance(transport, nas.DLNASTransport)
    ue.back_off.stop(T3346)
    if transport.payload_container_type != PayloadContainerType.MULTIPLE_PAYLOADS:
        payload = Payload(
            transport.payload_container_type,
            transport.payload_container,
            pdu_session_id=transport.pdu_session_id,
            additional_information=transport.additional_information,
            cause=transport.cause,
            back_off_timer=transport.back_off_timer,
        )
        _deliver(ue, payload)
        return
    try:
        several = payloads(transport.payload_container)
    except ValueError as error:
        ue.runtime.report(ue, downlink_nas_transport.name, transport, f"ignored: {error}")
        return
    for payload in several:
        _deliver(ue, payload)


def _deliver(ue: Ue, payload: Payload) -> None:
    reader = _READERS.get(payload.kind)
    if reader is None:
        ue.runtime.report(
            ue, downlink_nas_transport.name, payload, f"no reader for payload type {payload.kind}"
        )
    else:
        reader(ue, payload)
    if ue.on_payload is not None:
        ue.on_payload(payload)


def _session_management(ue: Ue, payload: Payload) -> None:
    """5GSM messages go to their session; one that the AMF gave back ends what its session awaits."""
    if payload.cause is not None:
        session = ue.sessions.get(payload.pdu_session_id or 0)
        if session is not None:
            why = gmm(payload.cause, session.asked)
            reason = Why(f"not forwarded: {why}", why.mend)
            session.receive(NoAnswer(reason, None, payload.cause, payload.back_off_timer))
        return
    try:
        session, message = downlink_message(ue, payload.contents)
    except Answered as answered:
        ue.runtime.report(ue, downlink_nas_transport.name, answered, str(answered))
        if answered.answer is not None:
            uplink(ue, answered.answer)
    except Unreadable as broken:
        ue.runtime.report(ue, downlink_nas_transport.name, broken, str(broken))
        _unreadable(ue, broken)
    else:
        if isinstance(message, nas.FiveGSMStatus):
            _status(session, message)
        else:
            own = isinstance(message, nas.PDUSessionModificationCommand) and message.pti == UNASSIGNED_PTI
            if own and isinstance(session.opening, ModifySession):  # §6.3.2.6 b)
                session.abort("the network modifies the session itself")
            session.receive(message)


def _ue_policy(ue: Ue, payload: Payload) -> None:
    """Annex D: a MANAGE UE POLICY COMMAND is confirmed; what the UE does with policies is no matter of an emulator."""
    contents = payload.contents
    if payload.cause is None and len(contents) >= 2 and contents[1] == _MANAGE_UE_POLICY_COMMAND:
        answer = bytes((contents[0], _MANAGE_UE_POLICY_COMPLETE))
        ue.send_payload(PayloadContainerType.UE_POLICY_CONTAINER, answer)


def _steering(ue: Ue, payload: Payload) -> None:
    """§5.4.5.3.3 d): what passes integrity and counter check is stored, and acknowledged where that is asked for."""
    try:
        answer = ue.security.home.steer(sor_container.decode(payload.contents))
    except (NotFromHome, ValueError, IndexError) as discarded:
        ue.runtime.report(
            ue, downlink_nas_transport.name, payload, f"steering of roaming discarded: {discarded}"
        )
        return
    if answer is not None:
        ue.send_payload(payload.kind, sor_acknowledgement.encode(answer))


def _parameters(ue: Ue, payload: Payload) -> None:
    """§5.4.5.3.3 i): likewise; what asks for it is followed by a registration anew once the UE is idle."""
    try:
        updated = ue.security.home.update(payload.contents)
    except NotFromHome as discarded:
        ue.runtime.report(
            ue, downlink_nas_transport.name, payload, f"parameters update discarded: {discarded}"
        )
        return
    if updated.acknowledgement is not None:
        ue.send_payload(payload.kind, updated.acknowledgement)
    if updated.registers_anew:
        ue.idle_mode.anew_due = True


def _kept(ue: Ue, payload: Payload) -> None:
    """For whoever looks (`ue.on_payload`); one that came back says why."""
    if payload.cause is not None:
        why = gmm(payload.cause, ue.asked)
        ue.runtime.report(ue, downlink_nas_transport.name, payload, Why(f"not forwarded: {why}", why.mend))


_MANAGE_UE_POLICY_COMMAND, _MANAGE_UE_POLICY_COMPLETE = 1, 2
_READERS: dict[int, Callable[[Ue, Payload], None]] = {
    PayloadContainerType.N1_SM_INFORMATION: _session_management,
    PayloadContainerType.UE_POLICY_CONTAINER: _ue_policy,
    PayloadContainerType.SMS: _kept,
    PayloadContainerType.LPP_MESSAGE_CONTAINER: _kept,
    PayloadContainerType.SOR_TRANSPARENT_CONTAINER: _steering,
    PayloadContainerType.UE_PARAMETERS_UPDATE_TRANSPARENT_CONTAINER: _parameters,
    PayloadContainerType.LOCATION_SERVICES_MESSAGE_CONTAINER: _kept,
    PayloadContainerType.CIOT_USER_DATA_CONTAINER: _kept,
    PayloadContainerType.SERVICE_LEVEL_AA_CONTAINER: _kept,
    PayloadContainerType.EVENT_NOTIFICATION: _kept,
}


def _status(session: Session, message: nas.FiveGSMStatus) -> None:
    """§6.5.3: what the STATUS is about ends; with #43 the session does."""
    cause, reason = message.cause, f"5GSM STATUS {words(message.cause)}"
    of_pti = cause in (GsmCause.PTI_MISMATCH, GsmCause.INVALID_PTI_VALUE) and message.pti == session.pti
    of_session = cause in (
        GsmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED,
        GsmCause.INVALID_PDU_SESSION_IDENTITY,
    )
    if session.awaits(NoAnswer) and (of_pti or of_session):
        session.receive(NoAnswer(reason))
    elif cause == GsmCause.INVALID_PDU_SESSION_IDENTITY:
        session.gone(reason)
    else:
        session.runtime.report(session, "", message, f"ignored: {reason} concerns nothing that is under way")


def _unreadable(ue: Ue, broken: Unreadable) -> None:
    """§7.5.3: an accept leads to a release by the UE, a release command is confirmed; anything else meets STATUS."""
    session, number, cause = broken.session, broken.session.context.pdu_session_id, broken.cause
    if broken.kind == nas.PDUSessionEstablishmentAccept.TYPE and session.awaits(NoAnswer):
        session.receive(NoAnswer(f"the accept cannot be read: {broken}", cause))
    elif broken.kind == nas.PDUSessionReleaseCommand.TYPE:
        uplink(ue, nas.PDUSessionReleaseComplete(pdu_session_id=number, pti=broken.pti, cause=cause))
        session.gone("released by a command that cannot be read")
    elif broken.kind != nas.FiveGSMStatus.TYPE:
        uplink(ue, nas.FiveGSMStatus(pdu_session_id=number, pti=broken.pti, cause=cause))


def uplink(ue: Ue, message: nas.GsmMessage) -> None:
    """A 5GSM message that belongs to no session of the UE."""
    ue.tell(
        nas.ULNASTransport(
            payload_container_type=PayloadContainerType.N1_SM_INFORMATION,
            payload_container=nas.encode(message),
            pdu_session_id=message.pdu_session_id,
        )
    )
