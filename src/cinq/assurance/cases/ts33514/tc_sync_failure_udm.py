"""TS 33.514 §4.2.2.1: a USIM that is ahead is followed, and by its own word alone."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.sbi.udm import Udm, sqn_of, udm_for
from cinq.assurance.trial import Trial
from cinq.crypto import aka
from cinq.ran.scenarios import check
from cinq.ran.ue.settings import UeSettings

CASE = Case(
    "SCAS-33514-4.2.2.1",
    requirement="After a synchronisation failure the UDM makes the next vector from the sequence number in AUTS, if "
    "its MAC-S holds (TS 33.501 §6.1.3.3.2, TS 33.102 §6.3.5).",
    threat="A subscriber is shut out, as the UDM goes on with numbers that the USIM refuses or a stranger has set.",
)
NEEDS = ("sbi nrf",)
BEYOND = 1 << 33
"""Ahead of what a network has counted in a test, within the jump that a USIM accepts (TS 33.102 §C.2.1)."""


async def begun(trial: Trial, udm: Udm, of: UeSettings) -> tuple[int, bytes]:
    """A control: the first vector's sequence number and RAND."""
    sqn, rand = 0, b""
    with trial.control("the UDM gives a vector of the subscriber's keys") as seen:
        sqn, rand = sqn_of(await udm.vector(f"imsi-{of.imsi}"), of)
        seen.text = f"SQN {sqn:#x}"
    return sqn, rand


def auts_of(of: UeSettings, rand: bytes, sqn: int) -> bytes:
    return aka.auts(aka.functions(of.algorithm), of.k, of.operator_code, rand, sqn)


@CASE.sub("A", "RAND and AUTS of a USIM that is ahead", needs=NEEDS)
async def ahead(trial: Trial) -> None:
    of = trial.bench.ue(await trial.bench.gnb()).settings
    async with udm_for(trial, "AUSF") as udm:
        sqn, rand = await begun(trial, udm, of)
        usim = sqn + BEYOND
        trial.step(f"a vector is asked for with the AUTS of a USIM at SQN {usim:#x}")
        lost = {"rand": rand.hex(), "auts": auts_of(of, rand, usim).hex()}
        answer = await udm.vector(f"imsi-{of.imsi}", lost)
        with trial.finding("the next vector follows the USIM's sequence number") as seen:
            following, other = sqn_of(answer, of)
            seen.text = f"SQN {following:#x}"
            check.that(following > usim, f"SQN {following:#x} is behind the USIM's")
            check.that(other != rand, "it has the RAND of the one before")


@CASE.sub("mac", "an AUTS whose MAC-S does not hold", needs=NEEDS, beyond=True)
async def wrong_mac(trial: Trial) -> None:
    of = trial.bench.ue(await trial.bench.gnb()).settings
    async with udm_for(trial, "AUSF") as udm:
        sqn, rand = await begun(trial, udm, of)
        auts = bytearray(auts_of(of, rand, sqn + BEYOND))
        auts[-1] ^= 1
        answer = await udm.vector(f"imsi-{of.imsi}", {"rand": rand.hex(), "auts": auts.hex()})
        with trial.finding("the UDM refuses it, and gives no vector") as seen:
            seen.text = str(answer)
            check.that(400 <= answer.status < 500, f"the UDM answers {answer}")
            check.that(b"autn" not in answer.body, "there is one")
        with trial.finding("the home network's sequence number did not follow it") as seen:
            after, _ = sqn_of(await udm.vector(f"imsi-{of.imsi}"), of)
            seen.text = f"SQN {after:#x}"
            check.that(sqn < after < sqn + BEYOND, f"SQN went from {sqn:#x} to {after:#x}")
