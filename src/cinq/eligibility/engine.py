"""What policies say of equipment: a pure function of policy, inventory, observations, bills of materials, day, stage.

It says nothing of how good the equipment is: that is assurance, another question with other evidence. And it decides
nothing: a verdict is what the words of the policy come to, with the rule, its citation and a digest of what was looked
at; what follows is for people, or for what they have set (cinq.eligibility.gate).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import Literal, get_args

from cinq.attest import Plain, canonical
from cinq.eligibility.inventory import KINDS, Element, Inventory, NetworkFunction, Terminal
from cinq.eligibility.sbom import Sbom
from cinq.eligibility.vocabulary import Effect, Exempt, Kind, Law, Policy, Rule, Stage, Subject, folded

Verdict = Literal["allow", "review", "conflict", "deny"]
Signal = Literal["vendor", "pen", "certificate_root", "software", "serial", "type_allocation_code"]
SIGNALS: tuple[Signal, ...] = get_args(Signal)


class Severity(IntEnum):
    ALLOW, REVIEW, CONFLICT, DENY = range(4)


SEVERITY: Mapping[Verdict, Severity] = {
    "allow": Severity.ALLOW,
    "review": Severity.REVIEW,
    "conflict": Severity.CONFLICT,
    "deny": Severity.DENY,
}


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a piece of equipment, as other than its operator says it. element: its name in the inventory.

    signal: which property; value: as seen. source: where: "NF profile", "certificate of enrolment".
    """

    element: str
    signal: Signal
    value: str
    source: str = ""


@dataclass(frozen=True)
class Document:
    """A policy with what its operator's files add. digest: SHA-256 of the policy file and of what those files list.

    affiliates, codes: by the id of a subject; codes as in the vocabulary.
    """

    policy: Policy
    digest: str
    affiliates: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, tuple[str, ...]]

    @cached_property
    def _names(self) -> dict[str, set[str]]:
        return {
            one.id: {folded(name) for name in (*one.names, *one.aliases, *self.affiliates.get(one.id, ()))}
            for one in self.policy.subject
        }

    @cached_property
    def _suppliers(self) -> dict[str, set[str]]:
        return {
            one.id: self._names[one.id] | {folded(name) for name in one.sbom_suppliers}
            for one in self.policy.subject
        }

    @cached_property
    def _ranges(self) -> dict[str, tuple[list[str], list[str]]]:
        """Of each subject, apart from each other: where they begin, and where they end."""
        return {
            one.id: _apart((*one.type_allocation_codes, *self.codes.get(one.id, ())))
            for one in self.policy.subject
        }

    def named(self, name: str) -> frozenset[str]:
        """The subjects that have this name."""
        plain = folded(name)
        return frozenset(one for one, names in self._names.items() if plain and plain in names)

    def supplying(self, name: str) -> frozenset[str]:
        plain = folded(name)
        return frozenset(one for one, names in self._suppliers.items() if plain and plain in names)

    def coded(self, codes: str) -> frozenset[str]:
        """Those of a type allocation code, or of any in a range of them."""
        first, _, last = codes.partition("-")
        found = set()
        for one, (lows, highs) in self._ranges.items():
            at = bisect_right(lows, last or first) - 1
            if at >= 0 and highs[at] >= first:
                found.add(one)
        return frozenset(found)

    def seen(self, signal: Signal, value: str) -> frozenset[str]:
        """Those whom an observation points to."""
        match signal:
            case "vendor":
                return self.named(value)
            case "pen":
                return self._with(lambda one: value.isascii() and value.isdigit() and int(value) in one.pens)
            case "certificate_root":
                return self._with(lambda one: value in one.certificate_roots)
            case "type_allocation_code":
                return self.coded(value)
        return frozenset()

    def _with(self, has: Callable[[Subject], bool]) -> frozenset[str]:
        return frozenset(one.id for one in self.policy.subject if has(one))


def _apart(codes: Iterable[str]) -> tuple[list[str], list[str]]:
    """Ranges that overlap become one."""
    lows: list[str] = []
    highs: list[str] = []
    for low, high in sorted((low, high or low) for low, _, high in (text.partition("-") for text in codes)):
        if highs and low <= highs[-1]:
            highs[-1] = max(highs[-1], high)
        else:
            lows.append(low)
            highs.append(high)
    return lows, highs


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that is about a piece of equipment. applies: what it comes to on the day.

    asks: what the rule itself says. why: whom it met and by what; what keeps it from applying.
    """

    rule: Rule
    law: Law
    applies: Verdict
    why: str
    exempt: Exempt | None = None

    @property
    def asks(self) -> Effect:
        return self.rule.effect


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy comes to for one piece of equipment on one day.

    rule, law: those that it stands on; None where none does. why: for a person. findings: every rule that is about it,
    also those that are only proposed, or hold later. blocks: whether the policy has it kept out.
    evidence: SHA-256 over all that was looked at.
    """

    policy: str
    element: str
    kind: Kind
    verdict: Verdict
    rule: Rule | None
    law: Law | None
    why: str
    evidence: str
    findings: tuple[Finding, ...]
    blocks: bool


def decide(
    document: Document,
    inventory: Inventory,
    observations: Iterable[Observation],
    sboms: Mapping[str, Sbom],
    day: date,
    stage: Stage,
) -> tuple[Decision, ...]:
    """One decision for each element of the inventory, in the order of names. sboms: by the element's name."""
    seen: dict[str, list[Observation]] = {}
    for observation in observations:
        seen.setdefault(observation.element, []).append(observation)
    return tuple(
        decide_one(document, element, seen.get(element.name, ()), sboms.get(element.name), day, stage)
        for element in sorted(inventory.elements, key=lambda one: one.name)
    )


def decide_one(
    document: Document,
    element: Element,
    observations: Sequence[Observation],
    sbom: Sbom | None,
    day: date,
    stage: Stage,
) -> Decision:
    """observations: of this element."""
    ordered = sorted(set(observations), key=lambda o: (o.signal, o.value, o.source))
    makers = _makers(document, element, ordered)
    contradictions = list(_contradictions(document, element, ordered))
    findings = tuple(
        sorted(
            _findings(document, element, makers, sbom, day, stage),
            key=lambda f: (-SEVERITY[f.applies], f.rule.effective, f.rule.id),
        )
    )
    verdict, finding, why = _verdict(document, element, makers, contradictions, findings)
    denies = finding is not None and finding.applies == "deny"
    blocks = denies and (verdict == "deny" or document.policy.conflict == "most-restrictive")
    return Decision(
        policy=document.policy.id,
        element=element.name,
        kind=KINDS[type(element)],
        verdict=verdict,
        rule=None if finding is None else finding.rule,
        law=None if finding is None else finding.law,
        why=why,
        evidence=_digest(document, element, ordered, sbom, day, stage, finding),
        findings=findings,
        blocks=blocks,
    )


Makers = Mapping[str, str]
"""The subjects that may have made an element, each with by what that is known."""


def _makers(document: Document, element: Element, observations: Sequence[Observation]) -> Makers:
    found: dict[str, str] = {}
    for subject in sorted(document.named(element.vendor)):
        found[subject] = f"declared vendor {element.vendor}"
    for signal, value in _declared(element):
        for subject in sorted(document.seen(signal, value)):
            found.setdefault(subject, f"declared {_words(signal)} {value[:16]}")
    if isinstance(element, Terminal):
        for subject in sorted(document.coded(element.type_allocation_codes)):
            found.setdefault(subject, f"type allocation code {element.type_allocation_codes}")
    for one in observations:
        for subject in sorted(document.seen(one.signal, one.value)):
            found.setdefault(subject, f"observed {_words(one.signal)} {one.value[:60]}{_from(one)}")
    return found


def _declared(element: Element) -> Iterator[tuple[Signal, str]]:
    if element.certificate_root:
        yield "certificate_root", element.certificate_root
    if isinstance(element, NetworkFunction) and element.pen:
        yield "pen", str(element.pen)


def _contradictions(
    document: Document, element: Element, observations: Sequence[Observation]
) -> Iterator[str]:
    """Where what is seen is not what is declared: another value, or another maker."""
    declared = dict(_declared(element)) | {
        "vendor": element.vendor,
        "software": element.software,
        "serial": element.serial,
    }
    maker = document.named(element.vendor)
    for one in observations:
        value, said = one.value, declared.get(one.signal, "")
        same = folded(value) == folded(said) if one.signal == "vendor" else value == said
        if one.signal == "pen" and value.isdigit() and said:
            same = int(value) == int(said)
        shown = f"{_words(one.signal)} {value[:60]}{_from(one)}"
        points = document.seen(one.signal, value)
        if said and not same and one.signal != "type_allocation_code" and not (points and points == maker):
            yield f"declared {_words(one.signal)} {said[:60]}, observed {shown}"
        elif element.vendor and points and not points & maker:
            yield f"declared vendor {element.vendor}, observed {shown}, which is of {', '.join(sorted(points))}"


def _findings(
    document: Document, element: Element, makers: Makers, sbom: Sbom | None, day: date, stage: Stage
) -> Iterator[Finding]:
    laws = {law.id: law for law in document.policy.law}
    for rule in document.policy.rule:
        if not _is_for(rule, element, stage):
            continue
        met = next(_met(document, rule, makers, sbom), None)
        unknown = met is None and rule.scope != "vendor" and (sbom is None or not sbom.supplied)
        if met is None and not unknown:
            continue
        if met is None:
            bill = (
                "there is no bill of materials" if sbom is None else "its bill of materials names no supplier"
            )
            met = f"{bill}: what is in it is not known"
        yield _finding(document, element, rule, laws[rule.law], met, unknown, day)


def _is_for(rule: Rule, element: Element, stage: Stage) -> bool:
    return (
        stage in rule.stages
        and (not rule.generations or element.generation in rule.generations)
        and (not rule.kinds or KINDS[type(element)] in rule.kinds)
    )


def _met(document: Document, rule: Rule, makers: Makers, sbom: Sbom | None) -> Iterator[str]:
    """By what the rule is about the element."""
    if rule.scope != "component":
        for subject in sorted(rule.subjects):
            if subject in makers:
                yield f"{subject}: {makers[subject]}"
    if rule.scope != "vendor" and sbom is not None:
        for one in sorted(sbom.supplied, key=lambda each: (each.component, each.suppliers)):
            for name in sorted(one.suppliers):
                for subject in sorted(document.supplying(name) & set(rule.subjects)):
                    yield f"{subject}: supplies {one.component[:60]} ({name[:60]})"


def _finding(
    document: Document, element: Element, rule: Rule, law: Law, met: str, unknown: bool, day: date
) -> Finding:
    """What keeps a rule from applying, in the order in which a lawyer would ask."""
    if law.status == "proposed":
        return Finding(rule, law, "allow", f"{met}; the law is proposed: nothing follows from it")
    if law.status == "repealed":
        return Finding(rule, law, "allow", f"{met}; the law is repealed")
    if day < rule.effective:
        return Finding(rule, law, "allow", f"{met}; it holds from {rule.effective} on")
    if not rule.holds(day):
        return Finding(rule, law, "allow", f"{met}; it held until {rule.until}")
    exempt = min(
        (
            e
            for e in document.policy.exception
            if (e.rule, e.element) == (rule.id, element.name) and e.holds(day)
        ),
        key=lambda e: (e.until, e.reference),
        default=None,
    )
    if exempt is not None:
        why = f"{met}; excepted until {exempt.until} by {exempt.granted_by} ({exempt.reference})"
        return Finding(rule, law, "allow", why, exempt)
    if rule.effect == "review" or law.status == "guidance" or unknown:
        guidance = "; the law is guidance: a person looks" if law.status == "guidance" else ""
        return Finding(rule, law, "review", met + guidance)
    if element.emergency:
        return Finding(rule, law, "review", f"{met}; it carries emergency services, which are never blocked")
    return Finding(rule, law, "deny", met)


def _verdict(
    document: Document,
    element: Element,
    makers: Makers,
    contradictions: list[str],
    findings: Sequence[Finding],
) -> tuple[Verdict, Finding | None, str]:
    worst = next((f for f in findings if f.applies != "allow"), None)
    if contradictions:
        return "conflict", worst, "; ".join([*contradictions[:3], *([worst.why] if worst else [])])
    if worst is not None:
        return worst.applies, worst, worst.why
    if not (element.vendor or makers):
        return "review", None, "who made it is not declared"
    if findings:
        return "allow", findings[0], "; ".join(f.why for f in findings[:3])
    maker = ", ".join(sorted(makers)) or element.vendor
    return "allow", None, f"no rule of {document.policy.id} is about {maker} here"


def _digest(
    document: Document,
    element: Element,
    observations: Sequence[Observation],
    sbom: Sbom | None,
    day: date,
    stage: Stage,
    finding: Finding | None,
) -> str:
    looked_at: dict[str, Plain] = {
        "policy": document.digest,
        "element": {
            "kind": KINDS[type(element)],
            "key": element.key,
            **{
                name: str(getattr(element, name))
                for name in (
                    "name",
                    "vendor",
                    "model",
                    "software",
                    "serial",
                    "generation",
                    "certificate_root",
                )
            },
            "emergency": element.emergency,
            "declared": [[signal, value] for signal, value in _declared(element)],
        },
        "observations": [[o.signal, o.value, o.source] for o in observations],
        "sbom": "" if sbom is None else sbom.digest,
        "date": day.isoformat(),
        "stage": stage,
        "rule": "" if finding is None else finding.rule.id,
    }
    return hashlib.sha256(canonical(looked_at)).hexdigest()


@lru_cache(None)
def _words(signal: str) -> str:
    return {"pen": "enterprise number"}.get(signal, signal.replace("_", " "))


def _from(one: Observation) -> str:
    return f" ({one.source})" if one.source else ""


def strictest(decisions: Iterable[Decision]) -> Decision:
    """Of the same element by several policies: what has it kept out first, then what is worst."""
    return max(decisions, key=lambda d: (d.blocks, SEVERITY[d.verdict], d.policy))
