"""Service request, TS 24.501 §5.6.1."""

from __future__ import annotations

from typing import Literal

from cinq.procedure import Refused, Timer, TimerExpired, Why, procedure
from cinq.ran.radio.port import EstablishmentCause
from cinq.ran.ue.access_control import Attempt, access, barred
from cinq.ran.ue.back_off import T3346
from cinq.ran.ue.causes import authentication_rejected, gmm, no_answer
from cinq.ran.ue.context import Ended, Initial
from cinq.ran.ue.procedures.refusal import not_reactivated, suffer
from cinq.ran.ue.rejection import Then, consequence
from cinq.ran.ue.signals import RequestService
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import RegistrationKind, ServiceType

T3517 = Timer("T3517", 15, 0)
T3525_S = 60
ATTEMPTS = 5
_URGENT = (ServiceType.MOBILE_TERMINATED_SERVICES, ServiceType.EMERGENCY_SERVICES)
_ATTEMPTS: dict[int, Literal["paged", "emergency"]] = {
    ServiceType.MOBILE_TERMINATED_SERVICES: "paged",
    ServiceType.EMERGENCY_SERVICES: "emergency",
    ServiceType.EMERGENCY_SERVICES_FALLBACK: "emergency",
}


@procedure(opens=RequestService)
async def service_request(ue: Ue, wanted: RequestService) -> None:
    """§5.6.1.2 to §5.6.1.5. Asks for the bearers of every active session. Refused: rejected, or not registered, or the
    cell bars such an attempt (§5.6.1.7 a)).

    T3448, which may come with SERVICE ACCEPT and with reject #22, holds back user data over the control plane (table
    10.2.1): it is for UEs of the control plane CIoT optimisation, as this one is not. It is read, and nothing waits.
    """
    guti = ue.context.guti
    if not ue.context.registered or guti is None:
        raise Refused(None, Why("not registered", "register the UE first"))
    active = ue.active_sessions
    asleep = frozenset(psi for psi in active if not ue.sessions[psi].context.bearer)
    if ue.link.connected and not asleep and wanted.kind is None:
        return
    kind = _kind(wanted, asleep)
    _permitted(ue, kind)
    await ue.camp.usable(ue.label)
    cause = _access(ue, wanted, kind, asleep)
    request = nas.ServiceRequest(
        ng_ksi=ue.security.ng_ksi,
        service_type=kind,
        s_tmsi=guti.s_tmsi,
        uplink_data_status=(asleep if wanted.uplink_data is None else wanted.uplink_data) or None,
        pdu_session_status=active,
        allowed_pdu_session_status=wanted.allowed,
    )
    try:
        answer = await ue.ask(
            Initial(request, cause),
            nas.ServiceAccept,
            nas.ServiceReject,
            Ended,
            timer=T3517,
        )
    except TimerExpired:  # §5.6.1.7 b)
        _unanswered(ue, kind)
        raise
    if isinstance(answer, nas.ServiceAccept):
        ue.service_attempts = 0
        if answer.pdu_session_status is not None:
            ue.drop_sessions(answer.pdu_session_status)
        not_reactivated(ue, answer)
    elif isinstance(answer, Ended):
        _ended(ue, answer)
    else:
        _rejected(ue, answer)


def _access(ue: Ue, wanted: RequestService, kind: int, asleep: frozenset[int]) -> EstablishmentCause:
    """Access control, §4.5.4. Refused: barred."""
    contexts = [ue.sessions[psi].context for psi in sorted(asleep)]
    sessions = (*((c.dnn, c.s_nssai) for c in contexts), *wanted.sessions)
    found = access(ue.context, ue.camp.plmn, Attempt(_ATTEMPTS.get(kind, "data"), sessions))
    why = None if ue.link.connected else barred(ue.camp.information, found.category)
    if why is not None:
        raise Refused(None, why)
    return "highPriorityAccess" if kind == ServiceType.HIGH_PRIORITY_ACCESS else found.cause


def _kind(wanted: RequestService, asleep: frozenset[int]) -> int:
    """The service type, §9.11.3.50."""
    if wanted.kind is not None:
        return wanted.kind
    if wanted.mobile_terminated:
        return ServiceType.MOBILE_TERMINATED_SERVICES
    return ServiceType.DATA if asleep else ServiceType.SIGNALLING


def _permitted(ue: Ue, kind: int) -> None:
    """§5.3.9, §5.3.17, §5.6.1.7: timers that hold back what is neither urgent nor an answer to paging."""
    if kind in _URGENT:
        if kind == ServiceType.MOBILE_TERMINATED_SERVICES:
            ue.back_off.stop(T3346)
        return
    left = {
        "T3346": ue.back_off.left(T3346)[1],
        "T3525": ue.timers.left("T3525"),
        "T3447": ue.timers.left("T3447"),
    }
    if kind == ServiceType.HIGH_PRIORITY_ACCESS:
        return
    restricted = ue.camp.restricted(ue.context)
    if restricted is not None:
        raise Refused(None, restricted)
    for name, seconds in left.items():
        if seconds:
            raise Refused(
                None,
                Why(
                    f"{name} runs for {seconds:.0f} s more", "wait: the network, or its silence, asked for it"
                ),
            )


def _unanswered(ue: Ue, kind: int) -> None:
    """§5.6.1.7 b): the connection is released locally; after five failures T3525 holds the UE back."""
    ue.link.fail()
    ue.security.released()
    if kind in _URGENT:
        return
    ue.service_attempts += 1
    if ue.service_attempts >= ATTEMPTS:
        ue.timers.start("T3525", T3525_S, lambda: setattr(ue, "service_attempts", 0))


def _ended(ue: Ue, answer: Ended) -> None:
    if isinstance(answer.answer, nas.AuthenticationReject):
        raise Refused(None, authentication_rejected(ue.asked))
    raise Refused(None, no_answer("service request", answer.reason, ue.asked))


def _rejected(ue: Ue, answer: nas.ServiceReject) -> None:
    """§5.6.1.5. What is no case of it leaves the UE registered."""
    name = gmm(answer.cause, ue.asked)
    found = consequence("service", answer.cause, answer.t3346)
    if found.then is not Then.ATTEMPT:
        suffer(ue, found, answer, name, registered=True)
    if answer.pdu_session_status is not None and ue.context.registered:
        ue.drop_sessions(answer.pdu_session_status)
    if found.then is Then.ANEW:  # the network has lost the UE: it registers anew
        ue.initiate(ue.power_on, "registration after service reject")
    elif found.then is Then.UPDATE:
        ue.initiate(lambda: ue.register(RegistrationKind.MOBILITY), "update after service reject")
    raise Refused(answer, name)
