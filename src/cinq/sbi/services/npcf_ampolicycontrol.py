"""Npcf_AMPolicyControl, TS 29.507."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from cinq.sbi.extensible import extensible
from cinq.sbi.models import (
    AccessType,
    Ambr,
    Guami,
    PlmnIdNid,
    RatType,
    ServiceAreaRestriction,
    Snssai,
    Uri,
    UserLocation,
)
from cinq.sbi.operation import Created, Model, operation, service

TerminationCause = Literal["UNSPECIFIED", "UE_SUBSCRIPTION", "INSUFFICIENT_RES"]
RequestTrigger = Literal[
    "LOC_CH",
    "SERV_AREA_CH",
    "RFSP_CH",
    "ALLOWED_NSSAI_CH",
    "UE_AMBR_CH",
    "REJECTED_SNSSAIS_CH",
    "PENDING_NSSAI_CH",
]


if not TYPE_CHECKING:
    RequestTrigger, TerminationCause = extensible(RequestTrigger, TerminationCause)


class PolicyAssociationRequest(Model):
    """suppFeat: hexadecimal features, "0" for none. What is subscribed: servAreaRes, rfsp, ueAmbr."""

    notification_uri: Uri
    supi: str
    supp_feat: str
    access_type: AccessType | None = None
    rat_type: RatType | None = None
    pei: str | None = None
    serving_plmn: PlmnIdNid | None = None
    serv_area_res: ServiceAreaRestriction | None = None
    rfsp: int | None = None
    ue_ambr: Ambr | None = None
    user_loc: UserLocation | None = None
    allowed_snssais: list[Snssai] = []
    rejected_snssais: list[Snssai] = []
    pending_nssai: list[Snssai] = []
    guami: Guami | None = None


class PolicyAssociation(Model):
    """triggers: what the AMF is to report by Update. servAreaRes: in place of the subscribed one."""

    supp_feat: str
    triggers: list[RequestTrigger] = []
    serv_area_res: ServiceAreaRestriction | None = None
    rfsp: int | None = None
    ue_ambr: Ambr | None = None


class PolicyAssociationUpdateRequest(Model):
    """triggers: what is reported; of each, the new value comes with it."""

    triggers: list[RequestTrigger] = []
    serv_area_res: ServiceAreaRestriction | None = None
    rfsp: int | None = None
    ue_ambr: Ambr | None = None
    user_loc: UserLocation | None = None
    allowed_snssais: list[Snssai] = []
    rejected_snssais: list[Snssai] = []
    pending_nssai: list[Snssai] = []
    guami: Guami | None = None


class PolicyUpdate(Model):
    """What changes of an association: a member that is absent stays as it was."""

    resource_uri: str
    triggers: list[RequestTrigger] = []
    serv_area_res: ServiceAreaRestriction | None = None
    rfsp: int | None = None
    ue_ambr: Ambr | None = None


class TerminationNotification(Model):
    resource_uri: str
    cause: TerminationCause


@service("npcf-am-policy-control", "v1")
class NpcfAMPolicyControl(Protocol):
    @operation("Npcf_AMPolicyControl_Create", "POST", "/policies", 201)
    async def create(self, body: PolicyAssociationRequest) -> Created[PolicyAssociation]:
        """A second association of a UE replaces the first."""
        ...

    @operation("Npcf_AMPolicyControl_Update", "POST", "/policies/{polAssoId}/update")
    async def update(self, pol_asso_id: str, body: PolicyAssociationUpdateRequest) -> PolicyUpdate:
        """404 POLICY_ASSOCIATION_NOT_FOUND."""
        ...

    @operation("Npcf_AMPolicyControl_Delete", "DELETE", "/policies/{polAssoId}", 204)
    async def delete(self, pol_asso_id: str) -> None:
        """404 POLICY_ASSOCIATION_NOT_FOUND."""
        ...


@service("namf-callback", "v1")
class NamfPolicyCallback(Protocol):
    """To the AMF: notificationUri is /namf-callback/v1/am-policy/ and the SUPI. 404 for a UE that is not there."""

    @operation("Npcf_AMPolicyControl_UpdateNotify", "POST", "/am-policy/{supi}/update", 204)
    async def am_policy_update_notify(self, supi: str, body: PolicyUpdate) -> None:
        """TS 29.507 §4.2.4.2. Answered before UE and gNB have it."""
        ...

    @operation("Npcf_AMPolicyControl_UpdateNotify", "POST", "/am-policy/{supi}/terminate", 204)
    async def am_policy_terminate_notify(self, supi: str, body: TerminationNotification) -> None:
        """TS 29.507 §4.2.4.3: the AMF deletes the association; the UE stays."""
        ...
