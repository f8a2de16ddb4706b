"""The test cases of the security assurance specifications as rows: identity, what is done, what access it takes.

Our wording; the text of the specifications stays with 3GPP and is referred to by TS, version and clause.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
from msgspec import Struct

Access = Literal["B", "H", "R", "D"]
"""B over the network; H a host; R a radio; D documents."""


class Row(Struct, frozen=True):
    """One test case. spec: '33.512'. version: 'i10 (18.1.0)'. tc: its name. verdict: what makes it pass."""

    id: str
    spec: str
    version: str
    nf: str
    clause: str
    tc: str
    title: str
    do: str
    verdict: str
    cls: Access
    peers: str
    note: str = ""

    @property
    def name(self) -> str:
        """'TS 33.512 4.2.2.3.1 TC_NAS_REPLAY_AMF'."""
        return f"TS {self.spec} {self.clause} {self.tc or self.title}"


def _octets() -> bytes:
    return resources.files("cinq.assurance").joinpath("catalogue.json").read_bytes()


@cache
def rows() -> dict[str, Row]:
    """All rows, by identity."""
    found = msgspec.json.decode(_octets(), type=list[Row])
    return {row.id: row for row in found}


@cache
def digest() -> str:
    """SHA-256 of the catalogue, hexadecimal: which questions a report is about."""
    return hashlib.sha256(_octets()).hexdigest()


MISSING: dict[Access, str] = {
    "B": "no case is written for it yet; it needs {peers}",
    "H": "it needs a host of the target, and no case is written for it yet",
    "R": "it needs the air interface, which this bench does not have",
    "D": "it needs documents of the vendor, which a person reads",
}


def missing(row: Row) -> str:
    """Why a row for which there is no case was not tested."""
    return MISSING[row.cls].format(peers=row.peers or "a peer")
