"""What the CHF is told at its start."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from cinq.nf.chf.tariff import Tariff


class Settings(Struct, frozen=True):
    """without_account: what becomes of a subscriber who has none; tariff: of one that is opened then."""

    tariffs: tuple[Tariff, ...] = ()
    without_account: Literal["refuse", "postpaid"] = "refuse"
    tariff: str = ""
