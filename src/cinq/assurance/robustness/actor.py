"""Who sends unexpected input: a phone without a SIM, a subscriber, a gNB in strange hands.

Each begins a batch as somebody whom the target serves; that it does so again is what shows that the batch before was
heard, for the target takes messages of an association in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from cinq.assurance.robustness import ngap as ngap_forms
from cinq.assurance.robustness.form import Symbols
from cinq.assurance.trial import DISAPPOINTMENTS, Trial
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios.check import Failed
from cinq.ran.scenarios.stage import Stage, silence
from cinq.ran.ue import Ue
from cinq.wire import nas, ngap

SERVED_S = 10.0  # so long a target may take to serve the one that has sent it nonsense
PSI = 1


class Actor(Protocol):
    """symbols: what the next inputs say of the moment, known when it is ready."""

    async def ready(self) -> Symbols:
        """It is served as anybody. Failed: it is not."""
        ...

    async def send(self, octets: bytes) -> None:
        """Octets as they are. No error: what cannot leave is lost."""
        ...

    def close(self) -> None: ...


class AtGnb:
    """At a gNB of its own, with a subscriber that registers anew for each batch."""

    session = False

    def __init__(self, trial: Trial) -> None:
        self._bench = trial.bench
        self._gnb: Gnb | None = None
        self._ue: Ue | None = None
        self._unsilence: Callable[[], None] | None = None

    @property
    def gnb(self) -> Gnb:
        assert self._gnb is not None
        return self._gnb

    @property
    def ue(self) -> Ue:
        assert self._ue is not None
        return self._ue

    async def ready(self) -> Symbols:
        bench = self._bench
        if self._gnb is None:
            self._gnb = await bench.gnb()
            self._unsilence = silence(self._gnb)
        try:
            await self._served()
        except (TimeoutError, *DISAPPOINTMENTS):
            # what this gNB said of itself may have counted: it begins anew, as after a restart
            if self.gnb.n2.association is not None:
                self.gnb.n2.association.abort("begins anew")
            try:
                await self._served()
            except TimeoutError:
                raise Failed(
                    f"the gNB that sent them is not served within {SERVED_S:g} s: {self.gnb.trouble or 'no answer'}"
                ) from None
        return self._symbols()

    async def _served(self) -> None:
        """The gNB is up, and a new phone with the subscriber's SIM registers there."""
        bench, before = self._bench, self._ue
        async with asyncio.timeout(SERVED_S):
            await bench.until(
                lambda: self.gnb.n2.association is not None, "the association is there", SERVED_S
            )
            await self.gnb.up()
            sessions = (bench.session(),) if self.session else ()
            if before is None:
                self._ue = bench.ue(self.gnb, sessions=sessions)
            else:
                before.leave()
                self._ue = bench.ue_of(before, self.gnb, sessions=sessions)
            await bench.succeeds(self.ue.register(attempts=1), "registration at the gNB that sent them")
            if self.session:
                await bench.succeeds(self.ue.establish_session(), "session at the gNB that sent them")

    def _symbols(self) -> Symbols:
        return {}

    def close(self) -> None:
        if self._unsilence is not None:
            self._unsilence()


class RogueGnb(AtGnb):
    """Any NGAP messages, with the identities of a UE that it serves."""

    session = True

    def _symbols(self) -> Symbols:
        """IEs as this gNB has sent them since the UE registered."""
        found: dict[str, bytes] = {}
        label = self.gnb.n2.label
        for event in reversed(self._bench.events):
            if event.interface == "N2" and event.direction == "out" and event.subject == label:
                try:
                    elements = ngap_forms.elements(event.octets)
                except ValueError:
                    continue
                for name, value in elements.items():
                    found.setdefault(name, value)
                if event.message == "InitialUEMessage":
                    break
        context = self._bench.context(self.ue, self.gnb)
        whole = ngap.UplinkNASTransport(
            amf_ue_ngap_id=context.amf_ue_ngap_id or 0,
            ran_ue_ngap_id=context.ran_ue_ngap_id,
            nas_pdu=b"\x7e\0\x43",
            user_location_information=self.gnb.location,
        )
        return {**found, **ngap_forms.elements(ngap.encode(whole))}

    async def send(self, octets: bytes) -> None:
        if self.gnb.n2.association is not None:
            self.gnb.station.send(octets, stream=1)


class Phone(AtGnb):
    """First messages of phones that nobody knows, each in a connection of its own."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial)
        self._stage: Stage | None = None

    def _symbols(self) -> Symbols:
        if self._stage is None:
            self._stage = Stage(self._bench, self.gnb, self.ue, self.gnb)
        unknown = self._stage.registration()
        return {"5G-GUTI": identity_of(unknown)}

    async def send(self, octets: bytes) -> None:
        if self._stage is not None and self.gnb.n2.association is not None:
            self._stage.send(self._stage.first(octets))


class Subscriber(AtGnb):
    """Any 5GMM messages under the keys of a registered UE; where its connection has ended it opens another."""

    session = True

    def _symbols(self) -> Symbols:
        guti = self.ue.context.guti
        return {} if guti is None else {"5G-GUTI": nas_identity(guti)}

    async def send(self, octets: bytes) -> None:
        station = self.ue.station
        if self.ue.link.connected:
            station.send(octets)
        elif self.gnb.n2.association is not None:
            station.open(octets)


class SubscribersSessions(Subscriber):
    """Any 5GSM messages of a registered UE, about the session that it has."""

    async def send(self, octets: bytes) -> None:
        identity = octets[1] if len(octets) > 1 else PSI
        transport = nas.ULNASTransport(
            payload_container_type=nas.PayloadContainerType.N1_SM_INFORMATION,
            payload_container=octets,
            pdu_session_id=identity,
            request_type=nas.RequestType.INITIAL_REQUEST if octets[3:4] == b"\xc1" else None,
        )
        await super().send(nas.encode(transport))


def identity_of(request: nas.RegistrationRequest) -> bytes:
    return nas_identity(request.mobile_identity)


def nas_identity(identity: object) -> bytes:
    """5GS mobile identity (TS 24.501 §9.11.3.4) as contents of an element."""
    row = next(row for row in nas.RegistrationRequest.ROWS if row.name == "mobile_identity")
    made = row.codec.encode(identity)
    return bytes((made,)) if isinstance(made, int) else made
