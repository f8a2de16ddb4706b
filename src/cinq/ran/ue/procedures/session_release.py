"""PDU session release and modification, TS 24.501 §6.3.2, §6.3.3 and §6.4.3."""

from __future__ import annotations

from cinq.procedure import Refused, Timer, TimerExpired, procedure
from cinq.ran.ue.context import UNASSIGNED_PTI, NoAnswer
from cinq.ran.ue.session import Session
from cinq.ran.ue.signals import ReleaseSession
from cinq.wire import nas

T3582 = Timer("T3582", 16, 4)


@procedure(opens=ReleaseSession)
async def session_release(session: Session, wanted: ReleaseSession) -> None:
    """UE-requested, §6.4.3. Without an answer that could be used it is local. Refused: by the SMF."""
    session.pti = session.ue.allocate_pti()
    session.commit(state="INACTIVE_PENDING")
    request = nas.PDUSessionReleaseRequest(
        pdu_session_id=session.context.pdu_session_id,
        pti=session.pti,
        cause=wanted.cause,
    )
    try:
        answer = await session.ask(
            request,
            nas.PDUSessionReleaseCommand,
            nas.PDUSessionReleaseReject,
            NoAnswer,
            timer=T3582,
        )
    except TimerExpired:  # §6.4.3.6 a)
        session.gone()
        return
    finally:
        session.pti = UNASSIGNED_PTI
    if isinstance(answer, nas.PDUSessionReleaseReject):
        session.commit(state="ACTIVE")
        raise Refused(answer, f"5GSM cause #{int(answer.cause)}")
    if isinstance(answer, nas.PDUSessionReleaseCommand):
        _confirm(session, answer)
    session.gone()


@procedure(opens=nas.PDUSessionReleaseCommand)
async def network_session_release(session: Session, command: nas.PDUSessionReleaseCommand) -> None:
    """Network-requested, §6.3.3. With cause #39 the network wants the session back."""
    _confirm(session, command)
    session.hold_off(command.cause, command.back_off_timer)
    session.gone()
    if command.cause == nas.GsmCause.REACTIVATION_REQUESTED:
        ue, index = session.ue, session.context.pdu_session_id - 1
        ue.initiate(lambda: _again(session, index), "session reactivation")


async def _again(session: Session, index: int) -> None:
    await session.ue.establish_session(index)


def _confirm(session: Session, command: nas.PDUSessionReleaseCommand) -> None:
    session.ue.released[command.pdu_session_id] = command.pti
    session.tell(nas.PDUSessionReleaseComplete(pdu_session_id=command.pdu_session_id, pti=command.pti))


@procedure(opens=nas.PDUSessionModificationCommand)
async def session_modification(session: Session, command: nas.PDUSessionModificationCommand) -> None:
    """Network-requested modification, §6.3.2: what is given is taken over and confirmed."""
    ambr = command.session_ambr
    if ambr is not None:
        session.commit(uplink_bps=ambr.uplink_bps, downlink_bps=ambr.downlink_bps)
    session.tell(nas.PDUSessionModificationComplete(pdu_session_id=command.pdu_session_id, pti=command.pti))
