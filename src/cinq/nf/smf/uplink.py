"""5GSM messages from the UE: which are read, and what is answered to those that cannot be (TS 24.501 clause 7)."""

from __future__ import annotations

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


def modification_refused(message: nas.PDUSessionModificationRequest) -> nas.GsmMessage:
    """§6.4.2.4: QoS flows are those of the subscription, the UE cannot change them."""
    wrong_qos = {"requested_qos_rules", "requested_qos_flow_descriptions"} & {
        name for name, _ in message.faults
    }
    if wrong_qos:
        return refused(message, GsmCause.SYNTACTICAL_ERROR_IN_THE_QOS_OPERATION)
    if message.requested_qos_rules or message.requested_qos_flow_descriptions:
        return refused(message, GsmCause.QOS_5GS_NOT_ACCEPTED)
    return refused(message, GsmCause.SERVICE_OPTION_NOT_SUPPORTED)


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
