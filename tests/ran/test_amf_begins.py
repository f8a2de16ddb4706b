"""What an AMF begins, TS 38.413 clause 8, and what the gNB does of it."""

from __future__ import annotations

import hmac

import pytest

from cinq.numbering import AmfId, PlmnId, SNssai
from cinq.ran.gnb.context import Overload
from cinq.ran.gnb.procedures import overload, rrc_inactive
from cinq.ran.radio.port import EstablishmentCause
from cinq.settings import HexOctets
from cinq.wire import ngap

from .core import settle
from .scene import IDS, PLMN, SST, Scene, scene

# §8.3


def test_a_new_key() -> None:
    """§8.3.4, TS 33.501 §6.9.4.4: the chain begins anew, by a handover in the cell (annex A.11).

    The report of the RRC state follows (§8.3.5).
    """

    async def act(s: Scene) -> None:
        security = s.ue.security
        assert security.current is not None
        security.current.nas.ul_count = 70  # as if SECURITY MODE COMPLETE 69 had been the last
        security._as_begins()
        assert security.as_chain is not None
        kgnb = security.as_chain.kgnb
        request = ngap.UEContextModificationRequest(
            **IDS,
            security_key=int.from_bytes(kgnb, "big"),
            new_amf_ue_ngap_id=99,
            rrc_inactive_transition_report_request="subsequent-state-transition-report",
        )
        (answer,) = await s.answers(request)
        assert isinstance(answer, ngap.UEContextModificationResponse)
        assert (answer.amf_ue_ngap_id, answer.rrc_state) == (99, "connected")
        cell = s.context.cell
        fc = f"70 {cell.pci:04x} 0002 {cell.arfcn:06x} 0003"
        assert s.context.kgnb == hmac.digest(kgnb, bytes.fromhex(fc), "sha256")
        assert (security.as_chain.kgnb, security.as_chain.ncc) == (s.context.kgnb, 0)
        assert s.context.amf_ue_ngap_id == 99

    scene(act)


def test_capabilities_that_fit_nothing() -> None:
    async def act(s: Scene) -> None:
        none = ngap.UESecurityCapabilities(
            nr_encryption_algorithms=(0, 16),
            nr_integrity_protection_algorithms=(0, 16),
            eutra_encryption_algorithms=(0, 16),
            eutra_integrity_protection_algorithms=(0, 16),
        )
        (answer,) = await s.answers(ngap.UEContextModificationRequest(**IDS, ue_security_capabilities=none))
        assert isinstance(answer, ngap.UEContextModificationFailure)

    scene(act)


# §8.5 to §8.9


def paging(tac: int, s: Scene) -> ngap.Paging:
    guti = s.ue.context.guti
    assert guti is not None
    identity = ngap.FiveGSTMSI(
        amf_set_id=guti.amf.set, amf_pointer=guti.amf.pointer, five_g_tmsi=guti.tmsi.to_bytes(4, "big")
    )
    tai = ngap.TAI(plmn_identity=PLMN, tac=tac.to_bytes(3, "big"))
    return ngap.Paging(
        ue_paging_identity=("fiveG-S-TMSI", identity),
        tai_list_for_paging=[ngap.TAIListForPagingItem(tai=tai)],
    )


def test_paged_where_it_is() -> None:
    """§8.5.1: a UE hears paging in its own cell only."""

    async def act(s: Scene) -> None:
        s.radio.gnb.release(s.context)
        await settle()
        assert await s.answers(paging(7, s)) == []
        s.ue.link.reselect(s.radio.gnb.cells[1].identity.nci)
        await settle()
        assert await s.answers(paging(1, s)) == []
        answers = await s.answers(paging(7, s))
        assert isinstance(answers[0], ngap.InitialUEMessage)
        assert answers[0].rrc_establishment_cause == "mt-Access"

    scene(act)


ALL: tuple[EstablishmentCause, ...] = (
    "emergency",
    "highPriorityAccess",
    "mt-Access",
    "mo-Signalling",
    "mo-Data",
    "mo-VoiceCall",
    "mo-VideoCall",
    "mo-SMS",
    "mps-PriorityAccess",
    "mcs-PriorityAccess",
)
DATA = {"mo-Data", "mo-VoiceCall", "mo-VideoCall", "mo-SMS"}


@pytest.mark.parametrize(
    ("action", "barred"),
    [
        ("reject-non-emergency-mo-dt", DATA),
        ("reject-rrc-cr-signalling", {*DATA, "mo-Signalling"}),
        (
            "permit-emergency-sessions-and-mobile-terminated-services-only",
            {*ALL} - {"emergency", "mt-Access"},
        ),
        (
            "permit-high-priority-sessions-and-mobile-terminated-services-only",
            {*ALL} - {"highPriorityAccess", "mps-PriorityAccess", "mcs-PriorityAccess", "mt-Access"},
        ),
    ],
)
def test_overload_by_kind(action: ngap.OverloadAction, barred: set[str]) -> None:
    """§8.7.7.2: which establishment causes are rejected."""

    async def act(s: Scene) -> None:
        n2 = s.radio.gnb.n2
        await s.answers(ngap.OverloadStart(amf_overload_response=("overloadAction", action)))
        assert {cause for cause in ALL if overload.barred(n2, cause)} == barred
        await s.answers(ngap.OverloadStop())
        assert not any(overload.barred(n2, cause) for cause in ALL)

    scene(act)


def test_overload_by_percentage() -> None:
    async def act(s: Scene) -> None:
        n2 = s.radio.gnb.n2
        await s.answers(ngap.OverloadStart(amf_traffic_load_reduction_indication=30))
        assert n2.context.overload == Overload(None, 30)
        assert sum(overload.barred(n2, "mo-Data") for _ in range(200)) == 60
        assert not any(overload.barred(n2, "emergency") for _ in range(200))

    scene(act)


def test_amf_status_and_configuration() -> None:
    """§8.7.6 and §8.7.3: names of any script are read."""

    async def act(s: Scene) -> None:
        guami = ngap.GUAMI(plmn_identity=PLMN, amf_region_id=1, amf_set_id=1, amf_pointer=0)
        unavailable = ngap.UnavailableGUAMIItem(guami=guami)
        assert await s.answers(ngap.AMFStatusIndication(unavailable_guami_list=[unavailable])) == []
        assert s.radio.gnb.n2.context.unavailable == ((PlmnId("999", "70"), AmfId(1, 1, 0)),)
        slices = [ngap.SliceSupportItem(s_nssai=ngap.SNSSAI(sst=b"\2", sd=b"\0\0\1"))]
        (answer,) = await s.answers(
            ngap.AMFConfigurationUpdate(
                amf_name="plain",
                extended_amf_name=ngap.ExtendedAMFName(amf_name_utf8_string="Zürich"),
                plmn_support_list=[ngap.PLMNSupportItem(plmn_identity=PLMN, slice_support_list=slices)],
            )
        )
        assert isinstance(answer, ngap.AMFConfigurationUpdateAcknowledge)
        context = s.radio.gnb.n2.context
        assert context.amf_name == "Zürich"
        assert context.slices == ((PlmnId("999", "70"), SNssai(2, 1)),)

    scene(act)


def warning(number: int, **changes: object) -> ngap.WriteReplaceWarningRequest:
    return ngap.WriteReplaceWarningRequest(
        message_identifier=number,
        serial_number=1,
        repetition_period=10,
        number_of_broadcasts_requested=3,
        **changes,  # type: ignore[arg-type]
    )


def test_warnings() -> None:
    """§8.9: broadcast where asked, replaced, concurrent, cancelled in an area, cancelled altogether."""

    async def act(s: Scene) -> None:
        n2 = s.radio.gnb.n2
        first, second = (cell.nci for cell in n2.cells)
        tai = ngap.TAI(plmn_identity=PLMN, tac=bytes((0, 0, 7)))
        (answer,) = await s.answers(warning(4370, warning_area_list=("tAIListForWarning", [tai])))
        assert isinstance(answer, ngap.WriteReplaceWarningResponse)
        assert answer.broadcast_completed_area_list is not None
        assert answer.broadcast_completed_area_list[0] == "tAIBroadcastNR"
        assert set(n2.warnings) == {(second, 4370, 1)}
        await s.answers(warning(4371))
        assert set(n2.warnings) == {(first, 4371, 1), (second, 4371, 1)}
        await s.answers(warning(4372, concurrent_warning_message_ind="true"))
        assert len(n2.warnings) == 4
        cell = ngap.NRCGI(plmn_identity=PLMN, nr_cell_identity=first)
        (answer,) = await s.answers(
            ngap.PWSCancelRequest(
                message_identifier=4371,
                serial_number=1,
                warning_area_list=("nR-CGIListForWarning", [cell]),
            )
        )
        assert isinstance(answer, ngap.PWSCancelResponse)
        assert answer.broadcast_cancelled_area_list == (
            "cellIDCancelledNR",
            [ngap.CellIDCancelledNRItem(nr_cgi=cell, number_of_broadcasts=0)],
        )
        (answer,) = await s.answers(ngap.PWSCancelRequest(message_identifier=9999, serial_number=1))
        assert isinstance(answer, ngap.PWSCancelResponse)
        assert answer.broadcast_cancelled_area_list is None
        await s.answers(
            ngap.PWSCancelRequest(message_identifier=1, serial_number=1, cancel_all_warning_messages="true")
        )
        assert not n2.warnings
        (answer,) = await s.answers(warning(4373))
        nothing = warning(4374)
        nothing.number_of_broadcasts_requested = 0
        (answer,) = await s.answers(nothing)
        assert isinstance(answer, ngap.WriteReplaceWarningResponse)
        assert answer.broadcast_completed_area_list is None

    scene(act)


# §8.10 to §8.14


def test_relayed() -> None:
    """§8.10, §8.8: to the bench; a question for our Xn addresses is answered."""

    async def act(s: Scene) -> None:
        seen: list[ngap.Pdu] = []
        s.radio.gnb.n2.on_relayed = seen.append
        await s.answers(ngap.DownlinkUEAssociatedNRPPaTransport(**IDS, routing_id=b"\1", nrppa_pdu=b"\2"))
        await s.answers(ngap.DownlinkNonUEAssociatedNRPPaTransport(routing_id=b"\1", nrppa_pdu=b"\2"))
        assert [type(m).__name__ for m in seen] == [
            "DownlinkUEAssociatedNRPPaTransport",
            "DownlinkNonUEAssociatedNRPPaTransport",
        ]
        gnb = ngap.GlobalGNBID(plmn_identity=PLMN, gnb_id=("gNB-ID", (77, 24)))
        tai = ngap.TAI(plmn_identity=PLMN, tac=bytes(3))
        asks = ngap.SONConfigurationTransfer(
            target_ran_node_id_son=ngap.TargetRANNodeIDSON(
                global_ran_node_id=("globalGNB-ID", gnb), selected_tai=tai
            ),
            source_ran_node_id=ngap.SourceRANNodeID(
                global_ran_node_id=("globalGNB-ID", gnb), selected_tai=tai
            ),
            son_information=("sONInformationRequest", "xn-TNL-configuration-info"),
        )
        (answer,) = await s.answers(ngap.DownlinkRANConfigurationTransfer(son_configuration_transfer_dl=asks))
        assert isinstance(answer, ngap.UplinkRANConfigurationTransfer)
        assert answer.son_configuration_transfer_ul is not None
        assert answer.son_configuration_transfer_ul.son_information[0] == "sONInformationReply"

    scene(act)


def trace(number: int) -> ngap.TraceActivation:
    return ngap.TraceActivation(
        ngran_trace_id=number.to_bytes(8, "big"),
        interfaces_to_trace=0x80,
        trace_depth="minimum",
        trace_collection_entity_ip_address=(0x0A000001, 32),
    )


def test_trace() -> None:
    async def act(s: Scene) -> None:
        assert await s.answers(ngap.TraceStart(**IDS, trace_activation=trace(1))) == []
        assert await s.answers(ngap.TraceStart(**IDS, trace_activation=trace(2))) == []
        assert len(s.context.context.traces) == 2
        await s.answers(ngap.DeactivateTrace(**IDS, ngran_trace_id=trace(1).ngran_trace_id))
        assert [t.ngran_trace_id[-1] for t in s.context.context.traces] == [2]
        s.context.commit(leaving="xn-handover-triggered")
        (answer,) = await s.answers(ngap.TraceStart(**IDS, trace_activation=trace(3)))
        assert isinstance(answer, ngap.TraceFailureIndication)
        assert answer.cause == ("radioNetwork", "xn-handover-triggered")

    scene(act)


def control(event: ngap.EventType, **changes: object) -> ngap.LocationReportingControl:
    kind = ngap.LocationReportingRequestType(event_type=event, report_area="cell", **changes)  # type: ignore[arg-type]
    return ngap.LocationReportingControl(**IDS, location_reporting_request_type=kind)


def area(number: int, tac: int) -> ngap.AreaOfInterestItem:
    tai = ngap.TAI(plmn_identity=PLMN, tac=tac.to_bytes(3, "big"))
    one = ngap.AreaOfInterest(area_of_interest_tai_list=[ngap.AreaOfInterestTAIItem(tai=tai)])
    return ngap.AreaOfInterestItem(area_of_interest=one, location_reporting_reference_id=number)


def test_location_reporting() -> None:
    """§8.12: at once, at each change of cell, of presence in an area; stopped, and refused."""

    async def act(s: Scene) -> None:
        gnb = s.radio.gnb
        (answer,) = await s.answers(control("direct"))
        assert isinstance(answer, ngap.LocationReport)
        assert len(await s.answers(control("change-of-serve-cell"))) == 1
        before = len(s.core.heard)
        await gnb.hand_over(s.context, gnb.cells[1])
        await settle()
        (report,) = s.core.heard[before:]
        assert isinstance(report, ngap.LocationReport)
        assert report.user_location_information[1].tai.tac[-1] == 7  # type: ignore[union-attr]
        assert await s.answers(control("stop-change-of-serve-cell")) == []
        areas = [area(1, 7), area(2, 1)]
        (answer,) = await s.answers(control("ue-presence-in-area-of-interest", area_of_interest_list=areas))
        assert isinstance(answer, ngap.LocationReport)
        presence = answer.ue_presence_in_area_of_interest_list or []
        assert [(p.location_reporting_reference_id, p.ue_presence) for p in presence] == [
            (1, "in"),
            (2, "out"),
        ]
        before = len(s.core.heard)
        await gnb.hand_over(s.context, gnb.cells[0])
        await settle()
        assert len(s.core.heard) == before + 1
        await s.answers(
            control("stop-ue-presence-in-area-of-interest", location_reporting_reference_id_to_be_cancelled=1)
        )
        (kept,) = s.context.context.location_reports
        assert [a.location_reporting_reference_id for a in kept.area_of_interest_list or ()] == [2]
        await s.answers(control("cancel-location-reporting-for-the-ue"))
        assert not s.context.context.location_reports
        (answer,) = await s.answers(
            control("ue-presence-in-area-of-interest", area_of_interest_list=[area(1, 7), area(1, 1)])
        )
        assert isinstance(answer, ngap.LocationReportingFailureIndication)
        assert answer.cause == ("radioNetwork", "multiple-location-reporting-reference-ID-instances")

    scene(act)


def test_radio_capability() -> None:
    """§8.14.1 and §8.14.2: reported after a context without one, and once more when it is asked for."""

    async def act(s: Scene) -> None:
        told = [m for m in s.core.heard if isinstance(m, ngap.UERadioCapabilityInfoIndication)]
        assert [m.ue_radio_capability for m in told] == [b"\xca\xfe"]
        answers = await s.answers(ngap.UERadioCapabilityCheckRequest(**IDS))
        assert [type(m).__name__ for m in answers] == ["UERadioCapabilityCheckResponse"]
        s.context.commit(radio_capability=b"")
        answers = await s.answers(ngap.UERadioCapabilityCheckRequest(**IDS))
        assert [type(m).__name__ for m in answers] == [
            "UERadioCapabilityCheckResponse",
            "UERadioCapabilityInfoIndication",
        ]

    scene(act, ue_radio_capability=HexOctets(b"\xca\xfe"))


def test_rerouted() -> None:
    """§8.6.5: within the AMF's set the message goes again with what the first AMF learned; else the UE is let go."""

    async def act(s: Scene) -> None:
        other = s.radio.ue(s.ue.settings.numbered(1))
        s.core.silent.add(ngap.InitialUEMessage)
        s.radio.runtime.spawn(other.register, "registration")
        await settle()
        initial = s.core.heard[-1]
        assert isinstance(initial, ngap.InitialUEMessage)
        reroute = ngap.RerouteNASRequest(
            ran_ue_ngap_id=initial.ran_ue_ngap_id,
            amf_ue_ngap_id=5,
            ngap_message=ngap.encode(initial),
            amf_set_id=1,
            allowed_nssai=[ngap.AllowedNSSAIItem(s_nssai=SST)],
        )
        (again,) = await s.answers(reroute)
        assert isinstance(again, ngap.InitialUEMessage)
        assert (again.amf_set_id, again.nas_pdu) == (1, initial.nas_pdu)
        assert again.allowed_nssai == reroute.allowed_nssai
        reroute.amf_set_id = 9
        assert await s.answers(reroute) == []
        assert not other.link.connected

    scene(act)


def test_rrc_inactive() -> None:
    """§8.3.5, §8.3.14: what is reported of the RRC state, and that the UE is found by RAN paging."""

    async def act(s: Scene) -> None:
        s.context.commit(report_rrc="subsequent-state-transition-report")
        before = len(s.core.heard)
        rrc_inactive.suspend(s.context)
        await settle()
        s.core.tell(ngap.RANPagingRequest(**IDS))
        await settle()
        states = [
            m.rrc_state for m in s.core.heard[before:] if isinstance(m, ngap.RRCInactiveTransitionReport)
        ]
        assert states == ["inactive", "connected"]

    scene(act)
