"""Nudr_DataRepository, TS 29.504 and the subscription data of TS 29.505."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import field

from cinq.sbi.json_patch import PatchItem
from cinq.sbi.models import NotifyItem, Uri
from cinq.sbi.operation import Created, Model, SecretModel, operation, service
from cinq.sbi.services.nausf_ueauthentication import AuthType
from cinq.sbi.services.nudm_sdm import (
    AccessAndMobilitySubscriptionData,
    SdmSubscription,
    SessionManagementSubscriptionData,
    SmfSelectionSubscriptionData,
)
from cinq.sbi.services.nudm_ueau import AuthEvent
from cinq.sbi.services.nudm_uecm import (
    Amf3GppAccessRegistration,
    Amf3GppAccessRegistrationModification,
    SmfRegistration,
)


class SequenceNumber(Model):
    """sqn: 12 hexadecimal digits, the last used. indLength: bits of IND (TS 33.102 annex C)."""

    sqn: str
    sqn_scheme: Literal["GENERAL", "NON_TIME_BASED", "TIME_BASED"] = "NON_TIME_BASED"
    ind_length: int = 5


class AuthenticationSubscription(SecretModel):
    """Hexadecimal: encPermanentKey 32 (TUAK: or 64) digits, encOpcKey 32, encTopcKey 64, AMF 4."""

    authentication_method: AuthType
    enc_permanent_key: str | None = None
    sequence_number: SequenceNumber | None = None
    authentication_management_field: str | None = None
    algorithm_id: str | None = None
    enc_opc_key: str | None = None
    enc_topc_key: str | None = None


class ProvisionedDataSets(Model):
    """What is provisioned of a UE. Those data sets that were asked for and are there."""

    am_data: AccessAndMobilitySubscriptionData | None = None
    smf_sel_data: SmfSelectionSubscriptionData | None = None
    sm_data: list[SessionManagementSubscriptionData] | None = None


class ContextDataSets(Model):
    """What the UDM keeps of a UE. Those data sets that were asked for and are there."""

    amf_3gpp: Amf3GppAccessRegistration | None = field(name="amf3Gpp", default=None)


class UeSubscribedDataSets(Model):
    """What is provisioned of a UE and what the UDM keeps of it, at once: as ProvisionedDataSets and ContextDataSets."""

    am_data: AccessAndMobilitySubscriptionData | None = None
    smf_sel_data: SmfSelectionSubscriptionData | None = None
    sm_data: list[SessionManagementSubscriptionData] | None = None
    amf_3gpp: Amf3GppAccessRegistration | None = field(name="amf3Gpp", default=None)


class SubscriptionDataSubscriptions(Model):
    """monitoredResourceUris: resources of which changes are told. ueId: of one UE, or absent for all."""

    callback_reference: Uri
    monitored_resource_uris: list[str]
    ue_id: str | None = None
    subscription_id: str | None = None


class DataChangeNotify(Model):
    ue_id: str
    notify_items: list[NotifyItem]


class IdentityData(Model):
    supi_list: list[str] = []
    gpsi_list: list[str] = []


@service("nudr-dr", "v2")
class NudrDataRepository(Protocol):
    """Every read answers 404 USER_NOT_FOUND (no such UE) or DATA_NOT_FOUND."""

    @operation(
        "Nudr_DM_Query",
        "GET",
        "/subscription-data/{ueId}/authentication-data/authentication-subscription",
        scopes=("nudr-dr:subscription-data:authentication-subscription:read",),
    )
    async def query_authentication_subscription(self, ue_id: str) -> AuthenticationSubscription: ...

    @operation(
        "Nudr_DM_Update",
        "PATCH",
        "/subscription-data/{ueId}/authentication-data/authentication-subscription",
        204,
        scopes=("nudr-dr:subscription-data:authentication-subscription:modify",),
    )
    async def update_authentication_subscription(self, ue_id: str, body: list[PatchItem]) -> None:
        """Returns only when the change is durable. 409 when a `test` fails or another has written meanwhile."""
        ...

    @operation(
        "Nudr_DM_Create",
        "PUT",
        "/subscription-data/{ueId}/authentication-data/authentication-status",
        204,
        scopes=("nudr-dr:subscription-data",),
    )
    async def create_authentication_status(self, ue_id: str, body: AuthEvent) -> None: ...

    @operation(
        "Nudr_DM_Query",
        "GET",
        "/subscription-data/{ueId}/authentication-data/authentication-status",
        scopes=("nudr-dr:subscription-data",),
    )
    async def query_authentication_status(self, ue_id: str) -> AuthEvent:
        """Of the last authentication."""
        ...

    @operation("Nudr_DM_Query", "GET", "/subscription-data/{ueId}", scopes=("nudr-dr:subscription-data",))
    async def query_ue_subscribed_data(
        self, ue_id: str, dataset_names: list[str], serving_plmn: str
    ) -> UeSubscribedDataSets:
        """dataset_names: of AM, SMF_SEL, SM and AMF_3GPP. That no AMF serves the UE is no error."""
        ...

    @operation(
        "Nudr_DM_Query",
        "GET",
        "/subscription-data/{ueId}/{servingPlmnId}/provisioned-data",
        scopes=("nudr-dr:subscription-data",),
    )
    async def query_provisioned_data(
        self, ue_id: str, serving_plmn_id: str, dataset_names: list[str]
    ) -> ProvisionedDataSets:
        """dataset_names: of AM, SMF_SEL and SM."""
        ...

    @operation(
        "Nudr_DM_Query",
        "GET",
        "/subscription-data/{ueId}/{servingPlmnId}/provisioned-data/am-data",
        scopes=("nudr-dr:subscription-data",),
    )
    async def query_am_data(self, ue_id: str, serving_plmn_id: str) -> AccessAndMobilitySubscriptionData: ...

    @operation(
        "Nudr_DM_Query",
        "GET",
        "/subscription-data/{ueId}/{servingPlmnId}/provisioned-data/smf-selection-subscription-data",
        scopes=("nudr-dr:subscription-data",),
    )
    async def query_smf_select_data(
        self, ue_id: str, serving_plmn_id: str
    ) -> SmfSelectionSubscriptionData: ...

    @operation(
        "Nudr_DM_Query",
        "GET",
        "/subscription-data/{ueId}/{servingPlmnId}/provisioned-data/sm-data",
        scopes=("nudr-dr:subscription-data",),
    )
    async def query_sm_data(
        self, ue_id: str, serving_plmn_id: str
    ) -> list[SessionManagementSubscriptionData]: ...

    @operation(
        "Nudr_DM_Create",
        "PUT",
        "/subscription-data/{ueId}/context-data/amf-3gpp-access",
        201,
        scopes=(
            "nudr-dr:subscription-data",
            "nudr-dr:subscription-data:registrations:write",
        ),
    )
    async def create_amf_context(
        self, ue_id: str, body: Amf3GppAccessRegistration
    ) -> Created[Amf3GppAccessRegistration]: ...

    @operation(
        "Nudr_DM_Query",
        "GET",
        "/subscription-data/{ueId}/context-data",
        scopes=("nudr-dr:subscription-data",),
    )
    async def query_context_data(self, ue_id: str, context_dataset_names: list[str]) -> ContextDataSets:
        """context_dataset_names: AMF_3GPP. That no AMF serves the UE, or that it is not there, is no error."""
        ...

    @operation(
        "Nudr_DM_Query",
        "GET",
        "/subscription-data/{ueId}/context-data/amf-3gpp-access",
        scopes=("nudr-dr:subscription-data",),
    )
    async def query_amf_context(self, ue_id: str) -> Amf3GppAccessRegistration: ...

    @operation(
        "Nudr_DM_Update",
        "PATCH",
        "/subscription-data/{ueId}/context-data/amf-3gpp-access",
        204,
        scopes=(
            "nudr-dr:subscription-data",
            "nudr-dr:subscription-data:registrations:write",
        ),
    )
    async def update_amf_context(self, ue_id: str, body: Amf3GppAccessRegistrationModification) -> None: ...

    @operation(
        "Nudr_DM_Query",
        "GET",
        "/subscription-data/{ueId}/context-data/smf-registrations",
        scopes=("nudr-dr:subscription-data",),
    )
    async def query_smf_contexts(self, ue_id: str) -> list[SmfRegistration]: ...

    @operation(
        "Nudr_DM_Create",
        "PUT",
        "/subscription-data/{ueId}/context-data/smf-registrations/{pduSessionId}",
        201,
        scopes=(
            "nudr-dr:subscription-data",
            "nudr-dr:subscription-data:registrations:write",
        ),
    )
    async def create_smf_context(
        self, ue_id: str, pdu_session_id: int, body: SmfRegistration
    ) -> Created[SmfRegistration]: ...

    @operation(
        "Nudr_DM_Delete",
        "DELETE",
        "/subscription-data/{ueId}/context-data/smf-registrations/{pduSessionId}",
        204,
        scopes=(
            "nudr-dr:subscription-data",
            "nudr-dr:subscription-data:registrations:write",
        ),
    )
    async def delete_smf_context(self, ue_id: str, pdu_session_id: int) -> None: ...

    @operation(
        "Nudr_DM_Query",
        "GET",
        "/subscription-data/{ueId}/context-data/sdm-subscriptions",
        scopes=("nudr-dr:subscription-data",),
    )
    async def query_sdm_subscriptions(self, ue_id: str) -> list[SdmSubscription]:
        """None is no error here."""
        ...

    @operation(
        "Nudr_DM_Update",
        "PUT",
        "/subscription-data/{ueId}/context-data/sdm-subscriptions/{subsId}",
        204,
        scopes=("nudr-dr:subscription-data",),
    )
    async def update_sdm_subscription(self, ue_id: str, subs_id: str, body: SdmSubscription) -> None:
        """Creates it, or puts it in the place of the one that is there."""
        ...

    @operation(
        "Nudr_DM_Delete",
        "DELETE",
        "/subscription-data/{ueId}/context-data/sdm-subscriptions/{subsId}",
        204,
        scopes=("nudr-dr:subscription-data",),
    )
    async def remove_sdm_subscription(self, ue_id: str, subs_id: str) -> None:
        """404 SUBSCRIPTION_NOT_FOUND."""
        ...

    @operation(
        "Nudr_DM_Query",
        "GET",
        "/subscription-data/{ueId}/identity-data",
        scopes=("nudr-dr:subscription-data",),
    )
    async def get_identity_data(self, ue_id: str) -> IdentityData:
        """ue_id: SUPI or GPSI. 404 USER_NOT_FOUND."""
        ...

    @operation(
        "Nudr_DM_Subscribe",
        "POST",
        "/subscription-data/subs-to-notify",
        201,
        scopes=("nudr-dr:subscription-data",),
    )
    async def subscribe(
        self, body: SubscriptionDataSubscriptions
    ) -> Created[SubscriptionDataSubscriptions]: ...


@service("nudm-callback", "v1")
class NudmDataChangeCallback(Protocol):
    """To the UDM: callbackReference is /nudm-callback/v1/data-change."""

    @operation("Nudr_DM_Notify", "POST", "/data-change", 204)
    async def data_change_notify(self, body: DataChangeNotify) -> None:
        """503 and 504: it is told again later."""
        ...
