"""Npcf_AMPolicyControl, TS 29.507."""

from __future__ import annotations

from typing import Protocol

from cinq.sbi.models import AccessType, Ambr, Guami, PlmnIdNid, RatType, Snssai
from cinq.sbi.operation import Created, Model, operation, service


class PolicyAssociationRequest(Model):
    """suppFeat: hexadecimal features, "0" for none."""

    notification_uri: str
    supi: str
    supp_feat: str
    access_type: AccessType | None = None
    rat_type: RatType | None = None
    pei: str | None = None
    serving_plmn: PlmnIdNid | None = None
    ue_ambr: Ambr | None = None
    rfsp: int | None = None
    allowed_snssais: list[Snssai] = []
    guami: Guami | None = None


class PolicyAssociation(Model):
    supp_feat: str
    rfsp: int | None = None
    ue_ambr: Ambr | None = None


@service("npcf-am-policy-control", "v1")
class NpcfAMPolicyControl(Protocol):
    @operation("Npcf_AMPolicyControl_Create", "POST", "/policies", 201)
    async def create(self, body: PolicyAssociationRequest) -> Created[PolicyAssociation]: ...

    @operation("Npcf_AMPolicyControl_Delete", "DELETE", "/policies/{polAssoId}", 204)
    async def delete(self, pol_asso_id: str) -> None: ...
