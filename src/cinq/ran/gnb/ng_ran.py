"""The gNBs of one process, as a radio access network: the cells that a UE can go to, and the Xn between gNBs."""

from __future__ import annotations

from cinq.numbering import GnbId
from cinq.ran.gnb.cell import NrCell
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.xn.association import Xn


class NgRan:
    """TS 38.401 §6.1. xn: whether gNBs that are added are neighbours of those that are here already."""

    def __init__(self, xn: bool = True) -> None:
        self.cells: dict[int, NrCell] = {}
        self._xn = xn
        self._gnbs: dict[GnbId, N2] = {}

    def add(self, n2: N2, cells: list[NrCell]) -> None:
        """ValueError: a gNB of this identity, or a cell of this NR cell identity, is here already."""
        if n2.identity in self._gnbs:
            raise ValueError(f"gnb_id: gNB {n2.identity} is there twice")
        for cell in cells:
            if cell.identity.nci in self.cells:
                raise ValueError(f"cell: NR cell identity {cell.identity.nci:09x} is there twice")
        if self._xn:
            for other in self._gnbs.values():
                connect(n2, other)
        self._gnbs[n2.identity] = n2
        self.cells |= {cell.identity.nci: cell for cell in cells}

    def remove(self, n2: N2) -> None:
        """Idempotent."""
        if self._gnbs.pop(n2.identity, None) is None:
            return
        self.cells = {nci: cell for nci, cell in self.cells.items() if cell.site.n2 is not n2}
        for xn in n2.neighbours:
            if xn.peer is not None:  # those by SCTP hear of it there
                disconnect(xn)


def connect(one: N2, other: N2) -> Xn:
    """Xn between two gNBs of this process, the end at `one`; that which is there already where there is one."""
    for found in one.neighbours:
        if found.peer is not None and found.peer.node is other:
            return found
    xn, far = Xn(one), Xn(other)
    xn.joined(far)
    far.joined(xn)
    one.neighbours.all.append(xn)
    other.neighbours.all.append(far)
    return xn


def disconnect(xn: Xn) -> None:
    """The interface is taken away at both ends."""
    peer = xn.peer
    xn.lost("taken away")
    if peer is not None:
        peer.lost("taken away")
