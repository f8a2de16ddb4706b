"""PDU session establishment."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from cinq.nf.smf import n1 as elements
from cinq.nf.smf import n2 as transfers
from cinq.nf.smf import rules, user_plane
from cinq.nf.smf.authorization import tac_of
from cinq.nf.smf.binding import Limits, bound, merged, without
from cinq.nf.smf.context import SmContext, same_decision
from cinq.nf.smf.flows import NOTHING
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.pco import extended_pco
from cinq.nf.smf.procedures import (
    activation,
    charging,
    handover,
    modification,
    paging,
    path_switch,
    policy,
    release,
    restoration,
    subscription,
)
from cinq.nf.smf.procedures.addresses import NoneFree, assigned
from cinq.nf.smf.procedures.release import release_locally
from cinq.nf.smf.procedures.restoration import restored
from cinq.nf.smf.procedures.subscription import default_qos, session_ambr
from cinq.nf.smf.rejects import establishment_reject
from cinq.nf.smf.selection import candidates
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.session_types import requested_type
from cinq.nf.smf.settings import DataNetwork
from cinq.nf.smf.signals import SmContextCreated, SmContextResumed
from cinq.procedure import ABORT, DEFER, Refused, Undo, Verdict, Why, collision, procedure
from cinq.sbi.models import PlmnId, Snssai
from cinq.sbi.operation import Created
from cinq.sbi.problem import Problem
from cinq.sbi.services.npcf_smpolicycontrol import SmPolicyContextData, SmPolicyDecision, SmPolicyDeleteData
from cinq.sbi.services.nudm_sdm import SdmSubscription
from cinq.sbi.services.nudm_uecm import SmfRegistration
from cinq.wire import nas, pfcp
from cinq.wire.nas import GsmCause, PduSessionType

R = TypeVar("R")


ONLY_ALLOWED = {
    "IPV4": GsmCause.PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED,
    "IPV6": GsmCause.PDU_SESSION_TYPE_IPV6_ONLY_ALLOWED,
}


@procedure(opens=SmContextCreated)
async def pdu_session_establishment(session: PduSession, created: SmContextCreated) -> None:
    """TS 23.502 §4.3.2.2.1 from step 7 on, TS 24.501 §6.4.1. The numbers are the steps of the call flow."""
    await release_locally(session)  # 3: an earlier session of this identity gives way
    take_over(session, created)
    async with session.undo() as undo:
        await subscribe(session, undo, created)  # 4b
        await authorise(session, undo, created)  # 7
        await charge(session, undo, created)  # before 10a: TS 32.255 §5.2.2.2.2
        await select_user_plane(session, undo, created)  # 8-10
        registration = SmfRegistration(
            smf_instance_id=session.ports.instance_id,
            pdu_session_id=session.context.pdu_session_id,
            single_nssai=Snssai.of(session.context.s_nssai),
            plmn_id=PlmnId(mcc=created.serving.mcc, mnc=created.serving.mnc),
            dnn=session.context.dnn,
        )
        await sbi(session, created, undo.hold(register(session, registration), deregister))  # 16c
        session.commit(state="ACTIVE")
        undo.owe(deactivate, session)
        await on_disk(session, created)
        accept = establishment_accept(session.context, created.request, created.network)
        n1, n2 = nas.encode(accept), transfers.setup_request_transfer(session.context)
        session.up_cnx_state = "ACTIVATING"
        await sbi(session, created, session.transfer(n1, n2, "PDU_RES_SETUP_REQ"))  # 11
        undo.keep()


def establishment_accept(
    context: SmContext, request: nas.PDUSessionEstablishmentRequest, network: DataNetwork
) -> nas.PDUSessionEstablishmentAccept:
    """TS 24.501 §6.4.1.3. #50 or #51 tells a UE that asked for IPv4v6 why it got one version."""
    narrowed = requested_type(request) == PduSessionType.IPV4V6 and context.session_type != "IPV4V6"
    qos_rules, flows = elements.authorized(context.qos)
    return nas.PDUSessionEstablishmentAccept(
        pdu_session_id=request.pdu_session_id,
        pti=request.pti,
        selected_pdu_session_type=elements.session_type(context),
        selected_ssc_mode=context.ssc_mode,
        authorized_qos_rules=qos_rules,
        session_ambr=elements.session_ambr(context.qos),
        cause=ONLY_ALLOWED[context.session_type] if narrowed else None,
        rq_timer=context.qos.reflective_timer or None,
        pdu_address=elements.pdu_address(context.address),
        s_nssai=context.s_nssai,
        always_on=context.always_on if request.always_on_requested or context.always_on else None,
        authorized_qos_flow_descriptions=flows,
        extended_pco=extended_pco(request.extended_pco, network),
        dnn=context.dnn,
    )


@procedure(opens=SmContextResumed)
async def existing_pdu_session(session: PduSession, resumed: SmContextResumed) -> None:
    """TS 23.502 §4.3.2.2.1 with request type "Existing PDU Session": address, flows and policy stay as they are."""
    request, network = resumed.request, resumed.network
    if session.context.state == "INACTIVE":  # it ended meanwhile
        cause = GsmCause.PDU_SESSION_DOES_NOT_EXIST
        why = Why(f"PDU session {session.label} has ended", "let the UE establish it anew")
        back_off_s = session.ports.settings.back_off_s
        raise Refused(establishment_reject(request.pdu_session_id, request.pti, cause, back_off_s), why)
    if not user_plane.is_at_upf(session):
        await restored(session)
    elif session.an is not None:
        try:
            await user_plane.buffer(session)  # until the gNB carries it again
        except N4Error as error:
            session.runtime.report(session, "existing_pdu_session", resumed, str(error))
    session.pti = request.pti
    session.was_active = True
    session.up_cnx_state = "ACTIVATING"
    accept = establishment_accept(session.context, request, network)
    n1, n2 = nas.encode(accept), transfers.setup_request_transfer(session.context)
    try:
        await session.transfer(n1, n2, "PDU_RES_SETUP_REQ")
    except Problem as problem:
        session.up_cnx_state = "DEACTIVATED"
        session.runtime.report(session, "existing_pdu_session", resumed, problem.why)


async def on_disk(session: PduSession, created: SmContextCreated) -> None:
    """Before the UE hears of it: a core that is killed must not come back with the session before this one."""
    try:
        await session.ports.store.durable()
    except OSError as error:  # nothing is lost unless the core ends as well
        session.runtime.report(session, "pdu_session_establishment", created, str(error))


def take_over(session: PduSession, created: SmContextCreated) -> None:
    """The session goes by its new name."""
    session.sessions.drop_names(session.context)
    session.context = created.context
    session.pti = created.request.pti
    session.was_active = False
    session.sessions.add(session)


async def subscribe(session: PduSession, undo: Undo, created: SmContextCreated) -> None:
    """Nudm_SDM_Subscribe: the SMF hears when the session management data change."""
    context, sdm = session.context, session.ports.sdm(session.context.supi)
    wanted = SdmSubscription(
        nf_instance_id=session.ports.instance_id,
        callback_reference=session.ports.sbi.uri(f"/nsmf-callback/v1/sdm/{context.ref}"),
        monitored_resource_uris=[f"/nudm-sdm/v2/{context.supi}/sm-data"],
        single_nssai=Snssai.of(context.s_nssai),
        dnn=context.dnn,
    )

    async def end(made: Created[SdmSubscription]) -> None:
        await sdm.unsubscribe(context.supi, made.id)

    made = await sbi(session, created, undo.hold(sdm.subscribe(context.supi, wanted), end))
    session.note(sdm_subscription=made.id)


async def authorise(session: PduSession, undo: Undo, created: SmContextCreated) -> None:
    """Addresses for the UE (step 8 may stand before 7b), and the decision of the PCF."""

    async def end(association: Created[SmPolicyDecision]) -> None:
        await session.ports.pcf.delete(association.id, SmPolicyDeleteData())

    try:
        session.note(address=assigned(session, undo))
    except NoneFree as none:
        mend = f"make the {none.key} of its [[dnn]] table larger"
        raise reject(session, created, GsmCause.INSUFFICIENT_RESOURCES, str(none), mend) from None
    made = await sbi(session, created, undo.hold(session.ports.pcf.create(policy_context(session)), end))
    session.note(policy=made.id)
    bind(session, created, merged(SmPolicyDecision(), made.body))


async def charge(session: PduSession, undo: Undo, created: SmContextCreated) -> None:
    """Nchf_ConvergedCharging_Create, where sessions are charged."""
    try:
        await charging.begin(session, undo, created)
    except Problem as problem:
        cause = charging.gsm_cause(problem)
        raise reject(session, created, cause, str(problem), problem.why.mend) from None


def bind(session: PduSession, created: SmContextCreated, decision: SmPolicyDecision) -> None:
    """QoS flow binding. A PCC rule that cannot be bound is left out, with its reason."""
    context = session.context
    limits = Limits(context.ue.packet_filters, context.ue.reflective_qos)
    try:
        qos, refused = bound(context.subscribed, decision, NOTHING, limits)
    except ValueError as error:
        raise reject(session, created, GsmCause.REQUEST_REJECTED_UNSPECIFIED, str(error)) from None
    for refusal in refused:
        session.runtime.report(session, "pdu_session_establishment", created, refusal.why)
    if refused:
        decision = without(decision, frozenset(refusal.name for refusal in refused))
    session.note(qos=qos, decision=same_decision(decision))


def policy_context(session: PduSession) -> SmPolicyContextData:
    context = session.context
    return SmPolicyContextData(
        supi=context.supi,
        pdu_session_id=context.pdu_session_id,
        pdu_session_type=context.session_type,
        dnn=context.dnn,
        access_type="3GPP_ACCESS",
        rat_type="NR",
        notification_uri=session.ports.sbi.uri(f"/nsmf-callback/v1/sm-policy/{context.ref}"),
        slice_info=Snssai.of(context.s_nssai),
        ipv4_address=str(context.ipv4) if context.session_type in ("IPV4", "IPV4V6") else None,
        ipv6_address_prefix=None if context.prefix is None else str(context.prefix),
        subs_sess_ambr=session_ambr(context.subscribed),
        subs_def_qos=default_qos(context.subscribed),
        num_of_pack_filter=context.ue.packet_filters,
        ref_qos_indication=context.ue.reflective_qos,
    )


async def select_user_plane(session: PduSession, undo: Undo, created: SmContextCreated) -> None:
    """The UPF that suits best, else the next; downlink packets wait there until the gNB's tunnel is known."""
    left = candidates(session.ports, session.context, tac_of(created.location))
    if not left:
        context, there = session.context, any(a.takes_more for a in session.ports.associations.values())
        what = f"no UPF serves {context.dnn} in slice {context.s_nssai} where the UE is"
        raise reject(
            session,
            created,
            GsmCause.NETWORK_FAILURE,
            what if there else "no UPF is associated",
            "see [[user_plane]] of the settings"
            if there
            else "see `cinq doctor`, and whether the UPF answers on N4",
        )
    session.note(upf=left.pop(0).peer[0])
    far = rules.downlink_far(None, notify=False)

    async def end(_: object) -> None:
        user_plane.measured(session, await user_plane.delete(session))

    while True:
        try:
            await undo.hold(user_plane.establish(session, far), end)
            return
        except N4Error as error:
            if leave_out(session, created, error):
                continue
            if not left:
                raise reject(
                    session, created, n4_cause(error), str(error), "see what the UPF says: cinq trace live"
                ) from None
            session.runtime.report(session, "pdu_session_establishment", created, f"another UPF: {error}")
            session.note(upf=left.pop(0).peer[0])


def n4_cause(error: N4Error) -> GsmCause:
    """§6.4.1.4.1: #26 where the UPF has no resources."""
    if error.cause == pfcp.Cause.NO_RESOURCES_AVAILABLE:
        return GsmCause.INSUFFICIENT_RESOURCES
    return GsmCause.NETWORK_FAILURE


def leave_out(session: PduSession, created: SmContextCreated, error: N4Error) -> bool:
    """The session goes on without the PCC rules that its UPF cannot take; False when it is not for such a rule."""
    names = user_plane.refused_rules(session.context.qos, error)
    if names:
        why = f"PCC rules {', '.join(sorted(names))} are left out: {error}"
        session.runtime.report(session, "pdu_session_establishment", created, why)
        bind(session, created, without(session.context.decision, names))
    return bool(names)


async def register(session: PduSession, registration: SmfRegistration) -> PduSession:
    context = session.context
    await session.ports.uecm(context.supi).smf_registration(
        context.supi, context.pdu_session_id, registration
    )
    return session


async def deregister(session: PduSession) -> None:
    context = session.context
    await session.ports.uecm(context.supi).smf_deregistration(context.supi, context.pdu_session_id)


async def deactivate(session: PduSession) -> None:
    session.up_cnx_state = "DEACTIVATED"
    session.commit(state="INACTIVE")


async def sbi(session: PduSession, created: SmContextCreated, call: Awaitable[R]) -> R:
    """A service of another NF, without which there is no session."""
    try:
        return await call
    except Problem as problem:
        cause = GsmCause.REQUEST_REJECTED_UNSPECIFIED
        raise reject(session, created, cause, str(problem), problem.why.mend) from None


def reject(
    session: PduSession, created: SmContextCreated, cause: GsmCause, reason: str, mend: str = ""
) -> Refused:
    """PDU SESSION ESTABLISHMENT REJECT, TS 24.501 §6.4.1.4; the AMF forgets the SM context (TS 23.502 step 11)."""
    request = created.request
    answer = establishment_reject(
        request.pdu_session_id, request.pti, cause, session.ports.settings.back_off_s
    )
    return Refused(answer, Why(f"{session.label}: {reason}", mend))


@collision(pdu_session_establishment, SmContextCreated)
def _(session: PduSession, again: SmContextCreated) -> Verdict:
    """TS 24.501 §6.4.1.7 c): the same identity again: what there is gives way to the new request."""
    return ABORT


@collision(existing_pdu_session, SmContextCreated, SmContextResumed)
def _(session: PduSession, again: object) -> Verdict:
    """The UE asks again."""
    return ABORT


@collision(
    (
        pdu_session_establishment,
        activation.user_plane_setup,
        activation.user_plane_refused,
        activation.user_plane_activation,
        activation.user_plane_deactivation,
        handover.handover_preparation,
        handover.handover_prepared,
        handover.handover_not_prepared,
        handover.handover_completed,
        handover.handover_cancelled,
        handover.handover_failed,
        handover.forwarding_ends,
        paging.network_triggered_service_request,
        paging.paging_failed,
        path_switch.path_switch,
        path_switch.path_switch_failed,
        path_switch.modify_indication,
        policy.qos_notification,
        modification.resources_modified,
        release.ue_requested_release,
        release.network_requested_release,
        release.sm_context_release,
        restoration.error_indication,
        restoration.restoration,
        subscription.subscription_changed,
    ),
    SmContextResumed,
)
def _(session: PduSession, again: SmContextResumed) -> Verdict:
    """When that has ended it is known what there is to keep."""
    return DEFER
