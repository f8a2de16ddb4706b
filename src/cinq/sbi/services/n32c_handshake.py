"""N32-c Handshake, TS 29.573 §5.2 and §6.1: what two SEPPs agree on before they forward messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from msgspec import Meta, field

from cinq.sbi.extensible import extensible
from cinq.sbi.models import PlmnId
from cinq.sbi.operation import Model, operation, service
from cinq.sbi.problem import InvalidParam

SecurityCapability = Literal["TLS", "PRINS", "NONE"]
IeType = Literal[
    "UEID",
    "LOCATION",
    "KEY_MATERIAL",
    "AUTHENTICATION_MATERIAL",
    "AUTHORIZATION_TOKEN",
    "OTHER",
    "NONSENSITIVE",
]
IeLocation = Literal["URI_PARAM", "HEADER", "BODY", "MULTIPART_BINARY"]
N32fErrorType = Literal[
    "INTEGRITY_CHECK_FAILED",
    "INTEGRITY_CHECK_ON_MODIFICATIONS_FAILED",
    "MODIFICATIONS_INSTRUCTIONS_FAILED",
    "DECIPHERING_FAILED",
    "MESSAGE_RECONSTRUCTION_FAILED",
    "CONTEXT_NOT_FOUND",
    "INTEGRITY_KEY_EXPIRED",
    "ENCRYPTION_KEY_EXPIRED",
    "POLICY_MISMATCH",
]
FailureReason = Literal["INVALID_JSON_POINTER", "INVALID_INDEX_TO_ENCRYPTED_BLOCK", "INVALID_HTTP_HEADER"]

if not TYPE_CHECKING:
    SecurityCapability, IeType, IeLocation, N32fErrorType, FailureReason = extensible(
        SecurityCapability, IeType, IeLocation, N32fErrorType, FailureReason
    )

ContextId = Annotated[str, Meta(pattern="^[A-Fa-f0-9]{16}$")]
Fqdn = Annotated[str, Meta(min_length=4, max_length=253)]
MOST = 64
Plmns = Annotated[list[PlmnId], Meta(max_length=MOST)]


class IntendedN32Purpose(Model):
    usage_purpose: str
    additional_info: str | None = None
    cause: str | None = None


class SecNegotiateReqData(Model):
    """sender: FQDN of the initiating SEPP, which its certificate names too."""

    sender: Fqdn
    supported_sec_capability_list: list[SecurityCapability]
    target_api_root_supported: bool = field(name="3GppSbiTargetApiRootSupported", default=False)
    plmn_id_list: Plmns = []
    target_plmn_id: PlmnId | None = None
    intended_usage_purpose: list[IntendedN32Purpose] = []
    supported_features: str | None = None
    sender_n32f_fqdn: Fqdn | None = None
    sender_n32f_port: int | None = None


class SecNegotiateRspData(Model):
    sender: Fqdn
    selected_sec_capability: SecurityCapability
    target_api_root_supported: bool = field(name="3GppSbiTargetApiRootSupported", default=False)
    plmn_id_list: Plmns = []
    allowed_usage_purpose: list[IntendedN32Purpose] = []
    rejected_usage_purpose: list[IntendedN32Purpose] = []
    supported_features: str | None = None
    sender_n32f_fqdn: Fqdn | None = None
    sender_n32f_port_list: list[int] = []


class IeInfo(Model):
    """reqIe, rspIe: JSON pointers or names of headers. isModifiableByIpx: by the IPX's FQDN."""

    ie_loc: IeLocation
    ie_type: IeType
    req_ie: str | None = None
    rsp_ie: str | None = None
    is_modifiable: bool | None = None
    is_modifiable_by_ipx: dict[str, bool] = {}


class CallbackName(Model):
    callback_type: str


class ApiIeMapping(Model):
    """apiSignature: the URI of the operation, or the name of a callback."""

    api_signature: str | CallbackName
    api_method: str
    ie_list: list[IeInfo] = field(name="IeList")


class ProtectionPolicy(Model):
    api_ie_mapping_list: list[ApiIeMapping]
    data_type_enc_policy: list[IeType] = []


class IpxProviderSecInfo(Model):
    """rawPublicKeyList, certificateList: PEM of an IPX's public keys."""

    ipx_provider_id: Fqdn
    raw_public_key_list: list[str] = []
    certificate_list: list[str] = []


class SecParamExchReqData(Model):
    """Cipher suites by RFC 7518: content encryption and signature, preferred first."""

    n32f_context_id: ContextId
    jwe_cipher_suite_list: list[str] = []
    jws_cipher_suite_list: list[str] = []
    protection_policy_info: ProtectionPolicy | None = None
    ipx_provider_sec_info_list: list[IpxProviderSecInfo] = []
    sender: Fqdn | None = None


class SecParamExchRspData(Model):
    n32f_context_id: ContextId
    selected_jwe_cipher_suite: str | None = None
    selected_jws_cipher_suite: str | None = None
    sel_protection_policy_info: ProtectionPolicy | None = None
    ipx_provider_sec_info_list: list[IpxProviderSecInfo] = []
    sender: Fqdn | None = None


class N32fContextInfo(Model):
    n32f_context_id: ContextId


class FailedModificationInfo(Model):
    ipx_id: Fqdn
    n32f_error_type: N32fErrorType


class N32fErrorDetail(Model):
    attribute: str
    msg_reconstruct_fail_reason: FailureReason


class N32fErrorInfo(Model):
    """n32fMessageId: of the message that could not be forwarded; n32fContextId: of the context at its sender."""

    n32f_message_id: str
    n32f_error_type: N32fErrorType
    n32f_context_id: ContextId | None = None
    failed_modification_list: list[FailedModificationInfo] = []
    error_details_list: list[N32fErrorDetail] = []
    policy_mismatch_list: list[InvalidParam] = []


@service("n32c-handshake", "v1")
class N32cHandshake(Protocol):
    @operation("N32c_ExchangeCapability", "POST", "/exchange-capability")
    async def exchange_capability(self, body: SecNegotiateReqData) -> SecNegotiateRspData:
        """403 where there is no agreement with the sender, or none on a security mechanism."""
        ...

    @operation("N32c_ExchangeParams", "POST", "/exchange-params")
    async def exchange_params(self, body: SecParamExchReqData) -> SecParamExchRspData:
        """409 where no cipher suite or policy is common to both."""
        ...

    @operation("N32c_N32fTerminate", "POST", "/n32f-terminate")
    async def n32f_terminate(self, body: N32fContextInfo) -> N32fContextInfo:
        """404 for a context that is not there."""
        ...

    @operation("N32c_N32fError", "POST", "/n32f-error", 204)
    async def n32f_error(self, body: N32fErrorInfo) -> None: ...
