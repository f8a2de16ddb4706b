"""Whom policies keep out on N4, as the UPF sees it."""

from __future__ import annotations

from datetime import date, timedelta
from ipaddress import IPv4Address

from cinq.eligibility.inventory import Inventory, PfcpPeer
from cinq.procedure import Why
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause
from tests.eligibility.parts import Days, gate

from .peer import OTHER_SMF, SMF, Bench, establishment
from .steps import UE2, cause, forwards, virtual

MADE = Inventory(pfcp_peer=(PfcpPeer(name="smf-2", vendor="Acme", address=IPv4Address(SMF[0])),))


@virtual
async def test_an_smf_that_is_kept_out_gets_no_association() -> None:
    bench = Bench(SMF, OTHER_SMF, gate=gate("refuse", MADE))
    assert cause(bench.associate()) == Cause.REQUEST_REJECTED
    assert cause(bench.associate(OTHER_SMF)) == Cause.REQUEST_ACCEPTED
    told = [event for event in bench.journal.kept() if event.direction == "none"]
    assert [event.subject for event in told] == [f"SMF {SMF[0]}", f"SMF {OTHER_SMF[0]}"]
    assert str(told[0].cause).startswith("refused: PFCP peer 10.4.0.1 (smf-2): denied by rule test/no-acme")
    assert isinstance(told[0].cause, Why)


@virtual
async def test_one_that_is_drained_keeps_what_it_has() -> None:
    """From the day on which the rule begins, in both modes: an association that is there is not cut."""
    for mode in ("refuse", "drain"):
        days = Days(date(2025, 12, 31))
        bench = Bench(SMF, gate=gate(mode, MADE, days))  # type: ignore[arg-type]
        bench.associate()
        seid, teid = bench.session()
        days.day += timedelta(1)
        bench.upf.day_has_come()
        assert cause(bench.ask(establishment(UE2, 78), 0)) == Cause.REQUEST_REJECTED
        assert forwards(bench, teid)
        assert cause(bench.ask(pfcp.SessionDeletionRequest(), seid)) == Cause.REQUEST_ACCEPTED
        assert any("no-acme" in event.cause for event in bench.journal.kept() if event.direction == "none")


@virtual
async def test_an_audit_changes_nothing() -> None:
    bench = Bench(SMF, gate=gate("audit", MADE))
    assert cause(bench.associate()) == Cause.REQUEST_ACCEPTED
    bench.session()
