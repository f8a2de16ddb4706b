"""Packets that usrsctp makes within one turn of the loop leave as one (RFC 9260 §6.10).

usrsctp sends the first message of several at once, alone, and acknowledges every second packet although an answer
is about to leave: three packets each way where one would do. A packet costs as much as five messages in it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

DATA, SACK = 0, 3
"""Chunk types of RFC 9260 §3.2. No others wait: some must be alone in their packet (INIT, SHUTDOWN COMPLETE)."""
HEADER = 12
"""Octets of the common header: ports and verification tag (8), checksum (4)."""
PLAIN_SACK = 16
"""Octets of a SACK chunk that reports neither gaps nor duplicates. Those that do are never held back."""
LIMIT = 1400
"""Octets of one packet: with IPv4 and an IPsec tunnel around it (TS 33.501 §9.2) it fits into 1500. usrsctp's own
packets have 1280 at most."""

Send = Callable[[int, bytes], int]
Checksum = Callable[[bytes, int], int]


def _may_wait(packet: bytes) -> bool:
    kind = packet[HEADER]
    return kind == DATA or (kind == SACK and int.from_bytes(packet[14:16], "big") == PLAIN_SACK)


class Bundle:
    """Holds one packet back while it is `open`, until another path, a full packet or `leave`."""

    def __init__(self, send: Send, checksum: Checksum) -> None:
        self.open = False
        self._send = send
        self._checksum = checksum
        self._path: tuple[int, bytes] | None = None
        """AF_CONN address, ports and verification tag of the packet that waits."""
        self._parts: list[bytes] = []
        self._octets = 0

    @property
    def waiting(self) -> bool:
        return self._path is not None

    def add(self, handle: int, packet: bytes) -> int:
        """Takes one packet; 0, or the errno of sending it. The loss of one that waits is not told: it is made good."""
        path = (handle, packet[:8])
        if path == self._path and _may_wait(packet):
            if packet[HEADER] == DATA and self._octets + len(packet) - HEADER <= LIMIT:
                self._parts.append(packet[HEADER:])
                self._octets += len(packet) - HEADER
                return 0
            if (
                packet[HEADER] == SACK
                and self._octets == HEADER + PLAIN_SACK
                and self._parts[0][HEADER] == SACK
            ):
                self._parts[0] = packet  # the newer acknowledgement says it all
                self._octets = len(packet)
                return 0
        self.leave()
        if not self.open or not _may_wait(packet):
            return self._send(handle, packet)
        self._path, self._octets = path, len(packet)
        self._parts.append(packet)
        return 0

    def leave(self) -> None:
        """What waits is sent now."""
        if self._path is None:
            return
        (handle, head), self._path = self._path, None
        packet = self._parts[0]
        if len(self._parts) > 1:
            chunks = b"".join([packet[HEADER:], *self._parts[1:]])
            packet = head + bytes(4) + chunks
            packet = head + self._checksum(packet, len(packet)).to_bytes(4, sys.byteorder) + chunks
        self._parts.clear()
        self._send(handle, packet)
