"""UE radio capability management, TS 38.413 §8.14, TS 23.502 §4.2.8a."""

from __future__ import annotations

from cinq.nf.amf import journal, signals
from cinq.nf.amf.n2.association import NgConnection, Ran
from cinq.nf.amf.n2.diagnosis import error_indication, notices
from cinq.nf.amf.procedures.sm.outcomes import NGAP_GUARD
from cinq.nf.amf.ue import Ue, ue_of
from cinq.procedure import Declined, TimerExpired, Why, procedure
from cinq.wire import ngap


def indication(ue: Ue, connection: NgConnection, message: ngap.UERadioCapabilityInfoIndication) -> None:
    """§8.14.1: what comes replaces what was stored; what does not come stays."""
    paging = message.ue_radio_capability_for_paging
    ue.commit(
        radio_capability=message.ue_radio_capability or ue.context.radio_capability,
        paging_capability=ue.context.paging_capability if paging is None else ngap.encode_value(paging),
    )
    ue.registry.learn(ue.context)


def id_mapping(ran: Ran, capability: bytes | None, request: ngap.UERadioCapabilityIDMappingRequest) -> None:
    """§8.14.3, TS 23.501 §5.4.4.1a. There is no unsuccessful outcome: of an identity that is not known, an error.

    There is no UCMF: what an identity stands for is known from UEs that have it.
    """
    identity = request.ue_radio_capability_id
    if capability is None:
        ran.tell(error_indication(("radioNetwork", "unspecified"), request))
        mend = "the gNB asks the UE itself"
        journal.note(ran, Why(f"UE radio capability ID {identity.hex()} is not known here", mend))
        return
    ran.tell(
        ngap.UERadioCapabilityIDMappingResponse(
            ue_radio_capability_id=identity,
            ue_radio_capability=capability,
            criticality_diagnostics=notices(request),
        )
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
    except (TimerExpired, Declined):
        journal.note(ue, Why(f"{connection.ran.label} does not say whether the UE's radio suits IMS voice"))
        return
    ue.commit(voice_match=answer.ims_voice_support_indicator == "supported")
