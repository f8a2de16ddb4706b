"""TS 33.512 §4.2.2.6.1 TC_UE_SEC_CAP_HANDLING_AMF: security capabilities that no UE may have."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.wire import nas

CASE = Case(
    "SCAS-33512-4.2.2.6.1",
    requirement="The AMF refuses a registration whose UE security capabilities are invalid or not acceptable: none at "
    "all, or without those that every UE has (TS 24.501 §5.5.1.2.8 i, TS 33.501 §5.3.2, §5.3.3).",
    threat="A capability that somebody changed on the way makes the network take the weakest algorithm, or none.",
)
EVERY = (0, 1, 2, 3)
REAL = (1, 2, 3)


async def refused(trial: Trial, capability: nas.UeSecurityCapability) -> None:
    """A registration with this capability is refused; the same subscriber with a whole one is not."""
    bench = trial.bench
    gnb = await bench.gnb()
    ue = bench.ue(gnb)

    def said(request: nas.RegistrationRequest) -> list[nas.NasMessage]:
        return [request.replace(ue_security_capability=capability)]

    words = f"5G-EA {_bits(capability.ea)}, 5G-IA {_bits(capability.ia)}"
    with ue.station.record() as record, ue.station.change(nas.RegistrationRequest, said) as changed:
        trial.step(f"REGISTRATION REQUEST with {words}")
        ue.initiate(lambda: ue.register(attempts=1), "registration")
        with trial.control("the request has left as it was to be"):
            await bench.until(lambda: changed.met > 0, "REGISTRATION REQUEST has left")
            await bench.until(lambda: bool(record.said(nas.RegistrationRequest)), "it is recorded")
            check.equal(
                record.said(nas.RegistrationRequest)[0].ue_security_capability, capability, "what it says"
            )
        with trial.finding("REGISTRATION REJECT comes") as seen:
            reject = await record.expect(nas.RegistrationReject)
            seen.text = f"5GMM cause #{reject.cause}"
        with trial.finding("no algorithm is chosen for the UE"):
            check.equal(len(record.messages(nas.SecurityModeCommand)), 0, "SECURITY MODE COMMANDs")
    whole = bench.ue_of(ue, gnb)
    with trial.control("the same subscriber registers with a whole capability"):
        await bench.succeeds(whole.register(), "registration")


def _bits(numbers: frozenset[int]) -> str:
    return " ".join(map(str, sorted(numbers))) or "none"


@CASE.sub("1", "no 5GS encryption algorithm: all bits zero")
async def no_encryption(trial: Trial) -> None:
    await refused(trial, nas.UeSecurityCapability.of((), REAL))


@CASE.sub("2", "no 5GS integrity algorithm: all bits zero")
async def no_integrity(trial: Trial) -> None:
    await refused(trial, nas.UeSecurityCapability.of(EVERY, ()))


@CASE.sub("3", "the mandatory encryption algorithms are missing")
async def no_mandatory_encryption(trial: Trial) -> None:
    await refused(trial, nas.UeSecurityCapability.of((3,), REAL))


@CASE.sub("4", "the mandatory integrity algorithms are missing")
async def no_mandatory_integrity(trial: Trial) -> None:
    await refused(trial, nas.UeSecurityCapability.of(EVERY, (3,)))


@CASE.sub("5", "NIA0 alone", beyond=True)
async def null_integrity(trial: Trial) -> None:
    await refused(trial, nas.UeSecurityCapability.of(EVERY, (0,)))
