"""Rating: what use costs by a tariff, and how much an amount of money buys. Pure functions.

Money is decimal with nine digits behind the point, or fewer where the tariff says so. Where use is sold in blocks, or
money is rounded, that is done on the running total of a rate in a session: into how many containers the use was cut
makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import ClassVar, Literal

from msgspec import Struct

NANO = Decimal("0.000000001")
NOTHING = Decimal(0)
DAY_S = 86_400


class Rate(Struct, frozen=True):
    """price: of `per` octets, or seconds where timed, or events. rating_group: 0 for all. days: 0 Monday; empty: all.

    begins, ends: seconds of the day. block: so many octets, seconds or events are sold at once; 1: each.
    """

    price: Decimal
    per: int
    timed: bool = False
    rating_group: int = 0
    days: frozenset[int] = frozenset()
    begins: int = 0
    ends: int = DAY_S
    block: int = 1
    events: bool = False

    @property
    def key(self) -> str:
        """By which a session knows it again."""
        kind = "s" if self.timed else "events" if self.events else "octets"
        return f"{self.rating_group} {self.price}/{self.per} {kind} by {self.block}"

    def units(self, use: Use) -> int:
        """Of the kind that it is for."""
        return use.seconds if self.timed else use.events if self.events else use.volume

    def use(self, units: int) -> Use:
        if self.events:
            return Use(events=units)
        return Use(seconds=units) if self.timed else Use(volume=units)

    def fits(self, rating_group: int, weekday: int, second: int) -> bool:
        return (
            self.rating_group in (0, rating_group)
            and (not self.days or weekday in self.days)
            and self.begins <= second < self.ends
        )


class Use(Struct, frozen=True):
    """What was used, or may be. volume: octets. seconds: of time."""

    volume: int = 0
    seconds: int = 0
    events: int = 0


Action = Literal["terminate", "restrict", "redirect"]


class Last(Struct, frozen=True):
    """What becomes of the service when the last quota is used up. filters: IPFilterRules of what may be used then.

    redirect: the address of a server that may be reached then.
    """

    action: Action = "terminate"
    filters: tuple[str, ...] = ()
    redirect: str = ""


class Tariff(Struct, frozen=True):
    """quota: octets, seconds where a rate is timed, events, that are granted at once. validity_s: for so long.

    holds_idle_s: a grant goes back when it is not used for so long; 0: never. step, rounding: of money, as decimal has
    it. last: see there.
    """

    QUOTA: ClassVar[int] = 10_000_000
    QUOTA_S: ClassVar[int] = 600
    QUOTA_EVENTS: ClassVar[int] = 10

    name: str
    currency: str
    rates: tuple[Rate, ...]
    zone: tzinfo = UTC
    quota: int = QUOTA
    quota_s: int = QUOTA_S
    validity_s: int = 3600
    quota_events: int = QUOTA_EVENTS
    holds_idle_s: int = 0
    step: Decimal = NANO
    rounding: str = ROUND_HALF_EVEN
    last: Last = Last()

    def quota_of(self, rate: Rate) -> int:
        return self.quota_s if rate.timed else self.quota_events if rate.events else self.quota

    def is_running(self, rate: Rate) -> bool:
        """Whether what a container costs depends on what was used before it."""
        return rate.block > 1 or self.step != NANO or self.rounding != ROUND_HALF_EVEN

    def cost(self, rate: Rate, units: int, before: int = 0) -> Decimal:
        """Of so many units, after so many others in the same session."""
        if not self.is_running(rate):
            return (rate.price * units / rate.per).quantize(NANO, ROUND_HALF_EVEN)
        return self._total(rate, before + units) - self._total(rate, before)

    def _total(self, rate: Rate, units: int) -> Decimal:
        blocks = -(-units // rate.block)
        return (rate.price * blocks * rate.block / rate.per).quantize(self.step, self.rounding)

    def affordable(self, rate: Rate, money: Decimal, most: int, before: int = 0) -> int:
        """Units that money buys, at most so many; the cost never falls with the units."""
        if not rate.price:
            return most
        if not self.is_running(rate):
            units = (money * rate.per / rate.price).to_integral_value(ROUND_FLOOR) if money > 0 else 0
            return min(most, int(units))
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            if self.cost(rate, middle, before) <= money:
                low = middle
            else:
                high = middle - 1
        return low

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


def tariffs_by_name(tariffs: Sequence[Tariff]) -> dict[str, Tariff]:
    return {one.name: one for one in tariffs}
