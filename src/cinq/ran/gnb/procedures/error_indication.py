"""Error handling, TS 38.413 §10 and §8.7.5: what a gNB answers to a message that it cannot use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cinq.wire import ngap

if TYPE_CHECKING:
    from cinq.ran.gnb.n2 import N2

_TRIGGERS: dict[str, ngap.TriggeringMessage] = {
    "initiatingMessage": "initiating-message",
    "successfulOutcome": "successful-outcome",
    "unsuccessfulOutcome": "unsuccessful-outcome",
}


def answer(n2: N2, error: ngap.NgapError) -> None:
    """ERROR INDICATION with what is known of the message. An error in an ERROR INDICATION is never answered."""
    if error.silent or error.procedure_code == ngap.ErrorIndication.PROCEDURE_CODE:
        return
    diagnostics = None
    if error.procedure_code is not None or error.ies:
        ies = [
            ngap.CriticalityDiagnosticsIEItem(ie_criticality=criticality, ie_id=ie, type_of_error=kind)
            for criticality, ie, kind in error.ies
        ]
        diagnostics = ngap.CriticalityDiagnostics(
            procedure_code=error.procedure_code,
            triggering_message=_TRIGGERS.get(error.triggering_message or ""),
            procedure_criticality=error.procedure_criticality,
            ies_criticality_diagnostics=ies or None,
        )
    amf_ue_ngap_id = getattr(error.partial, "amf_ue_ngap_id", None)
    ran_ue_ngap_id = getattr(error.partial, "ran_ue_ngap_id", None)
    indication = ngap.ErrorIndication(
        amf_ue_ngap_id=amf_ue_ngap_id if isinstance(amf_ue_ngap_id, int) else None,
        ran_ue_ngap_id=ran_ue_ngap_id if isinstance(ran_ue_ngap_id, int) else None,
        cause=("protocol", error.cause),
        criticality_diagnostics=diagnostics,
    )
    stream = n2.stream_of(ran_ue_ngap_id) if isinstance(ran_ue_ngap_id, int) else 0
    n2.transmit(indication, stream)


def received(n2: N2, message: ngap.ErrorIndication) -> None:
    """ERROR INDICATION of the AMF, §8.7.5: a UE that the AMF does not know (any more) is released locally."""
    cause = message.cause
    if cause is None or message.ran_ue_ngap_id is None:
        return
    if cause[0] == "radioNetwork" and cause[1] in (
        "unknown-local-UE-NGAP-ID",
        "inconsistent-remote-UE-NGAP-ID",
    ):
        ue = n2.ues.get(message.ran_ue_ngap_id)
        if ue is not None:
            n2.forget(ue, str(cause[1]))
