"""Extended protocol configuration options, TS 24.008 §10.5.6.3."""

from __future__ import annotations

from cinq.nf.smf.settings import DataNetwork
from cinq.wire import nas


def extended_pco(requested: nas.ExtendedPco | None, network: DataNetwork) -> nas.ExtendedPco | None:
    """DNS servers and link MTU for a UE that asks for them."""
    if requested is None:
        return None
    asked = {identifier for identifier, _ in requested}
    answer: nas.ExtendedPco = []
    if nas.EPCO_DNS_SERVER_IPV4 in asked:
        answer += [(nas.EPCO_DNS_SERVER_IPV4, server.packed) for server in network.dns]
    if nas.EPCO_IPV4_LINK_MTU in asked:
        answer.append((nas.EPCO_IPV4_LINK_MTU, network.mtu.to_bytes(2, "big")))
    return answer or None
