"""RRC re-establishment in another cell, TS 38.401 §8.7 and TS 38.423 §8.2.4: the context follows the UE."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cinq.ran.gnb.context import CellId, UeState
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.connections import Connections
from cinq.ran.gnb.n2.elements import Unsuccessful, algorithms
from cinq.ran.gnb.procedures import intra_gnb_handover
from cinq.ran.gnb.procedures.handover_preparation import history
from cinq.ran.gnb.procedures.xn_handover import amf_of, take_sessions
from cinq.ran.gnb.signals import SwitchPath
from cinq.ran.gnb.xn import ue_information
from cinq.ran.gnb.xn.association import Xn
from cinq.ran.gnb.xn.elements import Unreadable
from cinq.ran.radio import rrc
from cinq.wire import xnap

NOT_KNOWN: xnap.Cause = ("radioNetwork", "ue-context-id-not-known")


def re_establish(
    n2: N2, cell: CellId, old_n2: N2, old: UeContext
) -> tuple[UeContext, Callable[[UeContext], None]] | None:
    """The connection that the UE has in the cell, its old one where the gNB is the same; and what is due then.

    None: the gNB of the cell gets no context of it, and the UE has to begin anew.
    """
    if not old.context.has_context:
        return None
    if n2 is old_n2:
        return old, lambda ue: intra_gnb_handover.moved(ue, cell)
    xn = n2.xn(old_n2.identity)
    if xn is None:
        return None
    wanted: list[SwitchPath] = []

    def begin(ue: UeContext) -> None:
        ue.want(wanted[0])

    ue, c_rnti = n2.connections.expect(cell, begin)
    answer = xn.at_once(request(ue, old))
    switch = None
    if isinstance(answer, xnap.RetrieveUEContextResponse):
        switch = _retrieved(n2, xn, ue, answer)
    if switch is None:
        n2.forget(ue, "no UE context")
        return None
    wanted.append(switch)
    n2.connections.arrives(c_rnti, cell)
    return ue, begin


def request(ue: UeContext, old: UeContext) -> xnap.RetrieveUEContextRequest:
    """RETRIEVE UE CONTEXT REQUEST, §9.1.1.8, with what the UE says in RRC (TS 38.331 §5.3.7.4)."""
    c_rnti, cell = Connections.c_rnti(old), ue.cell
    return xnap.RetrieveUEContextRequest(
        new_ng_ran_node_ue_xnap_id=ue.ran_ue_ngap_id,
        ue_context_id=(
            "rRRCReestablishment",
            xnap.UEContextIDforRRCReestablishment(c_rnti=c_rnti, failure_cell_pci=("nr", old.cell.pci)),
        ),
        mac_i=_short_mac(old, cell.nci),
        new_ng_ran_cell_identity=("nr", cell.nci),
    )


def _short_mac(ue: UeContext, nci: int) -> int:
    known = ue.context
    return rrc.short_mac_i(ue.kgnb, known.nr_integrity, ue.cell.pci, nci, Connections.c_rnti(ue))


def _retrieved(n2: N2, xn: Xn, ue: UeContext, answer: xnap.RetrieveUEContextResponse) -> SwitchPath | None:
    """The context is the UE's. None: it cannot be used."""
    told = answer.ue_context_info_retr_ue_ctxt_resp
    try:
        capabilities = ue_information.capabilities_of(told.ue_security_capabilities)
        integrity, ciphering = algorithms(capabilities)
        state = UeState(
            has_context=True,
            guami=ue_information.guami_of(answer.guami),
            keys=ue_information.keys_of(told.security_information),
            capabilities=capabilities,
            nr_integrity=integrity,
            nr_ciphering=ciphering,
            ambr=ue_information.ambr_of(told.ue_ambr),
            mobility_restriction=ue_information.restriction_of(
                told.five_gc_mobility_restriction_list_container, told.mobility_restriction_list
            ),
            location_reports=ue_information.location_reporting_of(answer.location_reporting_information),
            history=ue_information.history_of(answer.ue_history_information or ()),
        )
        sessions = ue_information.sessions_of(
            told.pdu_session_resources_to_be_setup_list, n2.ports.bearers.ends
        )
    except (Unreadable, Unsuccessful):
        return None
    ue.comes_by(xn, answer.old_ng_ran_node_ue_xnap_id)
    ue.commit(**msgspec.structs.asdict(state))
    failed = take_sessions(n2, ue, sessions, frozenset())
    return SwitchPath(told.ng_c_ue_signalling_ref, failed=tuple(failed.items()))


def retrieve(n2: N2, xn: Xn, message: xnap.RetrieveUEContextRequest) -> None:
    """RETRIEVE UE CONTEXT REQUEST at the old gNB, §8.2.4."""
    xn.send(answer(n2, xn, message))


def answer(
    n2: N2, xn: Xn, message: xnap.RetrieveUEContextRequest
) -> xnap.RetrieveUEContextResponse | xnap.RetrieveUEContextFailure:
    """The context of the UE, where it proves by its MAC that it is that UE, and the cell is one of the neighbour's."""
    new, cell = message.new_ng_ran_node_ue_xnap_id, _new_cell(xn, message)
    ue = None if cell is None else _meant(n2, message, cell)
    if cell is None or ue is None:
        return xnap.RetrieveUEContextFailure(new_ng_ran_node_ue_xnap_id=new, cause=NOT_KNOWN)
    known = ue.context
    assert known.guami is not None
    assert known.capabilities is not None
    assert ue.amf_ue_ngap_id is not None
    told = xnap.UEContextInfoRetrUECtxtResp(
        ng_c_ue_signalling_ref=ue.amf_ue_ngap_id,
        signalling_tnl_at_source=amf_of(ue),
        ue_security_capabilities=ue_information.capabilities(known.capabilities),
        security_information=ue_information.security(known.keys.for_target(cell.pci, cell.arfcn)),
        ue_ambr=ue_information.ambr(known.ambr),
        pdu_session_resources_to_be_setup_list=ue_information.sessions(ue.sessions),
        rrc_context=rrc.HANDOVER_PREPARATION_INFORMATION,
        five_gc_mobility_restriction_list_container=ue_information.restriction(known.mobility_restriction),
        no_pdu_session_indication=None if ue.sessions else "true",
    )
    ue.commit(leaving="xn-handover-triggered")
    ue.goes_by(xn, new)
    return xnap.RetrieveUEContextResponse(
        new_ng_ran_node_ue_xnap_id=new,
        old_ng_ran_node_ue_xnap_id=ue.ran_ue_ngap_id,
        guami=ue_information.guami(known.guami),
        ue_context_info_retr_ue_ctxt_resp=told,
        location_reporting_information=ue_information.location_reporting(known.location_reports),
        ue_history_information=ue_information.history(history(ue)),
    )


def _new_cell(xn: Xn, message: xnap.RetrieveUEContextRequest) -> CellId | None:
    wanted = message.new_ng_ran_cell_identity
    return next((cell for cell in xn.cells if wanted == ("nr", cell.nci)), None)


def _meant(n2: N2, message: xnap.RetrieveUEContextRequest, cell: CellId) -> UeContext | None:
    """By C-RNTI and PCI, with the right MAC; several may have the same C-RNTI."""
    told = message.ue_context_id
    if told[0] != "rRRCReestablishment" or told[1].failure_cell_pci[0] != "nr":
        return None
    for ue in n2.connections.known_as(told[1].c_rnti, told[1].failure_cell_pci[1]):
        known = ue.context
        ready = (
            known.has_context
            and known.nr_integrity
            and known.guami is not None
            and known.capabilities is not None
        )
        if ready and ue.amf_ue_ngap_id is not None and _short_mac(ue, cell.nci) == message.mac_i:
            return ue
    return None
