"""Warning message transmission, TS 38.413 §8.9, TS 23.041 §9.1.3.5: what `cinq warn` wants broadcast."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from cinq.nf.amf import journal, signals
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.association import Access, Ran
from cinq.nf.amf.warnings import Result, Warning
from cinq.procedure import Declined, Timer, TimerExpired, Why, procedure
from cinq.wire import ngap

WARNING_GUARD = Timer("Write-Replace Warning guard", 5.0, retransmissions=0)

R = TypeVar("R", ngap.WriteReplaceWarningResponse, ngap.PWSCancelResponse)
RESPONSES = (ngap.WriteReplaceWarningResponse, ngap.PWSCancelResponse)


def look(access: Access, now: float) -> None:
    """What the operator wants by now goes to the gNBs; what is over is forgotten. Called each second."""
    for warning in list(access.warnings.all()):
        if warning.state == "wanted":
            begin(access, warning, now)
        elif warning.state == "unwanted":
            end(access, warning, now)
        elif warning.over(now):
            access.warnings.forget(warning)


def begin(access: Access, warning: Warning, now: float) -> None:
    rans = concerned(access, warning)
    told = access.warnings.changed(warning, "broadcast", now, tuple(ran.label for ran in rans))
    for ran in rans:
        ran.want_beside(signals.Warn(told))


def end(access: Access, warning: Warning, now: float) -> None:
    rans = concerned(access, warning)
    told = access.warnings.changed(warning, "cancelled", now, tuple(ran.label for ran in rans))
    for ran in rans:
        ran.want_beside(signals.StopWarning(told))


def tell_newcomer(ran: Ran, *, anew: bool) -> None:
    """A gNB that is set up (anew), or serves other tracking areas, while warnings run in them gets those too.

    A warning is for the cells of its area (TS 23.041 §9.1.3.5.2). A gNB that broadcasts it still, or asks for it
    besides by PWS RESTART INDICATION, begins nothing anew (§8.9.1.2).
    """
    now = ran.runtime.clock.now()
    for warning in list(ran.access.warnings.all()):
        if not warning.runs(now) or area_of(ran, warning) == []:
            continue
        if anew or ran.label not in warning.told:
            told = ran.access.warnings.told(warning, ran.label)
            ran.want_beside(signals.Warn(told.rest(now)))


def concerned(access: Access, warning: Warning) -> list[Ran]:
    """The gNBs that serve one of its tracking areas."""
    return [ran for ran in access.rans if ran.context.is_set_up and area_of(ran, warning) != []]


def area_of(ran: Ran, warning: Warning) -> list[ngap.TAI] | None:
    """The tracking areas there, None for all of the gNB."""
    if not warning.tacs:
        return None
    return [elements.tai(tai) for tai, _ in ran.context.tais if tai.tac in warning.tacs]


@procedure(opens=signals.Warn)
async def write_replace_warning(ran: Ran, wanted: signals.Warn) -> None:
    """§8.9.1.2. A gNB that names no area broadcasts it nowhere. A warning type is the primary notification of ETWS."""
    warning, area = wanted.warning, area_of(ran, wanted.warning)
    ran.send(
        ngap.WriteReplaceWarningRequest(
            message_identifier=warning.identifier,
            serial_number=warning.serial,
            warning_area_list=None if area is None else ("tAIListForWarning", area),
            repetition_period=warning.repeat_s,
            number_of_broadcasts_requested=warning.number,
            warning_type=warning.etws or None,
            warning_security_info=warning.security or None,
            data_coding_scheme=warning.coding if warning.contents else None,
            warning_message_contents=warning.contents or None,
            concurrent_warning_message_ind=None if warning.replaces else "true",
        )
    )
    answer = await answered(ran, warning, ngap.WriteReplaceWarningResponse)
    if answer is not None:
        cells = completed(answer.broadcast_completed_area_list)
        record(ran, warning, cells, "broadcast" if cells else "not broadcast: the gNB names no cell")


@procedure(opens=signals.StopWarning)
async def pws_cancel(ran: Ran, wanted: signals.StopWarning) -> None:
    """§8.9.2.2. A gNB that names no area did not broadcast it any more."""
    warning, area = wanted.warning, area_of(ran, wanted.warning)
    ran.send(
        ngap.PWSCancelRequest(
            message_identifier=warning.identifier,
            serial_number=warning.serial,
            warning_area_list=None if area is None else ("tAIListForWarning", area),
        )
    )
    answer = await answered(ran, warning, ngap.PWSCancelResponse)
    if answer is not None:
        cells = cancelled(answer.broadcast_cancelled_area_list)
        record(ran, warning, cells, "cancelled" if cells else "was not broadcast any more")


async def answered(ran: Ran, warning: Warning, kind: type[R]) -> R | None:
    """The answer about this warning: several may be under way at a time. None: the gNB is silent, which is recorded."""
    try:
        return await ran.expect(kind, timer=WARNING_GUARD, fits=partial(is_about, warning))
    except TimerExpired:
        record(ran, warning, 0, "no answer")
        return None
    except Declined as declined:
        record(ran, warning, 0, f"refused: {declined.reason}")
        return None


def is_about(warning: Warning, message: object) -> bool:
    assert isinstance(message, RESPONSES)
    return (message.message_identifier, message.serial_number) == (warning.identifier, warning.serial)


def record(ran: Ran, warning: Warning, cells: int, text: str) -> None:
    ran.access.warnings.record(warning, Result(ran.label, cells, text))
    journal.note(ran, f"warning {warning.key}: {text}, cells: {cells}")


def completed(area: ngap.BroadcastCompletedAreaList | None) -> int:
    """How many NR cells."""
    if area is None:
        return 0
    if area[0] == "cellIDBroadcastNR":
        return len(area[1])
    if area[0] == "tAIBroadcastNR":
        return sum(len(item.completed_cells_in_tai_nr) for item in area[1])
    if area[0] == "emergencyAreaIDBroadcastNR":
        return sum(len(item.completed_cells_in_eai_nr) for item in area[1])
    return 0


def cancelled(area: ngap.BroadcastCancelledAreaList | None) -> int:
    if area is None:
        return 0
    if area[0] == "cellIDCancelledNR":
        return len(area[1])
    if area[0] == "tAICancelledNR":
        return sum(len(item.cancelled_cells_in_tai_nr) for item in area[1])
    if area[0] == "emergencyAreaIDCancelledNR":
        return sum(len(item.cancelled_cells_in_eai_nr) for item in area[1])
    return 0


@procedure(opens=ngap.PWSRestartIndication)
async def pws_restart(ran: Ran, indication: ngap.PWSRestartIndication) -> None:
    """§8.9.3.2, TS 23.527 §6.3: what runs in the areas that lost it is sent again. Cells that have it go on with it."""
    lost = {elements.tac_of(tai) for tai in indication.tai_list_for_restart or ()}
    now = ran.runtime.clock.now()
    for warning in ran.access.warnings.all():
        if warning.runs(now) and (not warning.tacs or lost.intersection(warning.tacs)):
            ran.want_beside(signals.Warn(warning.rest(now)))


@procedure(opens=ngap.PWSFailureIndication)
async def pws_failure(ran: Ran, indication: ngap.PWSFailureIndication) -> None:
    """§8.9.4.2: the operator is to know. The gNB says by PWS RESTART INDICATION when it can broadcast again."""
    failed = indication.pws_failed_cell_id_list
    cells = len(failed[1]) if failed else 0
    now = ran.runtime.clock.now()
    for warning in ran.access.warnings.all():
        if warning.runs(now):
            ran.access.warnings.record(warning, Result(ran.label, 0, f"failed in {cells} cells"))
    journal.note(ran, Why(f"warnings fail in {cells} cells of {ran.label}", "see to the gNB's broadcast"))
