"""The user plane in plain Python: what both planes must do, packet by packet, without sockets or clocks.

Tests hold eBPF and TUN against it; the planes themselves give it the rare packets that their fast path leaves
(reassembled, padded or coalesced ones). Time is an argument, in nanoseconds of any monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from cinq.userplane.packet import (
    UDP,
    NotForFastPath,
    Refused,
    check_inner,
    destination_port,
    gtpu_header,
    parse_gpdu,
)
from cinq.userplane.policer import Policer, Rate
from cinq.userplane.rules import (
    GTPU_PORT,
    NOWHERE,
    PEERS,
    Action,
    DecapRule,
    EncapRule,
    PlaneSettings,
    Protected,
    Reason,
    Registry,
    Role,
    SessionRules,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Inner:
    """To the stack (UPF) or to the UE's interface `side` (gNB)."""

    packet: bytes
    side: str = ""


@dataclass(frozen=True, slots=True)
class Outer:
    """A GTP-U message to send from UDP port 2152 of our N3 address."""

    octets: bytes
    peer: tuple[str, int]


@dataclass(frozen=True, slots=True)
class SlowPath:
    """For the owner of the plane: Echo, Error Indication, End Marker, unknown TEID."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Dropped:
    reason: Reason


@dataclass(frozen=True, slots=True)
class Buffered:
    """`notify`: the first one since the rule was installed."""

    session: int
    notify: bool


@dataclass(slots=True)
class Session:
    """A session's rules with what runs under them."""

    rules: SessionRules
    decap_policer: Policer
    encap_policer: Policer
    decap_packets: int = 0
    decap_octets: int = 0
    encap_packets: int = 0
    encap_octets: int = 0
    notified: bool = False
    waiting: list[bytes] | None = None  # most sessions never buffer


class Model:
    """One tunnel end."""

    def __init__(self, settings: PlaneSettings, mtu: int = 1456) -> None:
        self.settings, self.mtu = settings, mtu
        self.registry = Registry()
        self.sessions: dict[int, Session] = {}  # those that had a packet here: in the eBPF plane few do
        self.counts = dict.fromkeys(Reason, 0)
        self.waiting = 0
        self._gnb = settings.role is Role.GNB
        rate, burst = settings.slow_per_s, max(settings.slow_per_s // 10, 1)
        self._slow, self._unknown = Rate(rate, burst), Rate(rate, burst)
        networks = settings.protected_networks
        self._networks = [(int(n.netmask), int(n.network_address)) for n in networks]
        self._protected = {(p.address.packed, p.protocol, p.port) for p in settings.infrastructure()}
        self._peers: set[int] = set()

    # -- rules -------------------------------------------------------------------------------------------

    def install(self, rules: SessionRules, now_ns: int) -> list[Outer]:
        """All or nothing (RuleError). The buffered packets that now may go, in order."""
        self.registry.admit(rules, self.settings.max_sessions)
        return self.replace(rules, now_ns)

    def replace(self, rules: SessionRules, now_ns: int) -> list[Outer]:
        """The same for rules that the registry has admitted."""
        self.registry.replace(rules)
        self.guard(rules)
        session = self.sessions.get(rules.session)
        if session is None:
            return []
        if session.rules.ambr != rules.ambr:
            session.decap_policer, session.encap_policer = self._policers(rules)
        session.rules, session.notified = rules, bool(session.waiting)
        return self._release(session, now_ns)

    def guard(self, rules: SessionRules) -> list[Protected]:
        """The gNBs that are new in these rules: from now on no UE may send them GTP-U (DEV-086)."""
        found: list[Protected] = []
        for encap in () if self._gnb else rules.encap:
            peer = int(encap.peer)
            if peer and peer not in self._peers and len(self._peers) < PEERS:
                self._peers.add(peer)
                if (encap.peer.packed, 0, 0) not in self._protected:
                    self._protected.add((encap.peer.packed, UDP, GTPU_PORT))
                    found.append(Protected(encap.peer, UDP, GTPU_PORT))
        return found

    def session(self, rules: SessionRules) -> Session:
        """What runs under these rules, from now on if nothing did."""
        session = self.sessions.get(rules.session)
        if session is None:
            session = self.sessions[rules.session] = Session(rules, *self._policers(rules))
        return session

    def _policers(self, rules: SessionRules) -> tuple[Policer, Policer]:
        burst = self.settings.bucket_ms * 1_000_000
        uplink, downlink = Policer(rules.ambr.uplink, burst), Policer(rules.ambr.downlink, burst)
        return (downlink, uplink) if self._gnb else (uplink, downlink)

    def _decap(self, teid: int) -> tuple[DecapRule, Session] | None:
        rules = self.registry.sessions.get(self.registry.teids.get(teid, -1))
        if rules is None:
            return None
        return next(((rule, self.session(rules)) for rule in rules.decap if rule.teid == teid), None)

    def _encap(self, ue: bytes) -> tuple[EncapRule, Session] | None:
        number = int.from_bytes(ue, "big")
        rules = self.registry.sessions.get(self.registry.ues.get(number, -1))
        if rules is None:
            return None
        return next(((rule, self.session(rules)) for rule in rules.encap if int(rule.ue) == number), None)

    def discard(self, session: int) -> None:
        """Throws away what waits; the next packet is reported again."""
        found = self.sessions.get(session)
        if found is not None:
            self.waiting -= len(found.waiting or ())
            found.waiting, found.notified = None, False

    def remove(self, session: int) -> None:
        self.registry.forget(session)
        gone = self.sessions.pop(session, None)
        if gone:
            self.waiting -= len(gone.waiting or ())

    def usage(self, session: int) -> Usage:
        s = self.sessions.get(session)
        if s is None:
            return Usage()
        decap = s.decap_packets, s.decap_octets
        encap = s.encap_packets, s.encap_octets
        drops = s.decap_policer.drops, s.encap_policer.drops
        return Usage(*encap, *decap, *reversed(drops)) if self._gnb else Usage(*decap, *encap, *drops)

    # -- packets -----------------------------------------------------------------------------------------

    def decapsulate(self, octets: bytes, now_ns: int) -> Inner | SlowPath | Dropped:
        """A UDP payload from N3."""
        try:
            return self._decapsulate(octets, now_ns)
        except NotForFastPath:
            return self._slow_path(Reason.SLOW_PATH, now_ns)
        except Refused as refused:
            self.counts[refused.reason] += 1
            return Dropped(refused.reason)

    def _slow_path(self, reason: Reason, now_ns: int) -> SlowPath | Dropped:
        rate = self._unknown if reason is Reason.UNKNOWN_TEID else self._slow  # no Echo suffers from those
        verdict = SlowPath(reason) if rate.conforms(now_ns) else Dropped(Reason.FLOOD)
        self.counts[verdict.reason] += 1
        return verdict

    def _decapsulate(self, octets: bytes, now_ns: int) -> Inner | SlowPath | Dropped:
        gpdu = parse_gpdu(octets)
        found = self._decap(gpdu.teid)
        if found is None:
            return self._slow_path(Reason.UNKNOWN_TEID, now_ns)
        rule, session = found
        if rule.action is not Action.FORWARD:
            raise Refused(Reason.RULE_DROP)
        if rule.qfi and rule.qfi != gpdu.qfi:
            raise Refused(Reason.WRONG_QFI)
        packet = octets[gpdu.header :]
        self._admit_inner(packet, rule)
        if not session.decap_policer.conforms(len(packet), now_ns):
            raise Refused(Reason.POLICED)
        session.decap_packets += 1
        session.decap_octets += len(packet)
        return Inner(packet, rule.side)

    def _admit_inner(self, packet: bytes, rule: DecapRule) -> None:
        header = check_inner(packet)
        source, destination = packet[12:16], packet[16:20]
        if (destination if self._gnb else source) != rule.ue.packed:
            raise Refused(Reason.SPOOFED)
        if self._gnb:
            return
        if not self.settings.ue_to_ue and int.from_bytes(destination, "big") in self.registry.ues:
            raise Refused(Reason.UE_TO_UE)
        if self._is_protected(packet, header):
            raise Refused(Reason.PROTECTED)

    def _is_protected(self, packet: bytes, header: int) -> bool:
        destination, protocol, ports = packet[16:20], packet[9], self._protected
        number = int.from_bytes(destination, "big")
        if destination[0] in NOWHERE or any(number & mask == network for mask, network in self._networks):
            return True
        if (destination, 0, 0) in ports or (destination, protocol, 0) in ports:
            return True
        port = destination_port(packet, header)
        return port is not None and (
            (destination, protocol, port) in ports or (destination, 0, port) in ports
        )

    def encapsulate(self, packet: bytes, now_ns: int) -> Outer | Buffered | Dropped:
        """An IPv4 packet routed to a UE (UPF) or come from one (gNB); the hop is already counted."""
        try:
            return self._encapsulate(packet, now_ns)
        except Refused as refused:
            self.counts[refused.reason] += 1
            return Dropped(refused.reason)

    def _encapsulate(self, packet: bytes, now_ns: int) -> Outer | Buffered | Dropped:
        if len(packet) < 20 or packet[0] >> 4 != 4:
            raise Refused(Reason.MALFORMED)
        found = self._encap(packet[12:16] if self._gnb else packet[16:20])
        if found is None:
            raise Refused(Reason.SPOOFED if self._gnb else Reason.UNKNOWN_UE)
        if len(packet) > self.mtu or int.from_bytes(packet[2:4], "big") != len(packet):
            raise Refused(Reason.TOO_BIG)
        rule, session = found
        if rule.action is Action.BUFFER:
            return self._buffer(packet, rule, session)
        return self._forward(packet, rule, session, now_ns)

    def _forward(self, packet: bytes, rule: EncapRule, session: Session, now_ns: int) -> Outer:
        if rule.action is Action.DROP or not int(rule.peer):
            raise Refused(Reason.RULE_DROP)
        if not session.encap_policer.conforms(len(packet), now_ns):
            raise Refused(Reason.POLICED)
        session.encap_packets += 1
        session.encap_octets += len(packet)
        header = gtpu_header(len(packet), rule.teid, rule.qfi, 1 if self._gnb else 0)
        return Outer(header + packet, (str(rule.peer), GTPU_PORT))

    # -- buffer ------------------------------------------------------------------------------------------

    def _buffer(self, packet: bytes, rule: EncapRule, session: Session) -> Buffered:
        limits, waiting = self.settings, session.waiting or []
        if len(waiting) >= limits.buffer_per_session or self.waiting >= limits.buffer_total:
            raise Refused(Reason.BUFFER_FULL)
        waiting.append(packet)
        session.waiting = waiting
        self.waiting += 1
        self.counts[Reason.PUNTED] += 1
        notify = rule.notify and not session.notified
        session.notified = session.notified or notify
        return Buffered(session.rules.session, notify)

    def _release(self, session: Session, now_ns: int) -> list[Outer]:
        """What waits and may go now, in order; what must not wait any longer is dropped."""
        waiting, session.waiting, out = session.waiting or [], None, list[Outer]()
        self.waiting -= len(waiting)
        for packet in waiting:
            verdict = self.encapsulate(packet, now_ns)
            if isinstance(verdict, Outer):
                out.append(verdict)
        return out
