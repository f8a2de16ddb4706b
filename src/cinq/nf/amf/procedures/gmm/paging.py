"""Paging, TS 23.502 §4.2.3.3, TS 24.501 §5.6.2, TS 38.413 §8.5.1.

NOTIFICATION (TS 24.501 §5.6.3) is never sent: §5.6.3.1 has it for a UE that is connected over one access and idle over
the other, and this network has 3GPP access alone. A NOTIFICATION RESPONSE answers nothing (§7.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TypeVar

from msgspec import Struct

from cinq.nf.amf import signals
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.carriage import PagingAttempt, Transfer
from cinq.nf.amf.procedures.sm.resources import not_reached
from cinq.nf.amf.ue import Ue
from cinq.numbering import Guti, Tai
from cinq.procedure import ENDED, Timer, TimerExpired, Verdict, collision, procedure
from cinq.wire import nas, ngap

R = TypeVar("R")
T3513 = Timer("T3513", 6.0, retransmissions=0)
ATTEMPTS = 4


class Answered:
    """Nothing answers paging but what aborts it."""


class Attempt(Struct, frozen=True, gc=False):
    """One attempt. gnb: the one that is to page, "" for all that serve the area."""

    guti: Guti
    area: tuple[Tai, ...]
    gnb: str = ""


@procedure(opens=signals.Page)
async def paging(ue: Ue, _: signals.Page) -> None:
    """Page until the UE answers, which aborts this, or T3513 has expired for the last time."""
    if ue.connection is not None or not (ue.pending or ue.context.due or ue.waiting):
        return
    try:
        await page(ue, Answered)
    except TimerExpired:
        ue.wake()
        pending, ue.pending = ue.pending, ()
        ue.beside(partial(tell_senders, ue, pending), "paging")
        raise


async def page(ue: Ue, answer: type[R]) -> R:
    """The UE's answer. TimerExpired: it has answered no attempt. Each waits for T3513, and for an eDRX cycle."""
    planned = list(attempts(ue))
    if not planned:
        raise TimerExpired(T3513)
    ue.paged = True
    cycle = elements.edrx_seconds(ue.context.edrx)
    timer = Timer(T3513.name, T3513.seconds + cycle, 0) if cycle else T3513
    for number, attempt in enumerate(planned, 1):
        changes = number < len(planned) and planned[number].area != attempt.area
        try:
            return await ue.ask(message_of(ue, attempt, number, len(planned), changes), answer, timer=timer)
        except TimerExpired:
            if number == len(planned):
                raise
    raise TimerExpired(T3513)


def attempts(ue: Ue) -> Iterator[Attempt]:
    """The gNB that served the UE last, where there are others and it is not drained, then all of the registration area.

    A UE that may have either of two 5G-GUTIs is paged by the old one first (TS 24.501 §5.4.4.6 b) 1) i)).
    """
    context = ue.context
    identities = [guti for guti in (context.former_guti, context.guti) if guti is not None]
    area = context.registration_area
    serving = [ran for ran in ue.access.rans if any(tai in area for tai, _ in ran.context.tais)]
    last = [ran for ran in serving if ran.context.node_id == context.last_gnb and ran.drained is None]
    for guti in identities:
        left = ATTEMPTS // len(identities)
        if last and len(serving) > 1:
            here = tuple(tai for tai, _ in last[0].context.tais if tai in area)
            yield Attempt(guti, here, context.last_gnb)
            left -= 1
        for _ in range(left):
            yield Attempt(guti, area)


def message_of(ue: Ue, attempt: Attempt, number: int, planned: int, changes: bool) -> PagingAttempt:
    """TS 38.413 §9.2.4.1. changes: the next attempt is in another area."""
    context = ue.context
    information = ngap.PagingAttemptInformation(
        paging_attempt_count=number,
        intended_number_of_paging_attempts=planned,
        next_paging_area_scope="changed" if changes else "same",
    )
    message = ngap.Paging(
        ue_paging_identity=("fiveG-S-TMSI", elements.five_g_s_tmsi(attempt.guti.s_tmsi)),
        tai_list_for_paging=[ngap.TAIListForPagingItem(tai=elements.tai(tai)) for tai in attempt.area],
        paging_drx=elements.paging_drx(context.drx),
        paging_priority=priority(ue.pending),
        ue_radio_capability_for_paging=elements.radio_capability_for_paging(context.paging_capability),
        assistance_data_for_paging=ngap.AssistanceDataForPaging(
            assistance_data_for_recommended_cells=ue.recommended, paging_attempt_information=information
        ),
        nr_paginge_drx_information=elements.paging_edrx(context.edrx),
    )
    return PagingAttempt(message, attempt.area, attempt.gnb)


def priority(pending: tuple[Transfer, ...]) -> ngap.PagingPriority | None:
    """TS 23.502 §4.2.3.3 step 4b: of the most important transfer; ARP priority levels 9 to 15 have none.

    Levels 1 to 8 are those of prioritised services (TS 23.501 §5.7.2.2); the default of a session is one of them.
    """
    levels = [transfer.priority for transfer in pending if transfer.priority]
    return None if not levels else elements.PRIORITIES.get(min(levels))


async def tell_senders(ue: Ue, pending: tuple[Transfer, ...]) -> None:
    """TS 23.502 §4.2.3.3 step 5: each SMF hears that what it sent has not reached the UE."""
    for transfer in pending:
        await not_reached(ue, transfer.failure_uri)


@collision(paging, nas.ServiceRequest, nas.RegistrationRequest, nas.DeregistrationRequestUEOriginating)
def _(ue: Ue, message: object) -> Verdict:
    """The UE is there: this is its answer."""
    return ENDED("the UE answers")
