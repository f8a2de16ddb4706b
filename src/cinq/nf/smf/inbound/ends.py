"""A gNB's end of N3 as it tells it: not one that leads back to this core."""

from __future__ import annotations

from cinq.nf.smf.context import AnTunnel
from cinq.nf.smf.mobility import Acknowledged, Switched
from cinq.nf.smf.n2 import Modified, Resources, TransferError
from cinq.nf.smf.session import PduSession

Said = Resources | Switched | Acknowledged | Modified


def checked(session: PduSession, said: Said) -> None:
    """TransferError when packets for one of the ends would come back to the UPF, to us or to a UE."""
    for end in _ends(said):
        if wrong := _wrong(session, end):
            raise TransferError(f"the tunnel end {wrong}")


def _ends(said: Said) -> list[AnTunnel]:
    if isinstance(said, Switched):
        return [said.made.an]
    if isinstance(said, Acknowledged):
        return [said.made.an, *(tunnel.end for tunnel in said.tunnels)]
    return [] if said.an is None else [said.an]


def _wrong(session: PduSession, end: AnTunnel) -> str:
    settings, address, n3 = session.ports.settings, end.address, session.context.n3_ipv4
    if address in (n3, settings.node_id, *(upf.address for upf in settings.user_planes)):
        return f"{address} is ours"
    if any(address in network.pool for network in settings.data_networks):
        return f"{address} is in a UE pool"
    if address.is_link_local or (address.is_loopback and not n3.is_loopback):
        return f"{address} is no address that N3 reaches"
    return ""
