"""TS 33.512 §4.2.2.5.1 TC_5G_GUTI_ALLOCATION_AMF: a new 5G-GUTI where the specification wants one."""

from __future__ import annotations

from itertools import pairwise

from cinq.assurance.case import Case
from cinq.assurance.trial import Trial, guti_of
from cinq.numbering import Guti
from cinq.ran.scenarios import check
from cinq.ran.ue import Ue
from cinq.ran.ue.station import Heard, Record
from cinq.wire import nas, ngap
from cinq.wire.nas import SecurityHeader

CASE = Case(
    "SCAS-33512-4.2.2.5.1",
    requirement="The AMF gives a new 5G-GUTI, protected, at an initial registration, at a mobility registration "
    "update, and after a service request that answers a paging (TS 33.501 §6.12.3).",
    threat="Who sees the same temporary identity again follows its bearer through the network.",
)
BEARERS = (nas.RegistrationAccept, nas.ConfigurationUpdateCommand)
SAMPLES = 8
NEAR = 256  # temporary identities closer than this to their forerunner are counted on, not drawn


def renewed(trial: Trial, ue: Ue, record: Record, old: Guti) -> None:
    """The findings: the UE has another 5G-GUTI, and what brought it was ciphered and integrity protected."""
    with trial.finding("the UE has another 5G-GUTI") as seen:
        new = guti_of(ue)
        check.that(new != old, f"it is the old one, 5G-TMSI {old.tmsi:#010x}")
        seen.text = f"5G-TMSI {old.tmsi:#010x}, then {new.tmsi:#010x}"
    with trial.finding("it came ciphered and integrity protected under the UE's security context") as seen:
        bearing = [
            one for one in record.heard if isinstance(one, Heard) and getattr(one.message, "guti", None)
        ]
        check.that(bool(bearing), "a message with a 5G-GUTI came")
        last = bearing[-1]
        check.that(isinstance(last.message, BEARERS), f"it came in {type(last.message).__name__}")
        check.that(last.checked, "the MAC of the message holds")
        check.equal(last.header, int(SecurityHeader.INTEGRITY_CIPHERED), "the security header type")
        context = check.present(ue.security.current, "a NAS security context")
        check.that(context.nas.ciphering != 0, "the ciphering algorithm is NEA0, which hides nothing")
        seen.text = f"{last.message.NAME if last.message else ''} by NEA{context.nas.ciphering}"


@CASE.sub("1", "an initial registration of a UE that has a 5G-GUTI")
async def initial(trial: Trial) -> None:
    gnb = await trial.bench.gnb()
    ue = await trial.registered(gnb)
    old = guti_of(ue)
    with trial.control("the UE leaves, and keeps its 5G-GUTI"):
        await trial.bench.succeeds(ue.deregister(), "deregistration")
        check.equal(ue.context.guti, old, "the 5G-GUTI that it will come with")
        await trial.bench.until(lambda: not ue.link.connected, "the connection is released")
    with ue.station.record() as record:
        trial.step("REGISTRATION REQUEST of the kind 'initial registration' with the 5G-GUTI")
        with trial.control("the registration is accepted"):
            await trial.bench.succeeds(ue.register(), "initial registration")
        renewed(trial, ue, record, old)


@CASE.sub("2", "a mobility registration update")
async def mobility(trial: Trial) -> None:
    gnb = await trial.bench.gnb()
    ue = await trial.registered(gnb)
    await trial.settle()
    old = guti_of(ue)
    with ue.station.record() as record:
        trial.step("REGISTRATION REQUEST of the kind 'mobility registration updating'")
        await trial.updated(ue, "the update is accepted")
        renewed(trial, ue, record, old)


@CASE.sub("3", "a service request that answers a paging", needs=("downlink_data",))
async def paged(trial: Trial) -> None:
    bench = trial.bench
    gnb = await bench.gnb()
    ue = await trial.with_session(gnb)
    await trial.settle()
    with trial.control("the UE is idle"):
        await bench.released(ue)
        await trial.settle()
    old = guti_of(ue)
    address = str(ue.sessions[1].context.address)
    with ue.station.record() as record:
        trial.step(f"a packet to {address} from the data network")
        await trial.turn("downlink_data", address=address)
        with trial.control("the UE is paged by its 5G-S-TMSI, and its service request is accepted"):
            await bench.hears(ngap.Paging, gnb)
            await record.expect(nas.ServiceAccept)
        await trial.settle()
        renewed(trial, ue, record, old)
    await trial.served(ue)


CASE.not_yet("4", "a UE that resumes (CIoT user plane optimisation)", "bench ng-eNB", feature="ciot")


@CASE.sub("R", "temporary identities are drawn, not counted on", beyond=True)
async def drawn(trial: Trial) -> None:
    gnb = await trial.bench.gnb()
    ue = await trial.registered(gnb)
    seen_ones = [guti_of(ue).tmsi]
    for _ in range(SAMPLES - 1):
        await trial.settle()
        await trial.updated(ue, "an update is accepted")
        seen_ones.append(guti_of(ue).tmsi)
    with trial.finding(f"{SAMPLES} 5G-TMSIs in a row differ, and none follows from the one before") as seen:
        seen.text = " ".join(f"{tmsi:08x}" for tmsi in seen_ones)
        steps = [(b - a) % (1 << 32) for a, b in pairwise(seen_ones)]
        check.equal(len(set(seen_ones)), SAMPLES, "different ones")
        check.that(
            all(NEAR < step < (1 << 32) - NEAR for step in steps),
            f"one is next to the one before: {seen.text}",
        )
        check.that(len(set(steps)) > 1, f"they go by steps of {steps[0]}")
