"""A month between two operators: equal balances, every record traceable, and what was done to records is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from msgspec.structs import replace

from cinq.nf.chf import records
from cinq.nf.chf.records import COLLECTION
from cinq.nf.chf.settlement import settle
from cinq.nf.chf.tariff import NOTHING
from tests.nf.chf.roaming import MONTH, ROAMING, A, B, Month


def test_a_month_of_thousands_of_sessions_is_even() -> None:
    month = Month(2500)
    found = month.settled()
    assert not found.faults
    assert found.is_even
    one, other = found.balances
    assert one.earned == other.owed > 0
    assert one.owed == other.earned > 0
    assert one.net == -other.net
    assert one.sessions == other.sessions == 2500
    assert sum(s.uplink + s.downlink for s in found.sessions[0].values()) == month.octets


def test_every_record_of_the_month_is_in_one_session() -> None:
    month = Month(300)
    found = month.settled()
    for own, sessions in zip((A, B), found.sessions, strict=True):
        named = [name for session in sessions.values() for name in session.names]
        assert sorted(named) == month.names(own)
    for session in found.sessions[0].values():
        assert session.amount == found.sessions[1][session.key].amount


def test_what_each_session_costs_is_what_its_octets_cost() -> None:
    for session in Month(200).settled().sessions[0].values():
        blocks = -(-(session.uplink + session.downlink) // 10_000)
        assert session.amount == (Decimal("0.0017") * blocks / 100).quantize(Decimal("0.01"))


Deed = Callable[[Month, str], None]


def cheaper(month: Month, name: str) -> None:
    """Less was used, it says now."""
    record = month.record(B, name)
    first, *rest = record.used_unit_containers
    first = replace(first, uplink=0, total=first.total - first.uplink)
    month.put(B, name, replace(record, used_unit_containers=(first, *rest)))


def sealed_anew(month: Month, name: str) -> None:
    """The same by somebody who knows how digests are made: then it differs from the other side's."""
    cheaper(month, name)
    record = month.record(B, name)
    month.put(B, name, replace(record, digest=records.digest(record)))


def repriced(month: Month, name: str) -> None:
    record = month.record(B, name)
    record = replace(record, amount=record.amount + 1)
    month.put(B, name, replace(record, digest=records.digest(record)))


def lost(month: Month, name: str) -> None:
    month.stores[B].delete(COLLECTION, name)


def doubled(month: Month, name: str) -> None:
    month.put(B, f"{name}-copy", month.record(B, name))


def doubled_as_another(month: Month, name: str) -> None:
    record = month.record(B, name)
    subscriber = record.subscriber_identifier
    made = replace(record, name=f"{subscriber}.00112233445566{77}-0")
    month.put(B, made.name, replace(made, digest=records.digest(made)))


def garbled(month: Month, name: str) -> None:
    month.stores[B].put(COLLECTION, name, b'{"name":')


@pytest.mark.parametrize(
    ("deed", "kinds"),
    [
        (cheaper, {"tampered", "differs"}),
        (sealed_anew, {"differs"}),
        (repriced, {"tampered"}),
        (lost, {"missing"}),
        (doubled, {"tampered", "doubled"}),
        (doubled_as_another, {"doubled"}),
        (garbled, {"unreadable", "missing"}),
    ],
)
def test_what_is_done_to_a_record_is_found_and_named(deed: Deed, kinds: set[str]) -> None:
    month = Month(60)
    name = next(n for n in month.names(B) if month.record(B, n).used_unit_containers[0].uplink > 10_000)
    deed(month, name)
    found = month.settled()
    assert not found.is_even
    assert {one.kind for one in found.faults} >= (kinds - {"tampered"} if deed is sealed_anew else kinds)
    assert any(name in one.records or any(name in each for each in one.records) for one in found.faults) or (
        deed is lost
    )
    assert len({one.session for one in found.faults if one.session}) == 1


def test_a_record_in_the_middle_that_is_gone_is_missed() -> None:
    """Of a long session there are several records; each knows the one before."""
    month = Month(1)
    (name,) = month.names(B)
    whole = month.record(B, name)
    session = whole.session
    first = replace(whole, cause_for_rec_closing="partialRecord")
    first = replace(first, digest=records.digest(first))
    empty = {"used_unit_containers": (), "amount": NOTHING}
    parts = [first]
    for number, why in ((1, "partialRecord"), (2, "normalRelease")):
        made = replace(
            whole,
            name=f"{session}-{number}",
            record_sequence_number=number,
            cause_for_rec_closing=why,
            previous=parts[-1].digest,
            **empty,
        )
        parts.append(replace(made, digest=records.digest(made)))
    for part in parts:
        month.put(B, part.name, part)
    assert month.settled().is_even
    month.stores[B].delete(COLLECTION, f"{session}-1")
    found = month.settled()
    assert [(one.kind, one.records) for one in found.faults] == [("missing", (f"{session}-1",))]
    month.put(B, f"{session}-1", replace(parts[1], digest=parts[1].digest[::-1]))
    assert {one.kind for one in month.settled().faults} == {"tampered"}


def test_a_session_that_one_side_has_in_another_month() -> None:
    month = Month(1)
    (name,) = month.names(B)
    record = month.record(B, name)
    later = replace(record, record_closing_time=record.record_closing_time + timedelta(days=31))
    month.put(B, name, replace(later, digest=records.digest(later)))
    found = month.settled()
    assert [one.what for one in found.faults] == ["it is of 2026-11 there"] or found.faults[0].what.endswith(
        "there"
    )


def test_a_session_that_has_not_ended_is_in_no_balance() -> None:
    month = Month(1)
    for own in (A, B):
        (name,) = month.names(own)
        record = replace(month.record(own, name), cause_for_rec_closing="partialRecord")
        month.put(own, name, replace(record, digest=records.digest(record)))
    found = month.settled()
    assert found.open == 2
    assert found.is_even
    assert found.balances[0].sessions == 0


def test_two_currencies_are_no_agreement() -> None:
    month = Month(1)
    other = replace(month.side(B), tariff=replace(ROAMING, currency="EUR"))
    with pytest.raises(ValueError, match="settles in XDR"):
        settle(month.side(A), other, MONTH)


def test_records_are_stored_with_their_digest() -> None:
    month = Month(5)
    for name in month.names(A):
        record = month.record(A, name)
        assert record.digest == records.digest(record)
        assert msgspec.json.decode(msgspec.json.encode(record), type=records.Record) == record
