"""Overload Start and Stop, TS 38.413 §8.7.7 and §8.7.8; AMF Status Indication, §8.7.6."""

from __future__ import annotations

from cinq.ran.gnb.context import Overload
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.n2.elements import guami_of, s_nssai_of
from cinq.ran.radio.port import EstablishmentCause
from cinq.wire import ngap

_DATA = frozenset(("mo-Data", "mo-SMS", "mo-VideoCall", "mo-VoiceCall"))
_PRIORITY = frozenset(("highPriorityAccess", "mps-PriorityAccess", "mcs-PriorityAccess"))
_EMERGENCY = frozenset(("emergency",))
_TERMINATED = frozenset(("mt-Access",))


def started(n2: N2, message: ngap.OverloadStart) -> None:
    """OVERLOAD START: a new one replaces all of the one before."""
    slices = []
    for item in message.overload_start_nssai_list or ():
        overload = _overload(item.slice_overload_response, item.slice_traffic_load_reduction_indication)
        slices += [(s_nssai_of(one.s_nssai), overload) for one in item.slice_overload_list]
    wanted = message.amf_overload_response
    everything = not slices or wanted is not None or message.amf_traffic_load_reduction_indication is not None
    n2.commit(
        overload=_overload(wanted, message.amf_traffic_load_reduction_indication) if everything else None,
        slice_overload=tuple(slices),
    )


def _overload(response: ngap.OverloadResponse | None, reduction: int | None) -> Overload:
    return Overload(None if response is None else response[1], 100 if reduction is None else reduction)


def stopped(n2: N2, message: ngap.OverloadStop) -> None:
    """OVERLOAD STOP."""
    n2.commit(overload=None, slice_overload=())


def barred(n2: N2, cause: EstablishmentCause) -> bool:
    """Whether an RRC connection with this cause is rejected: of those concerned, the percentage asked for.

    Slices are not looked at: a gNB learns what NSSAI a UE asks for only where the UE says so in RRC.
    """
    overload = n2.context.overload
    if overload is None or not concerned(overload.action, cause):
        return False
    n2.attempts += 1  # evenly: of a hundred attempts, `reduction` are rejected
    return n2.attempts * overload.reduction // 100 > (n2.attempts - 1) * overload.reduction // 100


def concerned(action: ngap.OverloadAction | None, cause: EstablishmentCause) -> bool:
    """§8.7.7.2: the traffic that an Overload Action means. Without one: all that no emergency or priority excuses."""
    match action:
        case "reject-non-emergency-mo-dt":
            return cause in _DATA
        case "reject-rrc-cr-signalling":
            return cause in _DATA or cause == "mo-Signalling"
        case "permit-emergency-sessions-and-mobile-terminated-services-only":
            return cause not in _EMERGENCY | _TERMINATED
        case "permit-high-priority-sessions-and-mobile-terminated-services-only":
            return cause not in _PRIORITY | _TERMINATED
        case _:
            return cause not in _EMERGENCY | _TERMINATED | _PRIORITY


def status_indicated(n2: N2, message: ngap.AMFStatusIndication) -> None:
    """AMF STATUS INDICATION, §8.7.6: these GUAMIs are going away."""
    n2.commit(unavailable=tuple(guami_of(item.guami) for item in message.unavailable_guami_list))
