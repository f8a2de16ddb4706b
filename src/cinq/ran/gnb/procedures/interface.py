"""Interface management and the rest: configuration, overload, paging, location (TS 38.413 §8.5, §8.7)."""

from __future__ import annotations

from cinq.numbering import STmsi
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.procedures.ng_setup import announced
from cinq.wire import ngap


def amf_configuration_update(n2: N2, message: ngap.AMFConfigurationUpdate) -> None:
    """AMF CONFIGURATION UPDATE, §8.7.3. Further TNL associations are not opened, and listed as failed."""
    n2.commit(**announced(message))
    failed = [
        ngap.TNLAssociationItem(
            tnl_association_address=item.amf_tnl_association_address,
            cause=("transport", "transport-resource-unavailable"),
        )
        for item in message.amf_tnl_association_to_add_list or ()
    ]
    n2.send(ngap.AMFConfigurationUpdateAcknowledge(amf_tnl_association_failed_to_setup_list=failed or None))


def overload(n2: N2, message: ngap.OverloadStart | ngap.OverloadStop) -> None:
    """OVERLOAD START and STOP, §8.7.6 and §8.7.7: only emergency, high priority and paged UEs may come."""
    n2.commit(overload=isinstance(message, ngap.OverloadStart))


def paging(n2: N2, message: ngap.Paging) -> None:
    """PAGING, §8.5.1, in this gNB's tracking area. Both IEs may be missing (§10.3.5): nobody is paged, or anywhere."""
    settings = n2.ports.settings
    here = (settings.plmn.octets, settings.tac.to_bytes(3, "big"))
    area: list[ngap.TAIListForPagingItem] | None = message.tai_list_for_paging
    if area is not None and all((item.tai.plmn_identity, item.tai.tac) != here for item in area):
        return
    identity: ngap.UEPagingIdentity | None = message.ue_paging_identity
    if identity is not None and identity[0] == "fiveG-S-TMSI":
        s = identity[1]
        n2.ports.radio.page(STmsi(s.amf_set_id, s.amf_pointer, int.from_bytes(s.five_g_tmsi, "big")))


def location_reporting_control(n2: N2, message: ngap.LocationReportingControl) -> None:
    """LOCATION REPORTING CONTROL, §8.12.1: a direct request is answered, the cell never changes."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    kind: ngap.LocationReportingRequestType | None = message.location_reporting_request_type
    if kind is None or kind.event_type != "direct":
        return
    n2.tell_of(
        ue,
        ngap.LocationReport(
            amf_ue_ngap_id=message.amf_ue_ngap_id,
            ran_ue_ngap_id=message.ran_ue_ngap_id,
            user_location_information=n2.ports.radio.location,
            location_reporting_request_type=kind,
        ),
    )


def radio_capability_check(n2: N2, message: ngap.UERadioCapabilityCheckRequest) -> None:
    """UE RADIO CAPABILITY CHECK, §8.14.2: IMS voice is not supported."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is not None:
        n2.tell_of(
            ue,
            ngap.UERadioCapabilityCheckResponse(
                amf_ue_ngap_id=message.amf_ue_ngap_id,
                ran_ue_ngap_id=message.ran_ue_ngap_id,
                ims_voice_support_indicator="not-supported",
            ),
        )


def handover_request(n2: N2, message: ngap.HandoverRequest) -> None:
    """HANDOVER REQUEST, §8.4.2: this gNB is no target."""
    n2.send(
        ngap.HandoverFailure(
            amf_ue_ngap_id=message.amf_ue_ngap_id,
            cause=("radioNetwork", "ho-failure-in-target-5GC-ngran-node-or-target-system"),
        )
    )
