"""TS 33.512 §4.2.2.1.3 TC_AMF_REDIRECTION_5GS_EPS: a UE is sent to EPS under NAS security alone."""

from __future__ import annotations

from contextlib import suppress

from cinq.assurance.case import Case
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.ue.station import Heard, Record
from cinq.wire import nas
from cinq.wire.nas import GmmCause

CASE = Case(
    "SCAS-33512-4.2.2.1.3",
    requirement="The AMF tells a UE to go to EPC only after the security mode procedure, in a message that is "
    "integrity protected (TS 33.501 §6.16.1.1, TS 24.501 §5.5.1.2.5).",
    threat="Whoever speaks on the radio sends subscribers away to an older system with one unprotected reject.",
)


def rejects(record: Record) -> list[tuple[Heard, nas.RegistrationReject]]:
    """Those that came, also in clear and so not processed."""
    found = []
    for one in record.heard:
        if isinstance(one, Heard):
            message = one.message
            if message is None and one.octets[1:2] == b"\0":
                with suppress(nas.NasError):
                    message = nas.decode(one.octets)
            if isinstance(message, nas.RegistrationReject):
                found.append((one, message))
    return found


@CASE.sub(
    "A",
    "an initial registration while the operator redirects all UEs",
    needs=("redirect_to_eps",),
    feature="ciot",
)
async def redirected(trial: Trial) -> None:
    bench = trial.bench
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    await trial.turn("redirect_to_eps", state="on")
    try:
        with ue.station.record() as record:
            trial.step("REGISTRATION REQUEST of the kind 'initial registration'")
            ue.initiate(lambda: ue.register(attempts=1), "registration")
            with trial.control("REGISTRATION REJECT sends the UE to EPC"):
                await bench.until(lambda: bool(rejects(record)), "REGISTRATION REJECT comes")
                heard, reject = rejects(record)[0]
                check.equal(reject.cause, GmmCause.REDIRECTION_TO_EPC_REQUIRED, "the 5GMM cause")
            with trial.finding("the security mode procedure was completed before"):
                check.equal(len(record.said(nas.SecurityModeComplete)), 1, "SECURITY MODE COMPLETEs")
            with trial.finding("REGISTRATION REJECT is integrity protected, and its MAC holds"):
                check.that(heard.checked, "it came without protection")
    finally:
        await trial.turn("redirect_to_eps", state="off")
    with trial.control("without redirection the same subscriber registers"):
        await bench.succeeds(bench.ue_of(ue, gnb).register(), "registration")
