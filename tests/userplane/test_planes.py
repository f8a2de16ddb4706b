"""The same functional cases for the model, eBPF and TUN: octets in at one end, octets out at the other."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from random import Random

import pytest
from msgspec import structs

from cinq.userplane import tap
from cinq.userplane.model import Inner, Model
from cinq.userplane.rules import (
    Action,
    AddressInUse,
    Ambr,
    DecapRule,
    EncapRule,
    Protected,
    Reason,
    SessionRules,
    TeidInUse,
)
from cinq.userplane.topology import Topology

from . import packets as p
from .conftest import missing
from .ends import End, KernelEnd, ModelEnd, rules

Case = Callable[[End], Awaitable[None]]
Run = Callable[[Case], None]
AMF = Protected(p.IPv4Address("10.6.0.2"), 132, 38412)
OAM = Protected(p.IPv4Address("10.6.0.77"))
LAB = IPv4Network("10.7.0.0/16")
SETTINGS = replace(Topology("", "", "", "").upf_settings(), protected=(AMF, OAM), buffer_per_session=16)


@pytest.fixture(
    params=[
        "model",
        pytest.param("ebpf", marks=[pytest.mark.root, pytest.mark.kernel]),
        pytest.param("tun", marks=[pytest.mark.root, pytest.mark.kernel]),
        pytest.param("pair", marks=[pytest.mark.root, pytest.mark.kernel]),
    ]
)
def run(
    request: pytest.FixtureRequest,
    lasting_row: Topology | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Runs a case against one make of the UPF end. pair: the TUN plane on a host without TUNs."""
    kind: str = request.param
    settings = replace(SETTINGS, protected_networks=(LAB,))
    if kind == "pair":
        monkeypatch.setattr(tap, "DEVICE", "/nowhere/tun")

    async def on_kernel(t: Topology, case: Case) -> None:
        plane = "tun" if kind == "pair" else kind
        end = KernelEnd(t, replace(settings, plane=plane), tmp_path / "journal")
        try:
            await case(end)
        finally:
            end.close()

    def runner(case: Case) -> None:
        if kind == "model":
            asyncio.run(case(ModelEnd(settings)))
        elif lasting_row is None or missing(kind):
            pytest.skip(missing(kind))
        else:
            asyncio.run(on_kernel(lasting_row, case))

    return runner


def test_uplink_and_downlink_octet_by_octet(run: Run) -> None:
    async def case(end: End) -> None:
        end.install(rules())
        up, down = p.udp(p.UE, p.DN, b"up"), p.udp(p.DN, p.UE, b"down")
        assert await end.uplink(p.gpdu(0x1001, up)) == [p.after_hop(up)]
        assert await end.downlink(down) == [p.gpdu(0x2001, p.after_hop(down), psc_type=0)]
        usage = end.usage(1)
        assert (usage.uplink_packets, usage.uplink_octets) == (1, len(up))
        assert (usage.downlink_packets, usage.downlink_octets) == (1, len(down))

    run(case)


def test_uplink_header_forms(run: Run) -> None:
    """TS 29.281 §5.1 and §5.2: none, sequence number, long container, PDCP number before the container."""
    inner = p.udp(p.UE, p.DN, b"form")
    forms = [
        struct.pack("!BBHI", 0x30, 255, len(inner), 0x1001) + inner,
        struct.pack("!BBHIHBB", 0x32, 255, 4 + len(inner), 0x1001, 77, 0, 0) + inner,
        struct.pack("!BBHIHBB", 0x34, 255, 12 + len(inner), 0x1001, 0, 0, 0x85)
        + bytes((2, 0x10, 9, 0, 0, 0, 0, 0))
        + inner,
        struct.pack("!BBHIHBB", 0x34, 255, 12 + len(inner), 0x1001, 0, 0, 0xC0)
        + bytes((1, 0, 5, 0x85, 1, 0x10, 9, 0))
        + inner,
    ]

    async def case(end: End) -> None:
        end.install(rules())
        assert await end.uplink(*forms) == [p.after_hop(inner)] * len(forms)
        must_understand = forms[3].replace(b"\0\0\0\xc0", b"\0\0\0\x84", 1)
        assert await end.uplink(must_understand) == []
        assert end.events.gtpu[-1][0] == must_understand

    run(case)


def test_spoofed_source_is_dropped_and_counted(run: Run) -> None:
    """DEV-080."""

    async def case(end: End) -> None:
        end.install(rules())
        assert await end.uplink(p.gpdu(0x1001, p.udp(p.OTHER_UE, p.DN))) == []
        assert end.counts()[Reason.SPOOFED] == 1

    run(case)


def test_unknown_teid_goes_to_the_control_side(run: Run) -> None:
    """DEV-082: the owner answers Error Indication, so it gets message and peer."""

    async def case(end: End) -> None:
        unknown = p.gpdu(0x9999, p.udp(p.UE, p.DN))
        assert await end.uplink(unknown) == []
        assert end.events.gtpu == [(unknown, ("10.3.0.2", 2152))]
        assert end.counts()[Reason.UNKNOWN_TEID] == 1

    run(case)


def test_malformed_packets_are_dropped(run: Run) -> None:
    """DEV-081, DEV-083, DEV-084, DEV-085: IPv6 of an IPv4 session, lengths that lie, cut headers."""
    good = p.udp(p.UE, p.DN)
    wrong = [
        p.ip(p.UE, p.DN, b"12345678", version=6),
        p.ip(p.UE, p.DN, b"12345678", ihl=4),
        p.ip(p.UE, p.DN, b"12345678", ihl=15),
        p.ip(p.UE, p.DN, b"12345678", total=60),
        p.ip(p.UE, p.DN, b"12345678", total=24),
        p.ip(p.UE, p.DN, b"1234567", protocol=17),
        p.ip(p.UE, p.DN, b"123456789012345678", protocol=6),
        good[:12],
        b"",
    ]
    cut = [
        struct.pack("!BBHIHBB", 0x34, 255, 4, 0x1001, 0, 0, 0x85),
        struct.pack("!BBHIHBBB", 0x34, 255, 5, 0x1001, 0, 0, 0x85, 1),
        struct.pack("!BBHIHBB", 0x34, 255, 4 + len(good), 0x1001, 0, 0, 0x85) + b"\0" + good[1:],
        struct.pack("!BBHIHBB", 0x34, 255, 4 + len(good), 0x1001, 0, 0, 0x85) + b"\x40" + good[1:],
    ]

    async def case(end: End) -> None:
        end.install(rules())
        for each in (*(p.gpdu(0x1001, inner) for inner in wrong), *cut):
            assert await end.uplink(each) == [], each.hex()
        assert end.counts()[Reason.MALFORMED] == len(wrong) + len(cut)
        assert end.counts()[Reason.SPOOFED] == 0
        assert not end.events.gtpu

    run(case)


def test_infrastructure_is_out_of_reach(run: Run) -> None:
    """DEV-086, DEV-087: GTP in GTP, the UPF's own N4, the AMF, a host that is protected whole."""

    def to(where: str, protocol: int, port: int) -> bytes:
        body = struct.pack("!HHI", 5000, port, 0) + bytes(12)
        return p.ip(p.UE, p.IPv4Address(where), body, protocol)

    second = p.gpdu(0x1002, p.udp(p.OTHER_UE, p.DN, b"twice"))
    forbidden = [
        p.udp(p.UE, p.UPF_N3, second, port=2152),
        to("10.3.0.1", 17, 8805),
        to("10.6.0.2", 132, 38412),
        to("10.6.0.77", 6, 22),
        to("10.6.0.77", 17, 53),
        to("10.7.1.2", 6, 80),
    ]
    allowed = p.udp(p.UE, p.DN)

    async def case(end: End) -> None:
        end.install(rules())
        end.install(rules(2, p.OTHER_UE, 0x1002, 0x2002))
        assert await end.uplink(*(p.gpdu(0x1001, each) for each in forbidden)) == []
        assert end.counts()[Reason.PROTECTED] == len(forbidden)
        assert await end.uplink(p.gpdu(0x1001, allowed)) == [p.after_hop(allowed)]
        assert end.usage(2).uplink_packets == 0

    run(case)


def test_ue_to_ue_is_blocked_by_policy(run: Run) -> None:
    """DEV-088."""

    async def case(end: End) -> None:
        end.install(rules())
        end.install(rules(2, p.OTHER_UE, 0x1002, 0x2002))
        assert await end.uplink(p.gpdu(0x1001, p.udp(p.UE, p.OTHER_UE))) == []
        assert await end.downlink() == []
        assert end.counts()[Reason.UE_TO_UE] == 1

    run(case)


def test_rules_are_replaced_and_removed(run: Run) -> None:
    async def case(end: End) -> None:
        down = p.udp(p.DN, p.UE)
        end.install(rules())
        end.install(rules(uplink=0x1111, downlink=0x2222))
        assert (await end.downlink(down))[0][4:8] == b"\0\0\x22\x22"
        assert await end.uplink(p.gpdu(0x1001, p.udp(p.UE, p.DN))) == []
        assert len(await end.uplink(p.gpdu(0x1111, p.udp(p.UE, p.DN)))) == 1
        end.remove(1)
        end.remove(1)
        assert await end.uplink(p.gpdu(0x1111, p.udp(p.UE, p.DN))) == []
        assert await end.downlink(down) == []
        assert end.counts()[Reason.UNKNOWN_UE] == 1
        end.install(rules())
        assert end.usage(1).uplink_packets == 0

    run(case)


def test_keys_of_another_session_are_refused_and_nothing_changes(run: Run) -> None:
    """DEV-065, DEV-066."""

    async def case(end: End) -> None:
        end.install(rules())
        with pytest.raises(TeidInUse):
            end.install(rules(2, p.OTHER_UE, 0x1001, 0x2002))
        with pytest.raises(AddressInUse):
            end.install(rules(2, p.UE, 0x1002, 0x2002))
        up = p.udp(p.UE, p.DN)
        assert await end.uplink(p.gpdu(0x1001, up), p.gpdu(0x1002, up)) == [p.after_hop(up)]

    run(case)


def test_drop_and_wrong_qfi(run: Run) -> None:
    async def case(end: End) -> None:
        up = p.udp(p.UE, p.DN)
        end.install(
            SessionRules(1, (DecapRule(0x1001, p.UE, qfi=9),), (EncapRule(p.UE, action=Action.DROP),))
        )
        assert await end.uplink(p.gpdu(0x1001, up, qfi=1)) == []
        assert await end.uplink(p.gpdu(0x1001, up, qfi=9)) == [p.after_hop(up)]
        assert await end.downlink(p.udp(p.DN, p.UE)) == []
        assert end.counts()[Reason.WRONG_QFI] == 1
        assert end.counts()[Reason.RULE_DROP] == 1

    run(case)


def test_a_packet_without_a_container(run: Run) -> None:
    """Some gNBs send no PDU Session Container on N3, though TS 29.281 §5.2.2.7 wants it."""

    async def case(end: End) -> None:
        up = p.udp(p.UE, p.DN)
        bare = p.bare(0x1001, up)
        end.install(
            SessionRules(1, (DecapRule(0x1001, p.UE, qfi=9),), (EncapRule(p.UE, action=Action.DROP),))
        )
        assert await end.uplink(bare) == [p.after_hop(up)]

    run(case)


def waiting(notify: bool = True) -> SessionRules:
    return structs.replace(rules(), encap=(EncapRule(p.UE, action=Action.BUFFER, notify=notify),))


def test_buffered_packets_leave_in_order_before_live_ones(run: Run) -> None:
    async def case(end: End) -> None:
        end.install(waiting())
        sent = [p.udp(p.DN, p.UE, b"%d" % number) for number in range(20)]
        assert await end.downlink(*sent[:10]) == []
        assert end.events.waiting == [1]
        assert await end.downlink(*sent[10:]) == []
        assert end.events.waiting == [1]
        released = await end.after(lambda: end.install(rules()))
        payloads = [each[44:] for each in released]
        assert payloads == [b"%d" % number for number in range(16)]  # the limit of a session's buffer
        live = p.udp(p.DN, p.UE, b"live")
        assert (await end.downlink(live))[0].endswith(b"live")
        assert end.counts()[Reason.BUFFER_FULL] == 4
        end.install(waiting())
        assert await end.downlink(live) == []
        assert end.events.waiting == [1, 1]
        assert (
            await end.after(
                lambda: end.install(structs.replace(rules(), encap=(EncapRule(p.UE, action=Action.DROP),)))
            )
            == []
        )

    run(case)


def test_what_waited_in_vain_is_counted(run: Run) -> None:
    """The UE is not reached, or its session ends."""
    waits = structs.replace(rules(), encap=(EncapRule(p.UE, action=Action.BUFFER),))

    async def case(end: End) -> None:
        end.install(waits)
        await end.downlink(*[p.udp(p.DN, p.UE)] * 3)
        end.discard(1)
        assert end.counts()[Reason.DISCARDED] == 3
        await end.downlink(*[p.udp(p.DN, p.UE)] * 2)
        end.remove(1)
        assert end.counts()[Reason.DISCARDED] == 5
        assert end.events.waiting == [1, 1]

    run(case)


def test_no_notice_when_none_is_wanted(run: Run) -> None:
    async def case(end: End) -> None:
        end.install(waiting(notify=False))
        assert await end.downlink(p.udp(p.DN, p.UE)) == []
        assert end.events.waiting == []

    run(case)


def test_session_ambr_cuts_a_burst(run: Run) -> None:
    """1 Mbit/s with a bucket of 300 ms takes 37.5 kB at once: of 60 packets of 1028 octets some 37."""

    async def case(end: End) -> None:
        end.install(structs.replace(rules(), ambr=Ambr(1_000_000, 1_000_000)))
        up, down = p.udp(p.UE, p.DN, bytes(1000)), p.udp(p.DN, p.UE, bytes(1000))
        assert 36 <= len(await end.uplink(*[p.gpdu(0x1001, up)] * 60)) <= 42
        assert 36 <= len(await end.downlink(*[down] * 60)) <= 42
        usage = end.usage(1)
        assert usage.uplink_policed + usage.uplink_packets == 60
        assert usage.downlink_policed + usage.downlink_packets == 60
        end.install(rules())
        assert len(await end.uplink(*[p.gpdu(0x1001, up)] * 60)) == 60

    run(case)


def test_echo_flood_is_bounded(run: Run) -> None:
    """DEV-089: 2000 a second with a tenth of it at once."""
    echo = bytes.fromhex("32010004000000000000 0000".replace(" ", ""))

    async def case(end: End) -> None:
        begun = time.monotonic()
        for _ in range(10):
            await end.uplink(*[echo] * 100)
        allowed = 200 + 2000 * (time.monotonic() - begun)
        assert 200 <= len(end.events.gtpu) <= allowed + 1
        assert end.counts()[Reason.FLOOD] == 1000 - len(end.events.gtpu)

    run(case)


def test_mutated_packets_meet_the_same_fate_everywhere(run: Run) -> None:
    """Three hundred G-PDUs with random faults: the kernel lets through exactly what the model does."""
    random = Random(7)
    mutated = []
    for number in range(300):
        octets = bytearray(p.gpdu(0x1001, p.udp(p.UE, p.DN, b"%03d" % number)))
        for _ in range(random.randrange(3)):
            octets[random.randrange(36)] = random.choice(
                (0, 1, 4, 0x30, 0x45, 0x85, 0xFF, random.randrange(256))
            )
        mutated.append(bytes(octets))

    async def case(end: End) -> None:
        if isinstance(end, ModelEnd):
            return  # it is the judge here
        oracle = Model(SETTINGS)
        oracle.install(rules(), 0)
        end.install(rules())
        passed = 0
        for begin in range(0, len(mutated), 50):
            burst = mutated[begin : begin + 50]
            verdicts = [oracle.decapsulate(octets, 0) for octets in burst]
            inner = [v.packet for v in verdicts if isinstance(v, Inner) and routable(v.packet)]
            got = await end.uplink(*burst)
            assert got == [p.after_hop(packet) for packet in inner]
            passed += len(inner)
        assert 100 < passed < 250

    run(case)


def routable(packet: bytes) -> bool:
    """Whether a router passes it on to our data network."""
    usual = packet[0] == 0x45 and packet[16:20] == p.DN.packed and packet[8] > 1
    return usual and p.ones_sum(packet[:20]) == 0xFFFF
