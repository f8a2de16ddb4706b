"""Mobility as a UE sees it: handover with its keys, radio link failure and recovery, reselection
(TS 33.501 §6.9.2.3, TS 24.501 §5.5.1.3.2)."""

from __future__ import annotations

import pytest

from cinq.procedure import run_virtual
from cinq.ran.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import RegistrationKind

from .core import settle
from .mobility import Pair
from .scene import Scene, scene


def chain(ue: Ue) -> tuple[bytes, int]:
    found = ue.security.as_chain
    assert found is not None
    return found.kgnb, found.ncc


@pytest.mark.parametrize("xn", [False, True], ids=["N2", "Xn"])
def test_both_ends_derive_the_same_keys(xn: bool) -> None:
    """There and back: the UE follows the NCC, horizontally and vertically."""

    async def main() -> None:
        pair = Pair(xn=xn)
        ue = await pair.up()
        keys = pair.context.context.keys
        assert chain(ue) == (keys.kgnb, keys.used_ncc)
        there = await pair.gnbs[0].hand_over(pair.context, pair.gnbs[1].cells[0])
        await settle()
        assert chain(ue) == (there.context.keys.kgnb, there.context.keys.used_ncc)
        if xn:
            back = await pair.gnbs[1].hand_over(there, pair.gnbs[0].cells[0])
            await settle()
            assert chain(ue) == (back.context.keys.kgnb, back.context.keys.used_ncc)
            assert back.context.keys.used_ncc == 1
        assert ue.sessions[1].context.bearer
        assert ue.link.connected

    run_virtual(main())


def test_handover_between_cells_of_one_gnb() -> None:
    async def act(one: Scene) -> None:
        before = chain(one.ue)
        await one.radio.gnb.hand_over(one.context, one.radio.gnb.cells[1])
        assert chain(one.ue)[0] == one.context.kgnb != before[0]

    scene(act)


def test_keys_begin_anew_with_each_connection() -> None:
    async def act(one: Scene) -> None:
        first = chain(one.ue)
        one.core.release(one.core.last())
        await settle()
        await one.ue.request_service()
        await settle()
        (context,) = one.radio.gnb.n2.ues.values()
        assert chain(one.ue) == (context.kgnb, 0)
        assert chain(one.ue) != first

    scene(act)


def test_a_handover_out_of_the_registration_area_brings_an_update() -> None:
    """§5.5.1.3.2 a), also in CM-CONNECTED: the list of the scripted core has the first tracking area only."""

    async def main() -> None:
        pair = Pair(xn=True)
        for half in (pair.source, pair.target):
            half.areas = (1,)
        ue = await pair.up()
        with ue.station.record() as record:
            await pair.gnbs[0].hand_over(pair.context, pair.gnbs[1].cells[0])
            await settle()
        (request,) = record.said(nas.RegistrationRequest)
        assert request.registration_type.value == RegistrationKind.MOBILITY

    run_virtual(main())


def test_radio_link_failure_is_recovered() -> None:
    """§5.5.1.3.2 f): an update that asks for the user plane of the sessions that had one."""

    async def act(one: Scene) -> None:
        assert not one.ue.lose_radio_link()
        assert not one.ue.link.connected
        await settle(100)
        assert one.ue.link.connected
        requests = [m for m in one.core.last().plain if isinstance(m, nas.RegistrationRequest)]
        assert requests[0].registration_type.value == RegistrationKind.MOBILITY
        assert requests[0].uplink_data_status == {1}

    scene(act)


def test_radio_link_failure_with_re_establishment() -> None:
    async def act(one: Scene) -> None:
        count = len(one.core.heard)
        other = one.radio.gnb.n2.cells[1].nci
        assert one.ue.lose_radio_link(other)
        await settle()
        assert one.ue.link.connected
        assert chain(one.ue)[0] == one.context.kgnb
        assert not [m for m in one.core.heard[count:] if type(m).__name__ == "InitialUEMessage"]

    scene(act)


def test_reselection() -> None:
    async def act(one: Scene) -> None:
        here, other = (cell.nci for cell in one.radio.gnb.n2.cells)
        assert not one.ue.reselect(other), "connected"
        one.core.release(one.core.last())
        await settle()
        count = len(one.core.heard)
        assert one.ue.reselect(other)
        await settle()
        assert one.ue.camp.tai is not None
        assert one.ue.camp.tai.tac == 7
        assert len(one.core.heard) == count, "the tracking area is in the list"
        assert not one.ue.reselect(999)
        assert one.ue.reselect(here)

    scene(act)
