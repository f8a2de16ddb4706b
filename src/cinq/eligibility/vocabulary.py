"""The words of a policy: whom it is about, what it says from when on, by which law, and who is excepted until when.

A closed vocabulary, so that a lawyer can read all that a policy can mean: no expressions, no code. What a text of law
says, and whether it holds, is for people to judge; here it is copied from the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from cinq.settings import check
from cinq.settings.toml import none_of, setting

Stage = Literal["procure", "install", "enrol", "operate"]
STAGES: tuple[Stage, ...] = ("procure", "install", "enrol", "operate")
"""The life of equipment: bought, put up, let in for the first time, in use."""
Generation = Literal["2G", "3G", "4G", "5G"]
Kind = Literal["gnb", "nf", "pfcp_peer", "terminal"]
Nature = Literal["statute", "order", "direction", "regulation", "policy-statement", "procurement-rule"]
Status = Literal["in-force", "proposed", "guidance", "repealed"]
Effect = Literal["deny", "review"]
Scope = Literal["vendor", "component", "vendor-or-component"]

IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}", re.ASCII)
FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
CODES = re.compile(r"(\d{8})(?:-(\d{8}))?", re.ASCII)
MOST = 4096  # of each kind in a policy
NAME = 200


@dataclass(frozen=True, slots=True)
class Law:
    """A text that rules stand on."""

    id: str = setting("Name of this text within the policy.")
    citation: str = setting("The text, as a court would find it.")
    nature: Nature = setting("What kind of text it is.")
    status: Status = setting(
        "Whether it holds. What is proposed is shown and never enforced; guidance asks for review."
    )
    url: str = setting("Where it can be read.", "")

    def __post_init__(self) -> None:
        none_of(
            (
                *_identifier("id", self.id),
                *_text("citation", self.citation, 1000),
                *_text("url", self.url, 500, True),
            )
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """A producer, with all by which its equipment is known."""

    id: str = setting("Name of the subject within the policy.")
    names: tuple[str, ...] = setting("Its names in law.")
    aliases: tuple[str, ...] = setting("Other names under which it, or what it makes, is known.", ())
    pens: tuple[int, ...] = setting("Its IANA private enterprise numbers (vendorId of an NF profile).", ())
    certificate_roots: tuple[str, ...] = setting(
        "SHA-256 fingerprints of the roots of its vendor certificates, 64 hexadecimal digits each.", ()
    )
    type_allocation_codes: tuple[str, ...] = setting(
        "Type allocation codes of its terminals, of eight digits: '35609204', or '35609200-35609299'.", ()
    )
    type_allocation_code_file: Path | None = setting("CSV file of further ones, with a column 'tac'.", None)
    sbom_suppliers: tuple[str, ...] = setting("Names of it as a supplier in bills of materials.", ())
    affiliates_file: Path | None = setting(
        "CSV file of affiliates that the operator keeps, with a column 'name'.", None
    )

    def __post_init__(self) -> None:
        none_of(self._faults())

    def _faults(self) -> Iterator[str]:
        yield from _identifier("id", self.id)
        if not self.names:
            yield "names: found none, wanted at least one"
        for key in ("names", "aliases", "sbom_suppliers"):
            values: tuple[str, ...] = getattr(self, key)
            yield from _at_most(key, values)
            for i, name in enumerate(values):
                yield from _text(f"{key}[{i}]", name, NAME)
                if name and not folded(name):
                    yield f"{key}[{i}]: found {name!r}, wanted letters or digits"
        for i, pen in enumerate(self.pens):
            if not 0 < pen < 1 << 32:
                yield f"pens[{i}]: found {pen}, wanted 1 to 4294967295"
        for i, root in enumerate(self.certificate_roots):
            if not FINGERPRINT.fullmatch(root):
                yield f"certificate_roots[{i}]: found {root[:70]!r}, wanted 64 hexadecimal digits in small letters"
        yield from _at_most("type_allocation_codes", self.type_allocation_codes)
        for i, text in enumerate(self.type_allocation_codes):
            if (fault := code_fault(text)) is not None:
                yield f"type_allocation_codes[{i}]: {fault}"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is said of subjects, from a day on."""

    id: str = setting("Name of the rule within the policy.")
    says: str = setting("What it says, in one sentence of your own.")
    subjects: tuple[str, ...] = setting("Whom it is about, by their ids.")
    stages: tuple[Stage, ...] = setting("At which stages of its life equipment meets the rule.")
    effect: Effect = setting("What is to be done: deny, or have a person review it.")
    effective: date = setting("The first day on which it holds.")
    law: str = setting("The text that it stands on, by its id.")
    clause: str = setting("Where in the text.", "")
    until: date | None = setting("The last day on which it holds; without: for good.", None)
    generations: tuple[Generation, ...] = setting("Of which generation the equipment is; empty: of any.", ())
    kinds: tuple[Kind, ...] = setting("What kind of equipment it is, as in the inventory; empty: any.", ())
    scope: Scope = setting(
        "Whether it is about who made the equipment, or about what is in it by its bill of materials.",
        "vendor",
    )

    def __post_init__(self) -> None:
        none_of(self._faults())

    def _faults(self) -> Iterator[str]:
        yield from _identifier("id", self.id)
        yield from _text("says", self.says, 500)
        yield from _text("clause", self.clause, 200, True)
        for key in ("subjects", "stages"):
            if not getattr(self, key):
                yield f"{key}: found none, wanted at least one"
        for key in ("subjects", "stages", "generations", "kinds"):
            yield from _each_once(key, getattr(self, key))
        if self.until is not None and self.until < self.effective:
            yield f"until: found {self.until}, wanted {self.effective} (effective) or later"

    def holds(self, day: date) -> bool:
        return self.effective <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Exempt:
    """Somebody has excepted one piece of equipment from a rule, for a time."""

    rule: str = setting("The rule, by its id.")
    element: str = setting("The equipment, by its name in the inventory.")
    since: date = setting("The first day of the exception.")
    until: date = setting("Its last day: there is none without an end.")
    granted_by: str = setting("Who answers for it: name and role.")
    reference: str = setting("The document in which it was decided.")

    def __post_init__(self) -> None:
        none_of(self._faults())

    def _faults(self) -> Iterator[str]:
        for key, limit in (("element", 100), ("granted_by", 200), ("reference", 200)):
            yield from _text(key, getattr(self, key), limit)
        if self.until < self.since:
            yield f"until: found {self.until}, wanted {self.since} (since) or later"

    def holds(self, day: date) -> bool:
        return self.since <= day <= self.until


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. Not legal advice: whoever uses it has it reviewed, and says who did and when."""

    id: str = setting("Name of the policy.")
    title: str = setting("What it is, for a person.")
    jurisdiction: str = setting("Where it is law: a country or union by its code, such as CA.")
    authority: str = setting("Who decided it.")
    version: int = setting("Counts the versions of this file, from 1 on.")
    reviewed_by: str = setting("Who has read it against the law: name and role.")
    reviewed_on: date = setting("When.")
    law: tuple[Law, ...] = setting("The texts.")
    subject: tuple[Subject, ...] = setting("Those whom rules are about.")
    rule: tuple[Rule, ...] = setting("The rules.")
    exception: tuple[Exempt, ...] = setting("The exceptions.", ())
    unknown: Literal["review"] = setting("Whose maker is not known: a person looks, always.", "review")
    conflict: Literal["most-restrictive", "review"] = setting(
        "Declared as one thing and seen as another: most-restrictive goes by what is worse of both.",
        "most-restrictive",
    )
    emergency_services: Literal["never-block"] = setting(
        "Emergency services are never blocked.", "never-block"
    )

    def __post_init__(self) -> None:
        none_of(self._faults())

    def _faults(self) -> Iterator[str]:
        yield from _identifier("id", self.id)
        for key, limit in (("title", 200), ("jurisdiction", 20), ("authority", 200), ("reviewed_by", 200)):
            yield from _text(key, getattr(self, key), limit)
        if self.version < 1:
            yield f"version: found {self.version}, wanted 1 or more"
        for table in ("law", "subject", "rule"):
            yield from _table(table, getattr(self, table))
        yield from _at_most("exception", self.exception)
        yield from self._references()

    def _references(self) -> Iterator[str]:
        """Each name that is not there."""
        laws, subjects, rules = ([one.id for one in table] for table in (self.law, self.subject, self.rule))
        for i, rule in enumerate(self.rule):
            if rule.law not in laws:
                yield f"rule[{i}].law: found {rule.law[:60]!r}, wanted one of {_listed(laws)}"
            for n, subject in enumerate(rule.subjects):
                if subject not in subjects:
                    yield f"rule[{i}].subjects[{n}]: found {subject[:60]!r}, wanted one of {_listed(subjects)}"
        for i, exempt in enumerate(self.exception):
            if exempt.rule not in rules:
                yield f"exception[{i}].rule: found {exempt.rule[:60]!r}, wanted one of {_listed(rules)}"


def folded(name: str) -> str:
    """A name as it is compared: letters and digits alone, in small letters. 'Acme Co., Ltd' is 'acmecoltd'."""
    return "".join(c for c in name.casefold() if c.isalnum())


def code_fault(text: str) -> str | None:
    """What is wrong with '35609204' or '35609200-35609299'; None where nothing is."""
    found = CODES.fullmatch(text)
    if found is None or (found[2] is not None and found[2] < found[1]):
        return f"found {text[:40]!r}, wanted eight digits, or eight-eight with the lower first"
    return None


def _identifier(key: str, text: str) -> Iterator[str]:
    if not IDENTIFIER.fullmatch(text):
        yield f"{key}: found {text[:70]!r}, wanted 1 to 60 small letters, digits, '.', '_', '-'"


def _text(key: str, text: str, limit: int, may_be_empty: bool = False) -> Iterator[str]:
    if not (text or may_be_empty):
        yield f"{key}: found nothing, wanted a text"
    elif len(text) > limit or not text.isprintable():
        yield f"{key}: found {text[:40]!r}, wanted at most {limit} printable characters"


def _at_most(key: str, values: tuple[object, ...]) -> Iterator[str]:
    if len(values) > MOST:
        yield f"{key}: found {len(values)}, wanted at most {MOST}"


def _each_once(key: str, values: tuple[str, ...]) -> Iterator[str]:
    try:
        check.each_once(key, values)
    except ValueError as error:
        yield str(error)


def _table(key: str, values: tuple[Law | Subject | Rule, ...]) -> Iterator[str]:
    if not values:
        yield f"{key}: found none, wanted at least one [[{key}]]"
    yield from _at_most(key, values)
    seen: set[str] = set()
    for i, one in enumerate(values):
        if one.id in seen:
            yield f"{key}[{i}].id: found {one.id} twice, wanted each once"
        seen.add(one.id)


def _listed(ids: list[str]) -> str:
    return ", ".join(ids[:20]) + (", ..." if len(ids) > 20 else "") or "none: there are none"
