"""A month of roaming between two operators, out of the records of each: balances, and where the records differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from cinq.nf.chf.records import Record, digest
from cinq.nf.chf.tariff import NOTHING, Tariff
from cinq.nf.chf.wholesale import Key, Session, key_of, rated

Kind = Literal["unreadable", "tampered", "doubled", "missing", "unrated", "differs"]


class Fault(Struct, frozen=True):
    """kind: what is wrong. side: at whom. records: which, by name. session: which it is of."""

    kind: Kind
    side: str
    what: str
    records: tuple[str, ...] = ()
    session: str = ""


class Side(Struct, frozen=True):
    """An operator: its name, its PLMNs, the tariff it has agreed on, its records under the names they are stored by."""

    name: str
    plmns: tuple[str, ...]
    tariff: Tariff
    records: Sequence[tuple[str, Record | None]]


class Balance(Struct, frozen=True):
    """As one side has it. earned: for the other's subscribers here. owed: for its own ones there."""

    side: str
    earned: Decimal
    owed: Decimal
    sessions: int

    @property
    def net(self) -> Decimal:
        """What it is to get; negative: to pay."""
        return self.earned - self.owed


class Settlement(Struct, frozen=True):
    """open: sessions that have not ended by their records."""

    month: str
    currency: str
    balances: tuple[Balance, Balance]
    sessions: tuple[dict[Key, Session], dict[Key, Session]]
    faults: tuple[Fault, ...]
    open: int

    @property
    def is_even(self) -> bool:
        """Both have the same, of all that was used."""
        one, other = self.balances
        return not self.faults and one.earned == other.owed and one.owed == other.earned


class _Read(Struct):
    """What one side's records say. later: sessions of other months, since the other side may have them here."""

    sessions: dict[Key, Session]
    later: dict[Key, Session]
    faults: list[Fault]
    open: int = 0


def settle(a: Side, b: Side, month: str) -> Settlement:
    """month: YYYY-MM, UTC; a session is of that in which its last record was closed. ValueError: two currencies."""
    if a.tariff.currency != b.tariff.currency:
        what = f"{a.name} settles in {a.tariff.currency}, {b.name} in {b.tariff.currency}"
        raise ValueError(f"{what}: both have to agree on a tariff")
    read = _read(a, b, month), _read(b, a, month)
    faults = [*read[0].faults, *read[1].faults, *_differences((a, b), read)]
    return Settlement(
        month=month,
        currency=a.tariff.currency,
        balances=(_balance(a, read[0].sessions), _balance(b, read[1].sessions)),
        sessions=(read[0].sessions, read[1].sessions),
        faults=tuple(faults),
        open=read[0].open + read[1].open,
    )


def _balance(side: Side, sessions: dict[Key, Session]) -> Balance:
    here = [one.amount for key, one in sessions.items() if key.visited in side.plmns]
    there = [one.amount for key, one in sessions.items() if key.belongs_to in side.plmns]
    return Balance(side.name, sum(here, NOTHING), sum(there, NOTHING), len(sessions))


def _read(side: Side, other: Side, month: str) -> _Read:
    """Only sessions between the two."""
    made = _Read({}, {}, [])
    by_session: dict[str, list[Record]] = {}
    for stored, record in side.records:
        if record is None:
            made.faults.append(Fault("unreadable", side.name, "cannot be read", (stored,)))
        elif _is_between(record, side, other):
            made.faults += _own_faults(side, stored, record)
            by_session.setdefault(record.session, []).append(record)
    by_key: dict[Key, list[list[Record]]] = {}
    for records in by_session.values():
        kept = _once(side, sorted(records, key=lambda one: one.record_sequence_number), made.faults)
        if not kept[-1].is_last:
            made.open += 1
            continue
        made.faults += _gaps(side, kept)
        key = key_of(kept[0])
        if key is not None:
            by_key.setdefault(key, []).append(kept)
    for key, several in by_key.items():
        _take(made, side, key, several, month)
    return made


def _is_between(record: Record, side: Side, other: Side) -> bool:
    key = key_of(record)
    if key is None:
        return False
    ends = {key.visited in side.plmns, key.belongs_to in side.plmns}
    return ends == {True, False} and (key.belongs_to in other.plmns or key.visited in other.plmns)


def _own_faults(side: Side, stored: str, record: Record) -> Iterator[Fault]:
    """What a record says of itself."""
    key = str(key_of(record) or "")
    if stored != record.name:
        yield Fault("tampered", side.name, f"{record.name} stands under another name", (stored,), key)
    if record.digest != digest(record):
        yield Fault("tampered", side.name, "it was changed after it was written", (stored,), key)
    if record.amount != sum((one.cost for one in record.used_unit_containers), NOTHING):
        yield Fault("tampered", side.name, "its amount is not that of its containers", (stored,), key)


def _once(side: Side, records: Sequence[Record], faults: list[Fault]) -> list[Record]:
    """Each record of a charging session once."""
    kept: dict[int, Record] = {}
    for record in records:
        if record.record_sequence_number in kept:
            what = f"record {record.record_sequence_number} of the session is there again"
            faults.append(Fault("doubled", side.name, what, (record.name,), str(key_of(record) or "")))
        else:
            kept[record.record_sequence_number] = record
    numbers = Counter(one.number for record in kept.values() for one in record.used_unit_containers)
    again = [number for number, count in numbers.items() if count > 1]
    if again:
        names, key = tuple(record.name for record in kept.values()), str(key_of(records[0]) or "")
        faults.append(Fault("doubled", side.name, f"container {again[0]} is in two records", names, key))
    return list(kept.values())


def _gaps(side: Side, records: Sequence[Record]) -> Iterator[Fault]:
    """Of a session that has ended: records that should be there. What follows a record knows it by its digest."""
    key, before = str(key_of(records[0]) or ""), ""
    have = {record.record_sequence_number for record in records}
    for number in range(records[-1].record_sequence_number):
        if number not in have:
            name = f"{records[0].session}-{number}"
            yield Fault("missing", side.name, f"record {number} of the session", (name,), key)
    for record in records:
        number = record.record_sequence_number
        if (number == 0 or number - 1 in have) and record.previous != before:
            yield Fault("tampered", side.name, "the record before it is another one", (record.name,), key)
        before = record.digest


def _take(made: _Read, side: Side, key: Key, several: list[list[Record]], month: str) -> None:
    if len(several) > 1:
        names = tuple(record.name for records in several for record in records)
        what = "two charging sessions have this charging identifier"
        made.faults.append(Fault("doubled", side.name, what, names, str(key)))
    try:
        session = rated(several[0], key, side.tariff)
    except LookupError as error:
        names = tuple(record.name for record in several[0])
        made.faults.append(Fault("unrated", side.name, str(error), names, str(key)))
        return
    (made.sessions if session.month == month else made.later)[key] = session


def _differences(sides: tuple[Side, Side], read: tuple[_Read, _Read]) -> Iterator[Fault]:
    """Sessions that one side alone has, or has otherwise."""
    for n, here in enumerate(read):
        there, name = read[1 - n], sides[1 - n].name
        for key, session in here.sessions.items():
            other = there.sessions.get(key)
            if other is None:
                elsewhere = there.later.get(key)
                what = (
                    "no session in its records" if elsewhere is None else f"it is of {elsewhere.month} there"
                )
                yield Fault("missing", name, what, session.names, str(key))
            elif n == 0:
                yield from _compared(sides, session, other)


def _compared(sides: tuple[Side, Side], one: Session, other: Session) -> Iterator[Fault]:
    parts = [
        f"{what} {mine} and {theirs}"
        for what, mine, theirs in (
            ("octets uplink", one.uplink, other.uplink),
            ("octets downlink", one.downlink, other.downlink),
            ("amount", one.amount, other.amount),
        )
        if mine != theirs
    ]
    if parts:
        both = f"{sides[0].name} and {sides[1].name}"
        yield Fault("differs", both, ", ".join(parts), (*one.names, *other.names), str(one.key))


def totals(sessions: Iterable[Session]) -> tuple[int, Decimal]:
    """Octets and money."""
    found = list(sessions)
    return sum(one.uplink + one.downlink for one in found), sum((one.amount for one in found), NOTHING)
