"""What begins the SMF's procedures when no 5GSM message does.

A Signal is what the SMF itself or the AMF wants of a session (`session.want(...)`, `await session.demand(...)`): it
takes its turn. The others are events (`session.receive(...)`): they meet the collision rules as messages do.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from cinq.nf.smf.context import AnTunnel, SmContext
from cinq.nf.smf.settings import DataNetwork
from cinq.procedure import Signal
from cinq.wire import nas
from cinq.wire.nas import GsmCause


@dataclass(frozen=True, slots=True)
class Setup(Signal[None]):
    """The gNB carries the session: its end of N3."""

    an: AnTunnel


@dataclass(frozen=True, slots=True)
class SetupRefused(Signal[None]):
    """The gNB has no resources for the session."""

    cause: str


@dataclass(frozen=True, slots=True)
class Activation(Signal[bytes]):
    """The UE wants its user plane back. The result: the transfer for the gNB."""


@dataclass(frozen=True, slots=True)
class Deactivation(Signal[None]):
    """The AN was released."""

    cause: str


@dataclass(frozen=True, slots=True)
class Restoration(Signal[None]):
    """The UPF has to get the session again."""


@dataclass(frozen=True, slots=True)
class UeRelease(Signal[None]):
    """The UE's request, and the AMF that waits for what is to go to UE (n1) and gNB (n2)."""

    message: nas.PDUSessionReleaseRequest
    answer: asyncio.Future[tuple[bytes, bytes]]

    def first(self, n1: bytes, n2: bytes) -> bool:
        """The first command travels in the answer to the AMF; False when that has left."""
        if self.answer.done():
            return False
        self.answer.set_result((n1, n2))
        return True


@dataclass(frozen=True, slots=True)
class NetworkRelease(Signal[None]):
    """The network ends the session."""

    cause: GsmCause


@dataclass(frozen=True, slots=True)
class LocalRelease(Signal[None]):
    """The AMF has no session (any more)."""

    why: str


@dataclass(frozen=True, slots=True)
class SmContextCreated:
    """Steps 3 to 6 of an establishment are done: the UE may have this session, and the AMF knows its name."""

    context: SmContext
    request: nas.PDUSessionEstablishmentRequest
    network: DataNetwork


@dataclass(frozen=True, slots=True)
class DownlinkData:
    """The UPF keeps a packet for the UE."""


@dataclass(frozen=True, slots=True)
class UeNotReached:
    """The AMF gave up paging."""


@dataclass(frozen=True, slots=True)
class TunnelGone:
    """The gNB answered the UPF by Error Indication: it knows nothing of these tunnels."""

    teids: tuple[int, ...]


class N1N2TransferFailed:
    """The AMF could not pass a message on: there is nobody to wait for."""


RELEASES = (UeRelease, NetworkRelease, LocalRelease)
