"""What a policy comes to: by example, and by properties that hold for every policy."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.eligibility.engine import SEVERITY, Decision, Document, Observation, decide
from cinq.eligibility.inventory import Gnb, Inventory, NetworkFunction, Terminal
from cinq.eligibility.sbom import Sbom, Supplied
from cinq.eligibility.vocabulary import STAGES, Exempt, Rule, Stage
from tests.eligibility.parts import ACME, BETA, DAY, DENY, LAWS, ROOT, bill, document, exempt, gnb, inventory


def one(
    doc: Document,
    element: Gnb | NetworkFunction | Terminal | None = None,
    *seen: Observation,
    sbom: Sbom | None = None,
    day: date = DAY,
    stage: Stage = "operate",
) -> Decision:
    element = element or gnb()
    table = {Gnb: "gnb", NetworkFunction: "nf", Terminal: "terminal"}[type(element)]
    made = Inventory(**{table: (element,)})
    (decision,) = decide(doc, made, seen, {element.name: sbom} if sbom else {}, day, stage)
    return decision


def test_a_rule_in_force_denies_with_its_citation() -> None:
    found = one(document())
    assert (found.verdict, found.blocks) == ("deny", True)
    assert found.rule == DENY
    assert found.law is not None
    assert found.law.citation == "Act on Equipment, section 1"
    assert found.why == "acme: declared vendor Acme"
    assert len(found.evidence) == 64


@pytest.mark.parametrize(
    ("vendor", "verdict"),
    [
        ("ACME RADIO CO LTD", "deny"),
        ("acme", "deny"),
        ("Acme Holding", "deny"),
        ("Acmeus", "allow"),
        ("Beta Networks AB", "allow"),
        ("", "review"),
    ],
)
def test_who_is_meant(vendor: str, verdict: str) -> None:
    assert one(document(affiliates={"acme": ("ACME Holding",)}), gnb(vendor=vendor)).verdict == verdict


@pytest.mark.parametrize("stage", STAGES)
def test_a_rule_is_for_its_stages(stage: Stage) -> None:
    assert one(document(), stage=stage).verdict == ("deny" if stage == "operate" else "allow")


def test_a_rule_is_for_its_generations() -> None:
    doc = document(replace(DENY, generations=("4G",)))
    assert one(doc).verdict == "allow"
    assert one(doc, gnb(generation="4G")).verdict == "deny"


@pytest.mark.parametrize(
    ("law", "verdict", "says"),
    [
        ("bill", "allow", "proposed"),
        ("old", "allow", "repealed"),
        ("note", "review", "guidance"),
        ("act", "deny", "acme"),
    ],
)
def test_the_status_of_the_law_says_what_applies(law: str, verdict: str, says: str) -> None:
    found = one(document(replace(DENY, law=law)))
    assert found.verdict == verdict
    assert says in found.why
    assert [f.asks for f in found.findings] == ["deny"]


def test_what_is_to_come_is_told() -> None:
    found = one(document(replace(DENY, effective=date(2027, 1, 1))))
    assert found.verdict == "allow"
    assert "from 2027-01-01 on" in found.why


def test_a_rule_ends() -> None:
    doc = document(replace(DENY, until=date(2026, 6, 30)))
    assert one(doc, day=date(2026, 6, 30)).verdict == "deny"
    assert one(doc, day=date(2026, 7, 1)).verdict == "allow"


def test_an_exception_is_for_one_element_and_a_time() -> None:
    doc = document(exception=(exempt(),))
    found = one(doc)
    assert found.verdict == "allow"
    assert "excepted until 2026-12-31 by A person, director (memo 7)" in found.why
    assert one(doc, gnb("site-2")).verdict == "deny"
    assert one(doc, day=date(2027, 1, 1)).verdict == "deny"


def seen(signal: str, value: str) -> Observation:
    return Observation("site-1", signal, value, "seen")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("element", "observed", "blocks"),
    [
        (gnb(vendor="Beta Networks AB"), seen("certificate_root", ROOT), True),
        (gnb(vendor="Beta Networks AB"), seen("vendor", "Acme"), True),
        (gnb(vendor="Somebody"), seen("vendor", "Acme"), True),
        (gnb(vendor="Beta Networks AB", software="1.0"), seen("software", "1.1"), False),
        (gnb(vendor="Beta Networks AB", serial="7"), seen("serial", "8"), False),
        (gnb(vendor="Acme"), seen("vendor", "Beta Networks AB"), True),
    ],
)
def test_declared_differs_from_observed(element: Gnb, observed: Observation, blocks: bool) -> None:
    """What has it kept out is a rule in force about what it is declared as, or about what it is seen as."""
    found = one(document(), element, observed)
    assert (found.verdict, found.blocks) == ("conflict", blocks)
    assert (found.rule is DENY) is blocks
    assert not one(document(conflict="review"), element, observed).blocks


def test_the_same_seen_in_another_way_is_no_conflict() -> None:
    found = one(
        document(), gnb(vendor="Acme"), seen("vendor", "Acme Radio Co., Ltd."), seen("certificate_root", ROOT)
    )
    assert found.verdict == "deny"


def test_an_observation_alone_says_who_it_is() -> None:
    assert one(document(), gnb(vendor=""), seen("certificate_root", ROOT)).verdict == "deny"


def test_enterprise_numbers_are_numbers() -> None:
    nf = NetworkFunction(
        name="site-1", vendor="Acme", pen=4711, instance="00000000-0000-4000-8000-000000000001"
    )
    assert one(document(), nf, seen("pen", "004711")).verdict == "deny"
    assert one(document(), nf, seen("pen", "004712")).verdict == "conflict"


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        ("35609250", "deny"),
        ("35609299-35609400", "deny"),
        ("35609100-35609400", "deny"),
        ("35609300", "review"),
    ],
)
def test_terminals_by_their_codes(codes: str, verdict: str) -> None:
    assert one(document(), Terminal(name="m", type_allocation_codes=codes)).verdict == verdict


CODES = st.integers(0, 99).flatmap(lambda low: st.integers(low, 99).map(lambda high: (low, high)))


@given(st.lists(CODES, max_size=8), CODES)
@settings(max_examples=200, deadline=None)
def test_ranges_of_codes_meet_where_any_of_them_does(
    ranges: list[tuple[int, int]], asked: tuple[int, int]
) -> None:
    texts = tuple(f"{low:08d}-{high:08d}" if low < high else f"{low:08d}" for low, high in ranges)
    doc = replace(document(), codes={"beta": texts})
    low, high = asked
    wanted = any(first <= high and low <= last for first, last in ranges)
    assert ("beta" in doc.coded(f"{low:08d}-{high:08d}" if low < high else f"{low:08d}")) is wanted


def test_components() -> None:
    doc = document(replace(DENY, scope="component"))
    beta = gnb(vendor="Beta Networks AB")
    found = one(doc, beta, sbom=bill("Zeta", "ACME semiconductor"))
    assert found.verdict == "deny"
    assert found.why == "acme: supplies part 1 (ACME semiconductor)"
    assert one(doc, beta, sbom=bill("Zeta")).verdict == "allow"
    assert one(doc, beta).verdict == "review"
    assert one(doc, beta, sbom=bill()).verdict == "review"
    assert one(doc, gnb(vendor="Acme"), sbom=bill("Zeta")).verdict == "allow"
    assert one(document(replace(DENY, scope="vendor-or-component")), gnb(vendor="Acme")).verdict == "deny"


def test_emergency_services_are_reviewed_and_never_blocked() -> None:
    found = one(document(), gnb(emergency=True))
    assert (found.verdict, found.blocks) == ("review", False)
    assert "never blocked" in found.why


# -- properties

DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 1))
VENDORS = st.sampled_from(["", "Acme", "Beta Networks AB", "Gamma"])
RULES = st.builds(
    Rule,
    id=st.sampled_from([f"rule-{n}" for n in range(8)]),
    says=st.just("It says so"),
    subjects=st.sampled_from([("acme",), ("beta",), ("acme", "beta"), ("beta", "acme")]),
    stages=st.just(("operate", "install")),
    effect=st.sampled_from(["deny", "review"]),
    effective=DAYS,
    law=st.sampled_from([law.id for law in LAWS]),
    generations=st.sampled_from([(), ("5G",), ("4G",)]),
    scope=st.sampled_from(["vendor", "component", "vendor-or-component"]),
)
GNBS = st.builds(
    gnb,
    name=st.just("site-1"),
    vendor=VENDORS,
    emergency=st.booleans(),
    generation=st.sampled_from(["4G", "5G"]),
    certificate_root=st.sampled_from(["", ROOT]),
)
SEEN = st.lists(
    st.sampled_from(
        [seen("vendor", "Acme"), seen("vendor", "Gamma"), seen("certificate_root", ROOT), seen("serial", "1")]
    ),
    max_size=4,
)
BILLS = st.sampled_from([None, bill(), bill("Acme Semiconductor", "Zeta", "Acme"), bill("Zeta")])
EXEMPT = st.builds(
    lambda rule, since, length: Exempt(rule, "site-1", since, since + timedelta(length), "A, B", "memo"),
    st.sampled_from([f"rule-{n}" for n in range(8)]),
    DAYS,
    st.integers(0, 30),
)


@st.composite
def worlds(
    draw: st.DrawFn, exceptions: bool = True
) -> tuple[Document, Inventory, list[Observation], dict[str, Sbom]]:
    rules = draw(st.lists(RULES, min_size=1, max_size=5, unique_by=lambda rule: rule.id))
    ids = {rule.id for rule in rules}
    exempted = draw(st.lists(EXEMPT, max_size=3)) if exceptions else []
    doc = document(
        *rules,
        exception=tuple(e for e in exempted if e.rule in ids),
        conflict=draw(st.sampled_from(["most-restrictive", "review"])),
    )
    sbom = draw(BILLS)
    return doc, inventory(draw(GNBS)), draw(SEEN), {"site-1": sbom} if sbom else {}


World = tuple[Document, Inventory, list[Observation], dict[str, Sbom]]


@given(worlds(exceptions=False), DAYS, DAYS)
@settings(max_examples=150, deadline=None)
def test_what_holds_goes_on_to_hold(world: World, one_day: date, other: date) -> None:
    """Without exceptions and ends, a later day is never milder."""
    early, late = sorted((one_day, other))
    (before,), (after,) = (decide(*world, day, "operate") for day in (early, late))
    assert SEVERITY[after.verdict] >= SEVERITY[before.verdict]
    assert after.blocks >= before.blocks


@given(worlds(), DAYS, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_same_facts_in_any_order_come_to_the_same(world: World, day: date, chance: random.Random) -> None:
    doc, made, observations, sboms = world
    policy = doc.policy

    def shuffled(values: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(chance.sample(values, len(values)))

    other = replace(
        doc,
        policy=replace(
            policy,
            law=shuffled(policy.law),
            subject=shuffled((replace(ACME, aliases=ACME.aliases[::-1]), BETA)),
            rule=shuffled(policy.rule),
            exception=shuffled(policy.exception),
        ),
    )
    bills = {
        name: Sbom(one.digest, tuple(Supplied(s.component, s.suppliers) for s in shuffled(one.supplied)))  # type: ignore[attr-defined]
        for name, one in sboms.items()
    }
    assert decide(doc, made, observations, sboms, day, "operate") == decide(
        other, made, chance.sample(observations, len(observations)), bills, day, "operate"
    )


@given(worlds(), DAYS)
@settings(max_examples=150, deadline=None)
def test_nothing_is_denied_but_by_a_rule_in_force(world: World, day: date) -> None:
    """So a proposed law never denies, nor does guidance, nor a rule before its day or under an exception."""
    doc, *_ = world
    (found,) = decide(*world, day, "operate")
    if found.blocks or found.verdict == "deny":
        assert found.rule is not None
        assert found.law is not None
        assert (found.rule.effect, found.law.status, found.rule.law) == ("deny", "in-force", found.law.id)
        assert found.rule.effective <= day
        assert not any(e.rule == found.rule.id and e.since <= day <= e.until for e in doc.policy.exception)
    for finding in found.findings:
        if finding.law.status in ("proposed", "repealed"):
            assert finding.applies == "allow"


@given(worlds(), DAYS)
@settings(max_examples=150, deadline=None)
def test_a_proposed_law_changes_no_verdict(world: World, day: date) -> None:
    doc, *rest = world
    in_force = tuple(r for r in doc.policy.rule if r.law != "bill") or (replace(DENY, effective=date.max),)
    without = replace(doc, policy=replace(doc.policy, rule=in_force, exception=()))
    if doc.policy.exception:
        doc = replace(doc, policy=replace(doc.policy, exception=()))
    (one,), (other,) = decide(doc, *rest, day, "operate"), decide(without, *rest, day, "operate")
    assert (one.verdict, one.blocks) == (other.verdict, other.blocks)


@given(worlds(), DAYS)
@settings(max_examples=150, deadline=None)
def test_an_exception_ends_at_its_end(world: World, day: date) -> None:
    """On the day after the last one ends it is as if there had been none."""
    doc, *rest = world
    ends = max((e.until for e in doc.policy.exception), default=day)
    without = replace(doc, policy=replace(doc.policy, exception=()))
    after = ends + timedelta(1)
    (one,), (other,) = decide(doc, *rest, after, "operate"), decide(without, *rest, after, "operate")
    assert (one.verdict, one.blocks, one.why) == (other.verdict, other.blocks, other.why)


@given(worlds(), DAYS, st.sampled_from(STAGES))
@settings(max_examples=150, deadline=None)
def test_emergency_services_are_never_blocked(world: World, day: date, stage: Stage) -> None:
    doc, made, *rest = world
    element = replace(made.gnb[0], emergency=True)
    (found,) = decide(doc, inventory(element), *rest, day, stage)  # type: ignore[arg-type]
    assert found.verdict != "deny"
    assert not found.blocks


@given(worlds(), DAYS)
@settings(max_examples=100, deadline=None)
def test_the_evidence_is_of_what_was_looked_at(world: World, day: date) -> None:
    doc, made, observations, sboms = world
    (one,) = decide(doc, made, observations, sboms, day, "operate")
    (next_day,) = decide(doc, made, observations, sboms, day + timedelta(1), "operate")
    (more,) = decide(doc, made, [*observations, seen("software", "9")], sboms, day, "operate")
    (other,) = decide(replace(doc, digest="another"), made, observations, sboms, day, "operate")
    assert len({d.evidence for d in (one, next_day, more, other)}) == 4
