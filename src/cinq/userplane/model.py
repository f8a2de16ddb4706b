"""The user plane in plain Python: what both planes must do, packet by packet, without sockets or clocks.

Tests hold eBPF and TUN against it; the planes themselves give it the rare packets that their fast path leaves
(reassembled, padded or coalesced ones). Time is an argument, in nanoseconds of any monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cinq.userplane.flows import NO_QFI, Count, Flow, Limit, Traits, admitted, chosen
from cinq.userplane.frames import Frames, rule_of
from cinq.userplane.inner import (
    check_inner,
    ends,
    is_discovery,
    is_nowhere,
    key_of,
    traits,
    version,
    whole,
)
from cinq.userplane.packet import (
    RQI,
    UDP,
    FromTunnel,
    GPdu,
    NotForFastPath,
    Refused,
    gtpu_header,
    parse_gpdu,
    relayed,
    teid_of,
)
from cinq.userplane.policer import Policer, Rate
from cinq.userplane.registry import Registry
from cinq.userplane.rules import (
    GTPU_PORT,
    PEERS,
    Action,
    Address,
    Ambr,
    DecapRule,
    EncapRule,
    PlaneSettings,
    Protected,
    Reason,
    Role,
    SessionRules,
    Usage,
    address_key,
)
from cinq.userplane.verdicts import Buffered, Dropped, Frame, Inner, Outer, SlowPath

__all__ = ["Buffered", "Dropped", "Frame", "Inner", "Model", "Outer", "Session", "SlowPath"]

Verdict = Inner | SlowPath | Dropped | Frame | Outer | Buffered
STRANGE = 4  # times as much from those who have not the tunnel: it may become theirs in a moment


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
    limits: dict[int, tuple[Policer, Policer]] = field(default_factory=dict)  # decapsulation, encapsulation
    flows: dict[int, Count] = field(default_factory=dict)
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
        self._strange = Rate(STRANGE * rate, STRANGE * burst)
        self._n3 = settings.n3_address.packed
        networks = settings.protected_networks
        self._networks = [(n.max_prefixlen // 8, int(n.netmask), int(n.network_address)) for n in networks]
        self._protected = {(p.address.packed, p.protocol, p.port) for p in settings.infrastructure()}
        self._peers: set[Address] = set()
        self.frames = Frames(
            self._to_session,
            self._count,
            learns=not self._gnb,
            direct=settings.ue_to_ue,
            most=mtu,
        )

    # -- rules -------------------------------------------------------------------------------------------

    def install(self, rules: SessionRules, now_ns: int) -> list[Outer]:
        """All or nothing (RuleError). The buffered packets that now may go, in order."""
        self.registry.admit(rules, self.settings.max_sessions)
        return self.replace(rules, now_ns)

    def replace(self, rules: SessionRules, now_ns: int) -> list[Outer]:
        """The same for rules that the registry has admitted."""
        self.registry.replace(rules)
        self.frames.follow(rules)
        self.guard(rules)
        session = self.sessions.get(rules.session)
        if session is None:
            return []
        if session.rules.ambr != rules.ambr:
            session.decap_policer, session.encap_policer = self._policers(rules.ambr)
        self._limit(session, rules)
        session.rules, session.notified = rules, bool(session.waiting)
        return self._release(session, now_ns)

    def guard(self, rules: SessionRules) -> list[Protected]:
        """The gNBs that are new in these rules: from now on no UE may send them GTP-U (DEV-086)."""
        found: list[Protected] = []
        encaps = rules.encap if rules.frames is None else (*rules.encap, rules.frames)
        ends = [peer for encap in encaps for peer in encap.peers]
        ends += [peer for decap in rules.decap for peer in decap.onward_peers]
        for end in [] if self._gnb else ends:
            if int(end) and end not in self._peers and len(self._peers) < PEERS:
                self._peers.add(end)
                if (end.packed, 0, 0) not in self._protected:
                    self._protected.add((end.packed, UDP, GTPU_PORT))
                    found.append(Protected(end, UDP, GTPU_PORT))
        return found

    def protected(self) -> set[Protected]:
        """All endpoints that no UE may reach now."""
        return {Protected(end, UDP, GTPU_PORT) for end in self._peers} | self.settings.infrastructure()

    def session(self, rules: SessionRules) -> Session:
        """What runs under these rules, from now on if nothing did."""
        session = self.sessions.get(rules.session)
        if session is None:
            session = self.sessions[rules.session] = Session(rules, *self._policers(rules.ambr))
            self._limit(session, rules)
        return session

    def _policers(self, rates: Ambr | Limit) -> tuple[Policer, Policer]:
        burst = self.settings.bucket_ms * 1_000_000
        uplink, downlink = Policer(rates.uplink, burst), Policer(rates.downlink, burst)
        return (downlink, uplink) if self._gnb else (uplink, downlink)

    def _limit(self, session: Session, rules: SessionRules) -> None:
        """A bucket for each limit; one whose rates stay as they were goes on."""
        before = {limit.number: limit for limit in session.rules.limits}
        session.limits = {
            limit.number: session.limits[limit.number]
            if before.get(limit.number) == limit and limit.number in session.limits
            else self._policers(limit)
            for limit in rules.limits
        }
        session.flows = {n: session.flows.get(n, Count()) for n in rules.flows}

    def _decap(self, teid: int) -> tuple[DecapRule, Session] | None:
        rules = self.registry.sessions.get(self.registry.teids.get(teid, -1))
        if rules is None:
            return None
        return next(((rule, self.session(rules)) for rule in rules.decap if rule.teid == teid), None)

    def _encap(self, ue: bytes) -> tuple[EncapRule, Session] | None:
        key = self.registry.ue_at(ue)
        rules = None if key is None else self.registry.sessions.get(self.registry.ues.get(key, -1))
        if rules is None:
            return None
        return next(((rule, self.session(rules)) for rule in rules.encap if rule.key == key), None)

    def discard(self, session: int) -> None:
        """Throws away what waits; the next packet is reported again."""
        found = self.sessions.get(session)
        if found is not None:
            self._throw_away(found)
            found.waiting, found.notified = None, False

    def _throw_away(self, session: Session) -> None:
        """What waits, with its count."""
        self.waiting -= len(session.waiting or ())
        self.counts[Reason.DISCARDED] += len(session.waiting or ())

    def remove(self, session: int) -> None:
        self.registry.forget(session)
        self.frames.switch.leave(session)
        gone = self.sessions.pop(session, None)
        if gone:
            self._throw_away(gone)

    def usage(self, session: int) -> Usage:
        s = self.sessions.get(session)
        if s is None:
            return Usage()
        decap = s.decap_packets, s.decap_octets
        encap = s.encap_packets, s.encap_octets
        under = [(s.decap_policer, s.encap_policer), *s.limits.values()]
        drops = sum(one.drops for one, _ in under), sum(other.drops for _, other in under)
        return Usage(*encap, *decap, *reversed(drops)) if self._gnb else Usage(*decap, *encap, *drops)

    def flow_usage(self, session: int) -> dict[int, Count]:
        found, rules = self.sessions.get(session), self.registry.sessions.get(session)
        if found is not None:
            return dict(found.flows)
        return {} if rules is None else dict.fromkeys(rules.flows, Count())

    # -- packets -----------------------------------------------------------------------------------------

    def decapsulate(self, octets: bytes, now_ns: int, source: Address | None = None) -> Verdict:
        """A UDP payload from N3 or N9. source: who sent it; None asks of nobody whether the tunnel is his."""
        try:
            return self._decapsulate(octets, now_ns, source)
        except NotForFastPath:
            return self._slow_path(Reason.SLOW_PATH, now_ns)
        except Refused as refused:
            self.counts[refused.reason] += 1
            return Dropped(refused.reason)

    def _slow_path(self, reason: Reason, now_ns: int) -> SlowPath | Dropped:
        rate = self._unknown if reason is Reason.UNKNOWN_TEID else self._slow  # no Echo suffers from those
        if reason is Reason.WRONG_PEER:
            self.counts[reason] += 1
            return SlowPath(reason) if self._strange.conforms(now_ns) else Dropped(reason)
        verdict = SlowPath(reason) if rate.conforms(now_ns) else Dropped(Reason.FLOOD)
        self.counts[verdict.reason] += 1
        return verdict

    def _decapsulate(self, octets: bytes, now_ns: int, source: Address | None) -> Verdict:
        found = self._decap(teid_of(octets))
        gpdu = parse_gpdu(octets, uplink=not (self._gnb or (found is not None and found[0].to_ue)))
        if found is None:
            return self._slow_path(Reason.UNKNOWN_TEID, now_ns)
        rule, session = found
        if rule.peers and source is not None and not any(source in peer for peer in rule.peers):
            return self._slow_path(Reason.WRONG_PEER, now_ns)
        packet = octets[gpdu.header :]
        if rule.is_frames:
            return self._frame(rule, session, packet, gpdu.qfi, now_ns)
        way = self._way(rule, packet, gpdu)
        if way.action is Action.BUFFER and rule.to_ue:
            return self._buffer(FromTunnel(octets), way, session)
        onward = bool(int(way.peer))
        if way.action is not Action.FORWARD or (rule.to_ue and not onward):
            raise Refused(Reason.RULE_DROP)
        if not (self._gnb or onward):
            self._admit_destination(packet)
        self._carried(session, way, len(packet), now_ns, to_ue=rule.to_ue)
        if not onward:
            return Inner(packet, rule.side)
        teid = way.teid if isinstance(way, Flow) else way.onward
        return Outer(relayed(octets, teid), (str(way.peer), GTPU_PORT), way.tos)

    def _way(self, rule: DecapRule, packet: bytes, gpdu: GPdu) -> DecapRule | Flow:
        """What decides on the packet; Refused where it is not the UE's."""
        if not rule.flows:
            self._plain(rule, gpdu.qfi)
            if not rule.is_opaque:
                self._admit_source(packet, rule)
            return rule
        inner = check_inner(packet) if rule.is_opaque else self._admit_source(packet, rule)
        uplink = not (self._gnb or rule.to_ue)
        return self._flow(rule.flows, traits(packet, inner, uplink=uplink), gpdu.qfi)

    def _carried(
        self, session: Session, way: DecapRule | Flow, octets: int, now_ns: int, *, to_ue: bool
    ) -> None:
        """Limits and counters of a packet from a tunnel. to_ue: of the way back, as at encapsulation."""
        if isinstance(way, Flow):
            self._charge(session, way, octets, now_ns, encap=to_ue)
        elif not (session.encap_policer if to_ue else session.decap_policer).conforms(octets, now_ns):
            raise Refused(Reason.POLICED)
        if to_ue:
            session.encap_packets += 1
            session.encap_octets += octets
        else:
            session.decap_packets += 1
            session.decap_octets += octets

    def _frame(self, rule: DecapRule, session: Session, frame: bytes, qfi: int, now_ns: int) -> Frame:
        self._plain(rule, qfi)
        number = session.rules.session
        self.frames.check(frame, number, now_ns)
        if not session.decap_policer.conforms(len(frame), now_ns):
            raise Refused(Reason.POLICED)
        verdict = self.frames.from_tunnel(session.rules.link, number, frame, now_ns)
        session.decap_packets += 1
        session.decap_octets += len(frame)
        return verdict

    def from_link(self, link: str, frame: bytes, now_ns: int) -> list[Outer | Buffered | Dropped]:
        """An Ethernet frame from the interface of a link, at each session that it is for."""
        return self.frames.from_link(link, frame, now_ns)

    def _to_session(self, session: int, frame: bytes, now_ns: int) -> Outer | Buffered:
        rules = self.registry.sessions.get(session)
        rule = rule_of(rules)
        assert rules is not None
        found = self.session(rules)
        if rule.action is Action.BUFFER:
            return self._buffer(frame, rule, found)
        return self._forward(frame, rule, found, now_ns)

    def _count(self, reason: Reason) -> None:
        self.counts[reason] += 1

    @staticmethod
    def _plain(rule: DecapRule, qfi: int) -> None:
        if rule.action is not Action.FORWARD and not rule.to_ue:
            raise Refused(Reason.RULE_DROP)
        if rule.qfi and qfi not in (rule.qfi, NO_QFI):
            raise Refused(Reason.WRONG_QFI)

    @staticmethod
    def _flow(flows: tuple[Flow, ...], seen: Traits, qfi: int = NO_QFI) -> Flow:
        flow = chosen(flows, seen, qfi)
        if flow is None:
            raise Refused(Reason.NO_FLOW)
        return flow

    @staticmethod
    def _charge(session: Session, flow: Flow, octets: int, now_ns: int, *, encap: bool) -> None:
        """Its limits and its counters."""
        if not admitted([session.limits[n][encap] for n in flow.limits], octets, now_ns):
            raise Refused(Reason.POLICED)
        session.flows[flow.number] += Count(1, octets)

    def _admit_source(self, packet: bytes, rule: DecapRule) -> tuple[int, int, bool]:
        """What `check_inner` found, of a packet from the UE (UPF) or for it (gNB)."""
        inner = check_inner(packet)
        if is_discovery(packet, inner, to_ue=self._gnb):
            raise NotForFastPath
        source, destination = ends(packet)
        if not self._is_of(rule, destination if self._gnb else source):
            raise Refused(Reason.SPOOFED)
        return inner

    def _admit_destination(self, packet: bytes) -> None:
        """Of a packet that leaves by N6."""
        inner, (_, destination) = check_inner(packet), ends(packet)
        if is_nowhere(destination):
            raise Refused(Reason.PROTECTED)
        if not self.settings.ue_to_ue and self.registry.ue_at(destination) is not None:
            raise Refused(Reason.UE_TO_UE)
        if self._is_protected(packet, destination, inner):
            raise Refused(Reason.PROTECTED)

    def _is_of(self, rule: DecapRule, address: bytes) -> bool:
        """Whether it is the UE's, or behind it."""
        end = (rule.ue if int(rule.ue) else None) if len(address) == 4 else rule.prefix
        return end is not None and address_key(end) in (key_of(address), self.registry.behind.find(address))

    def _is_protected(self, packet: bytes, destination: bytes, inner: tuple[int, int, bool]) -> bool:
        size, number = len(destination), int.from_bytes(destination, "big")
        if any(octets == size and number & mask == network for octets, mask, network in self._networks):
            return True
        at, protocol, later = inner
        ports = self._protected
        if (destination, 0, 0) in ports or (destination, protocol, 0) in ports:
            return True
        if later or len(packet) < at + 4:
            return False
        port = int.from_bytes(packet[at + 2 : at + 4], "big")
        return (destination, protocol, port) in ports or (destination, 0, port) in ports

    def encapsulate(self, packet: bytes, now_ns: int) -> Outer | Buffered | Dropped:
        """An IP packet routed to a UE (UPF) or come from one (gNB); the hop is already counted."""
        try:
            return self._encapsulate(packet, now_ns)
        except Refused as refused:
            self.counts[refused.reason] += 1
            return Dropped(refused.reason)

    def _encapsulate(self, packet: bytes, now_ns: int) -> Outer | Buffered | Dropped:
        least = {4: 20, 6: 40}.get(version(packet))
        if least is None or len(packet) < least:
            raise Refused(Reason.MALFORMED)
        found = self._encap(ends(packet)[not self._gnb])
        if found is None:
            raise Refused(Reason.SPOOFED if self._gnb else Reason.UNKNOWN_UE)
        if not self._gnb and self._is_own(packet):
            raise Refused(Reason.LOOP)
        if len(packet) > self.mtu or whole(packet) != len(packet):
            raise Refused(Reason.TOO_BIG)
        rule, session = found
        flow: EncapRule | Flow = rule
        if rule.flows:
            flow = self._flow(rule.flows, traits(packet, check_inner(packet), uplink=self._gnb))
        if flow.action is Action.BUFFER:
            return self._buffer(packet, flow, session)
        return self._forward(packet, flow, session, now_ns)

    def _is_own(self, packet: bytes) -> bool:
        """GTP-U that we sent ourselves: a tunnel that leads to a UE of ours has no end (RFC 2003 §4.1)."""
        if packet[0] >> 4 != 4 or packet[12:16] != self._n3 or packet[9] != UDP:
            return False
        at = (packet[0] & 15) * 4
        later = packet[6] & 0x1F or packet[7]
        return bool(later) or packet[at + 2 : at + 4] == GTPU_PORT.to_bytes(2, "big")

    def _forward(self, packet: bytes, rule: EncapRule | Flow, session: Session, now_ns: int) -> Outer:
        if rule.action is Action.DROP or not int(rule.peer):
            raise Refused(Reason.RULE_DROP)
        qfi = rule.qfi
        if isinstance(rule, Flow):
            self._charge(session, rule, len(packet), now_ns, encap=True)
            qfi |= RQI if rule.reflective and not self._gnb else 0
        elif not session.encap_policer.conforms(len(packet), now_ns):
            raise Refused(Reason.POLICED)
        session.encap_packets += 1
        session.encap_octets += len(packet)
        header = gtpu_header(len(packet), rule.teid, qfi, 1 if self._gnb else 0)
        return Outer(header + packet, (str(rule.peer), GTPU_PORT), rule.tos)

    # -- buffer ------------------------------------------------------------------------------------------

    def _buffer(self, packet: bytes, rule: EncapRule | DecapRule | Flow, session: Session) -> Buffered:
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

    def _again(self, session: Session, packet: bytes, now_ns: int) -> Verdict:
        """A packet, frame or G-PDU that has waited."""
        if isinstance(packet, FromTunnel):
            return self.decapsulate(packet, now_ns)
        if session.rules.frames is None:
            return self.encapsulate(packet, now_ns)
        try:
            return self._to_session(session.rules.session, packet, now_ns)
        except Refused as refused:
            self._count(refused.reason)
            return Dropped(refused.reason)

    def _release(self, session: Session, now_ns: int) -> list[Outer]:
        """What waits and may go now, in order; what must not wait any longer is dropped."""
        waiting, session.waiting, out = session.waiting or [], None, list[Outer]()
        self.waiting -= len(waiting)
        for packet in waiting:
            verdict = self._again(session, packet, now_ns)
            if isinstance(verdict, Outer):
                out.append(verdict)
        return out
