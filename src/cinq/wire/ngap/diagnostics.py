"""What both ends of N2 say of a message that is wrong, TS 38.413 clause 10: its diagnostics and its identities."""

from __future__ import annotations

from cinq.wire.ngap.base import Criticality, IeDiagnostic, Kind, Pdu
from cinq.wire.ngap.generated.types import (
    CriticalityDiagnostics,
    CriticalityDiagnosticsIEItem,
    TriggeringMessage,
)

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
