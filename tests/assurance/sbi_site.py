"""The network in this process whose functions meet over HTTP messages with access tokens, as they do apart; the bench
on the same interface. Connections are in memory: what TLS would show is what each end says of itself here."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from pathlib import Path

import msgspec

from cinq.assurance.credentials import Credentials, Sbi
from cinq.assurance.run import Outcome, Stage, play
from cinq.assurance.target import Features, Target
from cinq.assurance.trial import Lab, Shown
from cinq.crypto import suci
from cinq.nf.nrf import NRF
from cinq.nf.nrf import Settings as NrfSettings
from cinq.nf.smf import Charging
from cinq.procedure import Journal, run_virtual
from cinq.ran.scenarios.check import Failed
from cinq.ran.scenarios.run import Pool
from cinq.sbi import Bus, checked, http
from cinq.sbi.assertion import Assertions
from cinq.sbi.certificates import Authority
from cinq.sbi.credentials import Credentials as Tokens
from cinq.sbi.directory import Discovery, StatusListener
from cinq.sbi.guard import Guard, Producer
from cinq.sbi.message import Request, Response
from cinq.sbi.models import PlmnId, UpSecurity
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.operation import Operation
from cinq.sbi.producers import Producers
from cinq.sbi.reach import reachable
from cinq.sbi.services.nnrf import NfStatusCallback, NnrfNFManagement, SubscriptionData
from cinq.sbi.token import SigningKey, TrustedKeys
from cinq.sbi.whole import Whole
from cinq.settings import HexOctets
from cinq.transport.error import NoAnswerError
from cinq.transport.http2 import Answer, Secured
from tests.network.world import HOME, PLMN, TARIFF, Network

from .site import COUNT, DNNS, SLICES, TACS, Knobsman, entropy, found, stage, target

HOST, PORT, BENCH = "127.0.0.8", 7777, "127.0.0.9"
ROOT = f"https://{HOST}:{PORT}"
REQUIRED = UpSecurity(up_integr="REQUIRED", up_confid="REQUIRED")
INSTANCES = tuple(f"0cb1a000-0000-4000-8000-{number:012x}" for number in (1, 2, 3))
NRF_ID = "00000000-0000-4000-8000-000000000001"
_KEPT = tempfile.TemporaryDirectory(prefix="cinq-sbi-site-")  # as long as this process
FOLDER = Path(_KEPT.name)
AUTHORITY = Authority.kept(FOLDER)
FILES = AUTHORITY.issue(FOLDER, "bench", [f"urn:uuid:{one}" for one in INSTANCES], [BENCH])
KEY = SigningKey.kept(FOLDER / "nrf-token.pem")
WHERE = Sbi(
    nrf=ROOT,
    address=IPv4Address(BENCH),
    certificate=str(FILES.certificate),
    key=str(FILES.key),
    authorities=str(FILES.authorities),
    token_key=str(FOLDER / "nrf-token.pem"),
    status_callback=f"{ROOT}/nf-status-callback/v1/1",
    profile_a=HexOctets(suci.public_key(1, HOME)),
    profile_a_id=1,
    profile_b=HexOctets(suci.public_key(2, HOME)),
    profile_b_id=2,
)


class Memory:
    """Who is at which API root. asked: what came to each, as 'POST /target'."""

    def __init__(self) -> None:
        self.at: dict[str, Answer] = {}
        self.asked: list[tuple[str, Request]] = []
        self._ports = itertools.count(40_001)

    async def carry(self, root: str, request: Request, names: tuple[str, ...], within: float) -> Response:
        answer = self.at.get(root)
        if answer is None:
            raise NoAnswerError(f"{root}: not sent: nobody is there")
        self.asked.append((root, request))
        peer = Secured(("127.0.0.1", 1), True, names)
        try:
            async with asyncio.timeout(within):
                return await asyncio.create_task(
                    answer(request, peer)
                )  # what it learns of its caller is its own
        except TimeoutError:
            raise NoAnswerError(f"{root}: no answer within {within:g} s") from None
        except Exception:  # as the server does with a bug
            return Response(500)


class CorePeers:
    """In place of cinq.sbi.peers: the connections of the core's one process."""

    def __init__(self, memory: Memory, names: tuple[str, ...]) -> None:
        self._memory, self._names = memory, names

    async def send(self, root: str, request: Request, within: float, instance: str = "") -> Response:
        return await self._memory.carry(root, request, self._names, within)


class BenchWire:
    """In place of cinq.assurance.sbi.wire."""

    def __init__(self, memory: Memory, where: Sbi) -> None:
        self.credentials = Credentials(where)
        self._memory = memory

    async def ask(self, root: str, request: Request, shown: Shown = "own", within: float = 5.0) -> Response:
        if shown != "own":
            raise Failed("the handshake is refused")
        names = tuple(f"urn:uuid:{one}" for one in INSTANCES)
        try:
            return await self._memory.carry(root, request, names, within)
        except NoAnswerError as error:
            raise Failed(str(error)) from None

    @asynccontextmanager
    async def serving(self, answer: Answer) -> AsyncIterator[str]:
        root = f"https://{BENCH}:{next(self._memory._ports)}"
        self._memory.at[root] = answer
        try:
            yield root
        finally:
            del self._memory.at[root]


class Apart(Network):
    """All functions of one process, which meet by HTTP messages alone."""

    def __init__(self, **changes: object) -> None:
        self.memory = Memory()
        self._wire: http.OverHttp

        def bus(journal: Journal) -> Bus:
            directory = _Later()
            self._wire = http.OverHttp(directory, None, own=ROOT)  # type: ignore[arg-type]
            return Bus(checked, journal, self._wire, ROOT, remote=True)

        super().__init__(bus=bus, **changes)  # type: ignore[arg-type]
        self.clock.start = time.time()  # certificates are of today
        self.nrf = NRF(NrfSettings(), self.clock, NRF_ID, KEY, bus=self.bus)
        self.chf._settings = msgspec.structs.replace(
            self.chf._settings, without_account="postpaid", tariff=TARIFF.name
        )
        self.profiles: dict[str, NFProfile] = {}

    async def start(self) -> None:
        own = {nf.profile().nf_type: nf.instance_id for nf in self.functions}
        names = tuple(f"urn:uuid:{one}" for one in (*own.values(), NRF_ID))
        self._wire.peers = CorePeers(self.memory, names)  # type: ignore[assignment]
        discovery = self._wire.directory = Discovery(ROOT, NRF_ID, own, self.clock)
        discovery.bus = self.bus
        self._wire.authority = Tokens(self.bus, own, self.clock)
        guard = Guard(TrustedKeys.of(KEY), self.clock, self._producer, plmns=frozenset((PlmnId.of(PLMN),)))
        assertions = Assertions(FILES.authorities, self.clock)
        self.memory.at[ROOT] = Producers(self.bus, ROOT, self._wire.mark, guard, assertions).answer
        for service, implementation in self.nrf.services():
            self.bus.serve(service, implementation, NRF_ID)
        nrf = self.bus.client(NnrfNFManagement, "AMF")
        for nf in self.functions:
            offered = [service for service, _ in nf.services()]
            for service, implementation in nf.services():
                self.bus.serve(service, implementation, nf.instance_id)
            profile = reachable(nf.profile(), offered, HOST, PORT, tls=True, tokens=True)
            self.profiles[nf.instance_id] = profile
            await nrf.nf_register(nf.instance_id, Whole.of(profile))
        listener = StatusListener(discovery)
        listener.references.add("1")
        self.bus.serve(NfStatusCallback, listener, self.amf.instance_id)
        await nrf.subscribe(
            SubscriptionData(
                nf_status_notification_uri=self.bus.uri("/nf-status-callback/v1/1"),
                req_nf_type="AMF",
                req_nf_instance_id=self.amf.instance_id,
            )
        )
        await self.udm.start()
        await self.pcf.start()
        self.upf.smf = self.smf
        self.smf.start()
        self.amf.start()

    def _producer(self, op: Operation) -> Producer:
        profile = self.profiles.get(next(iter(self.bus.providers(op)), ""))
        if profile is None:
            return Producer(op.owner, frozenset())
        return Producer(
            op.owner,
            frozenset((profile.nf_instance_id,)),
            tuple(profile.s_nssais),
            tuple(profile.nf_set_id_list),
            tuple(profile.nsi_list),
        )


class _Later:
    """Until the directory is there."""

    async def find(self, op: Operation, consumer: str, instance: str | None, root: str) -> object:
        raise AssertionError("not started")

    def failed(self, place: object) -> None: ...


def described(**changes: object) -> Target:
    features = Features(assertions=True, tsc=True, lan=True, charging=True)
    return dataclasses.replace(target(sbi=WHERE, features=features), **changes)  # type: ignore[arg-type]


def asked(
    case: str,
    sub: str,
    whom: Target | None = None,
) -> Outcome:
    """The outcome of one sub-case against a fresh network, whose subscriptions require protection of user data."""
    whole, part = found(case, sub)
    whom = whom or described()

    async def main() -> Outcome:
        charges = case == "33515-4.2.2.1.4"
        network = Apart(
            tacs=TACS, slices=SLICES, dnns=DNNS, entropy=entropy(b"core"), charging=Charging(on=charges)
        )
        network.provision(COUNT, slices=SLICES, dnns=DNNS, up_security=REQUIRED)
        await network.start()
        plain = stage(network, whom)
        lab = Lab(whom, Knobsman(network), network.clock.now, sbi=BenchWire(network.memory, WHERE))
        where = Stage(lab, plain.place)
        try:
            return await play(whole, part, where, Pool(where.place("subscribers")))
        finally:
            await network.stop()
            await asyncio.sleep(0)

    return run_virtual(main())
