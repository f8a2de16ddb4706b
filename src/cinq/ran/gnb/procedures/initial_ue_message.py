"""Initial UE Message, TS 38.413 §8.6.1, and Reroute NAS Request, §8.6.5."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import s_tmsi
from cinq.ran.radio.port import RrcSetup
from cinq.wire import ngap


def send(n2: N2, ue: UeContext, setup: RrcSetup) -> None:
    """INITIAL UE MESSAGE. The UE context is always asked for, as a gNB does for a UE that may get bearers."""
    ue.tell(
        ngap.InitialUEMessage(
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            nas_pdu=setup.nas,
            user_location_information=ue.location,
            rrc_establishment_cause=setup.cause,
            five_g_s_tmsi=None if setup.s_tmsi is None else s_tmsi(setup.s_tmsi),
            ue_context_request="requested",
        )
    )


def reroute(n2: N2, message: ngap.RerouteNASRequest) -> None:
    """REROUTE NAS REQUEST: the message goes again, to an AMF of the set, with what the first AMF learned (§8.6.5.2).

    This gNB has one AMF. Where that is of the set the message goes back to it; else the UE is let go.
    """
    ue = n2.ues.get(message.ran_ue_ngap_id)
    if ue is None:
        return
    try:
        initial = ngap.decode(message.ngap_message)
    except ngap.NgapError:
        initial = None
    served = {amf.set for _, amf in n2.context.guamis}
    if not isinstance(initial, ngap.InitialUEMessage) or message.amf_set_id not in served:
        n2.forget(ue, f"rerouted to AMF set {message.amf_set_id}, which this gNB does not reach")
        return
    initial.ran_ue_ngap_id = ue.ran_ue_ngap_id
    initial.amf_set_id = message.amf_set_id
    initial.allowed_nssai = message.allowed_nssai
    initial.partially_allowed_nssai = message.partially_allowed_nssai
    initial.source_to_target_amf_information_reroute = message.source_to_target_amf_information_reroute
    ue.tell(initial)
