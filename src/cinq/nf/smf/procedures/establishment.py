"""PDU session establishment."""

from __future__ import annotations

from collections.abc import Awaitable
from ipaddress import IPv4Address
from typing import TypeVar

import msgspec

from cinq.nf.smf import messages, user_plane
from cinq.nf.smf.context import Qos
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.procedures.release import release_locally
from cinq.nf.smf.session import PduSession, SmContextCreated
from cinq.procedure import ABORT, Refused, Undo, Verdict, collision, procedure
from cinq.sbi.models import Ambr, Arp, PlmnId, Snssai, SubscribedDefaultQos, bit_rate, bits_per_second
from cinq.sbi.operation import Created
from cinq.sbi.problem import Problem
from cinq.sbi.services.npcf_smpolicycontrol import SmPolicyContextData, SmPolicyDecision, SmPolicyDeleteData
from cinq.sbi.services.nudm_uecm import SmfRegistration
from cinq.wire import nas
from cinq.wire.nas import GsmCause

R = TypeVar("R")


@procedure(opens=SmContextCreated)
async def pdu_session_establishment(session: PduSession, created: SmContextCreated) -> None:
    """TS 23.502 §4.3.2.2.1 from step 7 on, TS 24.501 §6.4.1. The numbers are the steps of the call flow."""
    await release_locally(session)  # 3: an earlier session of this identity gives way
    take_over(session, created)
    async with session.undo() as undo:
        await authorise(session, undo, created)  # 7
        await select_user_plane(session, undo, created)  # 8-10
        registration = SmfRegistration(
            smf_instance_id=session.ports.instance_id,
            pdu_session_id=session.context.pdu_session_id,
            single_nssai=Snssai.of(session.context.s_nssai),
            plmn_id=PlmnId.of(session.ports.settings.plmn),
            dnn=session.context.dnn,
        )
        await sbi(session, created, undo.hold(register(session, registration), deregister))  # 16c
        session.commit(state="ACTIVE")
        undo.owe(deactivate, session)
        await on_disk(session, created)
        accept = messages.establishment_accept(session.context, created.request, created.network)
        n1, n2 = nas.encode(accept), messages.setup_request_transfer(session.context)
        session.up_cnx_state = "ACTIVATING"
        await sbi(session, created, session.transfer(n1, n2, "PDU_RES_SETUP_REQ"))  # 11
        undo.keep()


async def on_disk(session: PduSession, created: SmContextCreated) -> None:
    """Before the UE hears of it: a core that is killed must not come back with the session before this one."""
    try:
        await session.ports.store.durable()
    except OSError as error:  # nothing is lost unless the core ends as well
        session.runtime.report(session, "pdu_session_establishment", created, str(error))


def take_over(session: PduSession, created: SmContextCreated) -> None:
    """The session goes by its new name."""
    ports = session.ports
    ports.sessions.drop_names(session.context)
    session.context = created.context
    session.pti = created.request.pti
    session.was_active = False
    ports.sessions.add(session)


async def authorise(session: PduSession, undo: Undo, created: SmContextCreated) -> None:
    """An address for the UE (step 8 may stand before 7b), and the decision of the PCF."""
    context, pool = session.context, session.ports.pools[session.context.dnn]
    wanted = context.ipv4 if context.is_static else None
    address = pool.allocate() if wanted is None else wanted if pool.reserve(wanted) else None
    if address is None:
        raise reject(created, GsmCause.INSUFFICIENT_RESOURCES, f"no address of {context.dnn} is free")

    async def free(held: IPv4Address) -> None:
        pool.free(held)

    async def end(association: Created[SmPolicyDecision]) -> None:
        await session.ports.pcf.delete(association.id, SmPolicyDeleteData())

    undo.owe(free, address)
    session.note(address=int(address))
    decision = await sbi(session, created, undo.hold(session.ports.pcf.create(policy_context(session)), end))
    session.note(policy=decision.id, qos=authorised(session.context.qos, decision.body))


def policy_context(session: PduSession) -> SmPolicyContextData:
    context = session.context
    qos = context.qos
    arp = Arp(
        priority_level=qos.arp_priority,
        preempt_cap="MAY_PREEMPT" if qos.may_preempt else "NOT_PREEMPT",
        preempt_vuln="PREEMPTABLE" if qos.preemptable else "NOT_PREEMPTABLE",
    )
    return SmPolicyContextData(
        supi=context.supi,
        pdu_session_id=context.pdu_session_id,
        pdu_session_type="IPV4",
        dnn=context.dnn,
        notification_uri=f"/nsmf-callback/v1/sm-policy/{context.ref}",
        slice_info=Snssai.of(context.s_nssai),
        ipv4_address=str(context.ipv4),
        subs_sess_ambr=Ambr(uplink=bit_rate(qos.ambr_uplink_bps), downlink=bit_rate(qos.ambr_downlink_bps)),
        subs_def_qos=SubscribedDefaultQos(five_qi=qos.five_qi, arp=arp),
    )


def authorised(qos: Qos, decision: SmPolicyDecision) -> Qos:
    """The subscribed QoS as the PCF's session rule changes it."""
    for rule in filter(None, decision.sess_rules.values()):
        ambr, default = rule.auth_sess_ambr, rule.auth_def_qos
        if ambr is not None:
            qos = msgspec.structs.replace(
                qos,
                ambr_uplink_bps=bits_per_second(ambr.uplink),
                ambr_downlink_bps=bits_per_second(ambr.downlink),
            )
        if default is not None and default.five_qi is not None:
            qos = msgspec.structs.replace(qos, five_qi=default.five_qi)
        if default is not None and default.arp is not None:
            qos = msgspec.structs.replace(
                qos,
                arp_priority=default.arp.priority_level,
                may_preempt=default.arp.preempt_cap == "MAY_PREEMPT",
                preemptable=default.arp.preempt_vuln == "PREEMPTABLE",
            )
    return qos


async def select_user_plane(session: PduSession, undo: Undo, created: SmContextCreated) -> None:
    """The first UPF with an association; downlink packets wait there until the gNB's tunnel is known."""
    usable = [a for a in session.ports.associations.values() if a.is_usable]
    if not usable:
        raise reject(created, GsmCause.NETWORK_FAILURE, "no UPF is associated")
    session.note(upf=usable[0].peer[0])
    far = user_plane.downlink_far(None, notify=False)

    async def end(_: object) -> None:
        await user_plane.delete(session)

    try:
        await undo.hold(user_plane.establish(session, far), end)
    except N4Error as error:
        raise reject(created, GsmCause.NETWORK_FAILURE, str(error)) from None


async def register(session: PduSession, registration: SmfRegistration) -> PduSession:
    context = session.context
    await session.ports.uecm.smf_registration(context.supi, context.pdu_session_id, registration)
    return session


async def deregister(session: PduSession) -> None:
    context = session.context
    await session.ports.uecm.smf_deregistration(context.supi, context.pdu_session_id)


async def deactivate(session: PduSession) -> None:
    session.up_cnx_state = "DEACTIVATED"
    session.commit(state="INACTIVE")


async def sbi(session: PduSession, created: SmContextCreated, call: Awaitable[R]) -> R:
    """A service of another NF, without which there is no session."""
    try:
        return await call
    except Problem as problem:
        raise reject(created, GsmCause.REQUEST_REJECTED_UNSPECIFIED, str(problem)) from None


def reject(created: SmContextCreated, cause: GsmCause, reason: str) -> Refused:
    """PDU SESSION ESTABLISHMENT REJECT, TS 24.501 §6.4.1.4; the AMF forgets the SM context (TS 23.502 step 11)."""
    request = created.request
    answer = nas.PDUSessionEstablishmentReject(
        pdu_session_id=request.pdu_session_id, pti=request.pti, cause=cause
    )
    return Refused(answer, reason)


@collision(pdu_session_establishment, SmContextCreated)
def _(session: PduSession, again: SmContextCreated) -> Verdict:
    """TS 24.501 §6.4.1.7 d): the same identity again: what there is gives way to the new request."""
    return ABORT
