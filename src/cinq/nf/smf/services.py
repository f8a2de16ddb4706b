"""Nsmf_PDUSession (TS 29.502 §5.2), and the callbacks that the SMF gave to others."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cinq.nf.smf import authorization
from cinq.nf.smf.context import SmContext
from cinq.nf.smf.inbound import n1, n2
from cinq.nf.smf.inbound.answer import demanded, let_go, updated
from cinq.nf.smf.inbound.policy import policy_decided
from cinq.nf.smf.ports import Ports
from cinq.nf.smf.procedures import usage
from cinq.nf.smf.rejects import Denied
from cinq.nf.smf.session import PduSession, Sessions
from cinq.nf.smf.settings import DataNetwork
from cinq.nf.smf.signals import (
    Activation,
    Deactivation,
    HandoverFailed,
    LocalRelease,
    NetworkRelease,
    SmContextCreated,
    SmContextResumed,
    SubscriptionChanged,
    UeNotReached,
)
from cinq.numbering import SNssai
from cinq.procedure import Why
from cinq.sbi import Created, InvalidParam, Problem
from cinq.sbi.services.namf_communication import N1N2MsgTxfrFailureNotification
from cinq.sbi.services.nchf_convergedcharging import ChargingNotifyRequest
from cinq.sbi.services.npcf_smpolicycontrol import (
    PartialSuccessReport,
    SmPolicyNotification,
    TerminationNotification,
)
from cinq.sbi.services.nsmf_pdusession import (
    PostSmContextsRequest,
    SmContextCreateData,
    SmContextCreatedData,
    SmContextReleaseData,
    UpdateSmContextRequest,
    UpdateSmContextResponse,
)
from cinq.sbi.services.nudm_sdm import DnnConfiguration, ModificationNotification
from cinq.wire import nas
from cinq.wire.nas import GsmCause

RELEASE_CAUSES: dict[str, GsmCause] = {
    "REACTIVATION_REQUESTED": GsmCause.REACTIVATION_REQUESTED,
    "INSUFFICIENT_RES": GsmCause.INSUFFICIENT_RESOURCES,
}


def _check(data: SmContextCreateData) -> None:
    """Problem 400: whose session it is, or which (TS 29.502 §6.1.6.2.2). A reserved identity the UE is told of."""
    if not data.supi:
        raise Problem(400, "MANDATORY_IE_MISSING", Why("no /supi"), InvalidParam(param="/supi"))
    number, invalid = data.pdu_session_id, InvalidParam(param="/pduSessionId")
    if number is None:
        raise Problem(400, "MANDATORY_IE_MISSING", Why("no /pduSessionId"), invalid)
    if not 0 <= number <= 255:
        raise Problem(
            400, "MANDATORY_IE_INCORRECT", Why(f"/pduSessionId: found {number}, wanted 0 to 255"), invalid
        )


class PduSessions:
    """Nsmf_PDUSession and nsmf-callback."""

    def __init__(self, ports: Ports, sessions: Sessions, entropy: Callable[[int], bytes]) -> None:
        self._ports = ports
        self._sessions = sessions
        self._entropy = entropy

    async def create_sm_context(self, body: PostSmContextsRequest) -> Created[SmContextCreatedData]:
        """TS 23.502 §4.3.2.2.1 steps 3 to 5; the rest is `pdu_session_establishment`."""
        data = body.json_data
        _check(data)
        request = n1.establishment_request(body.binary_data_n1_sm_message, data)
        try:
            ref = await self._admitted(data, request)
        except Denied as denied:
            back_off_s = self._ports.settings.back_off_s
            raise denied.refusal(request.pdu_session_id, request.pti, back_off_s) from None
        created = SmContextCreatedData(pdu_session_id=request.pdu_session_id, s_nssai=data.s_nssai)
        return Created(f"/sm-contexts/{ref}", created)

    async def _admitted(self, data: SmContextCreateData, request: nas.PDUSessionEstablishmentRequest) -> str:
        """The name of the SM context that is being made, or of the one that is there. Denied: there is none."""
        if self._ports.runtime.stopping:
            raise Denied(GsmCause.NETWORK_FAILURE, "NETWORK_FAILURE", Why("the SMF is stopping"))
        session = self._sessions.by_identity.get((data.supi or "", request.pdu_session_id))
        if data.request_type in ("EXISTING_PDU_SESSION", "EXISTING_EMERGENCY_PDU_SESSION"):
            return self._resumed(data, request, session)
        context, network = await self._subscribed(data, request)
        ref = self._entropy(8).hex()
        context = msgspec.structs.replace(context, ref=ref, seid=self._sessions.next_seid())
        if session is None:
            session = PduSession(context, self._ports, self._sessions)
        self._sessions.by_ref.pop(session.ref, None)
        session.ref = ref
        self._sessions.by_identity[data.supi or "", request.pdu_session_id] = self._sessions.by_ref[ref] = (
            session
        )
        session.receive(SmContextCreated(context, request, network, data.serving_network, data.ue_location))
        return ref

    def _resumed(
        self,
        data: SmContextCreateData,
        request: nas.PDUSessionEstablishmentRequest,
        session: PduSession | None,
    ) -> str:
        """TS 24.501 §6.4.1.4.1: #54 for a session that is not there, or is none of this DNN and slice."""
        network, snssai = self._data_network(data)
        context = None if session is None else session.context
        there = context is not None and (context.dnn, context.s_nssai) == (network.name, snssai)
        if session is None or not there or session.is_releasing or session.is_forgotten:
            why = Why(
                f"{data.supi} asks for existing PDU session {request.pdu_session_id} to {network.name} in slice "
                f"{snssai}, which it does not have",
                "let the UE establish it anew (request type 'initial request')",
            )
            raise Denied(GsmCause.PDU_SESSION_DOES_NOT_EXIST, "CONTEXT_NOT_FOUND", why)
        session.note(amf=data.serving_nf_id, status_uri=data.sm_context_status_uri)
        session.receive(SmContextResumed(request, network))
        return session.ref

    def _data_network(self, data: SmContextCreateData) -> tuple[DataNetwork, SNssai]:
        settings = self._ports.settings
        plmns = settings.plmns or (settings.plmn,)
        return authorization.requested_data_network(data, settings.data_networks, plmns)

    async def _subscribed(
        self, data: SmContextCreateData, request: nas.PDUSessionEstablishmentRequest
    ) -> tuple[SmContext, DataNetwork]:
        """Step 4: what the subscription says. No subscription to this DNN in this slice: #33."""
        network, snssai = self._data_network(data)
        found: DnnConfiguration | None = None
        try:
            records = await self._ports.sdm(data.supi or "").get_sm_data(
                data.supi or "", data.s_nssai, network.name
            )
            for record in records:
                found = record.dnn_configurations.get(network.name, found)
        except Problem as problem:
            if problem.status != 404:
                cause = GsmCause.NETWORK_FAILURE
                raise Denied(cause, "NETWORK_FAILURE", problem.why, status=504) from None
        if found is None:
            cause = GsmCause.REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED
            what = f"{data.supi} has no subscription to {network.name} in slice {snssai}"
            mend = f"cinq subscriber set {data.supi} --dnns {network.name} --slices {snssai}"
            raise Denied(cause, "SUBSCRIPTION_DENIED", Why(what, mend))
        return authorization.subscribed_context(data, request, network, snssai, found), network

    def _session(self, ref: str) -> PduSession:
        session = self._sessions.by_ref.get(ref)
        if session is None:
            raise Problem(404, "CONTEXT_NOT_FOUND", f"no SM context {ref[:40]}")
        return session

    async def update_sm_context(
        self, sm_context_ref: str, body: UpdateSmContextRequest
    ) -> UpdateSmContextResponse:
        """TS 23.502 §4.3.2.2.1 step 14, §4.3.4.2 step 1a, §4.2.3.2 step 4, §4.2.6 step 5, §4.9.1."""
        session = self._session(sm_context_ref)
        data, message = body.json_data, body.binary_data_n1_sm_message
        if data.release:
            return await n1.dropped(session, data.cause or "released by the AMF")
        if message is not None:
            return await n1.received(session, message)
        transfer = body.binary_data_n2_sm_information or b""
        if data.ho_state not in (None, "NONE"):
            return await n2.handover(session, data, transfer)
        if data.n2_sm_info_type is not None:
            return await n2.received(session, data.n2_sm_info_type, transfer)
        if data.up_cnx_state == "ACTIVATING":
            return updated(
                "ACTIVATING", n2=await demanded(session, Activation()), n2_type="PDU_RES_SETUP_REQ"
            )
        if data.up_cnx_state == "DEACTIVATED":
            await let_go(session, Deactivation(data.cause or ""))
            return updated("DEACTIVATED")
        if data.cause == "HO_FAILURE":
            await let_go(session, HandoverFailed())
            return updated("DEACTIVATED")
        return updated(None)

    async def release_sm_context(self, sm_context_ref: str, body: SmContextReleaseData) -> None:
        """TS 23.502 §4.2.2.3.2 step 3 (deregistration), §4.3.4.2 step 1c."""
        session = self._session(sm_context_ref)
        session.abort("released by the AMF")
        await demanded(session, LocalRelease(body.cause or ""))

    # callbacks

    async def sm_policy_update_notify(
        self, sm_context_ref: str, body: SmPolicyNotification
    ) -> PartialSuccessReport | None:
        """Npcf_SMPolicyControl_UpdateNotify, TS 29.512 §4.2.3.2; TS 23.502 §4.3.3.2 step 1b."""
        session, change = self._session(sm_context_ref), body.sm_policy_decision
        if change is None:
            return None
        if change.rel_cause is not None:
            session.want(NetworkRelease(RELEASE_CAUSES.get(change.rel_cause, GsmCause.REGULAR_DEACTIVATION)))
            return None
        return policy_decided(session, change)

    async def sm_policy_terminate_notify(self, sm_context_ref: str, body: TerminationNotification) -> None:
        """Npcf_SMPolicyControl_UpdateNotify, TS 29.512 §4.2.3.3: without a policy there is no session."""
        session = self._session(sm_context_ref)
        session.want(NetworkRelease(RELEASE_CAUSES.get(body.cause, GsmCause.REGULAR_DEACTIVATION)))

    async def sdm_notify(self, sm_context_ref: str, body: ModificationNotification) -> None:
        """Nudm_SDM_Notification, TS 23.502 §4.3.3.2 step 1c."""
        self._session(sm_context_ref).want(SubscriptionChanged())

    async def charging_notify(self, sm_context_ref: str, body: ChargingNotifyRequest) -> None:
        """Nchf_ConvergedCharging_Notify, TS 32.290 §5.2.2.4: quota is asked for anew, or the session ends."""
        session = self._session(sm_context_ref)
        if body.notification_type == "ABORT_CHARGING":
            session.want(NetworkRelease(GsmCause.REGULAR_DEACTIVATION))
            return
        groups = [one.rating_group for one in body.reauthorization_details if one.rating_group is not None]
        usage.reauthorise(session, groups)

    async def n1n2_transfer_failure(self, sm_context_ref: str, body: N1N2MsgTxfrFailureNotification) -> None:
        """Namf_Communication_N1N2TransferFailureNotification: the UE does not answer paging."""
        self._session(sm_context_ref).receive(UeNotReached())
