"""Indirect data forwarding at the UPF while a handover runs: TS 23.502 §4.9.1.3.2 steps 11d and 11e.

Each tunnel of the target gets a PDR of its own, whose F-TEID the UPF chooses and the source gNB is given, and a FAR.
"""

from __future__ import annotations

from dataclasses import replace

from cinq.nf.smf import rules, user_plane
from cinq.nf.smf.context import AnTunnel
from cinq.nf.smf.mobility import Forwarding
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.session import PduSession
from cinq.wire import pfcp

FIRST_PDR, FIRST_FAR = 0x400, 0x40  # above those of the session's rules


async def set_up(session: PduSession, tunnels: tuple[Forwarding, ...]) -> tuple[Forwarding, ...]:
    """The same tunnels, ending at the UPF. N4Error when it does not offer them."""
    if not tunnels:
        return ()
    forwarded, end = pfcp.InterfaceType.N3_FOR_DATA_FORWARDING, rules.choose_as(session.context.n3)
    pdrs = [
        pfcp.CreatePdr(
            pdr_id=FIRST_PDR + number,
            precedence=1,
            pdi=pfcp.Pdi(
                source_interface=pfcp.Interface.ACCESS,
                f_teid=end,
                network_instance=rules.instance(session.context.dnn),
                interface_type=forwarded,
            ),
            outer_header_removal=rules.removal(end),
            far_id=FIRST_FAR + number,
        )
        for number in range(len(tunnels))
    ]
    fars = [
        pfcp.CreateFar(
            far_id=FIRST_FAR + number,
            apply_action=rules.FORWARD,
            forwarding_parameters=pfcp.ForwardingParameters(
                destination_interface=pfcp.Interface.ACCESS,
                outer_header_creation=pfcp.OuterHeaderCreation.gtpu(tunnel.end.teid, *tunnel.end.ends.all),
                interface_type=forwarded,
            ),
        )
        for number, tunnel in enumerate(tunnels)
    ]
    response = await user_plane.modify(
        session, pfcp.SessionModificationRequest(create_pdrs=pdrs, create_fars=fars)
    )
    given = {pdr.pdr_id: pdr.f_teid for pdr in response.created_pdrs}
    ends = [given.get(FIRST_PDR + number) for number in range(len(tunnels))]
    made = [_end(end) for end in ends]
    if None in made:
        await remove(session, len(tunnels))
        raise N4Error(f"UPF {session.context.access.upf}: no F-TEID for data forwarding")
    return tuple(replace(t, end=end) for t, end in zip(tunnels, made, strict=True) if end is not None)


def _end(f_teid: pfcp.FTeid | None) -> AnTunnel | None:
    if f_teid is None or not f_teid.teid or not f_teid.ends.all:
        return None
    return AnTunnel(f_teid.teid, f_teid.ipv4, f_teid.ipv6)


async def remove(session: PduSession, count: int) -> None:
    """So many tunnels end. N4Error when the UPF does not say so."""
    if not count or not user_plane.is_at_upf(session):
        return
    request = pfcp.SessionModificationRequest(
        remove_pdrs=[pfcp.RemovePdr(pdr_id=FIRST_PDR + number) for number in range(count)],
        remove_fars=[pfcp.RemoveFar(far_id=FIRST_FAR + number) for number in range(count)],
    )
    await user_plane.modify(session, request)
