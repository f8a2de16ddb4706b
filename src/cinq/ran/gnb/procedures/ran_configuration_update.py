"""RAN Configuration Update, TS 38.413 §8.7.2."""

from __future__ import annotations

import asyncio

from cinq.procedure import Refused, Timer, procedure
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.n2.elements import global_gnb_id, ran_node_name
from cinq.ran.gnb.n2.reasons import why
from cinq.ran.gnb.procedures.ng_setup import WAITS, default_paging_drx, supported_tas
from cinq.ran.gnb.signals import UpdateConfiguration
from cinq.wire import ngap

CONFIGURATION_UPDATE = Timer("RAN Configuration Update", 10, 1)  # the same message again, §8.7.2.4


@procedure(opens=UpdateConfiguration)
async def ran_configuration_update(n2: N2, wanted: UpdateConfiguration) -> None:
    """The AMF learns the gNB's configuration anew. Refused: with the RAN CONFIGURATION UPDATE FAILURE.

    After a failure with a time to wait it is tried once more, when that time is over (§8.7.2.3).
    """
    message = wanted.message or update(n2)
    for again in (True, False):
        answer = await n2.ask(
            message,
            ngap.RANConfigurationUpdateAcknowledge,
            ngap.RANConfigurationUpdateFailure,
            timer=CONFIGURATION_UPDATE,
        )
        if isinstance(answer, ngap.RANConfigurationUpdateAcknowledge):
            return
        if not again or answer.time_to_wait is None:
            reason = why("RAN Configuration Update Failure", answer.cause, n2.ports.settings)
            raise Refused(answer, reason)
        await asyncio.sleep(WAITS.get(answer.time_to_wait, 10.0))


def update(n2: N2) -> ngap.RANConfigurationUpdate:
    """RAN CONFIGURATION UPDATE, §9.2.6.4, of all that the settings and the cells say now."""
    name, extended = ran_node_name(n2.ports.settings.name)
    return ngap.RANConfigurationUpdate(
        ran_node_name=name,
        extended_ran_node_name=extended,
        supported_ta_list=supported_tas(n2),
        default_paging_drx=default_paging_drx(n2.ports.settings),
        global_ran_node_id=global_gnb_id(n2.identity),
    )
