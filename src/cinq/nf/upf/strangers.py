"""Uplink packets from a gNB that has not the tunnel yet: where the UE is moving to, perhaps.

In an Xn handover the target gNB sends uplink packets before the path is switched to it (TS 23.502 §4.9.1.2.2, between
steps 1 and 3). They wait here, few and not for long; they go on when the session's tunnel becomes that gNB's, and from
nobody else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address

from cinq.nf.upf.n4 import Peer

OF_SESSION, OF_ALL = 256, 8192  # packets
PATIENCE_S = 2.0

Kept = tuple[float, bytes, Peer]


class Strangers:
    """By SEID."""

    def __init__(self) -> None:
        self._kept: dict[int, deque[Kept]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Packets."""
        return self._count

    def keep(self, seid: int, octets: bytes, peer: Peer) -> None:
        """A G-PDU; one that finds no room is gone."""
        now = asyncio.get_running_loop().time()
        kept = self._kept.get(seid)
        if self._count >= OF_ALL and kept is None:
            self._clear(now)
        if self._count >= OF_ALL:
            return
        if kept is None:
            kept = self._kept[seid] = deque()
        while kept and now - kept[0][0] > PATIENCE_S:
            kept.popleft()
            self._count -= 1
        if len(kept) < OF_SESSION:
            kept.append((now, octets, peer))
            self._count += 1

    def _clear(self, now: float) -> None:
        for seid in [seid for seid, kept in self._kept.items() if now - kept[-1][0] > PATIENCE_S]:
            self.forget(seid)

    def take(self, seid: int, senders: Iterable[IPv4Network | IPv6Network]) -> list[tuple[bytes, Peer]]:
        """What is no stranger's any more, in order; the rest is gone."""
        if seid not in self._kept:
            return []
        kept, owners, now = self._kept[seid], tuple(senders), asyncio.get_running_loop().time()
        self.forget(seid)
        return [
            (octets, peer)
            for at, octets, peer in kept
            if now - at <= PATIENCE_S and any(ip_address(peer[0]) in owner for owner in owners)
        ]

    def forget(self, seid: int) -> None:
        self._count -= len(self._kept.pop(seid, ()))
