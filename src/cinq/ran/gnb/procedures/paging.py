"""Paging, TS 38.413 §8.5.1."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.n2.elements import s_tmsi_of, tai
from cinq.wire import ngap


def received(n2: N2, message: ngap.Paging) -> None:
    """PAGING, in the cells of the tracking areas. Both IEs may be missing (§10.3.5): nobody is paged, or anywhere."""
    area: list[ngap.TAIListForPagingItem] | None = message.tai_list_for_paging
    cells = n2.cells
    if area is not None:
        wanted = [item.tai for item in area]
        cells = tuple(cell for cell in cells if tai(cell.tai) in wanted)
    identity: ngap.UEPagingIdentity | None = message.ue_paging_identity
    if cells and identity is not None and identity[0] == "fiveG-S-TMSI":
        n2.ports.radio.page(s_tmsi_of(identity[1]), cells)
