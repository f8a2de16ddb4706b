"""What operators owe each other for roaming, out of a CHF's records (wholesale charging).

A session is of the partner's subscriber here (then the partner owes), or of ours at the partner (then we owe). Both
sides have records of it, cut in other places; so it is rated as a whole, exactly, and rounded once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from cinq.nf.chf.account import Container
from cinq.nf.chf.records import Record
from cinq.nf.chf.tariff import Rate, Tariff, Use
from cinq.sbi.models import PlmnId
from cinq.sbi.services.nchf_convergedcharging import PDUSessionChargingInformation, PDUSessionInformation

DIGITS = 30  # of money, before it is rounded


class Key(Struct, frozen=True, order=True):
    """By which both sides know a session. PLMNs as '999-70'."""

    visited: str
    belongs_to: str
    subscriber: str
    charging_id: int

    def __str__(self) -> str:
        return f"{self.subscriber} of {self.belongs_to} in {self.visited}, charging identifier {self.charging_id:#010x}"


class Session(Struct, frozen=True):
    """One session as one side's records have it. names: of those records, in their order."""

    key: Key
    names: tuple[str, ...]
    opened: datetime
    closed: datetime
    uplink: int
    downlink: int
    seconds: int
    amount: Decimal

    @property
    def month(self) -> str:
        """In which it is settled, UTC."""
        return f"{self.closed:%Y-%m}"


def plmn_of(plmn: PlmnId) -> str:
    return f"{plmn.mcc}-{plmn.mnc}"


def _session_of(about: PDUSessionChargingInformation | None) -> PDUSessionInformation | None:
    return None if about is None else about.pdu_session_information


def partner_of(about: PDUSessionChargingInformation | None, plmns: Sequence[str]) -> str:
    """The PLMN where a subscriber belongs that is here; "" for one of our own."""
    session = _session_of(about)
    if session is None or session.h_plmn_id is None:
        return ""
    home = plmn_of(session.h_plmn_id)
    return "" if home in plmns else home


def key_of(record: Record) -> Key | None:
    """None: it is of nobody who roams."""
    about = record.pdu_session_charging_information
    session = _session_of(about)
    if about is None or session is None or session.h_plmn_id is None or session.serving_cn_plmn_id is None:
        return None
    home, visited = plmn_of(session.h_plmn_id), plmn_of(session.serving_cn_plmn_id)
    if home == visited:
        return None
    number = about.home_provided_charging_id or about.charging_id or record.charging_id
    return Key(visited, home, record.subscriber_identifier, number)


def rated(records: Sequence[Record], key: Key, tariff: Tariff) -> Session:
    """The session of these records, in their order. LookupError: the tariff has no rate for something."""
    containers = [one for record in records for one in record.used_unit_containers]
    return Session(
        key=key,
        names=tuple(record.name for record in records),
        opened=records[0].record_opening_time,
        closed=records[-1].record_closing_time,
        uplink=sum(one.uplink for one in containers),
        downlink=sum(one.downlink for one in containers),
        seconds=sum(one.seconds for one in containers),
        amount=_cost(containers, records[0].record_opening_time, tariff),
    )


def _cost(containers: Iterable[Container], opened: datetime, tariff: Tariff) -> Decimal:
    """Of all that was used by each rate, exactly; rounded once."""
    since: dict[int, datetime] = {}
    units: dict[Rate, int] = {}
    for one in sorted(containers, key=lambda each: (each.closed, each.number)):
        begun = since.get(one.rating_group, opened)
        rate = tariff.rate(one.rating_group, begun)
        if rate is None:
            raise LookupError(f"no rate for rating group {one.rating_group} at {begun:%Y-%m-%d %H:%M}")
        units[rate] = units.get(rate, 0) + rate.units(Use(one.total, one.seconds, one.events))
        since[one.rating_group] = one.closed
    exact = sum(
        (
            Fraction(rate.price) * (-(-used // rate.block) * rate.block) / rate.per
            for rate, used in units.items()
        ),
        Fraction(0),
    )
    whole, rest = divmod(exact.numerator * 10**DIGITS, exact.denominator)
    return Decimal(whole + (1 if rest else 0)).scaleb(-DIGITS).quantize(tariff.step, tariff.rounding)
