"""Npcf_AMPolicyControl (TS 29.507) and Npcf_SMPolicyControl (TS 29.512), by default policy.

The default policy authorises what is subscribed: UE AMBR and RFSP index for the AMF, session AMBR and default
QoS for the SMF. Associations are keyed by UE (and session), so that a second create replaces the first.
"""

from __future__ import annotations

from cinq.sbi import Created, Problem
from cinq.sbi.services.nnrf import NFProfile
from cinq.sbi.services.npcf_ampolicycontrol import (
    NpcfAMPolicyControl,
    PolicyAssociation,
    PolicyAssociationRequest,
    PolicyAssociationUpdateRequest,
    PolicyUpdate,
    RequestTrigger,
)
from cinq.sbi.services.npcf_smpolicycontrol import (
    AuthorizedDefaultQos,
    NpcfSMPolicyControl,
    SessionRule,
    SmPolicyContextData,
    SmPolicyDecision,
    SmPolicyDeleteData,
    SmPolicyUpdateContextData,
)

TRIGGERS: tuple[RequestTrigger, ...] = ("RFSP_CH", "UE_AMBR_CH", "SERV_AREA_CH", "ALLOWED_NSSAI_CH")
"""What the AMF reports by Npcf_AMPolicyControl_Update."""


class AMPolicies:
    """Npcf_AMPolicyControl."""

    def __init__(self) -> None:
        self._associations: set[str] = set()

    async def create(self, body: PolicyAssociationRequest) -> Created[PolicyAssociation]:
        identifier = f"am-{body.supi}"
        self._associations.add(identifier)
        policy = PolicyAssociation(
            supp_feat="0",
            triggers=list(TRIGGERS),
            rfsp=body.rfsp,
            ue_ambr=body.ue_ambr,
            serv_area_res=body.serv_area_res,
        )
        return Created(f"/policies/{identifier}", policy)

    async def update(self, pol_asso_id: str, body: PolicyAssociationUpdateRequest) -> PolicyUpdate:
        """TS 29.507 §4.2.3: what is subscribed anew is authorised; of slices the AMF decides."""
        if pol_asso_id not in self._associations:
            raise Problem(404, "POLICY_ASSOCIATION_NOT_FOUND", f"no policy association {pol_asso_id[:60]}")
        return PolicyUpdate(
            resource_uri=f"/npcf-am-policy-control/v1/policies/{pol_asso_id}",
            rfsp=body.rfsp if "RFSP_CH" in body.triggers else None,
            ue_ambr=body.ue_ambr if "UE_AMBR_CH" in body.triggers else None,
            serv_area_res=body.serv_area_res if "SERV_AREA_CH" in body.triggers else None,
        )

    async def delete(self, pol_asso_id: str) -> None:
        if pol_asso_id not in self._associations:
            raise Problem(404, "POLICY_ASSOCIATION_NOT_FOUND", f"no policy association {pol_asso_id[:60]}")
        self._associations.discard(pol_asso_id)


class SMPolicies:
    """Npcf_SMPolicyControl."""

    def __init__(self) -> None:
        self._associations: set[str] = set()

    async def create(self, body: SmPolicyContextData) -> Created[SmPolicyDecision]:
        """One session rule: the subscribed session AMBR and default QoS are authorised as they are."""
        identifier = f"sm-{body.supi}-{body.pdu_session_id}"
        self._associations.add(identifier)
        qos = body.subs_def_qos
        default = (
            AuthorizedDefaultQos(five_qi=qos.five_qi, arp=qos.arp, priority_level=qos.priority_level)
            if qos
            else None
        )
        rule = SessionRule(sess_rule_id="default", auth_sess_ambr=body.subs_sess_ambr, auth_def_qos=default)
        return Created(f"/sm-policies/{identifier}", SmPolicyDecision(sess_rules={"default": rule}))

    async def update(self, sm_policy_id: str, body: SmPolicyUpdateContextData) -> SmPolicyDecision:
        """Nothing changes by what is reported; a UE's own wishes are not authorised (TS 29.512 §4.2.4.17)."""
        if sm_policy_id not in self._associations:
            raise Problem(404, "POLICY_CONTEXT_NOT_FOUND", f"no policy association {sm_policy_id[:60]}")
        if body.ue_init_res_req is not None:
            what = "the default policy authorises no resources that a UE asks for"
            raise Problem(403, "ERROR_TRAFFIC_MAPPING_INFO_REJECTED", what)
        return SmPolicyDecision()

    async def delete(self, sm_policy_id: str, body: SmPolicyDeleteData) -> None:
        if sm_policy_id not in self._associations:
            raise Problem(404, "POLICY_CONTEXT_NOT_FOUND", f"no policy association {sm_policy_id[:60]}")
        self._associations.discard(sm_policy_id)


class PCF:
    def __init__(self, instance_id: str) -> None:
        self.instance_id = instance_id
        self._am, self._sm = AMPolicies(), SMPolicies()

    def services(self) -> list[tuple[type, object]]:
        return [(NpcfAMPolicyControl, self._am), (NpcfSMPolicyControl, self._sm)]

    def profile(self) -> NFProfile:
        return NFProfile(nf_instance_id=self.instance_id, nf_type="PCF", nf_status="REGISTERED")
