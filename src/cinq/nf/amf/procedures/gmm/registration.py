"""Registration, TS 23.502 §4.2.2.2, TS 24.501 §5.5.1."""

from __future__ import annotations

from cinq.nf.amf import signals
from cinq.nf.amf.n1.envelope import Checked, Unprotected
from cinq.nf.amf.procedures.gmm import guti_reallocation, subscription
from cinq.nf.amf.procedures.gmm.authentication import authenticate
from cinq.nf.amf.procedures.gmm.deregistration import take_over
from cinq.nf.amf.procedures.gmm.guti_reallocation import confirmed, give_back
from cinq.nf.amf.procedures.gmm.identity import identify
from cinq.nf.amf.procedures.gmm.security_mode import contained, take_security_into_use
from cinq.nf.amf.procedures.sm.resources import (
    STATUS_MISMATCH,
    Reactivation,
    deliver_pending,
    drop_sessions,
    reactivate,
    status_of,
    synchronise,
)
from cinq.nf.amf.ue import Ue
from cinq.numbering import Guti
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
ONLY_EMERGENCY = RegistrationKind.EMERGENCY
UNSUPPORTED = (RegistrationKind.SNPN_ONBOARDING, RegistrationKind.DISASTER_ROAMING_INITIAL)

RESULT = nas.RegistrationResult()
FEATURES = nas.NetworkFeatureSupport.of()
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
                raise Refused(reject(GmmCause.INVALID_MANDATORY_INFORMATION), "no UE security capability")
            request = await become_known(ue, request, arrival)
        if ue.context.rm_state == "RM-REGISTERED" and request.registration_type.value in UPDATES:
            await update(ue, request)
        else:
            await register(ue, request)
    except Problem as problem:
        raise Refused(reject(cause_of(problem)), str(problem)) from None


async def become_known(ue: Ue, request: nas.RegistrationRequest, arrival: Arrival) -> nas.RegistrationRequest:
    """Who it is, that it is so, and what it really asks: steps 6 to 11."""
    known = ue.context.supi  # None also behind a check by keys that the UE has not confirmed
    if isinstance(arrival, Checked) and known is not None:
        identity = str(known)
    else:
        identity = str(await identify(ue, request.mobile_identity))  # 6-7
    proved = await authenticate(ue, identity, request.ng_ksi)  # 8-9
    supi = proved.supi
    if known not in (None, supi):
        raise Refused(reject(GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK), "another subscriber")
    container = await take_security_into_use(ue, request, proved.keys, proved.eap_success)  # 9d
    if container.message is not None and not isinstance(container.message, nas.RegistrationRequest):
        raise Refused(reject(GmmCause.SEMANTICALLY_INCORRECT_MESSAGE), "another message in the container")
    full = container.message or request
    check_replayed_capability(ue, full)
    await take_over(ue, supi)
    ue.exchange.doubtful = False
    pei = container.pei or ue.context.pei
    ue.commit(supi=supi, pei=pei, security_capability=capability_of(ue, request))
    return full


async def register(ue: Ue, request: nas.RegistrationRequest) -> None:
    """Initial registration, and an update of a UE that is not registered here: steps 14 to 22."""
    before, sessions = ue.context.guti, ue.context.sm_contexts
    ue.abort("the UE registers anew")
    ue.pending = ()
    await drop_sessions(ue, sessions, STATUS_MISMATCH)  # TS 24.501 §5.5.1.2.4: they are gone in the UE
    if (
        ue.context.rm_state == "RM-REGISTERED"
    ):  # after: a core that is killed between leaves no session behind
        ue.commit(rm_state="RM-DEREGISTERED", sm_contexts=())
    async with ue.undo() as undo:
        await undo.hold(subscription.uecm_registration(ue), subscription.uecm_deregistration)  # 14a
        following = await undo.hold(subscription.sdm_subscribe(ue), subscription.sdm_unfollow)  # 14b-c
        subscribed = following.subscribed
        slices = await subscription.select_slices(ue, request, subscribed)
        policy = await undo.hold(
            subscription.am_policy_create(ue, subscribed, slices.allowed), subscription.am_policy_delete
        )  # 16
        guti = ue.registry.allocate_guti(ue)
        undo.owe(give_back, (ue, guti))
        ue.commit(
            allowed_nssai=slices.allowed,
            registration_area=ue.ports.settings.tais[:16],
            subscribed_dnns=subscribed.dnns,
            ue_ambr=subscription.ambr(policy.ambr or subscribed.ambr),
            rfsp=policy.rfsp,
            am_policy=policy.identifier,
            sdm_subscription=following.identifier,
            leaving=None,
        )
        sure = await confirmed(ue, accept_of(ue, guti, slices), nas.RegistrationComplete, T3550)  # 21-22
        undo.keep()
    # §5.5.1.2.8 c): after the fifth expiry the UE is registered all the same, by its old and by its new 5G-GUTI
    guti_reallocation.assign(ue, guti, None if sure else before, rm_state="RM-REGISTERED")


async def update(ue: Ue, request: nas.RegistrationRequest) -> None:
    """Mobility and periodic registration update, TS 24.501 §5.5.1.3."""
    slices = await select_anew(ue, request)
    await synchronise(ue, request.pdu_session_status)
    reactivated = await reactivate(ue, request.uplink_data_status)
    status = status_of(ue, request.pdu_session_status, reactivated)
    guti = ue.registry.allocate_guti(ue)
    accept = accept_of(ue, guti, slices, status, reactivated)
    await guti_reallocation.tell(ue, guti, accept, nas.RegistrationComplete, T3550)
    deliver_pending(ue)
    periodic = request.registration_type.value == RegistrationKind.PERIODIC
    if periodic and not request.registration_type.follow_on and not request.uplink_data_status:
        ue.want(signals.ReleaseConnection(("nas", "normal-release")))


async def select_anew(ue: Ue, request: nas.RegistrationRequest) -> subscription.Slices | None:
    """What a UE that now requests other slices may have; sessions in any other slice end (§5.5.1.3.4).

    None: the allowed NSSAI stays as it is.
    """
    requested = request.requested_nssai
    allowed = {(s.sst, s.sd) for s in ue.context.allowed_nssai}
    if requested is None or {(s.sst, s.sd) for s in requested} == allowed:
        return None
    subscribed = await subscription.sdm_get(ue)
    slices = await subscription.select_slices(ue, request, subscribed)
    kept = tuple(sm for sm in ue.context.sm_contexts if sm.s_nssai in slices.allowed)
    gone = [sm for sm in ue.context.sm_contexts if sm not in kept]
    await drop_sessions(ue, gone, "REL_DUE_TO_SLICE_NOT_AVAILABLE")
    ue.commit(allowed_nssai=slices.allowed, subscribed_dnns=subscribed.dnns, sm_contexts=kept)
    return slices


def accept_of(
    ue: Ue,
    guti: Guti,
    slices: subscription.Slices | None = None,
    status: frozenset[int] | None = None,
    reactivated: Reactivation = NOT_ASKED,
) -> nas.RegistrationAccept:
    """REGISTRATION ACCEPT (§8.2.7). slices: as selected just now."""
    context = ue.context
    return nas.RegistrationAccept(
        registration_result=RESULT,
        guti=guti,
        tai_list=list(context.registration_area),
        allowed_nssai=list(context.allowed_nssai),
        rejected_nssai=slices.rejected or None if slices else None,
        configured_nssai=slices.configured or None if slices else None,
        network_feature_support=FEATURES,
        pdu_session_status=status,
        pdu_session_reactivation_result=reactivated.result,
        pdu_session_reactivation_result_error_cause=reactivated.causes,
        t3512=ue.ports.settings.t3512_s,
    )


def reject(cause: int) -> nas.RegistrationReject:
    return nas.RegistrationReject(cause=cause)


def cause_of(problem: Problem) -> GmmCause:
    """TS 29.5xx errors as 5GMM causes. Whatever is wrong with a SUCI gets one answer (TS 33.501 §C.2)."""
    if problem.status in (403, 404) and problem.cause in ("USER_NOT_FOUND", "AUTHENTICATION_REJECTED"):
        return GmmCause.ILLEGAL_UE
    if problem.cause == "SERVING_NETWORK_NOT_AUTHORIZED":
        return GmmCause.SERVING_NETWORK_NOT_AUTHORIZED
    if problem.cause == "SNSSAI_NOT_SUPPORTED":
        return GmmCause.NO_NETWORK_SLICES_AVAILABLE
    if problem.status in (403, 404) and problem.cause != "CONTEXT_NOT_FOUND":
        return GmmCause.SERVICES_5GS_NOT_ALLOWED
    return GmmCause.CONGESTION


def check_what_is_asked(ue: Ue, request: nas.RegistrationRequest) -> None:
    """What this AMF does not do, and where it does not serve."""
    connection = ue.connection
    tai = None if connection is None else connection.place.tai
    if tai is not None and tai not in ue.ports.settings.tais:
        served = tai.plmn == ue.ports.settings.plmn
        cause = GmmCause.TRACKING_AREA_NOT_ALLOWED if served else GmmCause.PLMN_NOT_ALLOWED
        here = ", ".join(map(str, ue.ports.settings.tais[:8]))
        why = f"the UE is in tracking area {tai}; this network serves {here}"
        raise Refused(reject(cause), Why(why, "the cell's PLMN and TAC, or network.plmn and network.tacs"))
    if request.registration_type.value in UNSUPPORTED:
        raise Refused(reject(GmmCause.SERVICES_5GS_NOT_ALLOWED), "registration type not supported")
    if request.registration_type.value == ONLY_EMERGENCY:
        raise Refused(reject(GmmCause.PEI_NOT_ACCEPTED), "emergency registration is not supported")


def must_authenticate(ue: Ue, request: nas.RegistrationRequest) -> bool:
    """Policy, a context that may be behind, a COUNT that comes to its end, and a UE without keys of its own.

    Also a changed UE security capability: what was chosen by the old one may not be in it (TS 24.501 §5.5.1.3.2).
    """
    exchange = ue.exchange
    if capability_of(ue, request) != ue.context.security_capability:
        return True
    if exchange.nearly_used_up or exchange.doubtful or exchange.keys is None:
        return True
    return ue.ports.settings.authenticate_known or ue.context.supi is None


def in_full(ue: Ue, arrival: Checked[nas.RegistrationRequest]) -> nas.RegistrationRequest:
    """The ciphered request inside the cleartext one, §4.4.6. KgNB follows from its COUNT (TS 33.501 §A.9)."""
    ue.exchange.kgnb_count = arrival.count
    inner = contained(ue, arrival.message.nas_message_container, arrival.count)
    return inner if isinstance(inner, nas.RegistrationRequest) else arrival.message


def capability_of(ue: Ue, request: nas.RegistrationRequest) -> bytes:
    capability = request.ue_security_capability
    return ue.context.security_capability if capability is None else capability.octets


def check_replayed_capability(ue: Ue, full: nas.RegistrationRequest) -> None:
    """The capability that was replayed is the one that the protected message repeats, or somebody changed it."""
    capability = full.ue_security_capability
    if capability is not None and capability.octets != ue.exchange.replayed_capability:
        raise Refused(
            reject(GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH), "UE security capability was changed"
        )


@collision(registration, nas.RegistrationRequest)
def _(ue: Ue, again: Arrival) -> Verdict:
    """TS 24.501 §5.5.1.2.8 d) and e)."""
    first = ue.opening
    if not isinstance(first, (Checked, Unprotected)) or first.message != again.message:
        return ABORT
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
    """The UE has the accept, its REGISTRATION COMPLETE is on its way."""
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
