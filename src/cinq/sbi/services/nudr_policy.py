"""Nudr_DataRepository for policy data, TS 29.519: what an operator decided for one subscriber.

It lies in the operator specific data of the UE (§5.2.10), whose values each operator defines: here elements by name.
"""

from __future__ import annotations

from typing import Literal, Protocol

from cinq.sbi.models import Ambr, ServiceAreaRestriction, Snssai, Uri
from cinq.sbi.operation import Created, Model, operation, service
from cinq.sbi.services.npcf_smpolicycontrol import (
    AuthorizedDefaultQos,
    ChargingData,
    PccRule,
    QosData,
    TrafficControlData,
)


class RulePolicy(Model, tag_field="kind", tag="rule"):
    """A PCC rule with its QoS and its charging data, for sessions of the DNN and the slices; without them for all."""

    pcc_rule: PccRule
    qos: QosData
    traffic: TrafficControlData | None = None
    charging: ChargingData | None = None
    dnn: str | None = None
    single_nssais: list[Snssai] = []


class SessionPolicy(Model, tag_field="kind", tag="session"):
    """Session AMBR and default QoS in place of those subscribed. denied: there are no such sessions."""

    dnn: str | None = None
    single_nssais: list[Snssai] = []
    sess_ambr: Ambr | None = None
    def_qos: AuthorizedDefaultQos | None = None
    denied: bool = False


class AccessPolicy(Model, tag_field="kind", tag="access"):
    """What the AMF is given in place of what is subscribed."""

    rfsp: int | None = None
    ue_ambr: Ambr | None = None
    serv_area_res: ServiceAreaRestriction | None = None


PolicyElement = RulePolicy | SessionPolicy | AccessPolicy


class OperatorSpecificDataContainer(Model):
    data_type: Literal["object"]
    value: PolicyElement


class PolicyDataSubscription(Model):
    notification_uri: Uri
    monitored_resource_uris: list[str]


class PolicyDataChangeNotification(Model):
    """opSpecDataMap: what there is now."""

    ue_id: str
    op_spec_data_map: dict[str, OperatorSpecificDataContainer] = {}


@service("nudr-dr", "v2")
class NudrPolicyData(Protocol):
    @operation(
        "Nudr_DM_Query",
        "GET",
        "/policy-data/ues/{ueId}/operator-specific-data",
        scopes=(
            "nudr-dr:policy-data",
            "nudr-dr:policy-data:ues:operator-specific-data:read",
        ),
    )
    async def query_operator_specific_data(self, ue_id: str) -> dict[str, OperatorSpecificDataContainer]:
        """None is no error here."""
        ...

    @operation(
        "Nudr_DM_Subscribe",
        "POST",
        "/policy-data/subs-to-notify",
        201,
        scopes=(
            "nudr-dr:policy-data",
            "nudr-dr:policy-data:subs-to-notify:create",
        ),
    )
    async def subscribe_to_policy_data(
        self, body: PolicyDataSubscription
    ) -> Created[PolicyDataSubscription]: ...


@service("npcf-callback", "v1")
class NpcfPolicyDataCallback(Protocol):
    """To the PCF: notificationUri is /npcf-callback/v1/policy-data-change."""

    @operation("Nudr_DM_Notify", "POST", "/policy-data-change", 204)
    async def policy_data_change_notify(self, body: list[PolicyDataChangeNotification]) -> None:
        """503 and 504: it is told again later."""
        ...
