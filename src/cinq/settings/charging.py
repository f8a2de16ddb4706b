"""Charging: what a subscriber pays for which use, TS 32.290 §5."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address
from typing import Literal

from cinq.numbering import PlmnId
from cinq.settings import check
from cinq.settings.policy import flow
from cinq.settings.toml import BitRate, setting

Kind = Literal["octets", "seconds", "events"]
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
_AMOUNT = re.compile(r"(\d{1,9})\s*(B|KB|MB|GB|s|min|h|events?)", re.ASCII)
_UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "s": 1,
    "min": 60,
    "h": 3600,
    "event": 1,
    "events": 1,
}
_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL
HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD
MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG
QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD
TWD TZS UAH UGX USD UYU UYI UZS VED VES VND VUV WST XAF XCD XCG XDR XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())
"""ISO 4217: codes in use, and XDR, which operators settle in."""
Rounding = Literal["half-even", "half-up", "up", "down"]
Report = Literal["QOS_CHANGE", "USER_LOCATION_CHANGE", "SESSION_AMBR_CHANGE"]
UsedUp = Literal["terminate", "restrict", "redirect"]


def amount(key: str, text: str) -> tuple[int, Kind]:
    """'10 MB' is (10000000, 'octets'), '60 s' (60, 'seconds'), '1 event' (1, 'events')."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or not int(found[1]):
        wanted = "octets, seconds or events such as '10 MB', '60 s' or '1 event'"
        raise ValueError(f"{key}: found {text[:40]!r}, wanted {wanted}")
    kind: Kind = "octets" if found[2].endswith("B") else "events" if found[2][0] == "e" else "seconds"
    return int(found[1]) * _UNITS[found[2]], kind


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
    per: str = setting("The unit: octets such as '1 MB', seconds such as '60 s', or '1 event'.")
    rating_group: int = setting("The rating group that it is for; 0: all.", 0)
    days: tuple[Day, ...] = setting("Days of the week; empty: all.", ())
    begins: str = setting("Time of day from which it holds.", "00:00")
    ends: str = setting("Time of day until which it holds.", "24:00")
    block: str = setting(
        "What is sold at once, such as '100 KB': what is begun is paid; empty: what is used.", ""
    )

    def __post_init__(self) -> None:
        price("price", self.price)
        _, kind = amount("per", self.per)
        if self.block and amount("block", self.block)[1] != kind:
            raise ValueError(f"block: found {self.block!r}, wanted {kind} as in per")
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
    idle_s: int = setting("Seconds without use after which a grant goes back, to 86400; 0: never.", 0)
    round_to: str = setting("To what a session's cost is rounded, such as '0.01'; empty: to nine digits.", "")
    rounding: Rounding = setting("How it is rounded.", "half-even")
    used_up: UsedUp = setting(
        "When the last quota is used up: the session ends, or goes on restricted.", "terminate"
    )
    allowed: tuple[str, ...] = setting(
        "What may be used then, as 'permit out ip from 192.0.2.1 to assigned'.", ()
    )
    redirect_to: str = setting("Address of the server that a UE may reach then, where it is redirected.", "")

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: found {self.name[:60]!r}, wanted 1 to 40 letters, digits, '.', '_', '-'")
        if not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"currency: found {self.currency[:20]!r}, wanted three letters such as EUR")
        if self.currency not in CURRENCIES:
            raise ValueError(f"currency: found {self.currency}, wanted a code of ISO 4217 such as EUR")
        check.time_zone("time_zone", self.time_zone)
        amount("quota", self.quota)
        check.within("validity_s", self.validity_s, 10, 86_400)
        check.within("idle_s", self.idle_s, 0, 86_400)
        if self.round_to and not price("round_to", self.round_to):
            raise ValueError(f"round_to: found {self.round_to}, wanted a price above 0")
        if self.round_to and Decimal(self.round_to).normalize().as_tuple().digits != (1,):
            raise ValueError(f"round_to: found {self.round_to}, wanted a power of ten such as '0.01'")
        if self.used_up == "terminate" and (self.allowed or self.redirect_to):
            raise ValueError(
                "used_up: found terminate, wanted restrict or redirect with allowed or redirect_to"
            )
        if self.used_up == "restrict" and not self.allowed:
            raise ValueError("allowed: found nothing, wanted what may be used without quota")
        if (self.used_up == "redirect") != bool(self.redirect_to):
            raise ValueError('redirect_to: wanted an address, and used_up = "redirect"')
        check.at_most("allowed", self.allowed, 16)
        for text in self.allowed:
            flow("allowed", text)
        if self.redirect_to and not _is_address(self.redirect_to):
            raise ValueError(f"redirect_to: found {self.redirect_to[:60]!r}, wanted an address of IP")


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class TariffFile:
    """Price lists in a file of their own."""

    tariff: tuple[Tariff, ...] = setting("Price lists.", ())
    rate: tuple[Rate, ...] = setting("What use costs in them.", ())

    def __post_init__(self) -> None:
        check_tariffs(self.tariff, self.rate)


def check_tariffs(tariffs: Sequence[Tariff], rates: Sequence[Rate]) -> None:
    """ValueError: a rate of no tariff, a tariff twice."""
    check.each_once("tariff", [one.name for one in tariffs])
    check.at_most("rate", rates, 4096)
    known = [one.name for one in tariffs]
    for rate in rates:
        if rate.tariff not in known:
            wanted = ", ".join(known) or "a [[tariff]]"
            raise ValueError(f"rate: found tariff {rate.tariff!r}, wanted one of {wanted}")


@dataclass(frozen=True, slots=True)
class Partner:
    """An operator whose subscribers roam here, and where ours roam."""

    plmn: PlmnId = setting("Its PLMN.")
    tariff: str = setting("The tariff by which either pays the other for roaming: the same at both.")
    name: str = setting("What it is called.", "")


@dataclass(frozen=True, slots=True)
class Charging:
    """Charging of PDU sessions: the CHF, and the SMF that asks it."""

    on: bool = setting("Have the SMF ask the CHF for every PDU session.", False)
    without_account: Literal["refuse", "postpaid"] = setting(
        "A subscriber without an account: refused, or given one that is paid later.", "refuse"
    )
    tariff: str = setting("The tariff of accounts that are opened so.", "")
    tariff_files: tuple[str, ...] = setting("Files with more [[tariff]] and [[rate]] tables.", ())
    report: tuple[Report, ...] = setting("What the SMF reports at once: changes of these.", ("QOS_CHANGE",))
    without_chf: Literal["refuse", "continue"] = setting(
        "What becomes of a session for which no CHF answers: refused, or served and not charged.", "refuse"
    )


@dataclass(frozen=True, slots=True)
class Counter:
    """A policy counter (TS 29.594): what a subscriber has spent in the month, where the tariff is at home."""

    name: str = setting("Its identifier, as the PCF asks for it.")
    below: str = setting("Its status at first.", "normal")
    above: tuple[str, ...] = setting("Amounts of money from which another status holds, the least first.", ())
    statuses: tuple[str, ...] = setting("Those statuses, one for each amount.", ())

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: found {self.name[:60]!r}, wanted 1 to 40 letters, digits, '.', '_', '-'")
        if len(self.above) != len(self.statuses):
            raise ValueError(f"statuses: found {len(self.statuses)}, wanted one for each of above")
        amounts = [price("above", text) for text in self.above]
        if amounts != sorted(set(amounts)):
            raise ValueError("above: wanted each amount greater than the one before")
        check.each_once("statuses", [self.below, *self.statuses])


@dataclass(frozen=True, slots=True)
class Limit:
    """What the PCF decides for sessions while a policy counter has a status."""

    counter: str = setting("Identifier of the policy counter.")
    status: str = setting("Its status.")
    session_ambr_uplink: BitRate = setting("Session AMBR, uplink; 0: as subscribed.", BitRate(0))
    session_ambr_downlink: BitRate = setting("Session AMBR, downlink; 0: as subscribed.", BitRate(0))
    denied: bool = setting("No sessions: those there are end.", False)
    dnn: str = setting("The DNN that it is for; empty: all.", "")

    def __post_init__(self) -> None:
        if bool(self.session_ambr_uplink) != bool(self.session_ambr_downlink):
            raise ValueError("session_ambr_uplink: wanted with session_ambr_downlink")
        if not (self.session_ambr_uplink or self.denied):
            raise ValueError("denied: found false, wanted it or a session AMBR")
