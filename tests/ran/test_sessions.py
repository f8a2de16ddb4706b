"""PDU sessions at the UE: refused, given back, unanswered, released by the network."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Aborted, Refused, TimerExpired
from cinq.ran.ue import Ue
from cinq.wire import nas

from .core import Core, CoreUe, Radio, in_transport, settle
from .test_nas_rules import gmm, play


def test_session_reject_and_not_forwarded() -> None:
    class Refuses(Core):
        def on_establishment(self, ue: CoreUe, request: nas.PDUSessionEstablishmentRequest) -> None:
            if forward:
                reject = nas.PDUSessionEstablishmentReject(
                    pdu_session_id=request.pdu_session_id, pti=request.pti, cause=27
                )
                self.down(ue, in_transport(reject))
            else:
                back = in_transport(request).replace(cause=90)
                self.down(ue, back)

    forward = True

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        nonlocal forward
        await ue.register()
        with pytest.raises(Refused, match="#27"):
            await ue.establish_session()
        assert not ue.sessions
        forward = False
        with pytest.raises(Refused, match="#90"):
            await ue.establish_session()
        assert not ue.sessions
        assert ue.context.registered

    play(scene, Refuses())


def test_session_unanswered() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        core.silent.add(nas.ULNASTransport)
        with pytest.raises(TimerExpired):
            await ue.establish_session()
        assert len(gmm(core, nas.ULNASTransport)) == 5
        assert not ue.sessions

    play(scene)


def test_connection_lost_and_a_session_request_is_made_again() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        core.silent.add(nas.ULNASTransport)
        task = asyncio.create_task(ue.establish_session())
        await settle()
        core.release(core.last())
        await settle()
        core.silent.clear()
        core.release(core.last())
        with pytest.raises(Aborted):
            await task
        assert not ue.sessions
        await ue.establish_session()
        assert core.names().count("InitialUEMessage") == 3

    play(scene)


def test_network_releases_a_session() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        await settle()
        command = nas.PDUSessionReleaseCommand(pdu_session_id=1, pti=0, cause=36)
        core.release_session(core.last(), command)
        await settle()
        assert not ue.sessions
        unknown = nas.PDUSessionModificationCommand(pdu_session_id=9, pti=0)
        core.down(core.last(), in_transport(unknown))
        await settle()
        carried = [nas.decode(m.payload_container) for m in gmm(core, nas.ULNASTransport)]  # type: ignore[attr-defined]
        assert isinstance(carried[-2], nas.PDUSessionReleaseComplete)
        assert isinstance(carried[-1], nas.FiveGSMStatus)
        assert carried[-1].cause == nas.GsmCause.INVALID_PDU_SESSION_IDENTITY

    play(scene)
