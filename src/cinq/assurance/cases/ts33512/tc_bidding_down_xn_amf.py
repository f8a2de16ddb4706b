"""TS 33.512 §4.2.2.4.1 TC_BIDDING_DOWN_XN_AMF: a gNB that tells fewer security capabilities of a UE."""

from __future__ import annotations

from collections import Counter

from cinq.assurance.case import Case
from cinq.assurance.trial import Trial
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.ran.ue import Ue
from cinq.wire import ngap

CASE = Case(
    "SCAS-33512-4.2.2.4.1",
    requirement="In a path switch the AMF compares the UE's 5G security capabilities with its own, answers with its "
    "own where they differ, keeps its own, and logs it (TS 33.501 §6.7.3.1).",
    threat="A source gNB in strange hands makes the network and the UE agree on weaker algorithms from then on.",
)
NONE = ngap.UESecurityCapabilities(
    nr_encryption_algorithms=(0, 16),
    nr_integrity_protection_algorithms=(0, 16),
    eutra_encryption_algorithms=(0, 16),
    eutra_integrity_protection_algorithms=(0, 16),
)
LOGGED = ("capab",)


async def bid_down(trial: Trial) -> tuple[Ue, Gnb, ngap.UESecurityCapabilities]:
    """A handover by Xn whose PATH SWITCH REQUEST says that the UE has nothing but the null algorithms.

    Returns the UE at the target, and what the AMF said of it at its first context setup.
    """
    bench = trial.bench
    source, target = await bench.gnb(), await bench.gnb()
    ue = await trial.with_session(source)
    with trial.control(
        "the AMF has told the source the UE's capabilities, more than the null algorithms"
    ) as seen:
        setup = await bench.hears(ngap.InitialContextSetupRequest, source)
        stored = setup.ue_security_capabilities
        check.that(stored != NONE, "there is something to bid down from")
        seen.text = words(stored)
    await trial.settle()

    def fewer(request: ngap.PathSwitchRequest) -> list[ngap.Pdu]:
        request.ue_security_capabilities = NONE
        return [request]

    with target.station.change(ngap.PathSwitchRequest, fewer) as changed:
        trial.step("PATH SWITCH REQUEST of the target says that the UE has no algorithm but the null ones")
        with trial.control("the path is switched"):
            await bench.succeeds(bench.hand_over(ue, target, "xn"), "handover by Xn")
            check.equal(changed.met, 1, "PATH SWITCH REQUESTs that were changed")
    return ue, target, stored


@CASE.sub("A", "the acknowledge has the AMF's own capabilities, and they stay")
async def acknowledged(trial: Trial) -> None:
    bench = trial.bench
    ue, target, stored = await bid_down(trial)
    with trial.finding("PATH SWITCH REQUEST ACKNOWLEDGE carries the capabilities that the AMF has") as seen:
        answer = await bench.hears(ngap.PathSwitchRequestAcknowledge, target)
        found = check.present(answer.ue_security_capabilities, "UE Security Capabilities in the acknowledge")
        seen.text = words(found)
        check.equal(words(found), words(stored), "the capabilities")
    with trial.finding("what the AMF has stored is unchanged: the next context setup says it again") as seen:
        await bench.released(ue)
        await bench.succeeds(ue.request_service(), "service request")
        setup = await bench.hears(ngap.InitialContextSetupRequest, target)
        seen.text = words(setup.ue_security_capabilities)
        check.equal(words(setup.ue_security_capabilities), words(stored), "the capabilities")
    await trial.served(ue)


@CASE.sub("B", "the mismatch is logged", needs=("log",), limit="any entry that speaks of capabilities counts")
async def logged(trial: Trial) -> None:
    """What the log had before counts for nothing."""
    since = str(int(trial.lab.utc()) - 1)
    before = Counter((await trial.turn("log", since=since)).splitlines())
    ue, _, _ = await bid_down(trial)
    await trial.settle()
    after = Counter((await trial.turn("log", since=since)).splitlines())
    with trial.finding("the log has a new entry that speaks of the capabilities") as seen:
        new = list((after - before).elements())
        lines = [line for line in new if any(word in line.lower() for word in LOGGED)]
        if not lines:
            raise Failed(f"{len(new)} new lines, none of them does")
        seen.text = lines[0][:200]
    await trial.served(ue)


def words(capabilities: ngap.UESecurityCapabilities) -> str:
    """'NEA 1 2 3, NIA 1 2 3, EEA 1 2 3, EIA 1 2 3', of the algorithms beside the null ones."""
    return ", ".join(
        f"{name} {' '.join(str(n) for n in range(1, 17) if bits[0] >> (16 - n) & 1) or 'none'}"
        for name, bits in (
            ("NEA", capabilities.nr_encryption_algorithms),
            ("NIA", capabilities.nr_integrity_protection_algorithms),
            ("EEA", capabilities.eutra_encryption_algorithms),
            ("EIA", capabilities.eutra_integrity_protection_algorithms),
        )
    )
