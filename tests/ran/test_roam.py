"""UEs that go from cell to cell, and what becomes of their interfaces."""

from __future__ import annotations

from ipaddress import IPv4Address

from cinq.procedure import run_virtual
from cinq.ran.gnb import Gnb, GnbSettings
from cinq.ran.gnb.roam import roam
from cinq.ran.radio.link import RadioServer
from cinq.ran.radio.remote import RemoteCell
from cinq.ran.ue import Ue, UeSettings

from .core import Entropy, settle
from .mobility import Pair
from .test_gnb import Plane
from .test_n2_handover import link_of


def test_from_cell_to_cell() -> None:
    """Connected by a handover, idle by reselection; a barred cell is passed by."""

    async def main() -> None:
        pair = Pair(xn=True)
        ue = await pair.up()
        assert await roam(pair.gnbs) == (1, 0)
        assert link_of(ue).cell is pair.gnbs[1].cells[0]
        pair.gnbs[1].n2.forget(pair.context, "idle")
        assert await roam(pair.gnbs) == (1, 0)
        assert link_of(ue).cell is pair.gnbs[0].cells[0]
        pair.target.lose("power cut")
        assert await roam(pair.gnbs) == (0, 0)

    run_virtual(main())


def test_the_interface_goes_along() -> None:
    """Two user planes: the address is taken from the one and given to the other, with the tunnel of there."""

    async def main() -> None:
        pair = Pair(xn=True)
        planes = Plane(), Plane()
        for gnb, plane in zip(pair.gnbs, planes, strict=True):
            gnb.bearers.use(plane)
        ue = await pair.up()
        address = IPv4Address(ue.sessions[1].context.address)
        assert planes[0].sides["ue0"][0].addresses == {address}
        there = await pair.gnbs[0].hand_over(pair.context, pair.gnbs[1].cells[0])
        assert not planes[0].rules
        assert not planes[0].sides["ue0"][0].addresses
        assert planes[1].sides["ue0"][0].addresses == {address}
        (rules,) = planes[1].rules.values()
        assert rules.decap[0].teid == there.sessions[1].tunnel.dl_teid
        assert rules.encap[0].teid == 0x2000
        assert ue.sessions[1].context.interface

    run_virtual(main())


def test_gnbs_that_share_a_user_plane() -> None:
    """The interface is not touched: only the tunnel is another."""

    async def main() -> None:
        pair = Pair(xn=True)
        source, plane = pair.gnbs[0], Plane()
        source.bearers.use(plane)
        third = Gnb(
            GnbSettings(gnb_id=3, tac=2),
            pair.target.connect,
            pair.runtime,
            Entropy(),
            pair.ng_ran,
            source.bearers,
        )
        assert third.bearers is source.bearers
        ue = await pair.up()
        pair.gnbs[1].n2.association = None
        third.start()
        await third.up()
        address = IPv4Address(ue.sessions[1].context.address)
        before = next(iter(plane.rules.values())).decap[0].teid
        there = await source.hand_over(pair.context, third.cells[0])
        assert plane.sides["ue0"][0].addresses == {address}
        (rules,) = plane.rules.values()
        assert rules.decap[0].teid == there.sessions[1].tunnel.dl_teid != before
        assert len(source.bearers) == 1

    run_virtual(main())


def test_a_ue_of_another_process() -> None:
    """It goes where it is sent by the same socket, and hears of the new cell; it reports, and reselects."""

    async def main() -> None:
        pair = Pair(xn=True)
        await pair.up()

        class Pipe:
            def __init__(self) -> None:
                self.other: RadioServer | RemoteCell | None = None

            def send(self, octets: bytes) -> None:
                if self.other is not None:
                    self.other.frame(octets)

            def close(self) -> None:
                raise AssertionError("closed")

        to_gnb, to_ue = Pipe(), Pipe()
        server = RadioServer(pair.gnbs[0], to_ue)
        to_gnb.other = server
        cell = RemoteCell(to_gnb)
        to_ue.other = cell
        ue = Ue(UeSettings().numbered(1), cell, pair.runtime, Entropy())
        await ue.power_on()
        await settle()
        ue.link.measure(pair.gnbs[1].cells[0].identity.nci)
        await settle()
        assert ue.system_information is not None
        assert ue.system_information.name == "two"
        assert ue.link.connected
        context = next(iter(pair.gnbs[1].n2.ues.values()))
        pair.gnbs[1].n2.forget(context, "gone")
        assert not ue.link.connected
        ue.link.reselect(pair.gnbs[0].cells[0].identity.nci)
        assert ue.system_information.name == "one"

    run_virtual(main())
