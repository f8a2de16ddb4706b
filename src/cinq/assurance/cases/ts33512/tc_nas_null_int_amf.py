"""TS 33.512 §4.2.2.3.2 TC_NAS_NULL_INT_AMF: NIA0 is chosen for nobody who was authenticated."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.security_mode import Command, command, mac_holds
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.ue import Ue
from cinq.wire import nas

CASE = Case(
    "SCAS-33512-4.2.2.3.2",
    requirement="The AMF chooses NIA0 for unauthenticated emergency sessions alone (TS 33.501 §5.5.2, §6.7.1.1).",
    threat="With null integrity whoever relays the radio writes the UE's messages, and the network's.",
)
OFFERED = ("NIA0", "NIA1", "NIA2", "NIA3")


async def chosen(trial: Trial, ue: Ue, kind: nas.RegistrationKind) -> None:
    """The UE offers NIA0 beside others, is authenticated, and is given another, under its MAC."""
    gnb = trial.bench.gnb_of(ue)
    ue.initiate(lambda: ue.register(kind, attempts=1), "registration")
    with trial.control("the UE offers NIA0 and is authenticated; a SECURITY MODE COMMAND comes") as seen:
        await trial.bench.hears(nas.AuthenticationRequest, ue)
        found: Command = await command(trial.bench, gnb, ue)
        seen.text = found.octets.hex()
    with trial.finding("an integrity algorithm other than NIA0 is chosen") as seen:
        check.that(found.message.algorithms.integrity != 0, "found NIA0")
        seen.text = f"NIA{found.message.algorithms.integrity}"
    with trial.finding("the SECURITY MODE COMMAND is integrity protected, and its MAC holds") as seen:
        seen.text = mac_holds(ue, found)


@CASE.sub("A", "an emergency registration of a UE that can be authenticated", feature="emergency")
async def emergency(trial: Trial) -> None:
    gnb = await trial.bench.gnb()
    await chosen(trial, trial.bench.ue(gnb, integrity=OFFERED), nas.RegistrationKind.EMERGENCY)


@CASE.sub("B", "an initial registration")
async def initial(trial: Trial) -> None:
    gnb = await trial.bench.gnb()
    ue = trial.bench.ue(gnb, integrity=OFFERED)
    await chosen(trial, ue, nas.RegistrationKind.INITIAL)
    with trial.control("the registration goes on to its end"):
        await trial.bench.until(lambda: ue.context.registered, "the UE is registered")
