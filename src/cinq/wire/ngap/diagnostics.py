"""What both ends of N2 say of a message that is wrong, TS 38.413 clause 10: its diagnostics and its identities."""

from __future__ import annotations

from cinq.wire.ngap.generated.types import (
    CriticalityDiagnostics,
    CriticalityDiagnosticsIEItem,
    ErrorIndication,
    TriggeringMessage,
)
from cinq.wire.per.base import Criticality, IeDiagnostic, Kind, Pdu

_TRIGGERING: dict[Kind, TriggeringMessage] = {
    "initiatingMessage": "initiating-message",
    "successfulOutcome": "successful-outcome",
    "unsuccessfulOutcome": "unsuccessful-outcome",
}
_MOST = 256  # §9.3.1.3: maxnoofErrors


def diagnostics(
    code: int | None,
    kind: Kind | None,
    criticality: Criticality | None,
    ies: tuple[IeDiagnostic, ...] = (),
) -> CriticalityDiagnostics:
    """§9.3.1.3 of a message by its procedure code, kind and criticality. Of the IEs the first 256 are told."""
    items = [
        CriticalityDiagnosticsIEItem(ie_criticality=level, ie_id=ie, type_of_error=wrong)
        for level, ie, wrong in ies[:_MOST]
    ]
    return CriticalityDiagnostics(
        procedure_code=code,
        triggering_message=None if kind is None else _TRIGGERING[kind],
        procedure_criticality=criticality,
        ies_criticality_diagnostics=items or None,
    )


def ue_identities(message: Pdu | None) -> tuple[int | None, int | None]:
    """AMF-UE-NGAP-ID and RAN-UE-NGAP-ID, as far as the message has them."""
    amf_id, ran_id = getattr(message, "amf_ue_ngap_id", None), getattr(message, "ran_ue_ngap_id", None)
    return amf_id if isinstance(amf_id, int) else None, ran_id if isinstance(ran_id, int) else None


def procedure_of(sent: object | None, expected: tuple[type[object], ...]) -> int | None:
    """The procedure code of a request, by itself or by its outcomes; None where neither says it."""
    for one in (sent, *expected):
        code = getattr(one, "PROCEDURE_CODE", None)
        if isinstance(code, int):
            return code
    return None


def turns_down(indication: ErrorIndication, procedure_code: int, alone: bool) -> bool:
    """Whether an ERROR INDICATION says that a request of this procedure is not performed (§8.7.5, §10.3).

    That something in it was passed over, and the rest is performed, ends nothing. alone: no other request waits; then
    one that has no diagnostics, and names a fault of the protocol, can be about this one alone.
    """
    cause, told = indication.cause, indication.criticality_diagnostics
    if cause is not None and cause[1] == "abstract-syntax-error-ignore-and-notify":
        return False
    if told is None or told.procedure_code is None:
        return alone and cause is not None and cause[0] == "protocol"
    if told.procedure_code != procedure_code or told.triggering_message not in (None, "initiating-message"):
        return False
    wrong = told.ies_criticality_diagnostics or ()
    return cause is not None or not wrong or any(one.ie_criticality == "reject" for one in wrong)
