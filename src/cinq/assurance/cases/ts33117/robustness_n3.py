"""TS 33.117 §4.4.4 on N3: what a subscriber or a gNB may not send into the user plane. Cases DEV-080 to DEV-089 of the
list of negative cases. DEV-085 stands with TS 33.513 §4.2.2.8.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address

from cinq.assurance.case import Play
from cinq.assurance.cases.ts33117.tc_bvt_robustness import CASE
from cinq.assurance.n3 import address_of, echo_request, tokens, tunnel_of, uplink
from cinq.assurance.trial import QUIET_S, Trial
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.ran.ue import Ue
from cinq.transport.raw import checksum, sctp_init
from cinq.wire import gtpu, pfcp

UDP, SCTP = 17, 132
BURST = 300


class OnN3:
    """A gNB with a UE that has a session; what it sends into its tunnel, and what came for anybody since."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self._plane = check.present(trial.lab.user_plane, "the bench's end of N3")
        self.host = check.present(trial.target.interfaces.n6, "interfaces.n6")
        self._since = 0
        self.gnb: Gnb
        self.ue: Ue

    async def opened(self) -> None:
        """A control."""
        self.gnb = await self.trial.bench.gnb()
        self.ue = await self.trial.with_session(self.gnb)
        await self.answered("a ping in the UE's own tunnel is answered, before")
        self._since = len(self._plane.heard)

    async def answered(self, statement: str, ue: Ue | None = None) -> None:
        with self.trial.control(statement):
            check.present(await self._plane.ping(self.gnb, ue or self.ue, self.host, QUIET_S), "the echo")

    async def say(self, octets: bytes) -> None:
        """GTP-U that the bench makes by hand."""
        await self._plane.send(self.gnb, octets, tunnel_of(self.gnb, self.ue).upf)

    async def sends(self, packet: bytes) -> None:
        """As a packet of the UE."""
        await self.say(gtpu.encode(uplink(tunnel_of(self.gnb, self.ue), packet)))

    def came(self) -> list[gtpu.GtpuMessage]:
        """What came to gNBs of the bench since the stimulus."""
        found = []
        for octets in self._plane.heard[self._since :]:
            try:
                found.append(gtpu.decode(octets))
            except gtpu.GtpuError:
                continue
        return found

    def echoes(self) -> set[bytes]:
        return tokens(self._plane.heard[self._since :])

    def packets_from(self, *sources: IPv4Address) -> list[bytes]:
        """Packets to UEs from these addresses."""
        known = {source.packed for source in sources}
        return [m.payload for m in self.came() if isinstance(m, gtpu.GPdu) and m.payload[12:16] in known]


def ipv4(source: IPv4Address, to: IPv4Address, protocol: int, payload: bytes, ihl: int = 5) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x40 | ihl, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
    head += source.packed + to.packed
    return head[:10] + checksum(head) + head[12:] + payload


def udp(source: int, to: int, payload: bytes, told: int | None = None) -> bytes:
    return struct.pack("!HHHH", source, to, 8 + len(payload) if told is None else told, 0) + payload


async def another_source(on: OnN3) -> None:
    """Another UE of the bench is the one whose address is used: an answer would come to it."""
    trial = on.trial
    other = await trial.with_session(on.gnb)
    await on.answered("a ping of the other UE is answered", other)
    token = b"in another's name"
    trial.step(f"a ping in the name of {address_of(other)} in the tunnel of {address_of(on.ue)}")
    await on.sends(echo_request(address_of(other), on.host, token))
    await asyncio.sleep(QUIET_S)
    with trial.finding("it does not pass: the other UE gets no echo of it"):
        check.that(token not in on.echoes(), "the echo came")


async def unknown_tunnel(on: OnN3) -> None:
    trial, tunnel = on.trial, tunnel_of(on.gnb, on.ue)
    trial.step(f"{BURST} G-PDUs of one unknown TEID")
    for _ in range(BURST):
        packet = echo_request(address_of(on.ue), on.host, b"unknown tunnel")
        await on.say(gtpu.encode(uplink(tunnel, packet, tunnel.ul_teid ^ 0x55AA55)))
    await asyncio.sleep(QUIET_S)
    with trial.finding("Error Indication comes, and not more of them than G-PDUs were sent") as seen:
        told = sum(isinstance(m, gtpu.ErrorIndication) for m in on.came())
        seen.text = f"{told} for {BURST} G-PDUs"
        check.that(0 < told <= BURST, seen.text)
    with trial.finding("none of them passes"):
        check.that(b"unknown tunnel" not in on.echoes(), "an echo came")


async def broken_inside(on: OnN3) -> None:
    trial, source = on.trial, address_of(on.ue)
    ping = echo_request(source, on.host, b"broken inside")
    broken = {
        "a header of 60 octets in a packet of 20": ipv4(source, on.host, UDP, b"", ihl=15),
        "a header of 4 octets": bytes((0x41,)) + ping[1:],
        "a total length of more than there is": ping[:2] + b"\xff\xff" + ping[4:],
        "half a UDP header": ipv4(source, on.host, UDP, b"\0\x35\0"),
        "a UDP length of more than there is": ipv4(source, on.host, UDP, udp(53, 53, b"", 0xFFFF)),
        "half a TCP header": ipv4(source, on.host, 6, bytes(10)),
    }
    for name, packet in broken.items():
        trial.step(name)
        await on.sends(packet)
    await asyncio.sleep(QUIET_S)
    with trial.finding("none of them is answered"):
        check.that(b"broken inside" not in on.echoes(), "an echo came")


async def tunnel_in_a_tunnel(on: OnN3) -> None:
    trial, tunnel, source = on.trial, tunnel_of(on.gnb, on.ue), address_of(on.ue)
    token = b"tunnel in a tunnel"
    inner = gtpu.encode(uplink(tunnel, echo_request(source, on.host, token)))
    upf = tunnel.upf
    check.that(isinstance(upf, IPv4Address), "N3 is of IPv6 here")
    assert isinstance(upf, IPv4Address)
    trial.step(
        f"a packet of the UE to {upf}:{gtpu.PORT} that is a G-PDU of its own tunnel, with a ping in it"
    )
    await on.sends(ipv4(source, upf, UDP, udp(gtpu.PORT, gtpu.PORT, inner)))
    await asyncio.sleep(QUIET_S)
    with trial.finding("the ping inside is not answered: nothing is decapsulated twice"):
        check.that(token not in on.echoes(), "the echo came")


async def infrastructure(on: OnN3) -> None:
    trial, source = on.trial, address_of(on.ue)
    where, core = trial.target.interfaces, trial.target.core
    heartbeat = pfcp.encode(pfcp.HeartbeatRequest(recovery_time_stamp=1), sequence=1)
    tried = {f"the AMF, {core.amf_address}:{core.amf_port}": core.amf_address}
    trial.step("packets of the UE to the network's own functions")
    await on.sends(ipv4(source, core.amf_address, SCTP, sctp_init(core.amf_port)))
    if where.n4 is not None:
        tried[f"the UPF's N4, {where.n4}:{pfcp.PORT}"] = where.n4
        await on.sends(ipv4(source, where.n4, UDP, udp(40_000, pfcp.PORT, heartbeat)))
    await asyncio.sleep(QUIET_S)
    for name, address in tried.items():
        with trial.finding(f"nothing comes to the UE from {name}"):
            check.equal(len(on.packets_from(address)), 0, "packets")


async def echo_flood(on: OnN3) -> None:
    trial = on.trial
    trial.step(f"{BURST} Echo Requests at once")
    for number in range(BURST):
        await on.say(gtpu.encode(gtpu.EchoRequest(sequence=number)))
    await asyncio.sleep(QUIET_S)
    with trial.finding("no more Echo Responses come than requests were sent") as seen:
        told = sum(isinstance(m, gtpu.EchoResponse) for m in on.came())
        seen.text = f"{told} for {BURST}"
        check.that(told <= BURST, seen.text)


def played(act: Callable[[OnN3], Awaitable[None]]) -> Play:
    async def play(trial: Trial) -> None:
        on = OnN3(trial)
        await on.opened()
        await act(on)
        await on.answered("behind it a ping in the UE's own tunnel is answered")

    return play


for _name, _title, _act in (
    (
        "dev-080-source-of-another",
        "A packet of a UE in another UE's name (TS 33.501 §5.9.3.4)",
        another_source,
    ),
    ("dev-082-unknown-tunnel", "G-PDUs of an unknown TEID in a burst (TS 29.281 §7.3.1)", unknown_tunnel),
    ("dev-084-broken-packets-inside", "Packets whose headers lie, inside whole G-PDUs", broken_inside),
    ("dev-086-tunnel-in-a-tunnel", "A G-PDU inside a packet to the UPF's own N3", tunnel_in_a_tunnel),
    ("dev-087-network-functions", "Packets of a UE to the network's own functions", infrastructure),
    ("dev-089-echo-flood", "Echo Requests in a burst (TS 29.281 §7.2)", echo_flood),
):
    CASE.sub(_name, f"{_title}; the UE's own traffic goes on.", needs=("n6",))(played(_act))
CASE.not_yet("dev-081-083-ipv6-of-a-ue", "IPv6 of another prefix, and without a payload.", "host of IPv6")
CASE.not_yet(
    "dev-088-ue-to-ue", "Packets from UE to UE, where the operator's policy forbids them.", "documents"
)
