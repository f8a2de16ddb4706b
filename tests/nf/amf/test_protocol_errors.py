"""Clause 10 of TS 38.413 at the AMF: what is not comprehended, missing, doubled, out of order or out of place.

How octets are judged is in tests/wire/ngap/test_errors.py; here, what the gNB hears and what becomes of the UE.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cinq.wire import ngap

from .gnb import Gnb, initial_ue_message, setup_request
from .octets import IGNORE, NOTIFY, NUMBERS, REJECT, UNKNOWN, parts, pdu, with_ie, without
from .phone import Phone
from .test_negative_n2 import control, ids, two
from .world import World, run, supi_of


def indicated(gnb: Gnb) -> ngap.ErrorIndication:
    assert gnb.count(ngap.ErrorIndication) == 1
    return gnb.last(ngap.ErrorIndication)


def reported(diagnostics: ngap.CriticalityDiagnostics | None) -> list[tuple[str, int, str]]:
    assert diagnostics is not None
    return [
        (i.ie_criticality, i.ie_id, i.type_of_error) for i in diagnostics.ies_criticality_diagnostics or ()
    ]


def scene(body: Callable[[World, Gnb, Phone], Awaitable[None]]) -> None:
    """With a registered phone; another gNB notices nothing, and all goes on afterwards."""

    async def test(world: World) -> None:
        home, other, phone = await two(world)
        await body(world, home, phone)
        await asyncio.sleep(0.1)
        assert other.count(ngap.ErrorIndication) == 0
        await control(world, home, other)

    run(test)


def of_phone(phone: Phone, gnb: Gnb) -> dict[str, ngap.Pdu]:
    assert phone.amf_id is not None
    both = ids(phone.amf_id, phone.ran_id)
    return {
        "UplinkNASTransport": ngap.UplinkNASTransport(
            **both, nas_pdu=b"\x7e\x00\x43", user_location_information=gnb.location
        ),
        "UERadioCapabilityInfoIndication": ngap.UERadioCapabilityInfoIndication(
            **both, ue_radio_capability=b"x"
        ),
        "NASNonDeliveryIndication": ngap.NASNonDeliveryIndication(
            **both, nas_pdu=b"x", cause=("misc", "unspecified")
        ),
        "UEContextReleaseRequest": ngap.UEContextReleaseRequest(**both, cause=("misc", "unspecified")),
    }


# §10.3.4.1: procedure codes


@pytest.mark.parametrize(
    ("level", "cause"),
    [
        (REJECT, "abstract-syntax-error-reject"),
        (NOTIFY, "abstract-syntax-error-ignore-and-notify"),
        (IGNORE, None),
    ],
)
def test_unknown_procedure(level: int, cause: str | None) -> None:
    """ "it shall include the Procedure Code IE, the Triggering Message IE, and the Procedure Criticality IE"."""

    async def body(world: World, home: Gnb, phone: Phone) -> None:
        home.say_octets(bytes([0, 255, level << 6, 3, 0, 0, 0]))
        await asyncio.sleep(0.1)
        if cause is None:
            assert home.count(ngap.ErrorIndication) == 0
            return
        answer = indicated(home)
        assert answer.cause == ("protocol", cause)
        told = answer.criticality_diagnostics
        assert told is not None
        assert (told.procedure_code, told.triggering_message) == (255, "initiating-message")
        assert told.procedure_criticality == ("reject", "ignore", "notify")[level]

    scene(body)


def test_kind_of_message_that_the_procedure_lacks() -> None:
    """§10.3.4.1A: "the Error Indication procedure shall be initiated with an appropriate cause value"."""

    async def body(world: World, home: Gnb, phone: Phone) -> None:
        home.say_octets(bytes.fromhex("202e4003000000"))  # the successful outcome of an UplinkNASTransport
        await asyncio.sleep(0.1)
        told = indicated(home).criticality_diagnostics
        assert told is not None
        assert (told.procedure_code, told.triggering_message) == (46, "successful-outcome")

    scene(body)


@pytest.mark.parametrize(
    "octets", ["00", "0015", "deadbeefcafebabe", "000e80808080", "ff" * 12, "002e4004deadbeef"]
)
def test_transfer_syntax(octets: str) -> None:
    """§10.2: "the receiver should initiate Error Indication procedure with appropriate cause value"."""

    async def body(world: World, home: Gnb, phone: Phone) -> None:
        home.say_octets(bytes.fromhex(octets))
        await asyncio.sleep(0.1)
        assert indicated(home).cause == ("protocol", "transfer-syntax-error")

    scene(body)


# §10.3.4.2: IEs that are not comprehended


@pytest.mark.parametrize(
    "kind", ["UplinkNASTransport", "UERadioCapabilityInfoIndication", "UEContextReleaseRequest"]
)
def test_unknown_ie_to_notify_in_a_message_without_answer(kind: str) -> None:
    """ "continue with the procedure ... and initiate the Error Indication procedure to report"."""

    async def body(world: World, home: Gnb, phone: Phone) -> None:
        home.say_octets(with_ie(of_phone(phone, home)[kind], NOTIFY))
        await asyncio.sleep(0.1)
        answer = indicated(home)
        assert answer.cause == ("protocol", "abstract-syntax-error-ignore-and-notify")
        assert answer.ran_ue_ngap_id is not None
        assert reported(answer.criticality_diagnostics) == [("notify", UNKNOWN, "not-understood")]
        ue = world.amf.registry.by_supi[supi_of(2)]
        if kind == "UEContextReleaseRequest":
            assert ue.connection is None
        elif kind == "UERadioCapabilityInfoIndication":
            assert ue.context.radio_capability == b"x"

    scene(body)


def test_unknown_ie_to_notify_in_a_response() -> None:
    """ "ignore the content ... continue with the procedure ... and initiate the Error Indication procedure"."""

    async def body(world: World, home: Gnb, phone: Phone) -> None:
        home.silent.add("PDUSessionResourceSetupRequest")
        home.silent.add("InitialContextSetupRequest")
        phone.establish(1)
        await asyncio.sleep(0.1)
        assert phone.amf_id is not None
        item = ngap.PDUSessionResourceSetupItemSURes(
            pdu_session_id=1, pdu_session_resource_setup_response_transfer=b"done"
        )
        response = ngap.PDUSessionResourceSetupResponse(
            **ids(phone.amf_id, phone.ran_id), pdu_session_resource_setup_list_su_res=[item]
        )
        home.say_octets(with_ie(response, NOTIFY))
        await asyncio.sleep(0.1)
        told = indicated(home).criticality_diagnostics
        assert reported(told) == [("notify", UNKNOWN, "not-understood")]
        assert told is not None
        assert told.triggering_message == "successful-outcome"
        assert world.smf.states() == ["PDU_RES_SETUP_RSP"]
        home.silent.clear()

    scene(body)


def test_unknown_ie_to_notify_in_requests_that_are_answered() -> None:
    """ "report in the response message of the procedure that one or more IEs/IE groups have been ignored"."""

    async def test(world: World) -> None:
        gnb = Gnb(world)
        for message, kind in (
            (setup_request(), ngap.NGSetupResponse),
            (ngap.RANConfigurationUpdate(ran_node_name="new"), ngap.RANConfigurationUpdateAcknowledge),
            (
                ngap.NGReset(cause=("misc", "unspecified"), reset_type=("nG-Interface", "reset-all")),
                ngap.NGResetAcknowledge,
            ),
        ):
            gnb.say_octets(with_ie(message, NOTIFY))
            await asyncio.sleep(0.1)
            answer = gnb.heard[-1]
            assert isinstance(answer, kind)
            assert reported(answer.criticality_diagnostics) == [("notify", UNKNOWN, "not-understood")]
        assert gnb.count(ngap.ErrorIndication) == 0
        await control(world, gnb)

    run(test)


def test_unknown_ie_to_ignore() -> None:
    async def body(world: World, home: Gnb, phone: Phone) -> None:
        for message in of_phone(phone, home).values():
            home.say_octets(with_ie(message, IGNORE))
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == 0

    scene(body)


@pytest.mark.parametrize("kind", ["UplinkNASTransport", "UEContextReleaseRequest"])
def test_unknown_ie_to_reject(kind: str) -> None:
    """ "that does not have a message to report unsuccessful outcome ...: terminate the procedure and initiate the
    Error Indication procedure"."""

    async def body(world: World, home: Gnb, phone: Phone) -> None:
        home.say_octets(with_ie(of_phone(phone, home)[kind], REJECT))
        await asyncio.sleep(0.1)
        answer = indicated(home)
        assert answer.cause == ("protocol", "abstract-syntax-error-reject")
        assert (answer.amf_ue_ngap_id, answer.ran_ue_ngap_id) == (phone.amf_id, phone.ran_id)
        assert reported(answer.criticality_diagnostics) == [("reject", UNKNOWN, "not-understood")]
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None

    scene(body)


def test_ng_setup_that_is_rejected() -> None:
    """§10.3.4.2, §10.3.5, §10.3.6: "using the message normally used to report unsuccessful outcome"."""

    async def test(world: World) -> None:
        gnb = Gnb(world)
        header, ies = parts(ngap.encode(setup_request()))
        falsely = "abstract-syntax-error-falsely-constructed-message"
        for octets, cause, told in (
            (pdu(header, [*ies, (UNKNOWN, REJECT, b"\0")]), "abstract-syntax-error-reject", 1),
            (without(setup_request(), "GlobalRANNodeID"), "abstract-syntax-error-reject", 1),
            (pdu(header, [ies[0], *ies]), falsely, 0),
            (pdu(header, ies[::-1]), falsely, 0),
        ):
            gnb.say_octets(octets)
            await asyncio.sleep(0.1)
            answer = gnb.heard[-1]
            assert isinstance(answer, ngap.NGSetupFailure)
            assert answer.cause == ("protocol", cause)
            assert len(reported(answer.criticality_diagnostics)) == told
            assert not gnb.ran.context.is_set_up
        gnb.say_octets(without(setup_request(), "DefaultPagingDRX"))  # criticality ignore
        await asyncio.sleep(0.1)
        assert isinstance(gnb.heard[-1], ngap.NGSetupResponse)
        await control(world, gnb)

    run(test)


# §10.3.5: IEs that are missing


def test_missing_ies_to_reject() -> None:
    async def body(world: World, home: Gnb, phone: Phone) -> None:
        message = of_phone(phone, home)["UplinkNASTransport"]
        for count, name in enumerate(("AMF-UE-NGAP-ID", "RAN-UE-NGAP-ID", "NAS-PDU"), 1):
            home.say_octets(without(message, name))
            await asyncio.sleep(0.1)
            assert home.count(ngap.ErrorIndication) == count
            answer = home.last(ngap.ErrorIndication)
            assert answer.cause == ("protocol", "abstract-syntax-error-reject")
            assert reported(answer.criticality_diagnostics) == [("reject", NUMBERS[name], "missing")]
        first = initial_ue_message(home, 77, phone.initial(phone.registration()))
        for count, name in enumerate(("RAN-UE-NGAP-ID", "NAS-PDU", "UserLocationInformation"), 4):
            home.say_octets(without(first, name))
            await asyncio.sleep(0.1)
            assert home.count(ngap.ErrorIndication) == count
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None
        assert len(world.amf.access.connections) == 1

    scene(body)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("UplinkNASTransport", "UserLocationInformation"),
        ("UERadioCapabilityInfoIndication", "UERadioCapability"),
        ("NASNonDeliveryIndication", "Cause"),
        ("NASNonDeliveryIndication", "NAS-PDU"),
        ("UEContextReleaseRequest", "Cause"),
    ],
)
def test_missing_ies_to_ignore(kind: str, name: str) -> None:
    """ "the receiving node shall ignore that those IEs are missing and continue with the procedure"."""

    async def body(world: World, home: Gnb, phone: Phone) -> None:
        ue = world.amf.registry.by_supi[supi_of(2)]
        home.say_octets(without(of_phone(phone, home)[kind], name))
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == 0
        assert (ue.connection is None) == (kind == "UEContextReleaseRequest")
        assert not any("bug" in cause for cause in world.causes())
        if ue.connection is not None:
            phone.establish(1)
            await asyncio.sleep(1)
            assert ue.context.pdu_session_status == {1}

    scene(body)


def test_missing_ies_to_ignore_in_other_messages() -> None:
    async def body(world: World, home: Gnb, phone: Phone) -> None:
        phone.establish(1)
        await asyncio.sleep(1)
        home.silent.add("PDUSessionResourceReleaseCommand")
        await world.smf.transfer(str(supi_of(2)), 1, None, b"gone", "PDU_RES_REL_CMD")
        assert phone.amf_id is not None
        item = ngap.PDUSessionResourceReleasedItemRelRes(
            pdu_session_id=1, pdu_session_resource_release_response_transfer=b""
        )
        response = ngap.PDUSessionResourceReleaseResponse(
            **ids(phone.amf_id, phone.ran_id), pdu_session_resource_released_list_rel_res=[item]
        )
        home.say_octets(without(response, "PDUSessionResourceReleasedListRelRes"))
        first = initial_ue_message(home, 77, Phone(world, 3).initial(phone.registration()))
        home.say_octets(without(first, "RRCEstablishmentCause"))
        home.say_octets(
            without(
                ngap.NGReset(cause=("misc", "unspecified"), reset_type=("nG-Interface", "reset-all")), "Cause"
            )
        )
        await asyncio.sleep(1)
        assert home.count(ngap.ErrorIndication) == 0
        assert home.count(ngap.NGResetAcknowledge) == 1
        assert not any("bug" in cause for cause in world.causes())
        home.silent.clear()

    scene(body)


def test_missing_cause_of_an_initial_context_setup_failure() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        gnb.silent.add("InitialContextSetupRequest")
        phone = Phone(world, 2)
        phone.register(gnb)
        await asyncio.sleep(0.1)
        assert phone.amf_id is not None
        failure = ngap.InitialContextSetupFailure(
            **ids(phone.amf_id, phone.ran_id), cause=("misc", "unspecified")
        )
        gnb.say_octets(without(failure, "Cause"))
        await asyncio.sleep(0.1)
        assert gnb.last(ngap.UEContextReleaseCommand).cause == ("misc", "unspecified")
        gnb.silent.clear()
        await control(world, gnb)

    run(test)


# §10.3.6: order and number


def test_ies_twice_and_in_the_wrong_order() -> None:
    """ "terminate the procedure and initiate the Error Indication procedure, and use cause value "Abstract Syntax
    Error (Falsely Constructed Message)"."""

    async def body(world: World, home: Gnb, phone: Phone) -> None:
        header, ies = parts(ngap.encode(of_phone(phone, home)["UEContextReleaseRequest"]))
        for count, wrong in enumerate(([*ies, ies[-1]], [ies[0], *ies], ies[::-1]), 1):
            home.say_octets(pdu(header, wrong))
            await asyncio.sleep(0.1)
            assert home.count(ngap.ErrorIndication) == count
            answer = home.last(ngap.ErrorIndication)
            assert answer.cause == ("protocol", "abstract-syntax-error-falsely-constructed-message")
            assert (answer.amf_ue_ngap_id, answer.ran_ue_ngap_id) == (phone.amf_id, phone.ran_id)
            assert reported(answer.criticality_diagnostics) == []
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None

    scene(body)


def test_any_order_where_the_settings_take_it() -> None:
    """Order alone; what comes twice or lacks something is refused as ever."""

    async def test(world: World) -> None:
        home, _, phone = await two(world)
        header, ies = parts(ngap.encode(of_phone(phone, home)["UEContextReleaseRequest"]))
        for count, wrong in enumerate(([*ies[::-1], ies[0]], ies[:0:-1]), 1):
            home.say_octets(pdu(header, wrong))
            await asyncio.sleep(0.1)
            assert home.count(ngap.ErrorIndication) == count
        home.say_octets(pdu(header, ies[::-1]))
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == 2
        assert home.last(ngap.UEContextReleaseCommand).cause == ("misc", "unspecified")

    run(test, accept_any_order=True)


# §10.5, §10.6


def test_last_message_of_a_connection_that_is_unknown() -> None:
    """§10.6: "if this message is the last message for this UE-associated logical connection, the receiving node shall
    initiate a local release", without the Error Indication that other messages with such an AP ID lead to."""

    async def body(world: World, home: Gnb, phone: Phone) -> None:
        assert phone.amf_id is not None
        home.say(ngap.UEContextReleaseComplete(amf_ue_ngap_id=4711, ran_ue_ngap_id=phone.ran_id))
        home.say(ngap.UEContextReleaseComplete(amf_ue_ngap_id=phone.amf_id, ran_ue_ngap_id=4711))
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == 0
        assert world.amf.registry.by_supi[supi_of(2)].connection is not None

    scene(body)


def test_errors_in_an_error_indication() -> None:
    """§10.5: "it shall not trigger the Error Indication procedure in the receiving Node but local error handling"."""

    async def body(world: World, home: Gnb, phone: Phone) -> None:
        message = ngap.ErrorIndication(cause=("misc", "unspecified"), ran_ue_ngap_id=phone.ran_id)
        header, ies = parts(ngap.encode(message))
        for octets in (
            with_ie(message, REJECT),
            with_ie(message, NOTIFY),
            pdu(header, ies[::-1]),
            pdu(header, [*ies, ies[-1]]),
            ngap.encode(message)[:-1],
            b"\x20" + ngap.encode(message)[1:],
        ):
            home.say_octets(octets)
        await asyncio.sleep(0.1)
        assert home.count(ngap.ErrorIndication) == 0

    scene(body)
