"""5GSM messages from the UE: which are read, who hears them, what is answered to others (TS 24.501 clause 7)."""

from __future__ import annotations

import asyncio
from functools import partial

from cinq.nf.smf import n2 as transfers
from cinq.nf.smf.inbound.answer import demanded, updated
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import LocalRelease, N1N2TransferFailed, UeModification, UeRelease
from cinq.procedure import Aborted, Refused, TimerExpired, Why
from cinq.sbi.services.nsmf_pdusession import SmContextCreateData, SmContextRefused, UpdateSmContextResponse
from cinq.wire import nas
from cinq.wire.nas import GsmCause

UNASSIGNED_PTI, RESERVED_PTI = 0, 255


class Answered(Exception):
    """The message ends here. answer: 5GSM message for the UE, None for silence. reason: for the journal."""

    def __init__(self, answer: nas.GsmMessage | None, reason: str) -> None:
        super().__init__(reason)
        self.answer = answer


def uplink_message(octets: bytes, pdu_session_id: int, pti_in_use: int | None = None) -> nas.GsmMessage:
    """The message of a UE to the session of this identity. Raises Answered, in the order of clause 7.

    pti_in_use: of the command that the UE is to complete, None when there is none.
    """
    if len(octets) < 4 or octets[0] != nas.GsmMessage.EPD:
        raise Answered(None, f"too short, or no 5GSM message: {octets[:4].hex()}")  # §7.2.1
    number, pti, kind = octets[1], octets[2], octets[3]
    _check_pti(number, pti, kind, pti_in_use)
    if number != pdu_session_id or not 1 <= number <= 15:  # §7.3.2
        reason = f"PDU session identity {number}, sent to {pdu_session_id}"
        reject = _REJECTS.get(kind)
        if reject is None:
            raise Answered(None, reason)
        cause = GsmCause.INVALID_PDU_SESSION_IDENTITY
        raise Answered(reject(pdu_session_id=number, pti=pti, cause=cause), reason)
    if kind not in _FROM_UE:  # §7.4
        cause = GsmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED
        raise Answered(_status(number, pti, cause), f"message type {kind:#x} is none of a UE")
    try:
        message = nas.decode(octets)
    except nas.NasError as error:
        raise Answered(_unreadable(error, number, pti, kind), str(error)) from None
    assert isinstance(message, nas.GsmMessage)
    return message


def _check_pti(number: int, pti: int, kind: int, in_use: int | None) -> None:
    """§7.3.1, network procedures a) to d)."""
    if pti == RESERVED_PTI:
        raise Answered(None, "PTI 255 is reserved")
    if kind in _COMPLETES and pti != in_use:
        raise Answered(_status(number, pti, GsmCause.PTI_MISMATCH), f"PTI {pti} is not in use")
    unassigned = pti == UNASSIGNED_PTI
    if (unassigned and kind in _REJECTS) or (not unassigned and kind in _AUTHENTICATIONS):
        raise Answered(
            _status(number, pti, GsmCause.INVALID_PTI_VALUE), f"PTI {pti} does not fit the message"
        )


def _unreadable(error: nas.NasError, number: int, pti: int, kind: int) -> nas.GsmMessage | None:
    """§7.5.3: a request is rejected; anything else meets 5GSM STATUS (§7.5.1), except a STATUS."""
    if kind == nas.FiveGSMStatus.TYPE:
        return None
    cause = error.cause or GsmCause.PROTOCOL_ERROR_UNSPECIFIED
    return _REJECTS.get(kind, nas.FiveGSMStatus)(pdu_session_id=number, pti=pti, cause=cause)


def _status(number: int, pti: int, cause: GsmCause) -> nas.FiveGSMStatus:
    return nas.FiveGSMStatus(pdu_session_id=number, pti=pti, cause=cause)


def status(message: nas.GsmMessage, cause: GsmCause) -> nas.FiveGSMStatus:
    return _status(message.pdu_session_id, message.pti, cause)


def refused(message: nas.GsmMessage, cause: GsmCause) -> nas.GsmMessage:
    """The reject that belongs to a request, 5GSM STATUS for anything else."""
    reject = _REJECTS.get(message.TYPE, nas.FiveGSMStatus)
    return reject(pdu_session_id=message.pdu_session_id, pti=message.pti, cause=cause)


def establishment_request(n1: bytes | None, body: SmContextCreateData) -> nas.PDUSessionEstablishmentRequest:
    """The UE's request out of a create. SmContextRefused by TS 24.501 clause 7, without N1 where it wants silence."""
    try:
        message = uplink_message(n1 or b"", body.pdu_session_id or 0)
    except Answered as answered:
        raise _n1_error(answered.answer, str(answered)) from None
    if isinstance(message, nas.PDUSessionEstablishmentRequest):
        return message
    cause = GsmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE
    answer = None if isinstance(message, nas.FiveGSMStatus) else status(message, cause)
    raise _n1_error(answer, f"{message.NAME} opens no PDU session")


def _n1_error(answer: nas.GsmMessage | None, reason: str) -> SmContextRefused:
    return SmContextRefused(403, "N1_SM_ERROR", reason, None if answer is None else nas.encode(answer))


COMPLETES = (
    nas.PDUSessionReleaseComplete,
    nas.PDUSessionModificationComplete,
    nas.PDUSessionModificationCommandReject,
)


async def received(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    """A 5GSM message of the UE to a session that is there."""
    commanded = session.awaits(nas.PDUSessionReleaseComplete, nas.PDUSessionModificationComplete)
    in_use = session.pti if commanded else None
    try:
        message = uplink_message(octets, session.context.pdu_session_id, in_use)
    except Answered as answered:
        session.runtime.report(session, "", answered, str(answered))
        return updated(None, n1=b"" if answered.answer is None else nas.encode(answered.answer))
    if isinstance(message, nas.PDUSessionReleaseRequest):
        return await release_requested(session, message)
    if isinstance(message, nas.FiveGSMStatus):
        return await status_received(session, message)
    if isinstance(message, nas.PDUSessionModificationRequest):
        return await modification_requested(session, message)
    if isinstance(message, COMPLETES):
        session.receive(message)
        return updated(None)
    if isinstance(message, nas.RemoteUEReport):
        return remote_ue_reported(session, message)
    answer = session.status(message)
    return updated(None, n1=nas.encode(answer) if isinstance(answer, nas.GsmMessage) else b"")


def remote_ue_reported(session: PduSession, message: nas.RemoteUEReport) -> UpdateSmContextResponse:
    """TS 24.501 §6.6.2: answered; of the UEs behind a relay UE nothing is kept, their packets are the relay's."""
    if session.is_releasing:  # §6.6.2.5 a)
        session.runtime.report(session, "", message, "ignored: a release is under way")
        return updated(None)
    if session.context.state == "INACTIVE":  # §6.6.2.5 b)
        return updated(None, n1=nas.encode(status(message, GsmCause.INVALID_PDU_SESSION_IDENTITY)))
    what = [
        word
        for word, remote in (
            ("connected", message.remote_ue_context_connected),
            ("disconnected", message.remote_ue_context_disconnected),
        )
        if remote
    ]
    said = f"remote UEs {' and '.join(what) or 'unnamed'} behind {session.label}"
    session.runtime.report(session, "", message, said)
    response = nas.RemoteUEReportResponse(pdu_session_id=message.pdu_session_id, pti=message.pti)
    return updated(None, n1=nas.encode(response))


async def modification_requested(
    session: PduSession, message: nas.PDUSessionModificationRequest
) -> UpdateSmContextResponse:
    """TS 24.501 §6.4.2."""
    under_way = "a release" if session.is_releasing else "a modification" if session.is_modifying else ""
    if under_way:  # §6.3.3.5 b), §6.3.2.5 d)
        session.runtime.report(session, "", message, f"ignored: {under_way} is under way")
        return updated(None)
    if {"requested_qos_rules", "requested_qos_flow_descriptions"} & {name for name, _ in message.faults}:
        why = Why(f"{session.label}: the QoS that the UE asks for cannot be read")
        session.runtime.report(session, "", message, why)
        return updated(None, n1=nas.encode(refused(message, GsmCause.SYNTACTICAL_ERROR_IN_THE_QOS_OPERATION)))
    requested = UeModification(message, asyncio.get_running_loop().create_future())
    session.runtime.spawn(partial(answered, session, requested), "ue_requested_modification")
    n1, n2 = await requested.answer
    return updated(None, n1=n1, n2=n2, n2_type="PDU_RES_MOD_REQ" if n2 else None)


async def release_requested(
    session: PduSession, message: nas.PDUSessionReleaseRequest
) -> UpdateSmContextResponse:
    if session.is_releasing:
        session.runtime.report(session, "", message, "ignored: a release is under way")  # TS 24.501 §6.3.3.5
        return updated(None)
    if session.context.state == "INACTIVE" and session.is_idle:
        return updated(None, n1=nas.encode(refused(message, GsmCause.PDU_SESSION_DOES_NOT_EXIST)))
    session.give_way("the UE releases the session")  # TS 24.501 §6.3.2.5 c)
    requested = UeRelease(message, asyncio.get_running_loop().create_future())
    session.runtime.spawn(partial(answered, session, requested), "ue_requested_release")
    n1, n2 = await requested.answer
    return updated(None, n1=n1, n2=n2, n2_type="PDU_RES_REL_CMD" if n2 else None)


async def answered(session: PduSession, requested: UeRelease | UeModification) -> None:
    """The procedure that a UE asked for, to its end; the AMF waits for the first command or reject only."""
    try:
        await session.demand(requested)
    except (Aborted, Refused, TimerExpired) as ended:
        session.runtime.report(session, "", requested.message, str(ended))
    finally:
        requested.first(b"", b"")


async def status_received(session: PduSession, message: nas.FiveGSMStatus) -> UpdateSmContextResponse:
    """TS 24.501 §6.5.3: the UE has no such session, or no such procedure."""
    cause, this_pti = message.cause, message.pti == session.pti
    session.runtime.report(session, "", message, f"the UE says cause {cause}")
    if cause == GsmCause.INVALID_PDU_SESSION_IDENTITY:
        gone = True
    elif session.is_releasing:
        gone = False
        if cause == GsmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED or (
            this_pti and cause in (GsmCause.PTI_MISMATCH, GsmCause.INVALID_PTI_VALUE)
        ):
            session.receive(N1N2TransferFailed())
    else:  # the PTI of the accept: the UE did not take the session
        gone = cause == GsmCause.PTI_MISMATCH and this_pti and message.pti != UNASSIGNED_PTI
    if not gone:
        return updated(None)
    answer = await dropped(session, "5GSM STATUS")
    await session.notify_released()
    return answer


async def dropped(session: PduSession, why: str) -> UpdateSmContextResponse:
    """A local release (TS 24.501 §5.4.5.2.5 a) 12, §6.5.3): the UE hears nothing, the gNB frees its resources."""
    n2 = transfers.release_command_transfer() if session.up_cnx_state != "DEACTIVATED" else b""
    session.abort(why)
    await demanded(session, LocalRelease(why))
    return updated("DEACTIVATED", n2=n2, n2_type="PDU_RES_REL_CMD" if n2 else None)


_Reject = (
    type[nas.PDUSessionEstablishmentReject]
    | type[nas.PDUSessionModificationReject]
    | type[nas.PDUSessionReleaseReject]
    | type[nas.FiveGSMStatus]
)
_REJECTS: dict[int, _Reject] = {
    nas.PDUSessionEstablishmentRequest.TYPE: nas.PDUSessionEstablishmentReject,
    nas.PDUSessionModificationRequest.TYPE: nas.PDUSessionModificationReject,
    nas.PDUSessionReleaseRequest.TYPE: nas.PDUSessionReleaseReject,
}
_COMPLETES = frozenset(
    kind.TYPE
    for kind in (
        nas.PDUSessionModificationComplete,
        nas.PDUSessionModificationCommandReject,
        nas.PDUSessionReleaseComplete,
    )
)
_AUTHENTICATIONS = frozenset(
    kind.TYPE for kind in (nas.PDUSessionAuthenticationComplete, nas.ServiceLevelAuthenticationComplete)
)
_FROM_UE = frozenset(
    (*_REJECTS, *_COMPLETES, *_AUTHENTICATIONS, nas.FiveGSMStatus.TYPE, nas.RemoteUEReport.TYPE)
)
