"""TS 33.117 §4.2.6.2.1 TC_PACKET_FILTERING: a rule lets one host in and another not, and counts."""

from __future__ import annotations

import re

from cinq.assurance.case import Case
from cinq.assurance.packets import own, pinged, reachable
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check

CASE = Case(
    "SCAS-33117-4.2.6.2.1",
    requirement="The product filters incoming IP packets by what their headers say, accepts, drops and counts "
    "(RFC 3871).",
    threat="Every host that reaches the product's network speaks to all of its services.",
)
TRIED = 3


@CASE.sub("A", "ICMP is let in from one host alone", needs=("packet_filter",))
async def by_source(trial: Trial) -> None:
    address = str(trial.target.core.amf_address)
    await reachable(trial)
    with trial.control("without the rule both addresses of the bench are answered"):
        for number in range(2):
            check.that(await pinged(trial, address, number), f"no echo comes to {own(trial, number)}")
    await trial.turn("packet_filter", rule="icmp-from", address=own(trial), port="")
    said = ""
    try:
        with trial.control(f"host 1, {own(trial)}, is answered"):
            check.that(await pinged(trial, address), "no echo comes")
        with trial.finding(f"host 2, {own(trial, 1)}, is not"):
            for _ in range(TRIED):
                check.that(not await pinged(trial, address, 1), "an echo comes")
    finally:
        said = await trial.turn("packet_filter", rule="none", address="", port="")
    counted(trial, said, TRIED)
    await reachable(trial)


def counted(trial: Trial, said: str, least: int) -> None:
    """A finding: a rule has counted so many packets."""
    with trial.finding(f"the rule has counted the {least} packets that it dropped") as seen:
        numbers = [int(number) for number in re.findall(r"packets (\d+)", said)]
        seen.text = f"counters {' '.join(map(str, numbers)) or 'none'}"
        check.that(any(number >= least for number in numbers), f"it says {' '.join(said.split())[:200]!r}")
