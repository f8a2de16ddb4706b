"""5GSM messages from the UE: which are read, and what is answered to those that cannot be (TS 24.501 clause 7)."""

from __future__ import annotations

from cinq.wire import nas
from cinq.wire.nas import GsmCause

RESERVED_PTI = 255


class Answered(Exception):
    """The message ends here. answer: 5GSM message for the UE, None for silence. reason: for the journal."""

    def __init__(self, answer: nas.GsmMessage | None, reason: str) -> None:
        super().__init__(reason)
        self.answer = answer


def uplink_message(octets: bytes, pdu_session_id: int) -> nas.GsmMessage:
    """The message to a session that exists. Raises Answered."""
    try:
        message = nas.decode(octets)
    except nas.NasError as error:
        raise Answered(_unreadable(error, pdu_session_id), str(error)) from None
    if not isinstance(message, nas.GsmMessage):
        raise Answered(None, f"{message.NAME} is no 5GSM message")  # §7.2.1
    if message.pti == RESERVED_PTI:
        raise Answered(None, "PTI 255 is reserved")  # §7.3.1
    if message.pdu_session_id != pdu_session_id:
        cause = GsmCause.INVALID_PDU_SESSION_IDENTITY
        raise Answered(refused(message, cause), f"PDU session identity {message.pdu_session_id}")
    if message.pti == 0 and isinstance(message, _REQUESTS):
        raise Answered(refused(message, GsmCause.INVALID_PTI_VALUE), "PTI 0 in a request")
    return message


def _unreadable(error: nas.NasError, pdu_session_id: int) -> nas.GsmMessage | None:
    """§7.5.1: a request is rejected, anything else meets 5GSM STATUS; what has no type is ignored (§7.2.1)."""
    if error.cause is None or error.pti is None or error.pti == RESERVED_PTI:
        return None
    reject = _REJECTS.get(error.message_type or 0)
    if reject is not None:
        return reject(pdu_session_id=pdu_session_id, pti=error.pti, cause=error.cause)
    return nas.FiveGSMStatus(pdu_session_id=pdu_session_id, pti=error.pti, cause=error.cause)


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
_REQUESTS = (
    nas.PDUSessionEstablishmentRequest,
    nas.PDUSessionModificationRequest,
    nas.PDUSessionReleaseRequest,
)
