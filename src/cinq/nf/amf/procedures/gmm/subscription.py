"""What the AMF asks of UDM and PCF, TS 23.502 §4.2.2.2.2 steps 14 and 16."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from cinq.nf.amf import journal
from cinq.nf.amf.context import Ambr, SubscribedDnn, shared
from cinq.nf.amf.ue import Ue
from cinq.numbering import SNssai, Supi
from cinq.procedure import Why
from cinq.sbi import Problem
from cinq.sbi import models as sbi
from cinq.sbi.services.npcf_ampolicycontrol import (
    PolicyAssociationRequest,
    PolicyAssociationUpdateRequest,
    PolicyUpdate,
)
from cinq.sbi.services.nudm_sdm import (
    DnnInfo,
    Nssai,
    SdmSubscription,
    SmfSelectionSubscriptionData,
    SubscriptionDataSets,
)
from cinq.sbi.services.nudm_uecm import Amf3GppAccessRegistration, Amf3GppAccessRegistrationModification

NOT_THERE = ("USER_NOT_FOUND", "DATA_NOT_FOUND")


class Subscribed(Struct, frozen=True, gc=False):
    """nssai: with whether each is a default. dnns: of all slices. own_authentication: the slices that need NSSAA.

    forbidden: TACs where the UE may not register. mico: None where the subscription says nothing.
    t3512, active_time: seconds, 0 and None where it says nothing.
    """

    nssai: tuple[tuple[SNssai, bool], ...]
    dnns: tuple[SubscribedDnn, ...]
    ambr: sbi.Ambr | None
    rfsp: int | None
    own_authentication: tuple[SNssai, ...] = ()
    forbidden: tuple[int, ...] = ()
    service_area: sbi.ServiceAreaRestriction | None = None
    mico: bool | None = None
    t3512: int = 0
    active_time: int | None = None


class Policy(Struct, frozen=True):
    ue: Ue
    identifier: str
    ambr: sbi.Ambr | None
    rfsp: int | None
    service_area: sbi.ServiceAreaRestriction | None


async def uecm_registration(ue: Ue) -> Ue:
    """Step 14a: this AMF serves the UE. A second registration replaces the first."""
    ports = ue.ports
    serving = ports.serving(ue.plmn)
    await ports.home(str(ue.context.supi)).uecm.registration(
        str(ue.context.supi),
        Amf3GppAccessRegistration(
            amf_instance_id=ports.instance_id,
            dereg_callback_uri=ports.callback(f"/namf-callback/v1/dereg/{ue.context.supi}"),
            guami=serving.guami,
            rat_type="NR",
            pei=ue.context.pei,
            initial_registration_ind=True,
        ),
    )
    return ue


async def uecm_deregistration(ue: Ue) -> None:
    modification = Amf3GppAccessRegistrationModification(
        guami=ue.ports.serving(ue.plmn).guami, purge_flag=True
    )
    try:
        supi = str(ue.context.supi)
        await ue.ports.home(supi).uecm.deregistration(supi, modification)
    except Problem as problem:
        if problem.status not in (403, 404):  # another AMF has registered since, or nobody is
            raise


async def sdm_get(ue: Ue) -> Subscribed:
    """Step 14b: access and mobility data, and SMF selection data, in one request."""
    return _subscribed(await _data_sets(ue, str(ue.context.supi), ["AM", "SMF_SEL"]))


async def slices_of(ue: Ue, supi: Supi) -> Subscribed:
    """Slice selection subscription data of a UE that is not yet known by its SUPI (§4.2.2.2.3 step 3)."""
    return _subscribed(await _data_sets(ue, str(supi), ["AM"]))


async def _data_sets(ue: Ue, supi: str, names: list[str]) -> SubscriptionDataSets:
    """In one request, or one by one at a UDM that does not serve it (TS 29.503 §5.2.2.2.8; Open5GS 2.7)."""
    try:
        return await ue.ports.home(supi).sdm.get_data_sets(supi, names)
    except Problem as problem:
        if problem.status not in (400, 404, 405, 501) or problem.cause in NOT_THERE:
            raise
    return await _each(ue, supi, names)


async def _each(ue: Ue, supi: str, names: list[str]) -> SubscriptionDataSets:
    sdm = ue.ports.home(supi).sdm
    return SubscriptionDataSets(
        am_data=await sdm.get_am_data(supi) if "AM" in names else None,
        smf_sel_data=await sdm.get_smf_select_data(supi) if "SMF_SEL" in names else None,
    )


class Following(Struct, frozen=True):
    """A subscription to changes of a UE's data, with the data as they are."""

    ue: Ue
    identifier: str
    subscribed: Subscribed


async def sdm_subscribe(ue: Ue) -> Following:
    """Steps 14b and 14c in one request: Nudm_SDM_Subscribe with an immediate report."""
    supi = str(ue.context.supi)
    created = await ue.ports.home(supi).sdm.subscribe(
        supi,
        SdmSubscription(
            nf_instance_id=ue.ports.instance_id,
            callback_reference=ue.ports.callback(f"/namf-callback/v1/sdm/{supi}"),
            monitored_resource_uris=[
                f"/nudm-sdm/v2/{supi}/am-data",
                f"/nudm-sdm/v2/{supi}/smf-select-data",
            ],
            immediate_report=True,
        ),
    )
    report = created.body.report
    if report is None:  # a UDM without immediate reports (an optional feature, §6.1.8)
        try:
            report = await _each(ue, supi, ["AM", "SMF_SEL"])
        except BaseException:
            await _unsubscribe(ue, created.id)
            raise
    return Following(ue, created.id, _subscribed(report))


async def sdm_unfollow(following: Following) -> None:
    await _unsubscribe(following.ue, following.identifier)


async def sdm_unsubscribe(ue: Ue) -> None:
    """Nudm_SDM_Unsubscribe, TS 23.502 §4.2.2.3.3 step 3; one that is gone already is gone."""
    if ue.context.sdm_subscription is not None:
        await _unsubscribe(ue, ue.context.sdm_subscription)


async def _unsubscribe(ue: Ue, identifier: str) -> None:
    try:
        supi = str(ue.context.supi)
        await ue.ports.home(supi).sdm.unsubscribe(supi, identifier)
    except Problem as problem:
        if problem.status != 404:
            raise


def _subscribed(sets: SubscriptionDataSets) -> Subscribed:
    am = sets.am_data
    if am is None:
        return Subscribed((), _dnns(sets.smf_sel_data), None, None)
    nssai = am.nssai
    return Subscribed(
        nssai=()
        if nssai is None
        else _slices(tuple(nssai.default_single_nssais), tuple(nssai.single_nssais)),
        dnns=_dnns(sets.smf_sel_data),
        ambr=am.subscribed_ue_ambr,
        rfsp=am.rfsp_index,
        own_authentication=() if nssai is None else _own_authentication(nssai),
        forbidden=tuple(int(text, 16) for area in am.forbidden_areas for text in area.tacs),
        service_area=am.service_area_restriction,
        mico=am.mico_allowed,
        t3512=am.subs_reg_timer or 0,
        active_time=am.active_time,
    )


def _own_authentication(nssai: Nssai) -> tuple[SNssai, ...]:
    return tuple(
        SNssai.parse(key) for key, more in nssai.additional_snssai_data.items() if more.required_authn_authz
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


async def am_policy_create(ue: Ue, subscribed: Subscribed, allowed: tuple[SNssai, ...]) -> Policy:
    """Step 16: Npcf_AMPolicyControl_Create."""
    ports = ue.ports
    serving = ports.serving(ue.plmn)
    created = await ports.npcf.create(
        PolicyAssociationRequest(
            notification_uri=ue.ports.callback(f"/namf-callback/v1/am-policy/{ue.context.supi}"),
            supi=str(ue.context.supi),
            supp_feat="0",
            access_type="3GPP_ACCESS",
            rat_type="NR",
            pei=ue.context.pei,
            serving_plmn=serving.plmn,
            ue_ambr=subscribed.ambr,
            rfsp=subscribed.rfsp,
            serv_area_res=subscribed.service_area,
            allowed_snssais=sbi_slices(allowed),
            guami=serving.guami,
        )
    )
    body = created.body
    return Policy(ue, created.id, body.ue_ambr, body.rfsp, body.serv_area_res)


async def am_policy_update(ue: Ue, report: PolicyAssociationUpdateRequest) -> PolicyUpdate | None:
    """Npcf_AMPolicyControl_Update: what the PCF makes of a change. None where the UE has no association any more."""
    identifier = ue.context.am_policy
    if identifier is None:
        return None
    try:
        return await ue.ports.npcf.update(identifier, report)
    except Problem as problem:
        journal.note(ue, Why(f"the PCF does not take the change: {problem}", problem.why.mend))
        return None


async def slices_changed(ue: Ue, allowed: tuple[SNssai, ...]) -> None:
    """Trigger ALLOWED_NSSAI_CH (TS 29.507 §4.2.3.1)."""
    report = PolicyAssociationUpdateRequest(
        triggers=["ALLOWED_NSSAI_CH"], allowed_snssais=sbi_slices(allowed)
    )
    await am_policy_update(ue, report)


@lru_cache(maxsize=1024)
def sbi_slices(slices: tuple[SNssai, ...]) -> list[sbi.Snssai]:
    return [sbi.Snssai.of(s) for s in slices]


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
