"""UE radio capability management, TS 38.413 §8.14, TS 23.502 §4.2.8a."""

from __future__ import annotations

from cinq.nf.amf import journal, signals
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.procedures.sm.outcomes import NGAP_GUARD
from cinq.nf.amf.ue import Ue, ue_of
from cinq.procedure import TimerExpired, Why, procedure
from cinq.wire import ngap


def indication(ue: Ue, connection: NgConnection, message: ngap.UERadioCapabilityInfoIndication) -> None:
    """§8.14.1: what comes replaces what was stored; what does not come stays."""
    paging = message.ue_radio_capability_for_paging
    ue.commit(
        radio_capability=message.ue_radio_capability or ue.context.radio_capability,
        paging_capability=ue.context.paging_capability if paging is None else ngap.encode_value(paging),
    )


@procedure(opens=signals.CheckRadioCapability)
async def radio_capability_check(connection: NgConnection, _: signals.CheckRadioCapability) -> None:
    """§8.14.2. What the gNB answers is stored (TS 23.502 §4.2.8a step 5); from one that is silent nothing is known."""
    ue = ue_of(connection)
    request = ngap.UERadioCapabilityCheckRequest(
        amf_ue_ngap_id=connection.amf_ue_ngap_id,
        ran_ue_ngap_id=connection.ran_ue_ngap_id,
        ue_radio_capability=ue.context.radio_capability or None,
    )
    connection.send(request)
    try:
        answer = await connection.expect(ngap.UERadioCapabilityCheckResponse, timer=NGAP_GUARD)
    except TimerExpired:
        journal.note(ue, Why(f"{connection.ran.label} does not say whether the UE's radio suits IMS voice"))
        return
    ue.commit(voice_match=answer.ims_voice_support_indicator == "supported")
