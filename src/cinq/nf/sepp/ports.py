"""What a SEPP reaches beyond itself."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from cinq.sbi.message import Request, Response


class Interconnect(Protocol):
    """N32: a connection of TLS to each partner's SEPP, whose certificate its own authorities have signed."""

    def __call__(self, partner: str, request: Request, within: float) -> Awaitable[Response]:
        """partner: its name. NoAnswerError: none in time, no connection, or another SEPP is there."""
        ...


class Inside(Protocol):
    """The functions of this network."""

    def __call__(self, root: str, request: Request, within: float) -> Awaitable[Response]:
        """root: where the function is. NoAnswerError."""
        ...
