"""UE Context Modification, TS 38.413 §8.3.4."""

from __future__ import annotations

from cinq.ran.gnb.context import AsKeys
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import Unsuccessful, algorithms, guami_of
from cinq.ran.gnb.procedures import rrc_inactive
from cinq.wire import ngap


def received(n2: N2, message: ngap.UEContextModificationRequest) -> None:
    """UE CONTEXT MODIFICATION REQUEST: a new key, other algorithms, rates, identities, reports."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    try:
        if not ue.context.has_context:
            raise Unsuccessful(("protocol", "message-not-compatible-with-receiver-state"))
        changes = _changes(ue, message)
    except Unsuccessful as refused:
        _fail(ue, message, refused.cause)
        return
    if message.new_amf_ue_ngap_id is not None:
        n2.connections.name(ue, message.new_amf_ue_ngap_id)
    ue.commit(**changes)
    if "keys" in changes:
        ue.link.rekey(ue)
    rrc_inactive.requested(ue, message.rrc_inactive_transition_report_request)
    reports = message.rrc_inactive_transition_report_request is not None
    ue.tell(
        ngap.UEContextModificationResponse(
            amf_ue_ngap_id=ue.amf_ue_ngap_id or message.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            rrc_state=rrc_inactive.state(ue) if reports else None,
            user_location_information=ue.location if reports else None,
        )
    )


def _changes(ue: UeContext, message: ngap.UEContextModificationRequest) -> dict[str, object]:
    changes: dict[str, object] = {}
    capabilities = message.ue_security_capabilities
    if capabilities is not None:
        integrity, ciphering = algorithms(capabilities)
        changes |= {"capabilities": capabilities, "nr_integrity": integrity, "nr_ciphering": ciphering}
    if message.security_key is not None:  # key change on the fly, TS 33.501 §6.9.4.4: the chain begins anew
        pair = AsKeys(nh=message.security_key.to_bytes(32, "big"), new_key=True)
        changes["keys"] = pair.for_target(ue.cell.pci, ue.cell.arfcn)
    if message.ue_aggregate_maximum_bit_rate is not None:
        changes["ambr"] = message.ue_aggregate_maximum_bit_rate
    if message.core_network_assistance_information_for_inactive is not None:
        changes["inactive_assistance"] = message.core_network_assistance_information_for_inactive
    if message.new_guami is not None:
        changes["guami"] = guami_of(message.new_guami)
    return changes


def _fail(ue: UeContext, message: ngap.UEContextModificationRequest, cause: ngap.Cause) -> None:
    """UE CONTEXT MODIFICATION FAILURE, §8.3.4.3."""
    ue.tell(
        ngap.UEContextModificationFailure(
            amf_ue_ngap_id=message.amf_ue_ngap_id, ran_ue_ngap_id=ue.ran_ue_ngap_id, cause=cause
        )
    )
