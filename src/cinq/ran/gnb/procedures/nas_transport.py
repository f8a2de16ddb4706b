"""Transport of NAS messages, TS 38.413 §8.6."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.radio.port import RrcSetup
from cinq.wire import ngap


def initial_ue_message(n2: N2, ue: UeContext, setup: RrcSetup) -> None:
    """INITIAL UE MESSAGE, §8.6.1. The UE context is always asked for, as a gNB does for a UE that may get bearers."""
    s_tmsi = None
    if setup.s_tmsi is not None:
        s_tmsi = ngap.FiveGSTMSI(
            amf_set_id=setup.s_tmsi.amf_set,
            amf_pointer=setup.s_tmsi.amf_pointer,
            five_g_tmsi=setup.s_tmsi.tmsi.to_bytes(4, "big"),
        )
    message = ngap.InitialUEMessage(
        ran_ue_ngap_id=ue.ran_ue_ngap_id,
        nas_pdu=setup.nas,
        user_location_information=n2.ports.radio.location,
        rrc_establishment_cause=setup.cause,
        five_g_s_tmsi=s_tmsi,
        ue_context_request="requested",
    )
    n2.tell_of(ue, message)


def uplink(n2: N2, ue: UeContext, nas: bytes) -> None:
    """UPLINK NAS TRANSPORT, §8.6.3. Before the AMF has answered there is nobody to send it to."""
    if ue.amf_ue_ngap_id is None:
        return
    message = ngap.UplinkNASTransport(
        amf_ue_ngap_id=ue.amf_ue_ngap_id,
        ran_ue_ngap_id=ue.ran_ue_ngap_id,
        nas_pdu=nas,
        user_location_information=n2.ports.radio.location,
    )
    n2.tell_of(ue, message)


def downlink(n2: N2, message: ngap.DownlinkNASTransport) -> None:
    """DOWNLINK NAS TRANSPORT, §8.6.2; NAS NON DELIVERY INDICATION (§8.6.4) where the radio link is gone."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    if ue.reached:
        ue.link.deliver(message.nas_pdu)
        return
    n2.tell_of(
        ue,
        ngap.NASNonDeliveryIndication(
            amf_ue_ngap_id=message.amf_ue_ngap_id,
            ran_ue_ngap_id=message.ran_ue_ngap_id,
            nas_pdu=message.nas_pdu,
            cause=("radioNetwork", "radio-connection-with-ue-lost"),
        ),
    )


def reroute(n2: N2, message: ngap.RerouteNASRequest) -> None:
    """REROUTE NAS REQUEST, §8.6.5. With one AMF only the initial message can go nowhere but back to it."""
    ue = n2.ues.get(message.ran_ue_ngap_id)
    if ue is not None:
        n2.forget(ue, "rerouted to an AMF that this gNB does not reach")
