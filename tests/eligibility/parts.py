"""A policy about two made-up vendors, and equipment of theirs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cinq.eligibility.documents import Stock
from cinq.eligibility.engine import Document
from cinq.eligibility.gate import Gate
from cinq.eligibility.inventory import Gnb, Inventory
from cinq.eligibility.sbom import Sbom, Supplied
from cinq.eligibility.vocabulary import Exempt, Law, Policy, Rule, Subject
from cinq.settings.eligibility import POINTS, Mode

DAY = date(2026, 6, 1)
ROOT = "ab" * 32

ACT = Law("act", "Act on Equipment, section 1", "statute", "in-force")
BILL = Law("bill", "Bill on Equipment, section 2", "statute", "proposed")
NOTE = Law("note", "Guidance on Equipment", "policy-statement", "guidance")
OLD = Law("old", "Former Act on Equipment", "statute", "repealed")
LAWS = (ACT, BILL, NOTE, OLD)

ACME = Subject(
    "acme",
    ("Acme Radio Co., Ltd.",),
    aliases=("Acme",),
    pens=(4711,),
    certificate_roots=(ROOT,),
    type_allocation_codes=("35609200-35609299",),
    sbom_suppliers=("Acme Semiconductor",),
)
BETA = Subject("beta", ("Beta Networks AB",), pens=(4712,))

DENY = Rule("no-acme", "Acme is not in use", ("acme",), ("operate",), "deny", date(2026, 1, 1), "act")


def document(
    *rules: Rule, affiliates: dict[str, tuple[str, ...]] | None = None, **changes: object
) -> Document:
    policy = Policy(
        id="test",
        title="A test",
        jurisdiction="XX",
        authority="Nobody",
        version=1,
        reviewed_by="A person, tester",
        reviewed_on=date(2026, 1, 1),
        law=LAWS,
        subject=(ACME, BETA),
        rule=rules or (DENY,),
    )
    return Document(
        replace(policy, **changes),  # type: ignore[arg-type]
        "policy digest",
        affiliates or {},
        {},
    )


def gnb(name: str = "site-1", vendor: str = "Acme", number: int = 1, **more: object) -> Gnb:
    return Gnb(name=name, vendor=vendor, identity=f"999-70-{number}/22", **more)  # type: ignore[arg-type]


def inventory(*gnbs: Gnb) -> Inventory:
    return Inventory(gnb=gnbs)


def exempt(**changes: object) -> Exempt:
    return replace(
        Exempt("no-acme", "site-1", date(2026, 1, 1), date(2026, 12, 31), "A person, director", "memo 7"),
        **changes,
    )


class Days:
    """The day that it is, as a test wants it."""

    def __init__(self, day: date = date(2026, 1, 1)) -> None:
        self.day = day

    def __call__(self) -> date:
        return self.day


def gate(mode: Mode, made: Inventory, days: Days | None = None, doc: Document | None = None) -> Gate:
    """Doors that go by the policy about Acme, all in one mode."""
    return Gate((doc or document(),), Stock(made), dict.fromkeys(POINTS, mode), days or Days())


def bill(*suppliers: str) -> Sbom:
    return Sbom("bill digest", tuple(Supplied(f"part {i}", (name,)) for i, name in enumerate(suppliers)))
