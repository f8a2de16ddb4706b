"""PDU session modification commanded by the network: TS 23.502 §4.3.3.2, TS 24.501 §6.3.2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import msgspec

from cinq.nf.smf import n1 as elements
from cinq.nf.smf import n2 as transfers
from cinq.nf.smf import user_plane
from cinq.nf.smf.binding import Limits, Refusal, bound, without
from cinq.nf.smf.context import Wanted
from cinq.nf.smf.flows import SessionQos, difference, unsure
from cinq.nf.smf.n2 import Modified
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.procedures import usage
from cinq.nf.smf.procedures.policy import confirm_to_pcf, report_to_pcf
from cinq.nf.smf.session import ModificationCommand, PduSession
from cinq.nf.smf.signals import (
    FlowsLost,
    Hindrance,
    Modification,
    NetworkRelease,
    SmContextCreated,
    SmContextResumed,
)
from cinq.procedure import ABORT, BESIDE, Timer, TimerExpired, Undo, Verdict, Why, collision, procedure
from cinq.sbi.problem import Problem
from cinq.sbi.services.npcf_smpolicycontrol import FailureCode
from cinq.wire import nas
from cinq.wire.nas import GsmCause

NETWORKS_OWN = 0  # the PTI of a command that no UE asked for


@dataclass(frozen=True, slots=True)
class Told:
    """What the UE is told besides its QoS. first: where the first command travels in an answer to the AMF."""

    pti: int = NETWORKS_OWN
    cause: int | None = None
    always_on: bool | None = None
    extended_pco: nas.ExtendedPco | None = None
    first: Callable[[bytes, bytes], bool] | None = None

    @property
    def is_due(self) -> bool:
        """Whether the UE has to hear, whatever becomes of its QoS."""
        return self.pti != NETWORKS_OWN or self.cause is not None


@dataclass(slots=True)
class Plan:
    """The session as it is to be. refused: PCC rules that it goes without, each with its reason."""

    wanted: Wanted
    after: SessionQos
    refused: list[Refusal] = field(default_factory=list)


class Failed(Exception):
    """The session stays as it was. code: for the PCF. is_passing: another attempt follows. was_told: the UE was."""

    def __init__(
        self, code: FailureCode, why: str, *, is_passing: bool = False, was_told: bool = False
    ) -> None:
        super().__init__(why)
        self.code = code
        self.is_passing = is_passing
        self.was_told = was_told


@procedure(opens=Modification)
async def network_requested_modification(session: PduSession, wanted: Modification) -> None:
    """TS 23.502 §4.3.3.2 from step 2a on, TS 24.501 §6.3.2. The numbers are the steps of the call flow."""
    if session.context.state == "INACTIVE" or session.handover is not None:
        return  # after a handover `resume` comes back to it
    try:
        await modify(session, Told())
    except Failed as failed:
        session.runtime.report(session, "network_requested_modification", wanted, str(failed))


async def modify(session: PduSession, told: Told) -> None:
    """From what is in force to what is wanted. Failed: all is as it was, and the PCF knows."""
    before, wanted = session.context.qos, session.wanted
    wanted = wanted or Wanted(session.context.subscribed, session.context.decision)
    try:
        async with session.undo() as undo:
            plan = await at_the_upf(session, undo, wanted)  # 2a
            await at_ue_and_gnb(session, plan.after, told)  # 3-11
            undo.keep()
    except Failed as failed:
        if failed.is_passing and told.pti == NETWORKS_OWN:
            session.runtime.spawn(partial(once_more, session), "modification")
        else:
            session.wanted = left_to_do(session, wanted)
            await report_to_pcf(session, not_in_force(session, wanted, failed))  # 13
        raise
    session.commit(
        qos=plan.after,
        decision=plan.wanted.decision,
        subscribed=plan.wanted.subscribed,
        pending=left_to_do(session, wanted),
    )
    await at_the_upf_no_more(session, before, plan.after)  # 12
    usage.follow(session)
    usage.conditions_changed(session, before)
    await report_to_pcf(session, plan.refused)  # 13
    await confirm_to_pcf(session)
    lost, session.lost = session.lost, frozenset()
    if lost:
        session.want(FlowsLost(lost, "RES_ALLO_FAIL"))


def left_to_do(session: PduSession, wanted: Wanted) -> Wanted | None:
    """Nothing, unless the PCF has decided anew meanwhile."""
    return None if session.wanted is wanted else session.wanted


async def once_more(session: PduSession) -> None:
    """§4.9.1.3.1: when the guard timer has run out."""
    await asyncio.sleep(session.ports.settings.guard_s)
    session.resume()


# -- 2a, 12: the UPF ------------------------------------------------------------------------------------


def planned(session: PduSession, wanted: Wanted) -> Plan:
    """QoS flow binding; a rule that cannot be bound is left out."""
    context = session.context
    limits = Limits(context.ue.packet_filters, context.ue.reflective_qos)
    try:
        after, refused = bound(wanted.subscribed, wanted.decision, context.qos, limits)
    except ValueError as error:
        raise Failed("UNSUCC_QOS_VAL", f"the PCF's decision for {session.label}: {error}") from None
    return Plan(left_out(wanted, frozenset(refusal.name for refusal in refused)), after, list(refused))


def left_out(wanted: Wanted, names: frozenset[str]) -> Wanted:
    return Wanted(wanted.subscribed, without(wanted.decision, names)) if names else wanted


async def at_the_upf(session: PduSession, undo: Undo, wanted: Wanted) -> Plan:
    """New and changed rules come in force; those that the UPF cannot take are left out."""
    before, refused = session.context.qos, list[Refusal]()
    while True:
        plan = planned(session, wanted)
        usage.prepare(session, plan.after)
        plan.refused += refused
        after = plan.after

        async def back(_: object, after: SessionQos = after) -> None:
            await user_plane.revert(session, before, after)

        try:
            await undo.hold(user_plane.grow(session, before, after), back)
            return plan
        except N4Error as error:
            names = user_plane.refused_rules(after, error) & plan.wanted.decision.pcc_rules.keys()
            if not names:
                raise Failed("RES_ALLO_FAIL", str(error)) from None
            wanted = left_out(plan.wanted, names)
            mend = "this UPF does not serve such a rule: see cinq trace live"
            refused += [
                Refusal(n, "RES_ALLO_FAIL", Why(f"PCC rule {n}: {error}", mend)) for n in sorted(names)
            ]


async def at_the_upf_no_more(session: PduSession, before: SessionQos, after: SessionQos) -> None:
    """What is gone. A UPF that keeps it costs nobody anything: it detects packets that nobody sends."""
    try:
        await user_plane.shrink(session, before, after)
    except N4Error as error:
        session.runtime.report(session, "modification", None, str(error))


# -- 3 to 11: UE and gNB --------------------------------------------------------------------------------


async def at_ue_and_gnb(session: PduSession, after: SessionQos, told: Told) -> None:
    """Failed when one of them does not follow; a gNB that did is asked to undo it."""
    before = session.context.qos
    transfer = for_the_gnb(session, before, after)
    message = for_the_ue(session, after, told)
    if message is None and not transfer:
        return
    session.lost = frozenset()
    try:
        if message is None:
            await ask_gnb(session, transfer)
        else:
            session.pti, session.ue_has = message.pti, after
            await ask_ue(session, ModificationCommand(message, transfer, told.first))
            session.ue_has = None
    except Failed as failed:
        if transfer and not failed.is_passing:
            await undo_at_gnb(session, after, before)
        raise


def for_the_gnb(session: PduSession, before: SessionQos, after: SessionQos) -> bytes:
    if session.up_cnx_state == "DEACTIVATED":
        return b""
    context = msgspec.structs.replace(session.context, qos=after)
    return transfers.modify_request_transfer(context, difference(before, after))


def for_the_ue(
    session: PduSession, after: SessionQos, told: Told
) -> nas.PDUSessionModificationCommand | None:
    """TS 24.501 §6.3.2.2. None when nothing changes that a UE knows."""
    known = session.context.qos
    if session.ue_has is not None:
        known = unsure(known, session.ue_has, after)
    change = difference(known, after)
    if not told.is_due and not elements.knows_a_change(change):
        return None
    timer_changed = after.reflective_timer != known.reflective_timer
    return nas.PDUSessionModificationCommand(
        pdu_session_id=session.context.pdu_session_id,
        pti=told.pti,
        cause=told.cause,
        session_ambr=None if change.ambr is None else elements.session_ambr(after),
        rq_timer=after.reflective_timer if timer_changed else None,
        always_on=told.always_on,
        authorized_qos_rules=elements.qos_rules(change) or None,
        authorized_qos_flow_descriptions=elements.flow_descriptions(change) or None,
        extended_pco=told.extended_pco,
    )


async def ask_ue(session: PduSession, command: ModificationCommand) -> None:
    """Steps 3 to 11. §6.3.2.5 a): after the fifth expiry the former configuration is used."""
    timer = Timer("T3591", session.ports.settings.t3591_s)
    try:
        answer = await session.ask(
            command,
            nas.PDUSessionModificationComplete,
            nas.PDUSessionModificationCommandReject,
            Hindrance,
            timer=timer,
        )
    except TimerExpired:
        what = f"{session.label}: no answer to PDU SESSION MODIFICATION COMMAND (T3591)"
        raise Failed("UE_TEMPORARILY_UNAVAILABLE", what, was_told=True) from None
    if isinstance(answer, nas.PDUSessionModificationCommandReject):  # §6.3.2.4
        session.ue_has = None
        what = f"{session.label}: the UE rejects the modification, #{answer.cause}"
        raise Failed("RES_ALLO_FAIL", what, was_told=True)
    if isinstance(answer, Hindrance):
        session.ue_has = None
        raise Failed("RES_ALLO_FAIL", answer.reason, is_passing=answer.is_passing)


async def ask_gnb(session: PduSession, transfer: bytes) -> None:
    """What no UE has to know: steps 3 to 7."""
    timer = Timer("guard", session.ports.settings.guard_s, 0)
    command = ModificationCommand(None, transfer)
    try:
        answer = await session.ask(command, Modified, Hindrance, timer=timer)
    except TimerExpired:
        raise Failed("RES_ALLO_FAIL", f"{session.label}: no answer of the gNB") from None
    if isinstance(answer, Hindrance):
        raise Failed("RES_ALLO_FAIL", answer.reason, is_passing=answer.is_passing)
    await taken(session, answer)


async def undo_at_gnb(session: PduSession, after: SessionQos, before: SessionQos) -> None:
    transfer = for_the_gnb(session, after, before)
    if not transfer:
        return
    try:
        await session.transfer(b"", transfer, "PDU_RES_MOD_REQ")
    except Problem as problem:
        session.runtime.report(session, "modification", None, f"the gNB is not told: {problem}")


def not_in_force(session: PduSession, wanted: Wanted, failed: Failed) -> list[Refusal]:
    """PCC rules that were to be new; changed ones stay as they were (TS 29.512 §4.2.3.16)."""
    known = session.context.decision.pcc_rules
    names = [name for name in wanted.decision.pcc_rules if name not in known]
    return [Refusal(name, failed.code, Why(str(failed))) for name in names]


# -- what the gNB says ----------------------------------------------------------------------------------


@procedure(opens=Modified)
async def resources_modified(session: PduSession, modified: Modified) -> None:
    """§4.3.3.2 steps 7 and 8: beside the modification, which waits for the UE."""
    await taken(session, modified)
    if not session.is_modifying and modified.failed:
        session.want(FlowsLost(modified.failed, "RES_ALLO_FAIL"))


async def taken(session: PduSession, modified: Modified) -> None:
    session.lost |= modified.failed
    if modified.an is None or modified.an == session.an:
        return
    try:
        await user_plane.forward(session, modified.an)
    except N4Error as error:
        session.runtime.report(session, "modification", modified, str(error))


@procedure(opens=FlowsLost)
async def flows_lost(session: PduSession, lost: FlowsLost) -> None:
    """§4.3.3.2 step 1e, §4.9.1.2.2 step 2: the PCC rules on these flows end everywhere, and the PCF hears of it."""
    context = session.context
    if context.state == "INACTIVE":
        return
    if session.handover is not None:
        session.lost |= lost.qfis
        return
    if context.qos.default_flow.qfi in lost.qfis:  # without it there is no session
        session.want(NetworkRelease(GsmCause.INSUFFICIENT_RESOURCES))
        return
    names = context.qos.names_on(lost.qfis)
    if not names:
        return
    wanted = session.wanted or Wanted(context.subscribed, context.decision)
    session.wanted = left_out(wanted, names)
    qfis = ", ".join(map(str, sorted(lost.qfis)))
    why = Why(f"{session.label}: the gNB does not carry QoS flow {qfis}", "give the gNB resources for it")
    session.runtime.report(session, "flows_lost", lost, why)
    await report_to_pcf(session, [Refusal(name, lost.code, why) for name in sorted(names)])
    try:
        await modify(session, Told())
    except Failed as failed:
        session.runtime.report(session, "flows_lost", lost, str(failed))


# -- collisions -----------------------------------------------------------------------------------------

MODIFYING = (network_requested_modification, flows_lost)


@collision(MODIFYING, SmContextCreated, SmContextResumed)
def _(session: PduSession, created: object) -> Verdict:
    """TS 24.501 §6.4.1.7 c), §6.3.2.5 h): the UE begins anew."""
    return ABORT


@collision(MODIFYING, Modified)
def _(session: PduSession, modified: Modified) -> Verdict:
    """The gNB answers before the UE does."""
    return BESIDE


@collision(resources_modified, SmContextCreated)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew."""
    return ABORT
