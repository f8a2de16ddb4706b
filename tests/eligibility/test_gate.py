"""What doors do about policies: by mode, by day, for whom; and what is told of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date, timedelta

import pytest

from cinq.eligibility.documents import Stock
from cinq.eligibility.engine import Document, Observation
from cinq.eligibility.gate import OPEN, Gate
from cinq.eligibility.inventory import Inventory, NetworkFunction, PfcpPeer, Terminal
from cinq.numbering import GnbId
from cinq.procedure import Journal, RealClock, Why
from cinq.settings.eligibility import POINTS, Mode
from tests.eligibility.parts import DENY, ROOT, Days, document, exempt, gnb

INSTANCE = "00000000-0000-4000-8000-000000000001"
ACME, BETA, STRANGE = (GnbId.parse(f"999-70-{n}/22") for n in (1, 2, 3))
EQUIPMENT = Inventory(
    gnb=(gnb(), gnb("site-2", "Beta Networks AB", 2)),
    nf=(NetworkFunction(name="smf-2", vendor="Beta Networks AB", instance=INSTANCE),),
    pfcp_peer=(PfcpPeer(name="upf-2", vendor="Acme", address="192.0.2.1"),),  # type: ignore[arg-type]
    terminal=(Terminal(name="meters", vendor="Acme", type_allocation_codes="35000000-35000099"),),
)


def gate(
    mode: Mode, *documents: Document, days: Days | None = None, own: frozenset[str] = frozenset()
) -> Gate:
    modes = dict.fromkeys(POINTS, mode)
    return Gate(documents or (document(),), Stock(EQUIPMENT), modes, days or Days(), own)


@pytest.mark.parametrize(
    ("mode", "action"), [("audit", "admit"), ("alarm", "admit"), ("refuse", "refuse"), ("drain", "drain")]
)
def test_a_mode_says_what_follows(mode: Mode, action: str) -> None:
    door = gate(mode)
    for ruling in (
        door.gnb(ACME),
        door.function(INSTANCE, "004711"),
        door.peer("192.0.2.1"),
        door.terminal("35000050"),
        door.terminal("35609204"),
    ):
        assert ruling.action == action
        assert ruling.why is not None
        assert (
            "rule test/no-acme (Act on Equipment, section 1; statute, in force), from 2026-01-01 on"
            in ruling.why
        )
        assert ruling.why.mend
    for ruling in (door.gnb(BETA), door.gnb(STRANGE), door.peer("192.0.2.9"), door.terminal("99999999")):
        assert ruling.action == "admit"


def test_who_is_not_known_is_reviewed_and_terminals_are_not() -> None:
    door = gate("refuse")
    why = door.gnb(STRANGE).why
    assert why == "gNB 999-70-3/22: review by policy test: who made it is not declared"
    assert door.gnb(BETA).why is None
    assert door.terminal("99999999").why is None


def test_the_strictest_policy_counts() -> None:
    milder = document(replace(DENY, id="look", effect="review"), id="milder")
    assert gate("refuse", milder, document()).gnb(ACME).refuses
    assert gate("refuse", document(), milder).gnb(ACME).refuses
    last = document(replace(DENY, id="look", effect="review"), id="zz-milder")
    assert gate("refuse", last, document()).gnb(ACME).refuses
    assert not gate("refuse", milder).gnb(ACME).refuses


def test_a_conflict_with_a_rule_in_force_is_refused() -> None:
    ruling = gate("refuse").function(INSTANCE, "004711")
    assert ruling.refuses
    assert "in conflict" in ruling.reason
    assert "declared vendor Beta Networks AB, observed enterprise number 004711 (NF profile)" in ruling.reason
    assert not gate("refuse").function(INSTANCE, None).refuses


def test_what_was_seen_otherwise_counts_at_the_door() -> None:
    seen = Observation("site-2", "certificate_root", ROOT, "enrolment")
    door = Gate((document(),), Stock(EQUIPMENT), dict.fromkeys(POINTS, "refuse"), Days(), observed=(seen,))
    assert door.gnb(BETA).refuses
    assert "observed certificate root abab" in door.gnb(BETA).reason


def test_nobody_is_asked_without_a_policy_nor_about_ourselves() -> None:
    assert OPEN.is_open
    for ruling in (
        OPEN.gnb(ACME),
        OPEN.function("x", None),
        OPEN.peer("192.0.2.1"),
        OPEN.terminal("35609204"),
    ):
        assert (ruling.action, ruling.why) == ("admit", None)
    door = gate("refuse", own=frozenset((INSTANCE, "192.0.2.1")))
    assert door.peer("192.0.2.1").why is None
    assert door.function(INSTANCE, None).why is None
    assert door.function(INSTANCE, "004711").refuses  # whoever says so is not of this core


def test_a_day_makes_a_difference() -> None:
    days = Days(date(2025, 12, 31))
    door = gate("refuse", days=days)
    assert not door.gnb(ACME).refuses
    assert door.day_has_come() is None
    assert door.day_has_come() is None
    days.day += timedelta(1)
    assert door.gnb(ACME).refuses
    assert door.day_has_come() == date(2026, 1, 1)
    assert door.day_has_come() is None


def test_an_exception_lets_in_until_its_end() -> None:
    days = Days(date(2026, 12, 31))
    door = gate("refuse", document(exception=(exempt(),)), days=days)
    assert not door.gnb(ACME).refuses
    days.day += timedelta(1)
    assert door.gnb(ACME).refuses


def test_what_carries_emergency_services_is_let_in() -> None:
    alone = Inventory(gnb=(gnb(emergency=True),))
    door = Gate((document(),), Stock(alone), dict.fromkeys(POINTS, "refuse"), Days())
    assert door.gnb(ACME).action == "admit"


@pytest.mark.parametrize(
    ("mode", "logged", "mends", "says"),
    [
        ("audit", 0, False, "eligibility: let in: gNB 999-70-1/22 (site-1): denied"),
        ("alarm", 1, True, "eligibility: let in: gNB 999-70-1/22 (site-1): denied"),
        ("refuse", 0, True, "refused: gNB 999-70-1/22 (site-1): denied"),
        ("drain", 0, True, "eligibility: drained: gNB 999-70-1/22 (site-1): denied"),
    ],
)
def test_what_is_told(
    mode: Mode, logged: int, mends: bool, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Once a day: who is refused comes again."""
    journal, days = Journal(keep=10), Days()
    door = gate(mode, days=days)
    with caplog.at_level(logging.INFO, "cinq.eligibility"):
        for _ in range(3):
            door.tell(door.gnb(ACME), "AMF", "gnb", journal, RealClock())
    (event,) = journal.kept()
    assert (event.nf, event.subject, event.direction) == ("AMF", "gnb", "none")
    assert str(event.cause).startswith(says)
    assert isinstance(event.cause, Why) is mends
    assert (mode in ("audit", "alarm")) is ("it would be refused" in event.cause)
    assert len(caplog.records) == logged
    days.day += timedelta(1)
    door.tell(door.gnb(ACME), "AMF", "gnb", journal, RealClock())
    assert len(journal.kept()) == 2


def test_what_is_remembered_is_bounded() -> None:
    door = gate("refuse")
    for n in range(4_150):
        door.function(f"00000000-0000-4000-8000-{n:012x}", "004711")
        door.tell(door.gnb(ACME), "AMF", f"gnb {n}", Journal(keep=1), RealClock())
    assert len(door._rulings) <= 4096
    assert len(door._told) <= 4096
