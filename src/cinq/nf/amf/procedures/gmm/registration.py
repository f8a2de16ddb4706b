"""Registration, TS 23.502 §4.2.2.2, TS 24.501 §5.5.1."""

from __future__ import annotations

from cinq.nf.amf import signals
from cinq.nf.amf.context import shared
from cinq.nf.amf.n1.envelope import Checked, Unprotected
from cinq.nf.amf.procedures.gmm import area, equipment, guti_reallocation, subscription
from cinq.nf.amf.procedures.gmm.authentication import authenticate
from cinq.nf.amf.procedures.gmm.configuration_update import names_to_tell, owed, told
from cinq.nf.amf.procedures.gmm.deregistration import renew, take_over
from cinq.nf.amf.procedures.gmm.draining import check_open
from cinq.nf.amf.procedures.gmm.guti_reallocation import give_back
from cinq.nf.amf.procedures.gmm.identity import identify
from cinq.nf.amf.procedures.gmm.negotiation import agree, answered
from cinq.nf.amf.procedures.gmm.refusals import refused, rejected
from cinq.nf.amf.procedures.gmm.rerouting import reroute
from cinq.nf.amf.procedures.gmm.security_mode import contained, take_security_into_use
from cinq.nf.amf.procedures.gmm.slices import Slices, capability_of, rejections, select_slices
from cinq.nf.amf.procedures.sm.resources import (
    Reactivation,
    deliver_pending,
    drop_sessions,
    not_reactivated,
    reactivate,
    status_of,
    synchronise,
)
from cinq.nf.amf.ue import Ue
from cinq.numbering import Guti, SNssai
from cinq.procedure import (
    ABORT,
    DEFER,
    IGNORE,
    RESEND,
    Refused,
    Timer,
    Verdict,
    Why,
    collision,
    procedure,
)
from cinq.sbi import Problem
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, RegistrationKind

T3550 = Timer("T3550", 6.0)
UPDATES = (RegistrationKind.MOBILITY, RegistrationKind.PERIODIC)
UNSUPPORTED = (
    RegistrationKind.SNPN_ONBOARDING,
    RegistrationKind.DISASTER_ROAMING_INITIAL,
    RegistrationKind.DISASTER_ROAMING_MOBILITY,
)

RESULT = nas.RegistrationResult()
DEFAULT_T3502_S = 720  # of a UE that is not told (TS 24.501 table 10.2.1)
NOT_ASKED = Reactivation()

Arrival = Checked[nas.RegistrationRequest] | Unprotected[nas.RegistrationRequest]


@procedure(opens=nas.RegistrationRequest)
async def registration(ue: Ue, arrival: Arrival) -> None:
    """TS 23.502 §4.2.2.2.2, TS 24.501 §5.5.1.2 and §5.5.1.3. The numbers are the steps of the call flow."""
    request = arrival.message
    check_what_is_asked(ue, request)
    if isinstance(arrival, Checked):
        guti_reallocation.used(ue, request.mobile_identity)
    try:
        if isinstance(arrival, Checked) and not must_authenticate(ue, request):
            request = in_full(ue, arrival)
        else:
            request = request if isinstance(arrival, Checked) else request.cleartext()
            if request.ue_security_capability is None and not ue.context.security_capability:
                raise Refused(rejected(GmmCause.INVALID_MANDATORY_INFORMATION), "no UE security capability")
            request = await become_known(ue, request, arrival)
        if ue.context.rm_state == "RM-REGISTERED" and request.registration_type.value in UPDATES:
            await update(ue, request)
        else:
            await register(ue, request)
    except Problem as problem:
        raise refused(ue, problem) from None


async def become_known(ue: Ue, request: nas.RegistrationRequest, arrival: Arrival) -> nas.RegistrationRequest:
    """Who it is, that it is so, and what it really asks: steps 6 to 11."""
    known = ue.context.supi  # None also behind a check by keys that the UE has not confirmed
    if isinstance(arrival, Checked) and known is not None:
        identity = str(known)
    else:
        identity = str(await identify(ue, request.mobile_identity))  # 6-7
    proved = await authenticate(ue, identity, request.ng_ksi)  # 8-9
    supi = proved.supi
    if ue.ports.settings.reroutes:
        await reroute(ue, supi)
    if known not in (None, supi):
        raise Refused(rejected(GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK), "another subscriber")
    container = await take_security_into_use(ue, request, proved.keys, proved.eap_success)  # 9d
    if container.message is not None and not isinstance(container.message, nas.RegistrationRequest):
        raise Refused(rejected(GmmCause.SEMANTICALLY_INCORRECT_MESSAGE), "another message in the container")
    full = container.message or request
    check_replayed_capability(ue, full)
    await take_over(ue, supi)
    ue.exchange.doubtful = False
    pei = container.pei or ue.context.pei
    ue.commit(supi=supi, pei=pei, security_capability=security_capability(ue, request))
    return full


async def register(ue: Ue, request: nas.RegistrationRequest) -> None:
    """Initial registration, and an update of a UE that is not registered here: steps 14 to 22.

    Steps 4, 5 and 10 speak to an old AMF: this one knows no other, so a UE that comes with a 5G-GUTI of another is
    asked for its SUCI (6-7) and authenticated, as where the context cannot be had (5). 11: the PEI came with SECURITY
    MODE COMPLETE (9d). 14d: the UDM tells the AMF that served the UE before.
    21b: the PCF has no UE policies; a UE policy container is answered as §5.4.5.2.5 has it.
    Once the accept is out the UE is registered, whatever ends the wait for its answer (§5.5.1.2.8 a), c), g)).
    """
    ue.abort("the UE registers anew")
    ue.pending = ()
    await renew(ue)  # 14e, 15, 17
    await equipment.check(ue, request)  # 12
    async with ue.undo() as undo:
        await undo.hold(subscription.uecm_registration(ue), subscription.uecm_deregistration)  # 14a
        following = await undo.hold(subscription.sdm_subscribe(ue), subscription.sdm_unfollow)  # 14b-c
        subscribed = following.subscribed
        area.check_allowed(ue, subscribed.forbidden)
        requested = tuple(request.requested_nssai or ())
        chosen = await select_slices(ue, requested, subscribed, capability_of(ue, request))
        policy = await undo.hold(
            subscription.am_policy_create(ue, subscribed, chosen.allowed), subscription.am_policy_delete
        )  # 16
        guti = ue.registry.allocate_guti(ue, ue.plmn)
        undo.owe(give_back, (ue, guti))
        agreed = agree(ue, request, subscribed)
        ue.commit(
            am_policy=policy.identifier,
            sdm_subscription=following.identifier,
            leaving=None,
            due=(),
            **granted(ue, subscribed, chosen, policy),
            **agreed.changes(ue, request),
        )
        accept = answered(accept_of(ue, request, guti, chosen), agreed, request)
        try:  # 21-22
            await guti_reallocation.tell(
                ue, guti, accept, nas.RegistrationComplete, T3550, rm_state="RM-REGISTERED"
            )
        finally:
            if ue.context.rm_state == "RM-REGISTERED":
                undo.keep()
    ue.wake()
    if contents := (*owed(ue), *names_to_tell(ue.ports.settings)):
        ue.commit(due=owed(ue))
        ue.want(signals.UpdateConfiguration(contents))


def granted(
    ue: Ue, subscribed: subscription.Subscribed, chosen: Slices, policy: subscription.Policy
) -> dict[str, object]:
    """What UDM, NSSF and PCF give a UE, as changes of its context."""
    return {
        "allowed_nssai": chosen.allowed,
        "configured_nssai": chosen.configured,
        "default_slices": chosen.defaults,
        "mico_allowed": subscribed.mico is not False,
        "absent_slices": chosen.absent,
        "registration_area": shared(
            area.registration_area(ue, chosen.allowed, subscribed.forbidden, chosen.absent)
        ),
        "service_area": area.restriction(ue.ports.settings, policy.service_area),
        "forbidden_tacs": subscribed.forbidden,
        "subscribed_dnns": subscribed.dnns,
        "ue_ambr": subscription.ambr(policy.ambr or subscribed.ambr),
        "rfsp": policy.rfsp,
    }


async def update(ue: Ue, request: nas.RegistrationRequest) -> None:
    """Mobility and periodic registration update, TS 24.501 §5.5.1.3."""
    area.check_allowed(ue, ue.context.forbidden_tacs)
    await equipment.check_again(ue)
    chosen = await select_anew(ue, request)
    await synchronise(ue, request.pdu_session_status)
    if ue.may_have_service:
        reactivated = await reactivate(ue, request.uplink_data_status)
    else:
        reactivated = not_reactivated(ue, request.uplink_data_status, GmmCause.RESTRICTED_SERVICE_AREA)
    agreed = agree(ue, request, None)
    changes = agreed.changes(ue, request)
    changes["registration_area"] = shared(
        area.registration_area(
            ue, ue.context.allowed_nssai, ue.context.forbidden_tacs, ue.context.absent_slices
        )
    )
    if any(getattr(ue.context, name) != value for name, value in changes.items()):
        ue.commit(**changes)
    status = status_of(ue, request.pdu_session_status, reactivated)
    guti = ue.registry.allocate_guti(ue, ue.plmn)
    accept = answered(accept_of(ue, request, guti, chosen, status, reactivated), agreed, request)
    await guti_reallocation.tell(ue, guti, accept, nas.RegistrationComplete, T3550)
    if ue.context.due and ue.context.former_guti is None:
        ue.commit(due=(), **told(ue, ue.context.due))  # the accept said all of it
    deliver_pending(ue)
    periodic = request.registration_type.value == RegistrationKind.PERIODIC
    if periodic and not request.registration_type.follow_on and not request.uplink_data_status:
        ue.want(signals.ReleaseConnection(("nas", "normal-release")))


async def select_anew(ue: Ue, request: nas.RegistrationRequest) -> Slices | None:
    """What a UE may have that now requests other slices, or has left its registration area (§5.5.1.3.4).

    The PCF hears of a change (TS 23.502 §4.2.2.2.2 step 16); sessions in slices that are left end. None: the allowed
    NSSAI stays as it is.
    """
    context = ue.context
    asked, allowed = request.requested_nssai, context.allowed_nssai
    same = asked is None or {(s.sst, s.sd) for s in asked} == {(s.sst, s.sd) for s in allowed}
    if "slices" not in context.due and same and ue.tai in context.registration_area:
        return None
    subscribed = await subscription.sdm_get(ue)
    chosen = await select_slices(ue, tuple(asked or allowed), subscribed, capability_of(ue, request))
    kept = tuple(sm for sm in context.sm_contexts if sm.s_nssai in chosen.allowed)
    gone = [sm for sm in context.sm_contexts if sm not in kept]
    await drop_sessions(ue, gone, "REL_DUE_TO_SLICE_NOT_AVAILABLE")
    ue.commit(
        allowed_nssai=chosen.allowed,
        configured_nssai=chosen.configured,
        default_slices=chosen.defaults,
        absent_slices=chosen.absent,
        subscribed_dnns=subscribed.dnns,
        sm_contexts=kept,
    )
    if chosen.allowed != allowed:
        await subscription.slices_changed(ue, chosen.allowed)
    return chosen


def accept_of(
    ue: Ue,
    request: nas.RegistrationRequest,
    guti: Guti,
    chosen: Slices | None = None,
    status: frozenset[int] | None = None,
    reactivated: Reactivation = NOT_ASKED,
) -> nas.RegistrationAccept:
    """REGISTRATION ACCEPT (§8.2.7). chosen: slices as selected just now."""
    context, settings = ue.context, ue.ports.settings
    changed = "slices" in context.due
    plain, extended = (None, None) if chosen is None else rejections(chosen.rejected, capability_of(ue))
    return nas.RegistrationAccept(
        registration_result=RESULT,
        guti=guti,
        equivalent_plmns=area.equivalents(ue),
        tai_list=list(context.registration_area),
        allowed_nssai=list(context.allowed_nssai),
        rejected_nssai=plain,
        extended_rejected_nssai=extended,
        configured_nssai=configured(chosen, request, changed),
        network_slicing_indication=nas.NetworkSlicingIndication(subscription_changed=True)
        if changed
        else None,
        network_feature_support=settings.features,
        pdu_session_status=status,
        pdu_session_reactivation_result=reactivated.result,
        pdu_session_reactivation_result_error_cause=reactivated.causes,
        ladn_information=area.ladns(ue, request.ladn_indication, context.registration_area),
        service_area_list=area.service_area(ue, context.registration_area),
        operator_defined_access_category_definitions=list(settings.access_categories)
        if "access" in context.due
        else None,
        t3512=context.t3512,
        t3502=None if settings.t3502_s == DEFAULT_T3502_S else settings.t3502_s,
    )


def configured(chosen: Slices | None, request: nas.RegistrationRequest, changed: bool) -> list[SNssai] | None:
    """The configured NSSAI is for a UE that may not have this network's: it requested none, one that was rejected, or
    from the default configured NSSAI, or its subscription has changed (§5.5.1.2.4, §5.5.1.3.4)."""
    if chosen is None:
        return None
    slicing = request.network_slicing_indication
    by_default = slicing is not None and slicing.from_default_configured
    wanted = by_default or not request.requested_nssai or bool(chosen.rejected) or changed
    return list(chosen.configured) or None if wanted else None


def check_what_is_asked(ue: Ue, request: nas.RegistrationRequest) -> None:
    """Where this network does not serve, and what it does not do."""
    area.check_served(ue)
    check_open(ue, request)
    kind = request.registration_type.value
    if kind == RegistrationKind.EMERGENCY:
        why = Why(
            "the UE asks for emergency services, which this network does not have",
            "register for normal services",
        )
        raise Refused(rejected(GmmCause.PEI_NOT_ACCEPTED), why)
    if kind in UNSUPPORTED:
        name = RegistrationKind(kind).name.replace("_", " ").lower()
        why = Why(f"the UE asks for {name} registration, which this network does not have")
        raise Refused(rejected(GmmCause.SERVICES_5GS_NOT_ALLOWED), why)


def must_authenticate(ue: Ue, request: nas.RegistrationRequest) -> bool:
    """Policy, a context that may be behind, a COUNT that comes to its end, and a UE without keys of its own.

    Also a changed UE security capability: what was chosen by the old one may not be in it (TS 24.501 §5.5.1.3.2).
    """
    exchange = ue.exchange
    if security_capability(ue, request) != ue.context.security_capability:
        return True
    if exchange.nearly_used_up or exchange.doubtful or exchange.keys is None:
        return True
    return ue.ports.settings.authenticate_known or ue.context.supi is None


def in_full(ue: Ue, arrival: Checked[nas.RegistrationRequest]) -> nas.RegistrationRequest:
    """The ciphered request inside the cleartext one, §4.4.6. KgNB follows from its COUNT (TS 33.501 §A.9)."""
    ue.exchange.kgnb_count = arrival.count
    inner = contained(ue, arrival.message.nas_message_container, arrival.count)
    return inner if isinstance(inner, nas.RegistrationRequest) else arrival.message


def security_capability(ue: Ue, request: nas.RegistrationRequest) -> bytes:
    capability = request.ue_security_capability
    return ue.context.security_capability if capability is None else capability.octets


def check_replayed_capability(ue: Ue, full: nas.RegistrationRequest) -> None:
    """The capability that was replayed is the one that the protected message repeats, or somebody changed it."""
    capability = full.ue_security_capability
    if capability is not None and capability.octets != ue.exchange.replayed_capability:
        raise Refused(
            rejected(GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH), "UE security capability was changed"
        )


@collision(registration, nas.RegistrationRequest)
def _(ue: Ue, again: Arrival) -> Verdict:
    """TS 24.501 §5.5.1.2.8 d) and e), which hold in its common procedures too (§5.4.2.7 c), §5.4.3.6 d)).

    An update that comes while the UE is asked who it is lets that come to its end (§5.4.3.6 e)).
    """
    first = ue.opening
    if not isinstance(first, (Checked, Unprotected)):
        return ABORT
    if first.message != again.message:
        updates = again.message.registration_type.value in UPDATES
        return DEFER if updates and ue.awaits(nas.IdentityResponse) else ABORT
    return RESEND if ue.awaits(nas.RegistrationComplete) else IGNORE("the same request is under way")


@collision(
    registration,
    nas.DeregistrationRequestUEOriginating,
    nas.ServiceRequest,
    ngap.UEContextReleaseRequest,
    ngap.InitialContextSetupFailure,
)
def _(ue: Ue, message: object) -> Verdict:
    """TS 24.501 §5.5.1.2.8 f): what the UE or its gNB wants now matters more."""
    return ABORT


@collision(registration, nas.ULNASTransport)
def _(ue: Ue, message: object) -> Verdict:
    """The UE evidently has the accept: what its REGISTRATION COMPLETE was to say is said, and its message is served."""
    if ue.awaits(nas.RegistrationComplete) and isinstance(message, Checked):
        ue.complete_due = True
        ue.receive(Checked(nas.RegistrationComplete(), message.count))
    return DEFER


@collision(
    registration,
    nas.IdentityResponse,
    nas.AuthenticationResponse,
    nas.AuthenticationFailure,
    nas.SecurityModeComplete,
    nas.SecurityModeReject,
)
def _(ue: Ue, message: object) -> Verdict:
    return IGNORE("it answers nothing that is asked")
