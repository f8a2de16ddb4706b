"""Deregistration, TS 24.501 §5.5.2."""

from __future__ import annotations

from cinq.procedure import Timer, TimerExpired, procedure
from cinq.ran.ue.causes import cause_name
from cinq.ran.ue.context import Ended, Initial, Received
from cinq.ran.ue.signals import Deregister
from cinq.ran.ue.ue import Ue
from cinq.wire import nas

T3521 = Timer("T3521", 15, 4)
RELEASE = Timer("T3540", 10, 0)


@procedure(opens=Deregister)
async def deregistration(ue: Ue, wanted: Deregister) -> None:
    """UE-initiated, §5.5.2.2. Switched off, the UE waits for nothing; else T3521 five times, then locally.

    A network that accepted it without a 5G-GUTI is told a SUCI.
    """
    if not ue.context.registered:
        if ue.link.connected:  # of a registration that was given up
            ue.link.fail()
            ue.security.released()
        ue.deregistered()
        return
    request = nas.DeregistrationRequestUEOriginating(
        deregistration_type=nas.DeregistrationType(switch_off=wanted.switch_off),
        ng_ksi=ue.security.ng_ksi,
        mobile_identity=ue.context.guti or ue.usim.conceal(ue.entropy),
    )
    message = request if ue.link.connected else Initial(request)
    if wanted.switch_off:
        ue.tell(message)
    else:
        try:
            await ue.ask(message, nas.DeregistrationAcceptUEOriginating, Ended, timer=T3521)
        except TimerExpired:  # §5.5.2.2.6 c): local detach
            pass
    await _released(ue)
    ue.deregistered()


async def _released(ue: Ue) -> None:
    """The network releases the connection; T3540 is how long it may take (§5.3.1.3)."""
    if not ue.link.connected:
        return
    try:
        await ue.expect(Ended, timer=RELEASE)
    except TimerExpired:
        ue.link.fail()
        ue.security.released()


@procedure(opens=nas.DeregistrationRequestUETerminated)
async def network_deregistration(ue: Ue, received: Received) -> None:
    """Network-initiated, §5.5.2.3: accepted always; with 're-registration required' the UE comes back."""
    request = received.message
    assert isinstance(request, nas.DeregistrationRequestUETerminated)
    ue.tell(nas.DeregistrationAcceptUETerminated())
    again = request.deregistration_type.re_registration_required
    barred = cause_name(request.cause) if request.cause in (3, 6, 7) else ""
    ue.deregistered(barred=barred, forget_identity=not again and request.cause is not None)
    await _released(ue)
    if again:
        ue.initiate(ue.power_on, "re-registration")
