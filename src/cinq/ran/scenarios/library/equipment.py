"""Which equipment may be used: the identity check by a 5G-EIR, TS 23.502 §4.7."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cinq.numbering import Imei
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.wire import nas
from cinq.wire.nas import GmmCause, IdentityType

BARRED = "9900017500000401"
"""An IMEISV of a type allocation code for tests."""
OTHER = "9900017500001201"
BARRED_IMEI = "990001750000044"


@asynccontextmanager
async def _prohibited(bench: Bench) -> AsyncIterator[None]:
    """As long as this lasts the equipment is on the 5G-EIR's prohibited list, in every software version."""
    await bench.turn("equipment_bar", imei=BARRED_IMEI)
    try:
        yield
    finally:
        await bench.turn("equipment_admit", imei=BARRED_IMEI)


@scenario("registration", needs=("equipment_bar", "equipment_admit"))
async def prohibited_equipment_is_refused(bench: Bench) -> None:
    """A phone on the prohibited list is rejected with #6 (illegal ME); another registers, and so does it afterwards.

    TS 23.502 §4.2.2.2.2, §4.7, TS 24.501 §5.5.1.2.5.
    """
    gnb = await bench.gnb()
    ue = bench.ue(gnb, imeisv=BARRED)
    async with _prohibited(bench):
        await bench.refused(ue.register(), "registration with prohibited equipment")
        reject = await bench.hears(nas.RegistrationReject, ue)
        check.equal(reject.cause, GmmCause.ILLEGAL_ME, "the 5GMM cause")
        other = bench.ue(gnb, imeisv=OTHER)
        await bench.succeeds(other.register(), "registration with other equipment")
    again = bench.ue_of(ue, gnb)
    await bench.succeeds(again.register(), "registration when it is on no list any more")


@scenario("registration", needs=("equipment_bar", "equipment_admit"))
async def equipment_without_an_imeisv_is_identified(bench: Bench) -> None:
    """A UE that has an IMEI alone, and gives none in SECURITY MODE COMPLETE, is asked for it before it is let in.

    TS 24.501 §5.4.3.2, TS 23.502 §4.2.2.2.2.
    """
    ue = bench.ue(await bench.gnb(), imeisv="", imei=Imei(BARRED_IMEI).digits)
    async with _prohibited(bench):
        await bench.refused(ue.register(), "registration with prohibited equipment")
        asked = await bench.hears(
            nas.IdentityRequest, ue, where=lambda m: m.identity_type != IdentityType.SUCI
        )
        check.that(asked.identity_type in (IdentityType.IMEI, IdentityType.IMEISV), "its PEI is asked for")
        reject = await bench.hears(nas.RegistrationReject, ue)
        check.equal(reject.cause, GmmCause.ILLEGAL_ME, "the 5GMM cause")
