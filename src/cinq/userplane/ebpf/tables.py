"""The sessions' entries in the kernel's tables: who has which slot, what is written, what goes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cinq.userplane.ebpf import maps as layout
from cinq.userplane.ebpf import taken_up
from cinq.userplane.ebpf.syscall import Map
from cinq.userplane.routes import routes_of
from cinq.userplane.rules import (
    Ambr,
    Count,
    DecapRule,
    Flow,
    Limit,
    NoRoom,
    PlaneSettings,
    Role,
    SessionRules,
    Usage,
)

NO_LIMIT = Ambr()
SLOTS = 2
"""Counters and policers for each session that a plane may have: one, and as many for flows and their limits."""


@dataclass(slots=True)
class _More:
    """What only a session with flows has: slots of counters and limits by number, chains by what they hold."""

    flows: dict[int, int] = field(default_factory=dict)
    limits: dict[Limit, int] = field(default_factory=dict)
    chains: dict[tuple[Flow, ...], int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.flows or self.limits or self.chains)


class Tables:
    """port: interface index and flags of a UE's interface by its name (a gNB; "" is the first). towards: which far ends
    are reached by N9's interface."""

    def __init__(
        self,
        settings: PlaneSettings,
        maps: Mapping[str, Map],
        port: Callable[[str], tuple[int, int]],
        towards: layout.Towards,
    ) -> None:
        self._settings, self._maps, self._port, self._towards = settings, maps, port, towards
        self._gnb = settings.role is Role.GNB
        self._slots: dict[int, int] = {}
        self._more: dict[int, _More] = {}
        self._free: list[int] = []  # slots given back; those never used follow
        self._unused = iter(range(SLOTS * settings.max_sessions))
        self._chains = iter(range(1, 1 << 32))
        self._leaving: Callable[[], None] | None = None

    def take_up(self, sessions: list[SessionRules]) -> list[SessionRules]:
        """Tables of a former process: what they say of these sessions goes on, the rest of them goes.

        Returns the sessions that are not there as their rules want it.
        """
        found = {rules.session: taken_up.held(rules, self._maps, self._towards) for rules in sessions}
        used: set[int] = set()
        for session, held in found.items():
            if held is None:
                continue
            self._slots[session] = held.slot
            if held.chains:
                self._more[session] = _More(held.flows, held.limits, held.chains)
            used |= {held.slot, *held.flows.values(), *held.limits.values()}
        first_unused = max(used, default=-1) + 1
        self._free = [slot for slot in range(first_unused) if slot not in used]
        self._unused = iter(range(first_unused, SLOTS * self._settings.max_sessions))
        self._sweep([rules for rules in sessions if found[rules.session] is not None])
        return [rules for rules in sessions if found[rules.session] is None]

    def _sweep(self, sessions: list[SessionRules]) -> None:
        """Entries that are nobody's go, and packets that waited in the former process wait no more."""
        chains = {n for more in self._more.values() for n in more.chains.values()}
        wanted = {
            "decaps": {layout.decap_key(decap.teid) for rules in sessions for decap in rules.decap},
            "encaps": set[bytes](),
            "encaps6": set[bytes](),
            "routes": set[bytes](),
            "routes6": set[bytes](),
            "chains": {layout.INDEX.pack(number) for number in chains},
        }
        for rules in sessions:
            for encap in rules.encap:
                table, key = layout.encap_key(encap)
                wanted[table].add(key)
                for route in encap.routes:
                    table, key, _ = layout.route_entry(route, encap)
                    wanted[table].add(key)
            if rules.waits:
                self.switch(rules)
        for table, keys in wanted.items():
            for key in self._maps[table].every_key():
                if key not in keys:
                    self._forget(table, key)
        self._chains = iter(range(max(chains, default=0) + 1, 1 << 32))

    @staticmethod
    def sizes(settings: PlaneSettings) -> dict[str, int]:
        """Entries of each table."""
        sessions = settings.max_sessions
        slots = {"policers": SLOTS * sessions, "usages": SLOTS * sessions}
        return slots | {
            "decaps": 2 * sessions,
            "encaps": 2 * sessions,
            "encaps6": sessions,
            "routes": 2 * sessions,
            "routes6": 2 * sessions,
            "chains": 2 * sessions,
        }

    # -- rules -------------------------------------------------------------------------------------------

    def stage(self, rules: SessionRules, before: SessionRules) -> None:
        """New entries first. Where packets wait, those of the downlink stay until `switch`; `leave` ends it.

        NoRoom: nothing has changed.
        """
        session = rules.session
        is_new = session not in self._slots
        if is_new:
            self._slots[session] = self._take_slot(rules.ambr)
        old = self._more.get(session, _More())
        more = _More()
        try:
            self._prepare(rules, old, more)
            self._more[session] = more
            self._write(rules, before)
        except (OSError, NoRoom) as refused:
            self._more[session] = old
            self._restore(rules, before, old, more)
            raise NoRoom(f"the kernel's tables are full: {refused}") from refused
        if not is_new and rules.ambr != before.ambr:
            self._police(self._slots[session], rules.ambr)
        if more.is_empty:
            del self._more[session]
        self._leaving = lambda: self._leave(rules, before, old, more)

    def _prepare(self, rules: SessionRules, old: _More, more: _More) -> None:
        """Slots and chains that the rules need besides those that are there; no packet finds them yet."""
        apart = rules.told_apart
        if not apart:
            return
        for limit in rules.limits:
            known = old.limits.get(limit)
            more.limits[limit] = self._take_slot(limit) if known is None else known
        for number in rules.flows:
            known = old.flows.get(number)
            more.flows[number] = self._take_slot(NO_LIMIT) if known is None else known
        numbers = {limit.number: slot for limit, slot in more.limits.items()}
        for flows in apart:
            if flows in old.chains and old.limits == more.limits:
                more.chains[flows] = old.chains[flows]
                continue
            number = next(self._chains)
            more.chains[flows] = number
            value = layout.chain_value(flows, more.flows, numbers, self._towards)
            self._maps["chains"][layout.INDEX.pack(number)] = value

    def _write(self, rules: SessionRules, before: SessionRules) -> None:
        slot, chains = self._slots[rules.session], self._more[rules.session].chains
        moved = chains != {} or before.told_apart != []
        held = {rule.teid for rule in before.decap if rule.waits}
        for decap in rules.decap:
            # a gNB's first interface may have come meanwhile
            if (moved or self._gnb or decap not in before.decap) and decap.teid not in held:
                self._write_decap(decap, slot, chains)
        waiting = {rule.key for rule in before.encap if rule.waits}
        for encap in rules.encap:
            if (moved or encap not in before.encap) and encap.key not in waiting:
                value = layout.encap_value(encap, slot, chains.get(encap.flows, 0), self._towards)
                table, key = layout.encap_key(encap)
                self._maps[table][key] = value
            for route in encap.routes:
                table, key, value = layout.route_entry(route, encap)
                self._maps[table][key] = value

    def _write_decap(self, decap: DecapRule, slot: int, chains: Mapping[tuple[Flow, ...], int]) -> None:
        chain = chains.get(decap.flows, 0)
        value = layout.decap_value(decap, slot, chain, *self._port(decap.side), self._towards)
        self._maps["decaps"][layout.decap_key(decap.teid)] = value

    def switch(self, rules: SessionRules) -> None:
        """The downlink entries that `stage` left as they were."""
        more, slot = self._more.get(rules.session, _More()), self._slots[rules.session]
        for decap in rules.decap:
            if decap.to_ue:
                self._write_decap(decap, slot, more.chains)
        for encap in rules.encap:
            value = layout.encap_value(encap, slot, more.chains.get(encap.flows, 0), self._towards)
            table, key = layout.encap_key(encap)
            self._maps[table][key] = value

    def leave(self) -> None:
        """What the staged rules do not have any more goes."""
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            leaving()

    def _leave(self, rules: SessionRules, before: SessionRules, old: _More, more: _More) -> None:
        self._delete(before, rules)
        self._give_back(old, more)

    def _give_back(self, gone: _More, kept: _More) -> None:
        """Slots and chains of the one that the other has not."""
        if gone.is_empty:
            return
        for number in set(gone.chains.values()) - set(kept.chains.values()):
            self._forget("chains", layout.INDEX.pack(number))
        self._free += set(gone.flows.values()) - set(kept.flows.values())
        self._free += set(gone.limits.values()) - set(kept.limits.values())

    def _restore(self, failed: SessionRules, before: SessionRules, old: _More, more: _More) -> None:
        """Back to what was, after a table was found full."""
        self._delete(failed, before)
        with contextlib.suppress(OSError):
            self._write(before, SessionRules(before.session))
        self._give_back(more, old)
        if old.is_empty:
            del self._more[before.session]
        if not (before.decap or before.encap):
            self._free.append(self._slots.pop(before.session))

    def _delete(self, old: SessionRules, keep: SessionRules) -> None:
        if old.decap != keep.decap:
            teids = {rule.teid for rule in keep.decap}
            for decap in old.decap:
                if decap.teid not in teids:
                    self._forget("decaps", layout.decap_key(decap.teid))
        if old.encap != keep.encap:
            ues = {rule.key for rule in keep.encap}
            routes = routes_of(keep)
            for encap in old.encap:
                if encap.key not in ues:
                    self._forget(*layout.encap_key(encap))
                for route in encap.routes:
                    if route not in routes:
                        self._forget(*layout.route_entry(route, encap)[:2])

    def _forget(self, table: str, key: bytes) -> None:
        with contextlib.suppress(KeyError):
            del self._maps[table][key]

    def remove(self, rules: SessionRules) -> None:
        self._delete(rules, SessionRules(rules.session))
        self._give_back(self._more.pop(rules.session, _More()), _More())
        self._free.append(self._slots.pop(rules.session))

    # -- slots -------------------------------------------------------------------------------------------

    def _take_slot(self, rates: Ambr | Limit) -> int:
        """One that was given back holds what it last did; one that nobody had is zero. NoRoom."""
        used = bool(self._free)
        slot = self._free.pop() if used else next(self._unused, None)
        if slot is None:
            raise NoRoom("all counters are taken")
        if used:
            self._maps["usages"][layout.INDEX.pack(slot)] = bytes(layout.USAGE.size)
        if used or rates.uplink or rates.downlink:
            self._police(slot, rates)
        return slot

    def _police(self, slot: int, rates: Ambr | Limit) -> None:
        pair = rates.uplink, rates.downlink
        decap, encap = reversed(pair) if self._gnb else pair
        value = layout.policer_value(decap, encap, self._settings.bucket_ms * 1_000_000)
        self._maps["policers"][layout.INDEX.pack(slot)] = value

    # -- counters ----------------------------------------------------------------------------------------

    def usage(self, session: int) -> Usage:
        slot = self._slots.get(session)
        if slot is None:
            return Usage()
        d_octets, d_packets, e_octets, e_packets = self._counted(slot)
        drops = [0, 0]
        for each in (slot, *self._more.get(session, _More()).limits.values()):
            decap_drops, encap_drops = layout.POLICER.unpack(self._maps["policers"][layout.INDEX.pack(each)])[
                5:
            ]
            drops[0] += decap_drops
            drops[1] += encap_drops
        decap, encap = (d_packets, d_octets), (e_packets, e_octets)
        return Usage(*encap, *decap, *reversed(drops)) if self._gnb else Usage(*decap, *encap, *drops)

    def flow_usage(self, session: int) -> dict[int, Count]:
        found: dict[int, Count] = {}
        for number, slot in self._more.get(session, _More()).flows.items():
            d_octets, d_packets, e_octets, e_packets = self._counted(slot)
            found[number] = Count(d_packets + e_packets, d_octets + e_octets)
        return found

    def _counted(self, slot: int) -> list[int]:
        cpus = [layout.USAGE.unpack(value) for value in self._maps["usages"].each(layout.INDEX.pack(slot))]
        return [sum(column) for column in zip(*cpus, strict=True)]
