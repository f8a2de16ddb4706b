"""Packets of one IP protocol past the host's own stack, to see how a stranger's packet is answered."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import closing

from cinq.transport import privilege
from cinq.transport.error import TransportError
from cinq.transport.frames import crc32c

ICMP, SCTP = socket.IPPROTO_ICMP, 132
RECEIVE_BUFFER = 8 << 20
SO_RCVBUFFORCE = 33
BATCH = 256  # packets that are sent or read before others have their turn
LARGEST = 65535
INIT, INIT_ACK, ABORT = 1, 2, 6
WAIT_S = 1.0  # what has not answered by then does not
OWN_PORT = 61_900
Matches = Callable[[bytes], bool]


class Raw:
    """A raw socket at an own IPv4 address. Packets that come are told with their IP header.

    TransportError: the address is not this host's. PrivilegeError: CAP_NET_RAW is missing.
    """

    def __init__(self, address: str, protocol: int, *, broadcast: bool = False) -> None:
        self.dropped = 0
        try:
            self._socket = socket.socket(
                socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol
            )
        except PermissionError:
            raise privilege.refused("CAP_NET_RAW", "packets of the bench's own making") from None
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if broadcast:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            self._socket.bind((address, 0))
        except OSError as error:
            self._socket.close()
            raise TransportError(
                f"{address}: {os.strerror(error.errno or 0)}", "name an own address"
            ) from None

    def send(self, payload: bytes, to: str, options: bytes = b"") -> None:
        """options: of the IP header (RFC 791 §3.1). A packet that the host does not let out counts as `dropped`."""
        try:
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, options)
            self._socket.sendto(payload, (to, 0))
        except OSError:
            self.dropped += 1

    def came(self) -> list[bytes]:
        """The packets that wait, at most BATCH."""
        found = []
        for _ in range(BATCH):
            try:
                found.append(self._socket.recv(LARGEST))
            except OSError:
                break
        return found

    async def hear(self, within: float, enough: Matches | None = None) -> list[bytes]:
        """What comes within so many seconds, or up to the first that is enough."""
        loop, found = asyncio.get_running_loop(), list[bytes]()
        until = loop.time() + within
        while loop.time() < until:
            packets = self.came()
            found += packets
            if enough is not None and any(enough(packet) for packet in packets):
                break
            await asyncio.sleep(0.01 if not packets else 0)
        return found

    async def answer(self, payload: bytes, to: str, matches: Matches, options: bytes = b"") -> bytes | None:
        """The first packet from there that fits, None when none comes within WAIT_S."""
        self.came()
        self.send(payload, to, options)

        def fits(packet: bytes) -> bool:
            return source_of(packet) == to and matches(payload_of(packet))

        return next((packet for packet in await self.hear(WAIT_S, fits) if fits(packet)), None)

    def close(self) -> None:
        self._socket.close()


class Foreign:
    """Packets whose source is whoever's. sent, dropped: how many the host let out, or not. PrivilegeError."""

    def __init__(self) -> None:
        self.sent = self.dropped = 0
        try:
            self._socket = socket.socket(
                socket.AF_INET,
                socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
                socket.IPPROTO_RAW,
            )
        except PermissionError:
            raise privilege.refused("CAP_NET_RAW", "packets with other sources") from None

    def send(self, source: str, to: str, protocol: int, payload: bytes) -> None:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
        try:
            self._socket.sendto(head + socket.inet_aton(source) + socket.inet_aton(to) + payload, (to, 0))
            self.sent += 1
        except OSError:
            self.dropped += 1

    def close(self) -> None:
        self._socket.close()


class Raw6:
    """A raw socket for ICMPv6 on one link, with the hop limit that neighbours demand (RFC 4861: 255). The kernel writes
    checksums. TransportError: there is no such link, or no address on it. PrivilegeError: CAP_NET_RAW is missing."""

    def __init__(self, link: str, *, local: bool = False) -> None:
        """local: speak from the link-local address."""
        try:
            self._index = socket.if_nametoindex(link)
            self._socket = socket.socket(
                socket.AF_INET6,
                socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
                socket.IPPROTO_ICMPV6,
            )
        except PermissionError:
            raise privilege.refused("CAP_NET_RAW", "packets of the bench's own making") from None
        except OSError as error:
            raise TransportError(f"{link}: {os.strerror(error.errno or 0)}", "ip link") from None
        for option in (socket.IPV6_UNICAST_HOPS, socket.IPV6_MULTICAST_HOPS):
            self._socket.setsockopt(socket.IPPROTO_IPV6, option, 255)
        self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, self._index)
        if local:
            self._bind_local(link)

    def _bind_local(self, link: str) -> None:
        try:
            with open("/proc/net/if_inet6") as table:
                rows = [line.split() for line in table]
            found = next(row[0] for row in rows if row[5] == link and row[0].startswith("fe80"))
            address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(found))
            self._socket.bind((address, 0, 0, self._index))
        except (OSError, StopIteration):
            self._socket.close()
            raise TransportError(f"{link}: no link-local address", f"ip -6 address show {link}") from None

    def send(self, payload: bytes, to: str) -> bool:
        """False: the host did not let it out."""
        try:
            self._socket.sendto(payload, (to, 0, 0, self._index if to.startswith(("fe80", "ff")) else 0))
        except OSError:
            return False
        return True

    async def hear(self, within: float) -> list[tuple[str, bytes]]:
        """Messages that came within so many seconds, each with its source, without the IP header."""
        loop, found = asyncio.get_running_loop(), list[tuple[str, bytes]]()
        until = loop.time() + within
        while loop.time() < until and len(found) < BATCH:
            try:
                octets, source = self._socket.recvfrom(LARGEST)
                found.append((str(source[0]).partition("%")[0], octets))
            except OSError:
                await asyncio.sleep(0.005)
        return found

    def close(self) -> None:
        self._socket.close()


def source_of(packet: bytes) -> str:
    return socket.inet_ntoa(packet[12:16])


def payload_of(packet: bytes) -> bytes:
    """Behind the IP header."""
    return packet[(packet[0] & 0x0F) * 4 :]


# SCTP, RFC 9260


def sctp_init(port: int, own_port: int = OWN_PORT, tag: int = 0x0C10C001) -> bytes:
    """An INIT chunk in a packet of its own (§3.3.2): what opens an association, and leaves no state behind."""
    chunk = struct.pack("!BBHIIHHI", INIT, 0, 20, tag, 65536, 10, 10, 1)
    head = struct.pack("!HHI", own_port, port, 0)
    return head + crc32c(head + bytes(4) + chunk).to_bytes(4, "little") + chunk


def chunk_of(payload: bytes) -> int:
    """The type of the first chunk, -1 where there is none."""
    return payload[12] if len(payload) > 12 else -1


def accepts(payload: bytes) -> bool:
    """INIT ACK."""
    return chunk_of(payload) == INIT_ACK


async def open_sctp(own: str, address: str, ports: Iterable[int]) -> set[int]:
    """Ports where an INIT is answered by INIT ACK. TransportError: this host cannot try."""
    found, sums = set[int](), _Sums()
    with closing(Raw(own, SCTP)) as raw:
        for number, port in enumerate(ports):
            raw.send(sums.init(port), address)
            if number % BATCH == BATCH - 1:
                await asyncio.sleep(0)
                _note(raw.came(), address, found)
        _note(await raw.hear(WAIT_S), address, found)
    return found


def _note(packets: list[bytes], address: str, found: set[int]) -> None:
    for packet in packets:
        payload = payload_of(packet)
        if source_of(packet) == address and accepts(payload) and payload[2:4] == OWN_PORT.to_bytes(2, "big"):
            found.add(int.from_bytes(payload[:2], "big"))


class _Sums:
    """INITs to many ports: a CRC is linear, so each bit of the port adds what it adds."""

    def __init__(self) -> None:
        self._base = sctp_init(0)
        start = self._sum(self._base)
        self._bits = [self._sum(sctp_init(1 << bit)) ^ start for bit in range(16)]

    @staticmethod
    def _sum(packet: bytes) -> int:
        return int.from_bytes(packet[8:12], "little")

    def init(self, port: int) -> bytes:
        value = self._sum(self._base)
        for bit, more in enumerate(self._bits):
            if port >> bit & 1:
                value ^= more
        base = self._base
        return base[:2] + port.to_bytes(2, "big") + base[4:8] + value.to_bytes(4, "little") + base[12:]


# TCP, RFC 9293


class SynFlood:
    """SYNs whose sources are nobody's, so that the connections stay half open."""

    def __init__(self, sources: list[str], seed: bytes) -> None:
        self._chance = random.Random(seed)
        self._sources = sources
        self._foreign = Foreign()

    @property
    def sent(self) -> int:
        return self._foreign.sent

    @property
    def dropped(self) -> int:
        return self._foreign.dropped

    def send(self, to: str, port: int, count: int) -> None:
        chance, target = self._chance, socket.inet_aton(to)
        for _ in range(count):
            source = chance.choice(self._sources)
            tcp = struct.pack(
                "!HHIIBBHHH",
                chance.randrange(1024, 65536),
                port,
                chance.getrandbits(32),
                0,
                0x50,
                2,
                64240,
                0,
                0,
            )
            pseudo = socket.inet_aton(source) + target + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp))
            tcp = tcp[:16] + checksum(pseudo + tcp) + tcp[18:]
            self._foreign.send(source, to, socket.IPPROTO_TCP, tcp)

    def close(self) -> None:
        self._foreign.close()


def checksum(octets: bytes) -> bytes:
    """The ones' complement of RFC 1071."""
    words = struct.unpack(f"!{(len(octets) + 1) // 2}H", octets + bytes(len(octets) % 2))
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)
