"""Whom policies keep out on N4, as the SMF sees it."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from ipaddress import IPv4Address

import pytest

from cinq.eligibility.inventory import Inventory, PfcpPeer
from cinq.settings.eligibility import Mode
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause
from tests.eligibility.parts import Days, gate

from .world import UPF_PEER, World, play

MADE = Inventory(pfcp_peer=(PfcpPeer(name="upf-2", vendor="Acme", address=IPv4Address(UPF_PEER[0])),))


def associations(w: World) -> int:
    return sum(isinstance(m, pfcp.AssociationSetupRequest) for m in w.upf.received)


def test_no_association_is_set_up_with_a_upf_that_is_kept_out() -> None:
    async def scene(w: World) -> None:
        await asyncio.sleep(61)
        assert associations(w) == 0
        told = [str(e.cause) for e in w.events if e.nf == "SMF" and "no-acme" in str(e.cause)]
        assert told[0].startswith("refused: PFCP peer")
        w.upf.ask(
            pfcp.AssociationSetupRequest(
                node_id=pfcp.NodeId(IPv4Address(UPF_PEER[0])), recovery_time_stamp=100
            ),
            sequence=9,
        )
        answer = w.upf.answers[-1]
        assert isinstance(answer, pfcp.AssociationSetupResponse)
        assert answer.cause == Cause.REQUEST_REJECTED
        assert not next(iter(w.smf.ports.associations.values())).is_usable

    play(scene, gate("refuse", MADE))


@pytest.mark.parametrize("mode", ["refuse", "drain"])
def test_from_the_day_on_it_gets_no_more_sessions(mode: Mode) -> None:
    days = Days(date(2025, 12, 31))

    async def scene(w: World) -> None:
        await asyncio.sleep(1)
        (association,) = w.smf.ports.associations.values()
        assert association.takes_more
        days.day += timedelta(1)
        w.smf.day_has_come()
        assert association.is_usable
        assert not association.takes_more
        assert any("drained: PFCP peer" in str(e.cause) for e in w.events)

    play(scene, gate(mode, MADE, days))
