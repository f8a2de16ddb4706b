"""RRC re-establishment in another cell, TS 38.401 §8.7 and TS 38.423 §8.2.4: the context follows the UE."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cinq.numbering import GnbId
from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.procedures import intra_gnb_handover
from cinq.ran.gnb.procedures.xn_handover import information, take_sessions
from cinq.ran.gnb.signals import SwitchPath
from cinq.ran.gnb.xn import RetrieveUEContextFailure, RetrieveUEContextRequest, RetrieveUEContextResponse


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
    answer = n2.tell_neighbour(old_n2.identity, RetrieveUEContextRequest(old.ran_ue_ngap_id, cell))
    if not isinstance(answer, RetrieveUEContextResponse):
        return None
    source_ue, known = old.ran_ue_ngap_id, answer.ue

    def begin(ue: UeContext) -> None:
        ue.want(SwitchPath(old_n2.identity, source_ue, known.amf_ue_ngap_id, failed=tuple(failed.items())))

    ue, c_rnti = n2.connections.expect(cell, begin)
    ue.commit(**msgspec.structs.asdict(known.state))
    failed = take_sessions(n2, ue, known.sessions)
    n2.connections.arrives(c_rnti, cell)
    return ue, begin


def retrieved(
    n2: N2, message: RetrieveUEContextRequest, sender: GnbId
) -> RetrieveUEContextResponse | RetrieveUEContextFailure:
    """RETRIEVE UE CONTEXT REQUEST at the old gNB, §8.2.4."""
    ue = n2.ues.get(message.source_ue)
    if ue is None or ue.amf_ue_ngap_id is None or not ue.context.has_context:
        return RetrieveUEContextFailure(("radioNetwork", "unknown-local-UE-NGAP-ID"))
    ue.commit(leaving="xn-handover-triggered")
    return RetrieveUEContextResponse(information(ue, message.cell))
