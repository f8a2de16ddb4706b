"""Transport of NAS messages, TS 38.413 §8.6.2 to §8.6.4."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import s_nssai_of
from cinq.ran.gnb.procedures import radio_capability, rrc_inactive
from cinq.wire import ngap


def uplink(n2: N2, ue: UeContext, nas: bytes) -> None:
    """UPLINK NAS TRANSPORT, §8.6.3. Before the AMF has answered there is nobody to send it to."""
    if ue.amf_ue_ngap_id is None:
        return
    rrc_inactive.resume(ue)
    ue.tell(
        ngap.UplinkNASTransport(
            amf_ue_ngap_id=ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            nas_pdu=nas,
            user_location_information=ue.location,
        )
    )


def downlink(n2: N2, message: ngap.DownlinkNASTransport) -> None:
    """DOWNLINK NAS TRANSPORT, §8.6.2; what cannot be delivered is reported (§8.6.4)."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    _store(ue, message)
    if not ue.reached:
        cause = ue.context.leaving or "radio-connection-with-ue-lost"
        not_delivered(ue, message.nas_pdu, ("radioNetwork", cause))
        return
    rrc_inactive.paged(ue)
    ue.deliver(message.nas_pdu)
    if message.ue_capability_info_request is not None:
        radio_capability.indicate(ue)


def _store(ue: UeContext, message: ngap.DownlinkNASTransport) -> None:
    """What §8.6.2.2 says is kept in the UE context."""
    changes: dict[str, object] = {}
    if message.ue_aggregate_maximum_bit_rate is not None:
        changes["ambr"] = message.ue_aggregate_maximum_bit_rate
    if message.mobility_restriction_list is not None:
        changes["mobility_restriction"] = message.mobility_restriction_list
    if message.allowed_nssai is not None:
        changes["allowed_nssai"] = tuple(s_nssai_of(item.s_nssai) for item in message.allowed_nssai)
    if changes:
        ue.commit(**changes)


def not_delivered(ue: UeContext, nas: bytes, cause: ngap.Cause) -> None:
    """NAS NON DELIVERY INDICATION, §8.6.4."""
    assert ue.amf_ue_ngap_id is not None
    ue.tell(
        ngap.NASNonDeliveryIndication(
            amf_ue_ngap_id=ue.amf_ue_ngap_id, ran_ue_ngap_id=ue.ran_ue_ngap_id, nas_pdu=nas, cause=cause
        )
    )
