"""5GSM messages from the network: which a UE takes, and what it says to the others (TS 24.501 clause 7)."""

from __future__ import annotations

from cinq.ran.ue.context import RESERVED_PTI, UNASSIGNED_PTI
from cinq.ran.ue.session import Session
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GsmCause


class Answered(Exception):
    """The message ends here. answer: 5GSM message for the network, None for silence. reason: for the journal."""

    def __init__(self, answer: nas.GsmMessage | None, reason: str) -> None:
        super().__init__(reason)
        self.answer = answer


class Unreadable(Exception):
    """A message of which a mandatory element is wrong (§7.5.3), to a session that exists."""

    def __init__(self, session: Session, kind: int, pti: int, error: nas.NasError) -> None:
        super().__init__(str(error))
        self.session, self.kind, self.pti = session, kind, pti
        self.cause = error.cause or GsmCause.PROTOCOL_ERROR_UNSPECIFIED


def downlink_message(ue: Ue, octets: bytes) -> tuple[Session, nas.GsmMessage]:
    """The message, and the session that it is for. Raises Answered or Unreadable, in the order of clause 7."""
    if len(octets) < 4 or octets[0] != nas.GsmMessage.EPD:
        raise Answered(None, f"too short, or no 5GSM message: {octets[:4].hex()}")  # §7.2.1
    number, pti, kind = octets[1], octets[2], octets[3]
    session = ue.sessions.get(number)
    _check_pti(ue, session, number, pti, kind)
    if session is None:  # §7.3.2
        known = 1 <= number <= 15 and kind != nas.FiveGSMStatus.TYPE
        answer = _status(number, pti, GsmCause.INVALID_PDU_SESSION_IDENTITY) if known else None
        raise Answered(answer, f"there is no PDU session {number}")
    if kind not in _FROM_NETWORK:  # §7.4
        cause = GsmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED
        raise Answered(_status(number, pti, cause), f"message type {kind:#x} is none of a network")
    try:
        message = nas.decode(octets)
    except nas.NasError as error:
        raise Unreadable(session, kind, pti, error) from None
    assert isinstance(message, nas.GsmMessage)
    return session, message


def _check_pti(ue: Ue, session: Session | None, number: int, pti: int, kind: int) -> None:
    """§7.3.1, UE procedures a) to f)."""
    if pti == RESERVED_PTI:
        raise Answered(None, "PTI 255 is reserved")
    if pti == UNASSIGNED_PTI:
        if kind in _ANSWERS:
            raise Answered(None, "PTI 0 in an answer")
        return
    if kind in _AUTHENTICATIONS:
        raise Answered(
            _status(number, pti, GsmCause.INVALID_PTI_VALUE), f"PTI {pti} does not fit the message"
        )
    if kind not in _ANSWERS and kind not in _COMMANDS:
        return
    if session is not None and session.pti == pti:
        return
    if kind == nas.PDUSessionReleaseCommand.TYPE and ue.released.get(number) == pti:
        complete = nas.PDUSessionReleaseComplete(pdu_session_id=number, pti=pti)
        raise Answered(complete, "a release command that was confirmed already")
    raise Answered(_status(number, pti, GsmCause.PTI_MISMATCH), f"PTI {pti} is not in use")


def _status(number: int, pti: int, cause: int) -> nas.FiveGSMStatus:
    return nas.FiveGSMStatus(pdu_session_id=number, pti=pti, cause=cause)


_ANSWERS = frozenset(
    kind.TYPE
    for kind in (
        nas.PDUSessionEstablishmentAccept,
        nas.PDUSessionEstablishmentReject,
        nas.PDUSessionModificationReject,
        nas.PDUSessionReleaseReject,
    )
)
_COMMANDS = frozenset(kind.TYPE for kind in (nas.PDUSessionModificationCommand, nas.PDUSessionReleaseCommand))
_AUTHENTICATIONS = frozenset(
    kind.TYPE
    for kind in (
        nas.PDUSessionAuthenticationCommand,
        nas.PDUSessionAuthenticationResult,
        nas.ServiceLevelAuthenticationCommand,
    )
)
_FROM_NETWORK = _ANSWERS | _COMMANDS | _AUTHENTICATIONS | {nas.FiveGSMStatus.TYPE}
