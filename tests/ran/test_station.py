"""The place of a test bench on N2: filters on what goes out, and what comes in seen, awaited and kept from the gNB."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import run_virtual
from cinq.ran.station import Unmet
from cinq.ran.ue import Ue
from cinq.wire import ngap

from .core import Core, Radio, settle

PAGING: ngap.UEPagingIdentity = (
    "fiveG-S-TMSI",
    ngap.FiveGSTMSI(amf_set_id=1, amf_pointer=0, five_g_tmsi=bytes(4)),
)
TAI = ngap.TAI(plmn_identity=bytes.fromhex("99f907"), tac=bytes((0, 0, 1)))
PAGED = ngap.Paging(ue_paging_identity=PAGING, tai_list_for_paging=[ngap.TAIListForPagingItem(tai=TAI)])


async def up() -> tuple[Core, Radio, Ue]:
    core = Core()
    radio = Radio(core)
    await radio.up()
    return core, radio, radio.ue()


def test_dropped_once() -> None:
    async def main() -> None:
        core, radio, ue = await up()
        rule = radio.gnb.station.drop(ngap.InitialContextSetupResponse, times=1)
        await ue.power_on()
        await settle()
        assert rule.met == 1
        assert "InitialContextSetupResponse" not in core.names()
        assert "PDUSessionResourceSetupResponse" in core.names()

    run_virtual(main())


def test_filters_follow_each_other() -> None:
    """Changed, then doubled, then late: each by its own rule, in the order in which they were put up."""

    async def main() -> None:
        core, radio, _ = await up()
        station = radio.gnb.station
        other: ngap.Cause = ("misc", "hardware-failure")
        station.change(ngap.ErrorIndication, lambda m: [ngap.ErrorIndication(cause=other)])
        station.duplicate(ngap.ErrorIndication)
        late = station.delay(ngap.ErrorIndication, 3.0)
        before = len(core.heard)
        radio.gnb.n2.send(ngap.ErrorIndication(cause=("misc", "om-intervention")))
        await settle()
        assert len(core.heard) == before
        assert late.met == 2
        await asyncio.sleep(3.1)
        assert core.heard[before:] == [ngap.ErrorIndication(cause=other)] * 2

    run_virtual(main())


def test_octets_replaced_and_taken_back() -> None:
    async def main() -> None:
        core, radio, _ = await up()
        reset = ngap.NGResetAcknowledge()
        with radio.gnb.station.replace(ngap.NGResetAcknowledge, lambda octets: octets[:-1] + b"\x80"):
            radio.gnb.n2.send(reset)
        assert core.octets[-1][1].endswith(b"\x80")
        core.octets.clear()
        radio.gnb.n2.send(reset)
        assert core.octets == [(0, ngap.encode(reset))]

    run_virtual(main())


def test_any_octets_before_ng_setup() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        radio.gnb.start(set_up=False)
        await radio.gnb.associated()
        radio.gnb.station.send(ngap.encode(ngap.NGResetAcknowledge()), stream=3)
        await settle()
        assert [stream for stream, _ in core.octets] == [3]
        assert core.names() == ["NGResetAcknowledge"]
        assert radio.gnb.system_information().barred
        await radio.gnb.set_up()
        assert not radio.gnb.system_information().barred
        await radio.gnb.up()

    run_virtual(main())


def test_muted_and_expected() -> None:
    """The gNB does not answer, the bench sees the message all the same."""

    async def main() -> None:
        core, radio, ue = await up()
        await ue.power_on()
        station = radio.gnb.station
        seen: list[ngap.Pdu] = []
        station.tap(ngap.UEContextReleaseCommand, seen.append)
        with station.mute(ngap.UEContextReleaseCommand) as muted:
            expected = station.expect(
                ngap.UEContextReleaseCommand, lambda m: m.cause == ("nas", "normal-release")
            )
            core.release(core.last())
            command = await expected
        assert expected.met
        assert seen == [command]
        assert muted.met == 1
        assert ue.link.connected
        assert core.names()[-1] != "UEContextReleaseComplete"
        core.release(core.last())
        await settle()
        assert not ue.link.connected

    run_virtual(main())


def test_what_does_not_come() -> None:
    async def main() -> None:
        core, radio, _ = await up()
        station = radio.gnb.station
        expected = station.expect(ngap.NGReset, timeout_s=5)
        core.tell(PAGED)
        with pytest.raises(Unmet, match="NGReset did not come within 5 s; these came: Paging"):
            await expected
        await station.silence(ngap.NGReset, 1)
        expected = station.expect(ngap.NGReset)
        core.lose("cut")
        with pytest.raises(Unmet, match="association lost: cut"):
            await expected

    run_virtual(main())


def test_what_should_not_come() -> None:
    async def main() -> None:
        core, radio, _ = await up()
        core.tell(PAGED)
        with pytest.raises(Unmet, match="Paging came, which should not"):
            await radio.gnb.station.silence(ngap.Paging, 1)

    run_virtual(main())
