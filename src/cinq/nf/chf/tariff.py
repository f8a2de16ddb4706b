"""Rating: what use costs by a tariff, and how much an amount of money buys. Pure functions.

Money is decimal with nine digits behind the point; each container is rounded once, half to even, so that whoever rates
the same records comes to the same sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import ClassVar

from msgspec import Struct

NANO = Decimal("0.000000001")
NOTHING = Decimal(0)
DAY_S = 86_400


class Rate(Struct, frozen=True):
    """price: of `per` octets, or seconds where timed. rating_group: 0 for all. days: 0 Monday; empty: all.

    begins, ends: seconds of the day.
    """

    price: Decimal
    per: int
    timed: bool = False
    rating_group: int = 0
    days: frozenset[int] = frozenset()
    begins: int = 0
    ends: int = DAY_S

    def fits(self, rating_group: int, weekday: int, second: int) -> bool:
        return (
            self.rating_group in (0, rating_group)
            and (not self.days or weekday in self.days)
            and self.begins <= second < self.ends
        )


class Tariff(Struct, frozen=True):
    """quota: octets, or seconds where a rate is timed, that are granted at once. validity_s: for so long."""

    QUOTA: ClassVar[int] = 10_000_000
    QUOTA_S: ClassVar[int] = 600

    name: str
    currency: str
    rates: tuple[Rate, ...]
    zone: tzinfo = UTC
    quota: int = QUOTA
    quota_s: int = QUOTA_S
    validity_s: int = 3600

    def rate(self, rating_group: int, at: datetime) -> Rate | None:
        """The first that fits; None: there is none, and rating fails."""
        local = at.astimezone(self.zone)
        second = local.hour * 3600 + local.minute * 60 + local.second
        return next((one for one in self.rates if one.fits(rating_group, local.weekday(), second)), None)

    def holds_s(self, rating_group: int, at: datetime) -> int:
        """Seconds until another rate may fit, at most the validity."""
        now = self.rate(rating_group, at)
        until = self.validity_s
        for boundary in self._boundaries(at):
            ahead = int((boundary - at).total_seconds())
            if 0 < ahead < until and self.rate(rating_group, boundary) != now:
                until = ahead
        return until

    def _boundaries(self, at: datetime) -> Iterator[datetime]:
        """When rates begin and end, today and tomorrow where the tariff is at home."""
        today = at.astimezone(self.zone).date()
        seconds = sorted({0, *(edge for one in self.rates for edge in (one.begins, one.ends))})
        for day in (today, today + timedelta(days=1)):
            for second in seconds:
                clock = time(second // 3600 % 24, second // 60 % 60, second % 60)
                moment = datetime.combine(day + timedelta(days=second // DAY_S), clock, self.zone)
                yield moment.astimezone(UTC)


class Use(Struct, frozen=True):
    """What was used, or may be. volume: octets. seconds: of time."""

    volume: int = 0
    seconds: int = 0


def cost(rate: Rate, use: Use) -> Decimal:
    units = use.seconds if rate.timed else use.volume
    return (rate.price * units / rate.per).quantize(NANO, ROUND_HALF_EVEN)


def affordable(rate: Rate, money: Decimal, most: int) -> int:
    """Octets or seconds that money buys, at most so many."""
    if not rate.price:
        return most
    if money <= 0:
        return 0
    units = (money * rate.per / rate.price).to_integral_value(ROUND_FLOOR)
    return min(most, int(units))


def tariffs_by_name(tariffs: Sequence[Tariff]) -> dict[str, Tariff]:
    return {one.name: one for one in tariffs}
