"""What is wrong with a message, told so that the answer of TS 38.413 and TS 38.423 clause 10 can be built from it."""

from __future__ import annotations

from typing import Literal

from cinq.wire.error import WireError
from cinq.wire.per.base import Criticality, IeDiagnostic, Kind, Pdu

ProtocolCause = Literal[
    "transfer-syntax-error",
    "abstract-syntax-error-reject",
    "abstract-syntax-error-ignore-and-notify",
    "abstract-syntax-error-falsely-constructed-message",
]


class PduError(WireError):
    """Octets that are not a message of the protocol, or a message that cannot be encoded. Clauses: of TS 38.413, and of
    TS 38.423, which has the same in its clause 10.

    cause: the protocol cause of the answer (TS 38.413 §9.3.1.2).
    procedure_code, triggering_message, procedure_criticality: as far as they could be read, for the Criticality
    Diagnostics (§9.3.1.3); the criticality is that on the wire.
    ies: the IEs that were missing or not understood, in the order of the message.
    partial: the message as far as it could be decoded, None when not even its kind is known. Attributes that are
    missing are None, even those whose type does not say so.
    tolerable: all IEs concerned are of criticality ignore or notify, so that the receiver may go on with `partial`
    (§10.3.4.2, §10.3.5); a procedure that cannot do without them rejects.
    order_only: nothing is wrong with the message but the order of its IEs (§10.3.6); `partial` is all of it.
    silent: the specification wants no answer (an unknown procedure of criticality ignore, §10.3.4.1).
    """

    def __init__(
        self,
        offset: int | None,
        what: str,
        clause: str,
        *,
        cause: ProtocolCause = "transfer-syntax-error",
        procedure_code: int | None = None,
        triggering_message: Kind | None = None,
        procedure_criticality: Criticality | None = None,
        ies: tuple[IeDiagnostic, ...] = (),
        partial: Pdu | None = None,
        tolerable: bool = False,
        order_only: bool = False,
        silent: bool = False,
    ) -> None:
        super().__init__(offset, what, clause)
        self.cause: ProtocolCause = cause
        self.procedure_code = procedure_code
        self.triggering_message = triggering_message
        self.procedure_criticality = procedure_criticality
        self.ies = ies
        self.partial = partial
        self.tolerable = tolerable
        self.order_only = order_only
        self.silent = silent
