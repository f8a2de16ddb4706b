"""Charging: what a subscriber pays for which use, TS 32.290 §5."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from cinq.settings import check
from cinq.settings.toml import setting

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINOR = {"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3} | dict.fromkeys(
    ("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0
)
"""Digits of a currency's minor unit where they are not two (ISO 4217)."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_PRICE = re.compile(r"\d{1,9}(\.\d{1,9})?")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_AMOUNT = re.compile(r"(\d{1,9})\s*(B|KB|MB|GB|s|min|h)")
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "s": 1, "min": 60, "h": 3600}


def amount(key: str, text: str) -> tuple[int, bool]:
    """'10 MB' is (10000000, True), '60 s' (60, False): how much, and whether it is octets or seconds."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise ValueError(f"{key}: found {text[:40]!r}, wanted octets or seconds such as '10 MB' or '60 s'")
    return int(found[1]) * _UNITS[found[2]], found[2].endswith("B")


def price(key: str, text: str) -> Decimal:
    """'0.01'. ValueError otherwise."""
    try:
        if _PRICE.fullmatch(text):
            return Decimal(text)
    except InvalidOperation:
        pass
    raise ValueError(f"{key}: found {text[:40]!r}, wanted a price such as '0.01'")


@dataclass(frozen=True, slots=True)
class Rate:
    """What one kind of use costs in a tariff. Of those that fit the first counts."""

    tariff: str = setting("The tariff that it is of.")
    price: str = setting("Price of the unit, in the tariff's currency.")
    per: str = setting("The unit: octets such as '1 MB', or seconds such as '60 s'.")
    rating_group: int = setting("The rating group that it is for; 0: all.", 0)
    days: tuple[Day, ...] = setting("Days of the week; empty: all.", ())
    begins: str = setting("Time of day from which it holds.", "00:00")
    ends: str = setting("Time of day until which it holds.", "24:00")

    def __post_init__(self) -> None:
        price("price", self.price)
        amount("per", self.per)
        check.within("rating_group", self.rating_group, 0, 2**32 - 1)
        check.each_once("days", self.days)
        for key, text in (("begins", self.begins), ("ends", self.ends)):
            if not _TIME.fullmatch(text):
                raise ValueError(f"{key}: found {text[:20]!r}, wanted a time of day such as '08:00'")
        if self.begins >= self.ends:
            raise ValueError(f"ends: found {self.ends}, wanted a time after {self.begins}")


@dataclass(frozen=True, slots=True)
class Tariff:
    """A price list; what it says stands in tables [[rate]]."""

    name: str = setting("Name of the tariff, unlike all others.")
    currency: str = setting("Currency, ISO 4217.")
    time_zone: str = setting("Where days and times of day are; empty: UTC.", "")
    quota: str = setting("How much is granted at once: octets or seconds.", "10 MB")
    validity_s: int = setting("Seconds for which a grant holds, 10 to 86400.", 3600)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: found {self.name[:60]!r}, wanted 1 to 40 letters, digits, '.', '_', '-'")
        if not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"currency: found {self.currency[:20]!r}, wanted three letters such as EUR")
        check.time_zone("time_zone", self.time_zone)
        amount("quota", self.quota)
        check.within("validity_s", self.validity_s, 10, 86_400)


@dataclass(frozen=True, slots=True)
class Charging:
    """Charging of PDU sessions: the CHF, and the SMF that asks it."""

    on: bool = setting("Have the SMF ask the CHF for every PDU session.", False)
    without_account: Literal["refuse", "postpaid"] = setting(
        "A subscriber without an account: refused, or given one that is paid later.", "refuse"
    )
    tariff: str = setting("The tariff of accounts that are opened so.", "")
    without_chf: Literal["refuse", "continue"] = setting(
        "What becomes of a session for which no CHF answers: refused, or served and not charged.", "refuse"
    )
