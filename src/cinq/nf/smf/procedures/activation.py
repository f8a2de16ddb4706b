"""The user plane of a PDU session comes and goes: TS 23.502 §4.2.3.2 and §4.2.6."""

from __future__ import annotations

from cinq.nf.smf import n2 as transfers
from cinq.nf.smf import path, user_plane
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.procedures.path_switch import lose_others
from cinq.nf.smf.procedures.release import forgotten, without_user_plane
from cinq.nf.smf.procedures.restoration import restored
from cinq.nf.smf.procedures.security import secure_enough
from cinq.nf.smf.rejects import establishment_reject
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import (
    Activation,
    Deactivation,
    NetworkRelease,
    Setup,
    SetupRefused,
    SmContextCreated,
)
from cinq.procedure import ABORT, Refused, Verdict, collision, procedure
from cinq.wire.nas import GsmCause


@procedure(opens=Setup)
async def user_plane_setup(session: PduSession, setup: Setup) -> None:
    """TS 23.502 §4.3.2.2.1 steps 15 and 16, §4.2.3.2 steps 15 to 18: the gNB's tunnel is known."""
    secure_enough(session, setup.made)
    try:
        await path.let_out(session, setup.made.an)  # what waits elsewhere came first
        await user_plane.forward(session, setup.made.an)
    except N4Error as error:
        session.want(NetworkRelease(GsmCause.NETWORK_FAILURE))
        raise Refused(None, str(error)) from None
    session.up_cnx_state = "ACTIVATED"
    session.was_active = True
    session.paging = False
    lose_others(session, setup.made.flows)
    session.resume()


@procedure(opens=SetupRefused)
async def user_plane_refused(session: PduSession, _: SetupRefused) -> None:
    """The gNB has no resources. A session that it never carried ends (TS 24.501 §6.4.1.4, #26): the UE did not
    get the accept; one that it carried before stays without user plane (TS 23.502 §4.2.3.2 step 19)."""
    session.up_cnx_state = "DEACTIVATED"
    if session.was_active or session.context.state == "INACTIVE":
        return
    await forgotten(session, await without_user_plane(session))
    session.send(
        establishment_reject(
            session.context.pdu_session_id,
            session.pti,
            GsmCause.INSUFFICIENT_RESOURCES,
            session.ports.settings.back_off_s,
        )
    )


@procedure(opens=Activation)
async def user_plane_activation(session: PduSession, activation: Activation) -> bytes:
    """TS 23.502 §4.2.3.2 steps 4 to 11: a service request. Returns the transfer for the gNB."""
    if session.context.state == "INACTIVE":
        raise Refused(None, "the session is released")
    session.was_active = True
    if not user_plane.is_at_upf(session):
        await restored(session)
    try:
        await path.follow(session, None, activation.tac)  # 5b, 6
    except N4Error as error:
        session.runtime.report(session, "user_plane_activation", activation, f"the path stays: {error}")
    session.up_cnx_state = "ACTIVATING"
    session.paging = False
    return transfers.setup_request_transfer(session.context)


@procedure(opens=Deactivation)
async def user_plane_deactivation(session: PduSession, _: Deactivation) -> None:
    """TS 23.502 §4.2.6 steps 5 to 7: the AN was released; downlink packets wait and are reported."""
    session.up_cnx_state = "DEACTIVATED"
    session.paging = False
    if session.context.state == "ACTIVE" and user_plane.is_at_upf(session):
        try:
            await user_plane.buffer(session)
        except N4Error as error:
            raise Refused(None, str(error)) from None
    if session.postponed is not None:
        session.resume()


@collision(
    (user_plane_setup, user_plane_refused, user_plane_activation, user_plane_deactivation), SmContextCreated
)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew."""
    return ABORT
