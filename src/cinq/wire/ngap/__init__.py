"""NGAP (TS 38.413), the whole of it: `encode(message)`, `decode(octets)`, and one class per SEQUENCE.

    message = ngap.DownlinkNASTransport(amf_ue_ngap_id=1, ran_ue_ngap_id=2, nas_pdu=octets)
    octets = ngap.encode(message)
    match ngap.decode(octets):
        case ngap.InitialUEMessage(ran_ue_ngap_id=ran_id, nas_pdu=nas): ...

Names and values:

- Classes have the ASN.1 name without hyphens (`NGSetupRequest`, `GlobalGNBID`, `SNSSAI`).
- Attributes are the identifiers in snake case (`amf_ue_ngap_id`, `nas_pdu`, `plmn_identity`, `s_nssai`).
  The IEs of a message and the extension IEs of any SEQUENCE stand among the attributes. Constructors take
  keywords only; what is optional is None when absent.
- ENUMERATED is its identifier as str (`"mo-Signalling"`). A value of a later release is `"unknown-<n>"`, n
  counted from the first extension value, and encodes to the same octets again.
- CHOICE is a tuple (alternative, value): `("gTPTunnel", GTPTunnel(...))`. Alternatives that are IEs of
  choice-Extensions have the IE's name: `("GlobalTNGF-ID", GlobalTNGFID(...))`. mypy narrows on the first
  member, in `match` and in `if`; a misspelt alternative shows as unreachable code.
- BIT STRING of one size is an int; of a variable or extensible size it is (value, number of bits): `gnb_id`,
  `transport_layer_address` and `nr_encryption_algorithms` are of this kind.
- OCTET STRING is bytes, also where it contains a transfer; NULL is True; SEQUENCE OF is a list; OBJECT
  IDENTIFIER is dotted str.
- Messages are read, not changed: what many repeat octet for octet (the location of a UE) they share.
- Transfers and transparent containers go through `encode_value(value)` and `decode_value(cls, octets)`.

Errors are NgapError, told in the terms of clause 10. A message is returned when it has only unknown IEs of
criticality ignore or notify; the latter are in its `diagnostics`. Extension additions of later releases are
passed over. `examine` and `examine_value` never raise: for traces, which show what is there and name the fault.
"""

from __future__ import annotations

from cinq.wire.ngap.codec import decode, decode_value, encode, encode_value, examine, examine_value
from cinq.wire.ngap.error import NgapError
from cinq.wire.ngap.generated import types
from cinq.wire.ngap.generated.tables import IE_NAMES, PROCEDURES
from cinq.wire.ngap.generated.types import *  # noqa: F403
from cinq.wire.per.base import Criticality, IeDiagnostic, Kind, Pdu, Sequence, TypeOfError
from cinq.wire.per.error import ProtocolCause
from cinq.wire.per.plain import Plain, plain

__all__ = [
    "IE_NAMES",
    "PROCEDURES",
    "Criticality",
    "IeDiagnostic",
    "Kind",
    "NgapError",
    "Pdu",
    "Plain",
    "ProtocolCause",
    "Sequence",
    "TypeOfError",
    "decode",
    "decode_value",
    "encode",
    "encode_value",
    "examine",
    "examine_value",
    "plain",
]
__all__ += types.__all__
