"""The user plane of a PDU session comes and goes: activation, deactivation, and downlink data for an idle UE."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from cinq.nf.smf import messages, user_plane
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.procedures.release import forgotten, network_requested_release
from cinq.nf.smf.session import AnTunnel, PduSession, SmContextCreated
from cinq.procedure import ABORT, Aborted, Refused, Verdict, collision, procedure
from cinq.sbi.problem import Problem
from cinq.wire import nas
from cinq.wire.nas import GsmCause


@dataclass(frozen=True, slots=True)
class DownlinkData:
    """The UPF keeps a packet for the UE."""


@dataclass(frozen=True, slots=True)
class UeNotReached:
    """The AMF gave up paging."""


@dataclass(frozen=True, slots=True)
class TunnelGone:
    """The gNB answered the UPF by Error Indication: it knows nothing of these tunnels."""

    teids: tuple[int, ...]


@procedure()
async def user_plane_setup(session: PduSession, an: AnTunnel) -> None:
    """TS 23.502 §4.3.2.2.1 steps 15 and 16, §4.2.3.2 steps 15 to 18: the gNB's tunnel is known."""
    try:
        await user_plane.forward(session, an)
    except N4Error as error:
        session.runtime.spawn(partial(release_for, session, GsmCause.NETWORK_FAILURE), "release")
        raise Refused(None, str(error)) from None
    session.up_cnx_state = "ACTIVATED"
    session.was_active = True
    session.paging = False


async def release_for(session: PduSession, cause: GsmCause) -> None:
    with suppress(Aborted):  # the UE begins anew, or the AMF has no session any more: both end it too
        await session.perform(network_requested_release, cause)


@procedure()
async def user_plane_refused(session: PduSession, cause: str) -> None:
    """The gNB has no resources. A session that it never carried ends (TS 24.501 §6.4.1.4, #26): the UE did not
    get the accept; one that it carried before stays without user plane (TS 23.502 §4.2.3.2 step 19)."""
    session.up_cnx_state = "DEACTIVATED"
    if session.was_active or session.context.state == "INACTIVE":
        return
    await user_plane.delete(session)
    await forgotten(session)
    session.send(
        nas.PDUSessionEstablishmentReject(
            pdu_session_id=session.context.pdu_session_id,
            pti=session.pti,
            cause=GsmCause.INSUFFICIENT_RESOURCES,
        )
    )


@procedure()
async def user_plane_activation(session: PduSession, _: str) -> bytes:
    """TS 23.502 §4.2.3.2 steps 4 to 11: a service request. Returns the transfer for the gNB."""
    if session.context.state == "INACTIVE":
        raise Refused(None, "the session is released")
    session.was_active = True
    if not user_plane.is_at_upf(session):
        await restored(session)
    session.up_cnx_state = "ACTIVATING"
    session.paging = False
    return messages.setup_request_transfer(session.context)


@procedure()
async def user_plane_deactivation(session: PduSession, cause: str) -> None:
    """TS 23.502 §4.2.6 steps 5 to 7: the AN was released; downlink packets wait and are reported."""
    session.up_cnx_state = "DEACTIVATED"
    session.paging = False
    if session.context.state == "ACTIVE" and user_plane.is_at_upf(session):
        try:
            await user_plane.buffer(session)
        except N4Error as error:
            raise Refused(None, str(error)) from None


@procedure(opens=DownlinkData)
async def network_triggered_service_request(session: PduSession, data: DownlinkData) -> None:
    """TS 23.502 §4.2.3.3 steps 2 to 4: the AMF reaches the UE, or says that it cannot."""
    if session.paging or session.up_cnx_state != "DEACTIVATED" or session.context.state == "INACTIVE":
        return
    session.paging = True
    transfer = messages.setup_request_transfer(session.context)
    try:
        answer = await session.transfer(b"", transfer, "PDU_RES_SETUP_REQ", may_page=True)
    except Problem as problem:
        session.runtime.report(session, "paging", data, str(problem))
        await given_up(session)
        return
    if answer.cause == "N1_N2_TRANSFER_INITIATED":
        session.up_cnx_state = "ACTIVATING"
        session.paging = False
    elif answer.cause not in ("ATTEMPTING_TO_REACH_UE", "WAITING_FOR_ASYNCHRONOUS_TRANSFER"):
        await given_up(session)


@procedure(opens=UeNotReached)
async def paging_failed(session: PduSession, _: UeNotReached) -> None:
    """TS 23.502 §4.2.3.3 step 5: what waits is discarded, the next packet tries again."""
    if session.paging:
        await given_up(session)


async def given_up(session: PduSession) -> None:
    session.paging = False
    try:
        await user_plane.buffer(session, drop_waiting=True)
    except N4Error as error:
        session.runtime.report(session, "paging", UeNotReached(), str(error))


@procedure(opens=TunnelGone)
async def error_indication(session: PduSession, gone: TunnelGone) -> None:
    """TS 23.527 §5.3.3.1: the user plane is deactivated at the UPF and, for what is left of it, at the gNB."""
    if session.an is None or session.an.teid not in gone.teids:
        return
    session.up_cnx_state = "DEACTIVATED"
    try:
        await user_plane.buffer(session)
        await session.transfer(b"", messages.release_command_transfer(), "PDU_RES_REL_CMD")
    except (N4Error, Problem) as error:
        session.runtime.report(session, "error_indication", gone, str(error))


@procedure()
async def restoration(session: PduSession, _: str) -> None:
    """TS 23.527 §4.3: the UPF began anew (or we did), and gets the session again."""
    if session.context.state == "ACTIVE" and not user_plane.is_at_upf(session):
        await restored(session)


async def restored(session: PduSession) -> None:
    """With the N3 end that the gNB uses, where it uses one; another one only while the gNB has none."""
    an, active = session.an, session.up_cnx_state != "DEACTIVATED"
    far = user_plane.downlink_far(an if active else None, notify=not active)
    try:
        if active:
            try:
                await user_plane.establish(session, far, user_plane.n3_end(session.context))
                return
            except N4Error as error:
                if error.cause is None:
                    raise
            session.runtime.spawn(partial(release_for, session, GsmCause.REACTIVATION_REQUESTED), "release")
            return
        await user_plane.establish(session, far)
    except N4Error as error:
        raise Refused(None, str(error)) from None


@collision(
    (
        user_plane_setup,
        user_plane_refused,
        user_plane_activation,
        user_plane_deactivation,
        network_triggered_service_request,
        paging_failed,
        error_indication,
        restoration,
    ),
    SmContextCreated,
)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew."""
    return ABORT
