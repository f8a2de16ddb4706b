"""The rarer messages of an AMF, spoilt as test_hostile_amf's table has it: nothing is raised, nobody else notices."""

from __future__ import annotations

import pytest

from cinq.procedure import run_virtual
from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.n2.elements import global_gnb_id, nr_cgi, tai
from cinq.ran.radio.rrc import HANDOVER_PREPARATION_INFORMATION
from cinq.wire import ngap

from .core import CoreUe, settle, transfer
from .mobility import CAPABILITIES
from .test_hostile_amf import CAUSE, GUAMI, SST, World, judge, mutations, resets_all

TRACE = ngap.TraceActivation(
    ngran_trace_id=bytes(8),
    interfaces_to_trace=0x80,
    trace_depth="minimum",
    trace_collection_entity_ip_address=(1, 32),
)


def container(cell: CellId) -> bytes:
    here = ngap.LastVisitedNGRANCellInformation(
        global_cell_id=("nR-CGI", nr_cgi(cell)),
        cell_type=ngap.CellType(cell_size="small"),
        time_ue_stayed_in_cell=1,
    )
    return ngap.encode_value(
        ngap.SourceNGRANNodeToTargetNGRANNodeTransparentContainer(
            rrc_container=HANDOVER_PREPARATION_INFORMATION,
            target_cell_id=("nR-CGI", nr_cgi(cell)),
            ue_history_information=[
                ngap.LastVisitedCellItem(last_visited_cell_information=("nGRANCell", here))
            ],
            pdu_session_resource_information_list=[
                ngap.PDUSessionResourceInformationItem(
                    pdu_session_id=1,
                    qos_flow_information_list=[
                        ngap.QosFlowInformationItem(
                            qos_flow_identifier=9, dl_forwarding="dl-forwarding-proposed"
                        )
                    ],
                )
            ],
        )
    )


def handover(cell: CellId) -> ngap.HandoverRequest:
    return ngap.HandoverRequest(
        amf_ue_ngap_id=4711,
        handover_type="intra5gs",
        cause=CAUSE,
        ue_aggregate_maximum_bit_rate=ngap.UEAggregateMaximumBitRate(
            ue_aggregate_maximum_bit_rate_dl=1, ue_aggregate_maximum_bit_rate_ul=1
        ),
        ue_security_capabilities=CAPABILITIES,
        security_context=ngap.SecurityContext(next_hop_chaining_count=1, next_hop_nh=77),
        pdu_session_resource_setup_list_ho_req=[
            ngap.PDUSessionResourceSetupItemHOReq(
                pdu_session_id=1, s_nssai=SST, handover_request_transfer=transfer(1)
            )
        ],
        allowed_nssai=[ngap.AllowedNSSAIItem(s_nssai=SST)],
        source_to_target_transparent_container=container(cell),
        guami=GUAMI,
        trace_activation=TRACE,
        mobility_restriction_list=ngap.MobilityRestrictionList(serving_plmn=cell.gnb.plmn.octets),
        location_reporting_request_type=ngap.LocationReportingRequestType(
            event_type="change-of-serve-cell", report_area="cell"
        ),
        rrc_inactive_transition_report_request="subsequent-state-transition-report",
    )


def of_ue(ue: CoreUe) -> list[ngap.Pdu]:
    a, r = ue.amf_id, ue.ran_id
    count = ngap.COUNTValueForPDCPSN18(pdcp_sn18=1, hfn_pdcp_sn18=1)
    status = ngap.DRBsSubjectToStatusTransferItem(
        drb_id=1,
        drb_status_ul=("dRBStatusUL18", ngap.DRBStatusUL18(ul_count_value=count)),
        drb_status_dl=("dRBStatusDL18", ngap.DRBStatusDL18(dl_count_value=count)),
    )
    early = ngap.FirstDLCount(
        drbs_subject_to_early_status_transfer=[
            ngap.DRBsSubjectToEarlyStatusTransferItem(
                drb_id=1, first_dlcount=("dRBStatusDL18", ngap.DRBStatusDL18(dl_count_value=count))
            )
        ]
    )
    initial = ngap.InitialUEMessage(
        ran_ue_ngap_id=r,
        nas_pdu=b"\0",
        user_location_information=(
            "userLocationInformationNR",
            ngap.UserLocationInformationNR(
                nr_cgi=ngap.NRCGI(plmn_identity=GUAMI.plmn_identity, nr_cell_identity=1),
                tai=ngap.TAI(plmn_identity=GUAMI.plmn_identity, tac=bytes(3)),
            ),
        ),
        rrc_establishment_cause="mo-Data",
    )
    return [
        ngap.TraceStart(amf_ue_ngap_id=a, ran_ue_ngap_id=r, trace_activation=TRACE),
        ngap.DeactivateTrace(amf_ue_ngap_id=a, ran_ue_ngap_id=r, ngran_trace_id=bytes(8)),
        ngap.UERadioCapabilityCheckRequest(amf_ue_ngap_id=a, ran_ue_ngap_id=r, ue_radio_capability_id=b"\1"),
        ngap.UETNLABindingReleaseRequest(amf_ue_ngap_id=a, ran_ue_ngap_id=r),
        ngap.RANPagingRequest(amf_ue_ngap_id=a, ran_ue_ngap_id=r),
        ngap.ConnectionEstablishmentIndication(amf_ue_ngap_id=a, ran_ue_ngap_id=r, ue_radio_capability=b"\1"),
        ngap.DownlinkUEAssociatedNRPPaTransport(
            amf_ue_ngap_id=a, ran_ue_ngap_id=r, routing_id=b"\1", nrppa_pdu=b"\2"
        ),
        ngap.DownlinkRANStatusTransfer(
            amf_ue_ngap_id=a,
            ran_ue_ngap_id=r,
            ran_status_transfer_transparent_container=ngap.RANStatusTransferTransparentContainer(
                drbs_subject_to_status_transfer_list=[status]
            ),
        ),
        ngap.DownlinkRANEarlyStatusTransfer(
            amf_ue_ngap_id=a,
            ran_ue_ngap_id=r,
            early_status_transfer_transparent_container=ngap.EarlyStatusTransferTransparentContainer(
                procedure_stage=("first-dl-count", early)
            ),
        ),
        ngap.HandoverSuccess(amf_ue_ngap_id=a, ran_ue_ngap_id=r),
        ngap.HandoverCommand(
            amf_ue_ngap_id=a,
            ran_ue_ngap_id=r,
            handover_type="intra5gs",
            target_to_source_transparent_container=b"\0",
        ),
        ngap.HandoverPreparationFailure(amf_ue_ngap_id=a, ran_ue_ngap_id=r, cause=CAUSE),
        ngap.HandoverCancelAcknowledge(amf_ue_ngap_id=a, ran_ue_ngap_id=r),
        ngap.PathSwitchRequestAcknowledge(
            amf_ue_ngap_id=a,
            ran_ue_ngap_id=r,
            security_context=ngap.SecurityContext(next_hop_chaining_count=1, next_hop_nh=77),
            pdu_session_resource_switched_list=[
                ngap.PDUSessionResourceSwitchedItem(
                    pdu_session_id=1, path_switch_request_acknowledge_transfer=b"\0"
                )
            ],
            allowed_nssai=[ngap.AllowedNSSAIItem(s_nssai=SST)],
        ),
        ngap.RerouteNASRequest(
            ran_ue_ngap_id=r, amf_ue_ngap_id=a, ngap_message=ngap.encode(initial), amf_set_id=9
        ),
        ngap.UEContextModificationRequest(
            amf_ue_ngap_id=a,
            ran_ue_ngap_id=r,
            security_key=1,
            ue_security_capabilities=CAPABILITIES,
            rrc_inactive_transition_report_request="subsequent-state-transition-report",
        ),
        ngap.LocationReportingControl(
            amf_ue_ngap_id=a,
            ran_ue_ngap_id=r,
            location_reporting_request_type=ngap.LocationReportingRequestType(
                event_type="ue-presence-in-area-of-interest", report_area="cell"
            ),
        ),
        ngap.AMFCPRelocationIndication(amf_ue_ngap_id=a, ran_ue_ngap_id=r),
    ]


def of_interface(n2: N2) -> list[ngap.Pdu]:
    cell = n2.cells[0]
    overload: ngap.OverloadResponse = ("overloadAction", "reject-rrc-cr-signalling")
    asks = ngap.SONConfigurationTransfer(
        target_ran_node_id_son=ngap.TargetRANNodeIDSON(
            global_ran_node_id=global_gnb_id(n2.identity), selected_tai=tai(cell.tai)
        ),
        source_ran_node_id=ngap.SourceRANNodeID(
            global_ran_node_id=global_gnb_id(n2.identity), selected_tai=tai(cell.tai)
        ),
        son_information=("sONInformationRequest", "xn-TNL-configuration-info"),
    )
    return [
        handover(cell),
        ngap.OverloadStart(amf_overload_response=overload, amf_traffic_load_reduction_indication=50),
        ngap.OverloadStart(
            overload_start_nssai_list=[
                ngap.OverloadStartNSSAIItem(slice_overload_list=[ngap.SliceOverloadItem(s_nssai=SST)])
            ]
        ),
        ngap.OverloadStop(),
        ngap.DownlinkRANConfigurationTransfer(son_configuration_transfer_dl=asks),
        ngap.WriteReplaceWarningRequest(
            message_identifier=1,
            serial_number=1,
            repetition_period=1,
            number_of_broadcasts_requested=1,
            warning_area_list=("tAIListForWarning", [tai(cell.tai)]),
        ),
        ngap.PWSCancelRequest(
            message_identifier=1,
            serial_number=1,
            warning_area_list=("nR-CGIListForWarning", [nr_cgi(cell)]),
        ),
        ngap.AMFConfigurationUpdate(
            amf_tnl_association_to_add_list=[
                ngap.AMFTNLAssociationToAddItem(
                    amf_tnl_association_address=("endpointIPAddress", (1, 32)), tnl_address_weight_factor=1
                )
            ],
            amf_tnl_association_to_remove_list=[
                ngap.AMFTNLAssociationToRemoveItem(amf_tnl_association_address=("endpointIPAddress", (1, 32)))
            ],
        ),
        ngap.UEInformationTransfer(
            five_g_s_tmsi=ngap.FiveGSTMSI(amf_set_id=1, amf_pointer=0, five_g_tmsi=bytes(4))
        ),
        ngap.RANConfigurationUpdateAcknowledge(),
        ngap.RANConfigurationUpdateFailure(cause=CAUSE),
        ngap.UERadioCapabilityIDMappingResponse(ue_radio_capability_id=b"\1", ue_radio_capability=b"\2"),
    ]


@pytest.mark.parametrize("kind", ["UE", "interface"])
def test_whatever_the_amf_sends(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    sent = 0

    async def main() -> None:
        nonlocal sent
        world = World()
        await world.up()
        number = 0
        while True:
            n2 = world.radio.gnb.n2
            templates = of_ue(await world.attached()) if kind == "UE" else of_interface(n2)
            if number == len(templates):
                break
            for index in range(len(list(mutations(ngap.encode(templates[number]))))):
                at_core = await world.attached()
                templates = of_ue(at_core) if kind == "UE" else of_interface(n2)
                octets = list(mutations(ngap.encode(templates[number])))[index]
                if resets_all(octets):
                    continue
                try:
                    answers = world.answers(octets)
                    if not isinstance(templates[number], ngap.AMFConfigurationUpdate):
                        judge(octets, answers)
                    await settle(4)
                    world.undisturbed()
                except Exception as error:
                    told = f"{type(templates[number]).__name__} mutation {index}: {octets.hex()}"
                    raise AssertionError(told) from error
                n2.commit(overload=None)
                for ue in [ue for ue in n2.ues.values() if n2.connections.awaits(ue)]:
                    n2.forget(ue, "the test goes on")
                sent += 1
            number += 1

    run_virtual(main())
    assert not [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert sent > 250
