"""XnAP (TS 38.423), what gNBs without dual connectivity say to each other: `encode(message)`, `decode(octets)`.

Handover Preparation and Cancel, SN Status Transfer, Retrieve UE Context, UE Context Release, RAN Paging, Xn Setup and
Removal, NG-RAN Node Configuration Update, Reset, Error Indication. Names, values and errors are as in `cinq.wire.ngap`;
a message of another procedure is XnapError, as TS 38.423 §10.3.4.1 has it of a procedure code that is not known.

Importing it takes memory: whoever may do without Xn imports it when Xn is used.
"""

from __future__ import annotations

from cinq.wire.per.base import Criticality, IeDiagnostic, Kind, Pdu, Sequence, TypeOfError
from cinq.wire.per.error import ProtocolCause
from cinq.wire.per.plain import Plain, plain
from cinq.wire.xnap.codec import decode, encode, examine
from cinq.wire.xnap.error import XnapError
from cinq.wire.xnap.generated import types
from cinq.wire.xnap.generated.tables import IE_NAMES, PROCEDURES
from cinq.wire.xnap.generated.types import *  # noqa: F403

__all__ = [
    "IE_NAMES",
    "PROCEDURES",
    "Criticality",
    "IeDiagnostic",
    "Kind",
    "Pdu",
    "Plain",
    "ProtocolCause",
    "Sequence",
    "TypeOfError",
    "XnapError",
    "decode",
    "encode",
    "examine",
    "plain",
]
__all__ += types.__all__
