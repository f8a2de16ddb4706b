"""Registration, TS 24.501 §5.5.1."""

from __future__ import annotations

import asyncio
import logging

from cinq.procedure import Refused, Timer, TimerExpired, procedure
from cinq.ran.ue.back_off import T3346
from cinq.ran.ue.causes import cause_name
from cinq.ran.ue.context import Ended, Initial
from cinq.ran.ue.signals import Register
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GmmCause, RegistrationKind

log = logging.getLogger("cinq.ran.ue")

T3510 = Timer("T3510", 15, 0)
T3511_S = 10
ATTEMPTS = 5

_ILLEGAL = frozenset((GmmCause.ILLEGAL_UE, GmmCause.ILLEGAL_ME, GmmCause.SERVICES_5GS_NOT_ALLOWED))
_NOT_HERE = frozenset(
    (
        GmmCause.PLMN_NOT_ALLOWED,
        GmmCause.TRACKING_AREA_NOT_ALLOWED,
        GmmCause.ROAMING_NOT_ALLOWED_IN_THIS_TRACKING_AREA,
        GmmCause.NO_SUITABLE_CELLS_IN_TRACKING_AREA,
        GmmCause.N1_MODE_NOT_ALLOWED,
        GmmCause.NO_NETWORK_SLICES_AVAILABLE,
        GmmCause.SERVING_NETWORK_NOT_AUTHORIZED,
        GmmCause.PEI_NOT_ACCEPTED,
        GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH,
    )
)
_IDENTITY = frozenset(
    (GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK, GmmCause.IMPLICITLY_DE_REGISTERED)
)


@procedure(opens=Register)
async def registration(ue: Ue, wanted: Register) -> None:
    """TS 24.501 §5.5.1.2 and §5.5.1.3: attempts until it is accepted, refused for good, or not answered five times."""
    kind = wanted.kind
    for attempt in range(1, ATTEMPTS + 1):
        await asyncio.sleep(ue.back_off.left(T3346)[1])  # §5.3.9
        await ue.camped()
        if not ue.context.registered:
            kind = RegistrationKind.INITIAL
        if kind is RegistrationKind.INITIAL:
            ue.drop_sessions()
        try:
            answer = await ue.ask(
                Initial(request(ue, kind)),
                nas.RegistrationAccept,
                nas.RegistrationReject,
                Ended,
                timer=T3510,
            )
        except TimerExpired:  # §5.5.1.2.7 c): the N1 connection is released locally
            ue.link.fail()
            ue.security.released()
            answer = Ended("T3510 expired")
        if isinstance(answer, nas.RegistrationAccept):
            accepted(ue, answer)
            return
        await rejected(ue, answer, last=attempt == ATTEMPTS)


def request(ue: Ue, kind: RegistrationKind) -> nas.RegistrationRequest:
    """REGISTRATION REQUEST, §8.2.6. A SUCI where there is no 5G-GUTI."""
    context, settings = ue.context, ue.settings
    active = frozenset(s.context.pdu_session_id for s in ue.sessions.values() if s.context.state == "ACTIVE")
    initial = kind is RegistrationKind.INITIAL
    return nas.RegistrationRequest(
        registration_type=nas.RegistrationType(kind, follow_on=initial and bool(settings.sessions)),
        ng_ksi=ue.security.ng_ksi,
        mobile_identity=context.guti or ue.usim.conceal(ue.entropy),
        capability_5gmm=nas.Capability5gmm.of(),
        ue_security_capability=nas.UeSecurityCapability(ue.capability),
        requested_nssai=list(context.allowed_nssai or settings.slices) or None,
        last_visited_tai=context.last_visited_tai,
        pdu_session_status=None if initial else active,
        update_type=nas.UpdateType(),
    )


def accepted(ue: Ue, accept: nas.RegistrationAccept) -> None:
    """§5.5.1.2.4: what the network gave is stored, and acknowledged where it asks for that."""
    context = ue.context
    guti = accept.guti or context.guti
    known = ue.system_information
    tais = tuple(accept.tai_list or context.tai_list)
    here = next((t for t in tais if known is not None and (t.plmn, t.tac) == (known.plmn, known.tac)), None)
    if accept.pdu_session_status is not None:
        ue.drop_sessions(accept.pdu_session_status)
    ue.authentication_failures = 0
    ue.link.listen(None if guti is None else guti.s_tmsi)
    ue.commit(
        registered=True,
        guti=guti,
        tai_list=tais,
        last_visited_tai=here,
        allowed_nssai=tuple(accept.allowed_nssai or ()),
        configured_nssai=tuple(accept.configured_nssai or context.configured_nssai),
        t3512_s=context.t3512_s if accept.t3512 is None else accept.t3512,
        t3502_s=context.t3502_s if accept.t3502 is None else accept.t3502,
        barred="",
    )
    slicing = accept.network_slicing_indication
    changed = slicing is not None and slicing.subscription_changed
    if accept.guti is not None or accept.configured_nssai is not None or changed:
        ue.tell(nas.RegistrationComplete())


async def rejected(ue: Ue, answer: nas.RegistrationReject | Ended, last: bool) -> None:
    """§5.5.1.2.5 and §5.5.1.2.7. Returns when another attempt is due, raises Refused when none is."""
    reject = answer.answer if isinstance(answer, Ended) else answer
    if isinstance(reject, nas.AuthenticationReject):
        raise Refused(None, "authentication rejected")
    if not isinstance(reject, nas.RegistrationReject):
        reason = answer.reason if isinstance(answer, Ended) else ""
        if last:
            ue.deregistered()
            raise Refused(None, f"no answer to the registration: {reason}")
        log.warning("%s: no answer to the registration: %s; again in %g s", ue.label, reason, T3511_S)
        await asyncio.sleep(T3511_S)
        return
    name = cause_name(reject.cause)
    if reject.cause in _ILLEGAL:
        ue.deregistered(barred=name, forget_identity=True)
        raise Refused(reject, name)
    if reject.cause in _NOT_HERE:
        ue.deregistered(forget_identity=reject.cause != GmmCause.NO_NETWORK_SLICES_AVAILABLE)
        raise Refused(reject, name)
    ue.back_off.start(T3346, reject.t3346)
    had_identity = ue.context.guti is not None
    if reject.cause in _IDENTITY and had_identity and not last:
        ue.deregistered(forget_identity=True)  # and at once anew, with a SUCI
        return
    ue.deregistered(forget_identity=reject.cause in _IDENTITY)
    if last or reject.cause not in (GmmCause.CONGESTION, *_IDENTITY):
        raise Refused(reject, name)
    pause = ue.back_off.left(T3346)[1] or T3511_S
    log.warning("%s: registration rejected, %s; again in %g s", ue.label, name, pause)
    await asyncio.sleep(pause)
