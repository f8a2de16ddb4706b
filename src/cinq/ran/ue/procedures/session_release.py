"""PDU session release, TS 24.501 §6.3.3 and §6.4.3."""

from __future__ import annotations

from dataclasses import replace

from cinq.procedure import Refused, Timer, TimerExpired, procedure
from cinq.ran.ue.causes import gsm
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
        raise Refused(answer, gsm(answer.cause, session.asked))
    if isinstance(answer, nas.PDUSessionReleaseCommand):
        _confirm(session, answer)
    session.gone()


@procedure(opens=nas.PDUSessionReleaseCommand)
async def network_session_release(session: Session, command: nas.PDUSessionReleaseCommand) -> None:
    """Network-requested, §6.3.3. With cause #39 the network wants the session back (in SSC mode 2 elsewhere)."""
    ue, number, wanted = session.ue, session.context.pdu_session_id, session.settings
    _confirm(session, command)
    session.hold_off(command.cause, command.back_off_timer)
    session.gone()
    if command.cause == nas.GsmCause.REACTIVATION_REQUESTED:
        if command.alternative_s_nssai is not None:
            wanted = replace(wanted, s_nssai=command.alternative_s_nssai)
        ue.initiate(lambda: ue.open_session(wanted, number), "session reactivation")


def _confirm(session: Session, command: nas.PDUSessionReleaseCommand) -> None:
    session.ue.released[command.pdu_session_id] = command.pti
    session.tell(nas.PDUSessionReleaseComplete(pdu_session_id=command.pdu_session_id, pti=command.pti))
