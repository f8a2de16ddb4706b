"""One SCTP association as the rest of cinq sees it, whichever implementation carries it (RFC 9260).

`SctpSettings` has the values that TS 38.412 leaves to the operator. The defaults notice a dead peer in about
7 s while messages are on their way (RTO 0.4, 0.8, 1.6, 2, 2 s) and in about 17 s when idle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Address = tuple[str, int]
"""Address in text form and port number."""

PPID_NGAP = 60
"""TS 38.412 §7: SCTP payload protocol identifier of NGAP."""

RAW_PURPOSE = "SCTP by libusrsctp (a raw socket)"
"""What CAP_NET_RAW is for, where the kernel has no SCTP."""

N2_PORT = 38412
"""TS 38.412 §7: SCTP destination port of NGAP."""


@dataclass(frozen=True, slots=True)
class SctpSettings:
    """Protocol parameters of RFC 9260 §16, and the bounds that protect this end."""

    outbound_streams: int = 32
    inbound_streams: int = 64
    heartbeat_ms: int = 2000
    rto_initial_ms: int = 1000
    rto_min_ms: int = 400
    rto_max_ms: int = 2000
    max_retransmissions: int = 4
    max_init_attempts: int = 4
    max_associations: int = 512
    """Of one listener; further ones are refused with ABORT, those that are open stay."""
    max_associations_per_address: int = 256
    """Of one peer address at one listener: one host cannot shut all others out."""
    message_limit: int = 65536
    """Octets of one user message; a longer one aborts the association it came on."""
    send_queue_limit: int = 4 << 20
    """Octets that wait here when the peer does not read; more aborts the association."""


class AssociationHandler(Protocol):
    """The user of an association. Called from the event loop; must not block and should not raise."""

    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        """One whole user message, in the order of its stream."""

    def lost(self, reason: str) -> None:
        """The association is over (abort, shutdown, path failure, peer restart). Called once, and last."""


class Association(Protocol):
    """An established association."""

    @property
    def local(self) -> Address:
        """Of an association with a server on all addresses, by the kernel: any of those that the peer may use."""

    @property
    def remote(self) -> Address: ...

    @property
    def outbound_streams(self) -> int:
        """Streams that the peer agreed to receive, at least 1."""

    def send(self, octets: bytes, *, stream: int = 0, ppid: int = PPID_NGAP) -> None:
        """Queues one message, ordered within `stream` modulo `outbound_streams`.

        Nothing happens when the association is already over: `lost` has said so.
        """

    async def alive(self, within: float = 2.0) -> bool:
        """Whether the peer answers within `within` seconds: by heartbeats on demand (RFC 9260 §8.3)."""

    async def close(self, within: float = 2.0) -> None:
        """SHUTDOWN after what is queued was delivered; ABORT when that takes longer than `within` seconds."""

    def abort(self, reason: str = "") -> None:
        """ABORT with a user-initiated cause; the own handler hears `lost(reason)`.

        The peer hears the reason by libusrsctp only: the kernel sends none on a socket of one association.
        """


class Listener(Protocol):
    """A one-to-many server."""

    @property
    def local(self) -> Address: ...

    @property
    def associations(self) -> frozenset[Association]:
        """Those that are established now."""

    def close(self) -> None:
        """No new associations; the established ones are aborted."""


OnAssociation = Callable[[Association], AssociationHandler]
"""Called when an association is up; what it returns hears the messages."""
