"""What is told about a message that is wrong, or that the state does not allow: TS 38.413 §8.7.5 and clause 10."""

from __future__ import annotations

from typing import cast

from cinq.procedure import Declined, Why
from cinq.wire import ngap
from cinq.wire.ngap.diagnostics import diagnostics, procedure_of, turns_down, ue_identities


def error_indication(cause: ngap.Cause, message: ngap.Pdu) -> ngap.ErrorIndication:
    """What `message` did wrong, with the UE NGAP IDs that it carried (§8.7.4.2)."""
    amf_id, ran_id = ue_identities(message)
    return ngap.ErrorIndication(
        amf_ue_ngap_id=amf_id,
        ran_ue_ngap_id=ran_id,
        cause=cause,
        criticality_diagnostics=diagnostics(message.PROCEDURE_CODE, message.KIND, message.CRITICALITY),
    )


def notices(message: ngap.Pdu) -> ngap.CriticalityDiagnostics | None:
    """For the answer to a request: the IEs of it that were passed over, and that want to be told of (§10.3.4.2)."""
    ies = tuple(found for found in message.diagnostics if found[0] == "notify")
    if not ies:
        return None
    return diagnostics(message.PROCEDURE_CODE, message.KIND, message.CRITICALITY, ies)


def incompatible(message: ngap.Pdu) -> ngap.ErrorIndication:
    """§10.4: a message that the state does not allow."""
    return error_indication(("protocol", "message-not-compatible-with-receiver-state"), message)


def declined(
    label: str, message: object, sent: object | None, expected: tuple[type[object], ...], alone: bool
) -> Declined | None:
    """The end of a request that a gNB answers with an ERROR INDICATION (§8.7.5, §10.3). label: of the gNB."""
    code = procedure_of(sent, expected)
    if not isinstance(message, ngap.ErrorIndication) or code is None or not turns_down(message, code, alone):
        return None
    cause = message.cause
    said = "no cause" if cause is None else f"{cause[0]} {cause[1]}"
    mend = "see to the gNB: it takes what the AMF asked for as wrong, or does not have it"
    return Declined(cause, Why(f"{label} answers with an Error Indication: {said}", mend))


def cause_of(declined: Declined) -> ngap.Cause:
    """As the gNB gave it."""
    return cast("ngap.Cause | None", declined.cause) or ("protocol", "unspecified")
