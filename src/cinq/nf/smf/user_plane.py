"""A session's rules at its UPF: TS 23.502 §4.4.1, TS 29.244 §5.2. PDR and FAR 1 are uplink, 2 downlink; one QER."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address

from cinq.nf.smf.context import SmContext
from cinq.nf.smf.messages import QFI
from cinq.nf.smf.n4 import N4Error
from cinq.nf.smf.session import AnTunnel, PduSession
from cinq.wire import pfcp
from cinq.wire.pfcp import ApplyAction, Interface

UPLINK, DOWNLINK, SESSION_AMBR = 1, 2, 1
FORWARD = ApplyAction(ApplyAction.FORW)
BUFFER = ApplyAction(ApplyAction.BUFF)
BUFFER_AND_NOTIFY = ApplyAction(ApplyAction.BUFF | ApplyAction.NOCP)
RESTORATION = pfcp.PfcpFlags(1)
"""RESTI of PFCPSEReq-Flags: the F-TEID is one that the UPF gave before it failed (TS 23.527 §4.3.2)."""
_ACCEPTED = pfcp.Cause.REQUEST_ACCEPTED
_ACCESS, _CORE, _IPV4 = Interface.ACCESS, Interface.CORE, pfcp.PdnType.IPV4
_OPEN = pfcp.GateStatus()
_REMOVE_GTPU = pfcp.OuterHeaderRemoval(0)
_ANY_FTEID = pfcp.FTeid.choose()


async def establish(session: PduSession, far: pfcp.CreateFar, f_teid: pfcp.FTeid | None = None) -> pfcp.FTeid:
    """PFCP session establishment on the session's UPF. N4Error when there is no such session afterwards.

    far: of the downlink. f_teid: the N3 end to be restored, None for one of the UPF's choice. Returns the N3 end;
    the UPF's SEID is in the context.
    """
    context, ports = session.context, session.ports
    association = ports.associations.get(context.upf)
    if association is None or not association.is_usable:
        raise N4Error(f"no PFCP association with {context.upf}")
    request = _establishment_request(session, far, f_teid)
    response = await ports.n4.request(
        request, pfcp.SessionEstablishmentResponse, association.peer, 0, session.label
    )
    if response.cause != _ACCEPTED or response.up_f_seid is None:
        raise N4Error(f"session establishment: cause {response.cause}", response.cause)
    given = f_teid or _created(response)
    session.epoch = association.context.epoch
    if given is None or given.teid is None or given.ipv4 is None:
        session.note(up_seid=response.up_f_seid.seid)
        await delete(session)
        raise N4Error("session establishment: no F-TEID of IPv4 for N3")
    session.note(up_seid=response.up_f_seid.seid, teid=given.teid, n3_address=int(given.ipv4))
    return given


def _created(response: pfcp.SessionEstablishmentResponse) -> pfcp.FTeid | None:
    for pdr in response.created_pdrs:
        if pdr.pdr_id == UPLINK:
            return pdr.f_teid
    return None


def _establishment_request(
    session: PduSession, far: pfcp.CreateFar, f_teid: pfcp.FTeid | None
) -> pfcp.SessionEstablishmentRequest:
    context, n4 = session.context, session.ports.n4
    return pfcp.SessionEstablishmentRequest(
        node_id=n4.node_id,
        cp_f_seid=n4.f_seid(context.seid),
        create_pdrs=_pdrs(context.ipv4, _instance(context.dnn), f_teid or _ANY_FTEID),
        create_fars=[_uplink_far(context.dnn), far],
        create_qers=[_session_ambr(context.qos.ambr_uplink_bps, context.qos.ambr_downlink_bps)],
        pdn_type=_IPV4,
        dnn=context.dnn,
        sereq_flags=RESTORATION if f_teid is not None else None,
        s_nssai=context.s_nssai,
    )


# What many sessions have in common is made once; nobody changes it.


@lru_cache(256)
def _instance(dnn: str) -> pfcp.NetworkInstance:
    return pfcp.NetworkInstance(dnn)


@lru_cache(256)
def _uplink_far(dnn: str) -> pfcp.CreateFar:
    to_core = pfcp.ForwardingParameters(destination_interface=_CORE, network_instance=_instance(dnn))
    return pfcp.CreateFar(far_id=UPLINK, apply_action=FORWARD, forwarding_parameters=to_core)


@lru_cache(256)
def _session_ambr(uplink_bps: int, downlink_bps: int) -> pfcp.CreateQer:
    """The session AMBR as MBR in kbit/s, rounded up, and the QFI that marks downlink packets."""
    rate = pfcp.BitRate(-(-uplink_bps // 1000), -(-downlink_bps // 1000))
    return pfcp.CreateQer(qer_id=SESSION_AMBR, gate_status=_OPEN, mbr=rate, qfi=QFI)


def _pdrs(ue: IPv4Address, instance: pfcp.NetworkInstance, f_teid: pfcp.FTeid) -> list[pfcp.CreatePdr]:
    """Uplink packets by the N3 tunnel, downlink packets by the UE's address."""
    from_access = pfcp.Pdi(
        source_interface=_ACCESS,
        f_teid=f_teid,
        network_instance=instance,
        ue_ip_addresses=[pfcp.UeIpAddress(ue)],
        qfis=[QFI],
    )
    from_core = pfcp.Pdi(
        source_interface=_CORE,
        network_instance=instance,
        ue_ip_addresses=[pfcp.UeIpAddress(ue, destination=True)],
    )
    uplink = pfcp.CreatePdr(
        pdr_id=UPLINK,
        precedence=255,
        pdi=from_access,
        outer_header_removal=_REMOVE_GTPU,
        far_id=UPLINK,
        qer_ids=[SESSION_AMBR],
    )
    downlink = pfcp.CreatePdr(
        pdr_id=DOWNLINK, precedence=255, pdi=from_core, far_id=DOWNLINK, qer_ids=[SESSION_AMBR]
    )
    return [uplink, downlink]


def downlink_far(an: AnTunnel | None, *, notify: bool) -> pfcp.CreateFar:
    """Downlink packets go to the gNB where it is known, else wait (and the first of them is reported)."""
    if an is None:
        return pfcp.CreateFar(far_id=DOWNLINK, apply_action=BUFFER_AND_NOTIFY if notify else BUFFER)
    parameters = pfcp.ForwardingParameters(
        destination_interface=_ACCESS,
        outer_header_creation=pfcp.OuterHeaderCreation.gtpu(an.teid, an.address),
    )
    return pfcp.CreateFar(far_id=DOWNLINK, apply_action=FORWARD, forwarding_parameters=parameters)


async def forward(session: PduSession, an: AnTunnel) -> None:
    """Downlink packets, waiting ones first, go to the gNB. N4Error when the UPF does not say so."""
    parameters = pfcp.UpdateForwardingParameters(
        destination_interface=_ACCESS,
        outer_header_creation=pfcp.OuterHeaderCreation.gtpu(an.teid, an.address),
    )
    far = pfcp.UpdateFar(far_id=DOWNLINK, apply_action=FORWARD, forwarding_parameters=parameters)
    await _modify(session, pfcp.SessionModificationRequest(update_fars=[far]))
    session.an = an


async def buffer(session: PduSession, *, drop_waiting: bool = False) -> None:
    """Downlink packets wait, and the first is reported. N4Error when the UPF does not say so."""
    far = pfcp.UpdateFar(far_id=DOWNLINK, apply_action=BUFFER_AND_NOTIFY)
    flags = pfcp.SmReqFlags(pfcp.SmReqFlags.DROBU) if drop_waiting else None
    session.an = None
    await _modify(session, pfcp.SessionModificationRequest(update_fars=[far], smreq_flags=flags))


async def _modify(session: PduSession, request: pfcp.SessionModificationRequest) -> None:
    context, ports = session.context, session.ports
    association = ports.associations.get(context.upf)
    if association is None or not is_at_upf(session):
        raise N4Error(f"{context.upf} does not have the session")
    response = await ports.n4.request(
        request, pfcp.SessionModificationResponse, association.peer, context.up_seid, session.label
    )
    if response.cause == _ACCEPTED:
        return
    if response.cause == pfcp.Cause.SESSION_CONTEXT_NOT_FOUND:
        session.epoch = 0
    raise N4Error(f"session modification: cause {response.cause}", response.cause)


def is_at_upf(session: PduSession) -> bool:
    """Whether the UPF has the session, as far as we know."""
    association = session.ports.associations.get(session.context.upf)
    return association is not None and session.epoch != 0 and session.epoch == association.context.epoch


async def delete(session: PduSession) -> None:
    """The session at the UPF ends. Whatever the UPF answers, it is not used again."""
    context, ports = session.context, session.ports
    association = ports.associations.get(context.upf)
    if association is None or not is_at_upf(session):
        return
    session.epoch = 0
    session.an = None
    try:
        await ports.n4.request(
            pfcp.SessionDeletionRequest(),
            pfcp.SessionDeletionResponse,
            association.peer,
            context.up_seid,
            session.label,
        )
    except N4Error as error:
        session.runtime.report(session, "", error, f"session deletion: {error}")


def n3_end(context: SmContext) -> pfcp.FTeid:
    return pfcp.FTeid(context.teid, context.n3_ipv4)
