"""Ethernet sessions through the model, eBPF and TUN alike: which frames go where, and which nowhere."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cinq.transport import netns
from cinq.userplane.model import Buffered, Dropped, Frame, Model, Outer
from cinq.userplane.rules import (
    NO_ADDRESS,
    Action,
    Ambr,
    DecapRule,
    EncapRule,
    PlaneSettings,
    Reason,
    SessionRules,
)
from cinq.userplane.switch import AGE_NS, MOST_ADDRESSES
from cinq.userplane.topology import Topology

from . import packets as p
from .conftest import missing
from .ends import KernelEnd, capture

LINK = "lan"
HOST, OTHER = b"\2\0\0\0\0\x99", b"\2\0\0\0\0\x98"
ALL = b"\xff" * 6
NO_LIMIT = Ambr()
SETTINGS = replace(Topology("", "", "", "").upf_settings(), links=((LINK, "cinq-lan"),))


def mac(session: int) -> bytes:
    return bytes((2, 0, 0, 0, 1, session))


def frame(to: bytes, source: bytes, payload: bytes = b"", vlan: int | None = None) -> bytes:
    tag = b"" if vlan is None else b"\x81\x00" + vlan.to_bytes(2, "big")
    return to + source + tag + b"\x88\xb5" + payload.ljust(46, b"\0")


def rules(
    session: int = 1, action: Action = Action.FORWARD, link: str = LINK, ambr: Ambr = NO_LIMIT
) -> SessionRules:
    decap = DecapRule(0x1000 + session, is_frames=True)
    frames = EncapRule(NO_ADDRESS, 0x2000 + session, p.GNB_N3, 9, action)
    return SessionRules(session, (decap,), ambr=ambr, frames=frames, link=link)


def up(session: int, octets: bytes) -> bytes:
    return p.gpdu(0x1000 + session, octets)


def down(session: int, octets: bytes) -> bytes:
    return p.gpdu(0x2000 + session, octets, psc_type=0)


class Lan:
    """The model as a switch: what goes to the interface, and what to gNBs."""

    def __init__(self, *sessions: int, settings: PlaneSettings = SETTINGS) -> None:
        self.model = Model(settings)
        for session in sessions:
            self.model.install(rules(session), 0)

    def up(self, session: int, octets: bytes, now: int = 0) -> tuple[str, list[bytes]] | Reason:
        verdict = self.model.decapsulate(up(session, octets), now)
        if isinstance(verdict, Dropped):
            return verdict.reason
        assert isinstance(verdict, Frame)
        assert verdict.octets == octets
        return verdict.link, [each.octets for each in verdict.others if isinstance(each, Outer)]

    def down(self, octets: bytes, now: int = 0, link: str = LINK) -> list[bytes]:
        return [each.octets for each in self.model.from_link(link, octets, now) if isinstance(each, Outer)]


def test_a_session_alone_is_a_wire() -> None:
    lan = Lan(1)
    there, back = frame(HOST, mac(1), b"up"), frame(OTHER, HOST, b"to whomever")
    assert lan.up(1, there) == (LINK, [])
    assert lan.down(back) == [down(1, back)]
    assert lan.down(frame(ALL, HOST)) == [down(1, frame(ALL, HOST))]
    assert lan.down(back, link="elsewhere") == []
    usage = lan.model.usage(1)
    assert (usage.uplink_packets, usage.downlink_packets) == (1, 2)
    assert usage.uplink_octets == len(there)


def test_several_on_one_link() -> None:
    """What is for one goes to that one, groups to all, and what nobody has sent from to nobody."""
    lan = Lan(1, 2, 3)
    for session in (1, 2):
        lan.up(session, frame(HOST, mac(session)))
    assert lan.down(frame(mac(2), HOST)) == [down(2, frame(mac(2), HOST))]
    assert lan.down(frame(mac(3), HOST)) == []
    assert lan.model.counts[Reason.UNKNOWN_UE] == 1
    assert lan.down(frame(ALL, HOST)) == [down(n, frame(ALL, HOST)) for n in (1, 2, 3)]
    lan.model.remove(2)
    assert lan.down(frame(mac(2), HOST)) == []


def test_frames_stay_in_their_vlan() -> None:
    lan = Lan(1, 2)
    lan.up(1, frame(HOST, mac(1), vlan=5))
    lan.up(2, frame(HOST, mac(2)))
    assert lan.down(frame(mac(1), HOST, vlan=5)) == [down(1, frame(mac(1), HOST, vlan=5))]
    assert lan.down(frame(mac(1), HOST)) == []
    assert lan.down(frame(mac(1), HOST, vlan=6)) == []


@pytest.mark.parametrize("direct", [False, True])
def test_between_ues(direct: bool) -> None:
    """By policy; groups always go out to the link, and what came back from it to nobody."""
    lan = Lan(1, 2, settings=replace(SETTINGS, ue_to_ue=direct))
    lan.up(2, frame(HOST, mac(2)))
    between, everybody = frame(mac(2), mac(1)), frame(ALL, mac(1))
    assert lan.up(1, between) == (("", [down(2, between)]) if direct else Reason.UE_TO_UE)
    assert lan.up(1, everybody) == (LINK, [down(2, everybody)] if direct else [])
    assert lan.down(everybody) == [], "a loop outside of us ends here"


def test_whose_address_it_is() -> None:
    """NOTE 9 of the clause: an address is of one session, until it has been silent for long."""
    lan = Lan(1, 2)
    lan.up(1, frame(HOST, mac(1)))
    assert lan.up(2, frame(HOST, mac(1))) is Reason.SPOOFED
    assert lan.up(2, frame(HOST, mac(1), vlan=5)) == (LINK, [])
    assert lan.up(2, frame(HOST, mac(1)), AGE_NS) == (LINK, [])
    assert lan.down(frame(mac(1), HOST), AGE_NS) == [down(2, frame(mac(1), HOST))]
    assert lan.down(frame(mac(1), HOST), 2 * AGE_NS) == [], "forgotten"


def test_nothing_grows_without_bound() -> None:
    lan = Lan(1, 2)
    for number in range(3 * MOST_ADDRESSES):
        assert lan.up(1, frame(HOST, b"\2\1" + number.to_bytes(4, "big"))) == (LINK, [])
    assert len(lan.model.frames.switch.addresses(1)) == MOST_ADDRESSES
    assert lan.down(frame(b"\2\1\0\0\0\0", HOST)) == [], "the oldest have gone"
    lan.model.remove(1)
    lan.model.remove(2)
    assert lan.model.frames.switch.addresses(1) == []


def test_what_is_no_frame_of_a_ue() -> None:
    lan = Lan(1)
    for octets in (b"", HOST + mac(1), frame(HOST, ALL), frame(HOST, b"\1\0\x5e\0\0\1")):
        assert lan.up(1, octets) is Reason.MALFORMED
    assert lan.down(b"short") == []
    assert lan.down(frame(mac(1), HOST, bytes(2000))) == []
    assert lan.model.counts[Reason.TOO_BIG] == 1


def test_frames_wait_for_an_idle_ue_and_are_policed() -> None:
    lan = Lan()
    lan.model.install(rules(1, Action.BUFFER), 0)
    waiting = [frame(mac(1), HOST, bytes((n,))) for n in range(3)]
    verdicts = [lan.model.from_link(LINK, octets, 0) for octets in waiting]
    assert verdicts == [[Buffered(1, True)], [Buffered(1, False)], [Buffered(1, False)]]
    assert [outer.octets for outer in lan.model.install(rules(1), 0)] == [down(1, each) for each in waiting]
    lan.model.install(rules(1, ambr=Ambr(8, 8)), 0)
    results = [lan.up(1, frame(HOST, mac(1))) for _ in range(3)]
    assert results[-1] is Reason.POLICED
    assert lan.down(frame(mac(1), HOST)) == [] or lan.down(frame(mac(1), HOST)) == []


class KernelLan(KernelEnd):
    """A plane whose link is a TAP in the namespace `upf`, where a packet socket is the data network."""

    def __init__(self, t: Topology, kind: str, journal: Path) -> None:
        super().__init__(t, replace(SETTINGS, plane=kind), journal)  # type: ignore[arg-type]
        with netns.inside(t.upf):
            self.lan = capture("cinq-lan", 3)

    def close(self) -> None:
        self.lan.close()
        super().close()

    async def heard(self, count: int) -> list[bytes]:
        """The next frames that came out of the link; what the host's own kernel says is passed over."""
        found: list[bytes] = []
        async with asyncio.timeout(3):
            while len(found) < count:
                octets = await asyncio.get_running_loop().sock_recv(self.lan, 2000)
                if b"\x88\xb5" in octets[:18]:
                    found.append(octets)
        return found


@pytest.fixture(params=["ebpf", "tun"])
def run(
    request: pytest.FixtureRequest, lasting_row: Topology | None, tmp_path: Path
) -> Callable[[Callable[[KernelLan], Awaitable[None]]], None]:
    kind: str = request.param

    async def main(case: Callable[[KernelLan], Awaitable[None]]) -> None:
        assert lasting_row is not None
        end = KernelLan(lasting_row, kind, tmp_path / "journal")
        try:
            await case(end)
        finally:
            end.close()

    def runner(case: Callable[[KernelLan], Awaitable[None]]) -> None:
        if missing(kind):
            pytest.skip(missing(kind))
        asyncio.run(main(case))

    return runner


@pytest.mark.root
@pytest.mark.kernel
def test_real_planes(run: Callable[[Callable[[KernelLan], Awaitable[None]]], None]) -> None:
    """Frames, tagged ones too, octet by octet both ways, beside IP sessions; the rest as the model has it."""

    async def case(end: KernelLan) -> None:
        end.install(rules(1))
        end.install(rules(2))
        there = [frame(HOST, mac(1), os.urandom(n)) for n in (46, 100, 1400)] + [
            frame(HOST, mac(2), b"tag", 5)
        ]
        wrong = frame(HOST, ALL)
        assert await end.uplink(up(1, wrong), *(up(1, each) for each in there[:3]), up(2, there[3])) == []
        heard = await end.heard(4)
        assert heard[:3] == there[:3]
        assert heard[3] in (there[3], there[3][:12] + there[3][16:]), (
            "the kernel may hand a tag over beside the frame"
        )
        assert end.counts()[Reason.MALFORMED] == 1
        back = [frame(mac(1), HOST, b"one"), frame(ALL, HOST, b"all"), frame(mac(2), HOST, b"tagged", 5)]
        back += [frame(mac(2), HOST, b"another VLAN", 6)]
        for each in back:
            end.lan.send(each)
        loop, got = asyncio.get_running_loop(), list[bytes]()
        async with asyncio.timeout(3):
            while len(got) < 4:
                octets = await loop.sock_recv(end.gnb, 2000)
                if b"\x88\xb5" in octets[16:34]:
                    got.append(octets)
        assert got == [down(1, back[0]), down(1, back[1]), down(2, back[1]), down(2, back[2])]
        assert end.usage(1).uplink_packets == 3
        end.remove(1)
        assert await end.uplink(up(1, there[0])) == []
        assert end.events.gtpu[-1][0] == up(1, there[0]), "nobody's TEID"

    run(case)
