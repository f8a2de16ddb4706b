"""The fallback plane: a TUN device (or what stands in for it) and a socket, in plain Python on the event loop.

The two loops handle the common packet (one PDU Session Container, a plain IPv4 header) in line; every other
one goes to the model, which says the same things more slowly.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import struct
import time
from collections.abc import Callable, Iterable
from functools import partial
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Literal

from cinq.userplane import offload, tap
from cinq.userplane.host import Host
from cinq.userplane.links import Links
from cinq.userplane.model import Buffered, Dropped, Frame, Inner, Model, Outer, Session, SlowPath
from cinq.userplane.n3 import BATCH, BATCH_OCTETS, N3Socket, carry_out
from cinq.userplane.packet import TRANSPORT_HEADER
from cinq.userplane.pair import open_pair
from cinq.userplane.routes import HostRoutes, routes_of
from cinq.userplane.rules import (
    GTPU_PORT,
    LINK_LOCAL,
    NOWHERE,
    Action,
    Count,
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

log = logging.getLogger(__name__)

AT_ONCE = 128
QUEUE = 4096
# flags and type, length, TEID, next type and its length, PDU type, QFI, next type; inner: version and header length,
# total length, fragment, protocol, source, destination
COMMON = struct.Struct("!HH4s3xHBBBBxH2xHxB2x4s4s")
PLAIN, CONTAINER, SHORT_HEADER = 0x34FF, 0x8501, 0x45
ANYBODY = "*"
BEFORE = 16  # octets of GTP-U in a common packet
SMALLEST = {protocol: 20 + size for protocol, size in TRANSPORT_HEADER.items()}

Write = Callable[[bytes], int]
Decap = tuple[bytes, int, Session, Write, str]
"""UE address, QFI or 0, session, how the packet goes into the interface, the far end ("": the model knows)."""
Encap = tuple[bytes, tuple[str, int], Session]  # GTP-U octets 4 to 15, peer, session


class TunPlane:
    """One tunnel end in user space. Made by open_plane; a failing constructor leaves nothing behind."""

    kind: Literal["tun"] = "tun"

    def __init__(self, settings: PlaneSettings, host: Host, events: PlaneEvents, n3: str) -> None:
        """`n3` is the N3 interface; the running loop moves the packets."""
        self._settings, self._host, self._events = settings, host, events
        self._gnb = settings.role is Role.GNB
        self._pdu_type = 0 if self._gnb else 0x10  # of the PDU Session Container of what comes
        self._announces = 0x80 if self._gnb else 0xC0  # flags beside its QFI that want further octets
        self._n3_octets = settings.n3_address.packed
        self.mtu = settings.inner_mtu(host.links.link(n3).mtu)
        self._model = Model(settings, self.mtu)
        self._decaps: dict[bytes, Decap] = {}
        self._encaps: dict[bytes, Encap] = {}
        protected = {endpoint.address.packed for endpoint in settings.infrastructure()}
        self._special: dict[bytes, None] = dict.fromkeys(protected)  # destinations that the model judges
        self._sides: dict[str, tuple[UeSide | None, Write]] = {}
        self._devices: list[int] = []
        self._host_routes = HostRoutes(host.links, f"{settings.instance}-tun", self.mtu)
        if trouble := tap.trouble():
            log.warning("user plane: veth pairs in place of TUN devices: %s", trouble)
        self._open = partial(open_pair, host=host) if trouble else self._open_device
        self._loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as self._undo:
            if offload.driver(n3) in offload.FLAT:
                host.offload_off(n3, "tx")  # batches are cut before they leave, not at the other end
            self._n3 = N3Socket(settings.n3, self._loop, self._from_n3, AT_ONCE)
            self._undo.callback(self._n3.close)
            self._links = Links(host, self._loop, self._from_link, self.mtu - AROUND)
            self._undo.callback(self._links.close)
            for link, name in settings.links:
                self._links.add(link, name, quiet=True)
            if not self._gnb:
                self._open_pool()
            self._undo = self._undo.pop_all()

    def _open_pool(self) -> None:
        name = f"{self._settings.instance}-tun"
        device = self._add_device(name, None)
        quieten(name, ipv6=bool(self._settings.ue_prefixes))
        self._host.links.set_up(name, mtu=device.mtu or self.mtu, arp=False, queue=QUEUE)
        for pool in (*self._settings.ue_pools, *self._settings.ue_prefixes):
            self._host.links.add_route(str(pool), device=name, mtu=self.mtu)

    def _open_device(self, name: str) -> tap.Device:
        what = "TUN of UEs" if self._gnb else f"TUN of {', '.join(map(str, self._settings.ue_pools))}"
        return self._host.device(name, what, lambda: tap.open_tun(name))

    def _add_device(self, name: str, side: UeSide | None) -> tap.Device:
        self._host.links.delete_link(name, missing_ok=True)
        device = self._open(name)
        self._undo.callback(device.close)
        self._loop.add_reader(device.fd, self._from_tun, device.fd)
        self._devices.append(device.fd)
        self._undo.callback(self._loop.remove_reader, device.fd)
        self._sides[name] = side, device.write
        return device

    def add_side(
        self, name: str, namespace: str | int | None = None, pools: tuple[IPv4Network, ...] = ()
    ) -> UeSide:
        """gNB: an interface for UEs, in our namespace or moved to another."""
        side = UeSide(name, self._settings.first_table + len(self._sides), self._host, namespace, pools)
        self._undo.callback(side.close)
        device = self._add_device(name, side)
        side.set_up(device.mtu or self.mtu, self.mtu)
        return side

    # -- rules ---------------------------------------------------------------------------------------------

    def install(self, rules: SessionRules) -> None:
        """See Plane."""
        unknown = [rule.side for rule in rules.decap if rule.side and rule.side not in self._sides]
        if unknown:
            raise RuleError(f"no UE interface {unknown[0]!r}")
        before = self._model.registry.sessions.get(rules.session)
        old, new = routes_of(before), routes_of(rules)
        added = [route for route in new if route not in old and not self._gnb]
        self._model.registry.admit(rules, self._settings.max_sessions)
        self._host_routes.add(added)
        self._special |= dict.fromkeys(gnb.address.packed for gnb in self._model.guard(rules))
        waiting = self._model.install(rules, time.monotonic_ns())
        self._host_routes.remove(route for route in old if route not in new)
        if before:
            self._forget(before)
        self._remember(rules, self._model.session(rules))
        for outer in waiting:
            self._n3.send(outer.octets, outer.peer, outer.tos)

    def _remember(self, rules: SessionRules, session: Session) -> None:
        """Only what the quick loops may do."""
        psc_type = 0x10 if self._gnb else 0
        for decap in rules.decap:
            if decap.action is Action.FORWARD and not (decap.flows or decap.is_frames or decap.relays):
                one = len(decap.peers) == 1 and decap.peers[0].num_addresses == 1
                peer = str(decap.peers[0].network_address) if one else "" if decap.peers else ANYBODY
                entry = decap.ue.packed, decap.qfi, session, self._writer(decap.side), peer
                self._decaps[decap.teid.to_bytes(4, "big")] = entry
        for encap in rules.encap:
            if not isinstance(encap.ue, IPv4Address):
                continue  # the model's
            if not self._gnb and not self._settings.ue_to_ue:
                self._special[encap.ue.packed] = None
            if encap.action is Action.FORWARD and int(encap.peer) and not encap.flows and not encap.tos:
                tail = struct.pack("!I3xBBBBB", encap.teid, CONTAINER >> 8, 1, psc_type, encap.qfi, 0)
                self._encaps[encap.ue.packed] = tail, (str(encap.peer), GTPU_PORT), session

    def _forget(self, rules: SessionRules) -> None:
        for decap in rules.decap:
            self._decaps.pop(decap.teid.to_bytes(4, "big"), None)
        for encap in rules.encap:
            if isinstance(encap.ue, IPv4Address):
                self._encaps.pop(encap.ue.packed, None)
                self._special.pop(encap.ue.packed, None)

    def _judges_all(self) -> bool:
        """Whether more destinations are closed than a table of addresses says."""
        return bool(self._settings.protected_networks) or len(self._model.registry.behind) > 0

    def _writer(self, side: str) -> Write:
        return self._sides[side][1] if side else next(iter(self._sides.values()), (None, len))[1]

    def discard(self, session: int) -> None:
        self._model.discard(session)

    @property
    def survives(self) -> bool:
        return False

    def take_up(self, sessions: list[SessionRules]) -> int:
        """See Plane. None went on: this plane is its process."""
        for rules in sessions:
            self.install(rules)
        return 0

    def remove(self, session: int) -> None:
        rules = self._model.registry.sessions.get(session)
        if rules:
            self._forget(rules)
            self._model.remove(session)
            self._host_routes.remove(routes_of(rules))

    # -- packets -------------------------------------------------------------------------------------------

    def _from_n3(self, octets: bytes, peer: tuple[str, int]) -> None:
        """Outer header removal of the common packet; the rest to the model."""
        size = len(octets) - BEFORE
        if size < 20:
            return self._odd(octets, peer)
        kind, length, teid, ext, pdu, qfi, more, first, total, fragment, protocol, source, destination = (
            COMMON.unpack_from(octets)
        )
        found = self._decaps.get(teid)
        if (
            found is None
            or kind != PLAIN
            or ext != CONTAINER
            or pdu != self._pdu_type
            or qfi & self._announces
            or more
            or first != SHORT_HEADER
            or total != size
            or length != size + 8
            or fragment & 0x1FFF
            or size < SMALLEST.get(protocol, 0)
        ):
            return self._odd(octets, peer)
        ue, wanted, session, write, has_tunnel = found
        special = (
            destination in self._special
            or destination[0] in NOWHERE
            or self._judges_all()
            or destination[:2] == LINK_LOCAL
        )
        is_his = has_tunnel in (peer[0], ANYBODY)
        if source != ue or special or not is_his or (wanted and wanted != qfi & 63):
            return self._odd(octets, peer)
        policer = session.decap_policer
        if policer.cost and not policer.conforms(size, time.monotonic_ns()):
            self._model.counts[Reason.POLICED] += 1
            return None
        session.decap_packets += 1
        session.decap_octets += size
        return self._write(write, octets[BEFORE:])

    def _odd(self, octets: bytes, peer: tuple[str, int]) -> None:
        verdict = self._model.decapsulate(octets, time.monotonic_ns(), ip_address(peer[0]))
        if isinstance(verdict, SlowPath):
            self._events.gtpu_received(octets, peer)
        elif isinstance(verdict, Frame):
            self._links.write(verdict.link, verdict.octets)
            self._out(verdict.others)
        elif isinstance(verdict, Inner):
            self._write(self._writer(verdict.side), verdict.packet)
        elif isinstance(verdict, Outer | Buffered):
            self._out((verdict,))

    def _from_link(self, link: str, frame: bytes) -> None:
        self._out(self._model.from_link(link, frame, time.monotonic_ns()))

    def add_link(self, link: str, name: str, namespace: str | int | None = None) -> None:
        """See Plane."""
        self._links.add(link, name, namespace)

    def remove_link(self, link: str) -> None:
        """See Plane."""
        self._links.remove(link)

    @staticmethod
    def _write(write: Write, packet: bytes) -> None:
        try:  # contextlib.suppress would cost a third of the call
            write(packet)
        except OSError:
            return

    def _from_tun(self, fd: int) -> None:
        """Outer header creation of the common packet; the rest to the model. Equal ones leave together."""
        key = slice(12, 16) if self._gnb else slice(16, 20)
        encaps, mtu, read, own = self._encaps, self.mtu, os.read, self._n3_octets
        batch, to, full = list[bytes](), ("", 0), 0
        for _ in range(AT_ONCE):
            try:
                packet = read(fd, 65536)
            except OSError:
                break
            found, size = encaps.get(packet[key]), len(packet)
            if found is None or packet[0] >> 4 != 4 or size > mtu or packet[12:16] == own:
                self._encapsulate(packet)
                continue
            tail, peer, session = found
            policer = session.encap_policer
            if policer.cost and not policer.conforms(size, time.monotonic_ns()):
                self._model.counts[Reason.POLICED] += 1
                continue
            session.encap_packets += 1
            session.encap_octets += size
            message = b"\x34\xff" + (size + 8).to_bytes(2, "big") + tail + packet
            if batch and peer == to and len(message) == len(batch[0]) and len(batch) < full:
                batch.append(message)
                continue
            if batch:
                self._n3.send_batch(batch, to)
            batch, to, full = [message], peer, min(BATCH, BATCH_OCTETS // len(message))
        if batch:
            self._n3.send_batch(batch, to)

    def _encapsulate(self, packet: bytes) -> None:
        self._out((self._model.encapsulate(packet, time.monotonic_ns()),))

    def _out(self, verdicts: Iterable[Outer | Buffered | Dropped]) -> None:
        carry_out(verdicts, self._n3, self._events)

    def send(self, octets: bytes, peer: tuple[str, int]) -> None:
        self._n3.send(octets, peer)

    def receive(self, octets: bytes, peer: tuple[str, int]) -> None:
        """See Plane."""
        self._from_n3(octets, peer)

    def catch_up(self) -> None:
        """Nothing to do: every packet is for user space, in its turn."""

    def settle(self) -> None:
        """See Plane; bounded, lest a program that never rests holds everything up."""
        for device in self._devices:
            waiting = select.poll()
            waiting.register(device, select.POLLIN)
            for _ in range(QUEUE // AT_ONCE):
                if not waiting.poll(0):
                    break
                self._from_tun(device)

    # -- counters ------------------------------------------------------------------------------------------

    def usage(self, session: int) -> Usage:
        return self._model.usage(session)

    def flow_usage(self, session: int) -> dict[int, Count]:
        return self._model.flow_usage(session)

    def counted(self) -> dict[Reason, list[int]]:
        return {reason: [count] for reason, count in self._model.counts.items()}

    def counts(self) -> dict[Reason, int]:
        return dict(self._model.counts)

    def changes(self) -> list[str]:
        return self._host.changes()

    def leave(self) -> None:
        self.close()

    def close(self) -> None:
        """Devices gone, the host as it was. Idempotent."""
        self._undo.close()
        self._host.close()
