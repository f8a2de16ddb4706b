"""What changes under a registered UE: subscriber data (Nudm_SDM_Notification, TS 23.502 §4.5.1) and access policy
(Npcf_AMPolicyControl_UpdateNotify, §4.16.2.2): slices, areas, AMBR, RFSP. PDU sessions are the SMFs' own affair."""

from __future__ import annotations

from cinq.nf.amf import journal, signals
from cinq.nf.amf.context import Content, Leaving
from cinq.nf.amf.n2 import carriage
from cinq.nf.amf.procedures.gmm import area, subscription
from cinq.nf.amf.procedures.gmm.slices import Slices, capability_of, select_slices
from cinq.nf.amf.procedures.gmm.subscription import Subscribed
from cinq.nf.amf.ue import Ue
from cinq.procedure import DEFER, Refused, Verdict, Why, collision, procedure
from cinq.sbi import Problem
from cinq.sbi.models import ServiceAreaRestriction
from cinq.sbi.services.npcf_ampolicycontrol import (
    PolicyAssociationUpdateRequest,
    PolicyUpdate,
    RequestTrigger,
)
from cinq.wire import nas, ngap


@procedure(opens=signals.SubscriptionChanged)
async def subscription_changed(ue: Ue, _: signals.SubscriptionChanged) -> None:
    """The data are asked for anew; a UE that may not be here any more goes; the PCF hears of the rest."""
    if ue.context.rm_state != "RM-REGISTERED":
        return
    try:
        subscribed = await subscription.sdm_get(ue)
        forbidden = area.forbidden_here(ue, subscribed.forbidden) if ue.connection is not None else None
        if forbidden is not None:
            raise Refused(nas.RegistrationReject(cause=forbidden[0]), forbidden[1])
        chosen = await select_slices(ue, ue.context.allowed_nssai, subscribed, capability_of(ue))
    except Problem as problem:
        journal.note(ue, Why(f"changed subscriber data could not be had: {problem}", problem.why.mend))
        return
    except Refused as refused:
        leave(ue, refused)
        return
    report = changes_for_the_pcf(ue, subscribed, chosen)
    policy = await subscription.am_policy_update(ue, report) if report.triggers else None
    adopt(ue, subscribed, chosen, policy)


def leave(ue: Ue, refused: Refused) -> None:
    """What would refuse its registration now ends it (TS 23.502 §4.2.2.3.3, TS 24.501 §5.5.2.3.1)."""
    reject = refused.answer
    assert isinstance(reject, nas.RegistrationReject)
    mend = refused.reason.mend if isinstance(refused.reason, Why) else ""
    ue.want(signals.Deregister(Leaving(int(reject.cause), f"{refused.reason}", mend)))


def changes_for_the_pcf(ue: Ue, subscribed: Subscribed, chosen: Slices) -> PolicyAssociationUpdateRequest:
    """TS 29.507 §4.2.3.1: what is not as it was."""
    context, triggers = ue.context, list[RequestTrigger]()
    if subscribed.rfsp != context.rfsp:
        triggers.append("RFSP_CH")
    if subscription.ambr(subscribed.ambr) != context.ue_ambr:
        triggers.append("UE_AMBR_CH")
    if area.restriction(ue.ports.settings, subscribed.service_area) != context.service_area:
        triggers.append("SERV_AREA_CH")
    if chosen.allowed != context.allowed_nssai:
        triggers.append("ALLOWED_NSSAI_CH")
    return PolicyAssociationUpdateRequest(
        triggers=triggers,
        rfsp=subscribed.rfsp,
        ue_ambr=subscribed.ambr,
        serv_area_res=subscribed.service_area or ServiceAreaRestriction(),
        allowed_snssais=subscription.sbi_slices(chosen.allowed),
    )


def adopt(ue: Ue, subscribed: Subscribed, chosen: Slices, policy: PolicyUpdate | None) -> None:
    """In one write: what holds now, and what the UE is to be told of it."""
    context, due = ue.context, list[Content]()
    changes: dict[str, object] = {
        "subscribed_dnns": subscribed.dnns,
        "forbidden_tacs": subscribed.forbidden,
        "allowed_nssai": chosen.allowed,
        "configured_nssai": chosen.configured,
        "default_slices": chosen.defaults,
        "mico_allowed": subscribed.mico is not False,
        "rfsp": subscribed.rfsp,
        "ue_ambr": subscription.ambr(subscribed.ambr),
        "service_area": area.restriction(ue.ports.settings, subscribed.service_area),
    }
    if policy is not None:
        changes.update(of_policy(ue, policy))
    if (chosen.allowed, chosen.configured) != (context.allowed_nssai, context.configured_nssai):
        due.append("slices")
    if not set(context.allowed_nssai) <= set(chosen.allowed):
        due.append("registration")  # it loses what it had (TS 23.501 §5.15.5.2.2)
    if context.mico and subscribed.mico is False:
        due += ("mico", "registration")  # it asks anew, and is not given it (TS 24.501 §5.4.4.3)
    if changes["service_area"] != context.service_area:
        due.append("service area")
    if {d.dnn for d in subscribed.dnns} != {
        d.dnn for d in context.subscribed_dnns
    } and ue.ports.settings.ladns:
        due.append("ladn")
    take(ue, changes, due)


def of_policy(ue: Ue, update: PolicyUpdate) -> dict[str, object]:
    """A member that is absent stays as it was (TS 29.507 §5.6.2.5)."""
    changes: dict[str, object] = {}
    if update.rfsp is not None:
        changes["rfsp"] = update.rfsp
    if update.ue_ambr is not None:
        changes["ue_ambr"] = subscription.ambr(update.ue_ambr)
    if update.serv_area_res is not None:
        changes["service_area"] = area.restriction(ue.ports.settings, update.serv_area_res)
    return changes


def take(ue: Ue, changes: dict[str, object], due: list[Content]) -> None:
    """Commit, tell the gNB of AMBR and RFSP (TS 38.413 §8.3.4), and begin to tell the UE."""
    before = ue.context
    ue.commit(**changes, due=tuple(dict.fromkeys((*before.due, *due))))
    connection, after = ue.connection, ue.context
    others = (after.ue_ambr, after.rfsp) != (before.ue_ambr, before.rfsp)
    if others and connection is not None and connection.has_context and not connection.releasing:
        request = carriage.context_update(connection, after)
        connection.begin(request, signals.ContextModificationSent())
    if after.due:
        ue.want(signals.UpdateConfiguration())


@procedure(opens=signals.PolicyChanged)
async def policy_changed(ue: Ue, changed: signals.PolicyChanged) -> None:
    """TS 23.502 §4.16.2.2."""
    if ue.context.rm_state != "RM-REGISTERED":
        return
    changes = of_policy(ue, changed.update)
    told: list[Content] = []
    if changes.get("service_area", ue.context.service_area) != ue.context.service_area:
        told.append("service area")
    take(ue, changes, told)


@procedure(opens=signals.PolicyEnded)
async def policy_ended(ue: Ue, _: signals.PolicyEnded) -> None:
    """TS 29.507 §4.2.4.3: the association is deleted, the UE stays with what it has."""
    identifier = ue.context.am_policy
    if identifier is None:
        return
    try:
        await subscription.delete_policy(ue, identifier)
    except Problem as problem:
        journal.note(ue, Why(f"the policy association was not deleted: {problem}", problem.why.mend))
    ue.commit(am_policy=None)


@collision(
    (subscription_changed, policy_changed, policy_ended),
    nas.RegistrationRequest,
    nas.ServiceRequest,
    nas.DeregistrationRequestUEOriginating,
    nas.ULNASTransport,
    ngap.UEContextReleaseRequest,
    ngap.InitialContextSetupFailure,
)
def _(ue: Ue, message: object) -> Verdict:
    """It asks other functions only, and is soon done."""
    return DEFER
