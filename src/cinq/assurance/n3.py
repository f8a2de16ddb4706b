"""The bench's own end of N3: G-PDUs of an emulated UE's session, without a data plane and without a right.

It answers Echo Requests, and keeps what comes.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

from cinq.ran.gnb import Gnb
from cinq.ran.gnb.context import Tunnel
from cinq.ran.scenarios import check
from cinq.ran.ue import Ue
from cinq.transport.raw import checksum
from cinq.wire import gtpu

Entropy = Callable[[int], bytes]
Address = tuple[str, int]
ICMP, ECHO_REQUEST, ECHO_REPLY = 1, 8, 0
TRIES = 3
KEPT = 10_000  # messages


class Port(Protocol):
    """A UDP endpoint."""

    def send(self, octets: bytes, to: Address) -> None: ...

    def close(self) -> None: ...


Open = Callable[[str, int, Callable[[bytes, Address], None]], Awaitable[Port]]
"""Opens an endpoint at an address and port, which tells what it hears. OSError: it cannot be."""


class N3:
    """All gNBs of the bench: an endpoint for each address. Open until `close`."""

    def __init__(self, entropy: Entropy, open_: Open) -> None:
        self.heard: list[bytes] = []
        self._entropy = entropy
        self._open = open_
        self._ends: dict[str, Port] = {}
        self._waiting: dict[tuple[int, bytes], asyncio.Future[bytes]] = {}

    async def send(self, gnb: Gnb, octets: bytes, to: IPv4Address | IPv6Address) -> None:
        """Any octets, from the gNB's address."""
        (await self._end(str(gnb.settings.n3_address))).send(octets, (str(to), gtpu.PORT))

    async def ping(self, gnb: Gnb, ue: Ue, to: IPv4Address, within: float) -> float | None:
        """An ICMP echo through session 1 of the UE. Failed: it has none, or no address."""
        tunnel, token = tunnel_of(gnb, ue), self._entropy(16)
        packet = echo_request(address_of(ue), to, token)
        loop = asyncio.get_running_loop()
        begun, answer = loop.time(), loop.create_future()
        self._waiting[tunnel.dl_teid, token] = answer
        try:
            for _ in range(TRIES):
                await self.send(gnb, gtpu.encode(uplink(tunnel, packet)), tunnel.upf)
                done, _ = await asyncio.wait({answer}, timeout=within / TRIES)
                if done:
                    return loop.time() - begun
            return None
        finally:
            del self._waiting[tunnel.dl_teid, token]

    async def _end(self, address: str) -> Port:
        if address not in self._ends:
            self._ends[address] = await self._open(
                address, gtpu.PORT, lambda octets, peer: self._heard(address, octets, peer)
            )
        return self._ends[address]

    def _heard(self, address: str, octets: bytes, peer: Address) -> None:
        if len(self.heard) < KEPT:
            self.heard.append(octets)
        try:
            message = gtpu.decode(octets)
        except gtpu.GtpuError:
            return
        if isinstance(message, gtpu.EchoRequest) and address in self._ends:
            self._ends[address].send(gtpu.encode(gtpu.EchoResponse(sequence=message.sequence)), peer)
        elif isinstance(message, gtpu.GPdu):
            answer = self._waiting.get((message.teid, echoed(message.payload)))
            if answer is not None and not answer.done():
                answer.set_result(message.payload)

    def close(self) -> None:
        for end in self._ends.values():
            end.close()
        self._ends.clear()


def tunnel_of(gnb: Gnb, ue: Ue) -> Tunnel:
    """N3 of the UE's session 1. Failed: it has none at this gNB."""
    contexts = [link.context for link in gnb.links if link.mobile is ue and link.context is not None]
    context = check.present(contexts[0] if contexts else None, "the UE's connection")
    return check.present(context.sessions.get(1), "the UE's session at the gNB").tunnel


def address_of(ue: Ue) -> IPv4Address:
    return check.present(ue.sessions[1].context.address, "the UE's address")


def uplink(tunnel: Tunnel, packet: bytes, teid: int | None = None) -> gtpu.GPdu:
    """A packet of the UE. teid: another than the session's."""
    session = gtpu.UlPduSessionInformation(tunnel.qfi)
    return gtpu.GPdu(teid=tunnel.ul_teid if teid is None else teid, extensions=(session,), payload=packet)


def tokens(heard: list[bytes]) -> set[bytes]:
    """What echo replies among these GTP-U messages carry."""
    found = set()
    for octets in heard:
        try:
            message = gtpu.decode(octets)
        except gtpu.GtpuError:
            continue
        if isinstance(message, gtpu.GPdu):
            found.add(echoed(message.payload))
    return found - {b""}


def echo_request(source: IPv4Address, to: IPv4Address, token: bytes) -> bytes:
    """An IPv4 packet with an ICMP echo request that carries the token (RFC 792)."""
    icmp = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, 0xC10C, 1) + token
    icmp = icmp[:2] + checksum(icmp) + icmp[4:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(icmp), 1, 0, 64, ICMP, 0) + source.packed + to.packed
    return header[:10] + checksum(header) + header[12:] + icmp


def echoed(packet: bytes) -> bytes:
    """The token of an ICMP echo reply, b"" of any other packet."""
    if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != ICMP:
        return b""
    start = (packet[0] & 0x0F) * 4
    return packet[start + 8 :] if packet[start : start + 1] == bytes((ECHO_REPLY,)) else b""
