"""A gNB's end of N3 as it tells it: not one that leads back to this core."""

from __future__ import annotations

from cinq.nf.smf.context import AnTunnel
from cinq.nf.smf.mobility import Acknowledged, Switched
from cinq.nf.smf.n2 import Modified, Resources, TransferError
from cinq.nf.smf.session import PduSession
from cinq.transport_address import Address

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
    return next(filter(None, (_wrong_address(session, address) for address in end.ends.all)), "")


def _wrong_address(session: PduSession, address: Address) -> str:
    settings, n3 = session.ports.settings, session.context.n3
    if address in (*n3.all, settings.node_id, *(upf.address for upf in settings.user_planes)):
        return f"{address} is ours"
    if any(address in pool for network in settings.data_networks for pool in network.pools):
        return f"{address} is in a UE pool"
    ours = n3.beside(address)
    if address.is_link_local or (address.is_loopback and not (ours is not None and ours.is_loopback)):
        return f"{address} is no address that N3 reaches"
    return ""
