"""What strangers and hostile neighbours say by Xn: no UE but their own is touched, and everything is bounded."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.procedure import run_virtual
from cinq.ran.gnb import GnbSettings
from cinq.ran.gnb.roam import roam
from cinq.wire import xnap

from .apart import ONE, TWO, Apart, End
from .core import settle
from .test_xn_apart import prepared, xn_of


class Stranger:
    """A gNB of hostile hands, at an address of its own. heard: what it is answered."""

    def __init__(self, pair: Apart, address: str = "10.0.0.9") -> None:
        self.heard: list[xnap.Pdu] = []
        self.over = ""
        self.end: End = pair.lan.join((address, 50), TWO, self)

    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        self.heard.append(xnap.decode(octets))

    def lost(self, reason: str) -> None:
        self.over = reason or "over"

    async def says(self, *messages: xnap.Pdu) -> None:
        for message in messages:
            self.end.send(xnap.encode(message), ppid=61)
        await settle()


def setup(gnb_id: int) -> xnap.XnSetupRequest:
    from cinq.ran.gnb.n2.association import cells_of
    from cinq.ran.gnb.procedures.xn_setup import served
    from cinq.ran.gnb.xn import elements

    settings = GnbSettings(gnb_id=gnb_id)
    return xnap.XnSetupRequest(
        global_ng_ran_node_id=elements.global_id(settings.identity),
        tai_support_list=elements.tai_support(settings, cells_of(settings)),
        amf_region_information=[xnap.GlobalAMFRegionInformation(plmn_id=b"\x99\xf9\x07", amf_region_id=1)],
        list_of_served_cells_nr=served(cells_of(settings)),
    )


def test_nobody_takes_the_identity_of_a_neighbour() -> None:
    """Nor of the gNB itself; one that comes from where the neighbour is has been started again."""

    async def main() -> None:
        pair = Apart()
        await pair.joined()
        for identity in (1, 2):
            stranger = Stranger(pair)
            await stranger.says(setup(identity))
            assert isinstance(stranger.heard[0], xnap.XnSetupFailure)
        assert xn_of(pair, 1).cells == pair.gnbs[0].n2.cells
        again = Stranger(pair, ONE[0])
        await again.says(setup(1))
        assert isinstance(again.heard[0], xnap.XnSetupResponse)
        assert len([xn for xn in pair.gnbs[1].n2.neighbours if xn.context.state == "up"]) == 1

    run_virtual(main())


def test_before_xn_setup_a_neighbour_is_nobody() -> None:
    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        stranger = Stranger(pair)
        request = await prepared(pair)
        count = len(pair.gnbs[1].n2.ues)
        await stranger.says(request)
        assert isinstance(stranger.heard[-1], xnap.ErrorIndication)
        assert len(pair.gnbs[1].n2.ues) == count
        await asyncio.sleep(15)
        assert "XN SETUP REQUEST" in stranger.over
        assert ue.link.connected

    run_virtual(main())


def test_a_neighbour_has_no_say_about_ues_of_others() -> None:
    """Release, cancel, counts and reset of UEs that it neither sent nor was sent."""

    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        assert await roam([pair.gnbs[0]]) == (1, 0)
        await settle()
        there = pair.context_at(1)
        number, counted = there.ran_ue_ngap_id, dict(there.counted)
        stranger = Stranger(pair)
        await stranger.says(setup(77))
        for ours in range(4):
            await stranger.says(
                xnap.UEContextRelease(
                    source_ng_ran_node_ue_xnap_id=number, target_ng_ran_node_ue_xnap_id=ours
                ),
                xnap.HandoverCancel(
                    source_ng_ran_node_ue_xnap_id=ours,
                    target_ng_ran_node_ue_xnap_id=number,
                    cause=("radioNetwork", "unspecified"),
                ),
                xnap.ErrorIndication(
                    old_ng_ran_node_ue_xnap_id=number,
                    new_ng_ran_node_ue_xnap_id=ours,
                    cause=("misc", "unspecified"),
                ),
                xnap.RetrieveUEContextRequest(
                    new_ng_ran_node_ue_xnap_id=1,
                    ue_context_id=(
                        "rRRCReestablishment",
                        xnap.UEContextIDforRRCReestablishment(
                            c_rnti=1 + number, failure_cell_pci=("nr", there.cell.pci)
                        ),
                    ),
                    mac_i=ours,
                    new_ng_ran_cell_identity=("nr", 77 << 4),
                ),
            )
        await stranger.says(
            xnap.ResetRequest(
                reset_request_type_info=("fullReset", xnap.ResetRequestTypeInfoFull()),
                cause=("misc", "unspecified"),
            )
        )
        assert pair.context_at(1) is there
        assert there.counted == counted
        assert ue.link.connected
        failures = [m for m in stranger.heard if isinstance(m, xnap.RetrieveUEContextFailure)]
        assert [m.cause for m in failures] == [("radioNetwork", "ue-context-id-not-known")] * 4
        # nor may the former source release the UE that came from it
        xn_of(pair, 0).send(
            xnap.UEContextRelease(source_ng_ran_node_ue_xnap_id=number, target_ng_ran_node_ue_xnap_id=1)
        )
        await settle()
        assert pair.context_at(1) is there

    run_virtual(main())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6), st.booleans())
def test_a_handover_request_with_changed_octets(changes: list[tuple[int, int]], cut: bool) -> None:
    """Answered, or refused; whatever is in it, the target lives and its other UEs do too."""

    async def main() -> None:
        pair = Apart()
        ue = await pair.up()
        message = await prepared(pair)
        octets = bytearray(xnap.encode(message))
        for at, value in changes:
            octets[at % len(octets)] = value
        stranger = Stranger(pair)
        await stranger.says(setup(77))
        stranger.end.send(bytes(octets[: len(octets) // 2] if cut else octets), ppid=61)
        await settle()
        assert ue.link.connected
        assert await roam([pair.gnbs[0]]) == (1, 0)

    run_virtual(main())


def test_bounds() -> None:
    """No more than so many neighbours, and so many UEs that one of them prepares."""

    async def main() -> None:
        pair = Apart()
        await pair.up()
        many = [Stranger(pair, f"10.1.0.{n}") for n in range(70)]
        await settle()
        assert sum(bool(one.over) for one in many) == 70 - 63
        for number in range(2, 262):
            await prepared(pair, number)
        assert len(pair.gnbs[1].n2.ues) == 256

    run_virtual(main())
