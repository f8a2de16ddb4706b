"""Who owns which TEID and which UE address of a tunnel end, and what it can hold: the same for model and planes."""

from __future__ import annotations

from dataclasses import dataclass, field

from cinq.userplane.flows import MOST_FILTERS, MOST_FLOWS, MOST_LIMITS, Flow
from cinq.userplane.inner import key_of
from cinq.userplane.routes import Behind
from cinq.userplane.rules import MOST_PEERS, AddressInUse, NoRoom, RuleError, SessionRules, TeidInUse


@dataclass(slots=True)
class Registry:
    """ues: by the keys of their addresses."""

    sessions: dict[int, SessionRules] = field(default_factory=dict)
    teids: dict[int, int] = field(default_factory=dict)
    ues: dict[int, int] = field(default_factory=dict)
    behind: Behind = field(default_factory=Behind)

    def admit(self, rules: SessionRules, limit: int) -> None:
        """RuleError when another session owns a key of the rules, or a new session finds no room."""
        for decap in rules.decap:
            if self.teids.get(decap.teid, rules.session) != rules.session:
                raise TeidInUse(f"TEID {decap.teid:#010x} belongs to another session")
            if len(decap.peers) > MOST_PEERS:
                raise NoRoom(f"{len(decap.peers)} far ends of one tunnel, at most {MOST_PEERS}")
        for encap in rules.encap:
            if self.ues.get(encap.key, rules.session) != rules.session:
                raise AddressInUse(f"UE address {encap.ue} belongs to another session")
        self.behind.admit(rules)
        if rules.session not in self.sessions and len(self.sessions) >= limit:
            raise NoRoom(f"{limit} sessions are the most this plane takes")
        for flows in rules.told_apart:
            _check_flows(flows, {limit.number for limit in rules.limits})

    def ue_at(self, address: bytes) -> int | None:
        """The key of the UE that has the address (4 or 16 octets), or that it is behind."""
        key = key_of(address)
        return key if key in self.ues else self.behind.find(address)

    def replace(self, rules: SessionRules) -> None:
        """Records the rules instead of those that the session had."""
        session = rules.session
        self.forget(session)
        self.sessions[session] = rules
        for decap in rules.decap:
            self.teids[decap.teid] = session
        for encap in rules.encap:
            self.ues[encap.key] = session
        self.behind.add(rules)

    def forget(self, session: int) -> None:
        before = self.sessions.pop(session, None)
        if before is None:
            return
        for decap in before.decap:
            self.teids.pop(decap.teid, None)
        for encap in before.encap:
            self.ues.pop(encap.key, None)
        self.behind.remove(before)


def _check_flows(flows: tuple[Flow, ...], limits: set[int]) -> None:
    """What the tables of a plane hold of one tunnel end."""
    filters = sum(max(len(flow.filters), 1) for flow in flows)
    if len(flows) > MOST_FLOWS or filters > MOST_FILTERS:
        most = f"{MOST_FLOWS} flows with {MOST_FILTERS} filters"
        raise NoRoom(f"{len(flows)} flows with {filters} filters; {most} are the most of one tunnel end")
    for flow in flows:
        if len(flow.limits) > MOST_LIMITS or not limits.issuperset(flow.limits):
            raise RuleError(f"flow {flow.number} has limits {flow.limits}, the session {sorted(limits)}")
