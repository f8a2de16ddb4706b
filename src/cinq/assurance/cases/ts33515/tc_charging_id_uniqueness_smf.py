"""TS 33.515 §4.2.2.1.4 TC_CHARGING_ID_UNIQUENESS_SMF: no two sessions are charged under one identifier."""

from __future__ import annotations

import json

from cinq.assurance.case import Case
from cinq.assurance.sbi.relay import Relay
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check

CASE = Case(
    "SCAS-33515-4.2.2.1.4",
    requirement="Each PDU session has a charging identifier that no other session of the SMF has (TS 32.255 §5.1.1).",
    threat="One subscriber pays for another's traffic.",
)
MOST = 12


@CASE.sub(
    "A",
    "sessions side by side",
    needs=("sbi nrf", "sbi address", "sixteen subscribers"),
    feature="charging",
    limit="as many sessions as the lab has subscribers for, not as many as the product takes",
    within=120.0,
)
async def unique(trial: Trial) -> None:
    bench = trial.bench
    gnb = await bench.gnb()
    relay = Relay(trial, lambda request, response: response)
    async with relay.in_place("CHF", "nchf-convergedcharging", "v3", "SMF"):
        for _ in range(MOST):
            await trial.with_session(gnb)
        found: list[object] = []
        with trial.control(f"the SMF has asked the bench CHF for {MOST} sessions") as seen:
            first = [one for one in relay.asked if one.target.endswith("/chargingdata")]
            found = [identifier_of(one.body) for one in first]
            seen.text = f"{len(found)} requests"
            check.equal(len(found), MOST, "initial charging data requests")
        with trial.finding("each has a charging identifier of its own") as seen:
            seen.text = ", ".join(map(str, found))
            check.that(None not in found, "there are requests without one")
            check.equal(len(set(found)), MOST, "identifiers that differ")


def identifier_of(body: bytes) -> object:
    """chargingId or sMFchargingId of pDUSessionChargingInformation (TS 32.291 §6.1.6.2.2.1)."""
    try:
        tree = json.loads(body)
    except ValueError:
        return None
    session = tree.get("pDUSessionChargingInformation") if isinstance(tree, dict) else None
    if not isinstance(session, dict):
        return None
    return session.get("sMFchargingId") or session.get("chargingId")
