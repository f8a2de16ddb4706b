"""TS 33.512 §4.2.2.1.2 TC_RES_STAR_VERIFICATION_FAILURE: a wrong answer to the challenge."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.sbi.ausf import Ausf, Confirms, in_place
from cinq.assurance.trial import Trial, messages
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.ran.ue import Ue
from cinq.ran.ue.faults import Fault
from cinq.ran.ue.station import Record
from cinq.wire import nas

CASE = Case(
    "SCAS-33512-4.2.2.1.2",
    requirement="Where RES* does not hold, the AMF rejects a UE that came with its SUCI, and asks one that came with "
    "a 5G-GUTI for its SUCI (TS 33.501 §6.1.3.2.2, TS 24.501 §5.4.1.3.5).",
    threat="Who has no key is served; or a subscriber whose 5G-GUTI another uses is shut out by that other's answer.",
)
FEWER = nas.UeSecurityCapability.of((0, 1, 2), (1, 2))
LIMIT = (
    "whether a null RES* goes to the AUSF (TS 29.509 §5.2.2.2.2) is seen at a bench AUSF alone: sub-case N"
)
SILENCE_S = 20.0
"""An AMF that waits for its AUSF gives up by then; the UE's own timer ends a registration after 15 s."""
NEEDS = ("sbi nrf", "sbi address")


@CASE.sub("A", "SUCI, the UE answers with a wrong RES*", limit=LIMIT)
async def by_suci(trial: Trial) -> None:
    bench = trial.bench
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    with ue.station.record() as record, ue.faults.shown(Fault.WRONG_RES):
        trial.step("REGISTRATION REQUEST with SUCI; AUTHENTICATION RESPONSE with a wrong RES*")
        ue.initiate(lambda: ue.register(attempts=1), "registration")
        with trial.control("a challenge comes that the UE finds genuine, and is answered"):
            await record.expect(nas.AuthenticationRequest)
            await bench.until(lambda: bool(record.said(nas.AuthenticationResponse)), "the UE has answered")
        with trial.finding("AUTHENTICATION REJECT comes"):
            await record.expect(nas.AuthenticationReject)
        with trial.finding("no security is set up with the UE"):
            check.equal(len(record.messages(nas.SecurityModeCommand)), 0, "SECURITY MODE COMMANDs")
    honest = bench.ue_of(ue, gnb)
    with trial.control("the same subscriber registers with the right RES*"):
        await bench.succeeds(honest.register(), "registration")


@CASE.sub("B", "5G-GUTI, the UE answers with a wrong RES*", limit=LIMIT)
async def by_guti(trial: Trial) -> None:
    """The UE says another security capability than before (TS 24.501 §5.5.1.3.2).

    An AMF that takes it without a challenge is asked by a UE that has lost its keys and kept its 5G-GUTI (§4.4.4.3).
    """
    bench = trial.bench
    gnb = await bench.gnb()
    ue = await trial.registered(gnb)

    with ue.station.record() as record, ue.faults.shown(Fault.WRONG_RES):
        trial.step("REGISTRATION REQUEST with the 5G-GUTI; AUTHENTICATION RESPONSE with a wrong RES*")
        await _begins(trial, ue, record)
        with trial.control("a challenge comes before any identity is asked for, and is answered"):
            await record.expect(nas.AuthenticationRequest)
            check.equal(len(record.messages(nas.IdentityRequest)), 0, "IDENTITY REQUESTs")
            await bench.until(lambda: bool(record.said(nas.AuthenticationResponse)), "the UE has answered")
        with trial.finding("the AMF asks for the SUCI") as seen:
            request = await record.expect(nas.IdentityRequest)
            check.equal(request.identity_type, nas.IdentityType.SUCI, "the identity asked for")
            seen.text = f"after {len(record.messages(nas.AuthenticationRequest))} challenge"
        with trial.finding("no security is set up with the UE"):
            check.equal(len(record.messages(nas.SecurityModeCommand)), 0, "SECURITY MODE COMMANDs")
    honest = bench.ue_of(ue, gnb)
    with trial.control("the same subscriber registers with the right RES*"):
        await bench.succeeds(honest.register(), "registration")


async def _begins(trial: Trial, ue: Ue, record: Record) -> None:
    """A registration with the 5G-GUTI that the AMF has reason to challenge."""
    bench = trial.bench

    def other(request: nas.RegistrationRequest) -> list[nas.NasMessage]:
        return [request.replace(ue_security_capability=FEWER)]

    def answered() -> bool:
        return bool(record.messages(nas.AuthenticationRequest) or record.messages(nas.RegistrationAccept))

    with ue.station.change(nas.RegistrationRequest, other):
        _asks(ue)
        with trial.control("the request is answered"):
            await bench.until(answered, "a challenge or an accept")
    if not record.messages(nas.AuthenticationRequest):
        with trial.control("the UE goes idle: its next connection begins without secure exchange"):
            await bench.until(lambda: bool(record.said(nas.RegistrationComplete)), "the update is complete")
            await bench.released(ue)
        ue.security.delete()
        trial.step("REGISTRATION REQUEST with the 5G-GUTI and without keys")
        _asks(ue)


def _asks(ue: Ue) -> None:
    ue.initiate(lambda: ue.register(nas.RegistrationKind.MOBILITY, attempts=1), "registration")


@CASE.sub("N", "SUCI, a wrong RES*: a null RES* goes to the AUSF", needs=NEEDS, beyond=True)
async def null_res_star(trial: Trial) -> None:
    bench = trial.bench
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    ausf = Ausf(trial, ue, "failure")
    with ue.station.record() as record, ue.faults.shown(Fault.WRONG_RES):
        async with in_place(ausf):
            trial.step("REGISTRATION REQUEST with SUCI; AUTHENTICATION RESPONSE with a wrong RES*")
            ue.initiate(lambda: ue.register(attempts=1), "registration")
            await _challenged(trial, ausf, record)
            with trial.finding("what the AMF tells the AUSF has no RES* in it") as seen:
                await bench.until(lambda: bool(ausf.confirmed), "the AUSF is asked for its judgement")
                check.equal(ausf.confirmed[0], None, "resStar")
                seen.text = "resStar null"
            with trial.finding("AUTHENTICATION REJECT comes"):
                await record.expect(nas.AuthenticationReject)
    await _honest(trial, ue, gnb)


@CASE.sub("C", "SUCI, the AUSF says that RES* does not hold", needs=NEEDS)
async def refused_by_suci(trial: Trial) -> None:
    await _at_home(trial, "failure", (nas.AuthenticationReject,), by_guti=False)


@CASE.sub("D", "5G-GUTI, the AUSF says that RES* does not hold", needs=NEEDS)
async def refused_by_guti(trial: Trial) -> None:
    await _at_home(trial, "failure", (nas.IdentityRequest,), by_guti=True)


@CASE.sub("E", "SUCI, the AUSF is silent", needs=NEEDS, within=90.0)
async def silent_by_suci(trial: Trial) -> None:
    await _at_home(trial, "silence", (nas.AuthenticationReject, nas.IdentityRequest), by_guti=False)


@CASE.sub("F", "5G-GUTI, the AUSF is silent", needs=NEEDS, within=90.0)
async def silent_by_guti(trial: Trial) -> None:
    await _at_home(trial, "silence", (nas.AuthenticationReject, nas.IdentityRequest), by_guti=True)


async def _at_home(
    trial: Trial, confirms: Confirms, wanted: tuple[type[nas.NasMessage], ...], *, by_guti: bool
) -> None:
    """The UE answers right, and the bench AUSF says or does this. wanted: what is to come to the UE."""
    bench = trial.bench
    gnb = await bench.gnb()
    ue = await trial.registered(gnb) if by_guti else bench.ue(gnb)
    ausf = Ausf(trial, ue, confirms)
    with ue.station.record() as record:
        ausf.watch = lambda: len(record.heard)
        async with in_place(ausf):
            trial.step(f"REGISTRATION REQUEST with the {'5G-GUTI' if by_guti else 'SUCI'}; the right RES*")
            if by_guti:
                await _begins(trial, ue, record)
            else:
                ue.initiate(lambda: ue.register(attempts=1), "registration")
            await _challenged(trial, ausf, record)
            with trial.control("the AMF asks the bench AUSF for its judgement"):
                await bench.until(lambda: bool(ausf.confirmed), "it is asked")
            names = " or ".join(kind.NAME for kind in wanted)
            with trial.finding(f"{names} comes to the UE"):
                await bench.until(
                    lambda: any(isinstance(one, wanted) for one in messages(record.heard[ausf.seen :])),
                    names,
                    SILENCE_S,
                )
            with trial.finding("no security is set up with the UE"):
                check.equal(len(record.messages(nas.SecurityModeCommand)), 0, "SECURITY MODE COMMANDs")
    await _honest(trial, ue, gnb)


async def _challenged(trial: Trial, ausf: Ausf, record: Record) -> None:
    """Controls: the AMF has its vector of the bench, and the UE answers the challenge that is made of it."""
    with trial.control("the AMF asks the bench AUSF for a vector"):
        await trial.bench.until(lambda: bool(ausf.asked), "it is asked")
    with trial.control("the challenge comes, and the UE answers it"):
        await record.expect(nas.AuthenticationRequest)
        await trial.bench.until(lambda: bool(record.said(nas.AuthenticationResponse)), "the UE has answered")


async def _honest(trial: Trial, ue: Ue, gnb: Gnb) -> None:
    honest = trial.bench.ue_of(ue, gnb)
    with trial.control("the same subscriber registers at the target's own AUSF"):
        await trial.bench.succeeds(honest.register(), "registration")
