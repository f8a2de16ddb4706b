"""Downlink NAS transport, TS 24.501 §5.4.5.3."""

from __future__ import annotations

from cinq.procedure import procedure
from cinq.ran.ue.causes import gmm, words
from cinq.ran.ue.context import NoAnswer, Received
from cinq.ran.ue.inbound.gsm import Answered, Unreadable, downlink_message
from cinq.ran.ue.session import Session
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GsmCause, PayloadContainerType


@procedure(opens=nas.DLNASTransport)
async def downlink_nas_transport(ue: Ue, received: Received) -> None:
    """§5.4.5.3.3: 5GSM messages go to their session, and one that the AMF gave back ends what its session awaits."""
    transport = received.message
    assert isinstance(transport, nas.DLNASTransport)
    if transport.payload_container_type != PayloadContainerType.N1_SM_INFORMATION:
        return
    if transport.cause is not None:
        session = ue.sessions.get(transport.pdu_session_id or 0)
        if session is not None:
            reason = f"not forwarded: {gmm(transport.cause, session.asked)}"
            session.receive(NoAnswer(reason, None, transport.cause, transport.back_off_timer))
        return
    try:
        session, message = downlink_message(ue, transport.payload_container)
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
            session.receive(message)


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
