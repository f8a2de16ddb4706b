"""Where a negative case plays: a gNB that misbehaves, and a bystander who must not notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cinq.numbering import Suci, Supi
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.ue import Ue
from cinq.wire import nas, ngap

FIRST_RAN_ID = 0xA000_0000  # of UEs that the bench makes up; the gNB's own count from 1
CAPABILITY = nas.UeSecurityCapability.of((0, 1, 2, 3), (0, 1, 2, 3))


@dataclass(slots=True)
class Stage:
    """gnb: the one that misbehaves. bystander: a UE with a session at another gNB, `home`."""

    bench: Bench
    gnb: Gnb
    bystander: Ue
    home: Gnb
    made_up: int = 0

    @property
    def victim(self) -> tuple[int, int]:
        """AMF UE NGAP ID and RAN UE NGAP ID of the bystander's connection."""
        bench = self.bench
        return bench.amf_ue_ngap_id(self.bystander, self.home), bench.ran_ue_ngap_id(
            self.bystander, self.home
        )

    def send(self, what: ngap.Pdu | bytes, stream: int = 1) -> None:
        self.gnb.station.send(what, stream=stream)

    def first(
        self, nas_pdu: bytes, cause: ngap.RRCEstablishmentCause = "mo-Signalling"
    ) -> ngap.InitialUEMessage:
        """INITIAL UE MESSAGE of a UE that there is not."""
        self.made_up += 1
        return ngap.InitialUEMessage(
            ran_ue_ngap_id=FIRST_RAN_ID + self.made_up,
            nas_pdu=nas_pdu,
            user_location_information=self.gnb.location,
            rrc_establishment_cause=cause,
            ue_context_request="requested",
        )

    def suci(self, imsi: str) -> Suci:
        return Suci.null_scheme(Supi(imsi), self.bench.target.core.plmn)

    def registration(self, **changes: object) -> nas.RegistrationRequest:
        """Of a subscriber that the network does not know, where nothing else is said."""
        fields: dict[str, object] = {
            "registration_type": nas.RegistrationType(nas.RegistrationKind.INITIAL, follow_on=True),
            "ng_ksi": nas.NgKsi(7),
            "mobile_identity": self.suci(self.bench.unknown_imsi()),
            "ue_security_capability": CAPABILITY,
        }
        return nas.RegistrationRequest(**{**fields, **changes})  # type: ignore[arg-type]  # as the case wants it

    def answers(self) -> list[nas.NasMessage]:
        """What UEs that there are not were told in clear."""
        found = []
        for message in self.bench.heard(ngap.DownlinkNASTransport, self.gnb):
            if message.ran_ue_ngap_id > FIRST_RAN_ID and (message.nas_pdu or b"\0\1")[1] == 0:
                found.append(nas.decode(message.nas_pdu or b""))
        return found


@asynccontextmanager
async def stage(bench: Bench) -> AsyncIterator[Stage]:
    """The universal oracle: the core lives, it serves what comes behind the stimulus on the same association (so that
    the stimulus was there), and the bystander kept its connection, its registration and its session."""
    home, gnb = await bench.gnb(), await bench.gnb()
    bystander = await bench.registered(home, sessions=(bench.session(),))
    await bench.succeeds(bystander.establish_session(), "session of the bystander")
    heard_again = silence(gnb)
    played = Stage(bench, gnb, bystander, home)
    try:
        yield played
    finally:
        heard_again()
    await asyncio.sleep(0.5)
    await bench.succeeds(gnb.up(), "NG Setup of the gNB that misbehaved, should it have lost its association")
    await bench.alive(gnb)
    check.equal(len(bench.heard(ngap.UEContextReleaseCommand, home)), 0, "releases at the bystander's gNB")
    check.equal(bystander.active_sessions, frozenset({1}), "sessions of the bystander")
    update = bystander.register(nas.RegistrationKind.MOBILITY)
    await bench.succeeds(update, "registration update of the bystander")
    check.equal(bystander.active_sessions, frozenset({1}), "sessions of the bystander afterwards")
    await bench.alive(home)


def silence(gnb: Gnb) -> Callable[[], None]:
    """The gNB does not answer for UEs that there are not, but confirms their releases. Returns what ends that."""
    station = gnb.station

    def confirm(command: ngap.UEContextReleaseCommand) -> None:
        ids = command.ue_ngap_ids[1]
        if isinstance(ids, ngap.UENGAPIDpair):
            complete = ngap.UEContextReleaseComplete(
                amf_ue_ngap_id=ids.amf_ue_ngap_id, ran_ue_ngap_id=ids.ran_ue_ngap_id
            )
            station.send(complete, stream=1)

    def released(command: ngap.UEContextReleaseCommand) -> bool:
        ids = command.ue_ngap_ids[1]
        return isinstance(ids, ngap.UENGAPIDpair) and ids.ran_ue_ngap_id > FIRST_RAN_ID

    rules = (
        station.mute(ngap.DownlinkNASTransport, lambda m: m.ran_ue_ngap_id > FIRST_RAN_ID),
        station.tap(ngap.UEContextReleaseCommand, confirm, released),
        station.mute(ngap.UEContextReleaseCommand, released),
    )

    def end() -> None:
        for rule in rules:
            rule.remove()

    return end
