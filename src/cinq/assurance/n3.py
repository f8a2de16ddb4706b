"""The bench's own end of N3: G-PDUs of an emulated UE's session, without a data plane and without a right.

It answers Echo Requests, and counts what else comes.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from ipaddress import IPv4Address

from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.ran.ue import Ue
from cinq.transport import udp
from cinq.wire import gtpu

Entropy = Callable[[int], bytes]
ICMP, ECHO_REQUEST, ECHO_REPLY = 1, 8, 0
TRIES = 3


class N3:
    """All gNBs of the bench: a socket for each address. Open until `close`."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._ends: dict[str, udp.UdpEndpoint] = {}
        self._waiting: dict[tuple[int, bytes], asyncio.Future[bytes]] = {}

    async def ping(self, gnb: Gnb, ue: Ue, to: IPv4Address, within: float) -> float | None:
        """An ICMP echo through session 1 of the UE. Failed: it has none, or no address."""
        context = next((c for c in (link.context for link in gnb.links if link.mobile is ue) if c), None)
        session = check.present(context, "the UE's connection").sessions.get(1)
        tunnel = check.present(session, "the UE's session at the gNB").tunnel
        source = check.present(ue.sessions[1].context.address, "the UE's address")
        end = await self._end(str(gnb.settings.n3_address))
        loop = asyncio.get_running_loop()
        begun, token = loop.time(), self._entropy(16)
        answer: asyncio.Future[bytes] = loop.create_future()
        self._waiting[tunnel.dl_teid, token] = answer
        packet = echo_request(source, to, token)
        try:
            for _ in range(TRIES):
                uplink = gtpu.UlPduSessionInformation(tunnel.qfi)
                message = gtpu.GPdu(teid=tunnel.ul_teid, extensions=(uplink,), payload=packet)
                end.send(gtpu.encode(message), (str(tunnel.upf), gtpu.PORT))
                done, _ = await asyncio.wait({answer}, timeout=within / TRIES)
                if done:
                    return loop.time() - begun
            return None
        finally:
            del self._waiting[tunnel.dl_teid, token]

    async def _end(self, address: str) -> udp.UdpEndpoint:
        if address not in self._ends:
            self._ends[address] = end = await udp.endpoint(address, gtpu.PORT, lambda octets, peer: None)
            end.on_datagram = lambda octets, peer: self._heard(end, octets, peer)
        return self._ends[address]

    def _heard(self, end: udp.UdpEndpoint, octets: bytes, peer: udp.Address) -> None:
        try:
            message = gtpu.decode(octets)
        except gtpu.GtpuError:
            return
        if isinstance(message, gtpu.EchoRequest):
            end.send(gtpu.encode(gtpu.EchoResponse(sequence=message.sequence)), peer)
        elif isinstance(message, gtpu.GPdu):
            token = echoed(message.payload)
            answer = self._waiting.get((message.teid, token))
            if answer is not None and not answer.done():
                answer.set_result(message.payload)

    def close(self) -> None:
        for end in self._ends.values():
            end.close()
        self._ends.clear()


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


def checksum(octets: bytes) -> bytes:
    """The ones' complement of RFC 1071."""
    words = struct.unpack(f"!{(len(octets) + 1) // 2}H", octets + bytes(len(octets) % 2))
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)
