"""Deregistration, TS 24.501 §5.5.2."""

from __future__ import annotations

from cinq.procedure import Timer, TimerExpired, Why, procedure
from cinq.ran.ue.access_control import SIGNALLING, barred
from cinq.ran.ue.back_off import T3346
from cinq.ran.ue.causes import gmm
from cinq.ran.ue.context import Ended, Initial, Received
from cinq.ran.ue.procedures.refusal import suffer
from cinq.ran.ue.rejection import Then, consequence
from cinq.ran.ue.signals import Deregister
from cinq.ran.ue.ue import Ue
from cinq.wire import nas

T3521 = Timer("T3521", 15, 4)
T3540 = Timer("T3540", 10, 0)
_REMOVED = "look whether the subscriber was removed: cinq subscriber list, beside the core"


@procedure(opens=Deregister)
async def deregistration(ue: Ue, wanted: Deregister) -> None:
    """UE-initiated, §5.5.2.2. Switched off, the UE waits for nothing; else T3521 five times, then locally.

    A network that accepted it without a 5G-GUTI is told a SUCI.
    """
    ue.timers.stop("T3511", "T3502")
    if not ue.context.registered:
        if ue.link.connected:  # of a registration that was given up
            ue.link.fail()
            ue.security.released()
        _off(ue, wanted)
        return
    request = nas.DeregistrationRequestUEOriginating(
        deregistration_type=nas.DeregistrationType(switch_off=wanted.switch_off),
        ng_ksi=ue.security.ng_ksi,
        mobile_identity=ue.context.guti or ue.suci(),
    )
    message = request if ue.link.connected else Initial(request)
    if not ue.link.connected and barred(ue.camp.information, SIGNALLING) is not None:
        pass  # §5.5.2.2.6 b): local de-registration
    elif wanted.switch_off:
        ue.tell(message)
    else:
        try:
            await ue.ask(message, nas.DeregistrationAcceptUEOriginating, Ended, timer=T3521)
            ue.timers.stop("T3519")
        except TimerExpired:  # §5.5.2.2.6 c): local detach
            pass
    await _released(ue)
    _off(ue, wanted)


def _off(ue: Ue, wanted: Deregister) -> None:
    ue.deregistered()
    if wanted.switch_off:
        ue.switched_off()


async def _released(ue: Ue) -> None:
    """The network releases the connection; T3540 is how long it may take (§5.3.1.3)."""
    if not ue.link.connected:
        return
    try:
        await ue.expect(Ended, timer=T3540)
    except TimerExpired:
        ue.link.fail()
        ue.security.released()


@procedure(opens=nas.DeregistrationRequestUETerminated)
async def network_deregistration(ue: Ue, received: Received) -> None:
    """Network-initiated, §5.5.2.3: accepted always; with 're-registration required' the UE comes back."""
    request = received.message
    assert isinstance(request, nas.DeregistrationRequestUETerminated)
    ue.tell(nas.DeregistrationAcceptUETerminated())
    if request.deregistration_type.re_registration_required:
        ue.back_off.stop(T3346)
        ue.deregistered()
        ue.troubled(
            "deregistered", Why("the network wants the UE to register anew", "nothing: the UE does so")
        )
        await _released(ue)
        ue.initiate(ue.power_on, "re-registration")
        return
    found = consequence("deregistration", request.cause, request.t3346)
    if found.then is Then.ATTEMPT:  # §5.5.2.3.4 b): no cause, or one that the clause does not treat
        ue.deregistered(forget_identity=True, equivalents=True)
        ue.idle_mode.register_after_t3502(nas.RegistrationKind.INITIAL)
    else:
        suffer(ue, found, request, gmm(request.cause or 0, ue.asked), registered=False)
    why = (
        Why("the network gives no cause", _REMOVED) if request.cause is None else gmm(request.cause, ue.asked)
    )
    ue.troubled("deregistered by the network", why)
    await _released(ue)
