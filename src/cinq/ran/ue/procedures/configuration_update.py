"""Generic UE configuration update, TS 24.501 §5.4.4."""

from __future__ import annotations

from cinq.procedure import procedure
from cinq.ran.ue.context import Received
from cinq.ran.ue.granted import by_command
from cinq.ran.ue.procedures.refusal import limited
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import RegistrationKind


@procedure(opens=nas.ConfigurationUpdateCommand)
async def configuration_update(ue: Ue, received: Received) -> None:
    """§5.4.4.3: what is given replaces what was there; acknowledged where that is requested.

    A registration that is requested follows at once, or, for the slices' sake, when the connection is released.
    """
    command = received.message
    assert isinstance(command, nas.ConfigurationUpdateCommand)
    ue.commit(**by_command(ue.context, command))
    limited(ue, command)
    if command.guti is not None:
        ue.timers.stop("T3519")
        ue.idle_mode.listens()
    indication = command.configuration_update_indication
    if indication is None:
        return
    if indication.acknowledgement_requested:
        ue.tell(nas.ConfigurationUpdateComplete())
    if not indication.registration_requested:
        return
    slicing = command.network_slicing_indication
    slices = command.allowed_nssai or command.configured_nssai
    if slices is not None or (slicing is not None and slicing.subscription_changed):
        ue.idle_mode.update_due = True
        ue.idle_mode.expect_release()
    else:
        ue.initiate(lambda: ue.register(RegistrationKind.MOBILITY), "registration requested")
