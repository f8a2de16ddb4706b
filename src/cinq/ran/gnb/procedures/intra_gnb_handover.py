"""From one cell to another of the same gNB, TS 38.300 §9.2.3: the AMF hears of it only where it asked to."""

from __future__ import annotations

from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.n2 import UeContext
from cinq.ran.gnb.procedures import location_reporting


def moved(ue: UeContext, cell: CellId) -> None:
    """The UE is in the cell now, with the key of that cell (TS 33.501 §6.9.2.3.1)."""
    before = ue.cell
    ue.commit(keys=ue.context.keys.for_target(cell.pci, cell.arfcn))
    ue.enters(cell)
    location_reporting.moved(ue, before)
