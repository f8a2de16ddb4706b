"""TS 24.501 clause 7 and §4.4.4 at the AMF, for 5GMM: a row each. (5GSM is the SMF's.)"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cinq.crypto.nas_security import UPLINK, NasSecurity
from cinq.nf.amf.n1.envelope import TO_THE_UE
from cinq.nf.amf.n1.exchange import LAST_COUNT, LAST_COUNTS
from cinq.wire import nas
from cinq.wire.nas import GmmCause

from .gnb import Gnb
from .phone import Phone
from .test_connection import idle
from .test_negative_n1 import control
from .world import World, run, supi_of

STATUS = nas.FiveGMMStatus


def scene(plain: bytes, cause: GmmCause | None) -> None:
    """A registered UE sends these octets under its keys: 5GMM STATUS with the cause, or silence; nothing changes."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        ue = world.amf.registry.by_supi[supi_of(2)]
        before, heard = ue.context, len(phone.heard)
        phone.say_octets(protected(phone, plain))
        await asyncio.sleep(1)
        answers = phone.heard[heard:]
        assert [type(a) for a in answers] == ([] if cause is None else [STATUS])
        if cause is not None:
            assert phone.last(STATUS).cause == cause
        assert (ue.context.rm_state, ue.context.sm_contexts) == (before.rm_state, before.sm_contexts)
        phone.establish(1)  # it is served as before
        await asyncio.sleep(1)
        assert ue.context.pdu_session_status == {1}
        await control(world, gnb)

    run(test)


def protected(phone: Phone, plain: bytes, header: int = 2) -> bytes:
    assert phone.security is not None
    return phone.security.protect(plain, header, UPLINK)


@pytest.mark.parametrize("plain", ["7e", "7e00"])
def test_7_2_1_too_short_for_a_message_type(plain: str) -> None:
    scene(bytes.fromhex(plain), None)


@pytest.mark.parametrize("number", [0x00, 0x40, 0x63, 0x7F, 0xFF])
def test_7_4_message_type_not_defined(number: int) -> None:
    scene(bytes((0x7E, 0, number)), GmmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED)


@pytest.mark.parametrize("kind", sorted(TO_THE_UE, key=lambda k: k.TYPE), ids=lambda k: k.NAME)
def test_7_4_message_type_of_the_other_direction(kind: type[nas.GmmMessage]) -> None:
    """ "A message type not defined for the EPD in the given direction is regarded by the receiver as a message type not
    defined for the EPD", whatever it contains."""
    scene(bytes((0x7E, 0, kind.TYPE)) + b"\0" * 4, GmmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED)


@pytest.mark.parametrize(
    "message", [nas.RegistrationComplete(), nas.ConfigurationUpdateComplete(), nas.SecurityModeComplete()]
)
def test_7_4_message_not_compatible_with_the_state(message: nas.GmmMessage) -> None:
    scene(nas.encode(message), GmmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE)


@pytest.mark.parametrize(
    "plain",
    [
        pytest.param("7e0059", id="missing mandatory IE"),
        pytest.param("7e00590002", id="IEI unknown, comprehension required"),
        pytest.param("7e0067", id="nothing of UL NAS TRANSPORT"),
        pytest.param("7e00670100", id="half of a length"),
    ],
)
def test_7_5_1_error_in_the_mandatory_part(plain: str) -> None:
    scene(bytes.fromhex(plain), GmmCause.INVALID_MANDATORY_INFORMATION)


@pytest.mark.parametrize(
    "behind",
    [
        pytest.param("79021122", id="7.6.1 IEI unknown in the message"),
        pytest.param("7702112277021122", id="7.6.3 repeated IE"),
        pytest.param("7700", id="7.7.1 syntactically incorrect optional IE"),
        pytest.param("7709", id="7.7.1 optional IE cut short"),
    ],
)
def test_what_is_passed_over(behind: str) -> None:
    """The message is treated without it: here a 5GMM STATUS, which nobody answers."""
    scene(nas.encode(STATUS(cause=111)) + bytes.fromhex(behind), None)


def test_7_8_semantically_incorrect_contents() -> None:
    """ "a status message is not normally transmitted": the procedure has an answer, #90 with the payload."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        phone.say_sm(9, b"\x2e\x09\x01\xc9", request_type=None)
        await asyncio.sleep(1)
        assert phone.last(nas.DLNASTransport).cause == GmmCause.PAYLOAD_WAS_NOT_FORWARDED
        assert phone.count(STATUS) == 0
        await control(world, gnb)

    run(test)


# §4.4.4.3: what is not looked at without an integrity check, is not judged either

NEVER_PLAIN = [
    kind
    for kind in nas.GMM_MESSAGES.values()
    if kind not in TO_THE_UE and not kind.UNPROTECTED and kind is not nas.ServiceRequest
]


@pytest.mark.parametrize("kind", NEVER_PLAIN, ids=lambda k: k.NAME)
@pytest.mark.parametrize("envelope", ["", "7e0100000000"], ids=["plain", "unverified"])
def test_unprotected_message_that_is_cut_short(kind: type[nas.GmmMessage], envelope: str) -> None:
    """While security mode control runs: ignored like the whole one, and what is under way goes on."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        octets = bytes((0x7E, 0, kind.TYPE, 0))
        if envelope:
            octets = bytes.fromhex(envelope) + b"\0" + octets

        def first(message: nas.NasMessage) -> None:
            phone.say_octets(octets)
            phone.usual(message)

        phone.on[nas.SecurityModeCommand] = first
        phone.register(gnb)
        await asyncio.sleep(1)
        assert phone.count(STATUS) == 0
        assert isinstance(phone.heard[-1], nas.RegistrationAccept)
        await control(world, gnb)

    run(test)


# §9.3: security header types 3 and 4


@pytest.mark.parametrize("header", [3, 4])
@pytest.mark.parametrize(
    "make",
    [
        lambda phone: nas.encode(
            nas.DeregistrationRequestUEOriginating(
                deregistration_type=nas.DeregistrationType(switch_off=True),
                ng_ksi=nas.NgKsi(0),
                mobile_identity=phone.guti,
            )
        ),
        lambda phone: nas.encode(nas.RegistrationComplete()),
    ],
    ids=["deregistration", "complete"],
)
def test_security_header_of_the_security_mode_procedure(header: int, make: Callable[[Phone], bytes]) -> None:
    """Type 3 "may be used only for a SECURITY MODE COMMAND message", type 4 for SECURITY MODE COMPLETE (table 9.3.1):
    any other message under them is discarded, though its MAC holds."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        heard = len(phone.heard)
        phone.say_octets(protected(phone, make(phone), header))
        await asyncio.sleep(1)
        assert len(phone.heard) == heard
        assert world.amf.registry.by_supi[supi_of(2)].context.rm_state == "RM-REGISTERED"
        assert any(f"security header type {header}" in cause for cause in world.causes())
        await control(world, gnb)

    run(test)


# §4.4.3.5: the end of the NAS COUNTs


def security_of(world: World, n: int) -> NasSecurity:
    security = world.amf.registry.by_supi[supi_of(n)].exchange.security
    assert security is not None
    return security


def test_downlink_counts_that_are_used_up() -> None:
    """Nothing is sent under a COUNT twice, and no bug ends the procedure: the UE is released, and comes back new."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        assert phone.security is not None
        phone.security.dl_count = security_of(world, 2).dl_count = LAST_COUNT
        phone.say(nas.RegistrationComplete())  # answered by the last one
        await asyncio.sleep(1)
        assert phone.last(STATUS).cause == GmmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE
        phone.establish(1)
        await asyncio.sleep(1)
        ue = world.amf.registry.by_supi[supi_of(2)]
        assert ue.connection is None
        assert ue.context.security is None
        assert any("NAS COUNT" in cause and "used up" in cause for cause in world.causes())
        phone.security, phone.ksi = None, 7
        await phone.registered(gnb)
        assert phone.count(nas.AuthenticationRequest) == 2
        await control(world, gnb)

    run(test)


@pytest.mark.parametrize("direction", ["dl_count", "ul_count"])
def test_new_keys_are_taken_into_use_before_the_end(direction: str) -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world, 2).registered(gnb)
        await idle(gnb, phone)
        assert phone.security is not None
        setattr(security_of(world, 2), direction, LAST_COUNTS)
        setattr(phone.security, direction, LAST_COUNTS)
        phone.service_request(gnb)
        await asyncio.sleep(1)
        assert isinstance(phone.heard[-1], nas.ServiceAccept)
        assert phone.count(nas.AuthenticationRequest) == 2
        assert security_of(world, 2).dl_count < LAST_COUNTS
        await control(world, gnb)

    run(test)


@pytest.mark.parametrize("plain", ["7e005e00", "7e005e", "7e005e7100"])
def test_an_unprotected_answer_to_a_security_mode_command_is_ignored(plain: str) -> None:
    """Whole or cut short (TS 24.501 §4.4.4.3): it draws no STATUS, and the UE's own answer counts."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        said: list[nas.SecurityModeCommand] = []
        phone.on[nas.SecurityModeCommand] = said.append  # type: ignore[assignment]
        phone.register(gnb)
        await asyncio.sleep(0.1)
        (command,) = said
        phone.say_octets(bytes.fromhex(plain))
        await asyncio.sleep(0.1)
        assert isinstance(phone.heard[-1], nas.SecurityModeCommand)
        phone.complete(command)
        await asyncio.sleep(0.1)
        assert phone.count(nas.RegistrationAccept) == 1
        assert phone.count(nas.FiveGMMStatus) == 0

    run(test)
