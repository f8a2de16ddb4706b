"""Initial Context Setup, TS 38.413 §8.3.1."""

from __future__ import annotations

from cinq.ran.gnb.context import AsKeys
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import Unsuccessful, algorithms, guami_of, s_nssai_of
from cinq.ran.gnb.procedures import location_reporting, radio_capability, rrc_inactive, trace
from cinq.ran.gnb.procedures.session_resources import (
    Granted,
    grant,
    response_transfer,
    unsuccessful_transfer,
)
from cinq.wire import ngap


def received(n2: N2, message: ngap.InitialContextSetupRequest) -> None:
    """INITIAL CONTEXT SETUP REQUEST. Sessions first, then the answer, then the NAS messages."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    try:
        if not ue.reached:
            raise Unsuccessful(("radioNetwork", "radio-connection-with-ue-lost"))
        integrity, ciphering = algorithms(message.ue_security_capabilities)
    except Unsuccessful as refused:
        _fail(ue, message, refused.cause)
        return
    _store(ue, message, integrity, ciphering)
    items = message.pdu_session_resource_setup_list_cxt_req or []
    granted = grant(
        n2,
        ue,
        ((i.pdu_session_id, i.s_nssai, i.pdu_session_resource_setup_request_transfer) for i in items),
    )
    ue.tell(_response(n2, ue, message, granted))
    if message.nas_pdu is not None:
        ue.deliver(message.nas_pdu)
    for item in items:
        if item.nas_pdu is not None and item.pdu_session_id in granted.admitted:
            ue.deliver(item.nas_pdu)
    radio_capability.told(n2, ue, message.ue_radio_capability, message.ue_radio_capability_id)
    if message.trace_activation is not None:
        trace.activate(ue, message.trace_activation)
    if message.location_reporting_request_type is not None:
        location_reporting.control(ue, message.location_reporting_request_type)


def _store(ue: UeContext, message: ngap.InitialContextSetupRequest, integrity: int, ciphering: int) -> None:
    """What the UE context keeps. Criticality ignore may leave some of it out (§10.3.5)."""
    guami: ngap.GUAMI | None = message.guami
    allowed: list[ngap.AllowedNSSAIItem] | None = message.allowed_nssai
    ue.commit(
        has_context=True,
        guami=None if guami is None else guami_of(guami),
        keys=AsKeys(message.security_key.to_bytes(32, "big")),
        capabilities=message.ue_security_capabilities,
        nr_integrity=integrity,
        nr_ciphering=ciphering,
        ambr=message.ue_aggregate_maximum_bit_rate or ue.context.ambr,
        allowed_nssai=tuple(s_nssai_of(item.s_nssai) for item in allowed or ()),
        mobility_restriction=message.mobility_restriction_list,
        inactive_assistance=message.core_network_assistance_information_for_inactive,
    )
    rrc_inactive.requested(ue, message.rrc_inactive_transition_report_request)


def _response(
    n2: N2, ue: UeContext, message: ngap.InitialContextSetupRequest, granted: Granted
) -> ngap.InitialContextSetupResponse:
    set_up = [
        ngap.PDUSessionResourceSetupItemCxtRes(
            pdu_session_id=psi,
            pdu_session_resource_setup_response_transfer=response_transfer(n2, session, refused),
        )
        for psi, (session, refused) in granted.admitted.items()
    ]
    failed = [
        ngap.PDUSessionResourceFailedToSetupItemCxtRes(
            pdu_session_id=psi, pdu_session_resource_setup_unsuccessful_transfer=unsuccessful_transfer(cause)
        )
        for psi, cause in granted.failed.items()
    ]
    return ngap.InitialContextSetupResponse(
        amf_ue_ngap_id=message.amf_ue_ngap_id,
        ran_ue_ngap_id=ue.ran_ue_ngap_id,
        pdu_session_resource_setup_list_cxt_res=set_up or None,
        pdu_session_resource_failed_to_setup_list_cxt_res=failed or None,
    )


def _fail(ue: UeContext, message: ngap.InitialContextSetupRequest, cause: ngap.Cause) -> None:
    """INITIAL CONTEXT SETUP FAILURE, §8.3.1.3: each session that was asked for has failed with it."""
    failed = [
        ngap.PDUSessionResourceFailedToSetupItemCxtFail(
            pdu_session_id=item.pdu_session_id,
            pdu_session_resource_setup_unsuccessful_transfer=unsuccessful_transfer(cause),
        )
        for item in message.pdu_session_resource_setup_list_cxt_req or ()
    ]
    ue.tell(
        ngap.InitialContextSetupFailure(
            amf_ue_ngap_id=message.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            cause=cause,
            pdu_session_resource_failed_to_setup_list_cxt_fail=failed or None,
        )
    )
