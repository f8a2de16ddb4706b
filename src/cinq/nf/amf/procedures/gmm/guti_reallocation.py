"""A new 5G-GUTI for a UE, TS 24.501 §5.4.4 and §5.5.1; what is valid when nobody knows whether the UE has it."""

from __future__ import annotations

from cinq.nf.amf.ue import Ue
from cinq.numbering import Guti, MobileIdentity, STmsi
from cinq.procedure import Refused, Timer, TimerExpired
from cinq.wire import nas

Confirmation = nas.RegistrationComplete | nas.ConfigurationUpdateComplete


async def tell(
    ue: Ue, guti: Guti, message: nas.GmmMessage, answer: type[Confirmation], timer: Timer, **changes: object
) -> None:
    """Give a UE a new 5G-GUTI. Unless it confirms, both are valid, whatever has ended the wait.

    §5.4.4.6 a) and b), §5.5.1.2.8 a) and c), §5.5.1.3.8 a) and c). changes: of its context, beside.
    Refused: the message could not go out, and nothing is so.
    """
    former, out = ue.context.guti, True
    try:
        await ue.ask(message, answer, timer=timer)
        former = None
    except TimerExpired:
        pass
    except Refused:
        out = False
        ue.registry.forget_guti(ue, guti)
        raise
    finally:
        if out:
            assign(ue, guti, former, **changes)


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
