"""PDU session modification, TS 24.501 §6.3.2 (by the network) and §6.4.2 (asked for by the UE)."""

from __future__ import annotations

from cinq.procedure import Refused, Timer, procedure
from cinq.ran.ue import pco
from cinq.ran.ue.causes import gsm
from cinq.ran.ue.context import UNASSIGNED_PTI, NoAnswer
from cinq.ran.ue.qos import SYNTACTICAL, Qos, QosError, deletions, modified
from cinq.ran.ue.session import Session
from cinq.ran.ue.signals import ModifySession, ReleaseSession
from cinq.wire import nas
from cinq.wire.nas import GsmCause

T3581 = Timer("T3581", 16, 4)


@procedure(opens=ModifySession)
async def session_modification(session: Session, wanted: ModifySession) -> None:
    """UE-requested, §6.4.2: the network commands what it grants, or rejects. Refused: with the reject, or no answer."""
    if session.context.state != "ACTIVE":
        raise Refused(None, "the session is not active")
    session.check_access()
    session.pti = session.ue.allocate_pti()
    request = nas.PDUSessionModificationRequest(
        pdu_session_id=session.context.pdu_session_id,
        pti=session.pti,
        cause=wanted.cause,
        maximum_number_of_supported_packet_filters=wanted.packet_filters,
        always_on_requested=wanted.always_on,
        requested_qos_rules=list(wanted.rules) or None,
        requested_qos_flow_descriptions=list(wanted.flows) or None,
        extended_pco=list(wanted.pco) or None,
    )
    try:
        answer = await session.ask(
            request,
            nas.PDUSessionModificationCommand,
            nas.PDUSessionModificationReject,
            NoAnswer,
            timer=T3581,
        )
    finally:
        session.pti = UNASSIGNED_PTI
    if isinstance(answer, nas.PDUSessionModificationCommand):
        _commanded(session, answer)
    elif isinstance(answer, NoAnswer):
        session.hold_off(answer.cause, answer.back_off_s)
        raise Refused(None, answer.reason)
    else:
        _rejected(session, answer)


def _rejected(session: Session, reject: nas.PDUSessionModificationReject) -> None:
    """§6.4.2.4: back-off timers; with #43 and #54 the network knows no such session, and it ends."""
    why = gsm(reject.cause, session.asked)
    session.hold_off(reject.cause, reject.back_off_timer)
    if reject.cause in (GsmCause.INVALID_PDU_SESSION_IDENTITY, GsmCause.PDU_SESSION_DOES_NOT_EXIST):
        session.gone(why)
    raise Refused(reject, why)


@procedure(opens=nas.PDUSessionModificationCommand)
async def network_session_modification(session: Session, command: nas.PDUSessionModificationCommand) -> None:
    """Network-requested, §6.3.2. With cause #39 a session of SSC mode 3 gets a successor (§6.3.2.3)."""
    _commanded(session, command)


def _commanded(session: Session, command: nas.PDUSessionModificationCommand) -> None:
    """§6.3.2.3: what is given is taken over and confirmed.

    §6.3.2.4: errors of QoS reject the command, or end the session.
    """
    number, pti = command.pdu_session_id, command.pti
    try:
        qos = _qos(session, command)
    except QosError as error:
        session.runtime.report(session, "", command, f"{error}: 5GSM cause #{int(error.cause)}")
        if error.release:
            session.want(ReleaseSession(error.cause))
        else:
            session.tell(
                nas.PDUSessionModificationCommandReject(pdu_session_id=number, pti=pti, cause=error.cause)
            )
        return
    _take_over(session, command, qos)
    session.tell(nas.PDUSessionModificationComplete(pdu_session_id=number, pti=pti))
    erase_wrong(session, qos)
    if command.cause == GsmCause.REACTIVATION_REQUESTED:
        ue, wanted = session.ue, session.settings
        ue.initiate(lambda: ue.open_session(wanted, old=number), "successor of a session")


def _qos(session: Session, command: nas.PDUSessionModificationCommand) -> Qos:
    for name, what in command.faults:
        if name in ("authorized_qos_rules", "authorized_qos_flow_descriptions"):
            raise QosError(SYNTACTICAL, f"{name} cannot be read: {what}")
    before = Qos(
        {rule.identifier: rule for rule in session.context.rules},
        {flow.qfi: flow for flow in session.context.flows},
    )
    return modified(
        before, command.authorized_qos_rules or (), command.authorized_qos_flow_descriptions or ()
    )


def _take_over(session: Session, command: nas.PDUSessionModificationCommand, qos: Qos) -> None:
    context, ambr, found = session.context, command.session_ambr, pco.found(command.extended_pco)
    rules = tuple(qos.rules.values())
    session.commit(
        rules=rules,
        flows=tuple(qos.flows.values()),
        uplink_bps=context.uplink_bps if ambr is None else ambr.uplink_bps,
        downlink_bps=context.downlink_bps if ambr is None else ambr.downlink_bps,
        always_on=context.always_on if command.always_on is None else command.always_on,
        rq_timer_s=context.rq_timer_s if command.rq_timer is None else max(command.rq_timer, 0),
        dns=found.dns or context.dns,
        p_cscf=found.p_cscf or context.p_cscf,
        pco=tuple(command.extended_pco or context.pco),
    )
    if rules != context.rules:
        session.open_interface()


def erase_wrong(session: Session, qos: Qos) -> None:
    """What the network gave in vain it is asked to delete, §6.3.2.4, §6.4.1.3."""
    wrong = deletions(qos)
    if wrong is not None:
        rules, flows, cause = wrong
        session.want(ModifySession(tuple(rules), tuple(flows), cause))
