"""TS 24.501 clause 7 for 5GSM, the network's part: one test for each row, by its name."""

from __future__ import annotations

import asyncio

import pytest

from cinq.sbi.services.nsmf_pdusession import SmContextRefused
from cinq.wire import nas, pfcp

from .pcf import MOMENT, commands, with_rule
from .world import World, play, release_complete, release_request


def status(cause: int, pti: int = 5, psi: int = 1) -> nas.FiveGSMStatus:
    return nas.FiveGSMStatus(pdu_session_id=psi, pti=pti, cause=cause)


ROWS: dict[str, tuple[str, nas.GsmMessage | None]] = {
    "7.5.3 MODIFICATION REQUEST: QoS flow description of no length": (
        "2e0105c9790000",
        nas.PDUSessionModificationReject(pdu_session_id=1, pti=5, cause=84),
    ),
    "7.5.3 MODIFICATION REQUEST: QoS rule longer than its element": (
        "2e0105c97a000401ffff31",
        nas.PDUSessionModificationReject(pdu_session_id=1, pti=5, cause=84),
    ),
    "6.4.2.4 MODIFICATION REQUEST: a QoS flow of the network": (
        "2e0105c9790006012041010109",
        nas.PDUSessionModificationReject(pdu_session_id=1, pti=5, cause=83),
    ),
    "7.3.1 a) MODIFICATION COMPLETE, assigned PTI not in use": ("2e0105cc", status(47)),
    "7.3.1 a) MODIFICATION COMPLETE, unassigned PTI": ("2e0100cc", status(47, 0)),
    "7.3.1 a) MODIFICATION COMMAND REJECT": ("2e0105cd6f", status(47)),
    "7.3.1 a) RELEASE COMPLETE": ("2e0105d4", status(47)),
    "7.3.1 b) AUTHENTICATION COMPLETE, assigned PTI": ("2e0105c6000401020304", status(81)),
    "7.3.1 b) SERVICE-LEVEL AUTHENTICATION COMPLETE, assigned PTI": ("2e0105d90003010203", status(81)),
    "7.3.1 c) MODIFICATION REQUEST, unassigned PTI": ("2e0100c9", status(81, 0)),
    "7.3.1 c) RELEASE REQUEST, unassigned PTI": ("2e0100d1", status(81, 0)),
    "7.3.1 c) ESTABLISHMENT REQUEST, unassigned PTI": ("2e0100c1ffff91", status(81, 0)),
    "7.3.1 d) RELEASE REQUEST, PTI 255": ("2e01ffd1", None),
    "7.3.1 d) unknown type, PTI 255": ("2e01ffff", None),
    "7.3.2 a) MODIFICATION REQUEST to another session": (
        "2e0205c9",
        nas.PDUSessionModificationReject(pdu_session_id=2, pti=5, cause=43),
    ),
    "7.3.2 b) RELEASE REQUEST, unassigned session": (
        "2e0005d1",
        nas.PDUSessionReleaseReject(pdu_session_id=0, pti=5, cause=43),
    ),
    "7.3.2 b) RELEASE REQUEST, reserved session": (
        "2e1005d1",
        nas.PDUSessionReleaseReject(pdu_session_id=16, pti=5, cause=43),
    ),
    "7.3.2 d) STATUS to another session": ("2e0205d66f", None),
    "7.3.2 d) REMOTE UE REPORT, reserved session": ("2eff05da", None),
    "7.4 a type that there is not": ("2e0105ff", status(97)),
    "7.4 ESTABLISHMENT ACCEPT, of the other direction": ("2e0105c2", status(97)),
    "7.4 RELEASE COMMAND, of the other direction": ("2e0105d324", status(97)),
    "7.4 ESTABLISHMENT REQUEST in state active": ("2e0105c1ffff91", status(98)),
    "7.4 AUTHENTICATION COMPLETE that nobody asked for": ("2e0100c6000401020304", status(98, 0)),
    "7.5.3 a) ESTABLISHMENT REQUEST without its mandatory element": (
        "2e0105c1",
        nas.PDUSessionEstablishmentReject(pdu_session_id=1, pti=5, cause=96),
    ),
    "7.5.1 AUTHENTICATION COMPLETE without its mandatory element": ("2e0100c6", status(96, 0)),
    "7.2.1 too short": ("2e01", None),
    "7.2.1 nothing": ("", None),
    "9.2 another extended protocol discriminator": ("7e0041", None),
    "9.2 a 5GMM message": ("7e00417900", None),
    "6.5.3 STATUS is not answered": ("2e0105d65f", None),
    "7.5.1 STATUS without its cause is not answered": ("2e0105d6", None),
}
"""To an active session in which no procedure runs: the octets and the answer, None for silence."""


@pytest.mark.parametrize("row", ROWS)
def test_to_an_active_session(row: str) -> None:
    """And the session goes on as before."""

    async def scene(w: World) -> None:
        octets, answer = ROWS[row]
        ref = await w.active()
        updated = await w.update(ref, n1=bytes.fromhex(octets))
        said = updated.binary_data_n1_sm_message
        assert (None if said is None else nas.decode(said)) == answer
        assert updated.binary_data_n2_sm_information is None
        await w.update(ref, state="DEACTIVATED")
        assert w.upf.far[1].apply_action.has(pfcp.ApplyAction.BUFF)

    play(scene)


DURING: dict[str, tuple[str, nas.GsmMessage | None]] = {
    "7.3.1 a) RELEASE COMPLETE, another PTI": ("2e0109d4", status(47, 9)),
    "7.3.1 a) MODIFICATION COMPLETE, another PTI": ("2e0109cc", status(47, 9)),
    "7.3.1 d) MODIFICATION COMPLETE, PTI 255": ("2e01ffcc", None),
    "6.3.2.5 d) MODIFICATION REQUEST": ("2e0109c9", None),
    "7.4 ESTABLISHMENT REQUEST": ("2e0109c1ffff91", status(98, 9)),
    "7.5.1 MODIFICATION COMMAND REJECT without its cause": ("2e0100cd", status(96, 0)),
    "7.3.2 d) MODIFICATION COMPLETE to another session": ("2e0200cc", None),
}


@pytest.mark.parametrize("row", DURING)
def test_during_a_modification(row: str) -> None:
    """The modification goes on: the UE's right answer ends it."""

    async def scene(w: World) -> None:
        octets, answer = DURING[row]
        ref = await w.active()
        await w.decide(ref, with_rule())
        await asyncio.sleep(MOMENT)
        assert len(commands(w)) == 1
        updated = await w.update(ref, n1=bytes.fromhex(octets))
        said = updated.binary_data_n1_sm_message
        assert (None if said is None else nas.decode(said)) == answer
        await w.update(ref, n1=bytes.fromhex("2e0100cc"))
        await asyncio.sleep(MOMENT)
        (session,) = w.smf.sessions.by_identity.values()
        assert session.context.qos.named("voice") is not None

    play(scene)


RELEASING: dict[str, tuple[str, nas.GsmMessage | None]] = {
    "7.3.1 a) RELEASE COMPLETE, another PTI": ("2e0109d4", status(47, 9)),
    "6.3.3.5 b) MODIFICATION REQUEST": ("2e0109c9", None),
    "6.3.3.5 c) RELEASE REQUEST again": ("2e0102d1", None),
    "7.3.1 a) MODIFICATION COMPLETE, another PTI": ("2e0109cc", status(47, 9)),
}


@pytest.mark.parametrize("row", RELEASING)
def test_during_a_release(row: str) -> None:
    async def scene(w: World) -> None:
        octets, answer = RELEASING[row]
        ref = await w.active()
        await w.update(ref, n1=release_request())
        updated = await w.update(ref, n1=bytes.fromhex(octets))
        said = updated.binary_data_n1_sm_message
        assert (None if said is None else nas.decode(said)) == answer
        await w.update(ref, n1=release_complete())
        await asyncio.sleep(MOMENT)
        assert w.nothing_left()

    play(scene)


CREATES: dict[str, tuple[str, nas.GsmMessage | None]] = {
    "7.3.1 c) unassigned PTI": ("2e0100c1ffff91", status(81, 0)),
    "7.3.1 d) PTI 255": ("2e01ffc1ffff91", None),
    "7.3.2 another session in the header": (
        "2e0205c1ffff91",
        nas.PDUSessionEstablishmentReject(pdu_session_id=2, pti=5, cause=43),
    ),
    "7.4 RELEASE REQUEST opens nothing": ("2e0105d1", status(98)),
    "7.5.3 a) without its mandatory element": (
        "2e0105c1",
        nas.PDUSessionEstablishmentReject(pdu_session_id=1, pti=5, cause=96),
    ),
    "7.2.1 too short": ("2e01", None),
    "6.5.3 STATUS opens nothing": ("2e0105d66f", None),
}


@pytest.mark.parametrize("row", CREATES)
def test_to_no_session(row: str) -> None:
    """What an AMF creates an SM context with: refused, and nothing is there."""

    async def scene(w: World) -> None:
        octets, answer = CREATES[row]
        with pytest.raises(SmContextRefused) as caught:
            await w.create(bytes.fromhex(octets))
        said = caught.value.n1_sm_message
        assert (None if said is None else nas.decode(said)) == answer
        assert w.nothing_left()

    play(scene)
