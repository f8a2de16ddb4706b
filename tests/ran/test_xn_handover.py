"""Xn handover and path switch, TS 38.423 §8.2.1, TS 38.413 §8.4.4; re-establishment, reselection, cells of a gNB."""

from __future__ import annotations

import asyncio

import pytest

from cinq.crypto import kdf
from cinq.procedure import Refused, run_virtual
from cinq.ran.gnb import GnbSettings
from cinq.ran.gnb.settings import CellSettings
from cinq.wire import ngap, xnap

from .core import Core, Radio, settle
from .mobility import Pair
from .test_n2_handover import link_of


def test_the_whole_flow() -> None:
    """Nothing but a path switch is seen on N2; the key chain goes on vertically with the NH of the acknowledge."""

    async def main() -> None:
        pair = Pair(xn=True)
        ue = await pair.up()
        source, target = pair.gnbs
        said: list[xnap.Pdu] = []
        source.n2.neighbours.all[0].on_message = said.append
        before, count = pair.context.kgnb, len(pair.source.heard)
        there = await source.hand_over(pair.context, target.cells[0])
        await settle()
        assert [type(m).__name__ for m in said] == [
            "HandoverRequest",
            "HandoverRequestAcknowledge",
            "SNStatusTransfer",
            "UEContextRelease",
        ]
        assert len(pair.source.heard) == count
        request = pair.target.heard[-1]
        assert isinstance(request, ngap.PathSwitchRequest)
        assert request.source_amf_ue_ngap_id == pair.ue.amf_id
        cell = target.n2.cells[0]
        assert there.kgnb == kdf.kgnb_star(before, cell.pci, cell.arfcn)
        keys = there.context.keys
        assert (keys.used_ncc, keys.ncc) == (0, 1)
        assert there.sessions[1].tunnel.ul_teid == 0x2000
        assert ue.sessions[1].context.bearer
        assert link_of(ue).cell is target.cells[0]
        back = await target.hand_over(there, source.cells[0])
        cell = source.n2.cells[0]
        assert back.kgnb == kdf.kgnb_star(keys.nh, cell.pci, cell.arfcn)
        assert (back.context.keys.used_ncc, back.context.keys.ncc) == (1, 2)

    run_virtual(main())


def test_the_path_is_not_switched() -> None:
    """§8.4.4.3: the UE is released at both gNBs, and goes idle."""

    async def main() -> None:
        pair = Pair(xn=True)
        ue = await pair.up()
        source, target = pair.gnbs
        pair.path_switch_fails = True
        with pytest.raises(Exception, match="was released"):
            await source.hand_over(pair.context, target.cells[0])
        assert not source.n2.ues
        assert not target.n2.ues
        assert not ue.link.connected
        assert ue.context.registered

    run_virtual(main())


def test_the_target_does_not_admit() -> None:
    async def main() -> None:
        pair = Pair(xn=True)
        ue = await pair.up()
        source, target = pair.gnbs
        target.admission.flow = lambda psi, flow: ("radioNetwork", "not-supported-5QI-value")
        with pytest.raises(Refused, match="not-supported-5QI-value"):
            await source.hand_over(pair.context, target.cells[0])
        assert ue.link.connected
        assert pair.context.context.leaving is None
        assert not target.bearers._reserved or len(target.bearers._reserved) == 1

    run_virtual(main())


def test_without_xn_it_goes_by_n2() -> None:
    async def main() -> None:
        pair = Pair(xn=True)
        await pair.up()
        source, target = pair.gnbs
        source.n2.neighbours.all[0].up = False
        await source.hand_over(pair.context, target.cells[0])
        assert "HandoverRequired" in pair.source.names()

    run_virtual(main())


def test_the_ue_does_not_arrive() -> None:
    async def main() -> None:
        pair = Pair(xn=True)
        ue = await pair.up()
        source, target = pair.gnbs
        link_of(ue).obeys = False
        with pytest.raises(Refused, match="did not arrive"):
            await source.hand_over(pair.context_at(0), target.cells[0])
        assert not target.n2.ues
        assert ue.link.connected

    run_virtual(main())


def test_a_measurement_report() -> None:
    async def main() -> None:
        pair = Pair(xn=True)
        ue = await pair.up()
        target = pair.gnbs[1].cells[0]
        ue.link.measure(target.identity.nci)
        await settle()
        assert link_of(ue).cell is target
        pair.gnbs[1].hands_over = False
        ue.link.measure(pair.gnbs[0].cells[0].identity.nci)
        ue.link.measure(4711)
        await settle()
        assert link_of(ue).cell is target

    run_virtual(main())


def test_re_establishment_at_another_gnb() -> None:
    """TS 38.423 §8.2.4: the context follows the UE, the path is switched."""

    async def main() -> None:
        pair = Pair(xn=True)
        ue = await pair.up()
        target = pair.gnbs[1]
        assert ue.link.re_establish(target.cells[0].identity.nci)
        await settle()
        assert isinstance(pair.target.heard[-1], ngap.PathSwitchRequest)
        assert not pair.gnbs[0].n2.ues
        assert pair.context.sessions[1].tunnel.ul_teid == 0x2000
        assert ue.link.connected
        assert ue.sessions[1].context.bearer

    run_virtual(main())


def test_re_establishment_without_context() -> None:
    """No Xn: the UE is told, and comes back by itself; the old gNB has the AMF release the old connection."""

    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        assert not ue.link.re_establish(pair.gnbs[1].cells[0].identity.nci)
        await settle()
        assert not ue.link.connected
        assert link_of(ue).cell is pair.gnbs[1].cells[0]
        requests = [m for m in pair.source.heard if isinstance(m, ngap.UEContextReleaseRequest)]
        assert [m.cause for m in requests] == [("radioNetwork", "radio-connection-with-ue-lost")]

    run_virtual(main())


def test_reselection() -> None:
    """An idle UE changes its cell: it is paged there, and no longer here."""

    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        assert not ue.link.reselect(pair.gnbs[1].cells[0].identity.nci)
        pair.gnbs[0].release(pair.context)
        await settle()
        assert ue.link.reselect(pair.gnbs[1].cells[0].identity.nci)
        assert ue.system_information is not None
        assert ue.system_information.tac == 2
        assert not pair.gnbs[0]._paging
        assert len(pair.gnbs[1]._paging) == 1
        assert not ue.link.reselect(4711)

    run_virtual(main())


def test_cells_of_one_gnb() -> None:
    """The AMF hears of it only where it asked to; the key is that of the new cell."""

    async def main() -> None:
        core = Core()
        core.areas = (1, 7)
        settings = GnbSettings(cells=(CellSettings(cell=0, tac=1), CellSettings(cell=1, tac=7, pci=500)))
        radio = Radio(core, settings=settings)
        await radio.up()
        setup = core.heard[0]
        assert isinstance(setup, ngap.NGSetupRequest)
        assert [item.tac[-1] for item in setup.supported_ta_list] == [1, 7]
        ue = radio.ue()
        await ue.power_on()
        (context,) = radio.gnb.n2.ues.values()
        before, count = context.kgnb, len(core.heard)
        assert await radio.gnb.hand_over(context, radio.gnb.cells[1]) is context
        await settle()
        assert len(core.heard) == count
        assert context.kgnb == kdf.kgnb_star(before, 500, 632628)
        assert ue.system_information is not None
        assert ue.system_information.tac == 7
        ue.link.uplink(b"\x7e\x00\x57")
        await settle()
        last = core.heard[-1]
        assert isinstance(last, ngap.UplinkNASTransport)
        assert last.user_location_information[1].tai.tac[-1] == 7  # type: ignore[union-attr]
        with pytest.raises(ValueError, match="already"):
            await radio.gnb.hand_over(context, radio.gnb.cells[1])

    run_virtual(main())


def test_source_and_target_speak_as_told() -> None:
    """A request that names a cell of another gNB, and a release of a UE that is not there, disturb nobody."""

    async def main() -> None:
        pair = Pair(xn=True)
        ue = await pair.up()
        source, target = pair.gnbs
        xn = source.n2.neighbours.all[0]
        seen: list[xnap.Pdu] = []
        xn.on_message = seen.append
        await source.hand_over(pair.context, target.cells[0])
        request = next(m for m in seen if isinstance(m, xnap.HandoverRequest))
        seen.clear()
        assert xn.peer is not None
        xn.peer.send(request)
        await settle()
        assert isinstance(seen[-1], xnap.HandoverPreparationFailure)
        assert seen[-1].cause == ("radioNetwork", "cell-not-available")
        xn.peer.send(
            xnap.UEContextRelease(source_ng_ran_node_ue_xnap_id=4711, target_ng_ran_node_ue_xnap_id=1)
        )
        await asyncio.sleep(1)
        assert ue.link.connected
        assert isinstance(seen[-1], xnap.ErrorIndication)

    run_virtual(main())
