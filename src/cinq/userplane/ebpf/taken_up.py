"""Tables of a former process that go on: who has which slot is read from the entries themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cinq.userplane.ebpf import maps as layout
from cinq.userplane.ebpf.syscall import Map
from cinq.userplane.flows import MOST_LIMITS, Flow, Limit
from cinq.userplane.rules import SessionRules

CHAIN_HEAD = 8


@dataclass(slots=True)
class Held:
    """What the entries of a session say: slots by number, chains by what they hold."""

    slot: int
    flows: dict[int, int] = field(default_factory=dict)
    limits: dict[Limit, int] = field(default_factory=dict)
    chains: dict[tuple[Flow, ...], int] = field(default_factory=dict)


class _Differs(Exception):
    """The entries are not those of these rules."""


def held(rules: SessionRules, maps: Mapping[str, Map], towards: layout.Towards) -> Held | None:
    """None where the tables do not say exactly what the rules want; frames are switched by the process."""
    if rules.link or rules.frames is not None:
        return None
    try:
        return _Reader(rules, maps, towards).held()
    except (_Differs, KeyError):
        return None


class _Reader:
    def __init__(self, rules: SessionRules, maps: Mapping[str, Map], towards: layout.Towards) -> None:
        self._rules, self._maps, self._towards = rules, maps, towards
        self._held = Held(-1)

    def held(self) -> Held:
        for decap in self._rules.decap:
            found = self._maps["decaps"][layout.decap_key(decap.teid)]
            slot, chain = int.from_bytes(found[:4], "little"), int.from_bytes(found[12:16], "little")
            self._of(slot, chain, decap.flows)
            at = layout.DECAP_PUNTED  # what waits is counted by the kernel
            wanted = layout.decap_value(decap, slot, chain, 0, 0, self._towards)
            if found[:at] + bytes(4) + found[at + 4 :] != wanted:
                raise _Differs
        for encap in self._rules.encap:
            table, key = layout.encap_key(encap)
            found = self._maps[table][key]
            slot, chain = int.from_bytes(found[:4], "little"), int.from_bytes(found[4:8], "little")
            self._of(slot, chain, encap.flows)
            wanted = layout.encap_value(encap, slot, chain, self._towards)
            if found[:8] + bytes(4) + found[12:] != wanted:
                raise _Differs
            for route in encap.routes:
                table, key, value = layout.route_entry(route, encap)
                if self._maps[table][key] != value:
                    raise _Differs
        if self._held.slot < 0:
            raise _Differs
        return self._held

    def _of(self, slot: int, chain: int, flows: tuple[Flow, ...]) -> None:
        """All entries of a session have its slot."""
        if self._held.slot not in (-1, slot) or bool(chain) != bool(flows):
            raise _Differs
        self._held.slot = slot
        if flows and flows not in self._held.chains:
            self._chain(chain, flows)

    def _chain(self, number: int, flows: tuple[Flow, ...]) -> None:
        held, found = self._held, self._maps["chains"][layout.INDEX.pack(number)]
        limits = {limit.number: limit for limit in self._rules.limits}
        for index, flow in enumerate(flows):
            at = CHAIN_HEAD + index * layout.FLOW.size
            _, slot, *named = layout.FLOW.unpack(found[at : at + layout.FLOW.size])[: 2 + MOST_LIMITS]
            held.flows[flow.number] = slot
            for each, one_more in zip(flow.limits, named, strict=False):
                held.limits[limits[each]] = one_more - 1
        numbers = {limit.number: slot for limit, slot in held.limits.items()}
        if found != layout.chain_value(flows, held.flows, numbers, self._towards):
            raise _Differs
        held.chains[flows] = number
