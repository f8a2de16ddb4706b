"""Data forwarding of a handover, TS 38.300 §9.2.3.2.3, TS 23.502 §4.9.1.3.3: what the source sends on, and what waits
at the target until the end marker says that nothing of the old path is to come.

All this is done packet by packet in user space, while the data plane serves the target's own tunnel: where the plane
is eBPF and packets follow each other within microseconds, the first that it serves may overtake the last that waited.

A downlink packet that is forwarded has no PDCP number yet (TS 38.425 is not used): the target gives it one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cinq.transport_address import Address
from cinq.wire import gtpu

LATE_S = 2.0
"""How long a tunnel that was given up still takes packets when no END MARKER comes."""
GATE_S = 0.2
"""How long fresh packets wait at most for an END MARKER: a core may send none (TS 23.501 §5.8.2.9)."""
_MOST_WAITING = 4096

Send = Callable[[bytes, tuple[str, int]], None]


def onto(octets: bytes, teid: int) -> bytes:
    """A GTP-U message with another TEID; its extension headers, so its QFI, stay."""
    return octets[:4] + teid.to_bytes(4, "big") + octets[8:]


class Relays:
    """At the source: tunnels whose packets go on to the target, or to the UPF that forwards them."""

    __slots__ = ("_ends", "_send")

    def __init__(self, send: Send) -> None:
        self._ends: dict[int, tuple[Address, int, bool]] = {}
        self._send = send

    def __contains__(self, teid: int) -> bool:
        return teid in self._ends

    def add(self, teid: int, to: tuple[Address, int], last: bool) -> None:
        """to: address and TEID. last: its END MARKER is that of the whole bearer, and goes on as well."""
        self._ends[teid] = *to, last

    def remove(self, teid: int) -> None:
        """Idempotent."""
        self._ends.pop(teid, None)

    def take(self, octets: bytes, message: gtpu.GtpuMessage) -> bool:
        """Whether the message is for such a tunnel. The END MARKER is the last that goes on."""
        found = self._ends.get(message.teid)
        if found is None or not isinstance(message, gtpu.GPdu | gtpu.EndMarker):
            return False
        address, teid, last = found
        ends = isinstance(message, gtpu.EndMarker)
        if last or not ends:
            self._send(onto(octets, teid), (str(address), gtpu.PORT))
        if ends:
            del self._ends[message.teid]
        return True


class Gate:
    """At the target: forwarded packets pass, fresh ones wait for the END MARKER, in order."""

    __slots__ = ("_handle", "_opened", "forwarding", "waiting")

    def __init__(self, forwarding: int, opened: Callable[[], None]) -> None:
        """forwarding: the TEID of forwarded packets. opened: called once, when nothing is to wait any more."""
        self.forwarding = forwarding
        self.waiting: list[tuple[bytes, tuple[str, int]]] = []
        self._opened = opened
        self._handle: asyncio.TimerHandle | None = None

    def hold(self, octets: bytes, peer: tuple[str, int]) -> None:
        """A fresh packet. The first begins the wait for the END MARKER."""
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(GATE_S, self._opened)
        if len(self.waiting) < _MOST_WAITING:
            self.waiting.append((octets, peer))

    def close(self) -> None:
        """Nothing is called any more. Idempotent."""
        if self._handle is not None:
            self._handle.cancel()
