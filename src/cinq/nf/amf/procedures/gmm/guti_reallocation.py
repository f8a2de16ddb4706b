"""A new 5G-GUTI for a UE, TS 24.501 §5.4.4 and §5.5.1; what is valid when nobody knows whether the UE has it."""

from __future__ import annotations

from cinq.nf.amf.ue import Ue
from cinq.numbering import Guti, MobileIdentity, STmsi
from cinq.procedure import Timer, TimerExpired
from cinq.wire import nas

Confirmation = nas.RegistrationComplete | nas.ConfigurationUpdateComplete


async def confirmed(ue: Ue, message: nas.GmmMessage, answer: type[Confirmation], timer: Timer) -> bool:
    """Whether the UE has answered the message that gives it a new 5G-GUTI, before the last expiry of the timer."""
    try:
        await ue.ask(message, answer, timer=timer)
    except TimerExpired:
        return False
    return True


async def tell(ue: Ue, guti: Guti, message: nas.GmmMessage, answer: type[Confirmation], timer: Timer) -> None:
    """Give a registered UE a new 5G-GUTI. Unless it confirms, both are valid, whatever has ended the wait.

    §5.4.4.6 a) and b), §5.5.1.3.8 a) and c).
    """
    former = ue.context.guti
    try:
        if await confirmed(ue, message, answer, timer):
            former = None
    finally:
        assign(ue, guti, former)


def assign(ue: Ue, guti: Guti, former: Guti | None, **changes: object) -> None:
    """The one write: from here on the UE is known by `guti`, and by `former` where it may have that still."""
    context = ue.context
    for old in (context.guti, context.former_guti):
        if old not in (guti, former):
            ue.registry.forget_guti(ue, old)
    ue.paged = False
    ue.commit(guti=guti, former_guti=former, **changes)


def used(ue: Ue, identity: MobileIdentity | STmsi | None) -> None:
    """A checked message shows which of two 5G-GUTIs the UE has: the other is valid no more.

    One that the UE was to lose is replaced once more, after a service request (§5.4.4.6 b) 1) iii)).
    """
    guti, former = ue.context.guti, ue.context.former_guti
    if guti is None or former is None or not isinstance(identity, (Guti, STmsi)):
        return
    if identity.tmsi == guti.tmsi:
        assign(ue, guti, None)
    elif identity.tmsi == former.tmsi:
        assign(ue, former, None)
        ue.paged = True


async def give_back(held: tuple[Ue, Guti]) -> None:
    """A 5G-GUTI of a UE that is not registered after all."""
    ue, guti = held
    ue.registry.forget_guti(ue, guti)
