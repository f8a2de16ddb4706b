"""NG Setup and what hangs on an association: whose identity it is, how long a setup may take, what a refusal says."""

from __future__ import annotations

import asyncio

import pytest

from cinq.nf.amf.settings import ServedPlmn
from cinq.numbering import PlmnId, SNssai, Tai
from cinq.procedure import Event, Why
from cinq.wire import ngap

from .gnb import Gnb, setup_request
from .octets import REJECT, UNKNOWN, parts, pdu, with_ie, without
from .phone import Phone
from .test_negative_n2 import control, ids, two
from .world import PLMN, World, run, supi_of

NOT_NOW = ("protocol", "message-not-compatible-with-receiver-state")
NAMED = [(5, 2), (4, 1)]


def refusals(world: World) -> list[Event]:
    return [event for event in world.journal.kept() if event.cause.startswith("refused")]


def test_an_identity_that_a_living_gnb_has() -> None:
    """A stranger that claims it is refused and the operator hears of it; the true gNB keeps its setup and its UEs."""

    async def test(world: World) -> None:
        home, other, phone = await two(world)
        stranger = Gnb(world, 1)
        stranger.say(setup_request(1))
        await asyncio.sleep(3)
        assert stranger.last(ngap.NGSetupFailure).cause == ("misc", "unspecified")
        said = refusals(world)[-1].cause
        assert "gNB 999-70-1/" in said
        assert home.remote[0] in said
        assert isinstance(said, Why)
        assert "gnb_id" in said.mend
        ue = world.amf.registry.by_supi[supi_of(2)]
        assert ue.connection is not None
        phone.establish(1)
        await asyncio.sleep(1)
        assert ue.context.pdu_session_status == {1}
        await control(world, home, other)

    run(test)


def test_an_identity_whose_gnb_is_gone_without_a_word() -> None:
    async def test(world: World) -> None:
        home, other, _ = await two(world)
        home.is_alive = False
        again = await Gnb(world, 1).set_up()
        await asyncio.sleep(1)
        assert world.amf.access.rans == [other.ran, again.ran]
        assert world.amf.registry.by_supi[supi_of(2)].context.cm_state == "CM-IDLE"
        await control(world, again, other)

    run(test)


def test_an_association_that_is_not_set_up_in_time_is_ended() -> None:
    async def test(world: World) -> None:
        silent, refused, good = Gnb(world, 5), Gnb(world, 6), await Gnb(world, 7).set_up()
        await asyncio.sleep(9)
        assert silent.is_alive
        refused.say(setup_request(6, tac=77))
        await asyncio.sleep(2)
        assert not silent.is_alive
        assert refused.is_alive  # it may try again after the time to wait of NG SETUP FAILURE
        await asyncio.sleep(100)
        assert not refused.is_alive
        assert good.is_alive
        assert world.amf.access.rans == [good.ran]
        await control(world, good)

    run(test)


@pytest.mark.parametrize(
    ("request_", "found", "wanted"),
    [
        (setup_request(plmn=bytes.fromhex("00f110")), "001-01", "999-70"),
        (setup_request(tac=77), str(Tai(PLMN, 77)), str(Tai(PLMN, 1))),
        (setup_request(slices=(SNssai(9),)), str(SNssai(9)), str(SNssai(1))),
    ],
    ids=["PLMN", "TAC", "slice"],
)
def test_a_refusal_says_what_was_found_and_what_is_served(
    request_: ngap.NGSetupRequest, found: str, wanted: str
) -> None:
    async def test(world: World) -> None:
        gnb = Gnb(world)
        gnb.say(request_)
        await asyncio.sleep(0.1)
        said = refusals(world)[-1].cause
        offers, _, serves = said.partition("; this network serves ")
        assert found in offers
        assert wanted in serves
        assert isinstance(said, Why)
        assert said.mend

    run(test)


def test_a_shared_core_serves_gnbs_of_each_plmn() -> None:
    other = PlmnId("001", "01")

    async def test(world: World) -> None:
        gnb = Gnb(world)
        gnb.say(setup_request(plmn=other.octets, tac=7, slices=(SNssai(3),)))
        await asyncio.sleep(0.1)
        answer = gnb.last(ngap.NGSetupResponse)
        assert [item.plmn_identity for item in answer.plmn_support_list] == [PLMN.octets, other.octets]
        assert [item.guami.plmn_identity for item in answer.served_guami_list] == [PLMN.octets, other.octets]
        wrong = Gnb(world, 2)
        wrong.say(setup_request(2, plmn=other.octets, tac=1))
        await asyncio.sleep(0.1)
        assert wrong.count(ngap.NGSetupFailure) == 1

    run(test, shared=(ServedPlmn(other, (Tai(other, 7),), (SNssai(3),)),))


def test_the_octets_of_a_reset_that_an_acceptance_test_sent() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        for _ in range(2):
            gnb.say_octets(bytes.fromhex("00140016000002000f4001860058000a40026005000260040001"))
            await asyncio.sleep(0.1)
            named = gnb.last(ngap.NGResetAcknowledge).ue_associated_logical_ng_connection_list
            assert [(i.amf_ue_ngap_id, i.ran_ue_ngap_id) for i in named or ()] == NAMED
        await control(world, gnb)

    run(test)


# a request of a class 1 procedure fails by the failure of its procedure


def handover_required(phone: Phone) -> ngap.HandoverRequired:
    assert phone.amf_id is not None
    node: ngap.GlobalRANNodeID = (
        "globalGNB-ID",
        ngap.GlobalGNBID(plmn_identity=PLMN.octets, gnb_id=("gNB-ID", (2, 22))),
    )
    target = ngap.TargetRANNodeID(
        global_ran_node_id=node, selected_tai=ngap.TAI(plmn_identity=PLMN.octets, tac=b"\0\0\1")
    )
    return ngap.HandoverRequired(
        **ids(phone.amf_id, phone.ran_id),
        handover_type="intra5gs",
        cause=("radioNetwork", "handover-desirable-for-radio-reason"),
        target_id=("targetRANNodeID", target),
        pdu_session_resource_list_ho_rqd=[
            ngap.PDUSessionResourceItemHORqd(pdu_session_id=1, handover_required_transfer=b"\0")
        ],
        source_to_target_transparent_container=b"x",
    )


def path_switch_request(phone: Phone, gnb: Gnb, *numbers: int) -> ngap.PathSwitchRequest:
    assert phone.amf_id is not None
    return ngap.PathSwitchRequest(
        ran_ue_ngap_id=77,
        source_amf_ue_ngap_id=phone.amf_id,
        user_location_information=gnb.location,
        ue_security_capabilities=ngap.UESecurityCapabilities(
            nr_encryption_algorithms=(0, 16),
            nr_integrity_protection_algorithms=(0, 16),
            eutra_encryption_algorithms=(0, 16),
            eutra_integrity_protection_algorithms=(0, 16),
        ),
        pdu_session_resource_to_be_switched_dl_list=[
            ngap.PDUSessionResourceToBeSwitchedDLItem(pdu_session_id=n, path_switch_request_transfer=b"")
            for n in numbers or (1,)
        ],
    )


def spoilt(message: ngap.Pdu, missing: str) -> list[bytes]:
    """One IE is missing, one too many, all are in the wrong order, one is there that nobody knows."""
    header, ies = parts(ngap.encode(message))
    return [
        without(message, missing),
        pdu(header, [*ies, ies[-1]]),
        pdu(header, ies[::-1]),
        with_ie(message, REJECT),
    ]


CAUSES = [
    "abstract-syntax-error-reject",
    "abstract-syntax-error-falsely-constructed-message",
    "abstract-syntax-error-falsely-constructed-message",
    "abstract-syntax-error-reject",
]


def test_broken_handover_messages_get_the_failure_of_their_procedure() -> None:
    """§10.3.4.2, §10.3.5, §10.3.6. Without what the failure needs, an Error Indication."""

    async def test(world: World) -> None:
        home, other, phone = await two(world)
        required, switch = handover_required(phone), path_switch_request(phone, other)
        for octets, cause in zip(spoilt(required, "TargetID"), CAUSES, strict=True):
            home.say_octets(octets)
            await asyncio.sleep(0.1)
            answer = home.heard[-1]
            assert isinstance(answer, ngap.HandoverPreparationFailure)
            assert answer.cause == ("protocol", cause)
            assert (answer.amf_ue_ngap_id, answer.ran_ue_ngap_id) == (phone.amf_id, phone.ran_id)
            told = answer.criticality_diagnostics
            assert told is not None
            assert told.procedure_code == ngap.HandoverRequired.PROCEDURE_CODE
        assert told.ies_criticality_diagnostics is not None
        assert [i.ie_id for i in told.ies_criticality_diagnostics] == [UNKNOWN]
        for octets in spoilt(switch, "UserLocationInformation"):
            other.say_octets(octets)
            await asyncio.sleep(0.1)
            failed = other.heard[-1]
            assert isinstance(failed, ngap.PathSwitchRequestFailure)
            assert [i.pdu_session_id for i in failed.pdu_session_resource_released_list_ps_fail] == [1]
        home.say_octets(without(required, "AMF-UE-NGAP-ID"))
        other.say_octets(without(switch, "PDUSessionResourceToBeSwitchedDLList"))
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == other.count(ngap.ErrorIndication) == 1
        connection = world.amf.registry.by_supi[supi_of(2)].connection
        assert connection is not None
        assert connection.ran is home.ran  # nothing has moved
        await control(world, home, other)

    run(test)


def test_a_session_twice_in_a_path_switch() -> None:
    """§8.4.4.4."""

    async def test(world: World) -> None:
        home, other, phone = await two(world)
        phone.establish(1)
        await asyncio.sleep(1)
        other.say(path_switch_request(phone, other, 1, 1))
        await asyncio.sleep(0.1)
        failed = other.last(ngap.PathSwitchRequestFailure)
        assert [i.pdu_session_id for i in failed.pdu_session_resource_released_list_ps_fail] == [1]
        await control(world, home, other)

    run(test)


def test_before_ng_setup_a_request_fails() -> None:
    """§10.4: by the failure of its procedure."""

    async def test(world: World) -> None:
        home, _, phone = await two(world)
        stranger = Gnb(world, 3)
        stranger.say(handover_required(phone))
        await asyncio.sleep(0.1)
        assert stranger.last(ngap.HandoverPreparationFailure).cause == NOT_NOW
        await control(world, home)

    run(test)


RELEASED = ngap.PDUSessionResourceReleasedItemRelRes(
    pdu_session_id=1, pdu_session_resource_release_response_transfer=b""
)
ANSWERED: dict[type[ngap.Pdu], dict[str, object]] = {
    ngap.PDUSessionResourceReleaseResponse: {"pdu_session_resource_released_list_rel_res": [RELEASED]}
}


@pytest.mark.parametrize(
    "kind",
    [
        ngap.InitialContextSetupResponse,
        ngap.PDUSessionResourceSetupResponse,
        ngap.PDUSessionResourceModifyResponse,
        ngap.PDUSessionResourceReleaseResponse,
        ngap.UEContextModificationResponse,
        ngap.UEContextReleaseComplete,
    ],
)
def test_an_answer_that_nobody_waits_for(kind: type[ngap.Pdu]) -> None:
    """§10.4: local error handling; whole, or spoilt in any way."""

    async def test(world: World) -> None:
        home, other, phone = await two(world)
        assert phone.amf_id is not None
        answer = kind(**ids(phone.amf_id, phone.ran_id), **ANSWERED.get(kind, {}))
        if not isinstance(answer, ngap.UEContextReleaseComplete):
            home.say(answer)
        header, ies = parts(ngap.encode(answer))
        for octets in (with_ie(answer, REJECT), pdu(header, ies[::-1]), pdu(header, [*ies, ies[-1]])):
            if not isinstance(answer, ngap.UEContextReleaseComplete):
                home.say_octets(octets)
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == 0
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        await control(world, home, other)

    run(test)


@pytest.mark.parametrize("failure", [ngap.InitialContextSetupFailure, ngap.UEContextModificationFailure])
def test_a_failure_that_nobody_waits_for(failure: type[ngap.Pdu]) -> None:
    async def test(world: World) -> None:
        home, other, phone = await two(world)
        assert phone.amf_id is not None
        home.say(failure(**ids(phone.amf_id, phone.ran_id), cause=("misc", "unspecified")))
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == 0
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        await control(world, home, other)

    run(test)


def test_identities_of_two_ues_in_one_message() -> None:
    """§10.6: Error Indication, and "local release of any established UE-associated logical connection (for the same
    NG interface) having the erroneous AP ID"; the UE that the AMF UE NGAP ID names is not touched."""

    async def test(world: World) -> None:
        home, other, phone = await two(world)
        second = await Phone(world, 3).registered(home)
        assert phone.amf_id is not None
        home.say(
            ngap.UplinkNASTransport(
                **ids(phone.amf_id, second.ran_id),
                nas_pdu=b"\x7e\0\x43",
                user_location_information=home.location,
            )
        )
        await asyncio.sleep(0.1)
        assert home.last(ngap.ErrorIndication).cause == ("radioNetwork", "inconsistent-remote-UE-NGAP-ID")
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        assert world.amf.registry.by_supi[supi_of(3)].context.cm_state == "CM-IDLE"
        await control(world, home, other)

    run(test)


def test_octets_behind_the_end_of_a_message() -> None:
    """No transfer syntax error (§10.2): the message can be decoded. A real AMF pads so, and a gNB may."""

    async def test(world: World) -> None:
        gnb = Gnb(world)
        gnb.say_octets(ngap.encode(setup_request()) + bytes(448))
        await asyncio.sleep(0.1)
        assert [type(m) for m in gnb.heard] == [ngap.NGSetupResponse]
        await control(world, gnb)

    run(test)
