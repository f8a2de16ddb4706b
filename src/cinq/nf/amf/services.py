"""What the AMF serves: Namf_Communication (TS 29.518 §5.2), and the notifications that SMFs send it."""

from __future__ import annotations

from cinq.nf.amf import journal, signals
from cinq.nf.amf.context import Leaving
from cinq.nf.amf.n2.carriage import Transfer
from cinq.nf.amf.procedures.sm.resources import FOR_SERVICE, deliver, restricted
from cinq.nf.amf.registry import Registry
from cinq.nf.amf.relay import Relay, known, passed_on, registered
from cinq.nf.amf.ue import Ue
from cinq.procedure import Refused
from cinq.sbi import Problem
from cinq.sbi.services.namf_communication import (
    N1N2MessageTransferRequest,
    N1N2MessageTransferRspData,
    SmContextStatusNotification,
)
from cinq.sbi.services.npcf_ampolicycontrol import PolicyUpdate, TerminationNotification
from cinq.sbi.services.nudm_sdm import ModificationNotification
from cinq.sbi.services.nudm_uecm import DeregistrationData, DeregistrationReason
from cinq.wire.nas import GmmCause

MAX_PENDING = 16  # transfers that wait for one UE


class Communication(Relay):
    """What SMFs use of Namf_Communication; what an LMF uses is in Relay."""

    async def n1n2_message_transfer(
        self, ue_context_id: str, body: N1N2MessageTransferRequest
    ) -> N1N2MessageTransferRspData:
        """TS 23.502 §4.2.3.3 and §4.3.2.2.1 step 11. Waits for nobody: the outcome comes to the SMF by itself.

        skipInd: an idle UE is not paged for a 5GSM message or to have resources released (TS 29.518 §5.2.2.3.1.2).
        In a non-allowed area no user plane is set up or changed (TS 23.502 §4.2.3.3 step 3b); there are no regulatory
        prioritised services here. What ends something, or only speaks to the UE, goes out.
        """
        ue = registered(self._registry, ue_context_id)
        answer = passed_on(ue, body)
        if answer is not None:
            return answer
        transfer = _transfer(ue, body)
        connection = ue.connection
        if transfer.n2_type in FOR_SERVICE and not ue.may_have_service:
            why = restricted(ue)
            journal.note(ue, why)
            raise Problem(403, "UE_IN_NON_ALLOWED_AREA", why)
        moving = ue.target is not None  # nothing is sent while a handover is under way (TS 23.502 §4.9.1.3.1)
        if connection is not None and ue.exchange.secured and not connection.releasing and not moving:
            try:
                deliver(ue, transfer)
            except Refused as refused:  # no NAS COUNT is left: the UE registers anew
                journal.note(ue, refused.reason)
                raise Problem(504, "UE_NOT_REACHABLE", refused.reason) from None
            return N1N2MessageTransferRspData(cause="N1_N2_TRANSFER_INITIATED")
        if body.json_data.skip_ind and transfer.n2_type in (None, "PDU_RES_REL_CMD"):
            # An idle UE has no resources at a gNB: there is nothing left to do (TS 23.502 §4.3.4.2 step 3b)
            return N1N2MessageTransferRspData(cause="N1_MSG_NOT_TRANSFERRED")
        if ue.sleeps:
            raise Problem(
                504, "UE_NOT_REACHABLE", "the UE is in MICO mode: it is reached when it comes by itself"
            )
        if len(ue.pending) >= MAX_PENDING:
            raise Problem(504, "UE_NOT_REACHABLE", f"{MAX_PENDING} messages wait for the UE already")
        ue.pending = (*ue.pending, transfer)
        if connection is None:
            ue.reach()
        return N1N2MessageTransferRspData(cause="ATTEMPTING_TO_REACH_UE")


def _transfer(ue: Ue, body: N1N2MessageTransferRequest) -> Transfer:
    data = body.json_data
    info = data.n2_info_container.sm_info if data.n2_info_container else None
    number = data.pdu_session_id if info is None else info.pdu_session_id
    if number is None:
        raise Problem(400, "MANDATORY_IE_MISSING", "only messages of a PDU session are carried")
    sm = ue.context.sm_context(number)
    content = None if info is None else info.n2_info_content
    s_nssai = sm.s_nssai if sm else None
    if info is not None and info.s_nssai is not None:
        s_nssai = info.s_nssai.numbering()
    return Transfer(
        pdu_session_id=number,
        n1=body.binary_data_n1_message,
        n2=body.binary_data_n2_information,
        n2_type=None if content is None else content.ngap_ie_type,
        s_nssai=s_nssai,
        failure_uri=data.n1n2_failure_txf_notif_uri,
        priority=None if data.arp is None else data.arp.priority_level,
    )


GONE_ELSEWHERE = ("UE_INITIAL_REGISTRATION", "UE_REGISTRATION_AREA_CHANGE")
LEAVING: dict[DeregistrationReason, Leaving] = {
    "SUBSCRIPTION_WITHDRAWN": Leaving(
        GmmCause.SERVICES_5GS_NOT_ALLOWED,
        "its subscription is withdrawn",
        "cinq subscriber add provisions it again; the UE tries after it was switched off and on",
    ),
    "OPERATOR_DETERMINED_BARRING": Leaving(
        GmmCause.SERVICES_5GS_NOT_ALLOWED, "it is barred", "cinq subscriber set IMSI --barred no"
    ),
    "REREGISTRATION_REQUIRED": Leaving(None, "it is to register again"),
}
"""What becomes of a UE that the UDM wants gone (TS 23.502 §4.2.2.3.3 step 2)."""
ANOTHER_REASON = Leaving(None, "its home network wants it gone, for a reason of a later release")


class Callbacks:
    """Notifications. Each is answered at once; what follows from it takes its turn at the UE."""

    def __init__(self, registry: Registry[Ue]) -> None:
        self._registry = registry

    async def deregistration_notify(self, supi: str, body: DeregistrationData) -> None:
        """TS 23.502 §4.2.2.3.3 step 1. A UE that another AMF serves by now hears nothing (§4.2.2.2.2 step 14d)."""
        ue = known(self._registry, supi)
        if body.dereg_reason in GONE_ELSEWHERE:
            ue.want(signals.Superseded())
        else:
            ue.want(signals.Deregister(LEAVING.get(body.dereg_reason, ANOTHER_REASON)))

    async def sdm_notify(self, supi: str, body: ModificationNotification) -> None:
        """TS 29.503 §5.2.2.5: what has changed is asked for anew, as a whole."""
        known(self._registry, supi).want(signals.SubscriptionChanged())

    async def am_policy_update_notify(self, supi: str, body: PolicyUpdate) -> None:
        """TS 29.507 §4.2.4.2."""
        known(self._registry, supi).want(signals.PolicyChanged(body))

    async def am_policy_terminate_notify(self, supi: str, body: TerminationNotification) -> None:
        """TS 29.507 §4.2.4.3."""
        known(self._registry, supi).want(signals.PolicyEnded())

    async def sm_context_status_notify(
        self, supi: str, pdu_session_id: int, body: SmContextStatusNotification
    ) -> None:
        """The SMF has released the SM context: the AMF forgets the route (TS 29.502 §5.2.2.5)."""
        ue = registered(self._registry, supi)
        if body.status_info.resource_status == "RELEASED" and ue.context.sm_context(pdu_session_id):
            kept = tuple(s for s in ue.context.sm_contexts if s.pdu_session_id != pdu_session_id)
            ue.commit(sm_contexts=kept)
