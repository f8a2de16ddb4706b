"""What the AMF asks of UDM, NSSF and PCF in a registration, TS 23.502 §4.2.2.2.2 steps 14 to 16."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from cinq.nf.amf.context import Ambr, SubscribedDnn, shared
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.ue import Ue
from cinq.numbering import SNssai
from cinq.procedure import Refused, Why
from cinq.sbi import Problem
from cinq.sbi import models as sbi
from cinq.sbi.services.nnssf_nsselection import SliceInfoForRegistration, SubscribedSnssai
from cinq.sbi.services.npcf_ampolicycontrol import PolicyAssociationRequest
from cinq.sbi.services.nudm_sdm import (
    DnnInfo,
    SdmSubscription,
    SmfSelectionSubscriptionData,
    SubscriptionDataSets,
)
from cinq.sbi.services.nudm_uecm import Amf3GppAccessRegistration, Amf3GppAccessRegistrationModification
from cinq.wire import nas
from cinq.wire.nas import GmmCause


class Subscribed(Struct, frozen=True, gc=False):
    """nssai: with whether each is a default. dnns: of all slices."""

    nssai: tuple[tuple[SNssai, bool], ...]
    dnns: tuple[SubscribedDnn, ...]
    ambr: sbi.Ambr | None
    rfsp: int | None


class Slices(Struct, frozen=True, gc=False):
    allowed: tuple[SNssai, ...]
    rejected: list[nas.RejectedSNssai]
    configured: list[SNssai]


class Policy(Struct, frozen=True):
    ue: Ue
    identifier: str
    ambr: sbi.Ambr | None
    rfsp: int | None


async def uecm_registration(ue: Ue) -> Ue:
    """Step 14a: this AMF serves the UE. A second registration replaces the first."""
    ports = ue.ports
    await ports.nudm_uecm.registration(
        str(ue.context.supi),
        Amf3GppAccessRegistration(
            amf_instance_id=ports.instance_id,
            dereg_callback_uri=f"/namf-callback/v1/dereg/{ue.context.supi}",
            guami=ports.guami,
            rat_type="NR",
            pei=ue.context.pei,
            initial_registration_ind=True,
        ),
    )
    return ue


async def uecm_deregistration(ue: Ue) -> None:
    modification = Amf3GppAccessRegistrationModification(guami=ue.ports.guami, purge_flag=True)
    try:
        await ue.ports.nudm_uecm.deregistration(str(ue.context.supi), modification)
    except Problem as problem:
        if problem.status not in (403, 404):  # another AMF has registered since, or nobody is
            raise


async def sdm_get(ue: Ue) -> Subscribed:
    """Step 14b: access and mobility data, and SMF selection data, in one request."""
    return _subscribed(await ue.ports.nudm_sdm.get_data_sets(str(ue.context.supi), ["AM", "SMF_SEL"]))


class Following(Struct, frozen=True):
    """A subscription to changes of a UE's data, with the data as they are."""

    ue: Ue
    identifier: str
    subscribed: Subscribed


async def sdm_subscribe(ue: Ue) -> Following:
    """Steps 14b and 14c in one request: Nudm_SDM_Subscribe with an immediate report."""
    supi = str(ue.context.supi)
    created = await ue.ports.nudm_sdm.subscribe(
        supi,
        SdmSubscription(
            nf_instance_id=ue.ports.instance_id,
            callback_reference=f"/namf-callback/v1/sdm/{supi}",
            monitored_resource_uris=[
                f"/nudm-sdm/v2/{supi}/am-data",
                f"/nudm-sdm/v2/{supi}/smf-select-data",
            ],
            immediate_report=True,
        ),
    )
    report = created.body.report or SubscriptionDataSets()
    return Following(ue, created.id, _subscribed(report))


async def sdm_unfollow(following: Following) -> None:
    await _unsubscribe(following.ue, following.identifier)


async def sdm_unsubscribe(ue: Ue) -> None:
    """Nudm_SDM_Unsubscribe, TS 23.502 §4.2.2.3.3 step 3; one that is gone already is gone."""
    if ue.context.sdm_subscription is not None:
        await _unsubscribe(ue, ue.context.sdm_subscription)


async def _unsubscribe(ue: Ue, identifier: str) -> None:
    try:
        await ue.ports.nudm_sdm.unsubscribe(str(ue.context.supi), identifier)
    except Problem as problem:
        if problem.status != 404:
            raise


def _subscribed(sets: SubscriptionDataSets) -> Subscribed:
    am = sets.am_data
    nssai = None if am is None else am.nssai
    return Subscribed(
        nssai=()
        if nssai is None
        else _slices(tuple(nssai.default_single_nssais), tuple(nssai.single_nssais)),
        dnns=_dnns(sets.smf_sel_data),
        ambr=None if am is None else am.subscribed_ue_ambr,
        rfsp=None if am is None else am.rfsp_index,
    )


@lru_cache(maxsize=1024)
def _slices(
    default: tuple[sbi.Snssai, ...], others: tuple[sbi.Snssai, ...]
) -> tuple[tuple[SNssai, bool], ...]:
    defaults = [s.numbering() for s in default]
    return tuple((s, s in defaults) for s in dict.fromkeys((*defaults, *(s.numbering() for s in others))))


def _dnns(data: SmfSelectionSubscriptionData | None) -> tuple[SubscribedDnn, ...]:
    found: list[SubscribedDnn] = []
    for key, info in (data.subscribed_snssai_infos if data else {}).items():
        found += _dnns_of(key, tuple(info.dnn_infos))
    return shared(tuple(found))


@lru_cache(maxsize=1024)
def _dnns_of(key: str, infos: tuple[DnnInfo, ...]) -> list[SubscribedDnn]:
    s_nssai = SNssai.parse(key)
    return [
        SubscribedDnn(s_nssai, info.dnn, info.default_dnn_indicator) for info in infos if not info.dnn_barred
    ]


async def select_slices(ue: Ue, request: nas.RegistrationRequest, subscribed: Subscribed) -> Slices:
    """Nnssf_NSSelection_Get. Refused with #62 when nothing is left (TS 24.501 §5.5.1.2.5)."""
    requested = tuple(request.requested_nssai or ())
    info = _slice_info(subscribed.nssai, requested)
    connection = ue.connection
    tai = None if connection is None else elements.sbi_tai(connection.place.tai)
    try:
        answer = await ue.ports.nnssf.get("AMF", ue.ports.instance_id, info, tai)
    except Problem as problem:
        if problem.cause != "SNSSAI_NOT_SUPPORTED":
            raise
        raise Refused(_no_slice(requested), str(problem)) from None
    allowed = tuple(
        item.allowed_snssai.numbering()
        for access in answer.allowed_nssai_list
        for item in access.allowed_snssai_list
    )
    if not allowed:
        asked = ", ".join(map(str, requested)) or "none"
        has = ", ".join(str(s) for s, _ in subscribed.nssai)
        why = f"the UE asks for slice {asked}; subscribed are {has}; none of them is served where it is"
        raise Refused(
            _no_slice(requested), Why(why, "network.slices, or the subscriber's: cinq subscriber set")
        )
    rejected = [
        _rejected(s.numbering(), nas.RejectedCause.NOT_AVAILABLE_IN_PLMN)
        for s in answer.rejected_nssai_in_plmn
    ]
    here = nas.RejectedCause.NOT_AVAILABLE_IN_REGISTRATION_AREA
    rejected += [_rejected(s.numbering(), here) for s in answer.rejected_nssai_in_ta]
    wanted = not requested or bool(rejected)
    configured = [c.configured_snssai.numbering() for c in answer.configured_nssai] if wanted else []
    return Slices(shared(allowed[:8]), rejected[:8], configured[:16])


@lru_cache(maxsize=1024)
def _slice_info(
    subscribed: tuple[tuple[SNssai, bool], ...], requested: tuple[SNssai, ...]
) -> SliceInfoForRegistration:
    """What is asked of the NSSF: the same for all UEs of one subscription that request the same."""
    return SliceInfoForRegistration(
        subscribed_nssai=[
            SubscribedSnssai(subscribed_snssai=sbi.Snssai.of(s), default_indication=default)
            for s, default in subscribed
        ],
        requested_nssai=_sbi_slices(requested),
    )


@lru_cache(maxsize=1024)
def _sbi_slices(slices: tuple[SNssai, ...]) -> list[sbi.Snssai]:
    return [sbi.Snssai.of(s) for s in slices]


def _rejected(s_nssai: SNssai, cause: nas.RejectedCause) -> nas.RejectedSNssai:
    return nas.RejectedSNssai(SNssai(s_nssai.sst, s_nssai.sd), cause)


def _no_slice(requested: tuple[SNssai, ...]) -> nas.RegistrationReject:
    rejected = [_rejected(s, nas.RejectedCause.NOT_AVAILABLE_IN_PLMN) for s in requested[:8]]
    return nas.RegistrationReject(cause=GmmCause.NO_NETWORK_SLICES_AVAILABLE, rejected_nssai=rejected or None)


async def am_policy_create(ue: Ue, subscribed: Subscribed, allowed: tuple[SNssai, ...]) -> Policy:
    """Step 16: Npcf_AMPolicyControl_Create."""
    ports = ue.ports
    created = await ports.npcf.create(
        PolicyAssociationRequest(
            notification_uri=f"/namf-callback/v1/am-policy/{ue.context.supi}",
            supi=str(ue.context.supi),
            supp_feat="0",
            access_type="3GPP_ACCESS",
            rat_type="NR",
            pei=ue.context.pei,
            serving_plmn=ports.serving_plmn,
            ue_ambr=subscribed.ambr,
            rfsp=subscribed.rfsp,
            allowed_snssais=_sbi_slices(allowed),
            guami=ports.guami,
        )
    )
    return Policy(ue, created.id, created.body.ue_ambr, created.body.rfsp)


async def am_policy_delete(policy: Policy) -> None:
    await delete_policy(policy.ue, policy.identifier)


async def delete_policy(ue: Ue, identifier: str) -> None:
    """Npcf_AMPolicyControl_Delete; one that is gone already is gone."""
    try:
        await ue.ports.npcf.delete(identifier)
    except Problem as problem:
        if problem.status != 404:
            raise


def ambr(rates: sbi.Ambr | None) -> Ambr | None:
    return None if rates is None else _ambr(rates)


@lru_cache(maxsize=1024)
def _ambr(rates: sbi.Ambr) -> Ambr:
    return Ambr(sbi.bits_per_second(rates.uplink), sbi.bits_per_second(rates.downlink))
