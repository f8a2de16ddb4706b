"""Namf_Communication, TS 29.518 §5.2 and §6.1: N1N2MessageTransfer; and what the AMF is told by callbacks."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import field

from cinq.sbi.models import Arp, RefToBinaryData, Snssai
from cinq.sbi.operation import Model, Multipart, operation, service
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


class N1MessageContainer(Model):
    n1_message_class: Literal["5GMM", "SM", "LPP", "SMS", "UPDP", "LCS"]
    n1_message_content: RefToBinaryData


class N2InfoContent(Model):
    ngap_data: RefToBinaryData
    ngap_ie_type: N2SmInfoType | None = None


class N2SmInformation(Model):
    pdu_session_id: int
    n2_info_content: N2InfoContent | None = None
    s_nssai: Snssai | None = None


class N2InfoContainer(Model):
    n2_information_class: Literal["SM", "NRPPa", "PWS", "RAN"]
    sm_info: N2SmInformation | None = None


class N1N2MessageTransferReqData(Model):
    n1_message_container: N1MessageContainer | None = None
    n2_info_container: N2InfoContainer | None = None
    skip_ind: bool = False
    pdu_session_id: int | None = None
    arp: Arp | None = None
    five_qi: int | None = field(name="5qi", default=None)
    n1n2_failure_txf_notif_uri: str | None = field(name="n1n2FailureTxfNotifURI", default=None)


class N1N2MessageTransferRequest(Multipart):
    json_data: N1N2MessageTransferReqData
    binary_data_n1_message: bytes | None = None
    binary_data_n2_information: bytes | None = None


class N1N2MessageTransferRspData(Model):
    cause: N1N2MessageTransferCause


class StatusInfo(Model):
    resource_status: Literal["RELEASED", "UNCHANGED", "TRANSFERRED", "UPDATED"]
    cause: str | None = None


class SmContextStatusNotification(Model):
    status_info: StatusInfo


@service("namf-comm", "v1")
class NamfCommunication(Protocol):
    @operation("Namf_Communication_N1N2MessageTransfer", "POST", "/ue-contexts/{ueContextId}/n1-n2-messages")
    async def n1n2_message_transfer(
        self, ue_context_id: str, body: N1N2MessageTransferRequest
    ) -> N1N2MessageTransferRspData:
        """ue_context_id: SUPI. Answers without waiting for the UE. 404 CONTEXT_NOT_FOUND, 409, 504."""
        ...


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
