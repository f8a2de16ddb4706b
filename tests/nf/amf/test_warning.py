"""Warning message transmission, TS 38.413 §8.9: every branch, and what the operator gets to see."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest

from cinq.nf.amf.warnings import Result, Warning, Warnings
from cinq.numbering import Tai
from cinq.wire import cbs, ngap

from .gnb import Gnb
from .phone import Phone
from .world import PLMN, TAI, World, run

REQUEST = ngap.WriteReplaceWarningRequest
AREAS = (TAI, Tai(PLMN, 2))


def warning(serial: int = 0x4010, **changes: object) -> Warning:
    coding, contents = cbs.encode("Seek higher ground")
    fields = {"tacs": (1,), "number": 3, **changes}
    return Warning(4370, serial, "Seek higher ground", coding, contents, **fields)  # type: ignore[arg-type]


async def wanted(world: World, *warnings: Warning) -> Warnings:
    kept = Warnings(world.store)
    for one in warnings:
        kept.put(one)
    world.amf.look_at_warnings()
    await asyncio.sleep(0.1)
    return kept


def cell(number: int) -> ngap.NRCGI:
    return ngap.NRCGI(plmn_identity=PLMN.octets, nr_cell_identity=number << 4)


def completed(request: REQUEST, cells: int = 2) -> ngap.WriteReplaceWarningResponse:
    item = ngap.TAIBroadcastNRItem(
        tai=ngap.TAI(plmn_identity=PLMN.octets, tac=b"\0\0\1"),
        completed_cells_in_tai_nr=[ngap.CompletedCellsInTAINRItem(nr_cgi=cell(n)) for n in range(cells)],
    )
    return ngap.WriteReplaceWarningResponse(
        message_identifier=request.message_identifier,
        serial_number=request.serial_number,
        broadcast_completed_area_list=("tAIBroadcastNR", [item]) if cells else None,
    )


def test_where_it_is_wanted() -> None:
    """Only gNBs of the area hear it; the operator sees what each made of it."""

    async def test(world: World) -> None:
        world.amf.reconfigure(replace(world.settings, tais=AREAS))
        first, second = await Gnb(world).set_up(), await Gnb(world, 2, tac=2).set_up()
        kept = await wanted(world, warning())
        request = first.last(REQUEST)
        assert cbs.decode(
            cbs.Contents(request.data_coding_scheme or 0, request.warning_message_contents or b"")
        )
        assert (request.repetition_period, request.number_of_broadcasts_requested) == (60, 3)
        assert request.concurrent_warning_message_ind == "true"
        area = request.warning_area_list
        assert area is not None
        assert area[0] == "tAIListForWarning"
        assert second.count(REQUEST) == 0
        first.say(completed(request))
        await asyncio.sleep(0.1)
        (stored,) = kept.all()
        assert (stored.state, stored.told) == ("broadcast", ("gnb-1",))
        assert kept.results(stored) == [Result("gnb-1", 2, "broadcast")]
        world.amf.look_at_warnings()
        await asyncio.sleep(0.1)
        assert first.count(REQUEST) == 1  # once
        await Phone(world).registered(first)

    run(test)


def test_several_at_once_and_answers_in_any_order() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        kept = await wanted(world, warning(0x4010, tacs=()), warning(0x4020), warning(0x4030))
        requests = [m for m in gnb.heard if isinstance(m, REQUEST)]
        assert [r.serial_number for r in requests] == [0x4010, 0x4020, 0x4030]
        assert requests[0].warning_area_list is None
        gnb.say(completed(requests[1], 0))
        gnb.say(completed(requests[0], 1))
        await asyncio.sleep(10)
        told = {w.serial: kept.results(w)[0] for w in kept.all()}
        assert told[0x4010] == Result("gnb-1", 1, "broadcast")
        assert told[0x4020].text.startswith("not broadcast")
        assert told[0x4030] == Result("gnb-1", 0, "no answer")

    run(test)


def cancel(kept: Warnings, one: Warning) -> None:
    kept.put(msgspec.structs.replace(one, state="unwanted"))


def test_cancel() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        kept = await wanted(world, warning(), warning(0x4020))
        for one in list(kept.all()):
            cancel(kept, one)
        world.amf.look_at_warnings()
        await asyncio.sleep(0.1)
        first, second = (m for m in gnb.heard if isinstance(m, ngap.PWSCancelRequest))
        gnb.say(ngap.PWSCancelResponse(message_identifier=4370, serial_number=second.serial_number))
        item = ngap.CellIDCancelledNRItem(nr_cgi=cell(1), number_of_broadcasts=2)
        gnb.say(
            ngap.PWSCancelResponse(
                message_identifier=4370,
                serial_number=first.serial_number,
                broadcast_cancelled_area_list=("cellIDCancelledNR", [item]),
            )
        )
        await asyncio.sleep(0.1)
        one, other = kept.all()
        assert (one.state, kept.results(one)) == ("cancelled", [Result("gnb-1", 1, "cancelled")])
        assert kept.results(other) == [Result("gnb-1", 0, "was not broadcast any more")]
        await asyncio.sleep(120)
        world.amf.look_at_warnings()
        assert list(kept.all()) == []
        assert list(world.store.items("amf-warning-result")) == []

    run(test)


def restart(gnb: Gnb, tac: int = 1) -> ngap.PWSRestartIndication:
    node = ngap.GlobalGNBID(plmn_identity=PLMN.octets, gnb_id=("gNB-ID", (gnb.number, 32)))
    return ngap.PWSRestartIndication(
        cell_id_list_for_restart=("nR-CGIListforRestart", [cell(gnb.number)]),
        global_ran_node_id=("globalGNB-ID", node),
        tai_list_for_restart=[ngap.TAI(plmn_identity=PLMN.octets, tac=tac.to_bytes(3, "big"))],
    )


def test_what_runs_is_sent_again_after_a_restart() -> None:
    """§8.9.3: not what is over, was cancelled, or is for other areas. It outlives the AMF too."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        kept = await wanted(
            world, warning(), warning(0x4020, number=0), warning(0x4030), warning(0x4040, tacs=(2,))
        )
        cancel(kept, next(w for w in kept.all() if w.serial == 0x4030))
        world.amf.look_at_warnings()
        before = gnb.count(REQUEST)
        gnb.say(restart(gnb))
        await asyncio.sleep(0.1)
        again = [m.serial_number for m in gnb.heard if isinstance(m, REQUEST)][before:]
        assert again == [0x4010, 0x4020]
        gnb.say(restart(gnb, tac=7))
        await asyncio.sleep(0.1)
        assert gnb.count(REQUEST) == before + 2
        await asyncio.sleep(200)  # three times a minute each: the first is over
        await world.restart()
        gnb = await Gnb(world).set_up()
        assert [m.serial_number for m in gnb.heard if isinstance(m, REQUEST)] == [0x4020]
        gnb.say(restart(gnb))
        await asyncio.sleep(0.1)
        assert [m.serial_number for m in gnb.heard if isinstance(m, REQUEST)] == [0x4020] * 2
        assert gnb.count(ngap.ErrorIndication) == 0

    run(test)


def test_a_gnb_that_comes_later() -> None:
    """TS 23.041 §9.1.3.5.2: a warning is for the cells of its area: with what is left of its broadcasts.

    Nothing that is over, or for other areas.
    """

    async def test(world: World) -> None:
        world.amf.reconfigure(replace(world.settings, tais=AREAS))
        await Gnb(world).set_up()
        kept = await wanted(world, warning(), warning(0x4020, number=0), warning(0x4030, tacs=(2,)))
        await asyncio.sleep(70)
        late = await Gnb(world, 2).set_up()
        requests = [m for m in late.heard if isinstance(m, REQUEST)]
        assert [(m.serial_number, m.number_of_broadcasts_requested) for m in requests] == [
            (0x4010, 2),
            (0x4020, 0),
        ]
        late.say(completed(requests[0]))
        await asyncio.sleep(0.1)
        stored = kept.get("1112-4010")
        assert stored is not None
        assert stored.told == ("gnb-1", "gnb-2")
        assert kept.results(stored)[-1] == Result("gnb-2", 2, "broadcast")
        slices = [ngap.SliceSupportItem(s_nssai=ngap.SNSSAI(sst=b"\1"))]
        broadcast = [ngap.BroadcastPLMNItem(plmn_identity=PLMN.octets, tai_slice_support_list=slices)]
        areas = [
            ngap.SupportedTAItem(tac=tac.to_bytes(3, "big"), broadcast_plmn_list=broadcast) for tac in (1, 2)
        ]
        late.say(ngap.RANConfigurationUpdate(supported_ta_list=areas))
        await asyncio.sleep(0.1)
        assert [m.serial_number for m in late.heard if isinstance(m, REQUEST)] == [0x4010, 0x4020, 0x4030]
        await asyncio.sleep(120)
        later = await Gnb(world, 3).set_up()
        assert [m.serial_number for m in later.heard if isinstance(m, REQUEST)] == [0x4020]

    run(test)


@pytest.mark.parametrize("text", [True, False])
def test_a_primary_notification(text: bool) -> None:
    """ETWS: warning type, and security information as it is given (§9.2.8.1); with a text or without."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        kind = cbs.warning_type("earthquake-and-tsunami", alert=True, popup=False)
        assert kind == b"\x05\x00"
        more: dict[str, object] = {} if text else {"contents": b""}
        fields = {"etws": kind, "security": bytes(range(50)), "number": 1, **more}
        await wanted(world, msgspec.structs.replace(warning(), **fields))
        request = gnb.last(REQUEST)
        assert (request.warning_type, request.warning_security_info) == (kind, bytes(range(50)))
        assert (request.warning_message_contents is not None) is text
        assert (request.data_coding_scheme is not None) is text

    run(test)


def test_a_gnb_that_fails_is_shown() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        kept = await wanted(world, warning())
        gnb.say(completed(gnb.last(REQUEST)))
        node = ngap.GlobalGNBID(plmn_identity=PLMN.octets, gnb_id=("gNB-ID", (1, 32)))
        gnb.say(
            ngap.PWSFailureIndication(
                pws_failed_cell_id_list=("nR-CGI-PWSFailedList", [cell(1)]),
                global_ran_node_id=("globalGNB-ID", node),
            )
        )
        await asyncio.sleep(0.1)
        (stored,) = kept.all()
        assert kept.results(stored) == [Result("gnb-1", 0, "failed in 1 cells")]
        assert any("warnings fail in 1 cells of gnb-1" in cause for cause in world.causes())

    run(test)


def test_no_gnb_is_there() -> None:
    """Nor is what somebody else has written into the store."""

    async def test(world: World) -> None:
        world.store.put("amf-warning", "broken", b"{")
        world.store.put("amf-warning", "other", b'{"identifier": "x"}')
        kept = await wanted(world, warning())
        (stored,) = kept.all()
        assert (stored.state, stored.told) == ("broadcast", ())

    run(test)
