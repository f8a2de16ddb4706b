"""Error handling, TS 38.413 §10 and §8.7.5: what a gNB answers to a message that it cannot use."""

from __future__ import annotations

from typing import Protocol

from cinq.wire import ngap
from cinq.wire.ngap.diagnostics import diagnostics, ue_identities


class Outlet(Protocol):
    """The association, as the answer to a wrong message sees it."""

    def transmit(self, message: ngap.Pdu, stream: int) -> None: ...

    def stream_of(self, ran_ue_ngap_id: int) -> int: ...


def answer(n2: Outlet, error: ngap.NgapError) -> bool:
    """The procedure's own failure where it has one (§10.3.4.2, §10.3.5, §10.3.6), else ERROR INDICATION.

    An error in an ERROR INDICATION is never answered (§10.5). An outcome that is comprehended but wrong is not either:
    False then, its procedure has ended without success and that is a local matter (§10.3.4.2, §10.3.5, §10.3.6).
    """
    if error.silent or error.procedure_code == ngap.ErrorIndication.PROCEDURE_CODE:
        return True
    syntax = error.cause == "transfer-syntax-error"
    if error.partial is not None and error.partial.KIND != "initiatingMessage" and not syntax:
        return False
    told = None
    if error.procedure_code is not None or error.ies:
        told = diagnostics(
            error.procedure_code, error.triggering_message, error.procedure_criticality, error.ies
        )
    amf_ue_ngap_id, ran_ue_ngap_id = ue_identities(error.partial)
    cause: ngap.Cause = ("protocol", error.cause)
    answer: ngap.Pdu | None = None
    if error.partial is not None and not syntax:
        answer = _failure(error.partial, cause, told)
    if answer is None:
        answer = ngap.ErrorIndication(
            amf_ue_ngap_id=amf_ue_ngap_id,
            ran_ue_ngap_id=ran_ue_ngap_id,
            cause=cause,
            criticality_diagnostics=told,
        )
    n2.transmit(answer, stream(n2, amf_ue_ngap_id, ran_ue_ngap_id))
    return True


def stream(n2: Outlet, amf_ue_ngap_id: int | None, ran_ue_ngap_id: int | None) -> int:
    """What names a UE is UE-associated signalling, by either identity (§8.7.5.1, TS 38.412 §7)."""
    if ran_ue_ngap_id is not None:
        return n2.stream_of(ran_ue_ngap_id)
    return 0 if amf_ue_ngap_id is None else n2.stream_of(amf_ue_ngap_id)


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


def noticed(message: ngap.Pdu) -> ngap.CriticalityDiagnostics | None:
    """What the sender wants to hear of: IEs of criticality notify that were passed over (§10.3.4.2, §10.3.5)."""
    ies = tuple(found for found in message.diagnostics if found[0] == "notify")
    if not ies or isinstance(message, ngap.ErrorIndication):
        return None
    return diagnostics(message.PROCEDURE_CODE, message.KIND, message.CRITICALITY, ies)


def notify(n2: Outlet, message: ngap.Pdu, told: ngap.CriticalityDiagnostics) -> None:
    """ERROR INDICATION of what was passed over, where no response could carry it."""
    amf_id, ran_id = ue_identities(message)
    n2.transmit(
        ngap.ErrorIndication(
            amf_ue_ngap_id=amf_id,
            ran_ue_ngap_id=ran_id,
            cause=("protocol", "abstract-syntax-error-ignore-and-notify"),
            criticality_diagnostics=told,
        ),
        stream(n2, amf_id, ran_id),
    )


def add_notices(answer: ngap.Pdu, told: ngap.CriticalityDiagnostics) -> bool:
    """Put into the response of the procedure, which has a place for it. False: this message is not that response."""
    if answer.KIND == "initiatingMessage" or told.procedure_code != answer.PROCEDURE_CODE:
        return False
    if getattr(answer, "criticality_diagnostics", told) is not None:
        return False
    setattr(answer, "criticality_diagnostics", told)  # noqa: B010  # one of many generated classes
    return True


def unexpected(message: ngap.Pdu) -> ngap.ErrorIndication | None:
    """To a procedure that this gNB does not have, by its criticality (§10.3.4.1). An outcome that nobody asked for is
    a local matter (§10.4)."""
    if message.KIND != "initiatingMessage":
        return None
    if message.CRITICALITY == "reject":
        return _about(message, "abstract-syntax-error-reject")
    if message.CRITICALITY == "notify":
        return _about(message, "abstract-syntax-error-ignore-and-notify")
    return None
