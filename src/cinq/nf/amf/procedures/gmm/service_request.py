"""Service request, TS 23.502 §4.2.3.2, TS 24.501 §5.6.1."""

from __future__ import annotations

from cinq.nf.amf import signals
from cinq.nf.amf.n1.envelope import Checked, Unprotected
from cinq.nf.amf.procedures.gmm import area
from cinq.nf.amf.procedures.gmm.authentication import authenticate
from cinq.nf.amf.procedures.gmm.guti_reallocation import used
from cinq.nf.amf.procedures.gmm.refusals import back_off
from cinq.nf.amf.procedures.gmm.security_mode import algorithms_are_current, contained, take_security_into_use
from cinq.nf.amf.procedures.sm.resources import (
    deliver_pending,
    not_reactivated,
    reactivate,
    restricted,
    status_of,
    synchronise,
)
from cinq.nf.amf.ue import Ue
from cinq.procedure import ABORT, DEFER, IGNORE, Refused, Verdict, Why, collision, procedure
from cinq.sbi import Problem
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, ServiceType

UNRESTRICTED = (ServiceType.MOBILE_TERMINATED_SERVICES, ServiceType.HIGH_PRIORITY_ACCESS)
"""Service types that a UE may use in a non-allowed area (TS 24.501 §5.3.5.2)."""
Arrival = Checked[nas.ServiceRequest] | Unprotected[nas.ServiceRequest]


@procedure(opens=nas.ServiceRequest)
async def service_request(ue: Ue, arrival: Arrival) -> None:
    """TS 23.502 §4.2.3.2, from CM-IDLE and in CM-CONNECTED. A UE that cannot prove who it is registers anew (#9)."""
    if isinstance(arrival, Unprotected) or ue.exchange.security is None:
        why = Why(
            f"no UE is known by 5G-TMSI {arrival.message.s_tmsi.tmsi:08x}, or its message is not its own"
        )
        raise Refused(reject(GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK), why)
    if ue.context.rm_state != "RM-REGISTERED":
        raise Refused(reject(GmmCause.IMPLICITLY_DE_REGISTERED), Why("the UE is not registered any more"))
    request = arrival.message
    used(ue, request.s_tmsi)
    full = contained(ue, request.nas_message_container, arrival.count)
    ue.exchange.kgnb_count = arrival.count
    if ue.exchange.doubtful or ue.exchange.nearly_used_up:
        await prove(ue, request)  # 3
    if isinstance(full, nas.ServiceRequest):
        request = full
    check_what_is_asked(ue, request)
    await synchronise(ue, request.pdu_session_status)
    if ue.may_have_service or request.service_type == ServiceType.HIGH_PRIORITY_ACCESS:
        reactivated = await reactivate(ue, request.uplink_data_status)  # 4-11
    else:  # it answers paging in a non-allowed area
        reactivated = not_reactivated(ue, request.uplink_data_status, GmmCause.RESTRICTED_SERVICE_AREA)
    ue.tell(
        nas.ServiceAccept(
            pdu_session_status=status_of(ue, request.pdu_session_status, reactivated),
            pdu_session_reactivation_result=reactivated.result,
            pdu_session_reactivation_result_error_cause=reactivated.causes,
        )
    )  # 12
    if ue.context.cm_state != "CM-CONNECTED":
        ue.commit()
    deliver_pending(ue)
    if not algorithms_are_current(ue):
        ue.want(signals.RenewKeys())
    paged, ue.paged = ue.paged, False
    if paged or ue.context.due:
        ue.want(signals.UpdateConfiguration(("guti",) if paged else ()))


def check_what_is_asked(ue: Ue, request: nas.ServiceRequest) -> None:
    """Where the UE may not be, or may not have this service (TS 24.501 §5.6.1.5, §5.3.5.2).

    Emergency services are not here: a cause that the UE takes as an abnormal case lets it look for them elsewhere and
    stay registered (§5.6.1.6, §5.6.1.7).
    """
    kind = request.service_type
    if kind in (ServiceType.EMERGENCY_SERVICES, ServiceType.EMERGENCY_SERVICES_FALLBACK):
        why = Why("the UE asks for emergency services, which this network does not have")
        raise Refused(reject(GmmCause.PROTOCOL_ERROR_UNSPECIFIED), why)
    forbidden = area.forbidden_here(ue, ue.context.forbidden_tacs)
    if forbidden is not None:
        raise Refused(reject(forbidden[0]), forbidden[1])
    if kind not in UNRESTRICTED and not ue.may_have_service:
        raise Refused(reject(GmmCause.RESTRICTED_SERVICE_AREA), restricted(ue))


async def prove(ue: Ue, request: nas.ServiceRequest) -> None:
    """New keys, before anything is believed: the context was restored from before the UE's last messages, or its
    COUNTs come to their end (TS 24.501 §4.4.3.5)."""
    try:
        proved = await authenticate(ue, str(ue.context.supi), request.ng_ksi)
    except Problem as problem:
        answer = nas.ServiceReject(cause=GmmCause.CONGESTION, t3346=back_off(ue))
        raise Refused(answer, problem.why) from None
    if proved.supi != ue.context.supi:
        why = Why(f"the UE of {ue.context.supi} proves to be {proved.supi}")
        raise Refused(reject(GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK), why)
    await take_security_into_use(ue, request, proved.keys, proved.eap_success)
    ue.exchange.doubtful = False


def reject(cause: int) -> nas.ServiceReject:
    return nas.ServiceReject(cause=cause)


@collision(service_request, nas.ServiceRequest)
def _(ue: Ue, again: Arrival) -> Verdict:
    """TS 24.501 §5.6.1.7 b): the same request is under way."""
    first = ue.opening
    same = isinstance(first, (Checked, Unprotected)) and first.message == again.message
    return IGNORE("the same request is under way") if same else ABORT


@collision(
    service_request,
    nas.RegistrationRequest,
    nas.DeregistrationRequestUEOriginating,
    ngap.UEContextReleaseRequest,
    ngap.InitialContextSetupFailure,
)
def _(ue: Ue, message: object) -> Verdict:
    return ABORT


@collision(service_request, nas.ULNASTransport)
def _(ue: Ue, message: object) -> Verdict:
    return DEFER
