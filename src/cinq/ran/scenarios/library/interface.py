"""The NG interface itself, TS 38.413 §8.7."""

from __future__ import annotations

from functools import partial

from cinq.numbering import PlmnId, SNssai
from cinq.ran.scenarios import check, spoil
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.wire import ngap
from cinq.wire.nas import RegistrationKind


@scenario("interface")
async def ng_setup(bench: Bench) -> None:
    """NG Setup is answered with name, GUAMI and supported PLMNs (TS 38.413 §8.7.1.2)."""
    gnb = await bench.gnb()
    response = await bench.hears(ngap.NGSetupResponse, gnb)
    check.that(bool(response.amf_name), "the AMF has a name")
    check.that(bool(response.served_guami_list), "a GUAMI is served")
    plmns = {item.plmn_identity for item in response.plmn_support_list}
    check.that(bench.target.core.plmn.octets in plmns, f"PLMN {bench.target.core.plmn} is supported")


@scenario("interface")
async def ng_setup_twice(bench: Bench) -> None:
    """A second NG Setup on an association sets it up anew (TS 38.413 §8.7.1.1)."""
    gnb = await bench.gnb()
    await bench.hears(ngap.NGSetupResponse, gnb)
    await bench.succeeds(gnb.set_up(), "second NG Setup")
    await bench.hears(ngap.NGSetupResponse, gnb)
    await bench.registered(gnb)


@scenario("interface")
async def ng_setup_of_a_foreign_plmn(bench: Bench) -> None:
    """A gNB that broadcasts no PLMN of the AMF gets NG SETUP FAILURE 'unknown PLMN' (TS 38.413 §8.7.1.4)."""
    gnb = bench.unattached_gnb(plmn=PlmnId("001", "99"))
    gnb.start()
    failure = await bench.hears(ngap.NGSetupFailure, gnb)
    check.equal(failure.cause, ("misc", "unknown-PLMN-or-SNPN"), "the cause")


@scenario("interface")
async def ng_setup_of_a_slice_that_is_not_served(bench: Bench) -> None:
    """A gNB none of whose slices is served is refused for just that, or set up without them.

    What an AMF cannot accept it decides itself (TS 38.413 §8.7.1.3); what it supports it tells (§8.7.1.2).
    """
    slices = (SNssai(210, 0x00BEEF),)
    gnb = bench.unattached_gnb(slices=slices)
    gnb.start()
    answer = await bench.hears_one_of((ngap.NGSetupFailure, ngap.NGSetupResponse), gnb)
    if isinstance(answer, ngap.NGSetupFailure):
        check.equal(answer.cause, ("radioNetwork", "slice-not-supported"), "the cause")
        return
    assert isinstance(answer, ngap.NGSetupResponse)
    supported = [s.s_nssai for plmn in answer.plmn_support_list for s in plmn.slice_support_list]
    foreign = [s for s in supported if s.sst == bytes((slices[0].sst,))]
    check.equal(foreign, [], "slices that are supported and are not served")


@scenario("interface")
async def ng_reset_of_all(bench: Bench) -> None:
    """NG RESET of the interface is acknowledged, and every UE comes back (TS 38.413 §8.7.4.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await bench.settled()
    whole: ngap.ResetType = ("nG-Interface", "reset-all")
    gnb.station.send(ngap.NGReset(cause=("misc", "om-intervention"), reset_type=whole))
    await bench.hears(ngap.NGResetAcknowledge, gnb)
    bench.dropped(ue, gnb)
    await bench.succeeds(ue.request_service(), "service request after the reset")


@scenario("interface")
async def ng_reset_of_one_ue(bench: Bench) -> None:
    """NG RESET of one connection names it in the acknowledge and touches no other UE (TS 38.413 §8.7.4.2)."""
    gnb = await bench.gnb()
    ue, other = await bench.registered(gnb), await bench.registered(gnb)
    await bench.settled()
    item = ngap.UEassociatedLogicalNGconnectionItem(amf_ue_ngap_id=bench.amf_ue_ngap_id(ue, gnb))
    part: ngap.ResetType = ("partOfNG-Interface", [item])
    gnb.station.send(ngap.NGReset(cause=("misc", "om-intervention"), reset_type=part))
    answer = await bench.hears(ngap.NGResetAcknowledge, gnb)
    named = check.present(answer.ue_associated_logical_ng_connection_list, "the list of connections")
    check.equal([i.amf_ue_ngap_id for i in named], [item.amf_ue_ngap_id], "the connections named")
    await bench.succeeds(other.register(RegistrationKind.MOBILITY), "registration update of the other UE")


@scenario("interface")
async def ng_reset_of_an_unknown_ue(bench: Bench) -> None:
    """NG RESET of a connection that the AMF does not know names it in the acknowledge too (TS 38.413 §8.7.4.2.2)."""
    gnb = await bench.gnb()
    item = ngap.UEassociatedLogicalNGconnectionItem(amf_ue_ngap_id=0xFFFFFF0001, ran_ue_ngap_id=77)
    part: ngap.ResetType = ("partOfNG-Interface", [item])
    gnb.station.send(ngap.NGReset(cause=("misc", "om-intervention"), reset_type=part))
    answer = await bench.hears(ngap.NGResetAcknowledge, gnb)
    named = check.present(answer.ue_associated_logical_ng_connection_list, "the list of connections")
    check.equal([i.amf_ue_ngap_id for i in named], [item.amf_ue_ngap_id], "the connections named")


@scenario("interface")
async def before_ng_setup_nothing_is_served(bench: Bench) -> None:
    """A message before NG Setup is not served and does no harm (TS 38.413 §8.7.1.1, §10.4)."""
    gnb = bench.unattached_gnb()
    gnb.start(set_up=False)
    await bench.associated(gnb)
    gnb.station.send(ngap.RANConfigurationUpdate(ran_node_name="early"))
    await bench.hears_not(ngap.RANConfigurationUpdateAcknowledge, gnb)
    await bench.succeeds(gnb.set_up(), "NG Setup afterwards")


@scenario("interface")
async def ran_configuration_update(bench: Bench) -> None:
    """A gNB that changes its name is acknowledged and its UEs stay (TS 38.413 §8.7.2.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    gnb.station.send(ngap.RANConfigurationUpdate(ran_node_name="renamed"))
    await bench.hears(ngap.RANConfigurationUpdateAcknowledge, gnb)
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("interface")
async def unknown_ue_is_told(bench: Bench) -> None:
    """A message about a UE that the AMF does not know gets ERROR INDICATION (TS 38.413 §10.6)."""
    gnb = await bench.gnb()
    gnb.station.send(
        ngap.UplinkNASTransport(
            amf_ue_ngap_id=0xFFFFFF0002,
            ran_ue_ngap_id=99,
            nas_pdu=bytes.fromhex("7e0043"),
            user_location_information=gnb.location,
        ),
        stream=1,
    )
    indication = await bench.hears(ngap.ErrorIndication, gnb)
    check.equal(indication.cause, ("radioNetwork", "unknown-local-UE-NGAP-ID"), "the cause")
    await bench.alive(gnb)


@scenario("interface")
async def octets_that_are_no_ngap(bench: Bench) -> None:
    """Octets that are no NGAP get ERROR INDICATION or none, and the association stands (TS 38.413 §10.2: it should)."""
    gnb = await bench.gnb()
    gnb.station.send(bytes.fromhex("ffffffffffffffff"))
    await bench.settled()
    for indication in bench.heard(ngap.ErrorIndication, gnb):
        check.equal(check.present(indication.cause, "the cause")[0], "protocol", "the kind of the cause")
    await bench.alive(gnb)


@scenario("interface")
async def two_gnbs_side_by_side(bench: Bench) -> None:
    """UEs of two gNBs are served side by side (TS 38.410 §4)."""
    first, second = await bench.gnb(), await bench.gnb()
    await bench.registered(first)
    await bench.registered(second)
    await bench.alive(first)
    await bench.alive(second)


@scenario("interface", needs=("two subscribers",))
async def identity_of_a_connection_given_anew(bench: Bench) -> None:
    """An INITIAL UE MESSAGE under a RAN UE NGAP ID that is in use ends the old connection and is served.

    TS 38.413 §8.6.1.2, §10.6; its sessions and registration stay (TS 23.502 §4.2.6).
    """
    gnb = await bench.gnb()
    former = await bench.registered(gnb)
    number = bench.ran_ue_ngap_id(former, gnb)
    bench.dropped(former, gnb)
    newcomer = bench.ue(gnb)

    def under_the_same(message: ngap.InitialUEMessage) -> list[ngap.Pdu]:
        return [replaced(message, number)]

    with gnb.station.change(ngap.InitialUEMessage, under_the_same, times=1):
        newcomer.initiate(partial(newcomer.register, attempts=1), "registration")
        answer = await bench.hears(ngap.DownlinkNASTransport, gnb, where=lambda m: m.ran_ue_ngap_id == number)
    check.that(bool(answer.nas_pdu), "the new UE is answered")
    await bench.succeeds(former.request_service(), "service request of the UE that was lost")


def replaced(message: ngap.InitialUEMessage, ran_ue_ngap_id: int) -> ngap.InitialUEMessage:
    """The same message from a gNB that calls the UE otherwise."""
    copy = ngap.decode(ngap.encode(message))
    assert isinstance(copy, ngap.InitialUEMessage)
    copy.ran_ue_ngap_id = ran_ue_ngap_id
    return copy


@scenario("interface")
async def answers_that_nobody_waits_for(bench: Bench) -> None:
    """A second INITIAL CONTEXT SETUP RESPONSE and other stray answers draw no ERROR INDICATION (TS 38.413 §10.4)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    amf_id, ran_id = bench.amf_ue_ngap_id(ue, gnb), bench.ran_ue_ngap_id(ue, gnb)
    for kind in (
        ngap.InitialContextSetupResponse,
        ngap.PDUSessionResourceSetupResponse,
        ngap.PDUSessionResourceModifyResponse,
        ngap.UEContextModificationResponse,
    ):
        gnb.station.send(kind(amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id), stream=1)
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("interface")
async def identity_of_a_living_gnb(bench: Bench) -> None:
    """A second association that claims a living gNB's identity does no harm to it; a gNB that comes back is served.

    TS 38.413 §8.7.1.1, TS 38.412 §7.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    claim = bench.said(ngap.NGSetupRequest)[0]
    stranger = bench.unattached_gnb()
    stranger.start(set_up=False)
    await bench.associated(stranger)
    stranger.station.send(claim)
    await bench.hears_one_of((ngap.NGSetupFailure, ngap.NGSetupResponse), stranger)
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update at the first gNB")
    await bench.loses_its_association(gnb)
    await bench.succeeds(gnb.up(), "NG Setup of the gNB that comes back")
    await bench.alive(gnb)


@scenario("interface")
async def handover_required_that_lacks_an_element(bench: Bench) -> None:
    """HANDOVER REQUIRED without its target gets HANDOVER PREPARATION FAILURE, with diagnostics (TS 38.413 §10.3.5)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    required = ngap.HandoverRequired(
        amf_ue_ngap_id=bench.amf_ue_ngap_id(ue, gnb),
        ran_ue_ngap_id=bench.ran_ue_ngap_id(ue, gnb),
        handover_type="intra5gs",
        cause=("radioNetwork", "handover-desirable-for-radio-reason"),
        target_id=target_of(bench),
        pdu_session_resource_list_ho_rqd=[
            ngap.PDUSessionResourceItemHORqd(pdu_session_id=1, handover_required_transfer=b"\0")
        ],
        source_to_target_transparent_container=b"\0",
    )
    gnb.station.send(spoil.without(required, "TargetID"), stream=1)
    failure = await bench.hears(ngap.HandoverPreparationFailure, gnb)
    check.equal(failure.cause, ("protocol", "abstract-syntax-error-reject"), "the cause")
    check.present(failure.criticality_diagnostics, "the criticality diagnostics")
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


def target_of(bench: Bench) -> ngap.TargetID:
    """A gNB of the network that there is not."""
    plmn = bench.target.core.plmn.octets
    return (
        "targetRANNodeID",
        ngap.TargetRANNodeID(
            global_ran_node_id=(
                "globalGNB-ID",
                ngap.GlobalGNBID(plmn_identity=plmn, gnb_id=("gNB-ID", (0x3FFFFF, 22))),
            ),
            selected_tai=ngap.TAI(plmn_identity=plmn, tac=bench.target.core.tacs[0].to_bytes(3, "big")),
        ),
    )
