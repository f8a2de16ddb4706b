"""What a SEPP reaches beyond itself."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from cinq.sbi.message import Request, Response


class Interconnect(Protocol):
    """N32: a connection of TLS to each partner's SEPP, whose certificate its own authorities have signed."""

    def send(self, partner: str, request: Request, within: float) -> Awaitable[Response]:
        """partner: its name. NoAnswerError: none in time, no connection, or another SEPP is there."""
        ...

    def forward(self, partner: str, request: Request, within: float) -> Awaitable[Response]:
        """A message of PRINS to the next hop on the way to the partner. NoAnswerError."""
        ...

    async def renew(self, partner: str) -> None:
        """The next request goes over a new connection."""
        ...

    def exported(self, partner: str) -> tuple[bytes, str]:
        """Of the connection: exporter master secret and hash (RFC 8446 §7.5); (b"", "") where there is none."""
        ...


class Inside(Protocol):
    """The functions of this network."""

    def __call__(self, root: str, request: Request, within: float) -> Awaitable[Response]:
        """root: where the function is. NoAnswerError."""
        ...
