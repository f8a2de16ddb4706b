"""TS 33.512 §4.2.2.1.4 TC_AMF_NAS_INTEGRITY_FAILURE: what is not protected, or wrongly, is discarded."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.stimuli import leaving, session_request
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.ue.security import PLAIN, Envelope
from cinq.wire import nas

CASE = Case(
    "SCAS-33512-4.2.2.1.4",
    requirement="After the security mode procedure the AMF discards NAS messages whose MAC is wrong or missing, but "
    "for those that the specification exempts (TS 33.501 §6.4.3.3, TS 24.501 §4.4.4.3).",
    threat="Who can send on the radio, without any key, speaks for a UE: it ends its registration or its sessions.",
)
NO_MAC = bytes(4)
WRONG_MAC = Envelope(mac=b"\xde\xad\xbe\xef")


async def discarded(trial: Trial, envelope: Envelope, how: str, *, session: bool) -> None:
    """A message that is answered when its envelope is right, in this one; then the same in the right one."""
    gnb = await trial.bench.gnb()
    ue = await trial.registered(gnb)
    message: nas.GmmMessage = session_request(trial) if session else leaving(ue)
    await trial.settle()
    answer = nas.DLNASTransport if session else nas.DeregistrationAcceptUEOriginating
    with ue.station.record() as record, ue.station.mute(answer):
        since = len(record.heard)
        trial.step(f"{message.NAME} {how}")
        ue.station.send(message, envelope=envelope)
        await trial.silence(record, since, f"nothing is answered to {message.NAME} {how}")
        with trial.finding("the UE keeps its connection"):
            check.that(ue.link.connected, "the UE's connection is there")
        await trial.served(ue)
        with trial.control(f"the same {message.NAME}, protected as it should be, is answered"):
            ue.station.send(message)
            await record.expect(answer)


@CASE.sub("a", "a wrong MAC on a request for a PDU session")
async def wrong_mac(trial: Trial) -> None:
    await discarded(trial, WRONG_MAC, "with a wrong MAC", session=True)


@CASE.sub("b", "no MAC on a request for a PDU session")
async def no_mac(trial: Trial) -> None:
    await discarded(trial, PLAIN, "without protection", session=True)


@CASE.sub("a-2", "a wrong MAC on a deregistration", beyond=True)
async def wrong_mac_on_deregistration(trial: Trial) -> None:
    await discarded(trial, WRONG_MAC, "with a wrong MAC", session=False)


@CASE.sub("b-2", "no MAC on a deregistration", beyond=True)
async def no_mac_on_deregistration(trial: Trial) -> None:
    await discarded(trial, PLAIN, "without protection", session=False)


@CASE.sub("c", "a MAC of zeros, as NIA0 makes it", beyond=True)
async def mac_of_zeros(trial: Trial) -> None:
    await discarded(trial, Envelope(mac=NO_MAC), "with a MAC of zeros", session=True)
