"""Service request, TS 24.501 §5.6.1."""

from __future__ import annotations

from cinq.procedure import Refused, Timer, TimerExpired, procedure
from cinq.ran.radio.port import EstablishmentCause
from cinq.ran.ue.back_off import T3346
from cinq.ran.ue.causes import cause_name
from cinq.ran.ue.context import Ended, Initial
from cinq.ran.ue.signals import RequestService
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GmmCause

T3517 = Timer("T3517", 15, 0)

_IDENTITY = frozenset(
    (GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK, GmmCause.IMPLICITLY_DE_REGISTERED)
)
_ILLEGAL = frozenset((GmmCause.ILLEGAL_UE, GmmCause.ILLEGAL_ME, GmmCause.SERVICES_5GS_NOT_ALLOWED))


@procedure(opens=RequestService)
async def service_request(ue: Ue, wanted: RequestService) -> None:
    """§5.6.1.2 to §5.6.1.5. Asks for the bearers of every active session. Refused: rejected, or not registered."""
    guti, mobile_terminated = ue.context.guti, wanted.mobile_terminated
    if not ue.context.registered or guti is None:
        raise Refused(None, "not registered")
    active = frozenset(s.context.pdu_session_id for s in ue.sessions.values() if s.context.state == "ACTIVE")
    asleep = frozenset(psi for psi in active if not ue.sessions[psi].context.bearer)
    if ue.link.connected and not asleep:
        return
    if mobile_terminated:
        ue.back_off.stop(T3346)  # §5.3.9
    _, left = ue.back_off.left(T3346)
    if left:
        raise Refused(None, f"T3346 runs for {left:.0f} s more")
    await ue.camped()
    kind = nas.ServiceType.DATA if asleep else nas.ServiceType.SIGNALLING
    if mobile_terminated:
        kind = nas.ServiceType.MOBILE_TERMINATED_SERVICES
    request = nas.ServiceRequest(
        ng_ksi=ue.security.ng_ksi,
        service_type=kind,
        s_tmsi=guti.s_tmsi,
        uplink_data_status=asleep or None,
        pdu_session_status=active,
    )
    cause: EstablishmentCause = "mt-Access" if mobile_terminated else "mo-Data" if asleep else "mo-Signalling"
    try:
        answer = await ue.ask(
            Initial(request, cause), nas.ServiceAccept, nas.ServiceReject, Ended, timer=T3517
        )
    except TimerExpired:  # §5.6.1.7 b)
        ue.link.fail()
        ue.security.released()
        raise
    if isinstance(answer, nas.ServiceAccept):
        if answer.pdu_session_status is not None:
            ue.drop_sessions(answer.pdu_session_status)
        return
    _rejected(ue, answer)


def _rejected(ue: Ue, answer: nas.ServiceReject | Ended) -> None:
    """§5.6.1.5."""
    if isinstance(answer, Ended):
        raise Refused(None, f"service request: {answer.reason}")
    ue.back_off.start(T3346, answer.t3346)
    if answer.cause in _IDENTITY:  # the network has lost the UE: it registers anew
        ue.deregistered(forget_identity=answer.cause not in (GmmCause.IMPLICITLY_DE_REGISTERED,))
        ue.initiate(ue.power_on, "registration after service reject")
    elif answer.cause in _ILLEGAL:
        ue.deregistered(barred=cause_name(answer.cause), forget_identity=True)
    elif answer.pdu_session_status is not None:
        ue.drop_sessions(answer.pdu_session_status)
    raise Refused(answer, cause_name(answer.cause))
