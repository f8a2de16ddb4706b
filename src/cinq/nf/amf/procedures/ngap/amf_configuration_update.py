"""AMF Configuration Update, TS 38.413 §8.7.3: gNBs hear that the AMF has another name, capacity or other slices."""

from __future__ import annotations

import asyncio

from cinq.nf.amf import journal, signals
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.association import Ran
from cinq.nf.amf.settings import Settings
from cinq.procedure import Timer, Why, procedure
from cinq.wire import ngap

UPDATE_GUARD = Timer("AMF Configuration Update guard", 10.0, retransmissions=1)
WAITS: dict[ngap.TimeToWait, float] = {"v1s": 1, "v2s": 2, "v5s": 5, "v10s": 10, "v20s": 20, "v60s": 60}
ATTEMPTS = 3


@procedure(opens=signals.ConfigurationChanged)
async def amf_configuration_update(ran: Ran, _: signals.ConfigurationChanged) -> None:
    """§8.7.3.2; a gNB that refuses for a time is asked again after it (§8.7.3.3), with what is true then.

    One that is silent gets the same once more (§8.7.3.4), then it keeps what it has.
    """
    for left in reversed(range(ATTEMPTS)):
        answer = await ran.ask(
            update(ran.ports.settings),
            ngap.AMFConfigurationUpdateAcknowledge,
            ngap.AMFConfigurationUpdateFailure,
            timer=UPDATE_GUARD,
        )
        if isinstance(answer, ngap.AMFConfigurationUpdateAcknowledge):
            return
        wait = answer.time_to_wait
        cause = answer.cause[1] if answer.cause else "no cause"
        mend = "" if wait and left else "the gNB hears it with its next NG Setup: restart its association"
        journal.note(ran, Why(f"{ran.label} does not take the AMF's configuration: {cause}", mend))
        if wait is None:
            return
        if left:
            await asyncio.sleep(WAITS[wait])


def update(settings: Settings) -> ngap.AMFConfigurationUpdate:
    """§9.2.6.7, of all that NG SETUP RESPONSE says too."""
    return ngap.AMFConfigurationUpdate(
        amf_name=settings.name,
        extended_amf_name=elements.extended_amf_name(settings.extended_name),
        relative_amf_capacity=settings.relative_capacity,
        plmn_support_list=[
            ngap.PLMNSupportItem(
                plmn_identity=served.plmn.octets,
                slice_support_list=[
                    ngap.SliceSupportItem(s_nssai=elements.s_nssai(one)) for one in served.slices
                ],
            )
            for served in settings.served
        ],
    )
