"""Warning message transmission, TS 38.413 §8.9: what a cell broadcasts is remembered, by its two identities."""

from __future__ import annotations

from collections.abc import Iterable

from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.n2.elements import global_gnb_id, nr_cgi, tai
from cinq.ran.radio.port import Warning
from cinq.wire import ngap

_ETWS = range(4352, 4360)
"""Message identifiers of ETWS, TS 23.041 §9.4.1.2.2."""


def write_replace(n2: N2, message: ngap.WriteReplaceWarningRequest) -> None:
    """WRITE-REPLACE WARNING, §8.9.1."""
    cells = _area(n2, message.warning_area_list)
    if _broadcast(message):
        _begin(n2, cells, message)
    else:
        cells = ()
    n2.send(
        ngap.WriteReplaceWarningResponse(
            message_identifier=message.message_identifier,
            serial_number=message.serial_number,
            broadcast_completed_area_list=_completed(cells, message.warning_area_list),
        )
    )


def _begin(n2: N2, cells: tuple[CellId, ...], message: ngap.WriteReplaceWarningRequest) -> None:
    """In the cells that do not broadcast it already; the UEs there hear it."""
    new = []
    for cell in cells:
        key = (cell.nci, message.message_identifier, message.serial_number)
        if key in n2.warnings:
            continue
        if message.concurrent_warning_message_ind is None:
            _silence(n2, cell)
        n2.warnings[key] = message
        new.append(cell)
    for block in _blocks(message):
        n2.ports.radio.broadcast(tuple(new), block)


def broadcast_in(n2: N2, cell: CellId) -> list[Warning]:
    """What a UE that comes to the cell hears."""
    there = [message for key, message in n2.warnings.items() if key[0] == cell.nci]
    return [block for message in there for block in _blocks(message)]


def _blocks(message: ngap.WriteReplaceWarningRequest) -> list[Warning]:
    """The system information blocks of a warning, TS 38.331 §5.2.2.2.2: a warning type makes a primary notification of
    ETWS; contents go by their message identifier (TS 23.041 §9.4.1.2.2)."""
    identifier, serial = message.message_identifier, message.serial_number
    kind: bytes | None = message.warning_type
    contents: bytes | None = message.warning_message_contents
    blocks = []
    if kind is not None:
        blocks.append(Warning(6, identifier, serial, int.from_bytes(kind, "big")))
    if contents is not None:
        scheme = message.data_coding_scheme
        coding = 0 if scheme is None else scheme
        blocks.append(Warning(7 if identifier in _ETWS else 8, identifier, serial, 0, coding, contents))
    return blocks


def _broadcast(message: ngap.WriteReplaceWarningRequest) -> bool:
    """§8.9.1.4. Criticality allows both numbers to be missing; a primary notification is always broadcast."""
    if message.warning_type is not None:
        return True
    period: int | None = message.repetition_period
    number: int | None = message.number_of_broadcasts_requested
    if period == 0 and number != 1:
        return False
    return message.concurrent_warning_message_ind is not None or number != 0


def _silence(n2: N2, cell: CellId) -> list[tuple[int, int, int]]:
    gone = [key for key in n2.warnings if key[0] == cell.nci]
    for key in gone:
        del n2.warnings[key]
    return gone


def cancel(n2: N2, message: ngap.PWSCancelRequest) -> None:
    """PWS CANCEL, §8.9.2."""
    everything = message.cancel_all_warning_messages is not None
    cancelled = []
    for cell in _area(n2, message.warning_area_list):
        key = (cell.nci, message.message_identifier, message.serial_number)
        if (everything and _silence(n2, cell)) or (not everything and n2.warnings.pop(key, None) is not None):
            cancelled.append(cell)
    n2.send(
        ngap.PWSCancelResponse(
            message_identifier=message.message_identifier,
            serial_number=message.serial_number,
            broadcast_cancelled_area_list=_cancelled(tuple(cancelled), message.warning_area_list),
        )
    )


def restart_indication(n2: N2, cells: Iterable[CellId] | None = None) -> None:
    """PWS RESTART INDICATION, §8.9.3: what these cells (None: all) broadcast is lost, and may be loaded again."""
    gone = tuple(n2.cells if cells is None else cells)
    for cell in gone:
        _silence(n2, cell)
    areas = dict.fromkeys(cell.tai for cell in gone)
    n2.send(
        ngap.PWSRestartIndication(
            cell_id_list_for_restart=("nR-CGIListforRestart", [nr_cgi(cell) for cell in gone]),
            global_ran_node_id=global_gnb_id(n2.identity),
            tai_list_for_restart=[tai(area) for area in areas],
        )
    )


def failure_indication(n2: N2, cells: Iterable[CellId] | None = None) -> None:
    """PWS FAILURE INDICATION, §8.9.4: what these cells (None: all) broadcast has failed."""
    gone = tuple(n2.cells if cells is None else cells)
    for cell in gone:
        _silence(n2, cell)
    n2.send(
        ngap.PWSFailureIndication(
            pws_failed_cell_id_list=("nR-CGI-PWSFailedList", [nr_cgi(cell) for cell in gone]),
            global_ran_node_id=global_gnb_id(n2.identity),
        )
    )


def _area(n2: N2, area: ngap.WarningAreaList | None) -> tuple[CellId, ...]:
    """The cells that are meant; without an area all of them. Emergency areas are not configured here."""
    if area is None:
        return n2.cells
    if area[0] == "nR-CGIListForWarning":
        wanted = area[1]
        return tuple(cell for cell in n2.cells if nr_cgi(cell) in wanted)
    if area[0] == "tAIListForWarning":
        areas = area[1]
        return tuple(cell for cell in n2.cells if tai(cell.tai) in areas)
    return ()


def _completed(
    cells: tuple[CellId, ...], area: ngap.WarningAreaList | None
) -> ngap.BroadcastCompletedAreaList | None:
    """In the form of the area that was asked for. None: nowhere."""
    if not cells:
        return None
    if area is not None and area[0] == "tAIListForWarning":
        return "tAIBroadcastNR", [
            ngap.TAIBroadcastNRItem(
                tai=tai(one),
                completed_cells_in_tai_nr=[
                    ngap.CompletedCellsInTAINRItem(nr_cgi=nr_cgi(c)) for c in cells if c.tai == one
                ],
            )
            for one in dict.fromkeys(cell.tai for cell in cells)
        ]
    return "cellIDBroadcastNR", [ngap.CellIDBroadcastNRItem(nr_cgi=nr_cgi(cell)) for cell in cells]


def _cancelled(
    cells: tuple[CellId, ...], area: ngap.WarningAreaList | None
) -> ngap.BroadcastCancelledAreaList | None:
    if not cells:
        return None
    if area is not None and area[0] == "tAIListForWarning":
        return "tAICancelledNR", [
            ngap.TAICancelledNRItem(
                tai=tai(one),
                cancelled_cells_in_tai_nr=[
                    ngap.CancelledCellsInTAINRItem(nr_cgi=nr_cgi(c), number_of_broadcasts=0)
                    for c in cells
                    if c.tai == one
                ],
            )
            for one in dict.fromkeys(cell.tai for cell in cells)
        ]
    return "cellIDCancelledNR", [
        ngap.CellIDCancelledNRItem(nr_cgi=nr_cgi(cell), number_of_broadcasts=0) for cell in cells
    ]
