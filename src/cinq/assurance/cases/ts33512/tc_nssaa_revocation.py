"""TS 33.512 §4.2.2.9.1 TC_NSSAA_REVOCATION: a UE whose only slice is revoked is deregistered."""

from __future__ import annotations

from cinq.assurance.case import Case

CASE = Case(
    "SCAS-33512-4.2.2.9.1",
    requirement="Where the last allowed slice of a UE is revoked and there is no default one, the AMF deregisters the "
    "UE and tells the rejected slices with their causes (TS 33.501 §16.5, TS 23.502 §4.2.9.4).",
    threat="A subscriber goes on in a slice whose owner has withdrawn the right.",
)
CASE.not_yet(
    "A",
    "the only allowed S-NSSAI is revoked: DEREGISTRATION REQUEST with the rejected S-NSSAI and its cause",
    "bench NSSAAF",
    feature="nssaa",
)
