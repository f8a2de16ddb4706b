"""The NGAP messages of one UE that the AMF sends, built from data. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from cinq.nf.amf.context import Ambr, UeContext
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.standing import NOTHING, Standing
from cinq.nf.amf.settings import Settings
from cinq.numbering import SNssai, Tai
from cinq.sbi.services.nsmf_pdusession import N2SmInfoType
from cinq.wire import nas, ngap

UNLIMITED = Ambr(4_000_000_000_000, 4_000_000_000_000)  # the most that there is, where nothing is subscribed


UNASSIGNED = -1  # the RAN UE NGAP ID of a connection whose gNB has given none yet


class Transfer(Struct, frozen=True, gc=False):
    """What an SMF sends through the AMF for one PDU session: a 5GSM message for the UE, SM information for the gNB.

    failure_uri: where the SMF wants to hear that the UE cannot be reached.
    priority: ARP priority level of what the UE is to be reached for.
    """

    pdu_session_id: int
    n1: bytes | None = None
    n2: bytes | None = None
    n2_type: N2SmInfoType | None = None
    s_nssai: SNssai | None = None
    failure_uri: str | None = None
    priority: int | None = None


class PagingAttempt(Struct, frozen=True, gc=False):
    """A PAGING for the gNBs that serve the area, or for the one named."""

    message: ngap.Paging
    area: tuple[Tai, ...]
    gnb: str = ""


class Resource(Struct, frozen=True, gc=False):
    """A transfer on its way to the gNB. nas_pdu: its 5GSM message in a protected DL NAS TRANSPORT."""

    transfer: Transfer
    nas_pdu: bytes | None

    def s_nssai(self, settings: Settings) -> ngap.SNSSAI:
        return elements.s_nssai(self.transfer.s_nssai or settings.slices[0])


class Identities(Protocol):
    """A connection, as its messages name it."""

    amf_ue_ngap_id: int
    ran_ue_ngap_id: int


def sm_container(pdu_session_id: int, octets: bytes) -> nas.DLNASTransport:
    return nas.DLNASTransport(
        payload_container_type=nas.PayloadContainerType.N1_SM_INFORMATION,
        payload_container=octets,
        pdu_session_id=pdu_session_id,
    )


def nas_transport(ids: Identities, nas_pdu: bytes) -> ngap.DownlinkNASTransport:
    return ngap.DownlinkNASTransport(
        amf_ue_ngap_id=ids.amf_ue_ngap_id, ran_ue_ngap_id=ids.ran_ue_ngap_id, nas_pdu=nas_pdu
    )


def context_setup(
    ids: Identities,
    context: UeContext,
    settings: Settings,
    kgnb: bytes,
    nas_pdu: bytes | None,
    resources: Sequence[Resource],
    standing: Standing = NOTHING,
) -> ngap.InitialContextSetupRequest:
    """TS 38.413 §8.3.1."""
    sessions = [
        ngap.PDUSessionResourceSetupItemCxtReq(
            pdu_session_id=r.transfer.pdu_session_id,
            s_nssai=r.s_nssai(settings),
            pdu_session_resource_setup_request_transfer=r.transfer.n2 or b"",
            nas_pdu=r.nas_pdu,
        )
        for r in resources
    ]
    return ngap.InitialContextSetupRequest(
        amf_ue_ngap_id=ids.amf_ue_ngap_id,
        ran_ue_ngap_id=ids.ran_ue_ngap_id,
        ue_aggregate_maximum_bit_rate=elements.ue_ambr(context.ue_ambr or UNLIMITED) if sessions else None,
        guami=elements.guami(settings.plmn, settings.amf_id),
        pdu_session_resource_setup_list_cxt_req=sessions or None,
        allowed_nssai=elements.allowed_nssai(context.allowed_nssai),
        ue_security_capabilities=elements.security_capabilities(context.security_capability),
        security_key=int.from_bytes(kgnb, "big"),
        ue_radio_capability=context.radio_capability or None,
        ue_radio_capability_id=(context.radio_capability and context.radio_capability_id) or None,
        index_to_rfsp=context.rfsp,
        masked_imeisv=elements.masked_imeisv(context.pei) if context.pei else None,
        nas_pdu=nas_pdu,
        trace_activation=standing.trace,
        location_reporting_request_type=standing.location,
    )


def resource_setup(
    ids: Identities,
    context: UeContext,
    settings: Settings,
    nas_pdu: bytes | None,
    resources: Sequence[Resource],
) -> ngap.PDUSessionResourceSetupRequest:
    """TS 38.413 §8.2.1."""
    ambr = context.ue_ambr
    return ngap.PDUSessionResourceSetupRequest(
        amf_ue_ngap_id=ids.amf_ue_ngap_id,
        ran_ue_ngap_id=ids.ran_ue_ngap_id,
        nas_pdu=nas_pdu,
        pdu_session_resource_setup_list_su_req=[
            ngap.PDUSessionResourceSetupItemSUReq(
                pdu_session_id=r.transfer.pdu_session_id,
                s_nssai=r.s_nssai(settings),
                pdu_session_resource_setup_request_transfer=r.transfer.n2 or b"",
                pdu_session_nas_pdu=r.nas_pdu,
            )
            for r in resources
        ],
        ue_aggregate_maximum_bit_rate=elements.ue_ambr(ambr) if ambr else None,
    )


def resource_release(ids: Identities, resource: Resource) -> ngap.PDUSessionResourceReleaseCommand:
    """TS 38.413 §8.2.2."""
    item = ngap.PDUSessionResourceToReleaseItemRelCmd(
        pdu_session_id=resource.transfer.pdu_session_id,
        pdu_session_resource_release_command_transfer=resource.transfer.n2 or b"",
    )
    return ngap.PDUSessionResourceReleaseCommand(
        amf_ue_ngap_id=ids.amf_ue_ngap_id,
        ran_ue_ngap_id=ids.ran_ue_ngap_id,
        nas_pdu=resource.nas_pdu,
        pdu_session_resource_to_release_list_rel_cmd=[item],
    )


def resource_modify(ids: Identities, resource: Resource) -> ngap.PDUSessionResourceModifyRequest:
    """TS 38.413 §8.2.3."""
    item = ngap.PDUSessionResourceModifyItemModReq(
        pdu_session_id=resource.transfer.pdu_session_id,
        nas_pdu=resource.nas_pdu,
        pdu_session_resource_modify_request_transfer=resource.transfer.n2 or b"",
    )
    return ngap.PDUSessionResourceModifyRequest(
        amf_ue_ngap_id=ids.amf_ue_ngap_id,
        ran_ue_ngap_id=ids.ran_ue_ngap_id,
        pdu_session_resource_modify_list_mod_req=[item],
    )


def context_modification(
    ids: Identities, context: UeContext, kgnb: bytes
) -> ngap.UEContextModificationRequest:
    """TS 38.413 §8.3.4, for new keys (TS 33.501 §6.9.4.4)."""
    return ngap.UEContextModificationRequest(
        amf_ue_ngap_id=ids.amf_ue_ngap_id,
        ran_ue_ngap_id=ids.ran_ue_ngap_id,
        security_key=int.from_bytes(kgnb, "big"),
        ue_aggregate_maximum_bit_rate=elements.ue_ambr(context.ue_ambr) if context.ue_ambr else None,
        ue_security_capabilities=elements.security_capabilities(context.security_capability),
    )


def context_update(ids: Identities, context: UeContext) -> ngap.UEContextModificationRequest:
    """TS 38.413 §8.3.4, for another AMBR or RFSP index."""
    return ngap.UEContextModificationRequest(
        amf_ue_ngap_id=ids.amf_ue_ngap_id,
        ran_ue_ngap_id=ids.ran_ue_ngap_id,
        index_to_rfsp=context.rfsp,
        ue_aggregate_maximum_bit_rate=elements.ue_ambr(context.ue_ambr or UNLIMITED),
    )


def context_release(ids: Identities, cause: ngap.Cause) -> ngap.UEContextReleaseCommand:
    """TS 38.413 §8.3.3."""
    if ids.ran_ue_ngap_id == UNASSIGNED:
        return ngap.UEContextReleaseCommand(ue_ngap_ids=("aMF-UE-NGAP-ID", ids.amf_ue_ngap_id), cause=cause)
    pair = ngap.UENGAPIDpair(amf_ue_ngap_id=ids.amf_ue_ngap_id, ran_ue_ngap_id=ids.ran_ue_ngap_id)
    return ngap.UEContextReleaseCommand(ue_ngap_ids=("uE-NGAP-ID-pair", pair), cause=cause)
