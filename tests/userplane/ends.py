"""The UPF end under test, in three makes: the model, eBPF, TUN. All take and give the same octets."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

from cinq.transport import netns
from cinq.transport.netlink import Netlink
from cinq.userplane.model import Buffered, Inner, Model, Outer, SlowPath
from cinq.userplane.open import open_plane
from cinq.userplane.rules import (
    Count,
    DecapRule,
    EncapRule,
    Plane,
    PlaneSettings,
    Reason,
    SessionRules,
    Usage,
)
from cinq.userplane.topology import Topology

from . import packets as p

PATIENCE = 3.0
SENTINEL_UE, SENTINEL_TEID, SENTINEL = IPv4Address("10.45.255.254"), 0xFFFF0001, 0xFFFF
ETH_P_IP = 0x0800


class Events:
    """Collects what the plane tells."""

    def __init__(self) -> None:
        self.gtpu: list[tuple[bytes, tuple[str, int]]] = []
        self.waiting: list[int] = []

    def gtpu_received(self, octets: bytes, peer: tuple[str, int]) -> None:
        self.gtpu.append((octets, peer))

    def buffered(self, session: int) -> None:
        self.waiting.append(session)


class End(Protocol):
    events: Events

    async def uplink(self, *gpdus: bytes) -> list[bytes]:
        """Sends UDP payloads from the gNB; the IP packets that the data network received."""

    async def elsewhere(self, *gpdus: bytes) -> list[bytes]:
        """The same from another address of the gNBs' network."""

    async def across(self, *gpdus: bytes) -> list[bytes]:
        """Sends UDP payloads from the gNB; the GTP-U messages that came back to it by another tunnel."""

    async def downlink(self, *inner: bytes) -> list[bytes]:
        """Sends IP packets from the data network; the GTP-U messages that the gNB received."""

    async def own(self, *inner: bytes) -> list[bytes]:
        """The same with packets of the UPF's own host."""

    async def after(self, act: Callable[[], None]) -> list[bytes]:
        """The GTP-U messages that an act of the control plane lets out."""

    def install(self, rules: SessionRules) -> None: ...

    def remove(self, session: int) -> None: ...

    def discard(self, session: int) -> None: ...

    def usage(self, session: int) -> Usage: ...

    def flow_usage(self, session: int) -> dict[int, Count]: ...

    def counts(self) -> dict[Reason, int]: ...


class ModelEnd:
    """The model between imagined interfaces; both ways pass one router."""

    def __init__(self, settings: PlaneSettings) -> None:
        self.model, self.events, self.now = Model(settings), Events(), 0
        self.out: list[bytes] = []
        self.remove, self.usage = self.model.remove, self.model.usage
        self.discard = self.model.discard
        self.flow_usage = self.model.flow_usage

    def counts(self) -> dict[Reason, int]:
        return self.model.counts

    def install(self, rules: SessionRules) -> None:
        self.out += [outer.octets for outer in self.model.install(rules, self.now)]

    async def uplink(self, *gpdus: bytes) -> list[bytes]:
        return self._from(p.GNB_N3, gpdus)

    async def elsewhere(self, *gpdus: bytes) -> list[bytes]:
        return self._from(p.OTHER_GNB, gpdus)

    def _from(self, source: IPv4Address, gpdus: tuple[bytes, ...]) -> list[bytes]:
        received = []
        for octets in gpdus:
            verdict = self.model.decapsulate(octets, self.now, source)
            if isinstance(verdict, SlowPath):
                self.events.gtpu_received(octets, (str(source), 2152))
            elif isinstance(verdict, Inner):
                received.append(p.after_hop(verdict.packet))
            elif isinstance(verdict, Outer):
                self.out.append(verdict.octets)
            elif isinstance(verdict, Buffered) and verdict.notify:
                self.events.buffered(verdict.session)
        return received

    async def across(self, *gpdus: bytes) -> list[bytes]:
        self._from(p.GNB_N3, gpdus)
        return await self.after(lambda: None)

    async def downlink(self, *inner: bytes) -> list[bytes]:
        return await self.own(*map(p.after_hop, inner))

    async def own(self, *inner: bytes) -> list[bytes]:
        for packet in inner:
            verdict = self.model.encapsulate(packet, self.now)
            if isinstance(verdict, Outer):
                self.out.append(verdict.octets)
            elif isinstance(verdict, Buffered) and verdict.notify:
                self.events.buffered(verdict.session)
        return await self.after(lambda: None)

    async def after(self, act: Callable[[], None]) -> list[bytes]:
        act()
        out, self.out = self.out, []
        return out


def capture(interface: str, kind: int = ETH_P_IP) -> socket.socket:
    """Reads IP packets that arrive at the interface, with their Ethernet header."""
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
    raw.bind((interface, kind))
    raw.setblocking(False)
    return raw


class KernelEnd:
    """A plane in the `upf` namespace, a gNB's socket, and a raw socket in the data network.

    A sentinel packet of a session of its own follows each burst: what has not come before it was dropped.
    """

    def __init__(self, t: Topology, settings: PlaneSettings, journal: Path) -> None:
        self.t, self.events, self._number, self.settings = t, Events(), 0, settings
        with netns.inside(t.upf):
            self.plane: Plane = open_plane(settings, self.events, journal)
        with netns.inside(t.gnb):
            self.gnb = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.gnb.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
            self.gnb.bind((str(p.GNB_N3), 2152))
            self.gnb.setblocking(False)
        with netns.inside(t.dn):
            self.dn = capture("d6")
            self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # so that no ICMP answers
            self.sink.bind((str(p.DN), 9999))
        self.install, self.remove = self.plane.install, self.plane.remove
        self.usage, self.counts = self.plane.usage, self.plane.counts
        self.discard = self.plane.discard
        self.flow_usage = self.plane.flow_usage
        self.begin()
        self.install(rules(SENTINEL, SENTINEL_UE, SENTINEL_TEID, SENTINEL_TEID))

    def begin(self) -> None:
        """Before any session."""

    def close(self) -> None:
        for each in (self.gnb, self.dn, self.raw, self.sink):
            each.close()
        with netns.inside(self.t.upf):
            self.plane.close()

    def _sentinel(self) -> bytes:
        self._number += 1
        return b"sentinel" + struct.pack("!I", self._number)

    async def _until(self, sock: socket.socket, mark: bytes) -> list[bytes]:
        loop, found = asyncio.get_running_loop(), list[bytes]()
        async with asyncio.timeout(PATIENCE):
            while True:
                octets = await loop.sock_recv(sock, 70000)
                if octets.endswith(mark):
                    break
                found.append(octets)
        for _ in range(4):  # the plane reads what came to user space before the sentinel
            await asyncio.sleep(0)
        return found

    async def uplink(self, *gpdus: bytes) -> list[bytes]:
        mark = self._sentinel()
        for octets in (*gpdus, p.gpdu(SENTINEL_TEID, p.udp(SENTINEL_UE, p.DN, mark))):
            self.gnb.sendto(octets, (str(p.UPF_N3), 2152))
        frames = await self._until(self.dn, mark)
        return [f[14:] for f in frames if f[26] == 10 and f[27] == 45]

    async def across(self, *gpdus: bytes) -> list[bytes]:
        for octets in gpdus:
            self.gnb.sendto(octets, (str(p.UPF_N3), 2152))
        for _ in range(len(gpdus) // 32 + 4):  # a plane in user space reads them before the sentinel
            await asyncio.sleep(0)
        return await self.downlink()

    async def elsewhere(self, *gpdus: bytes) -> list[bytes]:
        with Netlink(self.t.gnb) as links:
            links.add_address("g3", f"{p.OTHER_GNB}/24")
            try:
                with netns.inside(self.t.gnb), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                    other.bind((str(p.OTHER_GNB), 2152))
                    for octets in gpdus:
                        other.sendto(octets, (str(p.UPF_N3), 2152))
                    return await self.uplink()
            finally:
                links.delete_address("g3", f"{p.OTHER_GNB}/24")

    def from_another_port(self, octets: bytes, *, checksum: bool) -> None:
        """A datagram from a port of the gNB that is not 2152."""
        with netns.inside(self.t.gnb), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.setsockopt(socket.SOL_SOCKET, 11, int(not checksum))  # SO_NO_CHECK
            other.sendto(octets, (str(p.UPF_N3), 2152))

    async def downlink(self, *inner: bytes) -> list[bytes]:
        mark = self._sentinel()
        for packet in (*inner, p.udp(p.DN, SENTINEL_UE, mark)):
            self.raw.sendto(packet, (str(IPv4Address(packet[16:20])), 0))
        return await self._until(self.gnb, mark)

    async def own(self, *inner: bytes) -> list[bytes]:
        with (
            netns.inside(self.t.upf),
            socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw,
        ):
            for packet in inner:
                raw.sendto(packet, (str(IPv4Address(packet[16:20])), 0))
        return await self.downlink()

    async def after(self, act: Callable[[], None]) -> list[bytes]:
        act()
        return await self.downlink()


def rules(
    session: int = 1,
    ue: IPv4Address = p.UE,
    uplink: int = 0x1001,
    downlink: int = 0x2001,
) -> SessionRules:
    """A session that forwards both ways."""
    encap = EncapRule(ue, downlink, p.GNB_N3, 9)
    return SessionRules(session, (DecapRule(uplink, ue),), (encap,))
