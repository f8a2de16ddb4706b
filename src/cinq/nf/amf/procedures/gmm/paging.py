"""Paging, TS 23.502 §4.2.3.3, TS 24.501 §5.6.2, TS 38.413 §8.5.1."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from cinq.nf.amf import journal, signals
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.carriage import Transfer
from cinq.nf.amf.ue import Ue
from cinq.numbering import Guti
from cinq.procedure import ENDED, Timer, TimerExpired, Verdict, collision, procedure
from cinq.sbi import Problem
from cinq.sbi.services.namf_communication import N1N2MsgTxfrFailureNotification
from cinq.wire import nas, ngap


class Answered:
    """Nothing answers paging but what aborts it."""


T3513 = Timer("T3513", 6.0, retransmissions=3)
T3513_FOR_EACH = Timer("T3513", 6.0, retransmissions=1)


@procedure(opens=signals.Page)
async def paging(ue: Ue, _: signals.Page) -> None:
    """Page until the UE answers, which aborts this, or T3513 has expired for the last time.

    A UE that may have either of two 5G-GUTIs is paged by the old one first (TS 24.501 §5.4.4.6 b) 1) i)).
    """
    guti, former = ue.context.guti, ue.context.former_guti
    if ue.connection is not None or guti is None or not ue.pending:
        return
    ue.paged = True
    try:
        if former is not None:
            with suppress(TimerExpired):
                await page(ue, former, T3513_FOR_EACH)
        await page(ue, guti, T3513 if former is None else T3513_FOR_EACH)
    except TimerExpired:
        pending, ue.pending = ue.pending, ()
        ue.beside(partial(tell_senders, ue, pending), "paging")
        raise


async def page(ue: Ue, guti: Guti, timer: Timer) -> None:
    await ue.ask(
        ngap.Paging(
            ue_paging_identity=("fiveG-S-TMSI", elements.five_g_s_tmsi(guti.s_tmsi)),
            tai_list_for_paging=[
                ngap.TAIListForPagingItem(tai=elements.tai(tai)) for tai in ue.context.registration_area
            ],
        ),
        Answered,
        timer=timer,
    )


async def tell_senders(ue: Ue, pending: tuple[Transfer, ...]) -> None:
    """TS 23.502 §4.2.3.3 step 5: each SMF hears that what it sent has not reached the UE."""
    for transfer in pending:
        await not_reached(ue, transfer.failure_ref)


async def not_reached(ue: Ue, ref: str | None) -> None:
    if ref is None:
        return
    notification = N1N2MsgTxfrFailureNotification(cause="UE_NOT_RESPONDING", n1n2_msg_data_uri="")
    try:
        await ue.ports.nsmf_callback.n1n2_transfer_failure(ref, notification)
    except Problem as problem:
        journal.note(ue, f"the SMF was not told that the UE does not respond: {problem}")


@collision(paging, nas.ServiceRequest, nas.RegistrationRequest, nas.DeregistrationRequestUEOriginating)
def _(ue: Ue, message: object) -> Verdict:
    """The UE is there: this is its answer."""
    return ENDED("the UE answers")
