"""Domain names of 5G networks, TS 23.003 §28.2: '5gc.mnc070.mcc999.3gppnetwork.org', and whose a name is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cinq.numbering import PlmnId

_ROOT = re.compile(r"(https?)://([A-Za-z0-9.-]{1,253})(?::(\d{1,5}))?(?=$|[/?#])")
_IN_DOMAIN = re.compile(
    r"(?:[a-z0-9-]{1,63}\.)*5gc\.mnc(\d{3})\.mcc(\d{3})\.3gppnetwork\.org\.?", re.IGNORECASE
)


def domain(plmn: PlmnId) -> str:
    """An MNC of two digits is filled to three."""
    return f"5gc.mnc{plmn.mnc:0>3}.mcc{plmn.mcc}.3gppnetwork.org"


def function_name(function: str, plmn: PlmnId) -> str:
    """'nrf' -> 'nrf.5gc.mnc070.mcc999.3gppnetwork.org' (§28.3.2)."""
    return f"{function}.{domain(plmn)}"


def plmn_of_name(name: str, plmns: Iterable[PlmnId]) -> PlmnId | None:
    """Of these networks the one that the name is in. None: in none of them."""
    found = _IN_DOMAIN.fullmatch(name)
    if found is None:
        return None
    return next((p for p in plmns if (f"{p.mnc:0>3}", p.mcc) == found.groups()), None)


def is_of_a_network(name: str) -> bool:
    """Whether the name is in the domain of any 5G network."""
    return _IN_DOMAIN.fullmatch(name) is not None


def root_of(uri: str) -> tuple[str, str]:
    """API root up to the authority, and the host in it: ('https://a.example:443', 'a.example'); ('', '') without."""
    found = _ROOT.match(uri)
    return ("", "") if found is None else (found[0], found[2].lower())


def plmn_of_imsi(imsi: str, plmns: Iterable[PlmnId]) -> PlmnId | None:
    """Of these networks the one whose MCC and MNC the digits begin with; the longer MNC goes first."""
    digits = imsi.removeprefix("imsi-")
    fits = [p for p in plmns if digits.startswith(p.mcc + p.mnc)]
    return max(fits, key=lambda p: len(p.mnc), default=None)
