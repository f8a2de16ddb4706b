"""Xn handover, TS 38.423 §8.2.1 to §8.2.3 and §8.2.7, TS 38.300 §9.2.3.2: the source, and what the target answers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cinq.numbering import GnbId
from cinq.procedure import Refused, Why, procedure
from cinq.ran.gnb.context import CellId, PdcpCounts, PduSession, Tunnel, TunnelEnd, UeState
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import UNREACHABLE, Unsuccessful, algorithms, said
from cinq.ran.gnb.n2.reasons import why
from cinq.ran.gnb.procedures.handover_preparation import history, overall_expired
from cinq.ran.gnb.procedures.session_resources import admit_flows, secured
from cinq.ran.gnb.signals import HandOverByXn, SwitchPath
from cinq.ran.gnb.xn import (
    HandoverCancel,
    HandoverPreparationFailure,
    HandoverRequest,
    HandoverRequestAcknowledge,
    SNStatusTransfer,
    UeContextInformation,
    UEContextRelease,
)
from cinq.ran.radio import rrc
from cinq.wire import ngap

# the source


@procedure(opens=HandOverByXn)
async def xn_handover(ue: UeContext, wanted: HandOverByXn) -> None:
    """TS 23.502 §4.9.1.2.2 as the source has it. Refused: the UE stays."""
    ue.require()
    n2, target = ue.n2, wanted.target
    ue.commit(leaving="xn-handover-triggered")
    request = HandoverRequest(
        ue.ran_ue_ngap_id,
        target,
        wanted.cause,
        information(ue, target),
        rrc.HANDOVER_PREPARATION_INFORMATION,
    )
    answer = n2.tell_neighbour(target.gnb, request)
    if not isinstance(answer, HandoverRequestAcknowledge):
        ue.commit(leaving=None)
        reason = Why(
            f"there is no Xn to gNB {target.gnb}", "start both gNBs in one cinq gnb, or hand over by N2"
        )
        if isinstance(answer, HandoverPreparationFailure):
            reason = why("Xn Handover Preparation Failure", answer.cause, n2.ports.settings, target)
        raise Refused(answer, reason)
    target_ue, container = answer.target_ue, answer.rrc_container

    def left(counts: Mapping[int, PdcpCounts]) -> None:
        n2.tell_neighbour(target.gnb, SNStatusTransfer(target_ue, dict(counts)))

    ue.relocates(
        n2.ports.settings.t_ng_reloc_overall_s, lambda: overall_expired(ue, "txnrelocoverall-expiry")
    )
    if not ue.link.hand_over(target, container, left, answer.forwarding):
        ue.stays()
        ue.commit(leaving=None)
        n2.tell_neighbour(
            target.gnb, HandoverCancel(answer.target_ue, ("radioNetwork", "handover-cancelled"))
        )
        raise Refused(None, f"the UE did not arrive in {target}")


def information(ue: UeContext, cell: CellId) -> UeContextInformation:
    """What the other gNB needs; the key is that of the cell (TS 33.501 §6.9.2.3.2)."""
    assert ue.amf_ue_ngap_id is not None
    state = msgspec.structs.replace(
        ue.context,
        amf_ue_ngap_id=None,
        keys=ue.context.keys.for_target(cell.pci, cell.arfcn),
        leaving=None,
        inactive=False,
        history=tuple(history(ue)),
    )
    return UeContextInformation(ue.amf_ue_ngap_id, state, dict(ue.sessions))


def released(n2: N2, message: UEContextRelease, sender: GnbId) -> None:
    """UE CONTEXT RELEASE, §8.2.7: nothing is said on N2, the AMF knows."""
    ue = n2.ues.get(message.source_ue)
    if ue is not None:
        n2.forget(ue, "successful handover")


# the target


def requested(
    n2: N2, message: HandoverRequest, sender: GnbId
) -> HandoverRequestAcknowledge | HandoverPreparationFailure:
    """HANDOVER REQUEST, §8.2.1: session by session, flow by flow, as an N2 handover is."""
    try:
        if message.target not in n2.cells:
            raise Unsuccessful(("radioNetwork", "cell-not-available"))
        denied = n2.ports.admission.handover(message.target)
        if denied is not None:
            raise Unsuccessful(denied)
        state = message.ue.state
        if state.capabilities is None:
            raise Unsuccessful(("radioNetwork", "ue-context-transfer"))
        integrity, ciphering = algorithms(state.capabilities)
    except Unsuccessful as refused:
        return HandoverPreparationFailure(message.source_ue, refused.cause)
    failed: dict[int, ngap.Cause] = {}

    def arrived(ue: UeContext) -> None:
        ue.want(
            SwitchPath(sender, message.source_ue, message.ue.amf_ue_ngap_id, failed=tuple(failed.items()))
        )

    ue, c_rnti = n2.connections.expect(message.target, arrived)
    ue.commit(**_changes(state, integrity, ciphering))
    failed |= take_sessions(n2, ue, message.ue.sessions)
    if message.ue.sessions and not ue.sessions:
        n2.forget(ue, "no session admitted")
        return HandoverPreparationFailure(message.source_ue, next(iter(failed.values())))
    return HandoverRequestAcknowledge(
        message.source_ue,
        ue.ran_ue_ngap_id,
        {psi: session.qfis for psi, session in ue.sessions.items()},
        failed,
        {psi: TunnelEnd(n2.ports.bearers.ends, s.tunnel.forwarding) for psi, s in ue.sessions.items()},
        rrc.encode(rrc.HandoverCommand(c_rnti, state.keys.used_ncc, new_key=state.keys.used_new_key)),
    )


def _changes(state: UeState, integrity: int, ciphering: int) -> dict[str, object]:
    changes = msgspec.structs.asdict(state)
    return changes | {"nr_integrity": integrity, "nr_ciphering": ciphering}


def take_sessions(n2: N2, ue: UeContext, sessions: dict[int, PduSession]) -> dict[int, ngap.Cause]:
    """The sessions of another gNB, with tunnels of our own. Returns those that are not admitted, and why."""
    failed: dict[int, ngap.Cause] = {}
    for psi, session in sessions.items():
        try:
            ue.put(psi, _taken(n2, psi, session))
        except Unsuccessful as refused:
            failed[psi] = refused.cause
    return failed


def _taken(n2: N2, psi: int, session: PduSession) -> PduSession:
    if session.s_nssai is not None and session.s_nssai not in n2.ports.settings.slices:
        raise Unsuccessful(("radioNetwork", "slice-not-supported"))
    denied = n2.ports.admission.session(psi, session)
    if denied is not None:
        raise Unsuccessful(denied)
    security = None if session.security is None else secured(n2.ports.settings, session.security.wanted)
    flows, refused = admit_flows(n2, psi, session.flows)
    if not flows:
        raise Unsuccessful(next(iter(refused.values())))
    qfis = tuple(flow.qfi for flow in flows)
    bearers, known = n2.ports.bearers, session.tunnel
    if bearers.ends.beside(known.upf) is None:
        raise Unsuccessful(UNREACHABLE)
    tunnel = Tunnel(known.upf, known.ul_teid, bearers.allocate_teid(), qfis, bearers.allocate_teid())
    return msgspec.structs.replace(session, flows=flows, tunnel=tunnel, security=security)


def status(n2: N2, message: SNStatusTransfer, sender: GnbId) -> None:
    """SN STATUS TRANSFER, §8.2.2."""
    ue = n2.ues.get(message.target_ue)
    if ue is not None:
        ue.counts_told(message.counts)


def cancelled(n2: N2, message: HandoverCancel, sender: GnbId) -> None:
    """HANDOVER CANCEL, §8.2.3: what was made ready is given up."""
    ue = n2.ues.get(message.target_ue)
    if ue is not None and n2.connections.awaits(ue):
        n2.forget(ue, said(message.cause))
