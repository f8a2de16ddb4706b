"""What a gNB may ask of a core about a UE, and tell it, beside its usual work. TS 38.413 §8.2 to §8.7 and §8.14."""

from __future__ import annotations

from cinq.numbering import STmsi
from cinq.ran.gnb.n2.elements import s_tmsi
from cinq.ran.gnb.procedures import nas_transport, pdu_session_resource_notify, ue_information
from cinq.ran.gnb.signals import (
    HandleMtCommunication,
    IndicateModification,
    Resume,
    Suspend,
    UpdateConfiguration,
)
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, RegistrationKind


@scenario("interface")
async def tunnel_is_moved(bench: Bench) -> None:
    """A gNB that moves a session to another tunnel is confirmed, with the UPF's end (TS 38.413 §8.2.5.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    context = bench.context(ue, gnb)
    before = context.sessions[1].tunnel
    confirm = await bench.succeeds(context.demand(IndicateModification((1,))), "modify indication")
    items = check.present(confirm.pdu_session_resource_modify_list_mod_cfm, "the sessions confirmed")
    check.equal([item.pdu_session_id for item in items], [1], "the sessions confirmed")
    now = context.sessions[1].tunnel
    check.that(now.dl_teid != before.dl_teid, "the downlink has moved")
    check.equal((now.upf, now.ul_teid), (before.upf, before.ul_teid), "the UPF's end")
    await bench.succeeds(ue.release_session(1), "release of the session")


@scenario("interface")
async def tunnel_of_a_session_that_is_not_there(bench: Bench) -> None:
    """A session that the UE does not have fails in the confirm, with a cause (TS 38.413 §8.2.5.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    gnb.station.send(
        ngap.PDUSessionResourceModifyIndication(
            amf_ue_ngap_id=bench.amf_ue_ngap_id(ue, gnb),
            ran_ue_ngap_id=bench.ran_ue_ngap_id(ue, gnb),
            pdu_session_resource_modify_list_mod_ind=[
                ngap.PDUSessionResourceModifyItemModInd(
                    pdu_session_id=13, pdu_session_resource_modify_indication_transfer=b"\0"
                )
            ],
        ),
        stream=1,
    )
    confirm = await bench.hears(ngap.PDUSessionResourceModifyConfirm, gnb)
    failed = check.present(
        confirm.pdu_session_resource_failed_to_modify_list_mod_cfm, "the sessions that failed"
    )
    transfer = failed[0].pdu_session_resource_modify_indication_unsuccessful_transfer
    said = ngap.decode_value(ngap.PDUSessionResourceModifyIndicationUnsuccessfulTransfer, transfer)
    check.equal(said.cause, ("radioNetwork", "unknown-PDU-session-ID"), "the cause")
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("interface")
async def session_that_the_gnb_lets_go(bench: Bench) -> None:
    """A gNB that gives up a session's resources is heard; the UE gets them again when it asks (TS 38.413 §8.2.4.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    cause: ngap.Cause = ("radioNetwork", "radio-resources-not-available")
    pdu_session_resource_notify.released(bench.context(ue, gnb), 1, cause)
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("interface")
async def suspend_is_for_ng_enbs(bench: Bench) -> None:
    """A gNB that wants a UE suspended gets UE CONTEXT SUSPEND FAILURE; the UE stays connected (TS 38.413 §8.3.11.3)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    bench.soon(bench.forgiven(bench.context(ue, gnb).demand(Suspend())))
    kinds = (ngap.UEContextSuspendFailure, ngap.UEContextSuspendResponse)
    answer = await bench.answer_to("UE context suspend", kinds, gnb)
    check.that(isinstance(answer, ngap.UEContextSuspendFailure), "it is refused")
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("interface")
async def resume_without_suspend(bench: Bench) -> None:
    """UE CONTEXT RESUME FAILURE releases the UE, which comes back by a service request (TS 38.413 §8.3.12.3)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    bench.soon(bench.forgiven(bench.context(ue, gnb).demand(Resume())))
    kinds = (ngap.UEContextResumeFailure, ngap.UEContextResumeResponse)
    answer = await bench.answer_to("UE context resume", kinds, gnb)
    check.that(isinstance(answer, ngap.UEContextResumeFailure), "it is refused")
    await bench.until(lambda: not ue.link.connected, "the connection is released")
    await bench.succeeds(ue.request_service(), "service request")


@scenario("interface")
async def mt_communication_handling(bench: Bench) -> None:
    """A core without MT communication handling says so; the UE stays connected (TS 38.413 §8.3.13.3)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    action: ngap.FiveGCAction = ("hLComDeactivate", ngap.HLComDeactivate(ue_reachability_indication="true"))
    wanted = HandleMtCommunication(action)
    bench.soon(bench.forgiven(bench.context(ue, gnb).demand(wanted)))
    kinds = (ngap.MTCommunicationHandlingFailure, ngap.MTCommunicationHandlingResponse)
    await bench.answer_to("MT communication handling", kinds, gnb)
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("interface")
async def ue_information_is_retrieved(bench: Bench) -> None:
    """RETRIEVE UE INFORMATION is answered with the UE's identity (TS 38.413 §8.3.9.2, §8.3.10.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    identity = check.present(ue.context.guti, "the 5G-GUTI").s_tmsi
    ue_information.retrieve(gnb.n2, identity)
    answer = await bench.answer_to("retrieval of UE information", (ngap.UEInformationTransfer,), gnb)
    check.equal(answer.five_g_s_tmsi, s_tmsi(identity), "the identity")
    check.present(answer.allowed_nssai, "the allowed NSSAI")


@scenario("interface")
async def nas_that_was_not_delivered(bench: Bench) -> None:
    """NAS NON DELIVERY INDICATION is taken without an answer, and the UE is served (TS 38.413 §8.6.4)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    cause: ngap.Cause = ("radioNetwork", "radio-connection-with-ue-lost")
    nas_transport.not_delivered(bench.context(ue, gnb), bytes.fromhex("7e02000000000a7e0054"), cause)
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("interface")
async def ue_of_another_amf(bench: Bench) -> None:
    """A service request with the 5G-S-TMSI of another AMF is rejected with #9 or #10, so that the UE registers.

    TS 38.413 §8.6.1, TS 24.501 §5.6.1.5.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    own = check.present(ue.context.guti, "the 5G-GUTI").s_tmsi
    foreign = STmsi(own.amf_set ^ 0x155, own.amf_pointer, own.tmsi)
    request = nas.ServiceRequest(ng_ksi=nas.NgKsi(0), service_type=nas.ServiceType.DATA, s_tmsi=foreign)
    gnb.station.send(
        ngap.InitialUEMessage(
            ran_ue_ngap_id=0x5CFFFE,
            nas_pdu=nas.encode(request),
            user_location_information=gnb.location,
            rrc_establishment_cause="mo-Data",
            five_g_s_tmsi=s_tmsi(foreign),
            ue_context_request="requested",
        ),
        stream=1,
    )
    answer = await bench.hears(ngap.DownlinkNASTransport, gnb, lambda m: m.ran_ue_ngap_id == 0x5CFFFE)
    reject = nas.decode(answer.nas_pdu)
    check.that(isinstance(reject, nas.ServiceReject), "it is a SERVICE REJECT")
    if isinstance(reject, nas.ServiceReject):
        known = (GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK, GmmCause.IMPLICITLY_DE_REGISTERED)
        check.one_of(reject.cause, known, "the cause")
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update of the other UE")


@scenario("interface")
async def radio_capability_is_kept(bench: Bench) -> None:
    """The UE radio capability that a gNB reports comes with the next UE context (TS 38.413 §8.14.1.2, §8.3.1.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    gnb.station.send(
        ngap.UERadioCapabilityInfoIndication(
            amf_ue_ngap_id=bench.amf_ue_ngap_id(ue, gnb),
            ran_ue_ngap_id=bench.ran_ue_ngap_id(ue, gnb),
            ue_radio_capability=b"\x04\x2a\x99",
        ),
        stream=1,
    )
    await bench.released(ue)
    await bench.succeeds(ue.request_service(), "service request")
    setups = bench.heard(ngap.InitialContextSetupRequest, gnb)
    check.equal(setups[-1].ue_radio_capability, b"\x04\x2a\x99", "the UE radio capability")


@scenario("interface")
async def whole_configuration_update(bench: Bench) -> None:
    """RAN CONFIGURATION UPDATE of all that a gNB says of itself, paging DRX too (TS 38.413 §8.7.2.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await bench.succeeds(gnb.n2.demand(UpdateConfiguration()), "RAN configuration update")
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("interface")
async def multicast_is_not_served(bench: Bench) -> None:
    """A core without multicast refuses a distribution setup (TS 38.413 §8.18.1.3, §10.3.4.1)."""
    gnb = await bench.gnb()
    tmgi = bench.target.core.plmn.octets
    gnb.station.send(
        ngap.DistributionSetupRequest(
            mbs_session_id=ngap.MBSSessionID(tmgi=b"\0\0\1" + tmgi),
            mbs_distribution_setup_request_transfer=b"\0",
        )
    )
    answer = await bench.hears_one_of((ngap.ErrorIndication, ngap.DistributionSetupFailure), gnb)
    check.that(answer is not None, "it is refused")
    await bench.alive(gnb)


@scenario("interface")
async def radio_capability_id_that_nobody_has(bench: Bench) -> None:
    """A UE radio capability ID that the core does not know gets no capability, and does no harm (TS 38.413 §8.14.3)."""
    gnb = await bench.gnb()
    gnb.station.send(
        ngap.UERadioCapabilityIDMappingRequest(ue_radio_capability_id=bytes.fromhex("0123456789"))
    )
    await bench.quiet_of(ngap.UERadioCapabilityIDMappingResponse, gnb)
    await bench.alive(gnb)
