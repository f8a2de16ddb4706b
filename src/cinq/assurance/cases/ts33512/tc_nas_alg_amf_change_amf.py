"""TS 33.512 §4.2.2.4.2 TC_NAS_ALG_AMF_CHANGE_AMF: a new AMF chooses the NAS algorithms by its own order."""

from __future__ import annotations

from cinq.assurance.case import Case

CASE = Case(
    "SCAS-33512-4.2.2.4.2",
    requirement="An AMF that takes a UE over from another chooses the NAS algorithms that stand highest in its own "
    "list, and tells the UE when they differ from those in use (TS 33.501 §6.7.1.2).",
    threat="A UE keeps the weak algorithms of an old or strange AMF for as long as it is registered.",
)
CASE.not_yet(
    "1", "N2 handover: the NASC of HANDOVER REQUEST has the algorithms of the AMF under test", "bench AMF"
)
CASE.not_yet(
    "2",
    "mobility registration update: SECURITY MODE COMMAND has the algorithms of the AMF under test",
    "bench AMF",
)
