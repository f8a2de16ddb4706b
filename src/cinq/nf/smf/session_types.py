"""The type of a new PDU session: TS 23.501 §5.8.2.2.1, TS 24.501 §6.4.1.3 and §6.4.1.4.1.

Subscription and data network both have a say: what only one of them has, there is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from cinq.nf.smf.context import SessionType
from cinq.nf.smf.rejects import Denied
from cinq.nf.smf.settings import DataNetwork
from cinq.procedure import Why
from cinq.sbi.services.nudm_sdm import DnnConfiguration
from cinq.wire import nas
from cinq.wire.nas import GsmCause, PduSessionType

_NAMES: dict[SessionType, str] = {"IPV4": "IPv4", "IPV6": "IPv6", "ETHERNET": "Ethernet"}
_ONLY: dict[int, tuple[str, GsmCause]] = {
    PduSessionType.IPV4: ("IPV6", GsmCause.PDU_SESSION_TYPE_IPV6_ONLY_ALLOWED),
    PduSessionType.IPV6: ("IPV4", GsmCause.PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED),
}
"""What a UE is told that asks for one version of IP where there is the other alone."""


def requested_type(request: nas.PDUSessionEstablishmentRequest, default: str = "IPV4") -> int:
    """default: that of the subscription, where none is asked for. A value that is unused counts as IPv4v6 (TS 24.501
    table 9.11.4.11.1)."""
    wanted = request.pdu_session_type
    if wanted is None:
        return PduSessionType.__members__.get(default, PduSessionType.IPV4)
    return PduSessionType.IPV4V6 if wanted in (0, 6) else wanted


def _type_name(number: int) -> str:
    """'IPv6' for 2."""
    try:
        name = PduSessionType(number).name
    except ValueError:
        return str(number)
    return name.replace("IPV", "IPv").replace("4V", "4v") if name.startswith("IP") else name.capitalize()


def selected_type(
    supi: str,
    request: nas.PDUSessionEstablishmentRequest,
    network: DataNetwork,
    subscribed: DnnConfiguration,
) -> SessionType:
    """What is asked for, as far as there is it; of IPv4v6 one version where there is one only. Denied else."""
    types = subscribed.pdu_session_types
    allowed = types.allowed_session_types or [types.default_session_type]
    wanted = requested_type(request, types.default_session_type)
    given = given_types(allowed, network)
    versions = [each for each in given if each != "ETHERNET"]
    if wanted == PduSessionType.IPV4V6 and versions:
        return "IPV4V6" if len(versions) == 2 else versions[0]
    for each in given:
        if wanted == PduSessionType[each]:
            return each
    served = " and ".join(_NAMES[each] for each in given_types(("IPV4V6", "ETHERNET"), network))
    why = Why(
        f"{supi} asks for PDU session type {_type_name(wanted)}; for {network.name} are subscribed "
        f"{', '.join(allowed)}, served is {served}",
        f"let the UE ask for {_NAMES[given[0]] if given else served}: the type of its APN settings"
        + ("" if network.ipv6_pool else f", or give the [[dnn]] table of {network.name} an `ipv6_pool`"),
    )
    error = "PDUTYPE_NOT_SUPPORTED" if versions else "PDUTYPE_DENIED"
    raise Denied(_cause(wanted, allowed, versions), error, why)


def _cause(wanted: int, allowed: Sequence[str], versions: Sequence[str]) -> GsmCause:
    """§6.4.1.4.1: #50 and #51 where all, or the subscription alone, is limited to the other version; else #28."""
    other, cause = _ONLY.get(wanted, ("", GsmCause.UNKNOWN_PDU_SESSION_TYPE))
    is_limited = [*versions] == [other] or [*allowed] == [other]
    return cause if is_limited else GsmCause.UNKNOWN_PDU_SESSION_TYPE


def given_types(allowed: Sequence[str], network: DataNetwork) -> list[SessionType]:
    """The types that the subscription allows and the data network has; either version of IP where both are allowed."""
    found: list[SessionType] = []
    if "IPV4" in allowed or "IPV4V6" in allowed:
        found.append("IPV4")
    if network.ipv6_pool is not None and ("IPV6" in allowed or "IPV4V6" in allowed):
        found.append("IPV6")
    if network.ethernet and "ETHERNET" in allowed:
        found.append("ETHERNET")
    return found
