"""TS 33.512 §4.2.2.7 TC_AMF_REEST_CP_CIOT: a re-established RRC connection is proved by NAS keys (CIoT)."""

from __future__ import annotations

from cinq.assurance.case import Case

CASE = Case(
    "SCAS-33512-4.2.2.7",
    requirement="For a UE with the control plane CIoT optimisation the AMF answers RAN CP RELOCATION INDICATION with "
    "DL CP security information only where the UE's NAS MAC holds (TS 33.501 §6.16.1.2, TS 38.413 §8.3.10).",
    threat="An ng-eNB or a radio in strange hands takes over the connection of a UE that never asked for it.",
)
CASE.not_yet(
    "A",
    "UL NAS MAC as the UE made it: CONNECTION ESTABLISHMENT INDICATION has DL CP security information",
    "bench ng-eNB",
    feature="ciot",
)
CASE.not_yet(
    "B",
    "UL NAS MAC changed by the ng-eNB: CONNECTION ESTABLISHMENT INDICATION has none",
    "bench ng-eNB",
    feature="ciot",
)
