"""TS 33.512 §4.2.2.6.2 TC_UE_SEC_CAPS_AS_CONTEXT_SETUP: the gNB hears what the UE can, unaltered."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.cases.ts33512.tc_bidding_down_xn_amf import words
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.ue.settings import Ciphering, Integrity
from cinq.wire import nas, ngap

CASE = Case(
    "SCAS-33512-4.2.2.6.2",
    requirement="INITIAL CONTEXT SETUP REQUEST has the UE's security capabilities as the UE sent them "
    "(TS 33.501 §6.7.3, TS 38.413 §8.3.1.2).",
    threat="A gNB that hears of fewer algorithms than the UE has chooses a weaker one for the radio.",
)
ALL: tuple[tuple[Integrity, ...], tuple[Ciphering, ...]] = (
    ("NIA1", "NIA2", "NIA3"),
    ("NEA0", "NEA1", "NEA2", "NEA3"),
)
FEWEST: tuple[tuple[Integrity, ...], tuple[Ciphering, ...]] = (("NIA1", "NIA2"), ("NEA0", "NEA1", "NEA2"))


async def told(trial: Trial, integrity: tuple[Integrity, ...], ciphering: tuple[Ciphering, ...]) -> None:
    bench = trial.bench
    gnb = await bench.gnb()
    ue = await trial.with_session(gnb, integrity=integrity, ciphering=ciphering)
    with trial.control("INITIAL CONTEXT SETUP REQUEST comes for the UE"):
        number = bench.ran_ue_ngap_id(ue, gnb)
        setup = await bench.hears(ngap.InitialContextSetupRequest, gnb, lambda m: m.ran_ue_ngap_id == number)
    with trial.finding("its UE Security Capabilities are those of REGISTRATION REQUEST") as seen:
        sent = nas.UeSecurityCapability(ue.capability)
        wanted = ", ".join(
            f"{name} {' '.join(str(n) for n in sorted(numbers) if n) or 'none'}"
            for name, numbers in (("NEA", sent.ea), ("NIA", sent.ia), ("EEA", sent.eea), ("EIA", sent.eia))
        )
        seen.text = words(setup.ue_security_capabilities)
        check.equal(seen.text, wanted, "the capabilities")


@CASE.sub("1", "a UE with all algorithms")
async def with_all(trial: Trial) -> None:
    await told(trial, *ALL)


@CASE.sub("2", "a UE with the mandatory ones alone", beyond=True)
async def with_fewest(trial: Trial) -> None:
    await told(trial, *FEWEST)
