"""Subscriber data that change under a PDU session: TS 23.502 §4.3.3.2 step 1c."""

from __future__ import annotations

from ipaddress import IPv4Address

from cinq.nf.smf import user_plane
from cinq.nf.smf.authorization import framed_routes, static_prefix, subscribed_qos
from cinq.nf.smf.binding import merged
from cinq.nf.smf.context import SessionType, Wanted
from cinq.nf.smf.flows import SessionQos
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.procedures.policy import updated
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import Modification, NetworkRelease, SmContextCreated, SubscriptionChanged
from cinq.procedure import ABORT, Verdict, Why, collision, procedure
from cinq.sbi.models import Ambr, Arp, Snssai, SubscribedDefaultQos, bit_rate
from cinq.sbi.problem import Problem
from cinq.sbi.services.npcf_smpolicycontrol import PolicyControlRequestTrigger, SmPolicyUpdateContextData
from cinq.sbi.services.nudm_sdm import DnnConfiguration
from cinq.wire.nas import GsmCause


@procedure(opens=SubscriptionChanged)
async def subscription_changed(session: PduSession, changed: SubscriptionChanged) -> None:
    """Step 1c, then 2: other rates and QoS go by the PCF; a session that may not be any more is released."""
    context = session.context
    network = session.ports.data_network(context.dnn)
    if context.state == "INACTIVE" or network is None:
        return
    try:
        found = await sm_data(session)
    except Problem as problem:
        session.runtime.report(session, "subscription_changed", changed, f"UDM: {problem}")
        return
    if found is None:
        end(session, changed, GsmCause.REGULAR_DEACTIVATION, "is no longer subscribed")
    elif not is_allowed(context.session_type, types(found)):
        what = f"may not be of type {context.session_type.replace('IPV', 'IPv').replace('4V', '4v')} any more"
        end(session, changed, GsmCause.REGULAR_DEACTIVATION, what)
    elif context.session_type in ("IPV4", "IPV4V6") and static_address(found) != (
        context.ipv4 if context.is_static else None
    ):
        end(session, changed, GsmCause.REACTIVATION_REQUESTED, "has another static address")
    elif context.session_type in ("IPV6", "IPV4V6") and static_prefix(found) != context.static_prefix:
        end(session, changed, GsmCause.REACTIVATION_REQUESTED, "has another static prefix")
    else:
        await reroute(session, changed, framed_routes(found, context.session_type))
        await adopt(session, subscribed_qos(found, network))


async def sm_data(session: PduSession) -> DnnConfiguration | None:
    """None when this DNN is not subscribed in this slice."""
    context = session.context
    try:
        records = await session.ports.sdm(context.supi).get_sm_data(
            context.supi, Snssai.of(context.s_nssai), context.dnn
        )
    except Problem as problem:
        if problem.status == 404:
            return None
        raise
    found = [record.dnn_configurations.get(context.dnn) for record in records]
    return next((each for each in found if each is not None), None)


def types(found: DnnConfiguration) -> list[str]:
    allowed = found.pdu_session_types
    return [*allowed.allowed_session_types] or [allowed.default_session_type]


def is_allowed(kind: SessionType, allowed: list[str]) -> bool:
    """IPv4v6 in a subscription allows either version too."""
    if "IPV4V6" in allowed and kind != "ETHERNET":
        return True
    return {"IPV4", "IPV6"} <= set(allowed) if kind == "IPV4V6" else kind in allowed


def static_address(found: DnnConfiguration) -> IPv4Address | None:
    return next((IPv4Address(a.ipv4_addr) for a in found.static_ip_address if a.ipv4_addr), None)


def end(session: PduSession, changed: SubscriptionChanged, cause: GsmCause, what: str) -> None:
    why = Why(f"PDU session {session.label} ({session.context.dnn}) {what}", "cinq subscriber show")
    session.runtime.report(session, "subscription_changed", changed, why)
    session.want(NetworkRelease(cause))


async def reroute(session: PduSession, changed: SubscriptionChanged, routes: tuple[str, ...]) -> None:
    """Networks behind the UE come and go while the session is up (TS 23.501 §5.6.14). A UPF that refuses them keeps
    those that there are."""
    if routes == session.context.framed_routes:
        return
    try:
        await user_plane.reroute(session, routes)
    except N4Error as error:
        session.runtime.report(session, "subscription_changed", changed, f"framed routes: {error}")


async def adopt(session: PduSession, subscribed: SessionQos) -> None:
    """§4.16.5.1: the PCF authorises what is subscribed now; without an answer the subscription itself holds."""
    context = session.context
    wanted = session.wanted or Wanted(context.subscribed, context.decision)
    if subscribed == wanted.subscribed:
        return
    decision = await updated(session, reported(wanted.subscribed, subscribed))
    known = wanted.decision
    session.wanted = Wanted(subscribed, known if decision is None else merged(known, decision))
    session.want(Modification())


def reported(before: SessionQos, after: SessionQos) -> SmPolicyUpdateContextData:
    """TS 29.512 §4.2.4.6 and §4.2.4.5."""
    triggers: list[PolicyControlRequestTrigger] = []
    if before.ambr != after.ambr:
        triggers.append("SE_AMBR_CH")
    if before.default_flow != after.default_flow:
        triggers.append("DEF_QOS_CH")
    return SmPolicyUpdateContextData(
        rep_policy_ctrl_req_triggers=triggers,
        subs_sess_ambr=session_ambr(after),
        subs_def_qos=default_qos(after),
    )


def session_ambr(qos: SessionQos) -> Ambr:
    return Ambr(uplink=bit_rate(qos.ambr.uplink_bps), downlink=bit_rate(qos.ambr.downlink_bps))


def default_qos(qos: SessionQos) -> SubscribedDefaultQos:
    profile = qos.default_flow.profile
    arp = Arp(
        priority_level=profile.arp_priority,
        preempt_cap="MAY_PREEMPT" if profile.may_preempt else "NOT_PREEMPT",
        preempt_vuln="PREEMPTABLE" if profile.preemptable else "NOT_PREEMPTABLE",
    )
    return SubscribedDefaultQos(five_qi=profile.five_qi, arp=arp, priority_level=profile.priority_level)


@collision(subscription_changed, SmContextCreated)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew, with the data of today."""
    return ABORT
