"""What an operator changes while a session is there, TS 23.502 §4.3.3.2."""

from __future__ import annotations

from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.ran.ue.ue import Ue
from cinq.wire import nas, ngap


async def _another_ambr(bench: Bench, ue: Ue, mbps: int) -> nas.PDUSessionModificationCommand:
    """The operator's change, and the command that brings it to the UE."""
    rate = f"{mbps} Mbps"
    imsi = ue.settings.supi.imsi
    await bench.turn("policy_change", supi=f"imsi-{imsi}", imsi=imsi, uplink=rate, downlink=rate)
    command = await bench.hears(nas.PDUSessionModificationCommand, ue)
    ambr = check.present(command.session_ambr, "the session AMBR")
    check.equal((ambr.uplink_bps, ambr.downlink_bps), (mbps * 10**6, mbps * 10**6), "the session AMBR")
    return command


@scenario("session", needs=("policy_change",))
async def session_ambr_changed_by_the_operator(bench: Bench) -> None:
    """Another session AMBR reaches the UE by modification, which it completes; the gNB hears of it, the session stays.

    TS 24.501 §6.3.2.2 and §6.3.2.3, TS 23.502 §4.3.3.2.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(),))
    session = await bench.succeeds(ue.establish_session(), "PDU session")
    await _another_ambr(bench, ue, 20)
    await bench.until(lambda: session.context.uplink_bps == 20_000_000, "the UE has taken it over")
    await bench.hears(ngap.PDUSessionResourceModifyRequest, gnb)
    await _another_ambr(bench, ue, 30)
    await bench.succeeds(ue.release_session(1), "release")


@scenario("session", needs=("policy_change",))
async def session_ambr_changed_while_idle(bench: Bench) -> None:
    """An idle UE is paged for the modification and keeps its session.

    TS 23.502 §4.3.3.2 step 3a and §4.2.3.3, TS 24.501 §6.3.2.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    await bench.released(ue)
    await _another_ambr(bench, ue, 20)
    check.that(bool(bench.heard(ngap.Paging, gnb)), "the UE was paged")
    check.equal(len(ue.sessions), 1, "sessions")
