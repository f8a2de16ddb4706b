"""What the SMF makes of usage reports and grants that come too often, twice, without amounts or with absurd ones."""

from __future__ import annotations

import asyncio
from functools import partial
from types import SimpleNamespace

import msgspec
import pytest

from cinq import numbering
from cinq.nf.smf import Charging, charging
from cinq.nf.smf.charging import MOST, WAITING, asking, quota_of, told, used
from cinq.nf.smf.context import Charged, Quota
from cinq.nf.smf.ports import Ports
from cinq.nf.smf.procedures.charging import UNTOLD, Untold, tell_all, who
from cinq.numbering import SNssai
from cinq.procedure.store import MemoryStore
from cinq.sbi import Problem
from cinq.sbi.models import PlmnId
from cinq.sbi.services.nchf_convergedcharging import (
    ChargingDataRequest,
    ChargingDataResponse,
    FinalUnitIndication,
    GrantedUnit,
    MultipleUnitInformation,
)
from cinq.wire import pfcp
from cinq.wire.pfcp import UsageReportTrigger
from tests.nf.chf.test_charging import NOON, SMF

WHO = charging.Identity("00000000-0000-4000-8000-000000000001", PlmnId(mcc="001", mnc="01"))


def report(
    number: int, volume: pfcp.VolumeMeasurement | None, trigger: int = UsageReportTrigger.VOLTH
) -> pfcp.UsageReport:
    return pfcp.UsageReport(
        urr_id=1, ur_seqn=number, usage_report_trigger=UsageReportTrigger(trigger), volume_measurement=volume
    )


def octets(up: int, down: int) -> pfcp.VolumeMeasurement:
    return pfcp.VolumeMeasurement(total=up + down, uplink=up, downlink=down)


def carried(charged: Charged) -> int:
    return sum(one.uplink + one.downlink for one in charged.waiting)


def containers(body: ChargingDataRequest) -> list[int]:
    return [
        one.local_sequence_number for usage in body.multiple_unit_usage for one in usage.used_unit_container
    ]


def context_of(supi: str) -> SimpleNamespace:
    return SimpleNamespace(
        supi=supi,
        ref="7",
        prefix=None,
        address=None,
        session_type="IPV4",
        pdu_session_id=1,
        dnn="internet",
        s_nssai=SNssai(1),
    )


def request(charged: Charged, *, ends: bool = False) -> ChargingDataRequest:
    context = context_of("imsi-001010000000001")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charging, "_about", lambda *_: None)
        return charging.request(context, charged, WHO, 0.0, ends=ends)  # type: ignore[arg-type]


def test_reports_by_the_thousand_while_the_chf_is_away() -> None:
    """What waits is bounded, nothing is lost, and what the CHF may have heard of is not changed any more."""
    charged, before = Charged(1, 0.0), list[int]()
    for number in range(5000):
        charged = used(charged, [report(number, octets(1, 2))], float(number))
        assert len(charged.waiting) <= WAITING + 1
        if number == 50:
            before = [one.uplink for one in charged.waiting[:WAITING]]
    assert carried(charged) == 15_000
    assert [one.uplink for one in charged.waiting[:WAITING]] == before
    charged = asking(charged, 0.0)
    body = request(charged)
    assert len(containers(body)) == WAITING
    rest = told(charged, {1: Quota(volume=1)})
    assert carried(rest) == 15_000 - 3 * WAITING
    assert containers(request(charged, ends=True)) == [WAITING + 1]  # what is asked is told before
    untold = msgspec.structs.replace(charged, asked=None)
    assert containers(request(untold, ends=True)) == [one.number for one in charged.waiting]


def ports(store: MemoryStore, release: object) -> SimpleNamespace:
    settings = SimpleNamespace(charging=Charging(on=True))
    return SimpleNamespace(
        store=store, chf=SimpleNamespace(release=release), telling=set(), settings=settings
    )


def test_what_is_gathered_is_as_weighty_as_its_weightiest() -> None:
    charged = Charged(1, 0.0)
    for number in range(WAITING):
        charged = used(charged, [report(number, octets(1, 0))], 0.0)
    for number, trigger in enumerate((UsageReportTrigger.VOLQU, UsageReportTrigger.VOLTH, 0), WAITING):
        charged = used(charged, [report(number, octets(1, 0), trigger)], 0.0)
    assert charged.waiting[-1].why == "QUOTA_EXHAUSTED"


@pytest.mark.parametrize(
    ("reports", "carries"),
    [
        ([report(1, octets(3, 4)), report(1, octets(3, 4))], 7),  # the same again
        ([report(1, octets(3, 4)), report(2, octets(3, 4))], 14),
        ([report(1, octets(3, 4)), report(1, octets(3, 5))], 8),  # of a UPF that was killed before it kept it
        ([report(1, pfcp.VolumeMeasurement(total=9))], 9),
        ([report(1, None)], 0),
        ([report(1, octets(2**64 - 1, 2**64 - 1))], 2 * MOST),
    ],
)
def test_reports(reports: list[pfcp.UsageReport], carries: int) -> None:
    assert carried(used(Charged(1, 0.0), reports, 0.0)) == carries


@pytest.mark.parametrize(
    ("granted", "quota"),
    [
        (GrantedUnit(), None),
        (GrantedUnit(total_volume=0), None),
        (GrantedUnit(total_volume=-5), None),
        (GrantedUnit(total_volume=2**80), Quota(volume=MOST, volume_left=10)),
        (GrantedUnit(time=2**40), Quota(seconds=2**32 - 1)),
        (GrantedUnit(total_volume=10), Quota(volume=10)),
    ],
)
def test_grants(granted: GrantedUnit, quota: Quota | None) -> None:
    """Nothing is never everything; a threshold that the grant does not reach is none."""
    one = MultipleUnitInformation(rating_group=1, granted_unit=granted, volume_quota_threshold=10)
    answer = ChargingDataResponse(
        invocation_time_stamp=NOON, invocation_sequence_number=1, multiple_unit_information=[one]
    )
    assert quota_of(answer, 1) == quota
    last = msgspec.structs.replace(
        one, final_unit_indication=FinalUnitIndication(final_unit_action="TERMINATE")
    )
    answer = msgspec.structs.replace(answer, multiple_unit_information=[last])
    assert quota is None or quota_of(answer, 1) == msgspec.structs.replace(quota, is_last=True)


@pytest.mark.parametrize(
    ("status", "asked", "left"),
    [
        (400, ["a", "b", "c"], []),
        (403, ["a", "b", "c"], ["a", "b", "bad", "c"]),  # as where the NRF gives no token
        (429, ["a", "b", "c"], ["a", "b", "bad", "c"]),
        (500, ["a", "b", "c"], ["a", "b", "bad", "c"]),
        (404, ["a", "b", "c"], []),
        (504, ["a"], ["a", "b", "bad", "c"]),  # all wait for the same CHF
    ],
)
def test_the_end_is_told_until_it_is_taken(status: int, asked: list[str], left: list[str]) -> None:
    body = ChargingDataRequest(
        nf_consumer_identification=SMF, invocation_time_stamp=NOON, invocation_sequence_number=1
    )
    store, heard = MemoryStore(), []
    for ref in ("a", "b", "c"):
        store.put(UNTOLD, ref, msgspec.json.encode(Untold(ref, body)))
    store.put(UNTOLD, "bad", b"{")

    async def release(ref: str, body: ChargingDataRequest) -> None:
        heard.append(ref)
        raise Problem(status, None)

    asyncio.run(tell_all(ports(store, release)))  # type: ignore[arg-type]
    assert heard == asked
    assert [key for key, _ in store.items(UNTOLD)] == [one for one in left if one != "bad" or status == 504]


def test_what_cannot_be_rated_waits_for_a_rate() -> None:
    body = ChargingDataRequest(
        nf_consumer_identification=SMF, invocation_time_stamp=NOON, invocation_sequence_number=1
    )
    store = MemoryStore()
    store.put(UNTOLD, "a", msgspec.json.encode(Untold("a", body)))

    async def release(ref: str, body: ChargingDataRequest) -> None:
        raise Problem(400, "CHARGING_FAILED")

    asyncio.run(tell_all(ports(store, release)))  # type: ignore[arg-type]
    assert [key for key, _ in store.items(UNTOLD)] == ["a"]


@pytest.mark.parametrize(
    ("supi", "home"), [("imsi-999700000000001", ("999", "70")), ("imsi-001010000000001", ("001", "01"))]
)
def test_whose_subscriber_it_is_is_told(supi: str, home: tuple[str, str]) -> None:
    """By home and serving network the CHF knows whom a visit is settled with (chf/wholesale.py)."""
    partner = numbering.PlmnId("001", "01")
    settings = SimpleNamespace(plmn=numbering.PlmnId("999", "70"), plmns=(), partners=(partner,))
    ports = SimpleNamespace(settings=settings, instance_id="smf", sbi=SimpleNamespace(uri=str))
    ports.home = partial(Ports.home, ports)  # type: ignore[arg-type]
    context = context_of(supi)
    asks = who(SimpleNamespace(ports=ports, context=context))  # type: ignore[arg-type]
    about = charging.request(context, Charged(1, 0.0), asks, 0.0).pdu_session_charging_information  # type: ignore[arg-type]
    assert about is not None
    session = about.pdu_session_information
    assert session is not None
    assert (session.h_plmn_id, session.serving_cn_plmn_id) == (
        PlmnId(mcc=home[0], mnc=home[1]),
        PlmnId(mcc="999", mnc="70"),
    )
    assert asks.plmn == PlmnId(mcc="999", mnc="70")
