"""What is told about a message that is wrong, or that the state does not allow: TS 38.413 §8.7.5 and clause 10."""

from __future__ import annotations

from cinq.wire import ngap
from cinq.wire.ngap.diagnostics import diagnostics, ue_identities


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
