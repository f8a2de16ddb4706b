"""TS 33.117 §4.3.3.1.1 TC_IP_SPOOFING_MITIGATION: a packet counts only on the way that its source would take."""

from __future__ import annotations

from cinq.assurance.case import Case

CASE = Case(
    "SCAS-33117-4.3.3.1.1",
    requirement="Packets whose source is not reachable through the interface that they came in by are dropped "
    "(reverse path filtering, RFC 3704).",
    threat="A host of one network speaks in the name of another that the product trusts.",
)
CASE.not_yet("A", "the source of one leg on the other", "second leg")
