"""TS 33.512 §4.2.2.8.1 TC_VALIDATION_SNSSAI_IN_PDU_REQUEST: no session in a slice that NSSAA did not open."""

from __future__ import annotations

from cinq.assurance.case import Case

CASE = Case(
    "SCAS-33512-4.2.2.8.1",
    requirement="The AMF forwards a request for a PDU session only where the slice has passed slice-specific "
    "authentication, and returns it otherwise (TS 33.501 §16.3, TS 23.502 §4.2.9.2).",
    threat="A subscriber has sessions in a slice whose owner has refused it.",
)
PEERS = ("bench NSSAAF",)
CASE.not_yet("A", "EAP success: Nsmf_PDUSession_CreateSMContext goes to the SMF", *PEERS, feature="nssaa")
CASE.not_yet("B", "EAP failure: the 5GSM message comes back, not forwarded", *PEERS, feature="nssaa")
