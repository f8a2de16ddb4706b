"""What the UDM serves: Nudm_UEAuthentication, Nudm_SubscriberDataManagement, Nudm_UEContextManagement."""

from __future__ import annotations

import logging
from collections.abc import Callable

from msgspec import structs

from cinq.nf.udm.barring import may_register
from cinq.nf.udm.context import credentials
from cinq.nf.udm.exposure import EventExposure
from cinq.nf.udm.notifications import Notifications, deregister, subscription_id
from cinq.nf.udm.roaming import may_authenticate, may_serve
from cinq.nf.udm.settings import Settings
from cinq.nf.udm.sidf import supi_of
from cinq.nf.udm.vectors import last_sqn, vector
from cinq.numbering import PlmnId
from cinq.procedure import Why
from cinq.sbi import Bus, Created, Problem
from cinq.sbi.json_patch import PatchItem
from cinq.sbi.models import Snssai
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.nudm_ee import NudmEventExposure
from cinq.sbi.services.nudm_sdm import (
    AccessAndMobilitySubscriptionData,
    NudmSubscriberDataManagement,
    PduSession,
    SdmSubscription,
    SessionManagementSubscriptionData,
    SmfSelectionSubscriptionData,
    SubscriptionDataSets,
    UeContextInSmfData,
)
from cinq.sbi.services.nudm_ueau import (
    AuthenticationInfoRequest,
    AuthenticationInfoResult,
    AuthEvent,
    NudmUEAuthentication,
)
from cinq.sbi.services.nudm_uecm import (
    Amf3GppAccessRegistration,
    Amf3GppAccessRegistrationModification,
    DeregistrationReason,
    NudmUEContextManagement,
    SmfRegistration,
)
from cinq.sbi.services.nudr_dr import NudmDataChangeCallback, NudrDataRepository

log = logging.getLogger("cinq.udm")

NAMES = {"am-data": "AM", "smf-select-data": "SMF_SEL"}
ATTEMPTS = 8  # vectors asked for one SUPI at the same instant take turns; more than these is an attack


class UDM:
    """entropy(n) gives n random octets."""

    def __init__(
        self, settings: Settings, sbi: Bus, entropy: Callable[[int], bytes], instance_id: str
    ) -> None:
        self._settings = settings
        self._entropy = entropy
        self._sbi = sbi
        self._udr = sbi.client(NudrDataRepository, "UDM")
        self._notifications = Notifications(sbi)
        self._exposure = EventExposure(sbi, entropy, instance_id)
        self._plmn = settings.plmn.mcc + settings.plmn.mnc
        self.instance_id = instance_id

    def services(self) -> list[tuple[type, object]]:
        return [
            (NudmUEAuthentication, self),
            (NudmSubscriberDataManagement, self),
            (NudmUEContextManagement, self),
            (NudmEventExposure, self._exposure),
            (NudmDataChangeCallback, self._notifications),
        ]

    async def start(self) -> None:
        """Once the UDR serves: from now on the UDM hears of changes."""
        await self._notifications.start()

    def profile(self) -> NFProfile:
        return NFProfile(nf_instance_id=self.instance_id, nf_type="UDM", nf_status="REGISTERED")

    async def generate_auth_data(
        self, supi_or_suci: str, body: AuthenticationInfoRequest
    ) -> AuthenticationInfoResult:
        """TS 33.501 §6.1.2, §6.1.3.1 and §6.1.3.2 step 1; resynchronisation by TS 33.102 §6.3.5."""
        may_authenticate(body.serving_network_name, self._settings)
        supi = supi_of(supi_or_suci, self._settings)
        for _ in range(ATTEMPTS):
            record = await self._udr.query_authentication_subscription(supi)
            subscriber = credentials(supi, record)
            sqn = subscriber.next_sqn(last_sqn(supi, subscriber, body.resynchronization_info))
            if await self._advance(supi, subscriber.sqn, sqn):
                rand = self._entropy(16)
                return vector(
                    record.authentication_method, supi, subscriber, rand, sqn, body.serving_network_name
                )
        why = Why(f"more than {ATTEMPTS} vectors were asked for {supi} at the same instant")
        raise Problem(429, "INSUFFICIENT_RESOURCES", why)

    async def _advance(self, supi: str, last: int, sqn: int) -> bool:
        """True when `sqn` is durable and was given to nobody else."""
        path = "/sequenceNumber/sqn"
        patch = [
            PatchItem(op="test", path=path, value=f"{last:012x}"),
            PatchItem(op="replace", path=path, value=f"{sqn:012x}"),
        ]
        try:
            await self._udr.update_authentication_subscription(supi, patch)
        except Problem as problem:
            if problem.status == 409:
                return False
            raise
        return True

    async def confirm_auth(self, supi: str, body: AuthEvent) -> Created[AuthEvent]:
        await self._udr.create_authentication_status(supi, body)
        return Created(f"/{supi}/auth-events/1", body)

    async def get_data_sets(self, supi: str, dataset_names: list[str]) -> SubscriptionDataSets:
        found = await self._udr.query_provisioned_data(supi, self._plmn, dataset_names)
        return SubscriptionDataSets(am_data=found.am_data, smf_sel_data=found.smf_sel_data)

    async def get_am_data(self, supi: str) -> AccessAndMobilitySubscriptionData:
        return await self._udr.query_am_data(supi, self._plmn)

    async def get_smf_select_data(self, supi: str) -> SmfSelectionSubscriptionData:
        return await self._udr.query_smf_select_data(supi, self._plmn)

    async def get_ue_context_in_smf_data(self, supi: str) -> UeContextInSmfData:
        """Which SMFs serve the UE's sessions, for an AMF that did not serve it until now (§5.2.2.2.4)."""
        return UeContextInSmfData(
            pdu_sessions={
                str(one.pdu_session_id): PduSession(
                    dnn=one.dnn or "",
                    smf_instance_id=one.smf_instance_id,
                    plmn_id=one.plmn_id,
                    single_nssai=one.single_nssai,
                )
                for one in await self._udr.query_smf_contexts(supi)
            }
        )

    async def get_sm_data(
        self, supi: str, single_nssai: Snssai | None, dnn: str | None
    ) -> list[SessionManagementSubscriptionData]:
        """What fits the S-NSSAI and the DNN; DATA_NOT_FOUND when nothing does (TS 29.503 §5.2.2.2.5)."""
        data = await self._udr.query_sm_data(supi, self._plmn)
        fits = [
            d
            for d in data
            if (single_nssai is None or d.single_nssai.numbering() == single_nssai.numbering())
            and (dnn is None or dnn in d.dnn_configurations)
        ]
        if not fits:
            slice_ = "any slice" if single_nssai is None else f"slice {single_nssai.numbering()}"
            mend = f"cinq subscriber set {supi} --dnns ... --slices ..."
            raise Problem(404, "DATA_NOT_FOUND", Why(f"{supi} has not subscribed to {dnn} in {slice_}", mend))
        return fits

    async def subscribe(self, ue_id: str, body: SdmSubscription) -> Created[SdmSubscription]:
        """TS 29.503 §5.2.2.3: with immediateReport also what Get would give (§5.2.2.3.1)."""
        identifier = subscription_id(body)
        report = None
        if body.immediate_report:
            names = [NAMES[n] for u in body.monitored_resource_uris if (n := u.rsplit("/", 1)[-1]) in NAMES]
            report = await self.get_data_sets(ue_id, names)
        kept = structs.replace(body, subscription_id=identifier, immediate_report=False)
        await self._udr.update_sdm_subscription(ue_id, identifier, kept)
        return Created(f"/{ue_id}/sdm-subscriptions/{identifier}", structs.replace(kept, report=report))

    async def unsubscribe(self, ue_id: str, subscription_id: str) -> None:
        await self._udr.remove_sdm_subscription(ue_id, subscription_id)

    async def registration(
        self, ue_id: str, body: Amf3GppAccessRegistration
    ) -> Created[Amf3GppAccessRegistration]:
        """TS 29.503 §5.3.2.2.2: an AMF that served the UE until now hears of it (TS 23.502 §4.2.2.2.2 step 14d)."""
        may_serve(ue_id, PlmnId(body.guami.plmn_id.mcc, body.guami.plmn_id.mnc), self._settings)
        subscribed = await self._udr.query_ue_subscribed_data(ue_id, ["AM", "AMF_3GPP"], self._plmn)
        former = subscribed.amf_3gpp
        may_register(ue_id, body.rat_type, subscribed.am_data)
        await self._udr.create_amf_context(ue_id, body)
        if former is not None and not _is_the_same(former, body):
            initial = body.initial_registration_ind
            reason: DeregistrationReason = (
                "UE_INITIAL_REGISTRATION" if initial else "UE_REGISTRATION_AREA_CHANGE"
            )
            try:
                await deregister(self._sbi, former, reason)
            except Problem as problem:
                log.warning("the AMF that served %s cannot be told that another does: %s", ue_id, problem)
        return Created(f"/{ue_id}/registrations/amf-3gpp-access", body)

    async def deregistration(self, ue_id: str, body: Amf3GppAccessRegistrationModification) -> None:
        found = await self._udr.query_amf_context(ue_id)
        if found.guami != body.guami:
            serving = found.guami.amf_id
            raise Problem(403, "INVALID_GUAMI", Why(f"AMF {serving} serves {ue_id}, not {body.guami.amf_id}"))
        await self._udr.update_amf_context(ue_id, body)

    async def smf_registration(
        self, ue_id: str, pdu_session_id: int, body: SmfRegistration
    ) -> Created[SmfRegistration]:
        await self._udr.create_smf_context(ue_id, pdu_session_id, body)
        return Created(f"/{ue_id}/registrations/smf-registrations/{pdu_session_id}", body)

    async def smf_deregistration(self, ue_id: str, pdu_session_id: int) -> None:
        await self._udr.delete_smf_context(ue_id, pdu_session_id)


def _is_the_same(former: Amf3GppAccessRegistration, now: Amf3GppAccessRegistration) -> bool:
    """Some AMFs take another instance identity at each start; a URI where they are called tells them (Open5GS)."""
    where = former.dereg_callback_uri
    return former.amf_instance_id == now.amf_instance_id or (
        where == now.dereg_callback_uri and not where.startswith("/")
    )
