"""UE context management, TS 38.413 §8.3: initial context setup and modification."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.procedures import pdu_session
from cinq.wire import ngap

_INTEGRITY = (2, 1, 3)  # the operator's preference, TS 33.501 §5.11
_CIPHERING = (2, 1, 3, 0)


def initial_context_setup(n2: N2, message: ngap.InitialContextSetupRequest) -> None:
    """INITIAL CONTEXT SETUP, §8.3.1. Sessions first, then the NAS message, then the answer."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    integrity = _select(message.ue_security_capabilities.nr_integrity_protection_algorithms, _INTEGRITY)
    if not ue.reached or integrity is None:
        _fail(n2, ue, message)
        return
    ue.commit(
        nr_integrity=integrity,
        nr_ciphering=_select(message.ue_security_capabilities.nr_encryption_algorithms, _CIPHERING) or 0,
        kgnb=message.security_key.to_bytes(32, "big"),
        has_context=True,
    )
    done = pdu_session.SetUp()
    for item in message.pdu_session_resource_setup_list_cxt_req or ():
        pdu_session.set_up(
            n2, ue, item.pdu_session_id, item.pdu_session_resource_setup_request_transfer, done
        )
        if item.nas_pdu is not None and item.pdu_session_id in done.tunnels:
            done.nas.append(item.nas_pdu)
    n2.tell_of(ue, _response(ue, message, done))
    if message.nas_pdu is not None:
        ue.deliver(message.nas_pdu)
    for nas in done.nas:
        ue.deliver(nas)
    if message.ue_radio_capability is None:
        _radio_capability(n2, ue)


def _response(
    ue: UeContext, message: ngap.InitialContextSetupRequest, done: pdu_session.SetUp
) -> ngap.InitialContextSetupResponse:
    set_up = [
        ngap.PDUSessionResourceSetupItemCxtRes(
            pdu_session_id=psi, pdu_session_resource_setup_response_transfer=transfer
        )
        for psi, transfer in done.tunnels.items()
    ]
    failed = [
        ngap.PDUSessionResourceFailedToSetupItemCxtRes(
            pdu_session_id=psi, pdu_session_resource_setup_unsuccessful_transfer=transfer
        )
        for psi, transfer in done.failed.items()
    ]
    return ngap.InitialContextSetupResponse(
        amf_ue_ngap_id=message.amf_ue_ngap_id,
        ran_ue_ngap_id=ue.ran_ue_ngap_id,
        pdu_session_resource_setup_list_cxt_res=set_up or None,
        pdu_session_resource_failed_to_setup_list_cxt_res=failed or None,
    )


def _fail(n2: N2, ue: UeContext, message: ngap.InitialContextSetupRequest) -> None:
    """INITIAL CONTEXT SETUP FAILURE, §8.3.1.3."""
    gone = not ue.reached
    cause: ngap.CauseRadioNetwork = (
        "radio-connection-with-ue-lost"
        if gone
        else "encryption-and-or-integrity-protection-algorithms-not-supported"
    )
    n2.tell_of(
        ue,
        ngap.InitialContextSetupFailure(
            amf_ue_ngap_id=message.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            cause=("radioNetwork", cause),
        ),
    )


def _select(offered: tuple[int, int], preferred: tuple[int, ...]) -> int | None:
    """The first preferred algorithm that the UE supports. The first bit is algorithm 1, TS 38.413 §9.3.1.86.

    None: the UE supports none of them. Algorithm 0 needs no bit.
    """
    bits, size = offered
    for algorithm in preferred:
        if algorithm == 0 or bits >> size - algorithm & 1:
            return algorithm
    return None


def _radio_capability(n2: N2, ue: UeContext) -> None:
    """UE RADIO CAPABILITY INFO INDICATION, §8.14.1, where the settings give the UEs a capability to report."""
    capability = n2.ports.settings.ue_radio_capability
    if capability and ue.amf_ue_ngap_id is not None:
        n2.tell_of(
            ue,
            ngap.UERadioCapabilityInfoIndication(
                amf_ue_ngap_id=ue.amf_ue_ngap_id,
                ran_ue_ngap_id=ue.ran_ue_ngap_id,
                ue_radio_capability=capability,
            ),
        )


def modification(n2: N2, message: ngap.UEContextModificationRequest) -> None:
    """UE CONTEXT MODIFICATION, §8.3.4: a new security key, AMF-UE-NGAP-ID or UE-AMBR."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    if message.security_key is not None:
        ue.commit(kgnb=message.security_key.to_bytes(32, "big"))
    if message.new_amf_ue_ngap_id is not None:
        n2.name(ue, message.new_amf_ue_ngap_id)
    n2.tell_of(
        ue,
        ngap.UEContextModificationResponse(
            amf_ue_ngap_id=message.amf_ue_ngap_id if ue.amf_ue_ngap_id is None else ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
        ),
    )
