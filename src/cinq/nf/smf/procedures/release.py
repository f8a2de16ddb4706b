"""PDU session release: asked for by the UE, by the network, by the AMF."""

from __future__ import annotations

from collections.abc import Awaitable

from cinq.nf.smf import n2 as transfers
from cinq.nf.smf import user_plane
from cinq.nf.smf.context import Ipv4v6, Ipv6
from cinq.nf.smf.procedures import charging
from cinq.nf.smf.rejects import back_off
from cinq.nf.smf.session import PduSession, ReleaseCommand
from cinq.nf.smf.signals import (
    LocalRelease,
    N1N2TransferFailed,
    NetworkRelease,
    SmContextCreated,
    UeRelease,
)
from cinq.procedure import ABORT, Timer, TimerExpired, Verdict, collision, procedure
from cinq.sbi.problem import Problem
from cinq.sbi.services.npcf_smpolicycontrol import SmPolicyDeleteData
from cinq.wire import nas
from cinq.wire.nas import GsmCause


@procedure(opens=UeRelease)
async def ue_requested_release(session: PduSession, requested: UeRelease) -> None:
    """TS 23.502 §4.3.4.2 (steps 2 to 11), TS 24.501 §6.4.3 and §6.3.3."""
    if session.context.state == "INACTIVE":
        return
    command = nas.PDUSessionReleaseCommand(
        pdu_session_id=session.context.pdu_session_id,
        pti=requested.message.pti,
        cause=GsmCause.REGULAR_DEACTIVATION,
    )
    await release(session, command, requested)


@procedure(opens=NetworkRelease)
async def network_requested_release(session: PduSession, wanted: NetworkRelease) -> None:
    """TS 23.502 §4.3.4.2 (step 1b and on), TS 24.501 §6.3.3. The PTI of the network's own procedures is 0.

    With a cause that another attempt does not mend comes a back-off timer (§6.3.3.2).
    """
    if session.context.state == "INACTIVE":
        return
    if session.handover is not None:  # TS 23.502 §4.9.1.3.1: after the handover
        session.postponed = wanted
        return
    command = nas.PDUSessionReleaseCommand(
        pdu_session_id=session.context.pdu_session_id,
        pti=0,
        cause=wanted.cause,
        back_off_timer=back_off(wanted.cause, session.ports.settings.back_off_s),
    )
    await release(session, command, None)


async def release(
    session: PduSession, command: nas.PDUSessionReleaseCommand, requested: UeRelease | None
) -> None:
    """User plane first, then UE and gNB, then what other functions keep. Nothing here can hold the release up."""
    reaches_gnb = session.up_cnx_state != "DEACTIVATED"
    session.pti = command.pti
    untold = await without_user_plane(session)  # 2
    n2 = transfers.release_command_transfer() if reaches_gnb else b""
    first = None if requested is None else requested.first
    timer = Timer("T3592", session.ports.settings.t3592_s)
    try:  # 3-9
        await session.ask(
            ReleaseCommand(command, n2, first), nas.PDUSessionReleaseComplete, N1N2TransferFailed, timer=timer
        )
    except TimerExpired:  # §6.3.3.5 a): after the fifth expiry the session is released all the same
        pass
    await forgotten(session, untold)  # 10-11
    await session.notify_released()


@procedure(opens=LocalRelease)
async def sm_context_release(session: PduSession, _: LocalRelease) -> None:
    """TS 23.502 §4.3.4.2 step 1c and §4.2.2.3.2: the AMF has no session (any more), the UE is not told."""
    await release_locally(session)


async def release_locally(session: PduSession) -> None:
    """Everything but UE, gNB and AMF."""
    if session.context.state == "ACTIVE":
        await forgotten(session, await without_user_plane(session))


async def without_user_plane(session: PduSession) -> charging.Untold | None:
    """The UPF has the session no more. What the CHF is to hear of its use."""
    return charging.kept(session, await user_plane.delete(session))


async def forgotten(session: PduSession, untold: charging.Untold | None) -> None:
    """Address, stored context, policy and registration go; a function that fails keeps nobody from going."""
    context, ports = session.context, session.ports
    pool = ports.pools.get(context.dnn)
    if pool is not None:
        pool.free(context.ipv4)
        if isinstance(context.address, Ipv6 | Ipv4v6):
            ports.prefixes[context.dnn].give_back(context.address.prefix)
    session.up_cnx_state = "DEACTIVATED"
    session.commit(state="INACTIVE")
    if untold is not None:
        charging.tell_soon(ports, untold.ref)
    await _told(session, ports.pcf.delete(context.policy, SmPolicyDeleteData()))
    await _told(session, ports.uecm(context.supi).smf_deregistration(context.supi, context.pdu_session_id))
    await _told(session, ports.sdm(context.supi).unsubscribe(context.supi, context.sdm_subscription))


async def _told(session: PduSession, call: Awaitable[None]) -> None:
    try:
        await call
    except Problem as problem:
        session.runtime.report(session, "release", problem, f"not released: {problem}")


@collision((ue_requested_release, network_requested_release, sm_context_release), SmContextCreated)
def _(session: PduSession, created: SmContextCreated) -> Verdict:
    """The UE begins anew: it has no use for the rest of the release."""
    return ABORT
