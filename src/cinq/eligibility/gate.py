"""What the doors of a network do about policies: NG Setup, the NRF, PFCP associations, terminals by way of the 5G-EIR.

Each door asks the gate about who comes, and is told whether to let it in. The verdict is the engine's, the day's; what
follows is by the mode that the operator has set for the door, and two approvers have signed for where it keeps
anybody out:

    audit   let in; the trace has what would be refused
    alarm   let in; the log and `cinq explain` have it too
    refuse  not let in; who is there when a rule begins to hold is drained first, then let go
    drain   who is there stays for what it has, and gets nothing more; who comes is let in for emergency services alone

Emergency services are never blocked, by no mode.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from ipaddress import IPv4Address
from typing import Literal

from cinq.eligibility.documents import Stock
from cinq.eligibility.engine import Decision, Document, Observation, Signal, decide_one, strictest
from cinq.eligibility.inventory import Element, Gnb, NetworkFunction, PfcpPeer, Terminal
from cinq.numbering import GnbId
from cinq.procedure import Clock, Event, Journal, Why
from cinq.settings.eligibility import Mode, Point

log = logging.getLogger("cinq.eligibility")

Seen = tuple[Signal, str, str]
Action = Literal["admit", "drain", "refuse"]
REMEMBERED = 4096  # rulings of a day, and what was told of them
MEND = (
    "cinq policy dry-run says why; other equipment, a right inventory, or an exception in the policy that two "
    "approvers sign"
)
NAMES: Mapping[Point, str] = {
    "ng_setup": "gNB",
    "nrf_registration": "NF instance",
    "pfcp_association": "PFCP peer",
    "terminal": "terminal",
}

PROCEDURES: Mapping[str, str] = {
    "AMF": "NG Setup",
    "NRF": "registration of a network function",
    "UPF": "association on N4",
    "SMF": "association on N4",
}
"""What a network function does where it asks."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether somebody is let in. why: which rule of which law, where there is anything to say."""

    action: Action
    why: Why | None = None
    decision: Decision | None = None
    mode: Mode = "audit"

    @property
    def refuses(self) -> bool:
        return self.action == "refuse"

    @property
    def drains(self) -> bool:
        return self.action == "drain"

    @property
    def of_one_there(self) -> Ruling:
        """Of somebody who is let in already: where it is refused by now it is drained first."""
        return replace(self, action="drain") if self.refuses else self

    @property
    def reason(self) -> Why:
        return self.why or Why("no rule keeps it out")


ADMIT = Ruling("admit")


class Gate:
    """today: the civil day where the network is. own: NF instances and N4 addresses of this core itself, which nobody
    asks about. observed: what the operator has seen of equipment, beside what the doors see."""

    def __init__(
        self,
        documents: Sequence[Document],
        stock: Stock,
        modes: Mapping[Point, Mode],
        today: Callable[[], date],
        own: frozenset[str] = frozenset(),
        observed: Sequence[Observation] = (),
    ) -> None:
        self._own, self._today = own, today
        self._looked: date | None = None
        self._hold(documents, stock, modes, observed)

    def _hold(
        self,
        documents: Sequence[Document],
        stock: Stock,
        modes: Mapping[Point, Mode],
        observed: Sequence[Observation],
    ) -> None:
        self._documents, self._stock, self._modes = tuple(documents), stock, modes
        self._given = tuple(observed)
        self._day: date | None = None
        self._rulings: dict[tuple[str, ...], Ruling] = {}
        self._told: set[tuple[str, ...]] = set()
        self._models: dict[str, Terminal | None] = {}
        self._observed: dict[str, list[Observation]] = {}
        for one in observed:
            self._observed.setdefault(one.element, []).append(one)
        inventory = stock.inventory
        self._known: dict[tuple[Point, str], Element] = {
            **{("ng_setup", one.key): one for one in inventory.gnb},
            **{("nrf_registration", one.key): one for one in inventory.nf},
            **{("pfcp_association", one.key): one for one in inventory.pfcp_peer},
        }

    def take(self, other: Gate) -> None:
        """From now on it goes by the policies, the inventory and the modes of the other. Doors keep their gate."""
        self._hold(other._documents, other._stock, other._modes, other._given)

    @property
    def is_open(self) -> bool:
        """There is no policy: nobody need ask."""
        return not self._documents

    def day_has_come(self) -> date | None:
        """Another day than when this was asked last; None the first time, and on the same day."""
        if self.is_open:
            return None
        today, before = self._today(), self._looked
        self._looked = today
        return today if before not in (None, today) else None

    # the doors

    def gnb(self, identity: GnbId) -> Ruling:
        """At NG Setup. Its name counts for nothing: whoever sends a setup chooses it."""
        if self.is_open:
            return ADMIT
        key = str(identity)
        unknown = Gnb(name=f"gNB {key}", identity=key)
        return self._ruling("ng_setup", self._known.get(("ng_setup", key), unknown), key)

    def function(self, instance: str, vendor_id: str | None) -> Ruling:
        """At the NRF. vendor_id: vendorId of the profile, six digits (TS 29.510 §6.1.6.2.2)."""
        key = instance.lower()
        if self.is_open or (key in self._own and vendor_id is None):
            return ADMIT
        unknown = NetworkFunction(name=f"NF {key}", instance=key)
        element = self._known.get(("nrf_registration", key), unknown)
        return self._ruling("nrf_registration", element, key, ("pen", vendor_id or "", "NF profile"))

    def peer(self, address: str) -> Ruling:
        """At a PFCP association."""
        if self.is_open or address in self._own:
            return ADMIT
        element = self._known.get(("pfcp_association", address))
        if element is None:
            element = PfcpPeer(name=f"PFCP peer {address}", address=IPv4Address(address))
        return self._ruling("pfcp_association", element, address)

    def terminal(self, code: str) -> Ruling:
        """code: type allocation code, eight digits. What is not known is let in without a word: most phones are not."""
        if self.is_open:
            return ADMIT
        model = self._model(code)
        element = model or Terminal(name=f"terminals {code}", type_allocation_codes=code)
        ruling = self._ruling("terminal", element, code, ("type_allocation_code", code, "PEI"))
        decision = ruling.decision
        unknown = model is None and decision is not None and decision.rule is None
        return ADMIT if unknown else ruling

    def _model(self, code: str) -> Terminal | None:
        if code not in self._models:
            if len(self._models) >= REMEMBERED:
                self._models.clear()
            known = (one for one in self._stock.inventory.terminal if one.covers(code))
            self._models[code] = next(known, None)
        return self._models[code]

    def _ruling(self, point: Point, element: Element, key: str, *observed: Seen) -> Ruling:
        today = self._today()
        if today != self._day:
            self._day = today
            self._rulings.clear()
            self._told.clear()
        cached = (point, key, *(value for _, value, _ in observed))
        found = self._rulings.get(cached)
        if found is None:
            if len(self._rulings) >= REMEMBERED:
                self._rulings.clear()
            found = self._rulings[cached] = self._ruled(point, element, key, observed, today)
        return found

    def _ruled(
        self, point: Point, element: Element, key: str, observed: Sequence[Seen], today: date
    ) -> Ruling:
        seen = self._observed.get(element.name, []) + [
            Observation(element.name, signal, value, source) for signal, value, source in observed if value
        ]
        sbom = self._stock.sboms.get(element.name)
        decision = strictest(
            decide_one(document, element, seen, sbom, today, "operate") for document in self._documents
        )
        mode = self._modes.get(point, "audit")
        if decision.verdict == "allow":
            return Ruling("admit", None, decision, mode)
        who = f"{NAMES[point]} {key}" + ("" if key in element.name else f" ({element.name})")
        why = Why(f"{who}: {said(decision)}", MEND)
        strict: Action = "refuse" if mode == "refuse" else "drain" if mode == "drain" else "admit"
        return Ruling(strict if decision.blocks else "admit", why, decision, mode)

    # what is told of it

    def tell(self, ruling: Ruling, nf: str, subject: str, journal: Journal, clock: Clock) -> None:
        """To the trace; from alarm on to the log and `cinq explain`. Once a day for each reason: who is refused comes
        again. What a door refuses in the procedure of a UE or a gNB, that tells by itself."""
        why, decision = ruling.why, ruling.decision
        if why is None or decision is None:
            return
        key = (nf, subject, str(why), ruling.action)
        if key in self._told:
            return
        if len(self._told) >= REMEMBERED:
            self._told.clear()
        self._told.add(key)
        kept_out = {"refuse": "refused", "drain": "drained"}.get(ruling.action, "let in")
        would = "; it would be refused" if decision.blocks and ruling.action == "admit" else ""
        text = f"eligibility: {kept_out}: {why}{would}"
        if ruling.mode != "audit" and ruling.action == "admit":
            log.warning("%s", text)
        cause = (
            text if ruling.mode == "audit" else Why(f"refused: {why}" if ruling.refuses else text, why.mend)
        )
        if journal.heeding:
            journal.emit(Event(clock.now(), nf, subject, PROCEDURES.get(nf, ""), "none", "", "", cause))


OPEN = Gate((), Stock(), {}, date.today)
"""Without a policy: everybody is let in."""


def said(decision: Decision) -> str:
    """'denied by rule ca-2022/5g-removed (citation; policy-statement, in force), from 2024-06-28 on: why'."""
    rule, law = decision.rule, decision.law
    if rule is None or law is None:
        return f"{decision.verdict} by policy {decision.policy}: {decision.why}"
    clause = f", {rule.clause}" if rule.clause else ""
    verb = {"deny": "denied", "conflict": "in conflict, and asked about"}.get(
        decision.verdict, "to be reviewed"
    )
    status = f"{law.nature}, {law.status.replace('-', ' ')}"
    return (
        f"{verb} by rule {decision.policy}/{rule.id} ({law.citation}{clause}; {status}), "
        f"from {rule.effective} on: {decision.why}"
    )
