"""The eBPF plane: packets stay in the kernel; user space sees what is buffered, asked or odd."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterable
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import Literal

from cinq.userplane import offload, tap
from cinq.userplane.ebpf import maps as layout
from cinq.userplane.ebpf.loader import Loaded
from cinq.userplane.ebpf.syscall import attach_ingress, update_link
from cinq.userplane.ebpf.tables import Tables
from cinq.userplane.ebpf.towards import Towards
from cinq.userplane.host import Host
from cinq.userplane.links import Links
from cinq.userplane.model import Buffered, Dropped, Frame, Inner, Model, Outer, SlowPath
from cinq.userplane.n3 import N3Socket, carry_out
from cinq.userplane.routes import HostRoutes, routes_of
from cinq.userplane.rules import (
    PEERS,
    Count,
    Network,
    NoRoom,
    PlaneEvents,
    PlaneSettings,
    Reason,
    Role,
    RuleError,
    SessionRules,
    Usage,
)
from cinq.userplane.switch import AROUND
from cinq.userplane.ue_side import UeSide, quieten

OBJECT = Path(__file__).with_name("gtpu.o")
UE_MAC, OUR_MAC = "02:63:71:00:00:01", "02:63:71:00:00:02"  # far and near end of a pair of ours
ETHERNET_IPV4, ETHERNET_IPV6 = b"\x08\x00", b"\x86\xdd"
FRAMES_AT_ONCE = 256
ROUNDS = 64  # of the N3 socket, before others have their turn
TAP_QUEUE, MOST_QUEUED = 4096, 65536  # packets that user space has not read yet
SOFTIRQ_S = 0.001
BY_USER_SPACE = (Reason.SLOW_PATH, Reason.UNKNOWN_TEID, Reason.PUNTED)


def octets_of(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


class EbpfPlane:
    """One tunnel end on tcx. Made by open_plane; OSError from the constructor leaves nothing behind."""

    kind: Literal["ebpf"] = "ebpf"

    def __init__(
        self, settings: PlaneSettings, host: Host, events: PlaneEvents, n3: str, n6: str, path: Path = OBJECT
    ) -> None:
        """`n3` and `n6` are interfaces ("" for none); the running loop reads what comes to user space."""
        self._settings, self._host, self._events = settings, host, events
        self._n3_index = socket.if_nametoindex(n3)
        n9 = settings.n9_interface if settings.n9_interface != n3 else ""
        self._n9, self._n9_index = n9, socket.if_nametoindex(n9) if n9 else self._n3_index
        self._gnb = settings.role is Role.GNB
        self.mtu = settings.inner_mtu(host.links.link(n3).mtu)
        self._model = Model(settings, self.mtu)
        self._sides: dict[str, tuple[UeSide, str, int]] = {}
        self._has_routes = False
        self._host_routes = HostRoutes(host.links, f"{settings.instance}-u0", self.mtu)
        self._former: dict[str, tuple[str, int]] = {}  # links that still have the program of a former process
        self._attached: list[str] = []
        self._networks: set[tuple[str, bytes]] = set()
        self._loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as self._undo:
            self._open(n3, n6, path)
            self._undo = self._undo.pop_all()

    # -- opening -------------------------------------------------------------------------------------------

    def _open(self, n3: str, n6: str, path: Path) -> None:
        sizes = Tables.sizes(self._settings)
        sizes["protected"] = max(4 * PEERS, 2 * (PEERS + len(self._settings.infrastructure())))
        programs = ("decap", "encap_ue") if self._gnb else ("decap", "encap_n6", "encap_pool")
        pins = self._settings.pins
        if pins is not None:
            self._host.pins(pins)
        self._loaded = Loaded(path, sizes, programs, pins, layout.FORMATS)
        self._undo.callback(self._loaded.close)
        self._maps = self._loaded.maps
        towards = Towards(self._host.links, self._n9)
        self._tables = Tables(self._settings, self._maps, self._port, towards)
        tables = ("routes", "routes6") if pins is not None else ()
        self._has_routes = any(self._maps[table].every_key(1) for table in tables)
        self._open_tap()
        for name in filter(None, (n3, self._n9)):
            if offload.driver(name) in offload.FLAT:
                self._host.offload_off(name, "tx")
        self._write_settings()
        self._write_protected()
        self._n3 = N3Socket(self._settings.n3, self._loop, self._from_n3)
        self._undo.callback(self._n3.close)
        self._links = Links(self._host, self._loop, self._from_link, self.mtu - AROUND)
        self._undo.callback(self._links.close)
        for link, name in self._settings.links:
            self._links.add(link, name, quiet=True)
        self._raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._undo.callback(self._raw.close)
        if not self._gnb:
            self._open_segmenter()
        self._attach("decap", n3)
        if self._n9:
            self._attach("decap", self._n9, "decap-n9")
        if n6 and not self._gnb and self._host.links.link(n6).ethernet:
            self._attach("encap_n6", n6)  # else all downlink packets come by the segmenter pair

    def _open_tap(self) -> None:
        name = f"{self._settings.instance}-buf"
        what = "TAP of packets that wait"
        self._tap = self._host.device(name, what, lambda: tap.open_device(name, ethernet=True))
        self._undo.callback(os.close, self._tap)
        quieten(name)
        queue = min(max(self._settings.buffer_total, TAP_QUEUE), MOST_QUEUED)
        self._host.links.set_up(name, mtu=max(self.mtu, 1500), arp=False, queue=queue)
        self._tap_index = socket.if_nametoindex(name)
        self._loop.add_reader(self._tap, self._from_tap)
        self._undo.callback(self._loop.remove_reader, self._tap)

    def _open_segmenter(self) -> None:
        """The pool is routed to a pair with GSO off, so that the kernel segments and answers ICMP there.

        The limit is on the route, not on the pair: uplink packets of any size come in by it.
        """
        near, far = f"{self._settings.instance}-u0", f"{self._settings.instance}-u1"
        if self._host.veth(near, far):
            for name in (near, far):
                quieten(name, ipv6=bool(self._settings.ue_prefixes))
                for feature in ("tx", "tso", "gso"):
                    offload.switch(name, feature, False)
            self._host.links.set_up(near, mtu=65535, mac=UE_MAC, arp=False)
            self._host.links.set_up(far, mtu=65535, mac=OUR_MAC, arp=False)
        self._far = far
        for pool in (*self._settings.ue_pools, *self._settings.ue_prefixes):
            self._host.links.add_route(str(pool), device=near, mtu=self.mtu)
        self._attach("encap_pool", far)

    def _write_settings(self) -> None:
        self._maps["settings"][layout.FIRST] = layout.settings_value(
            self._settings,
            n3=self._n3_index,
            n9=self._n9_index,
            buffer=self._tap_index,
            mtu=self.mtu,
            ue_macs=(octets_of(UE_MAC), octets_of(OUR_MAC)),
            has_routes=self._has_routes,
        )

    def _write_protected(self) -> None:
        for key, value in layout.protected_entries(self._settings.infrastructure()):
            self._maps["protected"][key] = value
        for network in self._settings.protected_networks:
            table, key, value = layout.network_entry(network)
            self._networks.add((table, key))
            self._maps[table][key] = value

    def _attach(self, program: str, interface: str, name: str = "") -> None:
        """A link of a former process goes on with its program until `take_up`. name: of the link, where the program has
        two."""
        pins, index, name = self._loaded.pins, socket.if_nametoindex(interface), name or program
        link = -1 if pins is None else pins.link(name, index)
        if link >= 0:
            self._former[name] = program, link
        else:
            link = attach_ingress(self._loaded.programs[program], index)
            if pins is not None:
                pins.keep_link(name, link)
        self._attached.append(name)
        self._undo.callback(os.close, link)

    @property
    def survives(self) -> bool:
        return self._loaded.pins is not None

    def take_up(self, sessions: list[SessionRules]) -> int:
        """See Plane."""
        pins, left = self._loaded.pins, sessions
        if pins is not None and pins.kept:
            left = self._tables.take_up(sessions)
            new = {rules.session for rules in left}
            for rules in sessions:
                if rules.session not in new:
                    self._host_routes.take_up(routes_of(rules))
                    self._model.registry.replace(rules)
                    self._model.guard(rules)
        for rules in left:
            self._host_routes.remove(routes_of(rules))  # a former process may have made them
            self.install(rules)
        for program, link in self._former.values():
            update_link(link, self._loaded.programs[program])
        self._former.clear()
        if pins is not None:
            pins.drop_others()
            pins.drop_links(self._attached)
            self._forget_endpoints()
        self._host.settle()
        return len(sessions) - len(left)

    def _forget_endpoints(self) -> None:
        """What a former process protected, and is not to be any more."""
        wanted = dict(layout.protected_entries(self._model.protected()))
        for key in self._maps["protected"].every_key():
            if key not in wanted:
                del self._maps["protected"][key]
        for key, value in wanted.items():
            self._maps["protected"][key] = value
        for table in ("networks", "networks6"):
            for key in self._maps[table].every_key():
                if (table, key) not in self._networks:
                    del self._maps[table][key]

    def add_side(
        self, name: str, namespace: str | int | None = None, pools: tuple[IPv4Network, ...] = ()
    ) -> UeSide:
        """gNB: an interface for UEs (at most 13 characters), in our namespace or moved to another."""
        near = f"{name}-r"
        side = UeSide(name, self._settings.first_table + len(self._sides), self._host, namespace, pools)
        self._undo.callback(side.close)
        self._host.veth(near, name)
        quieten(near)
        for feature in ("tx", "tso", "gso"):
            offload.switch(name, feature, False)
        self._host.links.set_up(near, mtu=65535, mac=OUR_MAC, arp=False)
        side.set_up(65535, self.mtu, UE_MAC)
        self._attach("encap_ue", near)
        self._sides[name] = side, near, socket.if_nametoindex(near)
        return side

    # -- rules ---------------------------------------------------------------------------------------------

    def install(self, rules: SessionRules) -> None:
        """See Plane. Buffered packets leave before the kernel forwards new ones, so order is kept."""
        model, session = self._model, rules.session
        model.registry.admit(rules, self._settings.max_sessions)
        if self._gnb:
            self._check_sides(rules)
        before = model.registry.sessions.get(session) or SessionRules(session)
        gone, added = self._routes_change(before, rules)
        if gnbs := model.guard(rules):
            for key, value in layout.protected_entries(gnbs):
                self._maps["protected"][key] = value
        try:
            self._tables.stage(rules, before)
        except NoRoom:
            self._host_routes.remove(added)
            raise
        if before.waits:
            self._turn(before, rules)
        else:
            for outer in model.replace(rules, time.monotonic_ns()):  # frames, which never were the kernel's
                self._n3.send(outer.octets, outer.peer, outer.tos)
        self._tables.leave()
        self._host_routes.remove(gone)

    def _routes_change(
        self, before: SessionRules, rules: SessionRules
    ) -> tuple[list[Network], list[Network]]:
        """Routes that are to go, and those that this host has more now. RuleError: it does not take them."""
        old, new = routes_of(before), routes_of(rules)
        added = [route for route in new if route not in old]
        if added and not self._gnb:
            self._host_routes.add(added)
        if added and not self._has_routes:
            self._has_routes = True
            self._write_settings()
        return [route for route in old if route not in new], added

    def _check_sides(self, rules: SessionRules) -> None:
        for rule in rules.decap:
            if rule.side and rule.side not in self._sides:
                raise RuleError(f"no UE interface {rule.side!r}")

    def _port(self, side: str) -> tuple[int, int]:
        """Interface index and flags of a UE's interface; "" is the first one."""
        if not self._gnb or not self._sides:
            return 0, 0
        found, _, index = self._sides[side or next(iter(self._sides))]
        return index, layout.TO_PEER if found.apart else 0

    def _turn(self, before: SessionRules, rules: SessionRules) -> None:
        """From BUFFER to something else: drain, release, switch, and drain what came meanwhile."""
        busy = self._drain(before)
        for outer in self._model.replace(rules, time.monotonic_ns()):
            busy = True
            self._n3.send(outer.octets, outer.peer, outer.tos)
        if busy:
            self._drain(before)
        self._tables.switch(rules)
        if busy:  # else what came in these microseconds, if anything, is the reader's
            self._drain(before)

    def _drain(self, rules: SessionRules) -> bool:
        """The kernel lets no more wait than the sessions' limits, so this ends. Whether there was any.

        What waits from tunnels comes by the N3 socket.
        """
        before = self._model.counts[Reason.PUNTED]
        for _ in range(ROUNDS if any(decap.waits for decap in rules.decap) else 0):
            if not self._n3.read():
                break
        read = self._from_tap()
        found = read > 0 or self._model.counts[Reason.PUNTED] != before
        while read == FRAMES_AT_ONCE:
            read = self._from_tap()
        return found

    def discard(self, session: int) -> None:
        self._drain(self._model.registry.sessions.get(session) or SessionRules(session))
        self._model.discard(session)

    def remove(self, session: int) -> None:
        rules = self._model.registry.sessions.get(session)
        if rules is None:
            return
        self._tables.remove(rules)
        self._model.remove(session)
        self._host_routes.remove(routes_of(rules))

    # -- packets in user space -----------------------------------------------------------------------------

    def _from_tap(self) -> int:
        """Frames that the kernel did not encapsulate because their rule says BUFFER. How many it read."""
        for read in range(FRAMES_AT_ONCE):
            try:
                frame = os.read(self._tap, 65536)
            except BlockingIOError:
                return read
            if frame[12:14] not in (ETHERNET_IPV4, ETHERNET_IPV6):
                continue
            self._out((self._model.encapsulate(frame[14:], time.monotonic_ns()),))
        return FRAMES_AT_ONCE

    def _from_n3(self, octets: bytes, peer: tuple[str, int]) -> None:
        verdict = self._model.decapsulate(octets, time.monotonic_ns(), ip_address(peer[0]))
        if isinstance(verdict, SlowPath):
            self._events.gtpu_received(octets, peer)
        elif isinstance(verdict, Frame):
            self._links.write(verdict.link, verdict.octets)
            self._out(verdict.others)
        elif isinstance(verdict, Inner):
            self._deliver(verdict)
        elif isinstance(verdict, Outer | Buffered):
            self._out((verdict,))

    def _from_link(self, link: str, frame: bytes) -> None:
        self._out(self._model.from_link(link, frame, time.monotonic_ns()))

    def _out(self, verdicts: Iterable[Outer | Buffered | Dropped]) -> None:
        carry_out(verdicts, self._n3, self._events)

    def add_link(self, link: str, name: str, namespace: str | int | None = None) -> None:
        """See Plane."""
        self._links.add(link, name, namespace)

    def remove_link(self, link: str) -> None:
        """See Plane."""
        self._links.remove(link)

    def _deliver(self, inner: Inner) -> None:
        """An odd packet that user space decapsulated: in by the segmenter pair, or to the UE's interface."""
        name = self._sides[inner.side or next(iter(self._sides))][1] if self._gnb else self._far
        kind = ETHERNET_IPV6 if inner.packet[0] >> 4 == 6 else ETHERNET_IPV4
        frame = octets_of(UE_MAC) + octets_of(OUR_MAC) + kind + inner.packet
        with contextlib.suppress(OSError):
            self._raw.sendto(frame, (name, 0))

    def send(self, octets: bytes, peer: tuple[str, int]) -> None:
        self._n3.send(octets, peer)

    def receive(self, octets: bytes, peer: tuple[str, int]) -> None:
        """See Plane."""
        self._from_n3(octets, peer)

    def catch_up(self) -> None:
        """See Plane."""
        self._n3.read()

    def settle(self) -> None:
        """See Plane. What a program sent waits in the kernel for its softirq, which comes at once."""
        time.sleep(SOFTIRQ_S)

    # -- counters ------------------------------------------------------------------------------------------

    def usage(self, session: int) -> Usage:
        return self._tables.usage(session) + self._model.usage(session)

    def flow_usage(self, session: int) -> dict[int, Count]:
        kernel, user = self._tables.flow_usage(session), self._model.flow_usage(session)
        return {number: count + user.get(number, Count()) for number, count in kernel.items()}

    def counts(self) -> dict[Reason, int]:
        return {reason: sum(counts) for reason, counts in self.counted().items()}

    def counted(self) -> dict[Reason, list[int]]:
        """See Plane."""
        found = {reason: [count] for reason, count in self._model.counts.items()}
        for reason in Reason:
            if reason not in BY_USER_SPACE:
                values = self._maps["reasons"].each(layout.reason_key(reason))
                found[reason] += [layout.COUNT.unpack(value)[0] for value in values]
        return found

    def changes(self) -> list[str]:
        return self._host.changes()

    def leave(self) -> None:
        """See Plane."""
        if self._loaded.pins is None:
            self.close()
            return
        self._undo.close()
        self._host.leave()

    def close(self) -> None:
        """Programs off, interfaces gone, the host as it was. Idempotent."""
        self._undo.close()
        self._host.close()
