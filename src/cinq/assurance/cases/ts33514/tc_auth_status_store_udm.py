"""TS 33.514 §4.2.2.2 TC_AUTH_STATUS_STORE_UDM: what came of an authentication is stored as it was.

Read where the lab may ask the target's UDR in a UDM's place (N35); else it is the host's to show.
"""

from __future__ import annotations

from datetime import UTC, datetime

from cinq.assurance.case import Case
from cinq.assurance.sbi.hostile import Place, at
from cinq.assurance.trial import Trial
from cinq.crypto import kdf
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.ran.ue import Ue
from cinq.ran.ue.faults import Fault
from cinq.wire import nas

CASE = Case(
    "SCAS-33514-4.2.2.2",
    requirement="The UDM stores of each authentication whose it was, what came of it, when, and in which serving "
    "network (TS 33.501 §6.1.4.1a, TS 29.503 §6.3.6.2.7).",
    threat="A serving network registers a subscriber that it has not authenticated, and nobody can tell.",
)
SKEW_S = 5.0
NEEDS = ("sbi nrf",)


async def status(place: Place, ue: Ue) -> dict[str, object]:
    """AuthEvent, as the UDR has it. Failed: it has none."""
    target = (
        f"/nudr-dr/v2/subscription-data/imsi-{ue.settings.imsi}/authentication-data/authentication-status"
    )
    answer = await place.ask("GET", target)
    check.equal(answer.status, 200, f"the UDR's answer ({answer.cause})")
    return answer.tree


def time_of(event: dict[str, object]) -> float:
    """timeStamp, RFC 3339. Failed: it is none."""
    try:
        return datetime.fromisoformat(str(event.get("timeStamp"))).astimezone(UTC).timestamp()
    except ValueError:
        raise Failed(f"timeStamp {event.get('timeStamp')!r} is no time") from None


async def stored(trial: Trial, place: Place, ue: Ue, success: bool, since: float) -> None:
    plmn = trial.target.core.plmn
    event: dict[str, object] = {}
    with trial.finding("an authentication of this subscriber is stored"):
        event = await status(place, ue)
    with trial.finding("its result is stored") as seen:
        seen.text = f"success {event.get('success')}"
        check.equal(event.get("success"), success, "success")
    with trial.finding("its serving network is stored") as seen:
        seen.text = str(event.get("servingNetworkName"))
        check.equal(event.get("servingNetworkName"), kdf.snn(plmn.mcc, plmn.mnc), "servingNetworkName")
    with trial.finding("its time is stored") as seen:
        seen.text = str(event.get("timeStamp"))
        now = trial.lab.utc()
        check.that(
            since - SKEW_S <= time_of(event) <= now + SKEW_S, f"it was between {since:.0f} and {now:.0f}"
        )


@CASE.sub("A", "an authentication that succeeds", needs=NEEDS)
async def succeeds(trial: Trial) -> None:
    gnb = await trial.bench.gnb()
    async with at(trial, "UDR", "nudr-dr", "UDM") as place:
        since = trial.lab.utc()
        ue = await trial.registered(gnb)
        await stored(trial, place, ue, True, since)


@CASE.sub("B", "an authentication that fails at home", needs=NEEDS)
async def fails(trial: Trial) -> None:
    bench = trial.bench
    ue = bench.ue(await bench.gnb())
    async with at(trial, "UDR", "nudr-dr", "UDM") as place:
        since = trial.lab.utc()
        with ue.station.record() as record, ue.faults.shown(Fault.WRONG_RES):
            trial.step("AUTHENTICATION RESPONSE with a wrong RES*")
            ue.initiate(lambda: ue.register(attempts=1), "registration")
            with trial.control("the AMF rejects the authentication"):
                await record.expect(nas.AuthenticationReject)
        await stored(trial, place, ue, False, since)
