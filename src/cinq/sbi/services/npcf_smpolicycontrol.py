"""Npcf_SMPolicyControl, TS 29.512."""

from __future__ import annotations

from typing import Protocol

from msgspec import field

from cinq.sbi.models import (
    AccessType,
    Ambr,
    Arp,
    PduSessionType,
    PlmnIdNid,
    RatType,
    Snssai,
    SubscribedDefaultQos,
)
from cinq.sbi.operation import Created, Model, operation, service


class SmPolicyContextData(Model):
    supi: str
    pdu_session_id: int
    pdu_session_type: PduSessionType
    dnn: str
    notification_uri: str
    slice_info: Snssai
    access_type: AccessType | None = None
    rat_type: RatType | None = None
    serving_network: PlmnIdNid | None = None
    ipv4_address: str | None = None
    subs_sess_ambr: Ambr | None = None
    subs_def_qos: SubscribedDefaultQos | None = None


class AuthorizedDefaultQos(Model):
    five_qi: int | None = field(name="5qi", default=None)
    arp: Arp | None = None
    priority_level: int | None = None


class SessionRule(Model):
    sess_rule_id: str
    auth_sess_ambr: Ambr | None = None
    auth_def_qos: AuthorizedDefaultQos | None = None


class SmPolicyDecision(Model):
    sess_rules: dict[str, SessionRule] = {}


class SmPolicyDeleteData(Model):
    serving_network: PlmnIdNid | None = None


@service("npcf-smpolicycontrol", "v1")
class NpcfSMPolicyControl(Protocol):
    @operation("Npcf_SMPolicyControl_Create", "POST", "/sm-policies", 201)
    async def create(self, body: SmPolicyContextData) -> Created[SmPolicyDecision]: ...

    @operation("Npcf_SMPolicyControl_Delete", "POST", "/sm-policies/{smPolicyId}/delete", 204)
    async def delete(self, sm_policy_id: str, body: SmPolicyDeleteData) -> None: ...
