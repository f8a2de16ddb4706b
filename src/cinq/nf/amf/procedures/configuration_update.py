"""Generic UE configuration update, TS 24.501 §5.4.4: a new 5G-GUTI for a UE that was paged (TS 33.501 §6.12.3)."""

from __future__ import annotations

from contextlib import suppress

from cinq.nf.amf.ue import Ue
from cinq.numbering import Guti
from cinq.procedure import ABORT, BESIDE, Timer, TimerExpired, Verdict, collision, procedure
from cinq.wire import nas, ngap

T3555 = Timer("T3555", 6.0)


@procedure()
async def configuration_update(ue: Ue, _: None) -> None:
    """The paged identity was heard by everybody: it is not used again."""
    if ue.connection is None or not ue.secured:
        return
    before, guti = ue.context.guti, ue.amf.allocate_guti(ue)
    command = nas.ConfigurationUpdateCommand(
        configuration_update_indication=nas.ConfigurationUpdateIndication(acknowledgement_requested=True),
        guti=guti,
    )
    async with ue.undo() as undo:
        undo.owe(give_back, (ue, guti))
        with suppress(TimerExpired):  # §5.4.4.6 a): the UE may have either
            await ue.ask(command, nas.ConfigurationUpdateComplete, timer=T3555)
        undo.keep()
    ue.amf.forget_guti(ue, before)
    ue.commit(guti=guti)


async def give_back(held: tuple[Ue, Guti]) -> None:
    """A 5G-GUTI that its UE was not given."""
    ue, guti = held
    ue.amf.forget_guti(ue, guti)


@collision(
    configuration_update,
    nas.RegistrationRequest,
    nas.DeregistrationRequestUEOriginating,
    nas.ServiceRequest,
    ngap.UEContextReleaseRequest,
    ngap.InitialContextSetupFailure,
)
def _(ue: Ue, message: object) -> Verdict:
    """§5.4.4.6 c) and d): what the UE wants goes on, with the identity that it had."""
    return ABORT


@collision(configuration_update, nas.ULNASTransport)
def _(ue: Ue, message: object) -> Verdict:
    return BESIDE
