"""Xn between gNBs of two processes: TS 38.423 §8.2 and §8.4, what goes wrong, and what strangers say."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from cinq.crypto import kdf
from cinq.procedure import Aborted, Refused, TimerExpired, run_virtual
from cinq.ran.gnb import GnbSettings
from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.roam import roam
from cinq.ran.gnb.signals import RemoveXn, ResetXn, UpdateNeighbour
from cinq.ran.gnb.xn.association import Xn
from cinq.ran.gnb.xn.elements import cause, cause_of
from cinq.wire import ngap, xnap

from .apart import TWO, Apart
from .core import settle

FLOW = ["HandoverRequest", "HandoverRequestAcknowledge", "SNStatusTransfer", "UEContextRelease"]


def xn_of(pair: Apart, place: int) -> Xn:
    (found,) = [xn for xn in pair.gnbs[place].n2.neighbours if xn.context.state == "up"]
    return found


def target_of(pair: Apart) -> CellId:
    (cell,) = xn_of(pair, 0).cells
    return cell


@pytest.mark.parametrize("both", [False, True], ids=["one-seeks", "both-seek"])
def test_xn_setup(both: bool) -> None:
    """Each knows the other's cells, by one association, whoever sought whom."""

    async def main() -> None:
        pair = Apart(both)
        await pair.joined()
        await asyncio.sleep(30)
        one, two = xn_of(pair, 0), xn_of(pair, 1)
        assert one.cells == pair.gnbs[1].n2.cells
        assert two.cells == pair.gnbs[0].n2.cells
        assert len([end for end in pair.lan.ends if not end.over]) == 2
        assert pair.lan.names()[0] == "XnSetupRequest"
        assert (
            pair.lan.names().count("XnSetupRequest") == 1 + both
        )  # who was refused one of two does not ask on
        assert "XnSetupResponse" in pair.lan.names()

    run_virtual(main())


@pytest.mark.parametrize("place", [0, 1])
def test_who_ends_says_so(place: int) -> None:
    """The other need not wait for heartbeats that fail."""

    async def main() -> None:
        pair = Apart(both=True)
        await pair.joined()
        await asyncio.sleep(1)
        await pair.gnbs[place].stop()
        assert all(end.over for end in pair.lan.ends)
        await settle()
        assert not [xn for xn in pair.gnbs[1 - place].n2.neighbours if xn.context.state == "up"]

    run_virtual(main())


def test_a_phone_goes_to_another_process() -> None:
    """TS 23.502 §4.9.1.2.2, by octets: K_NG-RAN*, the C-RNTI on the radio, path switch, release of the source."""

    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        before, cell = pair.context.kgnb, target_of(pair)
        pair.lan.said.clear()
        assert await roam([pair.gnbs[0]]) == (1, 0)
        await settle()
        assert pair.lan.names()[:2] == FLOW[:2]
        assert set(pair.lan.names()[2:]) == set(
            FLOW[2:]
        )  # the path may be switched before the UE has all it had
        there = pair.context_at(1)
        assert there.kgnb == kdf.kgnb_star(before, cell.pci, cell.arfcn)
        assert not pair.gnbs[0].n2.ues
        assert not pair.gnbs[0].links
        assert isinstance(pair.target.heard[-1], ngap.PathSwitchRequest)
        assert there.sessions[1].tunnel.ul_teid == 0x2000
        assert ue.link.connected
        assert ue.system_information is not None
        assert ue.system_information.tac == 2
        assert ue.sessions[1].context.bearer
        ue.link.uplink(b"\x7e\x00\x57")
        await settle()
        assert isinstance(pair.target.heard[-1], ngap.UplinkNASTransport)
        request = pair.lan.messages()[0]
        assert isinstance(request, xnap.HandoverRequest)
        assert request.ue_context_info_ho_request.ng_c_ue_reference == pair.ue.amf_id
        pair.gnbs[1].n2.forget(there, "released")
        await settle()
        assert not ue.link.connected

    run_virtual(main())


def test_back_again() -> None:
    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        assert await roam([pair.gnbs[0]]) == (1, 0)
        await settle()
        keys, cell = pair.context_at(1).context.keys, pair.gnbs[0].n2.cells[0]
        assert await roam([pair.gnbs[1]]) == (1, 0)
        await settle()
        assert pair.context_at(0).kgnb == kdf.kgnb_star(keys.nh, cell.pci, cell.arfcn)
        assert ue.link.connected
        assert not pair.gnbs[1].n2.ues

    run_virtual(main())


def test_the_target_does_not_admit() -> None:
    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        pair.gnbs[1].admission.handover = lambda cell: (
            "radioNetwork",
            "no-radio-resources-available-in-target-cell",
        )
        with pytest.raises(Refused, match="no room for the UE"):
            await pair.gnbs[0].hand_over_away(pair.context, target_of(pair))
        assert pair.context.context.leaving is None
        assert ue.link.connected
        assert not pair.gnbs[1].n2.ues

    run_virtual(main())


def test_a_phone_without_sessions_stays() -> None:
    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        pair.context.drop(1)
        pair.lan.said.clear()
        with pytest.raises(Refused, match="no PDU session"):
            await pair.gnbs[0].hand_over_away(pair.context, target_of(pair))
        assert not pair.lan.said
        assert pair.context.context.leaving is None
        assert ue.link.connected

    run_virtual(main())


def test_the_target_is_silent() -> None:
    """TXnRELOCprep: HANDOVER CANCEL, and an acknowledgement that comes too late is of no effect (§8.2.1.4)."""

    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        target, kept = target_of(pair), list[xnap.Pdu]()
        far = next(end for end in pair.lan.ends if end.local == TWO)
        far.mute = True
        with pytest.raises(TimerExpired):
            await pair.gnbs[0].hand_over_away(pair.context_at(0), target, "xn")
        far.mute = False
        await settle()
        assert pair.lan.names()[-2:] == ["HandoverRequest", "HandoverCancel"]
        cancel = pair.lan.messages()[-1]
        assert isinstance(cancel, xnap.HandoverCancel)
        assert cancel.cause == ("radioNetwork", "tXnRELOCprep-expiry")
        assert not pair.gnbs[1].n2.ues
        assert not kept
        assert ue.link.connected
        assert pair.context.context.leaving is None

    run_virtual(main())


@pytest.mark.parametrize("fails", ["silence", "another AMF", "no way to the UPF"])
def test_by_n2_where_xn_fails(fails: str) -> None:
    """TS 23.502 §4.9.1.3.1: the phone is handed over all the same, and Xn has no part in it any more."""

    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        target, n2 = target_of(pair), pair.gnbs[1].n2
        if fails == "silence":
            next(end for end in pair.lan.ends if end.local == TWO).mute = True
        elif fails == "another AMF":
            (guami,) = n2.context.guamis
            n2.commit(guamis=((guami[0], msgspec.structs.replace(guami[1], pointer=63)),))
        else:
            pair.gnbs[1].admission.handover = Once(("transport", "transport-resource-unavailable"))
        await pair.gnbs[0].hand_over_away(pair.context_at(0), target)
        assert "HandoverRequired" in pair.source.names()
        assert isinstance(pair.target.heard[-1], ngap.HandoverNotify)
        assert not pair.gnbs[0].n2.ues
        assert ue.link.connected
        assert pair.context_at(1).neighbour is None

    run_virtual(main())


class Once:
    """Denies the first handover."""

    def __init__(self, cause: ngap.Cause) -> None:
        self.causes = [cause]

    def __call__(self, cell: CellId) -> ngap.Cause | None:
        return self.causes.pop() if self.causes else None


def test_cancelled() -> None:
    """TS 38.423 §8.2.3: the target gives up what it has made ready; the AMF hears nothing."""

    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        target, heard = target_of(pair), len(pair.source.heard)
        next(end for end in pair.lan.ends if end.local == TWO).mute = True
        going = asyncio.ensure_future(pair.gnbs[0].hand_over_away(pair.context_at(0), target))
        await settle()
        await pair.gnbs[0].cancel_handover(pair.context_at(0))
        with pytest.raises(Aborted, match="cancelled"):
            await going
        await settle()
        assert pair.lan.names()[-1] == "HandoverCancel"
        assert not pair.gnbs[1].n2.ues
        assert len(pair.source.heard) == heard
        assert ue.link.connected

    run_virtual(main())


def test_the_phone_finds_no_such_cell() -> None:
    """It stays; the target gives up what it had prepared."""

    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        pair.cells[1].lost("out of reach")
        with pytest.raises(Refused, match="did not arrive"):
            await pair.gnbs[0].hand_over_away(pair.context_at(0), target_of(pair))
        await settle()
        assert pair.lan.names()[-1] == "HandoverCancel"
        assert not pair.gnbs[1].n2.ues
        assert ue.link.connected
        assert pair.context.context.leaving is None

    run_virtual(main())


def test_the_target_has_given_up_when_the_phone_comes() -> None:
    """A radio link failure for the phone, which begins anew; nothing is left over."""

    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        target = pair.gnbs[1].n2
        xn_of(pair, 1).on_message = lambda message: (
            isinstance(message, xnap.HandoverRequestAcknowledge)
            and asyncio.get_running_loop().call_soon(
                lambda: [target.forget(one, "gone") for one in list(target.ues.values())]
            )
        )
        with pytest.raises((Refused, Aborted)):
            await pair.gnbs[0].hand_over_away(pair.context_at(0), target_of(pair))
        await settle()
        assert not target.ues
        assert ue.context.registered

    run_virtual(main())


def test_the_neighbour_vanishes_while_it_prepares() -> None:
    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        target = target_of(pair)
        far = next(end for end in pair.lan.ends if end.local == TWO)
        far.mute = True
        going = asyncio.ensure_future(pair.gnbs[0].hand_over_away(pair.context_at(0), target))
        await settle()
        assert pair.gnbs[1].n2.ues
        far.end("gone")
        with pytest.raises(Aborted, match="lost"):
            await going
        await settle()
        assert not pair.gnbs[1].n2.ues  # nobody else could cancel it
        assert ue.link.connected
        assert pair.context.context.leaving is None
        await asyncio.sleep(10)
        assert xn_of(pair, 0).cells  # sought and found again

    run_virtual(main())


def test_who_is_prepared_and_never_comes() -> None:
    async def main() -> None:
        pair = Apart()
        await pair.up()
        request = await prepared(pair)
        assert len(pair.gnbs[1].n2.ues) == 1
        assert request.source_ng_ran_node_ue_xnap_id == 1
        reserved = set(pair.gnbs[1].bearers._reserved)
        assert reserved
        await asyncio.sleep(pair.gnbs[1].settings.t_ng_reloc_overall_s + 1)
        assert not pair.gnbs[1].n2.ues
        assert not pair.gnbs[1].bearers._reserved

    run_virtual(main())


async def prepared(pair: Apart, source_ue: int = 1) -> xnap.HandoverRequest:
    """A handover is prepared at the second gNB, and its UE is never sent there."""
    from cinq.ran.gnb.procedures.xn_handover import request
    from cinq.ran.gnb.signals import HandOverByXn

    ue = pair.context_at(0)
    message = request(ue, HandOverByXn(target_of(pair)))
    message.source_ng_ran_node_ue_xnap_id = source_ue
    xn_of(pair, 0).send(message)
    await settle()
    return message


def test_asked_again_the_later_request_counts() -> None:
    async def main() -> None:
        pair = Apart()
        await pair.up()
        await prepared(pair)
        (first,) = pair.gnbs[1].n2.ues
        await prepared(pair)
        (second,) = pair.gnbs[1].n2.ues
        assert first != second
        await prepared(pair, 2)
        assert len(pair.gnbs[1].n2.ues) == 2

    run_virtual(main())


def test_reset() -> None:
    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        await prepared(pair)
        await xn_of(pair, 0).demand(ResetXn())
        assert not pair.gnbs[1].n2.ues
        assert ue.link.connected
        await prepared(pair)
        part = xnap.ResetRequestTypeInfoPartial(
            ue_contexts_to_be_released_list=[
                xnap.ResetRequestPartialReleaseItem(ng_ran_node1_ue_xnap_id=1),
                xnap.ResetRequestPartialReleaseItem(ng_ran_node1_ue_xnap_id=4711),
            ]
        )
        xn_of(pair, 0).send(
            xnap.ResetRequest(reset_request_type_info=("partialReset", part), cause=("misc", "unspecified"))
        )
        await settle()
        assert not pair.gnbs[1].n2.ues
        answer = pair.lan.messages()[-1]
        assert isinstance(answer, xnap.ResetResponse)
        assert answer.reset_response_type_info[0] == "partialReset"

    run_virtual(main())


def test_removal() -> None:
    async def main() -> None:
        pair = Apart()
        await pair.joined()
        await xn_of(pair, 0).demand(RemoveXn())
        await settle()
        assert "XnRemovalResponse" in pair.lan.names()
        assert all(end.over for end in pair.lan.ends)

    run_virtual(main())


def test_a_cell_changes() -> None:
    async def main() -> None:
        pair = Apart()
        await pair.joined()
        before = pair.gnbs[1].n2.cells[0]
        await xn_of(pair, 1).demand(UpdateNeighbour(before, msgspec.structs.replace(before, tac=1)))
        assert pair.lan.names()[-1] == "NGRANNodeConfigurationUpdateAcknowledge"
        assert [cell.tac for cell in xn_of(pair, 0).cells] == [1]

    run_virtual(main())


def test_causes_say_the_same_on_both_interfaces() -> None:
    for one in ("cell-not-available", "slice-not-supported", "not-supported-5QI-value", "partial-handover"):
        assert cause_of(cause(("radioNetwork", one))) == ("radioNetwork", one)  # type: ignore[arg-type]
    assert cause(("misc", "om-intervention")) == ("misc", "o-and-M-intervention")
    assert cause(("nas", "unspecified")) == ("radioNetwork", "unspecified")
    assert cause_of(("radioNetwork", "unknown-GUAMI-ID")) == ("radioNetwork", "unspecified")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"xn_address": "here"}, "xn_address: found 'here'"),
        ({"xn_neighbours": ("10.0.0.1",)}, "wanted xn_address beside them"),
        ({"xn_address": "10.0.0.1", "xn_neighbours": ("10.0.0.1",)}, "found the own xn_address"),
        ({"xn_address": "10.0.0.1", "xn_neighbours": ("10.0.0.2", "10.0.0.2:38422")}, "found one twice"),
        (
            {"xn_address": "10.0.0.1", "xn_neighbours": ("10.0.0.2:0",)},
            "wanted an IP address, or address:port",
        ),
        ({"xn_address": "10.0.0.1", "xn_neighbours": ("host:1",)}, "wanted an IP address, or address:port"),
        ({"t_xn_reloc_prep_s": 0}, "t_xn_reloc_prep_s"),
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        GnbSettings(**wrong)  # type: ignore[arg-type]


def test_where_neighbours_are() -> None:
    found = GnbSettings(xn_address="10.0.0.1", xn_neighbours=("10.0.0.2", "10.0.0.3:5", "::1", "[::2]:6"))
    assert found.xn_endpoints == (("10.0.0.2", 38422), ("10.0.0.3", 5), ("::1", 38422), ("::2", 6))
    assert found.numbered(1).xn_port == 38423
    assert found.xn.bits == (0x0A000001, 32)
