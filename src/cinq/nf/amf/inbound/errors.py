"""Answers to what a gNB does wrong, TS 38.413 clause 10."""

from __future__ import annotations

from cinq.nf.amf import journal
from cinq.nf.amf.n2.association import Ran
from cinq.nf.amf.n2.diagnosis import error_indication, notices
from cinq.nf.amf.n2.failures import failure
from cinq.procedure import Why
from cinq.wire import ngap
from cinq.wire.ngap.diagnostics import diagnostics, ue_identities

ORDER = "the gNB is to send them in order; amf.accept_any_order = true takes them as they come"
_ANSWERED = (ngap.NGSetupRequest, ngap.RANConfigurationUpdate, ngap.NGReset)


def notify(ran: Ran, message: ngap.Pdu) -> None:
    """Tells the gNB of IEs that were passed over, where no answer to the message does (§10.3.4.2, §10.3.5)."""
    told = notices(message)
    if told is None or isinstance(message, (*_ANSWERED, ngap.ErrorIndication)):
        return
    amf_id, ran_id = ue_identities(message)
    cause: ngap.Cause = ("protocol", "abstract-syntax-error-ignore-and-notify")
    ran.tell(
        ngap.ErrorIndication(
            amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, cause=cause, criticality_diagnostics=told
        )
    )


def unsupported(ran: Ran, message: ngap.Pdu) -> None:
    """§10.3.4.1: a procedure that this AMF does not have."""
    if message.CRITICALITY == "reject":
        ran.tell(error_indication(("protocol", "abstract-syntax-error-reject"), message))
    elif message.CRITICALITY == "notify":
        ran.tell(error_indication(("protocol", "abstract-syntax-error-ignore-and-notify"), message))
    else:
        ran.runtime.report(ran, "", message, "ignored: the procedure is not supported (TS 38.413 §10.3.4.1)")


def answer_broken(ran: Ran, octets: bytes, error: ngap.NgapError) -> None:
    """§10.2 and §10.3: the answer to octets that are no message of this version. Never to an Error Indication.

    A request is answered by the failure of its procedure, as far as what could be read of it allows.
    """
    journal.n2_broken(ran, octets, Why(str(error), ORDER if error.order_only else ""), ran.label)
    if error.silent or error.procedure_code == ngap.ErrorIndication.PROCEDURE_CODE:
        return
    cause: ngap.Cause = ("protocol", error.cause)
    told = diagnostics(
        error.procedure_code, error.triggering_message, error.procedure_criticality, tuple(error.ies)
    )
    if error.triggering_message == "initiatingMessage" and error.procedure_criticality is not None:
        answer = _of_the_interface(error.procedure_code, cause, told)
        if answer is None and error.partial is not None:
            answer = failure(error.partial, cause, told)
        if answer is not None:
            ran.tell(answer)
            return
    amf_id, ran_id = ue_identities(error.partial)
    ran.tell(
        ngap.ErrorIndication(
            amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, cause=cause, criticality_diagnostics=told
        )
    )


def _of_the_interface(
    code: int | None, cause: ngap.Cause, told: ngap.CriticalityDiagnostics
) -> ngap.Pdu | None:
    """Failures that need nothing of a request: also where none of it could be read."""
    if code == ngap.NGSetupRequest.PROCEDURE_CODE:
        return ngap.NGSetupFailure(cause=cause, criticality_diagnostics=told)
    if code == ngap.RANConfigurationUpdate.PROCEDURE_CODE:
        return ngap.RANConfigurationUpdateFailure(cause=cause, criticality_diagnostics=told)
    return None
