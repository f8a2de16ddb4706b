"""What the CHF is told at its start."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from cinq.nf.chf.tariff import Tariff
from cinq.sbi.services.nchf_convergedcharging import FailureHandling, TriggerType


class Counter(Struct, frozen=True):
    """A policy counter, TS 29.594 §4.2: what was spent in the month. above: from so much on it has this status."""

    name: str
    below: str = "normal"
    above: tuple[tuple[Decimal, str], ...] = ()

    def status(self, spent: Decimal) -> str:
        return next((name for amount, name in reversed(self.above) if spent >= amount), self.below)


class Settings(Struct, frozen=True):
    """without_account: what becomes of a subscriber who has none; tariff: of one that is opened then.

    plmns: of this operator, as '999-70'. partners: the tariff by which it settles with another PLMN; subscribers of
    those get an account by it. immediate: what SMFs report at once. failure: what they do where no CHF answers.
    """

    tariffs: tuple[Tariff, ...] = ()
    without_account: Literal["refuse", "postpaid"] = "refuse"
    tariff: str = ""
    plmns: tuple[str, ...] = ()
    partners: dict[str, str] = {}
    immediate: tuple[TriggerType, ...] = ()
    failure: FailureHandling | None = None
    counters: tuple[Counter, ...] = ()
