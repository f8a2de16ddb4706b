"""What registration, service request and deregistration do to the PDU sessions of a UE."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from msgspec import Struct

from cinq.nf.amf import journal, signals
from cinq.nf.amf.context import SmContext
from cinq.nf.amf.n2 import carriage
from cinq.nf.amf.n2.carriage import Transfer
from cinq.nf.amf.ue import Ue
from cinq.procedure import Why
from cinq.sbi import Problem
from cinq.sbi.resource import identifier_of, root_of
from cinq.sbi.services.namf_communication import N1N2MessageTransferCause, N1N2MsgTxfrFailureNotification
from cinq.sbi.services.nsmf_pdusession import (
    SmContextReleaseData,
    SmContextUpdateData,
    UpdateSmContextRequest,
    UpdateSmContextResponse,
)
from cinq.wire.nas import GmmCause

STATUS_MISMATCH = "PDU_SESSION_STATUS_MISMATCH"


class Reactivation(Struct, frozen=True, gc=False):
    """result: the sessions whose user plane could not be set up; None when the UE asked for none.

    lost: there was a session that its SMF does not know any more.
    """

    result: frozenset[int] | None = None
    causes: dict[int, int] | None = None
    lost: bool = False


async def release_sessions(ue: Ue, sessions: Iterable[SmContext]) -> None:
    """Nsmf_PDUSession_ReleaseSMContext for each."""
    for sm in sessions:
        try:
            await ue.ports.nsmf.release_sm_context(sm.ref, SmContextReleaseData())
        except Problem as problem:
            _not_released(ue, sm, problem)


async def drop_sessions(ue: Ue, sessions: Iterable[SmContext], cause: str) -> None:
    """Sessions that the UE has no more while it stays connected: where the gNB has a UE context it lets go of them too.

    Else it would refuse their identities as in use (TS 38.413 §8.2.1.4). cause: of TS 29.502 §6.1.6.3.8.
    """
    for sm in sessions:
        if ue.connection is None or not ue.connection.has_context:
            await release_sessions(ue, (sm,))
        elif (answer := await let_go(ue, sm, cause)) is not None:
            deliver_answer(ue, sm, answer)


async def let_go(ue: Ue, sm: SmContext, cause: str) -> UpdateSmContextResponse | None:
    """Released locally at the SMF; its answer has what frees the gNB's resources. None: it is gone, or will not go."""
    update = UpdateSmContextRequest(json_data=SmContextUpdateData(release=True, cause=cause))
    try:
        return await ue.ports.nsmf.update_sm_context(sm.ref, update)
    except Problem as problem:
        _not_released(ue, sm, problem)
        return None


def _not_released(ue: Ue, sm: SmContext, problem: Problem) -> None:
    """One that is gone already is gone."""
    if problem.status != 404:
        journal.note(ue, f"PDU session {sm.pdu_session_id} not released: {problem}")


async def synchronise(ue: Ue, status: frozenset[int] | None) -> None:
    """TS 24.501 §5.5.1.3.4, §5.6.1.4: sessions that the UE no longer has are released."""
    if status is None:
        return
    gone = [sm for sm in ue.context.sm_contexts if sm.pdu_session_id not in status]
    if gone:
        await drop_sessions(ue, gone, STATUS_MISMATCH)
        forget(ue, *gone)


def forget(ue: Ue, *gone: SmContext) -> None:
    """PDU sessions that are released, or that their SMF does not know."""
    ue.commit(sm_contexts=tuple(sm for sm in ue.context.sm_contexts if sm not in gone))


def status_of(ue: Ue, asked: frozenset[int] | None, reactivated: Reactivation) -> frozenset[int] | None:
    """The PDU session status of the accept: for a UE that gives its own, or has a session that is lost."""
    return None if asked is None and not reactivated.lost else ue.context.pdu_session_status


async def reactivate(ue: Ue, wanted: frozenset[int] | None) -> Reactivation:
    """TS 23.502 §4.2.3.2 steps 4 to 11: the user plane of each session is set up with the next accept.

    One that its SMF does not know ends here, and at the UE by the PDU session status (TS 24.501 §5.6.1.4.1).
    """
    if wanted is None:
        return Reactivation()
    causes: dict[int, int] = {}
    lost = False
    for number in sorted(wanted):
        sm = ue.context.sm_context(number)
        if sm is None:
            continue
        where = None if ue.connection is None else ue.connection.place.location
        wish = SmContextUpdateData(up_cnx_state="ACTIVATING", ue_location=where)
        update = UpdateSmContextRequest(json_data=wish)
        try:
            answer = await ue.ports.nsmf.update_sm_context(sm.ref, update)
        except Problem as problem:
            journal.note(ue, f"PDU session {number} not reactivated: {problem}")
            if problem.status == 404:
                forget(ue, sm)
                lost = True
                continue
            causes[number] = GmmCause.INSUFFICIENT_USER_PLANE_RESOURCES_FOR_THE_PDU_SESSION
            continue
        if answer.binary_data_n2_sm_information is not None:
            kind = answer.json_data.n2_sm_info_type
            resource = Transfer(number, None, answer.binary_data_n2_sm_information, kind, sm.s_nssai)
            ue.resources = (*ue.resources, resource)
            ue.pending = tuple(p for p in ue.pending if not same_setup(p, resource))
    return Reactivation(frozenset(causes), causes or None, lost)


def not_reactivated(ue: Ue, wanted: frozenset[int] | None, cause: GmmCause) -> Reactivation:
    """The user plane of no session is set up, for one reason (TS 24.501 §5.6.1.4.1, §9.11.3.43)."""
    if wanted is None:
        return Reactivation()
    left = frozenset(number for number in wanted if ue.context.sm_context(number) is not None)
    return Reactivation(left, {number: int(cause) for number in sorted(left)} or None)


FOR_SERVICE = ("PDU_RES_SETUP_REQ", "PDU_RES_MOD_REQ")
"""What an SMF asks of a gNB so that a UE has user services; not in a non-allowed area."""


def restricted(ue: Ue) -> Why:
    """Why #28 is the answer."""
    supi = ue.context.supi
    where = f"tracking area {ue.tai.tac}" if ue.connection is not None else "its whole registration area"
    return Why(
        f"{where} is a non-allowed area of {supi}",
        f"[amf] allowed_tacs and non_allowed_tacs, or cinq subscriber set {supi} --non-allowed-tacs none",
    )


def same_setup(waiting: Transfer, resource: Transfer) -> bool:
    """Whether the UE was paged for the very resources that its answer asks for: they are set up once."""
    return waiting.n1 is None and (waiting.pdu_session_id, waiting.n2_type) == (
        resource.pdu_session_id,
        resource.n2_type,
    )


def deliver_pending(ue: Ue) -> None:
    """The UE is reachable: what SMFs have sent meanwhile goes out. What it may not have where it is now goes back."""
    ue.wake()
    pending, ue.pending = ue.pending, ()
    for transfer in pending:
        if transfer.n2_type in FOR_SERVICE and not ue.may_have_service:
            ue.beside(
                partial(not_reached, ue, transfer.failure_uri, "UE_NOT_REACHABLE_FOR_SESSION"), "not reached"
            )
        else:
            deliver(ue, transfer)


def failure_uri(sm: SmContext) -> str:
    """Where the SMF of an SM context hears of a message that did not reach the UE, if it is one of ours."""
    return f"{root_of(sm.ref)}/nsmf-callback/v1/n1n2-failure/{identifier_of(sm.ref)}"


async def not_reached(ue: Ue, uri: str | None, cause: N1N2MessageTransferCause = "UE_NOT_RESPONDING") -> None:
    """TS 23.502 §4.2.3.3 step 5: the SMF hears that what it sent has not reached the UE."""
    if uri is None:
        return
    notification = N1N2MsgTxfrFailureNotification(cause=cause, n1n2_msg_data_uri="")
    try:
        await ue.ports.notify(uri, notification)
    except Problem as problem:
        why = Why(f"the SMF was not told that the UE is not reached: {problem}", problem.why.mend)
        journal.note(ue, why)


def deliver(ue: Ue, transfer: Transfer) -> None:
    """Send what an SMF gave to a connected UE and its gNB (TS 23.502 §4.3.2.2.1 step 12, TS 38.413 §8.2)."""
    connection = ue.connection
    if connection is None:
        return
    kind, sessions = transfer.n2_type, frozenset((transfer.pdu_session_id,))
    if kind == "PDU_RES_SETUP_REQ":
        ue.set_up(connection, None, (transfer,))
    elif kind == "PDU_RES_REL_CMD" and connection.has_context:
        command = carriage.resource_release(connection, ue.resource(transfer))
        connection.begin(command, signals.ResourceReleaseSent(sessions))
    elif kind == "PDU_RES_MOD_REQ":
        request = carriage.resource_modify(connection, ue.resource(transfer))
        connection.begin(request, signals.ResourceModifySent(sessions))
    elif transfer.n1 is not None:  # to be released where the gNB has nothing of it: only the UE is to hear
        ue.tell(carriage.sm_container(transfer.pdu_session_id, transfer.n1))


def deliver_answer(ue: Ue, sm: SmContext, answer: UpdateSmContextResponse) -> None:
    """What an SMF answered to an update goes on to the gNB and the UE."""
    octets1, octets2 = answer.binary_data_n1_sm_message, answer.binary_data_n2_sm_information
    if octets1 is not None or octets2 is not None:
        kind = answer.json_data.n2_sm_info_type
        deliver(ue, Transfer(sm.pdu_session_id, octets1, octets2, kind, sm.s_nssai))
