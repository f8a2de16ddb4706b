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
    """The procedure's own failure where it has one (§10.3.4.2, §10.3.5, §10.3.6), else ERROR INDICATION.

    An error in an ERROR INDICATION is never answered.
    """
    if error.silent or error.procedure_code == ngap.ErrorIndication.PROCEDURE_CODE:
        return
    diagnostics = None
    if error.procedure_code is not None or error.ies:
        diagnostics = _diagnostics(
            error.procedure_code, error.triggering_message, error.procedure_criticality, error.ies
        )
    amf_ue_ngap_id, ran_ue_ngap_id = _identities(error.partial)
    cause: ngap.Cause = ("protocol", error.cause)
    answer: ngap.Pdu | None = None
    if error.partial is not None and error.cause != "transfer-syntax-error":
        answer = _failure(error.partial, cause, diagnostics)
    if answer is None:
        answer = ngap.ErrorIndication(
            amf_ue_ngap_id=amf_ue_ngap_id,
            ran_ue_ngap_id=ran_ue_ngap_id,
            cause=cause,
            criticality_diagnostics=diagnostics,
        )
    n2.transmit(answer, 0 if ran_ue_ngap_id is None else n2.stream_of(ran_ue_ngap_id))


def _failure(
    message: ngap.Pdu, cause: ngap.Cause, diagnostics: ngap.CriticalityDiagnostics | None
) -> ngap.Pdu | None:
    """The unsuccessful outcome of the procedure, where it has one and the message says for which UE."""
    amf_id, ran_id = _identities(message)
    if isinstance(message, ngap.AMFConfigurationUpdate):
        return ngap.AMFConfigurationUpdateFailure(cause=cause, criticality_diagnostics=diagnostics)
    if amf_id is None:
        return None
    if isinstance(message, ngap.HandoverRequest):
        return ngap.HandoverFailure(amf_ue_ngap_id=amf_id, cause=cause, criticality_diagnostics=diagnostics)
    if ran_id is None:
        return None
    if isinstance(message, ngap.InitialContextSetupRequest):
        return ngap.InitialContextSetupFailure(
            amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, cause=cause, criticality_diagnostics=diagnostics
        )
    if isinstance(message, ngap.UEContextModificationRequest):
        return ngap.UEContextModificationFailure(
            amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, cause=cause, criticality_diagnostics=diagnostics
        )
    return None


def _identities(message: ngap.Pdu | None) -> tuple[int | None, int | None]:
    """AMF-UE-NGAP-ID and RAN-UE-NGAP-ID, as far as the message has them."""
    amf_id, ran_id = getattr(message, "amf_ue_ngap_id", None), getattr(message, "ran_ue_ngap_id", None)
    return amf_id if isinstance(amf_id, int) else None, ran_id if isinstance(ran_id, int) else None


def _diagnostics(
    code: int | None,
    kind: ngap.Kind | None,
    criticality: ngap.Criticality | None,
    ies: tuple[ngap.IeDiagnostic, ...] = (),
) -> ngap.CriticalityDiagnostics:
    items = [
        ngap.CriticalityDiagnosticsIEItem(ie_criticality=level, ie_id=ie, type_of_error=wrong)
        for level, ie, wrong in ies
    ]
    return ngap.CriticalityDiagnostics(
        procedure_code=code,
        triggering_message=_TRIGGERS.get(kind or ""),
        procedure_criticality=criticality,
        ies_criticality_diagnostics=items or None,
    )


def _about(
    message: ngap.Pdu, cause: ngap.CauseProtocol, ies: tuple[ngap.IeDiagnostic, ...] = ()
) -> ngap.ErrorIndication:
    amf_id, ran_id = _identities(message)
    return ngap.ErrorIndication(
        amf_ue_ngap_id=amf_id,
        ran_ue_ngap_id=ran_id,
        cause=("protocol", cause),
        criticality_diagnostics=_diagnostics(message.PROCEDURE_CODE, message.KIND, message.CRITICALITY, ies),
    )


def notify(n2: N2, message: ngap.Pdu) -> None:
    """Tells of IEs that were passed over and are of criticality notify, §10.3.4.2 and §10.3.5."""
    ies = tuple(found for found in message.diagnostics if found[0] == "notify")
    if ies and not isinstance(message, ngap.ErrorIndication):
        n2.send(_about(message, "abstract-syntax-error-ignore-and-notify", ies))


def unexpected(message: ngap.Pdu) -> ngap.ErrorIndication | None:
    """To a procedure that this gNB does not have, by its criticality (§10.3.4.1); to an outcome that nobody asked for
    (§10.4)."""
    if message.KIND != "initiatingMessage":
        return _about(message, "message-not-compatible-with-receiver-state")
    if message.CRITICALITY == "reject":
        return _about(message, "abstract-syntax-error-reject")
    if message.CRITICALITY == "notify":
        return _about(message, "abstract-syntax-error-ignore-and-notify")
    return None


def received(n2: N2, message: ngap.ErrorIndication) -> None:
    """ERROR INDICATION of the AMF, §8.7.5: a UE that the AMF does not know (any more) is released locally."""
    cause, ran_id, amf_id = message.cause, message.ran_ue_ngap_id, message.amf_ue_ngap_id
    if cause is None or cause[0] != "radioNetwork" or (ran_id is None and amf_id is None):
        return
    if cause[1] in ("unknown-local-UE-NGAP-ID", "inconsistent-remote-UE-NGAP-ID"):
        ue = n2.by_amf_ue_ngap_id(amf_id) if ran_id is None else n2.ues.get(ran_id)
        if ue is not None:
            n2.forget(ue, str(cause[1]))
