"""5GSM from the UE that is refused, malformed or out of place: TS 24.501 §6.4.1.4, clause 7; DEV-022 to DEV-028."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.nf.smf.inbound.n1 import Answered, uplink_message
from cinq.procedure import run_virtual
from cinq.sbi import Problem
from cinq.sbi.models import Snssai
from cinq.sbi.services.nsmf_pdusession import SmContextRefused
from cinq.sbi.services.nudm_sdm import DnnConfiguration, PduSessionTypes, SscModes
from cinq.wire import nas

from .world import ESTABLISHMENT_REQUEST, SUPI, World, rejected, release_complete


def play(scene: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        world = await World().start()
        await scene(world)
        await world.smf.stop()
        assert world.nothing_left() or world.upf.sessions

    run_virtual(main())


def request(psi: int = 1, pti: int = 1, tail: str = "91a1") -> bytes:
    return bytes((0x2E, psi, pti, 0xC1, 0xFF, 0xFF)) + bytes.fromhex(tail)


def refused(n1: bytes = ESTABLISHMENT_REQUEST, **create: object) -> tuple[nas.GsmMessage, str | None]:
    """The 5GSM message in the refusal of a create, and the cause on the SBI."""
    found: list[tuple[nas.GsmMessage, str | None]] = []

    async def scene(w: World) -> None:
        with pytest.raises(SmContextRefused) as caught:
            await w.create(n1, **create)  # type: ignore[arg-type]
        assert caught.value.n1_sm_message is not None
        message = nas.decode(caught.value.n1_sm_message)
        assert isinstance(message, nas.GsmMessage)
        found.append((message, caught.value.cause))
        await asyncio.sleep(1)
        assert w.nothing_left()
        ref = await w.create(psi=2, n1=request(2))  # nobody else is harmed
        await asyncio.sleep(0.01)
        assert (await w.setup_response(ref)).json_data.up_cnx_state == "ACTIVATED"

    play(scene)
    return found[0]


def ignored(n1: bytes) -> None:
    """A create that is refused without a word to the UE."""

    async def scene(w: World) -> None:
        with pytest.raises(SmContextRefused) as caught:
            await w.create(n1)
        assert caught.value.n1_sm_message is None
        assert w.nothing_left()

    play(scene)


@pytest.mark.parametrize("psi", [0, 16, 255])
def test_dev_022_pdu_session_identity(psi: int) -> None:
    """Reserved and unassigned values (TS 24.501 §9.4) that an AMF let pass; ours answers #90 itself (§7.3.2 c)."""
    assert refused(request(psi), psi=psi)[0] == rejected(43, psi)


def test_identity_differs_from_the_amfs() -> None:
    assert refused(request(3), psi=1)[0] == rejected(43, 3)


def test_unassigned_pti() -> None:
    """§7.3.1 c): "... in which the PTI value is an unassigned value, the network shall respond with a 5GSM STATUS
    message including 5GSM cause #81"; before anything else is looked at (§7.1)."""
    status = nas.FiveGSMStatus(pdu_session_id=1, pti=0, cause=81)
    assert refused(request(pti=0))[0] == refused(bytes.fromhex("2e0100c1"))[0] == status


def test_reserved_pti() -> None:
    """§7.3.1 d): "... in which the PTI value is a reserved value, the network shall ignore the message"."""
    ignored(request(pti=255))
    ignored(bytes.fromhex("2e01ffc1"))


@pytest.mark.parametrize("tail", ["917b000780000a00000d", "917b000780000a00000d05"])
def test_dev_024_truncated_extended_pco(tail: str) -> None:
    """The session comes, without DNS. The list of cases wants #96 "invalid mandatory information" here, but the
    element is optional: TS 24.501 §7.7.1 "The UE shall treat all optional IEs that are syntactically incorrect in a
    message as not present in the message. The network shall take the same approach." (§7.5.1 with its #96 is for
    mandatory elements and for unknown ones that want to be comprehended.)"""

    async def scene(w: World) -> None:
        await w.create(request(tail=tail))
        await asyncio.sleep(0.01)
        accept = w.amf.n1()[-1]
        assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
        assert accept.extended_pco is None

    play(scene)


@pytest.mark.parametrize("octets", ["2e0101c1", "2e0101c1ff"])
def test_mandatory_element_missing(octets: str) -> None:
    assert refused(bytes.fromhex(octets))[0] == rejected(96)


@pytest.mark.parametrize("octets", ["", "2e", "7e00", "2e0101", "7e0041790000"])
def test_no_message_at_all(octets: str) -> None:
    """§7.2.1: "too short to contain a complete message type information element, that message shall be ignored"."""
    ignored(bytes.fromhex(octets))


@pytest.mark.parametrize("octets", ["2e0101d6", "2e0101d66f"])
def test_status_is_not_answered(octets: str) -> None:
    ignored(bytes.fromhex(octets))


@pytest.mark.parametrize(("kind", "cause"), [("d1", 98), ("c9", 98), ("d4", 47), ("c2", 97), ("ff", 97)])
def test_another_message_opens_no_session(kind: str, cause: int) -> None:
    """§7.4: #98 for a message that fits no state, #97 for one that no UE sends; §7.3.1 a): #47 where nothing is to be
    completed."""
    message, _ = refused(bytes.fromhex(f"2e0101{kind}"))
    assert message == nas.FiveGSMStatus(pdu_session_id=1, pti=1, cause=cause)


@pytest.mark.parametrize("dnn", ["", "a" * 101, "nowhere", "-x"])
def test_dev_027_unknown_dnn(dnn: str) -> None:
    """#27 for what an AMF lets pass; ours selects no SMF for a DNN that is not subscribed, and says #91."""
    assert refused(dnn=dnn)[0] == rejected(27)


def test_dnn_is_not_in_this_slice() -> None:
    assert refused(dnn="ims") == (rejected(70), "DNN_NOT_SUPPORTED")


def test_dnn_is_not_subscribed() -> None:
    assert refused(dnn="ims", snssai=Snssai(sst=2)) == (rejected(33), "SUBSCRIPTION_DENIED")


def test_existing_session_that_is_not_there() -> None:
    assert refused(request_type="EXISTING_PDU_SESSION")[0] == rejected(54)


@pytest.mark.parametrize(("kind", "cause"), [(2, 50), (4, 28), (5, 28), (7, 28)])
def test_pdu_session_type(kind: int, cause: int) -> None:
    assert refused(request(tail=f"9{kind}a1"))[0] == rejected(cause)


@pytest.mark.parametrize("kind", ["93", "90", "96"])
def test_ipv4v6_gets_ipv4_and_is_told_why(kind: str) -> None:
    """Table 9.11.4.11.1: values that are unused are read as IPv4v6."""

    async def scene(w: World) -> None:
        await w.create(request(tail=kind))
        await asyncio.sleep(0.01)
        accept = w.amf.n1()[-1]
        assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
        assert accept.cause == 50
        assert accept.selected_pdu_session_type == 1

    play(scene)


@pytest.mark.parametrize("tail", ["91a2", "91a3", "91a5", "91a6", "91a7"])
def test_ssc_mode(tail: str) -> None:
    message, cause = refused(request(tail=tail))
    assert isinstance(message, nas.PDUSessionEstablishmentReject)
    assert (message.cause, message.allowed_ssc_mode, cause) == (68, {1}, "SSC_NOT_SUPPORTED")


@pytest.mark.parametrize("tail", ["91", "91a1", "91a4"])
def test_ssc_mode_1(tail: str) -> None:
    """Asked for, left to the network (§6.4.1.3), or the unused value that is read as it (table 9.11.4.16.1)."""

    async def scene(w: World) -> None:
        w.udm.configuration = DnnConfiguration(
            pdu_session_types=PduSessionTypes(default_session_type="IPV4"),
            ssc_modes=SscModes(default_ssc_mode="SSC_MODE_2", allowed_ssc_modes=["SSC_MODE_1"]),
        )
        await w.create(request(tail=tail))
        await asyncio.sleep(0.01)
        accept = w.amf.n1()[-1]
        assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
        assert accept.selected_ssc_mode == 1

    play(scene)


@pytest.mark.parametrize(
    ("subscribed", "asked", "cause"),
    [
        (["ETHERNET"], "91", 28),
        (["ETHERNET"], "95", 28),
        (["UNSTRUCTURED"], "93", 28),
        (["IPV6"], "91", 51),
        (["IPV6"], "92", 28),
        (["IPV6", "ETHERNET"], "91", 28),
    ],
)
def test_subscription_without_ipv4(
    subscribed: list[Literal["IPV6", "UNSTRUCTURED", "ETHERNET"]], asked: str, cause: int
) -> None:
    """§6.4.1.4.1: #51 where the subscription is limited to IPv6; #28 for what is not supported."""

    async def scene(w: World) -> None:
        types = PduSessionTypes(default_session_type=subscribed[0], allowed_session_types=[*subscribed])
        w.udm.configuration = DnnConfiguration(
            pdu_session_types=types, ssc_modes=SscModes(default_ssc_mode="SSC_MODE_1")
        )
        with pytest.raises(SmContextRefused, match=subscribed[0]) as caught:
            await w.create(request(tail=asked))
        assert nas.decode(caught.value.n1_sm_message or b"") == rejected(cause)

    play(scene)


def test_udm_does_not_answer() -> None:
    async def scene(w: World) -> None:
        w.udm.refuses = Problem(504, "TARGET_NF_NOT_REACHABLE")
        with pytest.raises(SmContextRefused) as caught:
            await w.create()
        assert caught.value.status == 504
        assert nas.decode(caught.value.n1_sm_message or b"") == rejected(38)

    play(scene)


def test_pcf_refuses() -> None:
    async def scene(w: World) -> None:
        w.pcf.refuses = Problem(403, "USER_UNKNOWN")
        await w.create()
        await asyncio.sleep(0.01)
        assert w.amf.n1() == [rejected(31)]
        assert w.amf.notifications == [(SUPI, 1, "RELEASED")]
        assert w.nothing_left()

    play(scene)


def test_amf_does_not_take_the_accept() -> None:
    async def scene(w: World) -> None:
        w.amf.refuses = Problem(404, "CONTEXT_NOT_FOUND")
        await w.create()
        await asyncio.sleep(0.1)
        assert w.nothing_left()

    play(scene)


@pytest.mark.parametrize("octets", ["2e0105d62b", "2e0101d62f"], ids=["#43", "#47 of the accept"])
def test_status_that_ends_the_session(octets: str) -> None:
    """§6.5.3: #43, and #47 with the PTI of the PDU SESSION ESTABLISHMENT ACCEPT: a local release."""

    async def scene(w: World) -> None:
        ref = await w.active()
        answer = await w.update(ref, n1=bytes.fromhex(octets))
        assert answer.binary_data_n1_sm_message is None
        assert answer.json_data.n2_sm_info_type == "PDU_RES_REL_CMD"
        assert w.amf.notifications == [(SUPI, 1, "RELEASED")]
        await asyncio.sleep(0.01)
        assert w.nothing_left()

    play(scene)


@pytest.mark.parametrize("octets", ["2e0105d62f", "2e0100d62f", "2e0101d651", "2e0101d661", "2e0101d66f"])
def test_status_that_leaves_the_session(octets: str) -> None:
    """§6.5.3: there is no procedure that it could end."""

    async def scene(w: World) -> None:
        ref = await w.active()
        answer = await w.update(ref, n1=bytes.fromhex(octets))
        assert answer.binary_data_n2_sm_information is None
        assert len(w.upf.sessions) == 1

    play(scene)


@pytest.mark.parametrize(
    ("octets", "ends"),
    [
        ("2e0102d661", True),
        ("2e0107d661", True),
        ("2e0102d62f", True),
        ("2e0102d651", True),
        ("2e0102d62b", True),
        ("2e0107d62f", False),
        ("2e0101d651", False),
        ("2e0102d66f", False),
    ],
)
def test_status_during_a_release(octets: str, ends: bool) -> None:
    """§6.5.3: #47 and #81 end the procedure of their PTI, #97 that of the session, #43 the session."""

    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, n1=bytes.fromhex("2e0102d1"))
        await w.update(ref, n1=bytes.fromhex(octets))
        await asyncio.sleep(0.01)
        assert w.nothing_left() == ends
        await asyncio.sleep(100)
        assert w.nothing_left()

    play(scene)


@pytest.mark.parametrize("tail", ["", "76000d" + "00" * 13, "70000d" + "00" * 13])
def test_remote_ue_report(tail: str) -> None:
    """§6.6.2.3: answered with the PTI of the report; §6.6.2.5 a): not while the session is released."""

    async def scene(w: World) -> None:
        ref = await w.active()
        report = bytes.fromhex("2e0107da" + tail)
        answer = await w.update(ref, n1=report)
        assert answer.binary_data_n1_sm_message == bytes.fromhex("2e0107db")
        releasing = asyncio.ensure_future(w.smf.release(SUPI, 1, nas.GsmCause.REGULAR_DEACTIVATION))
        await asyncio.sleep(0.01)
        assert not (await w.update(ref, n1=report)).binary_data_n1_sm_message
        await w.update(ref, n1=release_complete(0))
        assert await releasing

    play(scene)


def test_remote_ue_report_that_is_broken() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        answer = await w.update(ref, n1=bytes.fromhex("2e0107da7600"))
        assert answer.binary_data_n1_sm_message is not None
        message = nas.decode(answer.binary_data_n1_sm_message)
        assert isinstance(message, nas.FiveGSMStatus | nas.RemoteUEReportResponse)
        assert message.pti == 7

    play(scene)


def test_collisions_of_a_release_by_the_network() -> None:
    """§6.3.3.5: RELEASE REQUEST and MODIFICATION REQUEST meanwhile: "the network shall ignore" them "and proceed with
    the network-requested PDU session release procedure"."""

    async def scene(w: World) -> None:
        ref = await w.active()
        releasing = asyncio.ensure_future(w.smf.release(SUPI, 1, nas.GsmCause.REGULAR_DEACTIVATION))
        await asyncio.sleep(0.01)
        for octets in ("2e0105d1", "2e0105c9"):
            answer = await w.update(ref, n1=bytes.fromhex(octets))
            assert answer.binary_data_n1_sm_message is None
        await w.update(ref, n1=bytes.fromhex("2e0100d4"))
        assert await releasing
        assert w.nothing_left()

    play(scene)


def test_duplicate_session_is_dropped_for_the_amf() -> None:
    """TS 24.501 §5.4.5.2.5 a) 12, TS 29.502 §5.2.2.3: the gNB is told, the UE is not."""

    async def scene(w: World) -> None:
        ref = await w.active()
        answer = await w.update(ref, release="REL_DUE_TO_DUPLICATE_SESSION_ID")
        assert answer.json_data.n2_sm_info_type == "PDU_RES_REL_CMD"
        assert answer.binary_data_n1_sm_message is None
        assert w.amf.notifications == []
        await asyncio.sleep(0.01)
        assert w.nothing_left()
        second = await w.active()
        await w.update(second, state="DEACTIVATED")
        answer = await w.update(second, release="REL_DUE_TO_DUPLICATE_SESSION_ID")
        assert answer.binary_data_n2_sm_information is None

    play(scene)


def test_n2_transfer_that_cannot_be_read() -> None:
    """The UE would keep a session that carries nothing: it is released."""

    async def scene(w: World) -> None:
        ref = await w.create()
        await asyncio.sleep(0.01)
        with pytest.raises(Problem, match="N2_SM_ERROR"):
            await w.update(ref, n2=b"\xff", kind="PDU_RES_SETUP_RSP")
        with pytest.raises(Problem, match="N2_SM_ERROR"):
            await w.update(ref, n2=b"", kind="PDU_RES_SETUP_RSP")
        await asyncio.sleep(0.01)
        (command,) = [m for m in w.amf.n1() if isinstance(m, nas.PDUSessionReleaseCommand)]
        assert command.cause == nas.GsmCause.NETWORK_FAILURE
        await w.update(ref, n1=release_complete(0))
        await asyncio.sleep(0.01)
        assert w.nothing_left()

    play(scene)


@settings(max_examples=300, derandomize=True)
@given(st.binary(max_size=24), st.sampled_from([None, 0, 5]))
def test_whatever_the_octets(tail: bytes, pti: int | None) -> None:
    """A message or its answer, and the answer has a form."""
    for octets in (tail, b"\x2e\x01" + tail, b"\x2e\x01\x05" + tail):
        message: nas.GsmMessage | None
        try:
            message = uplink_message(octets, 1, pti)
        except Answered as answered:
            message = answered.answer
        assert message is None or message.pti == octets[2] != 255
        assert message is None or nas.decode(nas.encode(message)) == message
