"""Npcf_AMPolicyControl, TS 29.507: RFSP index, UE-AMBR and service area of a UE."""

from __future__ import annotations

from msgspec.structs import replace

from cinq.nf.pcf.context import AmAssociation, Associations
from cinq.nf.pcf.elements import Elements
from cinq.procedure import Why
from cinq.procedure.store import Store
from cinq.sbi import Bus, Created, Problem
from cinq.sbi.callback import notify
from cinq.sbi.services.npcf_ampolicycontrol import (
    PolicyAssociation,
    PolicyAssociationRequest,
    PolicyAssociationUpdateRequest,
    PolicyUpdate,
    RequestTrigger,
)
from cinq.sbi.services.nudr_policy import AccessPolicy, PolicyElement

COLLECTION = "am-policies"
ROUTE = "/npcf-am-policy-control/v1/policies"
TRIGGERS: tuple[RequestTrigger, ...] = ("RFSP_CH", "UE_AMBR_CH", "SERV_AREA_CH", "ALLOWED_NSSAI_CH")
"""What the AMF reports by Npcf_AMPolicyControl_Update."""


class AMPolicies:
    """One association for each UE, so that a second create replaces the first."""

    def __init__(self, store: Store, elements: Elements, sbi: Bus | None) -> None:
        self._associations = Associations(store, COLLECTION, AmAssociation)
        self._elements = elements
        self._sbi = sbi

    async def create(self, body: PolicyAssociationRequest) -> Created[PolicyAssociation]:
        identifier = _identifier(body.supi)
        decided = decide(body, await self._elements.of(body.supi))
        self._associations.put(identifier, AmAssociation(body, decided))
        policy = PolicyAssociation(
            supp_feat="0",
            triggers=list(TRIGGERS),
            rfsp=decided.rfsp,
            ue_ambr=decided.ue_ambr,
            serv_area_res=decided.serv_area_res,
        )
        return Created(f"/policies/{identifier}", policy)

    async def update(self, pol_asso_id: str, body: PolicyAssociationUpdateRequest) -> PolicyUpdate:
        """§4.2.3: what is subscribed anew is authorised; which slices the UE has is the AMF's to decide."""
        found = self._found(pol_asso_id)
        request = found.request
        for trigger in body.triggers:
            match trigger:
                case "RFSP_CH":
                    request = replace(request, rfsp=body.rfsp)
                case "UE_AMBR_CH":
                    request = replace(request, ue_ambr=body.ue_ambr)
                case "SERV_AREA_CH":
                    request = replace(request, serv_area_res=body.serv_area_res)
                case "ALLOWED_NSSAI_CH":
                    request = replace(request, allowed_snssais=body.allowed_snssais)
        decided = decide(request, await self._elements.of(request.supi))
        self._associations.put(pol_asso_id, AmAssociation(request, decided))
        return _update(self._resource(pol_asso_id), found.decided, decided)

    async def delete(self, pol_asso_id: str) -> None:
        if not self._associations.remove(pol_asso_id):
            raise _unknown(pol_asso_id)

    async def policy_changed(self, supi: str) -> None:
        """Npcf_AMPolicyControl_UpdateNotify, §4.2.4.2. Problem 5xx: the AMF cannot be reached now."""
        identifier = _identifier(supi)
        found = self._associations.get(identifier)
        if found is None or self._sbi is None:
            return
        decided = decide(found.request, await self._elements.of(supi))
        if decided == found.decided:
            return
        body = _update(self._resource(identifier), found.decided, decided)
        try:
            await notify(self._sbi, "PCF", f"{found.request.notification_uri}/update", body)
        except Problem as problem:
            if problem.status >= 500:
                raise
            if problem.status == 404:  # the UE is not there any more
                self._associations.remove(identifier)
            return
        self._associations.put(identifier, AmAssociation(found.request, decided))

    def _resource(self, identifier: str) -> str:
        path = f"{ROUTE}/{identifier}"
        return path if self._sbi is None else self._sbi.uri(path)

    def _found(self, identifier: str) -> AmAssociation:
        found = self._associations.get(identifier)
        if found is None:
            raise _unknown(identifier)
        return found


def decide(request: PolicyAssociationRequest, elements: list[PolicyElement]) -> AccessPolicy:
    """What is subscribed, but for what the operator has decided."""
    policy = next((e for e in elements if isinstance(e, AccessPolicy)), AccessPolicy())
    return AccessPolicy(
        rfsp=policy.rfsp or request.rfsp,
        ue_ambr=policy.ue_ambr or request.ue_ambr,
        serv_area_res=policy.serv_area_res or request.serv_area_res,
    )


def _update(resource: str, before: AccessPolicy, after: AccessPolicy) -> PolicyUpdate:
    return PolicyUpdate(
        resource_uri=resource,
        rfsp=after.rfsp if after.rfsp != before.rfsp else None,
        ue_ambr=after.ue_ambr if after.ue_ambr != before.ue_ambr else None,
        serv_area_res=after.serv_area_res if after.serv_area_res != before.serv_area_res else None,
    )


def _identifier(supi: str) -> str:
    return f"am-{supi}"


def _unknown(identifier: str) -> Problem:
    return Problem(404, "POLICY_ASSOCIATION_NOT_FOUND", Why(f"no policy association {identifier[:60]}"))
