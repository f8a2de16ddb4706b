"""Service request, TS 23.502 §4.2.3.2, TS 24.501 §5.6.1."""

from __future__ import annotations

from cinq.nf.amf import signals
from cinq.nf.amf.n1.envelope import Checked, Unprotected
from cinq.nf.amf.procedures.gmm.authentication import authenticate
from cinq.nf.amf.procedures.gmm.guti_reallocation import used
from cinq.nf.amf.procedures.gmm.security_mode import contained, take_security_into_use
from cinq.nf.amf.procedures.sm.resources import deliver_pending, reactivate, status_of, synchronise
from cinq.nf.amf.ue import Ue
from cinq.procedure import ABORT, DEFER, IGNORE, Refused, Verdict, collision, procedure
from cinq.sbi import Problem
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause

Arrival = Checked[nas.ServiceRequest] | Unprotected[nas.ServiceRequest]


@procedure(opens=nas.ServiceRequest)
async def service_request(ue: Ue, arrival: Arrival) -> None:
    """TS 23.502 §4.2.3.2. A UE that cannot prove who it is registers anew (TS 24.501 §5.6.1.5, #9)."""
    if (
        isinstance(arrival, Unprotected)
        or ue.context.rm_state != "RM-REGISTERED"
        or ue.exchange.security is None
    ):
        raise Refused(
            reject(GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK), "unknown, or not checked"
        )
    request = arrival.message
    used(ue, request.s_tmsi)
    full = contained(ue, request.nas_message_container, arrival.count)
    ue.exchange.kgnb_count = arrival.count
    if ue.exchange.doubtful or ue.exchange.nearly_used_up:
        await prove(ue, request)
    if isinstance(full, nas.ServiceRequest):
        request = full
    await synchronise(ue, request.pdu_session_status)
    reactivated = await reactivate(ue, request.uplink_data_status)
    ue.tell(
        nas.ServiceAccept(
            pdu_session_status=status_of(ue, request.pdu_session_status, reactivated),
            pdu_session_reactivation_result=reactivated.result,
            pdu_session_reactivation_result_error_cause=reactivated.causes,
        )
    )
    if ue.context.cm_state != "CM-CONNECTED":
        ue.commit()
    deliver_pending(ue)
    paged, ue.paged = ue.paged, False
    if paged:
        ue.want(signals.ReplaceGuti())


async def prove(ue: Ue, request: nas.ServiceRequest) -> None:
    """New keys, before anything is believed: the context was restored from before the UE's last messages, or its
    COUNTs come to their end (TS 24.501 §4.4.3.5)."""
    try:
        proved = await authenticate(ue, str(ue.context.supi), request.ng_ksi)
    except Problem as problem:
        raise Refused(reject(GmmCause.CONGESTION), str(problem)) from None
    if proved.supi != ue.context.supi:
        raise Refused(reject(GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK), "another subscriber")
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
