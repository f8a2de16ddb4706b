"""REGISTRATION REJECT, TS 24.501 §5.5.1.2.5 and §5.5.1.3.5: which 5GMM cause, which timer, and why."""

from __future__ import annotations

from cinq.nf.amf.ue import Ue
from cinq.procedure import Refused
from cinq.sbi import Problem
from cinq.wire import nas
from cinq.wire.nas import GmmCause

CAUSES: dict[str, GmmCause] = {
    "USER_NOT_FOUND": GmmCause.ILLEGAL_UE,
    "AUTHENTICATION_REJECTED": GmmCause.ILLEGAL_UE,
    "SERVING_NETWORK_NOT_AUTHORIZED": GmmCause.SERVING_NETWORK_NOT_AUTHORIZED,
    "SNSSAI_NOT_SUPPORTED": GmmCause.NO_NETWORK_SLICES_AVAILABLE,
    "ROAMING_NOT_ALLOWED": GmmCause.PLMN_NOT_ALLOWED,
    "RAT_NOT_ALLOWED": GmmCause.N1_MODE_NOT_ALLOWED,
    "UNKNOWN_5GS_SUBSCRIPTION": GmmCause.SERVICES_5GS_NOT_ALLOWED,
    "ACCESS_NOT_ALLOWED": GmmCause.SERVICES_5GS_NOT_ALLOWED,
}
"""Application errors of TS 29.503 §6.2.7.3, TS 29.509 and TS 29.531 as 5GMM causes (TS 29.524 §4).

#27 where the UE may not use N1 mode in this PLMN and may use another radio: it keeps its USIM for that. #7 where it has
no 5GS services at all (TS 24.501 annex A).
"""


def rejected(cause: int) -> nas.RegistrationReject:
    return nas.RegistrationReject(cause=cause)


def congestion(ue: Ue) -> nas.RegistrationReject:
    """#22 comes with T3346, spread so that not all come back at once (TS 24.501 §5.3.9)."""
    return nas.RegistrationReject(cause=GmmCause.CONGESTION, t3346=back_off(ue))


def back_off(ue: Ue) -> int | None:
    """T3346: at least what the settings say, and up to half as much more.

    None while nothing to this UE is protected: it would not believe the value and wait for 15 to 30 minutes
    (TS 24.501 §5.5.1.2.5, §5.6.1.5), for what may be over in seconds. Without one #22 is an abnormal case: the UE tries
    again after T3511, and after the fifth time waits for T3502 (§5.5.1.2.7).
    """
    if not ue.exchange.secured:
        return None
    least = ue.ports.settings.t3346_s
    return least + least * ue.ports.entropy(4)[-1] // 512


def refused(ue: Ue, problem: Problem) -> Refused:
    """What a service refuses, as the UE hears it. Whatever is wrong with a SUCI gets one answer (TS 33.501 §C.2)."""
    cause = cause_of(problem)
    return Refused(congestion(ue) if cause == GmmCause.CONGESTION else rejected(cause), problem.why)


def cause_of(problem: Problem) -> GmmCause:
    if problem.status in (403, 404) and problem.cause in CAUSES:
        return CAUSES[problem.cause]
    if problem.status in (403, 404) and problem.cause != "CONTEXT_NOT_FOUND":
        return GmmCause.SERVICES_5GS_NOT_ALLOWED
    return GmmCause.CONGESTION
