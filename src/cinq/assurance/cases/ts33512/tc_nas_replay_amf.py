"""TS 33.512 §4.2.2.3.1 TC_NAS_REPLAY_AMF: a NAS message that was taken once is not taken again."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.stimuli import opens, sent, session_request
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.ue import Ue
from cinq.ran.ue.station import Record
from cinq.wire import nas

CASE = Case(
    "SCAS-33512-4.2.2.3.1",
    requirement="The AMF takes each uplink NAS COUNT once (TS 33.501 §6.4.3.2, TS 24.501 §4.4.3.2).",
    threat="Who overhears a message on the radio sends it again: the UE appears to ask once more for what it asked.",
)


async def again(trial: Trial, ue: Ue, record: Record, kind: type[nas.NasMessage]) -> None:
    """The PDU of this kind once more, in an UPLINK NAS TRANSPORT of its own: a new SCTP DATA chunk."""
    with trial.control(f"the bench's own peer takes the recorded {kind.NAME}, the first time") as seen:
        recorded = sent(record, kind)
        seen.text = opens(ue, recorded.octets, kind)
    await trial.settle()
    since, guti = len(record.heard), ue.context.guti
    trial.step(f"{kind.NAME} leaves once more, octet by octet, in a new UPLINK NAS TRANSPORT")
    ue.station.replay(recorded)
    await trial.silence(record, since, f"nothing is answered to the replayed {kind.NAME}")
    with trial.finding("the UE keeps its connection, its registration and its 5G-GUTI"):
        check.that(ue.link.connected, "the UE's connection is there")
        check.that(ue.context.registered, "the UE is registered")
        check.equal(ue.context.guti, guti, "the 5G-GUTI")
    await trial.served(ue)


@CASE.sub("A", "SECURITY MODE COMPLETE is replayed after the registration")
async def security_mode_complete(trial: Trial) -> None:
    gnb = await trial.bench.gnb()
    ue = trial.bench.ue(gnb)
    with ue.station.record() as record:
        with trial.control("the UE under test registers with the right keys"):
            await trial.bench.succeeds(ue.register(), "registration")
        await again(trial, ue, record, nas.SecurityModeComplete)


@CASE.sub("B", "a registration update is replayed, which is answered when it is taken", beyond=True)
async def registration_update(trial: Trial) -> None:
    gnb = await trial.bench.gnb()
    ue = await trial.registered(gnb)
    with ue.station.record() as record:
        await trial.updated(ue, "the registration update is answered, the first time")
        await again(trial, ue, record, nas.RegistrationRequest)


@CASE.sub("C", "a request for a PDU session is replayed", beyond=True)
async def session_establishment(trial: Trial) -> None:
    gnb = await trial.bench.gnb()
    ue = await trial.registered(gnb)
    with ue.station.record() as record, ue.station.mute(nas.DLNASTransport):
        with trial.control("the request is answered, the first time"):
            ue.tell(session_request(trial))
            await record.expect(nas.DLNASTransport)
        await again(trial, ue, record, nas.ULNASTransport)
