"""N2 cases DEV-035 to DEV-059 that concern the AMF. Each has a positive control: two phones on two gNBs, afterwards.

DEV-050 to DEV-053 (path switch) meet an AMF that does not have the procedure yet. DEV-057 and DEV-058 (SCTP
floods) are the transport's; here, that associations come and go without a trace.
"""

from __future__ import annotations

import asyncio

import pytest

from cinq.numbering import SNssai
from cinq.wire import ngap

from .gnb import Gnb, initial_ue_message, setup_request
from .octets import without
from .phone import Phone
from .world import PLMN, World, run, supi_of


async def control(world: World, *gnbs: Gnb) -> None:
    """New phones are served on the gNBs given, and a gNB that comes now is too."""
    for n, gnb in enumerate((*gnbs, await Gnb(world, 9).set_up()), 50):
        world.subscribe(n)
        phone = await Phone(world, n).registered(gnb)
        phone.establish(1)
        await asyncio.sleep(1)
        assert world.amf.registry.by_supi[supi_of(n)].context.pdu_session_status == {1}


async def two(world: World) -> tuple[Gnb, Gnb, Phone]:
    """A gNB with a phone (subscriber 2) and another gNB."""
    home, other = await Gnb(world, 1).set_up(), await Gnb(world, 2).set_up()
    return home, other, await Phone(world, 2).registered(home)


def cause(gnb: Gnb) -> str:
    answer = gnb.last(ngap.ErrorIndication)
    assert answer.cause is not None
    return answer.cause[1]


@pytest.mark.parametrize("octets", [b"Hello!", b"", b"\0", b"\0\x15", b"\xff" * 40])
def test_dev_035_no_ngap_at_all(octets: bytes) -> None:
    async def test(world: World) -> None:
        home, other, _ = await two(world)
        home.say_octets(octets)
        await asyncio.sleep(1)
        assert home.count(ngap.ErrorIndication) + home.count(ngap.NGSetupFailure) == 1
        assert other.count(ngap.ErrorIndication) == 0
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        await control(world, home, other)

    run(test)


def test_dev_036_before_ng_setup() -> None:
    async def test(world: World) -> None:
        _home, _, phone = await two(world)
        stranger = Gnb(world, 3)
        assert phone.amf_id is not None
        stranger.say(ngap.UEContextReleaseComplete(amf_ue_ngap_id=phone.amf_id, ran_ue_ngap_id=phone.ran_id))
        await asyncio.sleep(0.1)
        assert stranger.heard == []  # an answer has local handling
        assert any("before NG Setup" in cause for cause in world.causes())
        for message in (
            initial_ue_message(stranger, 1, phone.initial(phone.registration())),
            ngap.NGReset(cause=("misc", "unspecified"), reset_type=("nG-Interface", "reset-all")),
        ):
            stranger.say(message)
            await asyncio.sleep(0.1)
            assert cause(stranger) == "message-not-compatible-with-receiver-state"
        stranger.say(ngap.RANConfigurationUpdate(ran_node_name="early"))
        await asyncio.sleep(0.1)
        assert stranger.last(ngap.RANConfigurationUpdateFailure).cause == (
            "protocol",
            "message-not-compatible-with-receiver-state",
        )
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        await stranger.set_up()
        await control(world, stranger)

    run(test)


def test_dev_037_plmn_of_two_and_four_octets() -> None:
    """The cause is that of §10.2, since octets of another number cannot be told from what follows them; a PLMN of three
    octets that are none is the semantic error."""

    async def test(world: World) -> None:
        gnb = Gnb(world)
        whole = ngap.encode(setup_request())
        place = whole.index(PLMN.octets)
        for octets in (whole[:place] + whole[place + 1 :], whole[:place] + b"\x99" + whole[place:]):
            gnb.say_octets(octets)
            await asyncio.sleep(0.1)
            assert gnb.last(ngap.NGSetupFailure).cause == ("protocol", "transfer-syntax-error")
            assert len(gnb.heard) == gnb.count(ngap.NGSetupFailure)
            assert not gnb.ran.context.is_set_up
        gnb.say(setup_request(plmn=b"\xaa\xbb\xcc"))
        await asyncio.sleep(0.1)
        assert gnb.last(ngap.NGSetupFailure).cause == ("protocol", "semantic-error")
        await control(world, await gnb.set_up())

    run(test)


@pytest.mark.parametrize("slices", [1, 8])
def test_dev_038_as_many_tracking_areas_as_there_can_be(slices: int) -> None:
    """Up to 63,000 octets: what is long is not what is wrong (DEV-055)."""

    async def test(world: World) -> None:
        gnb = Gnb(world)
        request = setup_request(slices=tuple(SNssai(n) for n in range(1, slices + 1)))
        item = request.supported_ta_list[0].broadcast_plmn_list[0]
        request.supported_ta_list = [
            ngap.SupportedTAItem(tac=n.to_bytes(3, "big"), broadcast_plmn_list=[item] * 12)
            for n in range(256)
        ]
        gnb.say(request)
        await asyncio.sleep(0.1)
        assert isinstance(gnb.heard[-1], ngap.NGSetupResponse)
        await control(world, gnb)

    run(test)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (setup_request(plmn=bytes.fromhex("00f110")), ("misc", "unknown-PLMN-or-SNPN")),
        (setup_request(tac=77), ("misc", "unspecified")),
        (setup_request(slices=(SNssai(9),)), ("radioNetwork", "slice-not-supported")),
    ],
    ids=["PLMN", "TAC", "slice"],
)
def test_ng_setup_failure(request_: ngap.NGSetupRequest, expected: ngap.Cause) -> None:
    async def test(world: World) -> None:
        gnb = Gnb(world)
        gnb.say(request_)
        await asyncio.sleep(0.1)
        answer = gnb.last(ngap.NGSetupFailure)
        assert (answer.cause, answer.time_to_wait) == (expected, "v10s")
        await control(world, await gnb.set_up())

    run(test)


UNKNOWN = (1 << 40) - 1


def ids(amf_id: int, ran_id: int) -> dict[str, int]:
    return {"amf_ue_ngap_id": amf_id, "ran_ue_ngap_id": ran_id}


def messages_of(gnb: Gnb, amf_id: int, ran_id: int) -> list[ngap.Pdu]:
    both = ids(amf_id, ran_id)
    return [
        ngap.UplinkNASTransport(**both, nas_pdu=b"\x7e\x00\x43", user_location_information=gnb.location),
        ngap.PDUSessionResourceSetupResponse(**both),
        ngap.HandoverNotify(**both, user_location_information=gnb.location),
        ngap.UEContextReleaseRequest(**both, cause=("radioNetwork", "user-inactivity")),
        ngap.InitialContextSetupResponse(**both),
        ngap.UERadioCapabilityInfoIndication(**both, ue_radio_capability=b"x"),
        ngap.NASNonDeliveryIndication(**both, nas_pdu=b"x", cause=("misc", "unspecified")),
        ngap.LocationReportingFailureIndication(**both, cause=("misc", "unspecified")),
    ]


def test_dev_039_040_045_unknown_amf_ue_ngap_id() -> None:
    async def test(world: World) -> None:
        home, other, phone = await two(world)
        for count, message in enumerate(messages_of(home, UNKNOWN, phone.ran_id), 1):
            home.say(message)
            await asyncio.sleep(0.1)
            assert home.count(ngap.ErrorIndication) == count
            assert cause(home) == "unknown-local-UE-NGAP-ID"
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        await control(world, home, other)

    run(test)


def test_dev_039_amf_ue_ngap_id_of_two_to_the_fortieth() -> None:
    async def test(world: World) -> None:
        home, other, phone = await two(world)
        octets = ngap.encode(messages_of(home, UNKNOWN, phone.ran_id)[0])
        place = octets.index(b"\xff" * 5)
        for length in (b"\x05", b"\x06"):
            mangled = octets[: place - 2] + length + octets[place - 1 : place] + b"\x01" + octets[place + 1 :]
            home.say_octets(mangled)
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == 2
        await control(world, home, other)

    run(test)


def test_dev_041_error_indication_without_cause() -> None:
    async def test(world: World) -> None:
        home, other, phone = await two(world)
        home.say(ngap.ErrorIndication())
        home.say(ngap.ErrorIndication(amf_ue_ngap_id=phone.amf_id, ran_ue_ngap_id=phone.ran_id))
        home.say_octets(ngap.encode(ngap.ErrorIndication(cause=("misc", "unspecified")))[:-1])
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == 0  # never answered in kind
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        await control(world, home, other)

    run(test)


def test_error_indication_of_a_gnb_that_has_forgotten_the_ue() -> None:
    async def test(world: World) -> None:
        home, other, phone = await two(world)
        forgotten: ngap.Cause = ("radioNetwork", "unknown-local-UE-NGAP-ID")
        assert phone.amf_id is not None
        both = ids(phone.amf_id, phone.ran_id)
        other.say(ngap.ErrorIndication(**both, cause=forgotten))  # none of its business
        await asyncio.sleep(0.1)
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        home.say(ngap.ErrorIndication(**both, cause=forgotten))
        await asyncio.sleep(0.1)
        assert world.amf.registry.by_supi[supi_of(2)].connection is None
        assert world.amf.registry.by_supi[supi_of(2)].context.cm_state == "CM-IDLE"

    run(test)


def test_dev_042_043_050_to_053_moves_that_are_none() -> None:
    """§10.3.4.1: "shall reject the procedure using the Error Indication procedure", by the criticality of the procedure
    code; an Uplink RAN Configuration Transfer (042) is of criticality ignore: "the receiving node shall ignore the
    procedure", where the list of cases has an Error Indication."""

    async def test(world: World) -> None:
        home, other, phone = await two(world)
        assert phone.amf_id is not None
        both = ids(phone.amf_id, phone.ran_id)
        capabilities = ngap.UESecurityCapabilities(
            nr_encryption_algorithms=(0, 16),
            nr_integrity_protection_algorithms=(0, 16),
            eutra_encryption_algorithms=(0, 16),
            eutra_integrity_protection_algorithms=(0, 16),
        )
        switch = ngap.PathSwitchRequest(
            ran_ue_ngap_id=77,
            source_amf_ue_ngap_id=phone.amf_id,
            user_location_information=home.location,
            ue_security_capabilities=capabilities,
            pdu_session_resource_to_be_switched_dl_list=[
                ngap.PDUSessionResourceToBeSwitchedDLItem(pdu_session_id=1, path_switch_request_transfer=b"")
            ],
        )
        acknowledge = ngap.HandoverRequestAcknowledge(
            **both, pdu_session_resource_admitted_list=[], target_to_source_transparent_container=b""
        )
        acknowledge.pdu_session_resource_admitted_list = [
            ngap.PDUSessionResourceAdmittedItem(pdu_session_id=1, handover_request_acknowledge_transfer=b"")
        ]
        for count, message in enumerate((switch, switch), 1):
            home.say(message)
            await asyncio.sleep(0.1)
            assert home.count(ngap.PathSwitchRequestFailure) == count  # no session of it
        home.say(acknowledge)  # §10.4: an answer that nobody waits for has local handling
        await asyncio.sleep(0.1)
        assert any("not expected in this state" in c for c in world.causes())
        ignored = len(home.heard)
        home.say(ngap.UplinkRANConfigurationTransfer())
        await asyncio.sleep(0.1)
        assert len(home.heard) == ignored  # with its reason in the journal
        home.say(ngap.HandoverNotify(**both, user_location_information=home.location))
        await asyncio.sleep(0.1)
        assert home.heard[-1].cause == ("protocol", "message-not-compatible-with-receiver-state")  # §10.4
        assert any("reaches no MME" in c for c in world.causes())
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        await control(world, home, other)

    run(test)


def test_dev_043_044_what_other_procedures_may_not_lack() -> None:
    """§10.3.5: IEs of criticality reject. (The Location Reporting Request Type of a Location Report is of criticality
    ignore: "the receiving node shall ignore that those IEs are missing".)"""

    async def test(world: World) -> None:
        home, other, phone = await two(world)
        assert phone.amf_id is not None
        both = ids(phone.amf_id, phone.ran_id)
        report = ngap.LocationReport(
            **both,
            user_location_information=home.location,
            location_reporting_request_type=ngap.LocationReportingRequestType(
                event_type="direct", report_area="cell"
            ),
        )
        acknowledge = ngap.HandoverRequestAcknowledge(
            **both,
            pdu_session_resource_admitted_list=[
                ngap.PDUSessionResourceAdmittedItem(
                    pdu_session_id=1, handover_request_acknowledge_transfer=b""
                )
            ],
            target_to_source_transparent_container=b"",
        )
        home.say_octets(without(report, "RAN-UE-NGAP-ID"))
        home.say_octets(without(acknowledge, "TargetToSource-TransparentContainer"))
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == 1  # none for the answer: local handling
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        await control(world, home, other)

    run(test)


def test_dev_046_partial_reset_naming_the_ue_of_another_gnb() -> None:
    """The list of cases wants an acknowledge without it; §8.7.4.2.2: it "shall include also unknown UE-associated
    logical NG-connections", in the order of the request. Nothing happens to them."""

    async def test(world: World) -> None:
        home, other, phone = await two(world)
        second = await Phone(world, 3).registered(other)
        item = ngap.UEassociatedLogicalNGconnectionItem
        other.say(
            ngap.NGReset(
                cause=("misc", "unspecified"),
                reset_type=(
                    "partOfNG-Interface",
                    [
                        item(amf_ue_ngap_id=phone.amf_id),
                        item(amf_ue_ngap_id=phone.amf_id, ran_ue_ngap_id=phone.ran_id),
                        item(ran_ue_ngap_id=second.ran_id),
                        item(),
                    ],
                ),
            )
        )
        await asyncio.sleep(0.1)
        answer = other.last(ngap.NGResetAcknowledge)
        assert answer.ue_associated_logical_ng_connection_list == [
            item(amf_ue_ngap_id=phone.amf_id),
            item(amf_ue_ngap_id=phone.amf_id, ran_ue_ngap_id=phone.ran_id),
            item(ran_ue_ngap_id=second.ran_id),
        ]
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        assert world.amf.registry.by_supi[supi_of(3)].connection is None
        await control(world, home, other)

    run(test)


def test_dev_047_048_ids_of_another_gnb() -> None:
    async def test(world: World) -> None:
        home, other, phone = await two(world)
        assert phone.amf_id is not None
        before = world.amf.registry.by_supi[supi_of(2)].context
        for count, message in enumerate(messages_of(other, phone.amf_id, phone.ran_id), 1):
            other.say(message)
            await asyncio.sleep(0.1)
            assert other.count(ngap.ErrorIndication) == count
            assert cause(other) == "unknown-local-UE-NGAP-ID"
        assert home.count(ngap.UEContextReleaseCommand) == 0
        assert world.amf.registry.by_supi[supi_of(2)].context == before
        phone.establish(1)  # the UE itself is still heard
        await asyncio.sleep(1)
        assert world.amf.registry.by_supi[supi_of(2)].context.pdu_session_status == {1}
        await control(world, home, other)

    run(test)


def test_inconsistent_ran_ue_ngap_id() -> None:
    async def test(world: World) -> None:
        home, other, phone = await two(world)
        assert phone.amf_id is not None
        home.say(messages_of(home, phone.amf_id, 4711)[0])
        await asyncio.sleep(0.1)
        assert cause(home) == "inconsistent-remote-UE-NGAP-ID"
        await control(world, home, other)

    run(test)


def test_dev_049_ran_ue_ngap_id_in_use() -> None:
    """The list of cases has the old context kept; but the gNB gives an identity anew only when it has lost what it
    stood for, and a message under it is refused for ever otherwise. Its sessions stay, without user plane."""

    async def test(world: World) -> None:
        home, other, phone = await two(world)
        phone.establish(1)
        bystander = await Phone(world, 1).registered(home)
        await asyncio.sleep(1)
        newcomer = Phone(world, 3)
        newcomer.gnb, newcomer.ran_id = home, phone.ran_id
        home.phones[phone.ran_id] = newcomer
        newcomer.request = newcomer.registration()
        home.say(initial_ue_message(home, phone.ran_id, newcomer.initial(newcomer.request)))
        await asyncio.sleep(1)
        former = world.amf.registry.by_supi[supi_of(2)]
        assert former.context.rm_state == "RM-REGISTERED"
        assert former.context.cm_state == "CM-IDLE"
        assert former.context.pdu_session_status == {1}
        assert world.smf.states()[-1] == "DEACTIVATED"
        assert home.ran.connections[phone.ran_id].user is world.amf.registry.by_supi[supi_of(3)]
        assert world.amf.registry.by_supi[supi_of(3)].context.rm_state == "RM-REGISTERED"
        assert world.amf.registry.by_supi[supi_of(1)].connection is not None
        bystander.establish(1)
        phone.service_request(home, uplink_data_status=frozenset({1}))
        await asyncio.sleep(1)
        assert former.context.cm_state == "CM-CONNECTED"
        assert home.count(ngap.ErrorIndication) == 0
        await control(world, home, other)

    run(test)


def test_dev_059_release_response_that_nobody_asked_for() -> None:
    async def test(world: World) -> None:
        home, other, phone = await two(world)
        world.smf.delay = 1
        phone.establish(1)
        await asyncio.sleep(0.1)
        assert phone.amf_id is not None
        item = ngap.PDUSessionResourceReleasedItemRelRes(
            pdu_session_id=1, pdu_session_resource_release_response_transfer=b""
        )
        home.say(
            ngap.PDUSessionResourceReleaseResponse(
                **ids(phone.amf_id, phone.ran_id), pdu_session_resource_released_list_rel_res=[item]
            )
        )
        await asyncio.sleep(10)
        assert home.count(ngap.ErrorIndication) == 0  # §10.4: a response has local handling
        assert any("not expected in this state" in c for c in world.causes())
        assert world.amf.registry.by_supi[supi_of(2)].context.pdu_session_status == {1}
        world.smf.delay = 0
        await control(world, home, other)

    run(test)
