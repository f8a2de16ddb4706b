"""The SMF with the UPF of this core: what the one derives the other takes, or says why not."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import IPv4Address, IPv4Network

from cinq.nf.upf import UPF, Settings
from cinq.procedure import Inside, Journal, VirtualClock, run_virtual
from cinq.transport_address import TransportAddress
from cinq.wire import gtpu, nas, ngap, pfcp
from tests.nf.smf.gnb import INDIRECT, acknowledge, path_switch
from tests.nf.smf.pcf import (
    MOMENT,
    commands,
    complete,
    in_force,
    session_of,
    with_ambr,
    with_rule,
    without_rule,
)
from tests.nf.smf.world import UPF_PEER, World
from tests.nf.upf.peer import ModelPlane

SMF_PEER = ("127.0.0.4", 8805)


class N4:
    """The wire between the two; what the UPF sends arrives a turn later."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, octets: bytes, peer: tuple[str, int]) -> None:
        asyncio.get_running_loop().call_soon(self._world.smf.n4_received, octets, UPF_PEER)


class Handed(Inside[pfcp.Message]):
    """The way of messages that are handed over: each is what its octets would say."""

    def send(self, message: pfcp.Message) -> None:
        octets = pfcp.encode(message, sequence=message.sequence, seid=message.seid)
        assert pfcp.decode(octets) == message
        super().send(message)


def play(scene: Callable[[World, ModelPlane], Awaitable[None]]) -> None:
    """As datagrams, and handed over within a process."""
    _play(scene, handed=False)
    _play(scene, handed=True)


def _play(scene: Callable[[World, ModelPlane], Awaitable[None]], *, handed: bool) -> None:
    async def main() -> None:
        world, plane, counter = World(), ModelPlane(), itertools.count(1)
        upf = UPF(
            Settings(
                IPv4Address(UPF_PEER[0]),
                TransportAddress(IPv4Address("10.0.0.1")),
                (IPv4Network("10.45.0.0/16"),),
                (IPv4Address(SMF_PEER[0]),),
            ),
            N4(world),
            VirtualClock(),
            lambda n: next(counter).to_bytes(n, "big"),
            Journal(),
        )
        upf.start(plane)
        world.upf.send = lambda octets, peer: upf.n4_received(octets, SMF_PEER)  # type: ignore[method-assign]
        if handed:
            world.smf.n4_inside(UPF_PEER, Handed(partial(upf.n4_handed, peer=SMF_PEER)))
            upf.n4_inside(SMF_PEER, Handed(partial(world.smf.n4_handed, peer=UPF_PEER)))
        await world.start()
        await scene(world, plane)
        await world.smf.stop()

    run_virtual(main())


def markers(plane: ModelPlane) -> list[tuple[int, str]]:
    """Where end markers went."""
    read = [(gtpu.decode(octets), peer[0]) for octets, peer in plane.sent]
    return [(message.teid, address) for message, address in read if isinstance(message, gtpu.EndMarker)]


def test_a_session_its_rates_and_its_end() -> None:
    async def scene(w: World, plane: ModelPlane) -> None:
        ref = await w.active()
        await w.decide(ref, with_ambr("10 Mbps", "20 Mbps"))
        await asyncio.sleep(MOMENT)
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        assert session_of(w).context.qos.ambr.downlink_bps == 20_000_000
        await w.update(ref, state="DEACTIVATED")
        await w.update(ref, state="ACTIVATING")
        await w.setup_response(ref, 9)
        await w.release(ref)
        await asyncio.sleep(MOMENT)
        assert not plane.model.registry.sessions

    play(scene)


def test_a_rule_of_the_pcf_becomes_a_flow_of_the_upf() -> None:
    """Two PDRs with its filter each way, and a QoS rule with the same filter at the UE; gone with the rule."""

    async def scene(w: World, plane: ModelPlane) -> None:
        w.pcf.decision = with_rule()
        ref = await w.active()
        (accept,) = w.amf.n1()
        assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
        assert in_force(w)
        assert len(accept.authorized_qos_rules) == 2
        (rules,) = plane.model.registry.sessions.values()
        (decap,), (encap,) = rules.decap, rules.encap
        assert [len(flow.filters) for flow in decap.flows] == [1, 0]
        assert [flow.filters for flow in encap.flows] == [flow.filters for flow in decap.flows]
        assert encap.flows[0].qfi == decap.flows[0].qfis[0] != encap.flows[1].qfi
        await w.decide(ref, without_rule())
        await asyncio.sleep(MOMENT)
        assert len(commands(w)) == 1
        await w.update(ref, n1=complete())
        await asyncio.sleep(MOMENT)
        (rules,) = plane.model.registry.sessions.values()
        assert [rule.flows for rule in rules.encap] == [()]

    play(scene)


def test_handovers() -> None:
    """An end marker goes down each path that is left; a UPF that does not forward costs no session."""

    async def scene(w: World, plane: ModelPlane) -> None:
        ref = await w.active()
        await w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ")
        assert markers(plane) == [(7, "10.0.0.2")]
        await w.update(ref, n2=INDIRECT, kind="HANDOVER_REQUIRED", ho_state="PREPARING")
        answer = await w.update(
            ref, n2=acknowledge(forwarding=True), kind="HANDOVER_REQ_ACK", ho_state="PREPARED"
        )
        assert answer.binary_data_n2_sm_information is not None
        ngap.decode_value(ngap.HandoverCommandTransfer, answer.binary_data_n2_sm_information)
        await w.update(ref, ho_state="COMPLETED")
        assert session_of(w).up_cnx_state == "ACTIVATED"
        await asyncio.sleep(10)
        await w.release(ref)
        await asyncio.sleep(MOMENT)
        assert not plane.model.registry.sessions

    play(scene)
