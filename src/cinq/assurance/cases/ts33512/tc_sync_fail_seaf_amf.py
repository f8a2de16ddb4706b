"""TS 33.512 §4.2.2.1.1 TC_SYNC_FAIL_SEAF_AMF: a UE whose sequence number is ahead."""

from __future__ import annotations

import asyncio

from cinq.assurance.case import Case
from cinq.assurance.sbi.ausf import Ausf, in_place
from cinq.assurance.trial import Trial, messages
from cinq.crypto import aka
from cinq.ran.scenarios import check
from cinq.ran.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GmmCause

CASE = Case(
    "SCAS-33512-4.2.2.1.1",
    requirement="After a synchronisation failure the AMF sends no challenge before the AUSF has answered, and takes an "
    "AUTS only in answer to its challenge (TS 33.501 §6.1.3.3.2, TS 24.501 §5.4.1.3.7 f).",
    threat="Challenges that the UE has to refuse, or sequence numbers moved by a stranger, shut a subscriber out.",
)
T3520_S = 15.0  # TS 24.501 table 10.2.1
FAR = 1 << 20  # so far the unasked AUTS runs ahead: farther than a network counts in a test


def sqn_of(ue: Ue, request: nas.AuthenticationRequest) -> int:
    """The sequence number in a challenge, read with the UE's keys."""
    rand = check.present(request.rand, "RAND (5G AKA)")
    autn = check.present(request.autn, "AUTN")
    s = ue.settings
    return aka.verify_autn(aka.functions(s.algorithm), s.k, s.operator_code, rand, autn).sqn


@CASE.sub(
    "A",
    "the AUSF answers at once",
    limit="that no challenge comes before the AUSF's answer is concluded from its contents: it is made from the AUTS",
)
async def answered_at_once(trial: Trial) -> None:
    bench = trial.bench
    gnb = await bench.gnb()
    ahead = bench.ahead()
    ue = bench.ue(gnb, sqn=ahead)
    with ue.station.record() as record:
        trial.step(f"AUTHENTICATION FAILURE #21 with AUTS: the USIM has accepted SQN {ahead:#x} before")
        ue.initiate(lambda: ue.register(attempts=1), "registration")
        with trial.control(
            "a challenge comes, and is answered by AUTHENTICATION FAILURE #21 with a genuine AUTS"
        ):
            first = await record.expect(nas.AuthenticationRequest)
            await bench.until(lambda: bool(record.said(nas.AuthenticationFailure)), "the UE has answered")
            failure = record.said(nas.AuthenticationFailure)[0]
            check.equal(failure.cause, GmmCause.SYNCH_FAILURE, "the 5GMM cause")
            s, auts = ue.settings, check.present(failure.auts, "AUTS")
            functions = aka.functions(s.algorithm)
            check.equal(
                aka.auts_sqn(functions, s.k, s.operator_code, check.present(first.rand, "RAND"), auts),
                ahead,
                "SQN in AUTS",
            )
        with trial.finding(
            "the next challenge is made from the AUTS: its sequence number follows the USIM's"
        ) as seen:
            second = await record.expect(nas.AuthenticationRequest)
            sqn = sqn_of(ue, second)
            seen.text = f"SQN {sqn:#x}"
            check.that(second.rand != first.rand, "it has another RAND")
            check.that(sqn > ahead, f"SQN {sqn:#x} is behind the USIM's {ahead:#x}")
        with trial.finding("no other challenge came between"):
            await bench.until(lambda: ue.context.registered, "the UE is registered")
            check.equal(len(record.messages(nas.AuthenticationRequest)), 2, "challenges")
            check.equal(len(record.said(nas.AuthenticationFailure)), 1, "failures that the UE had to say")


@CASE.sub("B", "the AUSF is silent until the timer runs out", needs=("sbi nrf", "sbi address"), within=90.0)
async def silent(trial: Trial) -> None:
    bench = trial.bench
    gnb = await bench.gnb()
    ue = bench.ue(gnb, sqn=2 * bench.ahead())
    ausf = Ausf(trial, ue, "success", silent_on_auts=True)
    with ue.station.record() as record:
        async with in_place(ausf):
            trial.step(
                "AUTHENTICATION FAILURE #21 with AUTS; the bench AUSF does not answer what comes of it"
            )
            ue.initiate(lambda: ue.register(attempts=1), "registration")
            with trial.control(
                "the AMF asks the bench AUSF for a vector, and the UE fails to synchronise by it"
            ):
                await bench.until(lambda: bool(ausf.asked), "the AUSF is asked")
                await bench.until(lambda: bool(record.said(nas.AuthenticationFailure)), "the UE has answered")
            with trial.control("the AUTS comes to the bench AUSF"):
                await bench.until(lambda: ausf.resynchronised, "it is asked for a vector after the AUTS")
            with trial.finding(f"no other challenge comes in {T3520_S:g} s, the time that a UE waits for it"):
                await asyncio.sleep(T3520_S)
                check.equal(len(record.messages(nas.AuthenticationRequest)), 1, "challenges")
    honest = bench.ue_of(ue, gnb)
    with trial.control("the same subscriber registers at the target's own AUSF"):
        await bench.succeeds(honest.register(), "registration")


@CASE.sub("C", "a registered UE sends an AUTS that nobody asked for")
async def unasked(trial: Trial) -> None:
    bench = trial.bench
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    with ue.station.record() as record:
        with trial.control("the UE under test registers with the right keys"):
            await bench.succeeds(ue.register(), "registration")
        challenge = record.messages(nas.AuthenticationRequest)[-1]
        before = sqn_of(ue, challenge)
        await trial.settle()
        since, s = len(record.heard), ue.settings
        auts = aka.auts(
            aka.functions(s.algorithm),
            s.k,
            s.operator_code,
            check.present(challenge.rand, "RAND"),
            before + FAR,
        )
        trial.step(f"AUTHENTICATION FAILURE #21, protected, with an AUTS that says SQN {before + FAR:#x}")
        ue.station.send(nas.AuthenticationFailure(cause=GmmCause.SYNCH_FAILURE, auts=auts))
        await trial.served(ue)
        with trial.finding("no challenge and no reject comes to the UE"):
            asked = [one.NAME for one in messages(record.heard[since:]) if isinstance(one, UNWANTED)]
            check.equal(asked, [], "messages that came")
    with trial.finding("the home network's sequence number did not follow the AUTS") as seen:
        again = bench.ue_of(ue, gnb)
        await bench.succeeds(again.register(), "registration anew")
        challenges = bench.heard(nas.AuthenticationRequest, again)
        sqn = sqn_of(again, challenges[-1])
        check.that(sqn < before + FAR, f"SQN went from {before:#x} to {sqn:#x}")
        seen.text = f"SQN went from {before:#x} to {sqn:#x}"


UNWANTED = (nas.AuthenticationRequest, nas.AuthenticationReject, nas.RegistrationReject)
