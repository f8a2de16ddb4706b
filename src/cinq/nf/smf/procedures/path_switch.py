"""Xn handover: the downlink of a PDU session is switched to the target gNB. TS 23.502 §4.9.1.2.2."""

from __future__ import annotations

import logging

from cinq.nf.smf import mobility, user_plane
from cinq.nf.smf.context import AnTunnel
from cinq.nf.smf.n2 import Resources
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.procedures import usage
from cinq.nf.smf.procedures.security import secure_enough
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import (
    FlowsLost,
    GnbRefused,
    ModifyIndication,
    NetworkRelease,
    PathSwitch,
    PathSwitchFailed,
    SmContextCreated,
)
from cinq.procedure import ABORT, Verdict, Why, collision, procedure
from cinq.wire import ngap
from cinq.wire.nas import GsmCause

log = logging.getLogger("cinq.smf")

MISMATCH = "the target gNB was told another user plane security policy than the SMF's (TS 33.501 §6.6.1)"
UNKNOWN_SESSION: ngap.Cause = ("radioNetwork", "unknown-PDU-session-ID")
NO_USER_PLANE: ngap.Cause = ("transport", "transport-resource-unavailable")
NO_DEFAULT_FLOW: ngap.Cause = ("radioNetwork", "invalid-qos-combination")
SECURITY_CAUSES = ("up-integrity-protection-not-possible", "up-confidentiality-protection-not-possible")


@procedure(opens=PathSwitch)
async def path_switch(session: PduSession, wanted: PathSwitch) -> bytes:
    """§4.9.1.2.2 steps 2 to 6. Returns the acknowledge transfer. GnbRefused: with the cause for the target gNB."""
    made = wanted.switched.made
    check_session(session)
    check_default_flow(session, made)
    secure_enough(session, made)  # 2
    await switch_downlink(session, made.an)  # 3-5, with an end marker on the old path
    lose_others(session, made.flows)
    session.resume()
    told = wanted.switched.indication
    if mobility.is_other_policy(session.context, told):
        log.warning("%s: %s", session.label, MISMATCH)  # the SMF logs the event
    return mobility.path_switch_acknowledge(session.context, told)  # 6


@procedure(opens=PathSwitchFailed)
async def path_switch_failed(session: PduSession, failed: PathSwitchFailed) -> None:
    """§4.9.1.2.2 step 2: the target rejected the session. Security that must be ends it, else it is deactivated."""
    session.up_cnx_state = "DEACTIVATED"
    if session.context.state == "INACTIVE":
        return
    try:
        await user_plane.buffer(session)
    except N4Error as error:
        session.runtime.report(session, "path_switch_failed", failed, str(error))
    if failed.cause[1] in SECURITY_CAUSES and session.requires_security:
        session.want(NetworkRelease(GsmCause.REGULAR_DEACTIVATION))


@procedure(opens=ModifyIndication)
async def modify_indication(session: PduSession, indication: ModifyIndication) -> bytes:
    """TS 29.502 §5.2.2.3.7: the gNB moves the session to another tunnel. Returns the confirm transfer."""
    made = indication.made
    check_session(session)
    check_default_flow(session, made)
    secure_enough(session, made)
    await switch_downlink(session, made.an)
    lose_others(session, made.flows)
    return mobility.modify_confirm(session.context, made)


def check_session(session: PduSession) -> None:
    if session.context.state == "INACTIVE" or not user_plane.is_at_upf(session):
        why = Why(f"PDU session {session.label} has no user plane", "let the UE establish it again")
        raise GnbRefused(UNKNOWN_SESSION, why)


def check_default_flow(session: PduSession, made: Resources) -> None:
    """A gNB that has not taken the flow of the default QoS rule does not carry the session."""
    qfi = session.context.qos.default_flow.qfi
    if qfi not in made.flows:
        what = f"the gNB did not take QoS flow {qfi}, that of the default QoS rule"
        raise GnbRefused(NO_DEFAULT_FLOW, Why(what, "give the gNB resources for it"))


async def switch_downlink(session: PduSession, an: AnTunnel) -> None:
    try:
        await user_plane.forward(session, an)
    except N4Error as error:
        raise GnbRefused(NO_USER_PLANE, Why(str(error), "see what the UPF says: cinq trace live")) from None
    session.up_cnx_state = "ACTIVATED"
    session.was_active = True
    session.paging = False
    usage.measure_soon(session, "USER_LOCATION_CHANGE")


def lose_others(session: PduSession, accepted: frozenset[int]) -> None:
    """Flows that the gNB did not take go, after the handover (§4.9.1.2.2 step 2)."""
    missing = frozenset(flow.qfi for flow in session.context.qos.flows) - accepted
    if missing:
        session.want(FlowsLost(missing, "RES_ALLO_FAIL"))


@collision((path_switch, path_switch_failed, modify_indication), SmContextCreated)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew."""
    return ABORT
