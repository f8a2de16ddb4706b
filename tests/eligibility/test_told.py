"""Whoever a policy keeps out, at whichever door: which rule it was stands in the trace, the log and cinq explain."""

from __future__ import annotations

import pytest

from cinq.eligibility.gate import PROCEDURES, Ruling
from cinq.eligibility.inventory import Inventory, NetworkFunction, PfcpPeer
from cinq.explain import Explainer, Incident, stored
from cinq.numbering import GnbId
from cinq.procedure import Journal, RealClock
from cinq.procedure.store import MemoryStore
from cinq.settings.eligibility import Mode
from tests.eligibility.parts import gate, gnb

INSTANCE = "00000000-0000-4000-8000-000000000001"
MADE = Inventory(
    gnb=(gnb(),),
    nf=(NetworkFunction(name="smf-2", vendor="Acme", instance=INSTANCE),),
    pfcp_peer=(PfcpPeer(name="upf-2", vendor="Acme", address="192.0.2.1"),),  # type: ignore[arg-type]
)


def ruled(nf: str, mode: Mode) -> tuple[Ruling, list[Incident], list[str], list[str]]:
    """The ruling of one door, and what was told of it: incidents, lines of the log, causes in the trace."""
    door, journal, store, lines = gate(mode, MADE), Journal(keep=10), MemoryStore(), list[str]()
    explainer = Explainer(store, lines.append, lines.append)
    journal.listen(explainer.event, trouble=True)
    ruling = {
        "AMF": lambda: door.gnb(GnbId.parse("999-70-1/22")).of_one_there,
        "NRF": lambda: door.function(INSTANCE, None),
        "UPF": lambda: door.peer("192.0.2.1"),
        "SMF": lambda: door.peer("192.0.2.1"),
    }[nf]()
    door.tell(ruling, nf, "somebody", journal, RealClock())
    explainer.tick(RealClock().now() + 10)
    explainer.close()
    return ruling, [one for _, one in stored(store)], lines, [str(event.cause) for event in journal.kept()]


@pytest.mark.parametrize("mode", ["refuse", "drain", "alarm"])
@pytest.mark.parametrize("nf", PROCEDURES)
def test_it_is_told_everywhere(nf: str, mode: Mode) -> None:
    _, incidents, lines, causes = ruled(nf, mode)
    (incident,) = incidents
    assert incident.mend
    refused = mode == "refuse" and nf != "AMF"  # a gNB that is there is drained first
    assert incident.what.endswith(" refused") if refused else incident.what == "Eligibility"
    for text in (incident.because, *causes, *lines):
        assert "denied by rule test/no-acme (Act on Equipment, section 1; statute, in force)" in text
    assert lines
    assert causes


@pytest.mark.parametrize("nf", PROCEDURES)
def test_an_audit_is_in_the_trace_alone(nf: str) -> None:
    ruling, incidents, lines, causes = ruled(nf, "audit")
    assert ruling.action == "admit"
    assert incidents == lines == []
    assert "it would be refused" in causes[0]
