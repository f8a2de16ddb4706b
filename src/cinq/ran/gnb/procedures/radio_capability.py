"""UE radio capability management, TS 38.413 §8.14. A capability ID (RACS) is known with the settings' capability."""

from __future__ import annotations

from cinq.procedure import Timer, procedure
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.signals import MapRadioCapability
from cinq.wire import ngap

ID_MAPPING = Timer("UE Radio Capability ID Mapping", 10, 0)


def indicate(ue: UeContext) -> None:
    """UE RADIO CAPABILITY INFO INDICATION, §8.14.1, where the settings give the UEs a capability to report."""
    capability = ue.n2.ports.settings.ue_radio_capability
    if capability and ue.amf_ue_ngap_id is not None:
        ue.commit(radio_capability=bytes(capability))
        ue.tell(
            ngap.UERadioCapabilityInfoIndication(
                amf_ue_ngap_id=ue.amf_ue_ngap_id,
                ran_ue_ngap_id=ue.ran_ue_ngap_id,
                ue_radio_capability=capability,
            )
        )


def told(n2: N2, ue: UeContext, capability: bytes | None, identity: bytes | None) -> None:
    """What a message says of the UE's capability: itself, its identity (RACS, TS 23.501 §5.4.4.1a), or nothing.

    An identity that is not known here is asked for; a UE of which nothing is known is asked, and reported.
    """
    settings = n2.ports.settings
    if capability is not None:
        ue.commit(radio_capability=capability)
    elif identity is None:
        indicate(ue)
    elif identity == settings.ue_radio_capability_id:
        ue.commit(radio_capability=bytes(settings.ue_radio_capability))
    else:
        n2.want(MapRadioCapability(identity, ue.ran_ue_ngap_id))


def check(n2: N2, message: ngap.UERadioCapabilityCheckRequest) -> None:
    """UE RADIO CAPABILITY CHECK, §8.14.2: IMS voice is not supported. A capability that nobody has is reported."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    ue.tell(
        ngap.UERadioCapabilityCheckResponse(
            amf_ue_ngap_id=message.amf_ue_ngap_id,
            ran_ue_ngap_id=message.ran_ue_ngap_id,
            ims_voice_support_indicator="not-supported",
        )
    )
    told = message.ue_radio_capability or message.ue_radio_capability_id or ue.context.radio_capability
    if not told:
        indicate(ue)


@procedure(opens=MapRadioCapability)
async def id_mapping(n2: N2, wanted: MapRadioCapability) -> bytes:
    """UE RADIO CAPABILITY ID MAPPING, §8.14.3: the capability that the AMF knows by this ID."""
    answer = await n2.ask(
        ngap.UERadioCapabilityIDMappingRequest(ue_radio_capability_id=wanted.ue_radio_capability_id),
        ngap.UERadioCapabilityIDMappingResponse,
        timer=ID_MAPPING,
    )
    ue = None if wanted.ran_ue_ngap_id is None else n2.ues.get(wanted.ran_ue_ngap_id)
    if ue is not None:
        ue.commit(radio_capability=answer.ue_radio_capability)
    return answer.ue_radio_capability
