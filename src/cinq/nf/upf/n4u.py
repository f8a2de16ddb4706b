"""What an SMF has pass between the UE and itself in tunnels of N4 (TS 29.244 §5.3.1, scenario 1): router solicitations.

Our UPF answers them itself, from the prefix of the session (TS 23.501 §5.8.2.2.2). So an SMF that wants to answer
(Open5GS) has its rules held and is never asked. Of other packets to or from the CP function nothing is offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv6Network

from cinq.nf.upf.context import FAR, Far, Pdr, failed
from cinq.userplane.flows import Filter
from cinq.wire.pfcp import Cause

ICMPV6 = 58
ALL_ROUTERS = IPv6Network("ff02::2/128")
DESTINATION_INTERFACE = 42


def check(pdrs: Iterable[Pdr], fars: Mapping[int, Far]) -> None:
    """Rejected for a rule by which other packets would go to the SMF, or come from it to another place than the UE."""
    for pdr in pdrs:
        far = fars[pdr.far_id]
        if far.to_cp and not _solicits(pdr):
            what = "only router solicitations of the UE go to the CP function"
        elif pdr.from_cp and (far.to_cp or far.to_access is False):
            what = "what comes from the CP function goes to the UE only"
        else:
            continue
        raise failed(Cause.SERVICE_NOT_SUPPORTED, what, FAR, far.far_id, DESTINATION_INTERFACE)


def _solicits(pdr: Pdr) -> bool:
    return pdr.is_uplink and bool(pdr.filters) and all(map(_is_solicitation, pdr.filters))


def _is_solicitation(one: Filter) -> bool:
    return one.protocol == ICMPV6 and one.remote == ALL_ROUTERS
