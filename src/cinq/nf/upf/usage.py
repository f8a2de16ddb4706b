"""Usage of sessions measured by URRs, TS 29.244 §5.2.2: what was carried, and when it is reported.

The plane counts by session and by flow, which is a PDR; here that becomes volumes of URRs. Thresholds, quotas and
periods are looked at once a second, so a report comes and a quota closes at most so much later.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, field
from typing import TypeVar

import msgspec

from cinq.nf.upf.context import Pdr, SessionContext, Urr
from cinq.nf.upf.dataplane import DataPlane
from cinq.nf.upf.urr import PERIO, QUHTI, START, STOPT, TIMQU, TIMTH, VOLQU, VOLTH
from cinq.procedure.store import Store
from cinq.userplane.rules import Count, Usage
from cinq.wire import pfcp
from cinq.wire.pfcp import UsageReportTrigger

NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
METERS = "pfcp-meters"
LOOKS_EVERY_S = 1.0
SILENT_S = 30.0  # without a packet traffic has stopped; it starts again with the next (§5.4.3, of our choice)
NONE = Count()
BY_TRIGGER = (
    (VOLTH, UsageReportTrigger.VOLTH),
    (TIMTH, UsageReportTrigger.TIMTH),
    (VOLQU, UsageReportTrigger.VOLQU),
    (TIMQU, UsageReportTrigger.TIMQU),
    (PERIO, UsageReportTrigger.PERIO),
    (START, UsageReportTrigger.START),
    (STOPT, UsageReportTrigger.STOPT),
    (QUHTI, UsageReportTrigger.QUHTI),
)
"""Reporting Triggers (§8.2.19) and what a report says of them (§8.2.41)."""
R = TypeVar("R", pfcp.UsageReport, pfcp.UsageReportInModification, pfcp.UsageReportInDeletion)
Amounts = tuple[int | None, int | None, int | None]


@dataclass(slots=True)
class Meter:
    """One URR. uplink, downlink, since: from the last report on. used, used_since: from when the quota was given.

    sequence: of the next report. has_started: whether traffic was reported to have begun. last_seen: when the last was.
    is_over: the quota is used.
    """

    urr: Urr
    since: float
    used_since: float
    uplink: Count = NONE
    downlink: Count = NONE
    used: tuple[int, int] = (0, 0)
    sequence: int = 0
    has_started: bool = False
    last_seen: float = 0.0
    is_over: bool = False

    def add(self, count: Count, now: float, *, uplink: bool) -> None:
        self.last_seen = now
        if uplink:
            self.uplink += count
            self.used = self.used[0] + count.octets, self.used[1]
        else:
            self.downlink += count
            self.used = self.used[0], self.used[1] + count.octets

    def due(self, now: float) -> int:
        """The Reporting Triggers that are met, as flags. A quota is met once."""
        urr, elapsed, asked = self.urr, now - self.since, self.urr.triggers
        met = 0
        if asked & VOLTH and _reached(urr.volume_threshold, self.uplink.octets, self.downlink.octets):
            met |= VOLTH
        if asked & TIMTH and elapsed >= (urr.time_threshold or 0):
            met |= TIMTH
        if asked & PERIO and elapsed >= (urr.period or 1):
            met |= PERIO
        if asked & START and not self.has_started and (self.uplink.packets or self.downlink.packets):
            met |= START
        if asked & STOPT and self.last_seen > 0 and now - self.last_seen >= SILENT_S:
            met |= STOPT
        if asked & QUHTI and now - max(self.last_seen, self.used_since) >= (urr.holding or 0):
            met |= QUHTI
        if not self.is_over:
            if asked & VOLQU and _reached(urr.volume_quota, *self.used):
                met |= VOLQU
            if asked & TIMQU and now - self.used_since >= (urr.time_quota or 0):
                met |= TIMQU
        return met

    def report(self, kind: type[R], trigger: int, now: float) -> R:
        """What was carried since the last one; counting begins anew."""
        up, down = self.uplink, self.downlink
        of_traffic = not trigger & ~(UsageReportTrigger.START | UsageReportTrigger.STOPT)  # table 7.5.8.3-1
        volume = pfcp.VolumeMeasurement(
            up.octets + down.octets,
            up.octets,
            down.octets,
            up.packets + down.packets,
            up.packets,
            down.packets,
        )
        made = kind(
            urr_id=self.urr.urr_id,
            ur_seqn=self.sequence,
            usage_report_trigger=UsageReportTrigger(trigger),
            start_time=None if of_traffic else int(self.since) + NTP_EPOCH & 0xFFFFFFFF,
            end_time=None if of_traffic else int(now) + NTP_EPOCH & 0xFFFFFFFF,
            volume_measurement=volume if self.urr.counts_volume else None,
            duration_measurement=round(now - self.since) if self.urr.counts_time else None,
        )
        self.sequence = (self.sequence + 1) & 0xFFFFFFFF
        self.uplink = self.downlink = NONE
        self.since = now
        return made


def _reached(wanted: Amounts | None, uplink: int, downlink: int) -> bool:
    amounts = (uplink + downlink, uplink, downlink)
    return any(w is not None and got >= w for w, got in zip(wanted or (), amounts, strict=False))


@dataclass(slots=True)
class _Metered:
    """A session's meters, and what of the plane's counters they have been given."""

    session: SessionContext
    meters: dict[int, Meter] = field(default_factory=dict)
    total: Usage = Usage()
    flows: dict[int, Count] = field(default_factory=dict)


class _KeptMeter(msgspec.Struct, frozen=True, array_like=True):
    """A Meter beyond the process. uplink, downlink: packets and octets."""

    urr_id: int
    since: float
    used_since: float
    uplink: tuple[int, int]
    downlink: tuple[int, int]
    used: tuple[int, int]
    sequence: int
    has_started: bool
    last_seen: float
    is_over: bool


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """A session's. total: as Usage. flows: number, packets, octets."""

    total: tuple[int, int, int, int, int, int]
    flows: list[tuple[int, int, int]]
    meters: list[_KeptMeter]


class Meters:
    """Of all sessions that have URRs. now: the time in seconds.

    store: where meters outlive the process, as they were when something was last reported; what was carried since is in
    the plane's counters, where these outlive it too.
    """

    def __init__(self, plane: DataPlane, now: Callable[[], float], store: Store | None = None) -> None:
        self._plane, self._now, self._store = plane, now, store
        self._metered: dict[int, _Metered] = {}

    def __len__(self) -> int:
        return len(self._metered)

    def exhausted(self, seid: int, given: Iterable[int] = ()) -> frozenset[int]:
        """The URRs whose quota is used up. given: those that are given a new one."""
        found = self._metered.get(seid)
        if found is None:
            return frozenset()
        fresh = set(given)
        return frozenset(n for n, meter in found.meters.items() if meter.is_over and n not in fresh)

    def settle(self, seid: int) -> None:
        """The meters get what was carried meanwhile: each PDR's flow its own, the last PDR what no flow counted."""
        metered = self._metered.get(seid)
        if metered is None:
            return
        total, flows = self._plane.usage(seid), self._plane.flow_usage(seid)
        for uplink in (True, False):
            carried = _carried(total, uplink=uplink) - _carried(metered.total, uplink=uplink)
            pdrs = [pdr for pdr in metered.session.pdrs if pdr.is_uplink == uplink]
            for pdr in pdrs:
                own = flows.get(pdr.pdr_id, NONE) - metered.flows.get(pdr.pdr_id, NONE)
                if own.packets > 0:
                    carried -= own
                    self._give(metered, pdr, own)
            if carried.packets > 0 and pdrs:
                self._give(metered, max(pdrs, key=lambda pdr: pdr.precedence), carried)
        metered.total, metered.flows = total, flows

    def _give(self, metered: _Metered, pdr: Pdr, count: Count) -> None:
        now = self._now()
        for number in pdr.urr_ids:
            metered.meters[number].add(count, now, uplink=pdr.is_uplink)

    def follow(self, session: SessionContext, given: Iterable[int] = ()) -> list[Meter]:
        """The session has these URRs from now on. given: those with a new quota. Returns the meters that it lost."""
        metered = self._metered.get(session.seid)
        if metered is None:
            if not session.urrs:
                return []
            usage, flows = self._plane.usage(session.seid), self._plane.flow_usage(session.seid)
            metered = self._metered[session.seid] = _Metered(session, {}, usage, flows)
        now, before = self._now(), metered.meters
        metered.session = session
        metered.meters = {urr.urr_id: before.get(urr.urr_id) or Meter(urr, now, now) for urr in session.urrs}
        for urr in session.urrs:
            metered.meters[urr.urr_id].urr = urr
        for number in given:
            meter = metered.meters.get(number)
            if meter is not None:
                meter.used, meter.used_since, meter.is_over = (0, 0), now, False
        if not session.urrs:
            del self._metered[session.seid]
        self._keep(session.seid)
        return [meter for number, meter in before.items() if number not in metered.meters]

    def _keep(self, seid: int) -> None:
        """Beyond the process."""
        if self._store is None:
            return
        metered, key = self._metered.get(seid), f"{seid:016x}"
        if metered is None:
            self._store.delete(METERS, key)
            return
        flows = [(number, count.packets, count.octets) for number, count in metered.flows.items()]
        kept = _Kept(astuple(metered.total), flows, [_kept(meter) for meter in metered.meters.values()])
        self._store.put(METERS, key, msgspec.msgpack.encode(kept))

    def take_up(self, session: SessionContext) -> None:
        """As a former process left them. What cannot be read begins anew; so do counters that the plane began anew."""
        octets = None if self._store is None else self._store.get(METERS, f"{session.seid:016x}")
        if octets is not None and session.urrs:
            with contextlib.suppress(msgspec.DecodeError):
                self._metered[session.seid] = self._read(session, octets)
        self.follow(session)

    def _read(self, session: SessionContext, octets: bytes) -> _Metered:
        """msgspec.DecodeError."""
        kept, urrs = msgspec.msgpack.decode(octets, type=_Kept), {urr.urr_id: urr for urr in session.urrs}
        meters = {each.urr_id: _meter(urrs[each.urr_id], each) for each in kept.meters if each.urr_id in urrs}
        now, total = self._plane.usage(session.seid), Usage(*kept.total)
        if now.uplink_octets < total.uplink_octets or now.downlink_octets < total.downlink_octets:
            return _Metered(session, meters)
        return _Metered(session, meters, total, {n: Count(*counts) for n, *counts in kept.flows})

    def queried(self, seid: int, numbers: Iterable[int]) -> list[pfcp.UsageReportInModification]:
        """Immediate reports; KeyError for a URR that the session has not."""
        metered = self._metered.get(seid)
        wanted = list(numbers)
        if metered is None:
            if wanted:
                raise KeyError(wanted[0])
            return []
        kind, trigger = pfcp.UsageReportInModification, UsageReportTrigger.IMMER
        found = [metered.meters[number].report(kind, trigger, self._now()) for number in wanted]
        if found:
            self._keep(seid)
        return found

    def closed(self, meters: Iterable[Meter]) -> list[pfcp.UsageReportInModification]:
        """Last reports of URRs that were removed."""
        kind, trigger = pfcp.UsageReportInModification, UsageReportTrigger.TERMR
        return [meter.report(kind, trigger, self._now()) for meter in meters]

    def end(self, seid: int) -> list[pfcp.UsageReportInDeletion]:
        """Last reports of a session that ends; call it while the plane has it."""
        self.settle(seid)
        metered = self._metered.pop(seid, None)
        self._keep(seid)
        if metered is None:
            return []
        kind, trigger = pfcp.UsageReportInDeletion, UsageReportTrigger.TERMR
        return [meter.report(kind, trigger, self._now()) for meter in metered.meters.values()]

    def look(self) -> list[tuple[SessionContext, list[pfcp.UsageReport], bool]]:
        """Sessions with reports that are due, and whether a quota of theirs has just been used up."""
        found: list[tuple[SessionContext, list[pfcp.UsageReport], bool]] = []
        now = self._now()
        for seid, metered in list(self._metered.items()):
            if not any(meter.urr.triggers for meter in metered.meters.values()):
                continue
            self.settle(seid)
            reports, is_over = list[pfcp.UsageReport](), False
            for meter in metered.meters.values():
                met = meter.due(now)
                if met:
                    said = sum(flag for trigger, flag in BY_TRIGGER if met & trigger)
                    reports.append(meter.report(pfcp.UsageReport, said, now))
                    meter.has_started = (meter.has_started or bool(met & START)) and not met & STOPT
                    meter.last_seen = 0.0 if met & STOPT else meter.last_seen
                    meter.is_over = meter.is_over or bool(met & (VOLQU | TIMQU))
                    is_over = is_over or bool(met & (VOLQU | TIMQU))
                    if met & QUHTI:  # once
                        meter.used_since = now
            if reports:
                self._keep(seid)
                found.append((metered.session, reports, is_over))
        return found


def _kept(m: Meter) -> _KeptMeter:
    up, down = (m.uplink.packets, m.uplink.octets), (m.downlink.packets, m.downlink.octets)
    state = m.sequence, m.has_started, m.last_seen, m.is_over
    return _KeptMeter(m.urr.urr_id, m.since, m.used_since, up, down, m.used, *state)


def _meter(urr: Urr, k: _KeptMeter) -> Meter:
    up, down = Count(*k.uplink), Count(*k.downlink)
    state = k.sequence, k.has_started, k.last_seen, k.is_over
    return Meter(urr, k.since, k.used_since, up, down, k.used, *state)


def _carried(usage: Usage, *, uplink: bool) -> Count:
    if uplink:
        return Count(usage.uplink_packets, usage.uplink_octets)
    return Count(usage.downlink_packets, usage.downlink_octets)
