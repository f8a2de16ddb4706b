"""Tables 10.2.1 and 10.3.1 of TS 24.501, UE side: each timer that an emulated UE can have is started and runs out.

What is no row here the UE cannot have: T3245 (not configured), T3448 (no CIoT optimisations on NR), T3527 and those of
satellites, eCall, disaster roaming and non-3GPP access.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cinq.numbering import SNssai, Suci
from cinq.procedure import Refused, TimerExpired
from cinq.ran.ue import Ue
from cinq.ran.ue.distrust import MOST_EVENTS, T3247_S
from cinq.ran.ue.procedures import session_establishment, session_modification, session_release
from cinq.ran.ue.signals import ModifySession
from cinq.wire import nas
from cinq.wire.nas import RegistrationKind, SecurityHeader

from .core import Core, CoreUe, Radio, settle
from .test_nas_rules import gmm, play, registered

Row = Callable[[Core, Radio, Ue], Awaitable[None]]


async def sent(core: Core, kind: type[nas.NasMessage], after: float) -> int:
    """How many of this kind were heard within so many seconds."""
    before = len(gmm(core, kind))
    await asyncio.sleep(after)
    return len(gmm(core, kind)) - before


async def idle(core: Core, ue: Ue) -> None:
    await registered(core, ue)
    core.release(core.last())
    await settle()


async def t3502(core: Core, radio: Radio, ue: Ue) -> None:
    """12 minutes after the fifth failure, §5.5.1.2.7."""
    core.silent.add(nas.RegistrationRequest)
    with pytest.raises(Refused):
        await ue.register()
    assert ue.timers.left("T3502") == 12 * 60
    assert await sent(core, nas.RegistrationRequest, 12 * 60 - 1) == 0
    assert await sent(core, nas.RegistrationRequest, 2) == 1


async def t3510_t3511(core: Core, radio: Radio, ue: Ue) -> None:
    """15 s for an answer, 10 s until the next attempt, five of them."""
    core.silent.add(nas.RegistrationRequest)
    began = asyncio.get_running_loop().time()
    with pytest.raises(Refused):
        await ue.register()
    assert asyncio.get_running_loop().time() - began == pytest.approx(5 * 15 + 4 * 10, abs=0.1)
    assert len(gmm(core, nas.RegistrationRequest)) == 5


async def t3512(core: Core, radio: Radio, ue: Ue) -> None:
    """Periodic registration, once the UE has been idle so long (§5.3.7)."""
    await idle(core, ue)
    assert await sent(core, nas.RegistrationRequest, core.t3512 - 1) == 0
    assert await sent(core, nas.RegistrationRequest, 2)
    last = gmm(core, nas.RegistrationRequest)[-1]
    assert isinstance(last, nas.RegistrationRequest)
    assert last.registration_type.value == RegistrationKind.PERIODIC


async def t3516(core: Core, radio: Radio, ue: Ue) -> None:
    """The same challenge again gets the same answer (§5.4.1.3.2)."""
    core.silent |= {nas.AuthenticationResponse, nas.AuthenticationFailure}
    going = asyncio.ensure_future(ue.register())
    await settle()
    at_core = core.last()
    assert at_core.vector is not None
    vector = at_core.vector
    again = nas.AuthenticationRequest(
        ng_ksi=nas.NgKsi(at_core.ksi), abba=core.abba, rand=vector.rand, autn=vector.autn
    )
    core.down(at_core, again)
    await settle()
    first, second = gmm(core, nas.AuthenticationResponse)
    assert first == second
    assert not gmm(core, nas.AuthenticationFailure)
    going.cancel()


async def t3517(core: Core, radio: Radio, ue: Ue) -> None:
    """15 s for an answer to a service request (§5.6.1.7 b)."""
    await idle(core, ue)
    core.silent.add(nas.ServiceRequest)
    began = asyncio.get_running_loop().time()
    with pytest.raises(TimerExpired):
        await ue.request_service()
    assert asyncio.get_running_loop().time() - began == pytest.approx(15)
    assert not ue.link.connected


async def t3519(core: Core, radio: Radio, ue: Ue) -> None:
    """While it runs the UE says the SUCI that it said before (§5.5.1.2.2)."""
    core.silent.add(nas.RegistrationRequest)
    going = asyncio.ensure_future(ue.register())
    await asyncio.sleep(30)
    first, second = (m.mobile_identity for m in gmm(core, nas.RegistrationRequest))  # type: ignore[attr-defined]
    assert isinstance(first, Suci)
    assert first == second
    assert ue.timers.left("T3519") == pytest.approx(30, abs=0.1)
    going.cancel()


async def t3520(core: Core, radio: Radio, ue: Ue) -> None:
    """15 s after a failure that nothing followed the network is not genuine (§5.4.1.3.7)."""
    core.silent |= {nas.RegistrationRequest, nas.AuthenticationFailure}
    going = asyncio.ensure_future(ue.register())
    await settle()
    core.down(
        core.last(),
        nas.AuthenticationRequest(ng_ksi=nas.NgKsi(1), abba=core.abba, rand=bytes(16), autn=bytes(16)),
    )
    await settle()
    assert gmm(core, nas.AuthenticationFailure)
    assert ue.link.connected
    assert ue.timers.left("T3520") == pytest.approx(15, abs=0.1)
    await asyncio.sleep(14.9)  # T3510 of the registration is as long
    assert ue.link.connected
    await asyncio.sleep(0.2)
    assert not ue.link.connected
    going.cancel()


async def t3521(core: Core, radio: Radio, ue: Ue) -> None:
    """DEREGISTRATION REQUEST five times, 15 s apart, then the UE leaves by itself (§5.5.2.2.6 c)."""
    await registered(core, ue)
    core.silent.add(nas.DeregistrationRequestUEOriginating)
    await ue.deregister()
    assert len(gmm(core, nas.DeregistrationRequestUEOriginating)) == 5
    assert not ue.context.registered


async def t3525(core: Core, radio: Radio, ue: Ue) -> None:
    """60 s without service requests after five that nobody answered (§5.6.1.7 b)."""
    await idle(core, ue)
    core.silent.add(nas.ServiceRequest)
    for _ in range(5):
        with pytest.raises(TimerExpired):
            await ue.request_service()
    assert ue.timers.left("T3525") == pytest.approx(60, abs=0.1)
    with pytest.raises(Refused, match="T3525"):
        await ue.request_service()
    core.silent.clear()
    await asyncio.sleep(61)
    await ue.request_service()


async def t3540(core: Core, radio: Radio, ue: Ue) -> None:
    """10 s for the network to let go after an accept without follow-on request (§5.3.1.3)."""
    await ue.register(follow_on=False)
    await settle()
    assert ue.link.connected
    await asyncio.sleep(9)
    assert ue.link.connected
    await asyncio.sleep(1.1)
    assert not ue.link.connected


async def t3526(core: Core, radio: Radio, ue: Ue) -> None:
    """A slice that is full may be asked for again when its back-off timer has run out (§4.6.2.2)."""
    full = nas.RejectedSNssai(SNssai(2), nas.RejectedCause.MAXIMUM_NUMBER_OF_UES_REACHED)
    at_core = await registered(core, ue)
    core.down(
        at_core,
        nas.ConfigurationUpdateCommand(extended_rejected_nssai=[nas.RejectedGroup((full,), 120)]),
    )
    await settle()
    assert ue.context.rejected_nssai == (full,)
    await asyncio.sleep(119)
    assert ue.context.rejected_nssai == (full,)
    await asyncio.sleep(2)
    assert ue.context.rejected_nssai == ()


async def t3346(core: Core, radio: Radio, ue: Ue) -> None:
    """Congestion: no registration before it has run out; DL NAS TRANSPORT stops it (§5.3.9, §5.4.5.3.3)."""
    at_core = await registered(core, ue)
    ue.back_off.start(("T3346", "", None), 600)
    core.down(at_core, nas.DLNASTransport(payload_container_type=2, payload_container=b"sms"))
    await settle()
    assert ue.back_off.left(("T3346", "", None))[1] == 0
    await ue.deregister()
    ue.back_off.start(("T3346", "", None), 600)
    began = asyncio.get_running_loop().time()
    await ue.register()
    assert asyncio.get_running_loop().time() - began == pytest.approx(600, abs=1)


async def t3247(core: Core, radio: Radio, ue: Ue) -> None:
    """An AUTHENTICATION REJECT that anybody could have sent is obeyed for half an hour to an hour (§5.4.1.3.5,
    §5.3.20.2); the tenth for good."""
    core.silent.add(nas.RegistrationRequest)
    for event in range(1, MOST_EVENTS + 1):
        if event == 1:
            going = asyncio.ensure_future(ue.register())
        await settle()
        core.down(core.last(), nas.AuthenticationReject(), SecurityHeader.PLAIN)
        await settle()
        assert ue.context.barred
        if event == 1:
            with pytest.raises(Refused):
                await going
        assert ue.distrust.events == event
        low, high = T3247_S
        assert low <= ue.timers.left("T3247") <= high
        core.release(core.last())
        await settle()
        tries = await sent(core, nas.RegistrationRequest, ue.timers.left("T3247") + 1)
        assert tries == (1 if event < MOST_EVENTS else 0)


async def t3580(core: Core, radio: Radio, ue: Ue) -> None:
    """PDU SESSION ESTABLISHMENT REQUEST five times, 16 s apart (§6.4.1.6 a)."""
    await registered(core, ue)
    core.silent.add(nas.ULNASTransport)
    with pytest.raises(TimerExpired) as expired:
        await ue.establish_session()
    assert expired.value.timer is session_establishment.T3580
    assert len(gmm(core, nas.ULNASTransport)) == 5
    assert not ue.sessions


async def t3581(core: Core, radio: Radio, ue: Ue) -> None:
    """PDU SESSION MODIFICATION REQUEST likewise; the session stays (§6.4.2.6 a)."""
    await registered(core, ue)
    await ue.establish_session()
    before = len(gmm(core, nas.ULNASTransport))
    core.silent.add(nas.ULNASTransport)
    with pytest.raises(TimerExpired) as expired:
        await ue.modify_session(1, ModifySession())
    assert expired.value.timer is session_modification.T3581
    assert len(gmm(core, nas.ULNASTransport)) - before == 5
    assert ue.sessions[1].context.state == "ACTIVE"


async def t3582(core: Core, radio: Radio, ue: Ue) -> None:
    """PDU SESSION RELEASE REQUEST likewise; then the session is released locally (§6.4.3.5 a)."""
    await registered(core, ue)
    await ue.establish_session()
    before = len(gmm(core, nas.ULNASTransport))
    core.silent.add(nas.ULNASTransport)
    began = asyncio.get_running_loop().time()
    await ue.release_session(1)
    taken = asyncio.get_running_loop().time() - began
    assert taken == pytest.approx(5 * session_release.T3582.seconds)
    assert len(gmm(core, nas.ULNASTransport)) - before == 5
    assert not ue.sessions


ROWS: tuple[Row, ...] = (
    t3502, t3510_t3511, t3512, t3516, t3517, t3519, t3520, t3521, t3525, t3540, t3526, t3346, t3247, t3580, t3581, t3582
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__.upper())
def test_a_row_of_the_table(row: Row) -> None:
    play(row)


class Idle(Core):
    """Grants MICO mode with an active time, and a gap between connections."""

    def nas(self, ue: CoreUe, message: nas.NasMessage, header: SecurityHeader | None = None) -> bytes:
        if isinstance(message, nas.RegistrationAccept):
            message = message.replace(mico_indication=nas.MicoIndication(), t3324=60, t3447=120)
        return super().nas(ue, message, header)


def test_t3324_and_t3447() -> None:
    """§5.3.6: idle in MICO mode the UE is reached for the active time; §5.3.17: it keeps quiet for the service gap."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register(follow_on=True)
        await settle()
        core.release(core.last())
        await settle()
        assert ue.timers.left("T3324") == pytest.approx(60, abs=0.1)
        assert ue.timers.left("T3447") == pytest.approx(120, abs=0.1)
        with pytest.raises(Refused, match="T3447"):
            await ue.request_service()
        await asyncio.sleep(121)
        assert not ue.timers.runs("T3324")
        await ue.request_service()

    play(scene, Idle())
