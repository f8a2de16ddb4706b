"""PDU SESSION ESTABLISHMENT and MODIFICATION REJECT: their cause, and with which a back-off timer comes.

TS 24.501 §6.4.1.4.1 and §6.4.2.4.1.
"""

from __future__ import annotations

from cinq.procedure import Why
from cinq.sbi.services.nsmf_pdusession import SmContextRefused
from cinq.wire import nas
from cinq.wire.nas import GsmCause

CONGESTION = frozenset(
    (
        GsmCause.INSUFFICIENT_RESOURCES,
        GsmCause.INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE_AND_DNN,
        GsmCause.INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE,
    )
)
"""The back-off timer is T3396, T3584 or T3585 of the UE."""
LASTING = frozenset(
    (
        GsmCause.OPERATOR_DETERMINED_BARRING,
        GsmCause.MISSING_OR_UNKNOWN_DNN,
        GsmCause.USER_AUTHENTICATION_OR_AUTHORIZATION_FAILED,
        GsmCause.SERVICE_OPTION_NOT_SUPPORTED,
        GsmCause.REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED,
        GsmCause.MISSING_OR_UNKNOWN_DNN_IN_A_SLICE,
        GsmCause.MAXIMUM_DATA_RATE_PER_UE_FOR_USER_PLANE_INTEGRITY_PROTECTION_IS_TOO_LOW,
    )
)
"""Asking again changes nothing: a back-off timer, and no attempt elsewhere meanwhile. Without a timer a UE waits
12 minutes (§6.4.1.4.3)."""
OF_A_TYPE = frozenset(
    (
        GsmCause.PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED,
        GsmCause.PDU_SESSION_TYPE_IPV6_ONLY_ALLOWED,
        GsmCause.PDU_SESSION_TYPE_IPV4V6_ONLY_ALLOWED,
        GsmCause.PDU_SESSION_TYPE_UNSTRUCTURED_ONLY_ALLOWED,
        GsmCause.PDU_SESSION_TYPE_ETHERNET_ONLY_ALLOWED,
    )
)
"""No timer is allowed with these; the UE does not ask for the type again in this PLMN, nor in equivalent ones."""


def back_off(cause: int, seconds: int) -> int | None:
    """Seconds of the Back-off timer value IE; None where it is not to be there."""
    return seconds if cause in CONGESTION or cause in LASTING else None


def re_attempt(cause: int) -> nas.ReAttemptIndicator | None:
    """Neither in S1 mode nor in an equivalent PLMN: what is refused is refused by the subscription."""
    if cause in LASTING:
        return nas.ReAttemptIndicator(not_in_s1_mode=True, not_in_equivalent_plmn=True)
    return nas.ReAttemptIndicator(not_in_equivalent_plmn=True) if cause in OF_A_TYPE else None


def establishment_reject(
    pdu_session_id: int, pti: int, cause: int, back_off_s: int, allowed: frozenset[int] | None = None
) -> nas.PDUSessionEstablishmentReject:
    """allowed: SSC modes, with #68."""
    return nas.PDUSessionEstablishmentReject(
        pdu_session_id=pdu_session_id,
        pti=pti,
        cause=cause,
        back_off_timer=back_off(cause, back_off_s),
        allowed_ssc_mode=allowed,
        re_attempt_indicator=re_attempt(cause),
    )


def modification_reject(
    message: nas.GsmMessage, cause: int, back_off_s: int
) -> nas.PDUSessionModificationReject:
    return nas.PDUSessionModificationReject(
        pdu_session_id=message.pdu_session_id,
        pti=message.pti,
        cause=cause,
        back_off_timer=back_off(cause, back_off_s),
        re_attempt_indicator=re_attempt(cause),
    )


class Denied(Exception):
    """A UE does not get the PDU session. error: of TS 29.502 table 6.1.7.3-1. allowed: SSC modes, with #68."""

    def __init__(
        self,
        cause: GsmCause,
        error: str,
        why: Why,
        *,
        status: int = 403,
        allowed: frozenset[int] | None = None,
    ) -> None:
        super().__init__(why)
        self.cause = cause
        self.error = error
        self.why = why
        self.status = status
        self.allowed = allowed

    def refusal(self, pdu_session_id: int, pti: int, back_off_s: int) -> SmContextRefused:
        """The create refused, with PDU SESSION ESTABLISHMENT REJECT for the UE."""
        reject = establishment_reject(pdu_session_id, pti, self.cause, back_off_s, self.allowed)
        return SmContextRefused(self.status, self.error, self.why, nas.encode(reject))
