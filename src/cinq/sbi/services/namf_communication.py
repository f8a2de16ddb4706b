"""Namf_Communication, TS 29.518 §5.2 and §6.1: N1N2MessageTransfer; and what the AMF is told by callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec
from msgspec import field

from cinq.sbi.extensible import extensible
from cinq.sbi.models import Arp, GlobalRanNodeId, RefToBinaryData, Snssai, Tai, Uri
from cinq.sbi.operation import Created, Model, Multipart, operation, service
from cinq.sbi.problem import Problem, ProblemDetails
from cinq.sbi.services.nsmf_pdusession import N2SmInfoType

N1N2MessageTransferCause = Literal[
    "ATTEMPTING_TO_REACH_UE",
    "N1_N2_TRANSFER_INITIATED",
    "WAITING_FOR_ASYNCHRONOUS_TRANSFER",
    "UE_NOT_RESPONDING",
    "N1_MSG_NOT_TRANSFERRED",
    "UE_NOT_REACHABLE_FOR_SESSION",
    "TEMPORARY_REJECT_REGISTRATION_ONGOING",
    "TEMPORARY_REJECT_HANDOVER_ONGOING",
]


N1MessageClass = Literal["5GMM", "SM", "LPP", "SMS", "UPDP", "LCS"]
N2InformationClass = Literal["SM", "NRPPa", "PWS", "RAN"]
N2InformationTransferResult = Literal["N2_INFO_TRANSFER_INITIATED"]
ResourceStatus = Literal["RELEASED", "UNCHANGED", "TRANSFERRED", "UPDATED"]


if not TYPE_CHECKING:
    (N1N2MessageTransferCause,) = extensible(N1N2MessageTransferCause)
    (N1MessageClass,) = extensible(N1MessageClass)
    (N2InformationClass,) = extensible(N2InformationClass)
    (N2InformationTransferResult,) = extensible(N2InformationTransferResult)
    (ResourceStatus,) = extensible(ResourceStatus)


class N1MessageContainer(Model):
    n1_message_class: N1MessageClass
    n1_message_content: RefToBinaryData
    nf_id: str | None = None


class N2InfoContent(Model):
    ngap_data: RefToBinaryData
    ngap_ie_type: N2SmInfoType | None = None


class N2SmInformation(Model):
    pdu_session_id: int
    n2_info_content: N2InfoContent | None = None
    s_nssai: Snssai | None = None


class NrppaInformation(Model):
    """nfId: the LMF, to which the gNB answers."""

    nf_id: str
    nrppa_pdu: N2InfoContent


class N2InfoContainer(Model):
    n2_information_class: N2InformationClass
    sm_info: N2SmInformation | None = None
    nrppa_info: NrppaInformation | None = None


class N1N2MessageTransferReqData(Model):
    n1_message_container: N1MessageContainer | None = None
    n2_info_container: N2InfoContainer | None = None
    skip_ind: bool = False
    pdu_session_id: int | None = None
    arp: Arp | None = None
    five_qi: int | None = field(name="5qi", default=None)
    n1n2_failure_txf_notif_uri: Uri | None = field(name="n1n2FailureTxfNotifURI", default=None)


class N1N2MessageTransferRequest(Multipart):
    json_data: N1N2MessageTransferReqData
    binary_data_n1_message: bytes | None = None
    binary_data_n2_information: bytes | None = None


class N1N2MessageTransferRspData(Model):
    cause: N1N2MessageTransferCause

    @property
    def http_status(self) -> int:
        """202 while the UE is paged (§6.1.3.5.3.1)."""
        return 202 if self.cause in ("ATTEMPTING_TO_REACH_UE", "WAITING_FOR_ASYNCHRONOUS_TRANSFER") else 200


class N1N2MessageTransferError(Model):
    """§6.1.6.2.20, with 409 and 504."""

    error: ProblemDetails

    @classmethod
    def of(cls, problem: Exception) -> N1N2MessageTransferError | None:
        return (
            cls(error=problem.details)
            if isinstance(problem, Problem) and problem.status in (409, 504)
            else None
        )

    def problem(self, status: int) -> Problem:
        return Problem.of(msgspec.structs.replace(self.error, status=status))


class UeN1N2InfoSubscriptionCreateData(Model):
    """nfId: the subscriber, by which a gNB and a UE address it."""

    n2_information_class: N2InformationClass | None = None
    n2_notify_callback_uri: Uri | None = None
    n1_message_class: N1MessageClass | None = None
    n1_notify_callback_uri: Uri | None = None
    nf_id: str | None = None


class UeN1N2InfoSubscriptionCreatedData(Model):
    n1n2_notify_subscription_id: str


class NonUeN2InfoSubscriptionCreateData(Model):
    n2_information_class: N2InformationClass
    n2_notify_callback_uri: Uri
    nf_id: str | None = None


class NonUeN2InfoSubscriptionCreatedData(Model):
    n2_notify_subscription_id: str


class N2InformationTransferReqData(Model):
    """globalRanNodeList: the gNBs that are to hear it; taiList: those that serve one of the areas."""

    n2_information: N2InfoContainer
    global_ran_node_list: list[GlobalRanNodeId] | None = None
    tai_list: list[Tai] | None = None


class N2InformationTransferRequest(Multipart):
    json_data: N2InformationTransferReqData
    binary_data_n2_information: bytes | None = None


class N2InformationTransferRspData(Model):
    result: N2InformationTransferResult


class N2InformationNotification(Model):
    n2_notify_subscription_id: str
    n2_info_container: N2InfoContainer | None = None


class N2InformationNotifyRequest(Multipart):
    json_data: N2InformationNotification
    binary_data_n2_information: bytes | None = None


class N1MessageNotification(Model):
    n1_notify_subscription_id: str
    n1_message_container: N1MessageContainer


class N1MessageNotifyRequest(Multipart):
    json_data: N1MessageNotification
    binary_data_n1_message: bytes | None = None


class StatusInfo(Model):
    resource_status: ResourceStatus
    cause: str | None = None


class SmContextStatusNotification(Model):
    status_info: StatusInfo


@service("namf-comm", "v1")
class NamfCommunication(Protocol):
    @operation(
        "Namf_Communication_N1N2MessageTransfer",
        "POST",
        "/ue-contexts/{ueContextId}/n1-n2-messages",
        error=N1N2MessageTransferError,
        scopes=("namf-comm:n1-n2-messages",),
    )
    async def n1n2_message_transfer(
        self, ue_context_id: str, body: N1N2MessageTransferRequest
    ) -> N1N2MessageTransferRspData:
        """ue_context_id: SUPI. Answers without waiting for the UE. 404 CONTEXT_NOT_FOUND, 409, 504."""
        ...

    @operation(
        "Namf_Communication_N1N2MessageSubscribe",
        "POST",
        "/ue-contexts/{ueContextId}/n1-n2-messages/subscriptions",
        201,
        scopes=("namf-comm:n1-n2-messages",),
    )
    async def n1n2_message_subscribe(
        self, ue_context_id: str, body: UeN1N2InfoSubscriptionCreateData
    ) -> Created[UeN1N2InfoSubscriptionCreatedData]:
        """To what a UE and its gNB send for an LMF. 404 CONTEXT_NOT_FOUND."""
        ...

    @operation(
        "Namf_Communication_N1N2MessageUnSubscribe",
        "DELETE",
        "/ue-contexts/{ueContextId}/n1-n2-messages/subscriptions/{subscriptionId}",
        204,
        scopes=("namf-comm:n1-n2-messages",),
    )
    async def n1n2_message_unsubscribe(self, ue_context_id: str, subscription_id: str) -> None: ...

    @operation(
        "Namf_Communication_NonUeN2MessageTransfer",
        "POST",
        "/non-ue-n2-messages/transfer",
        scopes=("namf-comm:non-ue-n2-messages",),
    )
    async def non_ue_n2_message_transfer(
        self, body: N2InformationTransferRequest
    ) -> N2InformationTransferRspData:
        """404 CONTEXT_NOT_FOUND where no gNB is meant."""
        ...

    @operation(
        "Namf_Communication_NonUeN2InfoSubscribe",
        "POST",
        "/non-ue-n2-messages/subscriptions",
        201,
        scopes=("namf-comm:non-ue-n2-messages",),
    )
    async def non_ue_n2_info_subscribe(
        self, body: NonUeN2InfoSubscriptionCreateData
    ) -> Created[NonUeN2InfoSubscriptionCreatedData]: ...

    @operation(
        "Namf_Communication_NonUeN2InfoUnSubscribe",
        "DELETE",
        "/non-ue-n2-messages/subscriptions/{n2NotifySubscriptionId}",
        204,
        scopes=("namf-comm:non-ue-n2-messages",),
    )
    async def non_ue_n2_info_unsubscribe(self, n2_notify_subscription_id: str) -> None: ...


@service("lmf-callback", "v1")
class LmfCallback(Protocol):
    """Notifications to an LMF: the callback URIs that it gives end in whatever it knows them by."""

    @operation("Namf_Communication_N2InfoNotify", "POST", "/n2-info/{reference}", 204)
    async def n2_info_notify(self, reference: str, body: N2InformationNotifyRequest) -> None: ...

    @operation("Namf_Communication_N1MessageNotify", "POST", "/n1-message/{reference}", 204)
    async def n1_message_notify(self, reference: str, body: N1MessageNotifyRequest) -> None: ...


@service("namf-callback", "v1")
class NamfCallback(Protocol):
    """Notifications to URIs that the AMF gave: smContextStatusUri ends in the SUPI and the session's id."""

    @operation(
        "Nsmf_PDUSession_SMContextStatusNotify", "POST", "/sm-context-status/{supi}/{pduSessionId}", 204
    )
    async def sm_context_status_notify(
        self, supi: str, pdu_session_id: int, body: SmContextStatusNotification
    ) -> None: ...


class N1N2MsgTxfrFailureNotification(Model):
    cause: N1N2MessageTransferCause
    n1n2_msg_data_uri: str = field(name="n1n2MsgDataUri")


@service("nsmf-callback", "v1")
class NsmfCallback(Protocol):
    """Notifications to the SMF: n1n2FailureTxfNotifURI ends in the SM context's reference."""

    @operation(
        "Namf_Communication_N1N2TransferFailureNotification",
        "POST",
        "/n1n2-failure/{smContextRef}",
        204,
    )
    async def n1n2_transfer_failure(
        self, sm_context_ref: str, body: N1N2MsgTxfrFailureNotification
    ) -> None: ...
