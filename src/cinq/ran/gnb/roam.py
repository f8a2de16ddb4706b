"""UEs on the move: each connected UE goes from cell to cell, as phones in a train do."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cinq.procedure import Aborted, Refused, TimerExpired
from cinq.ran.gnb.cell import CellLink, NrCell
from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.gnb import Gnb

log = logging.getLogger("cinq.ran.gnb")


async def roam(gnbs: Sequence[Gnb]) -> tuple[int, int]:
    """Every UE goes to the next cell: of all of these gNBs, then of their neighbours. Connected by a handover, idle by
    reselection.

    Returns how many went, and how many handovers failed.
    """
    cells: list[NrCell | CellId] = [cell for gnb in gnbs for cell in gnb.cells]
    cells += [cell for gnb in gnbs for xn in gnb.n2.neighbours if xn.peer is None for cell in xn.cells]
    cells = list(dict.fromkeys(cells))
    went = failed = 0
    for link in [link for gnb in gnbs for link in gnb.links]:
        target = _next(cells, link)
        if target is None:
            continue
        if await _go(gnbs, link, target):
            went += 1
        else:
            failed += 1
    return went, failed


def _next(cells: Sequence[NrCell | CellId], link: CellLink) -> NrCell | CellId | None:
    """The cell after the UE's; one that is barred is passed by, one of a neighbour by who is idle. None: no other."""
    if link.cell not in cells:
        return None
    here = cells.index(link.cell)
    others = [*cells[here + 1 :], *cells[:here]]
    return next((cell for cell in others if _is_open(cell, link)), None)


def _is_open(cell: NrCell | CellId, link: CellLink) -> bool:
    return link.connected if isinstance(cell, CellId) else not cell.system_information().barred


async def _go(gnbs: Sequence[Gnb], link: CellLink, target: NrCell | CellId) -> bool:
    ue = link.context
    if ue is None:
        return isinstance(target, NrCell) and link.reselect(target.identity.nci)
    source = next(gnb for gnb in gnbs if gnb is link.gnb)
    try:
        if isinstance(target, NrCell):
            await source.hand_over(ue, target)
        else:
            await source.hand_over_away(ue, target)
    except (Refused, TimerExpired, Aborted, ValueError) as ended:
        log.warning("%s: handover to %s: %s", ue.label, target, ended)
        return False
    log.info("%s: handed over to %s", ue.label, target)
    return True
