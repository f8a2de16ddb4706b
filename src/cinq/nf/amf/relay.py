"""Namf_Communication for what the AMF only passes on: NRPPa between LMF and gNB, LPP between LMF and UE.

TS 29.518 §5.2.2.3 and §5.2.2.4, TS 23.273 §6.11.
"""

from __future__ import annotations

from functools import partial

from cinq.nf.amf import journal
from cinq.nf.amf.n2.association import Access, Ran
from cinq.nf.amf.procedures.ngap import positioning
from cinq.nf.amf.registry import Registry
from cinq.nf.amf.ue import Ue
from cinq.numbering import GnbId, NumberingError, Supi
from cinq.procedure import Refused, Why
from cinq.sbi import Created, Problem
from cinq.sbi.models import GlobalRanNodeId
from cinq.sbi.services.namf_communication import (
    N1N2MessageTransferRequest,
    N1N2MessageTransferRspData,
    N1N2MsgTxfrFailureNotification,
    N2InformationTransferReqData,
    N2InformationTransferRequest,
    N2InformationTransferRspData,
    NonUeN2InfoSubscriptionCreateData,
    NonUeN2InfoSubscriptionCreatedData,
    UeN1N2InfoSubscriptionCreateData,
    UeN1N2InfoSubscriptionCreatedData,
)
from cinq.wire import nas

MAX_WAITING = 16  # who wait for one UE


def known(registry: Registry[Ue], supi: str) -> Ue:
    """A UE that is registered, or on its way."""
    try:
        ue = registry.by_supi.get(Supi.parse(supi))
    except NumberingError as error:
        raise Problem(400, "MANDATORY_IE_INCORRECT", str(error)) from None
    if ue is None:
        raise Problem(404, "CONTEXT_NOT_FOUND", f"{supi} is not registered here")
    return ue


def registered(registry: Registry[Ue], supi: str) -> Ue:
    ue = known(registry, supi)
    if ue.context.rm_state != "RM-REGISTERED":
        raise Problem(404, "CONTEXT_NOT_FOUND", f"{supi} is not registered here")
    return ue


class Relay:
    """The part of Namf_Communication that an LMF uses."""

    def __init__(self, registry: Registry[Ue], access: Access) -> None:
        self._registry = registry
        self._rans = access.rans
        self._consumers = access.consumers

    async def n1n2_message_subscribe(
        self, ue_context_id: str, body: UeN1N2InfoSubscriptionCreateData
    ) -> Created[UeN1N2InfoSubscriptionCreatedData]:
        ue = registered(self._registry, ue_context_id)
        consumers, supi = self._consumers, ue.context.supi
        if consumers.full(self._registry.by_supi):
            raise Problem(403, "INSUFFICIENT_RESOURCES", "there are too many subscriptions")
        if body.n2_information_class == "NRPPa" and body.n2_notify_callback_uri:
            made = consumers.add("N2 NRPPa", body.n2_notify_callback_uri, body.nf_id or "", supi)
        elif body.n1_message_class == "LPP" and body.n1_notify_callback_uri:
            made = consumers.add("N1 LPP", body.n1_notify_callback_uri, body.nf_id or "", supi)
        else:
            raise Problem(
                400, "MANDATORY_IE_INCORRECT", "only NRPPa and LPP are passed on, to a callback URI"
            )
        return Created(
            f"/ue-contexts/{ue_context_id}/n1-n2-messages/subscriptions/{made.identifier}",
            UeN1N2InfoSubscriptionCreatedData(n1n2_notify_subscription_id=made.identifier),
        )

    async def n1n2_message_unsubscribe(self, ue_context_id: str, subscription_id: str) -> None:
        ue = known(self._registry, ue_context_id)
        if not self._consumers.remove(subscription_id, ue.context.supi):
            raise Problem(
                404, "SUBSCRIPTION_NOT_FOUND", f"{ue_context_id} has no subscription {subscription_id}"
            )

    async def non_ue_n2_info_subscribe(
        self, body: NonUeN2InfoSubscriptionCreateData
    ) -> Created[NonUeN2InfoSubscriptionCreatedData]:
        if body.n2_information_class != "NRPPa":
            raise Problem(400, "MANDATORY_IE_INCORRECT", f"{body.n2_information_class} is not passed on")
        if self._consumers.full(self._registry.by_supi):
            raise Problem(403, "INSUFFICIENT_RESOURCES", "there are too many subscriptions")
        made = self._consumers.add("N2 NRPPa", body.n2_notify_callback_uri, body.nf_id or "")
        return Created(
            f"/non-ue-n2-messages/subscriptions/{made.identifier}",
            NonUeN2InfoSubscriptionCreatedData(n2_notify_subscription_id=made.identifier),
        )

    async def non_ue_n2_info_unsubscribe(self, n2_notify_subscription_id: str) -> None:
        if not self._consumers.remove(n2_notify_subscription_id):
            raise Problem(404, "SUBSCRIPTION_NOT_FOUND", f"no subscription {n2_notify_subscription_id}")

    async def non_ue_n2_message_transfer(
        self, body: N2InformationTransferRequest
    ) -> N2InformationTransferRspData:
        """§5.2.2.4.1: to each gNB that is meant."""
        data, nrppa = body.json_data, body.json_data.n2_information.nrppa_info
        if nrppa is None or body.binary_data_n2_information is None:
            raise Problem(400, "MANDATORY_IE_MISSING", "only NRPPa is passed on")
        meant = [ran for ran in self._rans if ran.context.is_set_up and is_meant(ran, data)]
        if not meant:
            raise Problem(404, "CONTEXT_NOT_FOUND", "none of these gNBs is connected")
        for ran in meant:
            positioning.for_gnb(ran, nrppa.nf_id, body.binary_data_n2_information)
        return N2InformationTransferRspData(result="N2_INFO_TRANSFER_INITIATED")


def is_meant(ran: Ran, data: N2InformationTransferReqData) -> bool:
    """By its identity, or by a tracking area that it serves."""
    if ran.context.node_id in {
        identity for node in data.global_ran_node_list or () if (identity := name(node))
    }:
        return True
    areas = {tai.numbering() for tai in data.tai_list or ()}
    return any(tai in areas for tai, _ in ran.context.tais)


def name(node: GlobalRanNodeId) -> str:
    """As a gNB's context has it; "" for what is no gNB."""
    gnb = node.g_nb_id
    if gnb is None:
        return ""
    try:
        return str(GnbId(node.plmn_id.numbering(), int(gnb.value, 16), gnb.bit_length))
    except ValueError:
        return ""


def passed_on(ue: Ue, body: N1N2MessageTransferRequest) -> N1N2MessageTransferRspData | None:
    """N1N2MessageTransfer of NRPPa or LPP (§5.2.2.3.1). None: the message is of another kind.

    An idle UE is paged for it (TS 23.273 §6.11.1 and §6.11.2, step 2); the LMF hears when it is not reached.
    """
    data, n2 = body.json_data, body.json_data.n2_info_container
    nrppa = n2.nrppa_info if n2 is not None and n2.n2_information_class == "NRPPa" else None
    n1 = data.n1_message_container
    lpp = n1 if n1 is not None and n1.n1_message_class == "LPP" else None
    if nrppa is None and lpp is None:
        return None
    if not ue.is_reached:
        if ue.sleeps:
            raise Problem(
                504, "UE_NOT_REACHABLE", "the UE is in MICO mode: it is reached when it comes by itself"
            )
        if len(ue.waiting) >= MAX_WAITING:
            raise Problem(504, "UE_NOT_REACHABLE", f"{MAX_WAITING} wait for the UE already")
        ue.beside(partial(passed_on_later, ue, body), "reach for an LMF")
        return N1N2MessageTransferRspData(cause="ATTEMPTING_TO_REACH_UE")
    connection = ue.connection
    assert connection is not None
    if nrppa is not None and body.binary_data_n2_information is not None:
        positioning.for_a_ue(connection, nrppa.nf_id, body.binary_data_n2_information)
    if lpp is not None and body.binary_data_n1_message is not None:
        tell_ue(ue, lpp.nf_id or "", body.binary_data_n1_message)
    return N1N2MessageTransferRspData(cause="N1_N2_TRANSFER_INITIATED")


async def passed_on_later(ue: Ue, body: N1N2MessageTransferRequest) -> None:
    """As soon as the UE is reached; Namf_Communication_N1N2TransferFailureNotification (§5.2.2.3.2) where it is not."""
    if await ue.reachable():
        passed_on(ue, body)
        return
    uri = body.json_data.n1n2_failure_txf_notif_uri
    if uri is None:
        journal.note(ue, Why("a message of an LMF is not passed on: the UE is not reached"))
        return
    notification = N1N2MsgTxfrFailureNotification(cause="UE_NOT_RESPONDING", n1n2_msg_data_uri="")
    try:
        await ue.ports.notify(uri, notification)
    except Problem as problem:
        why = Why(f"the LMF was not told that the UE is not reached: {problem}", problem.why.mend)
        journal.note(ue, why)


def tell_ue(ue: Ue, nf_id: str, octets: bytes) -> None:
    """TS 24.501 §5.4.5.3.1 c): the additional information names the LMF, and comes back with the answer."""
    try:
        ue.tell(
            nas.DLNASTransport(
                payload_container_type=nas.PayloadContainerType.LPP_MESSAGE_CONTAINER,
                payload_container=octets,
                additional_information=nf_id.encode() or None,
            )
        )
    except Refused as refused:  # no NAS COUNT is left
        raise Problem(504, "UE_NOT_REACHABLE", refused.reason) from None
