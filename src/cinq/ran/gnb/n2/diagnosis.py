"""Error handling, TS 38.413 §10 and §8.7.5: what a gNB answers to a message that it cannot use."""

from __future__ import annotations

from typing import Protocol

from cinq.wire import ngap
from cinq.wire.ngap.diagnostics import diagnostics, ue_identities


class Outlet(Protocol):
    """The association, as the answer to a wrong message sees it."""

    def transmit(self, message: ngap.Pdu, stream: int) -> None: ...

    def stream_of(self, ran_ue_ngap_id: int) -> int: ...


def answer(n2: Outlet, error: ngap.NgapError) -> None:
    """The procedure's own failure where it has one (§10.3.4.2, §10.3.5, §10.3.6), else ERROR INDICATION.

    An error in an ERROR INDICATION is never answered.
    """
    if error.silent or error.procedure_code == ngap.ErrorIndication.PROCEDURE_CODE:
        return
    told = None
    if error.procedure_code is not None or error.ies:
        told = diagnostics(
            error.procedure_code, error.triggering_message, error.procedure_criticality, error.ies
        )
    amf_ue_ngap_id, ran_ue_ngap_id = ue_identities(error.partial)
    cause: ngap.Cause = ("protocol", error.cause)
    answer: ngap.Pdu | None = None
    if error.partial is not None and error.cause != "transfer-syntax-error":
        answer = _failure(error.partial, cause, told)
    if answer is None:
        answer = ngap.ErrorIndication(
            amf_ue_ngap_id=amf_ue_ngap_id,
            ran_ue_ngap_id=ran_ue_ngap_id,
            cause=cause,
            criticality_diagnostics=told,
        )
    n2.transmit(answer, 0 if ran_ue_ngap_id is None else n2.stream_of(ran_ue_ngap_id))


def _failure(
    message: ngap.Pdu, cause: ngap.Cause, told: ngap.CriticalityDiagnostics | None
) -> ngap.Pdu | None:
    """The unsuccessful outcome of the procedure, where it has one and the message says for which UE."""
    amf_id, ran_id = ue_identities(message)
    if isinstance(message, ngap.AMFConfigurationUpdate):
        return ngap.AMFConfigurationUpdateFailure(cause=cause, criticality_diagnostics=told)
    if amf_id is None:
        return None
    if isinstance(message, ngap.HandoverRequest):
        return ngap.HandoverFailure(amf_ue_ngap_id=amf_id, cause=cause, criticality_diagnostics=told)
    if ran_id is None:
        return None
    if isinstance(message, ngap.InitialContextSetupRequest):
        return ngap.InitialContextSetupFailure(
            amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, cause=cause, criticality_diagnostics=told
        )
    if isinstance(message, ngap.UEContextModificationRequest):
        return ngap.UEContextModificationFailure(
            amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, cause=cause, criticality_diagnostics=told
        )
    return None


def _about(
    message: ngap.Pdu, cause: ngap.CauseProtocol, ies: tuple[ngap.IeDiagnostic, ...] = ()
) -> ngap.ErrorIndication:
    amf_id, ran_id = ue_identities(message)
    return ngap.ErrorIndication(
        amf_ue_ngap_id=amf_id,
        ran_ue_ngap_id=ran_id,
        cause=("protocol", cause),
        criticality_diagnostics=diagnostics(message.PROCEDURE_CODE, message.KIND, message.CRITICALITY, ies),
    )


def notify(n2: Outlet, message: ngap.Pdu) -> None:
    """Tells of IEs that were passed over and are of criticality notify, §10.3.4.2 and §10.3.5."""
    ies = tuple(found for found in message.diagnostics if found[0] == "notify")
    if ies and not isinstance(message, ngap.ErrorIndication):
        n2.transmit(_about(message, "abstract-syntax-error-ignore-and-notify", ies), 0)


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
