"""Whom policies keep out at the NRF: by NF instance and the vendorId of its profile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import msgspec
import pytest

from cinq.eligibility.inventory import Inventory, NetworkFunction
from cinq.nf.nrf import NRF, Settings
from cinq.procedure import Journal, Why
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.json_patch import PatchItem
from cinq.sbi.services.nnrf import NfStatusCallback, SubscrCond
from cinq.sbi.whole import Whole
from cinq.settings.eligibility import Mode
from tests.eligibility.parts import DENY, Days, document, gate
from tests.nf.nrf.test_nrf import ID, NRF_ID, Consumer, StoppedClock, found, smf, wanted

MADE = Inventory(
    nf=(NetworkFunction(name="smf-b", vendor="Beta Networks AB", instance=ID.format(2), pen=4712),)
)


def register(nrf: NRF, number: int, vendor_id: str | None) -> None:
    profile = msgspec.structs.replace(smf(number, 1, "internet"), vendor_id=vendor_id)
    asyncio.run(nrf.nf_register(profile.nf_instance_id, Whole.of(profile)))


def make(mode: Mode, days: Days | None = None) -> tuple[NRF, Journal]:
    journal = Journal(keep=100)
    return NRF(Settings(), StoppedClock(), NRF_ID, gate=gate(mode, MADE, days), journal=journal), journal


def test_a_function_of_a_vendor_that_is_kept_out_is_not_registered() -> None:
    nrf, journal = make("refuse")
    with pytest.raises(Problem) as caught:
        register(nrf, 1, "004711")
    assert caught.value.status == 403
    assert "denied by rule test/no-acme" in caught.value.why
    assert caught.value.why.mend
    (event,) = journal.kept()
    assert (event.nf, event.subject) == ("NRF", f"NF {ID.format(1)}")
    assert str(event.cause).startswith("refused: NF instance")
    assert isinstance(event.cause, Why)
    register(nrf, 2, "004712")
    register(nrf, 3, None)  # whose maker is not known is reviewed
    assert found(nrf) == [2, 3]


def test_declared_as_another_vendor_than_it_says() -> None:
    nrf, _ = make("refuse")
    with pytest.raises(Problem, match="in conflict"):
        register(nrf, 2, "004711")


@pytest.mark.parametrize("mode", ["audit", "alarm"])
def test_an_audit_registers(mode: Mode) -> None:
    nrf, journal = make(mode)
    register(nrf, 1, "004711")
    assert found(nrf) == [1]
    assert "it would be refused" in journal.kept()[0].cause


def test_one_that_is_drained_is_registered_and_not_found() -> None:
    nrf, _ = make("drain")
    register(nrf, 1, "004711")
    assert found(nrf) == []
    profile = asyncio.run(nrf.nf_profile(ID.format(1)))
    assert profile.read.nf_status == "UNDISCOVERABLE"
    asyncio.run(nrf.nf_update(ID.format(1), [PatchItem(op="replace", path="/nfStatus", value="REGISTERED")]))
    assert found(nrf) == []


def test_a_day_on_which_a_rule_begins() -> None:
    days = Days(date(2025, 12, 31))
    nrf, _ = make("refuse", days)
    register(nrf, 1, "004711")
    register(nrf, 2, "004712")
    days.day += timedelta(1)
    asyncio.run(nrf.day_has_come())
    assert found(nrf) == [2]
    with pytest.raises(Problem, match="404"):
        asyncio.run(
            nrf.nf_update(ID.format(1), [PatchItem(op="replace", path="/nfStatus", value="REGISTERED")])
        )
    with pytest.raises(Problem, match="403"):
        register(nrf, 1, "004711")


def test_who_subscribes_hears_of_what_a_day_changes() -> None:
    days, consumer, bus = Days(date(2025, 12, 31)), Consumer(), Bus(checked)
    bus.serve(NfStatusCallback, consumer, ID.format(0xEE))  # type: ignore[arg-type]
    doc = document(replace(DENY, until=date(2026, 1, 1)))
    for mode, events in (
        ("refuse", ["NF_DEREGISTERED"]),
        ("drain", ["NF_PROFILE_CHANGED", "NF_PROFILE_CHANGED"]),
    ):
        days.day = date(2025, 12, 31)
        nrf = NRF(Settings(), StoppedClock(), NRF_ID, gate=gate(mode, MADE, days, doc), bus=bus)  # type: ignore[arg-type]
        register(nrf, 1, "004711")
        register(nrf, 2, "004712")
        asyncio.run(nrf.subscribe(wanted(subscr_cond=SubscrCond(nf_type="SMF"))))
        for _ in range(3):
            days.day += timedelta(1)
            asyncio.run(nrf.day_has_come())
        assert consumer.heard == [("r", event, "01") for event in events]
        consumer.heard.clear()


def test_one_that_was_kept_over_a_restart_is_asked_about_anew() -> None:
    store, days = MemoryStore(), Days(date(2025, 12, 31))
    first = NRF(Settings(), StoppedClock(), NRF_ID, store=store, gate=gate("refuse", MADE, days))
    register(first, 1, "004711")
    register(first, 2, "004712")
    days.day += timedelta(1)
    second = NRF(Settings(), StoppedClock(), NRF_ID, store=store, gate=gate("refuse", MADE, days))
    asyncio.run(second.day_has_come())
    assert found(second) == [2]


@pytest.mark.parametrize("vendor_id", ["4711", "00471x", "0004711", "", "٠٠٤٧١١"])
def test_a_vendor_id_is_six_digits(vendor_id: str) -> None:
    nrf = NRF(Settings(), StoppedClock(), NRF_ID)
    with pytest.raises(Problem, match="400"):
        register(nrf, 1, vendor_id)
