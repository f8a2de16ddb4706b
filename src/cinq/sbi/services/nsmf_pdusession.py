"""Nsmf_PDUSession, TS 29.502 §5.2 and §6.1: SM contexts."""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol

from msgspec import field

from cinq.sbi.models import (
    AccessType,
    Guami,
    NgApCause,
    NgRanTargetId,
    PlmnIdNid,
    RatType,
    RefToBinaryData,
    Snssai,
    UpCnxState,
    Uri,
    UserLocation,
)
from cinq.sbi.operation import Created, Model, Multipart, operation, service
from cinq.sbi.problem import Problem, ProblemDetails

RequestType = Literal[
    "INITIAL_REQUEST",
    "EXISTING_PDU_SESSION",
    "INITIAL_EMERGENCY_REQUEST",
    "EXISTING_EMERGENCY_PDU_SESSION",
]
N2SmInfoType = Literal[
    "PDU_RES_SETUP_REQ",
    "PDU_RES_SETUP_RSP",
    "PDU_RES_SETUP_FAIL",
    "PDU_RES_REL_CMD",
    "PDU_RES_REL_RSP",
    "PDU_RES_MOD_REQ",
    "PDU_RES_MOD_RSP",
    "PDU_RES_MOD_FAIL",
    "PDU_RES_NTY",
    "PDU_RES_NTY_REL",
    "PDU_RES_MOD_IND",
    "PDU_RES_MOD_CFM",
    "PATH_SWITCH_REQ",
    "PATH_SWITCH_SETUP_FAIL",
    "PATH_SWITCH_REQ_ACK",
    "PATH_SWITCH_REQ_FAIL",
    "HANDOVER_REQUIRED",
    "HANDOVER_CMD",
    "HANDOVER_PREP_FAIL",
    "HANDOVER_REQ_ACK",
    "HANDOVER_RES_ALLOC_FAIL",
    "SECONDARY_RAT_USAGE",
    "PDU_RES_MOD_IND_FAIL",
]
HoState = Literal["NONE", "PREPARING", "PREPARED", "COMPLETED", "CANCELLED"]


class SmContextCreateData(Model):
    CONDITIONAL: ClassVar[tuple[str, ...]] = ("supi", "pduSessionId", "sNssai")

    serving_nf_id: str
    serving_network: PlmnIdNid
    an_type: AccessType
    sm_context_status_uri: Uri
    supi: str | None = None
    pei: str | None = None
    pdu_session_id: int | None = None
    dnn: str | None = None
    selected_dnn: str | None = None
    s_nssai: Snssai | None = None
    guami: Guami | None = None
    request_type: RequestType | None = None
    n1_sm_msg: RefToBinaryData | None = None
    rat_type: RatType | None = None
    ue_location: UserLocation | None = None


class SmContextCreatedData(Model):
    pdu_session_id: int | None = None
    s_nssai: Snssai | None = None
    up_cnx_state: UpCnxState | None = None


class SmContextUpdateData(Model):
    """toBeSwitched, failedToBeSwitched: of an Xn handover (§5.2.2.3.3). hoState, targetId, dataForwarding: of an N2
    handover (§5.2.2.3.4); dataForwarding: the AMF wants indirect forwarding tunnels. anTypeCanBeChanged, release,
    cause, ngApCause: as in §6.1.6.2.4."""

    pei: str | None = None
    serving_nf_id: str | None = None
    serving_network: PlmnIdNid | None = None
    ue_location: UserLocation | None = None
    up_cnx_state: UpCnxState | None = None
    ho_state: HoState | None = None
    to_be_switched: bool | None = None
    failed_to_be_switched: bool | None = None
    target_id: NgRanTargetId | None = None
    target_serving_nf_id: str | None = None
    data_forwarding: bool | None = None
    n1_sm_msg: RefToBinaryData | None = None
    n2_sm_info: RefToBinaryData | None = None
    n2_sm_info_type: N2SmInfoType | None = None
    release: bool | None = None
    cause: str | None = None
    ng_ap_cause: NgApCause | None = None
    gmm_cause_5g: int | None = field(name="5gMmCauseValue", default=None)


class SmContextUpdatedData(Model):
    """dataForwarding: indirect forwarding tunnels were set up."""

    up_cnx_state: UpCnxState | None = None
    ho_state: HoState | None = None
    data_forwarding: bool | None = None
    n1_sm_msg: RefToBinaryData | None = None
    n2_sm_info: RefToBinaryData | None = None
    n2_sm_info_type: N2SmInfoType | None = None
    cause: str | None = None


class SmContextReleaseData(Model):
    cause: str | None = None
    ng_ap_cause: NgApCause | None = None
    gmm_cause_5g: int | None = field(name="5gMmCauseValue", default=None)
    ue_location: UserLocation | None = None


class PostSmContextsRequest(Multipart):
    json_data: SmContextCreateData
    binary_data_n1_sm_message: bytes | None = None


class UpdateSmContextRequest(Multipart):
    json_data: SmContextUpdateData
    binary_data_n1_sm_message: bytes | None = None
    binary_data_n2_sm_information: bytes | None = None


class UpdateSmContextResponse(Multipart):
    json_data: SmContextUpdatedData
    binary_data_n1_sm_message: bytes | None = None
    binary_data_n2_sm_information: bytes | None = None


class SmContextRefused(Problem):
    """A create or update refused with a 5GSM message for the UE (SmContextCreateError, TS 29.502).

    n1_sm_message: the PDU SESSION ESTABLISHMENT REJECT (or other 5GSM message), as octets.
    """

    def __init__(self, status: int, cause: str, detail: str | None, n1_sm_message: bytes | None) -> None:
        super().__init__(status, cause, detail)
        self.n1_sm_message = n1_sm_message


class SmContextUpdateRefused(Problem):
    """An update refused with N2 SM information for the gNB (SmContextUpdateError, TS 29.502 §6.1.6.2.11).

    n2_sm_information: PATH_SWITCH_REQ_FAIL, HANDOVER_PREP_FAIL or PDU_RES_MOD_IND_FAIL, as octets.
    """

    def __init__(
        self,
        status: int,
        cause: str,
        detail: str | None,
        n2_sm_info_type: N2SmInfoType,
        n2_sm_information: bytes,
    ) -> None:
        super().__init__(status, cause, detail)
        self.n2_sm_info_type = n2_sm_info_type
        self.n2_sm_information = n2_sm_information


class SmContextError(Model):
    """SmContextUpdateError, whose members are those of SmContextCreateError and some (§6.1.6.2.10, §6.1.6.2.11)."""

    error: ProblemDetails
    n1_sm_msg: RefToBinaryData | None = None
    n2_sm_info: RefToBinaryData | None = None
    n2_sm_info_type: N2SmInfoType | None = None
    up_cnx_state: UpCnxState | None = None


class SmContextErrors(Multipart):
    """The body of a create or update that is refused, with what it says to the UE or to the gNB."""

    json_data: SmContextError
    binary_data_n1_sm_message: bytes | None = None
    binary_data_n2_sm_information: bytes | None = None

    @classmethod
    def of(cls, problem: Exception) -> SmContextErrors | None:
        if isinstance(problem, SmContextRefused):
            octets = problem.n1_sm_message
            part = None if octets is None else RefToBinaryData(content_id="n1SmMsg")
            data = SmContextError(error=problem.details, n1_sm_msg=part)
            return cls(json_data=data, binary_data_n1_sm_message=octets)
        if isinstance(problem, SmContextUpdateRefused):
            data = SmContextError(
                error=problem.details,
                n2_sm_info=RefToBinaryData(content_id="n2SmInfo"),
                n2_sm_info_type=problem.n2_sm_info_type,
            )
            return cls(json_data=data, binary_data_n2_sm_information=problem.n2_sm_information)
        return None

    def problem(self, status: int) -> Problem:
        """As it was refused; plain where neither message is in it."""
        said = self.json_data
        octets, kind = self.binary_data_n2_sm_information, said.n2_sm_info_type
        cause, detail = said.error.cause or "", said.error.detail
        refused: Problem
        if octets is not None and kind is not None:
            refused = SmContextUpdateRefused(status, cause, detail, kind, octets)
        else:
            refused = SmContextRefused(status, cause, detail, self.binary_data_n1_sm_message)
        refused.details = said.error
        return refused


@service("nsmf-pdusession", "v1")
class NsmfPDUSession(Protocol):
    """The SMF answers a create as soon as it has the context: what follows comes by N1N2MessageTransfer."""

    @operation("Nsmf_PDUSession_CreateSMContext", "POST", "/sm-contexts", 201, SmContextErrors)
    async def create_sm_context(self, body: PostSmContextsRequest) -> Created[SmContextCreatedData]:
        """SmContextRefused with 403 SNSSAI_DENIED, DNN_DENIED, ...; 400 with invalid parameters."""
        ...

    @operation(
        "Nsmf_PDUSession_UpdateSMContext", "POST", "/sm-contexts/{smContextRef}/modify", error=SmContextErrors
    )
    async def update_sm_context(
        self, sm_context_ref: str, body: UpdateSmContextRequest
    ) -> UpdateSmContextResponse:
        """404 CONTEXT_NOT_FOUND."""
        ...

    @operation("Nsmf_PDUSession_ReleaseSMContext", "POST", "/sm-contexts/{smContextRef}/release", 204)
    async def release_sm_context(self, sm_context_ref: str, body: SmContextReleaseData) -> None:
        """404 CONTEXT_NOT_FOUND."""
        ...
