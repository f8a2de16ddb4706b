"""5GSM from the UE that is refused, malformed or out of place: TS 24.501 §6.4.1.4, clause 7; DEV-022 to DEV-028."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cinq.procedure import run_virtual
from cinq.sbi import Problem
from cinq.sbi.models import Snssai
from cinq.sbi.services.nsmf_pdusession import SmContextRefused
from cinq.sbi.services.nudm_sdm import DnnConfiguration, PduSessionTypes, SscModes
from cinq.wire import nas, pfcp

from .world import ESTABLISHMENT_REQUEST, SUPI, World


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


def rejected(cause: int, psi: int = 1, pti: int = 1) -> nas.PDUSessionEstablishmentReject:
    return nas.PDUSessionEstablishmentReject(pdu_session_id=psi, pti=pti, cause=cause)


@pytest.mark.parametrize("psi", [0, 16, 255])
def test_dev_022_pdu_session_identity(psi: int) -> None:
    message, _ = refused(request(psi), psi=psi)
    assert message == rejected(43, psi)


def test_identity_differs_from_the_amfs() -> None:
    assert refused(request(3), psi=1)[0] == rejected(43, 3)


@pytest.mark.parametrize("pti", [0, 255])
def test_pti(pti: int) -> None:
    assert refused(request(pti=pti))[0] == rejected(81, pti=pti)


def test_dev_024_truncated_extended_pco() -> None:
    """An optional element that is wrong counts as absent (TS 24.007 §11.2.4): the session comes, without DNS."""

    async def scene(w: World) -> None:
        await w.create(request(tail="917b000780000a00000d"))
        await asyncio.sleep(0.01)
        accept = w.amf.n1()[-1]
        assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
        assert accept.extended_pco is None

    play(scene)


@pytest.mark.parametrize("octets", ["2e0101c1", "2e0101c1ff"])
def test_mandatory_element_missing(octets: str) -> None:
    assert refused(bytes.fromhex(octets))[0] == rejected(96)


@pytest.mark.parametrize("octets", ["", "2e", "7e00", "2e0101"])
def test_no_message_at_all(octets: str) -> None:
    async def scene(w: World) -> None:
        with pytest.raises(SmContextRefused):
            await w.create(bytes.fromhex(octets))

    play(scene)


def test_another_message_opens_no_session() -> None:
    message, _ = refused(bytes.fromhex("2e0101d1"))
    assert message == nas.FiveGSMStatus(pdu_session_id=1, pti=1, cause=98)


@pytest.mark.parametrize("dnn", ["", "a" * 101, "nowhere", "-x"])
def test_dev_027_unknown_dnn(dnn: str) -> None:
    assert refused(dnn=dnn)[0] == rejected(27)


def test_dnn_is_not_in_this_slice() -> None:
    assert refused(dnn="ims") == (rejected(70), "DNN_NOT_SUPPORTED")


def test_dnn_is_not_subscribed() -> None:
    assert refused(dnn="ims", snssai=Snssai(sst=2)) == (rejected(33), "SUBSCRIPTION_DENIED")


def test_existing_session_that_is_not_there() -> None:
    assert refused(request_type="EXISTING_PDU_SESSION")[0] == rejected(54)


@pytest.mark.parametrize(("kind", "cause"), [(2, 50), (4, 28), (5, 28)])
def test_pdu_session_type(kind: int, cause: int) -> None:
    assert refused(request(tail=f"9{kind}a1"))[0] == rejected(cause)


def test_ipv4v6_gets_ipv4_and_is_told_why() -> None:
    async def scene(w: World) -> None:
        await w.create(request(tail="93"))
        await asyncio.sleep(0.01)
        accept = w.amf.n1()[-1]
        assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
        assert accept.cause == 50
        assert accept.selected_pdu_session_type == 1

    play(scene)


def test_ssc_mode() -> None:
    message, cause = refused(request(tail="91a2"))
    assert isinstance(message, nas.PDUSessionEstablishmentReject)
    assert (message.cause, message.allowed_ssc_mode, cause) == (68, 1, "SSC_NOT_SUPPORTED")


def test_subscription_without_ipv4() -> None:
    async def scene(w: World) -> None:
        w.udm.configuration = DnnConfiguration(
            pdu_session_types=PduSessionTypes(default_session_type="ETHERNET"),
            ssc_modes=SscModes(),
        )
        with pytest.raises(SmContextRefused, match="ETHERNET"):
            await w.create()

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


UPLINK = [
    # DEV-025: QoS flow descriptions of length 0; DEV-026: a QoS rule longer than its element
    ("2e0105c9790000", nas.PDUSessionModificationReject(pdu_session_id=1, pti=5, cause=84)),
    ("2e0105c97a000401ffff31", nas.PDUSessionModificationReject(pdu_session_id=1, pti=5, cause=84)),
    ("2e0105c9790006012041010109", nas.PDUSessionModificationReject(pdu_session_id=1, pti=5, cause=37)),
    ("2e0105c9", nas.PDUSessionModificationReject(pdu_session_id=1, pti=5, cause=32)),
    ("2e0100c9", nas.PDUSessionModificationReject(pdu_session_id=1, pti=0, cause=81)),
    ("2e0205c9", nas.PDUSessionModificationReject(pdu_session_id=2, pti=5, cause=43)),
    ("2e0100d1", nas.PDUSessionReleaseReject(pdu_session_id=1, pti=0, cause=81)),
    ("2e0105ff", nas.FiveGSMStatus(pdu_session_id=1, pti=5, cause=97)),
    ("2e0105c2", nas.FiveGSMStatus(pdu_session_id=1, pti=5, cause=96)),
    ("2e0105d4", nas.FiveGSMStatus(pdu_session_id=1, pti=5, cause=98)),
    ("2e0105cc", nas.FiveGSMStatus(pdu_session_id=1, pti=5, cause=98)),
    ("2e0105c1ffff91", nas.FiveGSMStatus(pdu_session_id=1, pti=5, cause=98)),
    ("2e01ffd1", None),  # PTI 255
    ("2e01", None),
    ("", None),
    ("7e0041", None),
    ("2e0105d65f", None),  # 5GSM STATUS
]


@pytest.mark.parametrize(("octets", "answer"), UPLINK, ids=[octets for octets, _ in UPLINK])
def test_uplink_to_an_active_session(octets: str, answer: nas.GsmMessage | None) -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        updated = await w.update(ref, n1=bytes.fromhex(octets))
        said = updated.binary_data_n1_sm_message
        assert (None if said is None else nas.decode(said)) == answer
        assert updated.binary_data_n2_sm_information is None
        await w.update(ref, state="DEACTIVATED")
        assert w.upf.far[1].apply_action.has(pfcp.ApplyAction.BUFF)

    play(scene)


def test_status_43_ends_the_session() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, n1=bytes.fromhex("2e0105d62b"))
        assert w.amf.notifications == [(SUPI, 1, "RELEASED")]
        await asyncio.sleep(0.01)
        assert w.nothing_left()

    play(scene)


def test_status_97_ends_the_release_procedure() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        await w.update(ref, n1=bytes.fromhex("2e0102d1"))
        await w.update(ref, n1=bytes.fromhex("2e0102d661"))
        await asyncio.sleep(0.01)
        assert w.nothing_left()

    play(scene)


def test_n2_transfer_that_cannot_be_read() -> None:
    async def scene(w: World) -> None:
        ref = await w.create()
        await asyncio.sleep(0.01)
        with pytest.raises(Problem, match="N2_SM_ERROR"):
            await w.update(ref, n2=b"\xff", kind="PDU_RES_SETUP_RSP")
        with pytest.raises(Problem, match="N2_SM_ERROR"):
            await w.update(ref, n2=b"", kind="PDU_RES_SETUP_RSP")
        assert (await w.setup_response(ref)).json_data.up_cnx_state == "ACTIVATED"

    play(scene)
