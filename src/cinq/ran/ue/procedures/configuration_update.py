"""Generic UE configuration update, TS 24.501 §5.4.4."""

from __future__ import annotations

from cinq.procedure import procedure
from cinq.ran.ue.context import Received
from cinq.ran.ue.ue import Ue
from cinq.wire import nas


@procedure(opens=nas.ConfigurationUpdateCommand)
async def configuration_update(ue: Ue, received: Received) -> None:
    """§5.4.4.3: what is given replaces what was there; acknowledged where that is requested."""
    command = received.message
    assert isinstance(command, nas.ConfigurationUpdateCommand)
    context = ue.context
    guti = command.guti or context.guti
    if command.guti is not None:
        ue.link.listen(command.guti.s_tmsi)
    name = command.full_network_name or command.short_network_name
    ue.commit(
        guti=guti,
        tai_list=tuple(command.tai_list or context.tai_list),
        allowed_nssai=tuple(command.allowed_nssai or context.allowed_nssai),
        configured_nssai=tuple(command.configured_nssai or context.configured_nssai),
        network_name=context.network_name if name is None else name.text,
    )
    indication = command.configuration_update_indication
    if indication is None:
        return
    if indication.acknowledgement_requested:
        ue.tell(nas.ConfigurationUpdateComplete())
    if indication.registration_requested:
        ue.initiate(lambda: ue.register(nas.RegistrationKind.MOBILITY), "registration requested")
