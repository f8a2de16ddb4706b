"""The user-plane bench: each data plane against plain kernel forwarding over the same links, in the same run.

    ue ------------------ gnb ------ N3 ------ upf ------ N6 ------ dn        (userplane/topology.py)

Plain forwarding: the UE's packets are routed by gnb and upf. A data plane: the gNB's end puts them into GTP-U and
the UPF's takes them out, and the other way round. What is under test is the UPF's plane: rows `ebpf` have eBPF at
both ends, rows `tun` have TUN in the UPF, and in the gNB eBPF where the host has it, so that a slow gNB does not
hide the UPF (where it has not, TUN too).

All packets are of the wire's size, in plain forwarding too: the senders do not hand super-packets to the links
(TSO), because no link between machines carries those. Everything shares the host's processors: sender, both ends
and receiver; ratios are of the whole chain.

A round takes each direction and kind of traffic in turn, and for each measures forwarding between the two planes,
the order reversed from round to round, so that a ratio is of neighbours in time. Slots are short and rounds many:
a pair of slots during which other processes took the processors is dropped (foreign.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from cinq.lab import foreign, traffic
from cinq.lab.figures import Figure
from cinq.lab.topology import stop
from cinq.lab.tunnel_end import UE
from cinq.transport import ethtool, netns
from cinq.transport.error import TransportError
from cinq.transport.netlink import Netlink
from cinq.userplane.topology import DN, PLAIN_UE, Topology, topology

Plane = Literal["ebpf", "tun"]
Mode = Literal["ebpf", "tun", "none"]
Direction = Literal["uplink", "downlink"]
Kind = Literal["tcp", "udp64"]
PLANES: tuple[Plane, ...] = get_args(Plane)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
KINDS: tuple[Kind, ...] = get_args(Kind)
ROUNDS, SECONDS = 7, 0.4
RIGHTS = "wants CAP_BPF and CAP_NET_ADMIN of the host: run as root"


@dataclass(frozen=True, slots=True)
class Row:
    """One plane in one direction. ratio: to plain forwarding, of gbit_s for tcp and of kpps for udp64.

    pairs: of slots, that count. dropped: pairs that do not, since others took the processors. disturbed: pairs that
    count although others did, because there were no better ones.
    """

    plane: Plane | Literal["forwarding"]
    direction: Direction
    kind: Kind
    ratio: Figure
    gbit_s: Figure
    kpps: Figure
    pairs: int
    dropped: int
    disturbed: int


@dataclass(frozen=True, slots=True)
class Slot:
    """What one slot measured, and the share of the processors that others took meanwhile."""

    rate: traffic.Rate
    foreign: float


@dataclass(frozen=True, slots=True)
class Result:
    """rows: of the planes. forwarding: what the ratios are to. skipped: planes that this host has not, and why."""

    rows: tuple[Row, ...]
    forwarding: tuple[Row, ...]
    skipped: dict[str, str]
    gnb_plane: dict[str, str]
    rounds: int
    seconds: float
    tcp_by: str


class Ends:
    """The processes of the two tunnel ends."""

    def __init__(self, t: Topology, folder: Path) -> None:
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        for role, namespace in (("gnb", t.gnb), ("upf", t.upf)):
            arguments = [sys.executable, "-m", "cinq.lab.tunnel_end", role, str(folder / role), t.ue]
            with (folder / f"{role}.log").open("wb") as log:
                self._processes[role] = netns.popen(
                    namespace, arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
                )
        self._folder = folder
        self._standing: dict[str, str] = {}

    def become(self, upf: Mode, gnb: Mode) -> str:
        """Opens these planes, closing others. Why not, or ''. An end that is so already is left alone."""
        wanted = {"gnb": gnb, "upf": upf}
        changing = [role for role, mode in wanted.items() if self._standing.get(role) != mode]
        for role in changing:
            self._tell(role, wanted[role])
        troubles = [self._answer(role, wanted[role]) for role in changing]
        return "; ".join(dict.fromkeys(filter(None, troubles)))

    def _tell(self, role: str, mode: Mode) -> None:
        pipe = self._processes[role].stdin
        assert pipe is not None
        pipe.write(f"{mode}\n".encode())
        pipe.flush()

    def _answer(self, role: str, mode: Mode) -> str:
        pipe = self._processes[role].stdout
        assert pipe is not None
        line = pipe.readline()
        if not line:
            said = (self._folder / f"{role}.log").read_text(errors="replace").strip().splitlines()
            raise TransportError(f"the {role} of the bench ended: {said[-1] if said else 'without a word'}")
        error = str(json.loads(line).get("error", ""))
        self._standing[role] = "none" if error else mode
        return error

    def close(self) -> None:
        for process in self._processes.values():
            if process.stdin is not None:
                process.stdin.close()  # the plane is closed and the process ends
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                stop(process)
            if process.stdout is not None:
                process.stdout.close()


@dataclass(slots=True)
class Bench:
    """A bench in progress. on_slot: after each slot, with how many are done and how many there are."""

    rounds: int = ROUNDS
    seconds: float = SECONDS
    on_slot: Callable[[int, int], None] | None = None
    _slots: dict[tuple[Mode, Direction, Kind], list[Slot]] = field(default_factory=dict)
    _gnb: dict[Mode, Mode] = field(default_factory=dict)

    def run(self) -> Result:
        """TransportError: this host does not let us, and what is missing. TrafficError: a path carries nothing."""
        with _lab() as (t, ends):
            skipped = self._probe(ends)
            planes = [plane for plane in PLANES if plane not in skipped]
            if not planes:
                raise TransportError("; ".join(f"{plane}: {why}" for plane, why in skipped.items()))
            slots = self.rounds * len(DIRECTIONS) * len(KINDS) * (1 + len(planes))
            for number in range(self.rounds):
                for direction in DIRECTIONS:
                    for kind in KINDS:
                        for mode in _order(planes, number):
                            self._slot(t, ends, mode, direction, kind)
                            if self.on_slot is not None:
                                self.on_slot(sum(map(len, self._slots.values())), slots)
        return self._result(planes, skipped)

    def _probe(self, ends: Ends) -> dict[str, str]:
        """Why a plane cannot be measured here, for those that cannot."""
        skipped: dict[str, str] = {}
        for plane in PLANES:
            gnb: Mode = "ebpf" if "ebpf" not in skipped else "tun"
            if why := ends.become(plane, gnb):
                skipped[plane] = f"{why} ({RIGHTS})" if "not permitted" in why else why
            self._gnb[plane] = gnb
        self._gnb["none"] = "none"
        return skipped

    def _slot(self, t: Topology, ends: Ends, mode: Mode, direction: Direction, kind: Kind) -> None:
        if trouble := ends.become(mode, self._gnb[mode]):
            raise TransportError(f"{mode}: {trouble}")
        ue = PLAIN_UE if mode == "none" else UE
        way = traffic.Way(t.ue, ue, t.dn, DN) if direction == "uplink" else traffic.Way(t.dn, DN, t.ue, ue)
        before = foreign.taken()
        rate = (traffic.tcp if kind == "tcp" else traffic.udp)(way, self.seconds)
        slot = Slot(rate, foreign.taken().share_since(before))
        self._slots.setdefault((mode, direction, kind), []).append(slot)

    def _result(self, planes: list[Plane], skipped: dict[str, str]) -> Result:
        each = [(direction, kind) for direction in DIRECTIONS for kind in KINDS]
        rows = [self._row(plane, direction, kind) for plane in planes for direction, kind in each]
        forwarding = [self._row("none", direction, kind) for direction, kind in each]
        gnb_plane: dict[str, str] = {plane: self._gnb[plane] for plane in planes}
        tcp_by = "iperf3" if traffic.by_iperf3(self.seconds) else "cinq"
        return Result(tuple(rows), tuple(forwarding), skipped, gnb_plane, self.rounds, self.seconds, tcp_by)

    def _row(self, mode: Mode, direction: Direction, kind: Kind) -> Row:
        ours, plain = self._slots[mode, direction, kind], self._slots["none", direction, kind]
        shares = [max(slot.foreign, of.foreign) for slot, of in zip(ours, plain, strict=True)]
        kept = foreign.kept(shares)
        rates = [ours[n].rate for n in kept]
        pairs = zip(rates, (plain[n].rate for n in kept), strict=True)
        if kind == "tcp":
            ratios = [rate.gbit_s / of.gbit_s for rate, of in pairs]
        else:
            ratios = [rate.kpps / of.kpps for rate, of in pairs]
        return Row(
            "forwarding" if mode == "none" else mode,
            direction,
            kind,
            Figure.of(ratios),
            Figure.of(rate.gbit_s for rate in rates),
            Figure.of((rate.kpps for rate in rates), 1),
            pairs=len(kept),
            dropped=len(shares) - len(kept),
            disturbed=sum(shares[n] > foreign.DISTURBED for n in kept),
        )


def _order(planes: list[Plane], number: int) -> list[Mode]:
    """Forwarding between the planes; the other way round in every second round."""
    order: list[Mode] = [*planes[:1], "none", *planes[1:]]
    return order[::-1] if number % 2 else order


@contextmanager
def _lab() -> Iterator[tuple[Topology, Ends]]:
    prefix = f"cinq-bench-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="cinq-bench-") as folder, topology(prefix) as t:
        netns.run(t.ue, lambda: _of_the_wire("p0"))
        netns.run(t.dn, lambda: _of_the_wire("d6"))
        with Netlink(t.upf) as netlink:
            netlink.set_sysctl("net.ipv4.ip_forward", 1)
        ends = Ends(t, Path(folder))
        try:
            with traffic.sink(t.ue), traffic.sink(t.dn):
                yield t, ends
        finally:
            ends.close()


def _of_the_wire(interface: str) -> None:
    """The interface is given packets of its MTU only."""
    for feature in ("tso", "gso"):
        ethtool.set_feature(interface, feature, False)
