"""Registration, TS 24.501 §5.5.1."""

from __future__ import annotations

import asyncio
import logging

from cinq.procedure import Refused, Timer, TimerExpired, Why, procedure
from cinq.ran.ue import access_control
from cinq.ran.ue.back_off import T3346
from cinq.ran.ue.causes import authentication_rejected, gmm, no_answer
from cinq.ran.ue.context import Ended, Initial
from cinq.ran.ue.elements import registration_request
from cinq.ran.ue.granted import acknowledged, by_accept
from cinq.ran.ue.home import NotFromHome
from cinq.ran.ue.procedures.refusal import T3511_S, limited, not_reactivated, suffer
from cinq.ran.ue.rejection import Then, consequence, last_attempt
from cinq.ran.ue.signals import Register
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GmmCause, RegistrationKind
from cinq.wire.nas.ie.transport import SorContainer

log = logging.getLogger("cinq.ran.ue")

T3510 = Timer("T3510", 15, 0)
ATTEMPTS = 5


@procedure(opens=Register)
async def registration(ue: Ue, wanted: Register) -> None:
    """§5.5.1.2 and §5.5.1.3: attempts until it is accepted, refused for good, or not answered five times."""
    if ue.left:
        raise Refused(None, Why("the user has deregistered the UE meanwhile", "register it again"))
    kind, attempts = wanted.kind, ATTEMPTS - wanted.attempts
    ue.timers.stop("T3511", "T3502")
    while True:
        await permitted(ue, kind)
        if kind in (RegistrationKind.MOBILITY, RegistrationKind.PERIODIC) and not ue.context.registered:
            kind = RegistrationKind.INITIAL
        if kind not in (RegistrationKind.MOBILITY, RegistrationKind.PERIODIC):
            ue.drop_sessions()
        request = registration_request(ue, kind, wanted)
        answer = await attempt(ue, request)
        if isinstance(answer, nas.RegistrationAccept):
            accepted(ue, request, answer)
            return
        attempts = await not_accepted(ue, wanted, kind, answer, attempts)


async def attempt(
    ue: Ue, request: nas.RegistrationRequest
) -> nas.RegistrationAccept | nas.RegistrationReject | Ended:
    """One REGISTRATION REQUEST and its answer."""
    emergency = request.registration_type.value == RegistrationKind.EMERGENCY
    initial = Initial(request, "emergency" if emergency else "mo-Signalling")
    try:
        return await ue.ask(initial, nas.RegistrationAccept, nas.RegistrationReject, Ended, timer=T3510)
    except TimerExpired:  # §5.5.1.2.7 c): the N1 connection is released locally
        ue.link.fail()
        ue.security.released()
        return Ended("T3510 expired")


async def permitted(ue: Ue, kind: RegistrationKind) -> None:
    """Wait for T3346 (§5.3.9) and a cell that is not barred. Refused: the UE may not register here at all."""
    emergency = kind is RegistrationKind.EMERGENCY
    if not emergency:
        await asyncio.sleep(ue.back_off.left(T3346)[1])
    category = access_control.EMERGENCY if emergency else access_control.SIGNALLING
    await ue.camp.usable(ue.label, category)
    reason = ue.camp.forbidden(ue.context)
    if reason is not None and not emergency:
        raise Refused(None, reason)


def accepted(ue: Ue, request: nas.RegistrationRequest, accept: nas.RegistrationAccept) -> None:
    """§5.5.1.2.4, §5.5.1.3.4: what the network gave is stored, and acknowledged where it asks for that.

    T3540 runs where nothing more is to come on this connection (§5.3.1.3).
    """
    if accept.pdu_session_status is not None:
        ue.drop_sessions(accept.pdu_session_status)
    ue.authentication_failures = ue.service_attempts = 0
    ue.timers.stop("T3519")
    ue.distrust.reset()
    ue.commit(**by_accept(ue.context, accept, ue.camp.tai, ue.camp.plmn))
    limited(ue, accept)
    ue.idle_mode.listens()
    not_reactivated(ue, accept)
    steered = steering(ue, accept)
    if acknowledged(accept):
        ue.tell(nas.RegistrationComplete(sor_transparent_container=steered))
    if not request.registration_type.follow_on and request.uplink_data_status is None:
        ue.idle_mode.expect_release()


def steering(ue: Ue, accept: nas.RegistrationAccept) -> SorContainer | None:
    """§5.5.1.2.4: the acknowledgement of steering of roaming, where the home network asks for one."""
    if accept.sor_transparent_container is None:
        return None
    try:
        return ue.security.home.steer(accept.sor_transparent_container)
    except NotFromHome as discarded:
        ue.runtime.report(ue, registration.name, accept, f"steering of roaming discarded: {discarded}")
        return None


async def not_accepted(
    ue: Ue, wanted: Register, kind: RegistrationKind, answer: nas.RegistrationReject | Ended, attempts: int
) -> int:
    """§5.5.1.2.5, §5.5.1.3.5. Returns the attempts so far when another one is due, raises Refused when none is."""
    if isinstance(answer, Ended) and isinstance(answer.answer, nas.AuthenticationReject):
        raise Refused(None, authentication_rejected(ue.asked))
    if isinstance(answer, Ended):
        return await again(
            ue, wanted, kind, None, no_answer("registration", answer.reason, ue.asked), attempts + 1
        )
    name = gmm(answer.cause, ue.asked)
    update = kind in (RegistrationKind.MOBILITY, RegistrationKind.PERIODIC)
    found = consequence("update" if update else "initial", answer.cause, answer.t3346)
    if kind is RegistrationKind.EMERGENCY and answer.cause == GmmCause.PEI_NOT_ACCEPTED:  # §5.5.1.2.6
        ue.deregistered(barred=name)
        raise Refused(answer, name)
    suffer(ue, found, answer, name, update)
    match found.then:
        case Then.ANEW:
            return 0
        case Then.BACK_OFF:
            log.warning("%s: %s; again in %.0f s", ue.label, name, ue.back_off.left(T3346)[1])
            return 0
        case Then.ATTEMPT:
            tried = ATTEMPTS if last_attempt(answer.cause) else attempts + 1
            return await again(ue, wanted, kind, answer, name, tried)
    raise Refused(answer, name)


async def again(
    ue: Ue,
    wanted: Register,
    kind: RegistrationKind,
    answer: nas.RegistrationReject | None,
    reason: Why,
    attempts: int,
) -> int:
    """§5.5.1.2.7, §5.5.1.3.7: after T3511; at the fifth failure T3502 runs, and the caller hears of it."""
    if attempts < ATTEMPTS:
        log.warning("%s: %s; again in %g s", ue.label, reason, T3511_S)
        await asyncio.sleep(T3511_S)
        return attempts
    if kind in (RegistrationKind.MOBILITY, RegistrationKind.PERIODIC) and ue.context.registered:
        ue.commit(update_status="5U2 NOT UPDATED", equivalent_plmns=())
    else:
        ue.deregistered(forget_identity=True, equivalents=True)
        ue.commit(update_status="5U2 NOT UPDATED")
    if wanted.attempts == ATTEMPTS:
        ue.idle_mode.register_after_t3502(kind)
    raise Refused(answer, reason)
