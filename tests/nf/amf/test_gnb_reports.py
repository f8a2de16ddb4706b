"""What a gNB says of a connected UE beside its sessions, and what it is asked: TS 38.413 §8.3, §8.11 to §8.15."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from cinq.nf.amf import signals
from cinq.nf.amf.context import UeContext
from cinq.nf.amf.n2.association import NgConnection
from cinq.numbering import Guti, STmsi
from cinq.sbi import Problem
from cinq.sbi.services.namf_location import NamfLocation, ProvideLocInfo, RequestLocInfo
from cinq.wire import ngap

from .gnb import Gnb
from .moves import acknowledge, arrive, is_served, notify, required, scene
from .phone import Phone
from .world import PLMN, World, run, supi_of

TRACE = ngap.TraceActivation(
    ngran_trace_id=bytes(8),
    interfaces_to_trace=0xC0,
    trace_depth="minimum",
    trace_collection_entity_ip_address=(0x0A000001, 32),
)


def ids(phone: Phone) -> dict[str, int]:
    return {"amf_ue_ngap_id": phone.amf_id or 0, "ran_ue_ngap_id": phone.ran_id}


def connection_of(world: World) -> NgConnection:
    connection = world.amf.registry.by_supi[supi_of(1)].connection
    assert connection is not None
    return connection


def location(cell: int, tac: int = 1) -> ngap.UserLocationInformation:
    cgi = ngap.NRCGI(plmn_identity=PLMN.octets, nr_cell_identity=cell)
    tai = ngap.TAI(plmn_identity=PLMN.octets, tac=tac.to_bytes(3, "big"))
    return ("userLocationInformationNR", ngap.UserLocationInformationNR(nr_cgi=cgi, tai=tai))


# location reporting, §8.12


async def located(world: World, current: bool = True) -> ProvideLocInfo:
    client = world.bus.client(NamfLocation, "GMLC")
    return await client.provide_location_info(str(supi_of(1)), RequestLocInfo(req_current_loc=current))


def cell_of(info: ProvideLocInfo) -> str:
    assert info.location is not None
    assert info.location.nr_location is not None
    return info.location.nr_location.ncgi.nr_cell_id


def age_of(info: ProvideLocInfo) -> int | None:
    """In minutes."""
    assert info.location is not None
    assert info.location.nr_location is not None
    return info.location.nr_location.age_of_location_information


def report(phone: Phone, cell: int, event: ngap.EventType = "direct") -> ngap.LocationReport:
    return ngap.LocationReport(
        **ids(phone),
        user_location_information=location(cell),
        location_reporting_request_type=ngap.LocationReportingRequestType(
            event_type=event, report_area="cell"
        ),
    )


def test_the_current_location_is_asked_for() -> None:
    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        assert cell_of(await located(world, current=False)) == "000000010"
        task = asyncio.ensure_future(located(world))
        await asyncio.sleep(0.1)
        control = gnb.last(ngap.LocationReportingControl)
        assert control.location_reporting_request_type.event_type == "direct"
        gnb.say(report(phone, 0x15))
        found = await task
        assert (found.current_loc, cell_of(found), age_of(found)) == (True, "000000015", 0)
        assert age_of(await located(world, current=False)) == 1  # the gNB was not asked
        await is_served(phone)

    run(test)


@pytest.mark.parametrize("silent", [True, False])
def test_a_gnb_that_does_not_report(silent: bool) -> None:
    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        task = asyncio.ensure_future(located(world))
        await asyncio.sleep(0.1)
        if not silent:
            gnb.say(
                ngap.LocationReportingFailureIndication(**ids(phone), cause=("radioNetwork", "unspecified"))
            )
        with pytest.raises(Problem) as problem:
            await task
        assert (problem.value.status, problem.value.cause) == (504, "UE_NOT_REACHABLE")
        await is_served(phone)

    run(test)


def test_an_idle_ue_is_where_it_was() -> None:
    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        gnb.say(report(phone, 0x17, "change-of-serve-cell"))  # nobody waits for it: it counts all the same
        gnb.say(ngap.UEContextReleaseRequest(**ids(phone), cause=("radioNetwork", "user-inactivity")))
        await asyncio.sleep(0.1)
        at = age_of(await located(world, current=False))
        assert at == 1
        await asyncio.sleep(180)
        found = await located(world)
        assert (found.current_loc, cell_of(found)) == (False, "000000017")
        assert age_of(found) is not None
        assert age_of(found) >= 3  # type: ignore[operator]
        assert found.location is not None
        assert found.location.nr_location is not None
        heard = found.location.nr_location.ue_location_timestamp
        assert heard is not None
        now = datetime.fromtimestamp(world.clock.now(), UTC)
        assert 180 <= (now - datetime.fromisoformat(heard.replace("Z", "+00:00"))).total_seconds() < 240
        await world.restart()
        with pytest.raises(Problem, match="not heard of"):
            await located(world)
        with pytest.raises(Problem, match="not registered"):
            await world.bus.client(NamfLocation, "GMLC").provide_location_info(
                "imsi-999700000000099", RequestLocInfo()
            )

    run(test)


def test_a_ue_that_moves_is_located_at_the_target() -> None:
    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        task = asyncio.ensure_future(located(world))
        await asyncio.sleep(0.1)
        source.say(required(phone))
        await asyncio.sleep(0.1)
        request = target.last(ngap.HandoverRequest)
        target.say(acknowledge(request))
        await asyncio.sleep(0.1)
        target.say(notify(request, target))
        arrive(phone, target, request.amf_ue_ngap_id)
        await asyncio.sleep(0.2)
        assert target.count(ngap.LocationReportingControl) == 1
        target.say(report(phone, 0x25))
        assert cell_of(await task) == "000000025"

    run(test)


def test_presence_in_an_area() -> None:
    """Of an event that reports later nobody waits; presence stands in the journal, and so does a failure."""

    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        area = ngap.AreaOfInterest(
            area_of_interest_tai_list=[
                ngap.AreaOfInterestTAIItem(tai=ngap.TAI(plmn_identity=PLMN.octets, tac=b"\0\0\1"))
            ]
        )
        wanted = ngap.LocationReportingRequestType(
            event_type="ue-presence-in-area-of-interest",
            report_area="cell",
            area_of_interest_list=[
                ngap.AreaOfInterestItem(area_of_interest=area, location_reporting_reference_id=3)
            ],
        )
        assert await connection_of(world).demand(signals.ControlLocationReports(wanted)) is None
        await asyncio.sleep(0.1)
        assert gnb.count(ngap.LocationReportingControl) == 1
        told = report(phone, 0x10, "ue-presence-in-area-of-interest")
        told.ue_presence_in_area_of_interest_list = [
            ngap.UEPresenceInAreaOfInterestItem(location_reporting_reference_id=3, ue_presence="in")
        ]
        gnb.say(told)
        gnb.say(ngap.LocationReportingFailureIndication(**ids(phone), cause=("radioNetwork", "unspecified")))
        await asyncio.sleep(0.1)
        assert "the UE is in area of interest 3" in world.causes()
        assert any("does not report the UE's location" in cause for cause in world.causes())

    run(test)


# trace, §8.11


def test_trace() -> None:
    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        connection = connection_of(world)
        connection.want(signals.StartTrace(TRACE))
        connection.want(signals.StopTrace(bytes(8)))
        await asyncio.sleep(0.1)
        assert gnb.last(ngap.TraceStart).trace_activation == TRACE
        assert gnb.last(ngap.DeactivateTrace).ngran_trace_id == bytes(8)
        gnb.say(
            ngap.TraceFailureIndication(
                **ids(phone), ngran_trace_id=bytes(8), cause=("radioNetwork", "xn-handover-triggered")
            )
        )
        for value, bits in ((0x0A000001, 32), (1, 128), (0x0A000001 << 128 | 1, 160)):
            gnb.say(
                ngap.CellTrafficTrace(
                    **ids(phone),
                    ngran_trace_id=bytes(8),
                    ngran_cgi=("nR-CGI", ngap.NRCGI(plmn_identity=PLMN.octets, nr_cell_identity=16)),
                    trace_collection_entity_ip_address=(value, bits),
                )
            )
        await asyncio.sleep(0.1)
        causes = "\n".join(world.causes())
        assert "trace 0000000000000000 failed: xn-handover-triggered" in causes
        for collector in ("10.0.0.1,", "::1,", "10.0.0.1 and ::1,"):
            assert f"goes to {collector}" in causes
        await is_served(phone)

    run(test)


# UE TNLA binding release, §8.13.1


def test_binding_release() -> None:
    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        connection_of(world).want(signals.ReleaseBinding())
        await asyncio.sleep(0.1)
        assert gnb.count(ngap.UETNLABindingReleaseRequest) == 1
        await is_served(phone)

    run(test)


# UE radio capability, §8.14


@pytest.mark.parametrize(("said", "known"), [("supported", True), ("not-supported", False), (None, None)])
def test_radio_capability_check(said: ngap.IMSVoiceSupportIndicator | None, known: bool | None) -> None:
    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        gnb.say(ngap.UERadioCapabilityInfoIndication(**ids(phone), ue_radio_capability=b"radio"))
        connection_of(world).want_beside(signals.CheckRadioCapability())
        await asyncio.sleep(0.1)
        assert gnb.last(ngap.UERadioCapabilityCheckRequest).ue_radio_capability == b"radio"
        if said is not None:
            gnb.say(ngap.UERadioCapabilityCheckResponse(**ids(phone), ims_voice_support_indicator=said))
        await asyncio.sleep(20)
        assert world.amf.registry.by_supi[supi_of(1)].context.voice_match is known
        assert any("suits IMS voice" in cause for cause in world.causes()) == (said is None)
        await is_served(phone)

    run(test)


def test_radio_capability_by_identity() -> None:
    """§8.14.3: known from a UE that has it, after a restart too; of another there is an error and nothing else."""

    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        ue = world.amf.registry.by_supi[supi_of(1)]
        ue.commit(radio_capability_id=b"\x12\x34")
        gnb.say(ngap.UERadioCapabilityInfoIndication(**ids(phone), ue_radio_capability=b"radio"))
        gnb.say(ngap.UERadioCapabilityIDMappingRequest(ue_radio_capability_id=b"\x12\x34"))
        await asyncio.sleep(0.1)
        assert gnb.last(ngap.UERadioCapabilityIDMappingResponse).ue_radio_capability == b"radio"
        gnb.say(ngap.UERadioCapabilityIDMappingRequest(ue_radio_capability_id=b"\x99"))
        await asyncio.sleep(0.1)
        assert gnb.last(ngap.ErrorIndication).cause == ("radioNetwork", "unspecified")
        assert any("UE radio capability ID 99 is not known here" in cause for cause in world.causes())
        await is_served(phone)
        await world.restart()
        gnb = await Gnb(world).set_up()
        gnb.say(ngap.UERadioCapabilityIDMappingRequest(ue_radio_capability_id=b"\x12\x34"))
        await asyncio.sleep(0.1)
        assert gnb.last(ngap.UERadioCapabilityIDMappingResponse).ue_radio_capability == b"radio"

    run(test)


def test_only_so_many_identities_are_kept() -> None:
    async def test(world: World) -> None:
        registry = world.amf.registry
        for number in range(600):
            identity = number.to_bytes(2, "big")
            registry.learn(UeContext(radio_capability_id=identity, radio_capability=b"radio"))
        assert registry.radio_capability(b"\0\0") is None
        assert registry.radio_capability((599).to_bytes(2, "big")) == b"radio"

    run(test)


# reports, §8.3.5 and §8.15


def test_reports_of_the_ue() -> None:
    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        gnb.say(
            ngap.RRCInactiveTransitionReport(
                **ids(phone), rrc_state="inactive", user_location_information=location(0x19)
            )
        )
        gnb.say(
            ngap.SecondaryRATDataUsageReport(
                **ids(phone),
                pdu_session_resource_secondary_rat_usage_list=[
                    ngap.PDUSessionResourceSecondaryRATUsageItem(
                        pdu_session_id=n, secondary_rat_data_usage_report_transfer=b"used"
                    )
                    for n in (1, 9)
                ],
            )
        )
        await asyncio.sleep(0.1)
        assert connection_of(world).place.location is not None
        assert "RRC state: inactive" in world.causes()
        ref, update = world.smf.updates[-1]
        assert (ref, update.json_data.n2_sm_info_type) == ("sm-1", "SECONDARY_RAT_USAGE")
        assert update.binary_data_n2_sm_information == b"used"
        assert any("SECONDARY_RAT_USAGE of PDU session 9" in cause for cause in world.causes())
        assert gnb.count(ngap.ErrorIndication) == 0

    run(test)


# procedures of ng-eNBs, §8.3.6 to §8.3.13


def test_a_ue_is_not_suspended() -> None:
    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        action: ngap.FiveGCAction = (
            "hLComDeactivate",
            ngap.HLComDeactivate(ue_reachability_indication="true"),
        )
        gnb.say(ngap.UEContextSuspendRequest(**ids(phone)))
        gnb.say(
            ngap.MTCommunicationHandlingRequest(
                **ids(phone),
                five_gc_action=action,
                pdu_session_list_mt_comm_h_req=[ngap.PDUSessionListMTCommHReqItem(pdu_session_id=1)],
            )
        )
        await asyncio.sleep(0.1)
        assert gnb.count(ngap.UEContextSuspendFailure) == 1
        assert gnb.count(ngap.MTCommunicationHandlingFailure) == 1
        await is_served(phone)
        gnb.say(ngap.UEContextResumeRequest(**ids(phone), rrc_resume_cause="mo-Data"))
        await asyncio.sleep(0.1)
        assert gnb.count(ngap.UEContextResumeFailure) == 1
        ue = world.amf.registry.by_supi[supi_of(1)]
        assert ue.connection is None
        assert world.smf.states()[-1] == "DEACTIVATED"
        phone.service_request(gnb)
        await asyncio.sleep(0.1)
        assert ue.connection is not None

    run(test)


def identity(value: Guti) -> ngap.FiveGSTMSI:
    return ngap.FiveGSTMSI(
        amf_set_id=value.amf.set, amf_pointer=value.amf.pointer, five_g_tmsi=value.tmsi.to_bytes(4, "big")
    )


def test_ue_information_and_relocation() -> None:
    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        assert phone.guti is not None
        gnb.say(ngap.UERadioCapabilityInfoIndication(**ids(phone), ue_radio_capability=b"radio"))
        gnb.say(ngap.RetrieveUEInformation(five_g_s_tmsi=identity(phone.guti)))
        await asyncio.sleep(0.1)
        told = gnb.last(ngap.UEInformationTransfer)
        assert (told.five_g_s_tmsi, told.ue_radio_capability) == (identity(phone.guti), b"radio")
        assert told.allowed_nssai is not None
        stranger = ngap.FiveGSTMSI(amf_set_id=1, amf_pointer=0, five_g_tmsi=b"\xff\xff\xff\xfe")
        gnb.say(ngap.RetrieveUEInformation(five_g_s_tmsi=stranger))
        await asyncio.sleep(0.1)
        told = gnb.last(ngap.UEInformationTransfer)
        assert (told.five_g_s_tmsi, told.ue_radio_capability, told.allowed_nssai) == (stranger, None, None)
        await relocated(world, gnb, identity(phone.guti))
        await is_served(phone)

    run(test)


async def relocated(world: World, gnb: Gnb, who: ngap.FiveGSTMSI) -> None:
    """It gets no security information, and no connection is kept."""
    before = len(world.amf.access.connections)
    gnb.say(
        ngap.RANCPRelocationIndication(
            ran_ue_ngap_id=4711,
            five_g_s_tmsi=who,
            eutra_cgi=ngap.EUTRACGI(plmn_identity=PLMN.octets, eutra_cell_identity=1),
            tai=ngap.TAI(plmn_identity=PLMN.octets, tac=b"\0\0\1"),
            ul_cp_security_information=ngap.ULCPSecurityInformation(ul_nas_mac=1, ul_nas_count=1),
        )
    )
    await asyncio.sleep(0.1)
    answer = gnb.last(ngap.ConnectionEstablishmentIndication)
    assert (answer.ran_ue_ngap_id, answer.dl_cp_security_information) == (4711, None)
    assert len(world.amf.access.connections) == before
    assert STmsi(who.amf_set_id, who.amf_pointer, int.from_bytes(who.five_g_tmsi, "big"))
