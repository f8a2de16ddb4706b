"""Which UPF a session gets, and what becomes of it when that one does not take it. TS 23.501 §6.3.3.3."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from cinq.nf.smf import UserPlane
from cinq.nf.smf.n4 import Peer
from cinq.numbering import SNssai
from cinq.procedure import run_virtual
from cinq.sbi.models import Ncgi, NrLocation, PlmnIdNid, Tai, UserLocation
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause

from .world import ESTABLISHMENT_REQUEST, UPF_PEER, Upf, World

SECOND: Peer = ("127.0.0.17", 8805)
FIRST = UserPlane(IPv4Address(UPF_PEER[0]))
OTHER = UserPlane(IPv4Address(SECOND[0]))
Scene = Callable[[World, Upf, Upf], Awaitable[None]]


class Both:
    """The SMF's N4 port, with two UPFs behind it."""

    def __init__(self, world: World) -> None:
        self.first, self.second = world.upf, Upf()
        self.second._next = 500  # ends of its own
        self.second.smf = world.smf
        self.second.deliver = lambda octets: world.smf.n4_received(octets, SECOND)  # type: ignore[method-assign]

    def send(self, octets: bytes, peer: Peer) -> None:
        (self.first if peer == UPF_PEER else self.second).send(octets, peer)


def play(scene: Scene, *user_planes: UserPlane) -> None:
    async def main() -> None:
        world = World(user_planes=user_planes)
        both = Both(world)
        world.smf.ports.n4._port = both
        await world.start()
        await scene(world, both.first, both.second)
        await world.smf.stop()

    run_virtual(main())


async def sessions(w: World, count: int, **more: object) -> None:
    for number in range(count):
        n1 = ESTABLISHMENT_REQUEST[:1] + bytes((number + 1,)) + ESTABLISHMENT_REQUEST[2:]
        await w.create(n1, psi=number + 1, **more)  # type: ignore[arg-type]
        await asyncio.sleep(0.01)


def at(tac: int) -> UserLocation:
    tai = Tai(plmn_id=PlmnIdNid(mcc="999", mnc="70"), tac=f"{tac:06x}")
    ncgi = Ncgi(plmn_id=PlmnIdNid(mcc="999", mnc="70"), nr_cell_id="000000010")
    return UserLocation(nr_location=NrLocation(tai=tai, ncgi=ncgi))


def test_equals_take_turns() -> None:
    async def scene(w: World, first: Upf, second: Upf) -> None:
        await sessions(w, 6)
        assert (len(first.sessions), len(second.sessions)) == (3, 3)

    play(scene, FIRST, OTHER)


def test_by_capacity() -> None:
    async def scene(w: World, first: Upf, second: Upf) -> None:
        await sessions(w, 8)
        assert (len(first.sessions), len(second.sessions)) == (2, 6)

    play(scene, FIRST, replace(OTHER, capacity=3))


@pytest.mark.parametrize(
    "narrowed",
    [
        replace(OTHER, dnns=("ims",)),
        replace(OTHER, slices=(SNssai(2),)),
        replace(OTHER, tacs=(7,)),
    ],
)
def test_one_that_does_not_serve_it(narrowed: UserPlane) -> None:
    async def scene(w: World, first: Upf, second: Upf) -> None:
        await sessions(w, 3, location=at(1))
        assert (len(first.sessions), len(second.sessions)) == (3, 0)

    play(scene, FIRST, narrowed)


def test_what_is_near_comes_first() -> None:
    async def scene(w: World, first: Upf, second: Upf) -> None:
        await sessions(w, 3, location=at(7))
        assert (len(first.sessions), len(second.sessions)) == (0, 3)

    play(scene, FIRST, replace(OTHER, tacs=(7, 8)))


def test_nobody_serves_it_there() -> None:
    async def scene(w: World, first: Upf, second: Upf) -> None:
        await sessions(w, 1, location=at(1))
        (reject,) = w.amf.n1()
        assert getattr(reject, "cause", 0) == 38
        assert any("no UPF serves internet in slice 1 where the UE is" in event.cause for event in w.events)
        assert w.nothing_left()

    play(scene, replace(FIRST, tacs=(7,)), replace(OTHER, tacs=(8,)))


def test_the_less_loaded_by_what_they_say() -> None:
    """TS 29.244 §6.2.3.3: the later sequence number counts, whatever came last."""

    def says(metric: int, sequence: int) -> Callable[[pfcp.Message], pfcp.Message]:
        said = pfcp.LoadControlInformation(sequence_number=sequence, metric=metric)

        def answer(message: pfcp.Message) -> pfcp.Message:
            assert isinstance(message, pfcp.SessionEstablishmentRequest)
            answer = first._established(message, pfcp.NodeId(IPv4Address(UPF_PEER[0])))
            answer.load_control_information = said
            return answer

        return answer

    async def scene(w: World, one: Upf, second: Upf) -> None:
        nonlocal first
        first = one
        one.script[pfcp.SessionEstablishmentRequest] = says(80, 5)
        await sessions(w, 4)
        assert (len(one.sessions), len(second.sessions)) == (1, 3)
        w.smf.ports.associations[UPF_PEER[0]].loaded(pfcp.LoadControlInformation(sequence_number=4, metric=0))
        assert w.smf.ports.associations[UPF_PEER[0]].load == 80

    first = Upf()
    play(scene, FIRST, OTHER)


@pytest.mark.parametrize("silent", [False, True])
def test_the_next_one_where_the_best_does_not_take_it(silent: bool) -> None:
    async def scene(w: World, first: Upf, second: Upf) -> None:
        if silent:
            first.mute.add(pfcp.SessionEstablishmentRequest)
        else:
            cause = Cause.NO_RESOURCES_AVAILABLE
            node = pfcp.NodeId(IPv4Address(UPF_PEER[0]))
            first.script[pfcp.SessionEstablishmentRequest] = lambda m: pfcp.SessionEstablishmentResponse(
                node_id=node,
                cause=cause,
                seid=m.cp_f_seid.seid,  # type: ignore[attr-defined]
            )
        await w.create()
        await asyncio.sleep(10)
        assert len(second.sessions) == 1
        await w.setup_response(next(iter(w.smf.sessions.by_ref)))
        assert second.far[501].apply_action == pfcp.ApplyAction(pfcp.ApplyAction.FORW)

    play(scene, FIRST, OTHER)


@pytest.mark.parametrize("retained", [True, False])
def test_sessions_that_a_upf_retained_are_not_set_up_again(retained: bool) -> None:
    """§6.2.6.2: the way to the UPF was cut. One that retained nothing, or began anew, gets them again."""

    async def scene(w: World, first: Upf, second: Upf) -> None:
        await sessions(w, 2)
        first.mute.add(pfcp.HeartbeatRequest)
        await asyncio.sleep(32)
        assert not w.smf.ports.associations[UPF_PEER[0]].is_usable
        first.mute.clear()
        asked: list[pfcp.AssociationSetupRequest] = []

        def setup(message: pfcp.Message) -> pfcp.Message:
            assert isinstance(message, pfcp.AssociationSetupRequest)
            asked.append(message)
            return pfcp.AssociationSetupResponse(
                node_id=pfcp.NodeId(IPv4Address(UPF_PEER[0])),
                cause=1,
                recovery_time_stamp=first.recovery,
                up_function_features=first.features,
                asrsp_flags=pfcp.PfcpFlags(1) if retained else None,
            )

        first.script[pfcp.AssociationSetupRequest] = setup
        before = [type(m) for m in first.received].count(pfcp.SessionEstablishmentRequest)
        await asyncio.sleep(30)
        assert asked[0].session_retention_information is not None
        after = [type(m) for m in first.received].count(pfcp.SessionEstablishmentRequest)
        assert after - before == (0 if retained else 2)
        assert w.smf.ports.associations[UPF_PEER[0]].is_usable

    play(scene, FIRST)
