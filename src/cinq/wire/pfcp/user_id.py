"""User ID: who a session is for. TS 29.244 §8.2.101."""

from __future__ import annotations

from typing import Self

from cinq.wire.pfcp.elements import Reader
from cinq.wire.pfcp.row import Element


class UserId(Element, frozen=True):
    """User ID, §8.2.101. imsi, imei, msisdn: digits; nai, supi, gpsi, pei: text."""

    imsi: str | None = None
    imei: str | None = None
    msisdn: str | None = None
    nai: str | None = None
    supi: str | None = None
    gpsi: str | None = None
    pei: str | None = None

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        reader = Reader(octets)
        flags = reader.uint(1)
        parts = [reader.take(reader.uint(1)) if flags & 1 << n else None for n in range(7)]
        digits = [None if part is None else _digits(part) for part in parts[:3]]
        texts = [None if part is None else part.decode("latin-1") for part in parts[3:]]
        return cls(*digits, *texts)

    def octets(self) -> bytes:
        digits = [None if d is None else _tbcd(d) for d in (self.imsi, self.imei, self.msisdn)]
        texts = (self.nai, self.supi, self.gpsi, self.pei)
        parts = [*digits, *(None if text is None else text.encode("latin-1") for text in texts)]
        flags = sum(1 << n for n, part in enumerate(parts) if part is not None)
        return bytes((flags,)) + b"".join(bytes((len(p),)) + p for p in parts if p is not None)


def _digits(octets: bytes) -> str:
    h = octets.hex()
    digits = "".join(h[n + 1] + h[n] for n in range(0, len(h), 2))
    digits = digits[:-1] if digits.endswith("f") else digits
    if not digits.isdigit():
        raise ValueError(f"digits wanted, found {digits!r}")
    return digits


def _tbcd(digits: str) -> bytes:
    padded = digits + "f" * (len(digits) % 2)
    return bytes.fromhex("".join(padded[n + 1] + padded[n] for n in range(0, len(padded), 2)))
