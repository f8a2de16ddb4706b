"""N2 SM information from gNBs, TS 38.413 §9.3.4, by its type and the handover state (TS 29.502 §5.2.2.3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from cinq.nf.smf import mobility
from cinq.nf.smf import n2 as transfers
from cinq.nf.smf.inbound.answer import demanded, let_go, updated
from cinq.nf.smf.inbound.ends import Said, checked
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import (
    Deactivation,
    FlowsLost,
    GnbRefused,
    HandoverCancelled,
    HandoverCompleted,
    HandoverNotPrepared,
    HandoverPreparation,
    HandoverPrepared,
    ModifyIndication,
    NetworkRelease,
    NotModified,
    PathSwitch,
    PathSwitchFailed,
    QosNotified,
    Setup,
    SetupRefused,
)
from cinq.procedure import Aborted, Refused, Signal, TimerExpired
from cinq.sbi.problem import Problem
from cinq.sbi.services.nsmf_pdusession import (
    HoState,
    N2SmInfoType,
    SmContextUpdateData,
    SmContextUpdateRefused,
    UpdateSmContextResponse,
)
from cinq.wire import ngap
from cinq.wire.nas import GsmCause

UNREADABLE: ngap.Cause = ("protocol", "transfer-syntax-error")
HANDOVER_TRIGGERED: tuple[ngap.Cause, ...] = (
    ("radioNetwork", "ng-intra-system-handover-triggered"),
    ("radioNetwork", "ng-inter-system-handover-triggered"),
    ("radioNetwork", "xn-handover-triggered"),
)
BUSY: ngap.Cause = ("radioNetwork", "interaction-with-other-procedure")
R = TypeVar("R")
Answer = tuple[N2SmInfoType, Callable[[ngap.Cause], bytes]]
"""The transfer that refuses, by its cause."""
Handler = Callable[[PduSession, bytes], Awaitable[UpdateSmContextResponse]]


async def received(session: PduSession, kind: N2SmInfoType, octets: bytes) -> UpdateSmContextResponse:
    handler = HANDLERS.get(kind)
    if handler is None:
        return updated(None)  # PDU_RES_REL_RSP: nothing is left to do; others are not asked for
    return await handler(session, octets)


def refused(answer: Answer, cause: ngap.Cause, why: str) -> SmContextUpdateRefused:
    kind, transfer = answer
    return SmContextUpdateRefused(403, "N2_SM_ERROR", why, kind, transfer(cause))


def readable(session: PduSession, answer: Answer, read: Callable[[bytes], R], octets: bytes) -> R:
    """What the transfer says. SmContextUpdateRefused when nobody can read it, or its tunnel leads back to us."""
    try:
        said = read(octets)
        if isinstance(said, Said):
            checked(session, said)
        return said
    except transfers.TransferError as error:
        raise refused(answer, UNREADABLE, str(error)) from None


async def refusable(session: PduSession, signal: Signal[R], answer: Answer) -> R:
    """The result of what a gNB wants. SmContextUpdateRefused with the cause for it."""
    if session.is_releasing:
        raise refused(answer, BUSY, "the session is being released")
    session.give_way("a handover of the UE")
    try:
        return await session.demand(signal)
    except GnbRefused as error:
        raise refused(answer, error.cause, error.reason) from None
    except (Aborted, Refused, TimerExpired) as ended:
        raise refused(answer, BUSY, str(ended)) from None


# -- setup ----------------------------------------------------------------------------------------------


async def setup_response(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    """TS 23.502 §4.3.2.2.1 step 14, §4.2.3.2 step 15."""
    try:
        made = transfers.setup_response(octets)
        checked(session, made)
    except transfers.TransferError as error:
        if session.up_cnx_state == "ACTIVATING":  # else the UE would keep a session that carries nothing
            session.want(NetworkRelease(GsmCause.NETWORK_FAILURE))
        raise Problem(400, "N2_SM_ERROR", str(error)) from None
    if session.context.qos.default_flow.qfi not in made.flows:
        await let_go(session, SetupRefused("the QoS flow was not set up"))
        return updated("DEACTIVATED")
    await demanded(session, Setup(made))
    return updated("ACTIVATED")


async def setup_unsuccessful(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    await let_go(session, SetupRefused("PDU_RES_SETUP_FAIL"))
    return updated("DEACTIVATED")


# -- Xn handover, and tunnels that move -----------------------------------------------------------------


async def path_switch(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    """TS 29.502 §5.2.2.3.3."""
    answer: Answer = "PATH_SWITCH_REQ_FAIL", mobility.path_switch_unsuccessful
    switched = readable(session, answer, mobility.path_switch_request, octets)
    transfer = await refusable(session, PathSwitch(switched, session.tac), answer)
    return updated("ACTIVATED", n2=transfer, n2_type="PATH_SWITCH_REQ_ACK")


async def path_switch_failed(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    """TS 29.502 §5.2.2.3.3, figure 5.2.2.3.3-2. A cause that cannot be read is none of security."""
    try:
        cause = mobility.path_switch_setup_failed(octets)
    except transfers.TransferError as error:
        session.runtime.report(session, "path_switch_failed", None, str(error))
        cause = UNREADABLE
    await let_go(session, PathSwitchFailed(cause))
    return updated("DEACTIVATED")


async def modify_indication(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    """TS 29.502 §5.2.2.3.7."""
    answer: Answer = "PDU_RES_MOD_IND_FAIL", mobility.modify_indication_unsuccessful
    made = readable(session, answer, mobility.modify_indication, octets)
    transfer = await refusable(session, ModifyIndication(made), answer)
    return updated("ACTIVATED", n2=transfer, n2_type="PDU_RES_MOD_CFM")


async def secondary_rat_usage(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    """TS 23.502 §4.21: the report is for charging; the journal has it."""
    try:
        text = mobility.secondary_rat_usage(octets)
    except transfers.TransferError as error:
        raise Problem(400, "N2_SM_ERROR", str(error)) from None
    session.runtime.report(session, "secondary_rat_usage", None, text)
    return updated(None)


# -- modification, and what a gNB says on its own --------------------------------------------------------


async def modify_response(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    """TS 23.502 §4.3.3.2 step 7."""
    try:
        modified = transfers.modify_response(octets)
        checked(session, modified)
        session.receive(modified)
    except transfers.TransferError as error:
        session.receive(NotModified(str(error), is_passing=False))
        raise Problem(400, "N2_SM_ERROR", str(error)) from None
    return updated(None)


async def modify_unsuccessful(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    """§4.3.3.2 step 7: the UE did not get the command either (TS 24.501 §6.3.2.5 e) and f))."""
    try:
        cause = transfers.modify_unsuccessful(octets)
    except transfers.TransferError as error:
        session.receive(NotModified(str(error), is_passing=False))
        raise Problem(400, "N2_SM_ERROR", str(error)) from None
    text = f"the gNB does not modify the session: {transfers.cause_text(cause)}"
    session.receive(NotModified(text, is_passing=cause in HANDOVER_TRIGGERED))
    return updated(None)


async def notified(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    """TS 23.502 §4.3.3.2 step 1e."""
    try:
        said = mobility.notify(octets)
    except transfers.TransferError as error:
        raise Problem(400, "N2_SM_ERROR", str(error)) from None
    if said.released:
        session.want(FlowsLost(said.released, "RES_ALLO_FAIL"))
    if said.fulfilled or said.unfulfilled:
        session.want(QosNotified(said.fulfilled, said.unfulfilled))
    return updated(None)


async def notified_released(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    """TS 23.502 §4.3.4.2 step 1d, TS 29.502 §5.2.2.3.2.3: the gNB let the session's resources go."""
    try:
        cause = mobility.notify_released(octets)
    except transfers.TransferError as error:
        raise Problem(400, "N2_SM_ERROR", str(error)) from None
    await let_go(session, Deactivation(transfers.cause_text(cause)))
    return updated("DEACTIVATED")


HANDLERS: dict[N2SmInfoType, Handler] = {
    "PDU_RES_SETUP_RSP": setup_response,
    "PDU_RES_SETUP_FAIL": setup_unsuccessful,
    "PATH_SWITCH_REQ": path_switch,
    "PATH_SWITCH_SETUP_FAIL": path_switch_failed,
    "PDU_RES_MOD_IND": modify_indication,
    "PDU_RES_MOD_RSP": modify_response,
    "PDU_RES_MOD_FAIL": modify_unsuccessful,
    "PDU_RES_NTY": notified,
    "PDU_RES_NTY_REL": notified_released,
    "SECONDARY_RAT_USAGE": secondary_rat_usage,
}


# -- N2 handover ----------------------------------------------------------------------------------------


async def handover(session: PduSession, data: SmContextUpdateData, octets: bytes) -> UpdateSmContextResponse:
    """TS 29.502 §5.2.2.3.4: the new hoState of the session."""
    handler = HANDOVER.get(data.ho_state or "NONE")
    if handler is None:
        raise Problem(400, "OPTIONAL_IE_INCORRECT", f"hoState {data.ho_state} is not for an AMF to set")
    return await handler(session, data, octets)


PREPARATION_FAILURE: Answer = "HANDOVER_PREP_FAIL", mobility.handover_preparation_unsuccessful


async def preparing(session: PduSession, data: SmContextUpdateData, octets: bytes) -> UpdateSmContextResponse:
    """§5.2.2.3.4.2 steps 1 and 2."""
    direct = readable(session, PREPARATION_FAILURE, mobility.handover_required, octets)
    tac = None if data.target_id is None else int(data.target_id.tai.tac, 16)
    transfer = await refusable(session, HandoverPreparation(direct, tac), PREPARATION_FAILURE)
    return updated(None, n2=transfer, n2_type="PDU_RES_SETUP_REQ", ho_state="PREPARING")


async def prepared(session: PduSession, data: SmContextUpdateData, octets: bytes) -> UpdateSmContextResponse:
    """§5.2.2.3.4.2 steps 3 and 4."""
    if data.n2_sm_info_type == "HANDOVER_RES_ALLOC_FAIL":
        await not_prepared(session, octets)
    try:
        acknowledged = mobility.handover_acknowledge(octets)
        checked(session, acknowledged)
    except transfers.TransferError as error:
        await let_go(session, HandoverNotPrepared(str(error)))
        raise refused(PREPARATION_FAILURE, UNREADABLE, str(error)) from None
    try:
        transfer = await refusable(session, HandoverPrepared(acknowledged), PREPARATION_FAILURE)
    except SmContextUpdateRefused:
        await let_go(session, HandoverNotPrepared("not taken"))
        raise
    return updated(None, n2=transfer, n2_type="HANDOVER_CMD", ho_state="PREPARED")


async def not_prepared(session: PduSession, octets: bytes) -> None:
    """§5.2.2.3.4.2 step 4b. Raises SmContextUpdateRefused."""
    try:
        cause = mobility.handover_allocation_unsuccessful(octets)
    except transfers.TransferError:
        cause = UNREADABLE
    text = transfers.cause_text(cause)
    await let_go(session, HandoverNotPrepared(text))
    _, transfer = PREPARATION_FAILURE
    what = f"the target gNB has no resources: {text}"
    raise SmContextUpdateRefused(
        403, "HANDOVER_RESOURCE_ALLOCATION_FAILURE", what, "HANDOVER_PREP_FAIL", transfer(cause)
    )


async def completed(session: PduSession, data: SmContextUpdateData, octets: bytes) -> UpdateSmContextResponse:
    """§5.2.2.3.4.3."""
    if data.n2_sm_info_type == "SECONDARY_RAT_USAGE":
        await secondary_rat_usage(session, octets)
    await refusable(session, HandoverCompleted(), PREPARATION_FAILURE)
    return updated("ACTIVATED", ho_state="COMPLETED")


async def cancelled(session: PduSession, data: SmContextUpdateData, octets: bytes) -> UpdateSmContextResponse:
    """§5.2.2.3.4.4."""
    await let_go(session, HandoverCancelled(data.cause or ""))
    return updated(None, ho_state="CANCELLED")


HANDOVER: dict[
    HoState, Callable[[PduSession, SmContextUpdateData, bytes], Awaitable[UpdateSmContextResponse]]
] = {"PREPARING": preparing, "PREPARED": prepared, "COMPLETED": completed, "CANCELLED": cancelled}
