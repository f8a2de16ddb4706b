"""A network in one process, and a script of chance over valid security: any procedure, any moment, any mutation.

The oracle is universal: no procedure ended by a bug, a bystander UE keeps its session and its registration, and when
all is quiet nothing waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from cinq.procedure import Aborted, Refused, TimerExpired, run_virtual
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.ue import Ue
from cinq.ran.ue.security import Envelope
from cinq.ran.ue.settings import SessionSettings
from cinq.wire import nas, ngap
from tests.network.world import Network

STEPS = 12
SESSION = (SessionSettings(),)


class Chance:
    """Octets as choices. When they are used up every choice is the first."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def over(self) -> bool:
        return self._at >= len(self._octets)

    def number(self, below: int) -> int:
        if self.over:
            return 0
        self._at += 1
        return self._octets[self._at - 1] % below

    def mutated(self, octets: bytes) -> bytes:
        """A few octets changed, cut or put in."""
        made = bytearray(octets)
        for _ in range(1 + self.number(3)):
            at = self.number(256) % (len(made) + 1)
            match self.number(4):
                case 0 if made:
                    made[at % len(made)] = self.number(256)
                case 1 if made:
                    del made[at % len(made)]
                case 2:
                    made.insert(at, self.number(256))
                case _:
                    del made[at:]
        return bytes(made)


class Play:
    def __init__(self, chance: Chance, network: Network, gnb: Gnb, ue: Ue) -> None:
        self._chance, self._network, self._gnb, self._ue = chance, network, gnb, ue
        self._sent: list[bytes] = []
        self._said: list[tuple[bytes, int]] = []

    async def run(self) -> None:
        for _ in range(STEPS):
            if self._chance.over:
                return
            self._acts[self._chance.number(len(self._acts))](self)
            await asyncio.sleep((0.0, 0.001, 0.05, 7.0)[self._chance.number(4)])

    def _soon(self, action: Callable[[], object]) -> None:
        async def forgiven() -> None:
            with suppress(Refused, TimerExpired, Aborted, KeyError, IndexError):
                made = action()
                if asyncio.iscoroutine(made):
                    await made

        self._gnb.runtime.spawn(forgiven, "fuzz")

    def register(self) -> None:
        self._soon(self._ue.register)

    def update(self) -> None:
        self._soon(lambda: self._ue.register(nas.RegistrationKind.MOBILITY))

    def session(self) -> None:
        self._soon(self._ue.establish_session)

    def release_session(self) -> None:
        self._soon(lambda: self._ue.release_session(1))

    def service(self) -> None:
        self._soon(self._ue.request_service)

    def deregister(self) -> None:
        self._soon(lambda: self._ue.deregister(bool(self._chance.number(2))))

    def radio_failure(self) -> None:
        if self._ue.link.connected:
            self._ue.link.fail()
            self._ue.on_released("fuzz")

    def mutated_nas(self) -> None:
        """A NAS message that was sent before, mutated, under a valid MAC."""
        octets = self._chance.mutated(MESSAGES[self._chance.number(len(MESSAGES))])
        if self._ue.link.connected:
            header = (2, 1, 4, 3, 0)[self._chance.number(5)]
            with suppress(AssertionError, AttributeError):
                self._ue.station.send(octets, envelope=Envelope(header))

    def mutated_ngap(self) -> None:
        """An NGAP message of this UE, mutated."""
        for context in list(self._gnb.n2.ues.values())[:1]:
            kind = PDUS[self._chance.number(len(PDUS))]
            octets = ngap.encode(kind(context.amf_ue_ngap_id or 0, context.ran_ue_ngap_id, self._gnb))
            self._gnb.station.send(self._chance.mutated(octets), stream=1)

    def any_octets(self) -> None:
        self._gnb.station.send(bytes(self._chance.number(256) for _ in range(self._chance.number(40))))

    _acts = (
        register,
        mutated_nas,
        session,
        mutated_ngap,
        update,
        service,
        release_session,
        deregister,
        radio_failure,
        any_octets,
    )


def _location(gnb: Gnb) -> ngap.UserLocationInformation:
    return gnb.location


PDUS: tuple[Callable[[int, int, Gnb], ngap.Pdu], ...] = (
    lambda a, r, g: ngap.UplinkNASTransport(
        amf_ue_ngap_id=a, ran_ue_ngap_id=r, nas_pdu=b"\x7e\0\x43", user_location_information=_location(g)
    ),
    lambda a, r, g: ngap.UEContextReleaseRequest(
        amf_ue_ngap_id=a, ran_ue_ngap_id=r, cause=("radioNetwork", "user-inactivity")
    ),
    lambda a, r, g: ngap.InitialContextSetupResponse(amf_ue_ngap_id=a, ran_ue_ngap_id=r),
    lambda a, r, g: ngap.PDUSessionResourceSetupResponse(amf_ue_ngap_id=a, ran_ue_ngap_id=r),
    lambda a, r, g: ngap.ErrorIndication(amf_ue_ngap_id=a, ran_ue_ngap_id=r, cause=("misc", "unspecified")),
    lambda a, r, g: ngap.HandoverNotify(
        amf_ue_ngap_id=a, ran_ue_ngap_id=r, user_location_information=_location(g)
    ),
    lambda a, r, g: ngap.HandoverCancel(
        amf_ue_ngap_id=a, ran_ue_ngap_id=r, cause=("radioNetwork", "handover-cancelled")
    ),
    lambda a, r, g: ngap.RANConfigurationUpdate(ran_node_name="fuzz"),
)

MESSAGES = tuple(
    bytes.fromhex(vector)
    for name in dir(nas)
    if isinstance(kind := getattr(nas, name), type) and issubclass(kind, nas.NasMessage)
    for vector in getattr(kind, "VECTORS", ())[:1]
)


def core_n1_n2(octets: bytes) -> None:
    """One script. AssertionError: a finding."""

    async def main() -> None:
        network = Network()
        network.provision(2)
        await network.start()
        gnb, home = await network.gnb(), await network.gnb(2)
        bystander = network.ue(home, 1, sessions=SESSION)
        await bystander.power_on()
        ue = network.ue(gnb, 0, sessions=SESSION)
        await Play(Chance(octets), network, gnb, ue).run()
        await asyncio.sleep(100)
        assert bystander.context.registered
        assert bystander.sessions[1].context.address is not None
        await bystander.register(nas.RegistrationKind.MOBILITY)
        await network.stop()
        causes = [event.cause for event in network.events if "bug" in event.cause]
        assert not causes, causes
        assert network.amf.runtime.busy == 0

    run_virtual(main())
