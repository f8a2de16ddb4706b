"""What a service call between two processes costs: an AMF asks a PCF over HTTP/2, with TLS and an access token.

    result = Bench(calls=2000, in_flight=16, rounds=5, step=lambda done, of: None).run()

CPU is counted on both sides, as the kernel accounts it, so that other work of the host counts little. The producer is
this module as a program: its folder is its argument.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cinq.lab.figures import Figure
from cinq.nf.pcf import PCF
from cinq.numbering import PlmnId
from cinq.procedure import RealClock
from cinq.sbi import Bus, producers, tls
from cinq.sbi.certificates import Authority
from cinq.sbi.directory import OneRoot
from cinq.sbi.guard import Guard, Producer
from cinq.sbi.http import OverHttp
from cinq.sbi.models import Ambr
from cinq.sbi.operation import Operation
from cinq.sbi.peers import Peers
from cinq.sbi.reach import api_root
from cinq.sbi.services.nnrf_accesstoken import AccessTokenClaims
from cinq.sbi.services.npcf_ampolicycontrol import NpcfAMPolicyControl, PolicyAssociationRequest
from cinq.sbi.token import SigningKey, TrustedKeys

HOST = "127.0.0.1"
AMF_ID, PCF_ID, NRF_ID = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
WARM = 200  # calls before the first that counts
REQUEST = PolicyAssociationRequest(
    notification_uri="https://amf.example/namf-callback/v1/am-policy/imsi-999700000000001",
    supi="imsi-999700000000001",
    supp_feat="0",
    ue_ambr=Ambr(uplink="1 Gbps", downlink="1 Gbps"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """CPU in µs of a call. alone: one call at a time; else as many as were asked for. Times in ms."""

    in_flight: int
    cpu_us: Figure
    consumer_cpu_us: Figure
    producer_cpu_us: Figure
    cpu_us_alone: Figure
    calls_per_s: Figure
    p50_ms: Figure
    p99_ms: Figure


class Bench:
    def __init__(self, calls: int, in_flight: int, rounds: int, step: Callable[[int, int], None]) -> None:
        self._calls, self._in_flight, self._rounds, self._step = calls, in_flight, rounds, step

    def run(self) -> Result:
        """OSError: the producer does not start."""
        with tempfile.TemporaryDirectory(prefix="cinq-sbi-") as name:
            folder = Path(name)
            authority = Authority.kept(folder)
            for each, instance in (("amf", AMF_ID), ("pcf", PCF_ID)):
                authority.issue(folder, each, [f"urn:uuid:{instance}"], [HOST])
            SigningKey.kept(folder / "nrf.pem")
            argv = (sys.executable, "-m", "cinq.lab.service_calls", name)
            with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as producer:
                try:
                    assert producer.stdout is not None
                    port = producer.stdout.readline()
                    if not port:
                        raise OSError("the producer does not start")
                    return asyncio.run(self._measured(folder, int(port), producer.pid))
                finally:
                    producer.terminate()

    async def _measured(self, folder: Path, port: int, pid: int) -> Result:
        peers = Peers(_tls(folder, "amf", server=False))
        wire = OverHttp(
            OneRoot(api_root(HOST, port, tls=True), {"PCF": PCF_ID}),
            peers,
            _Token(SigningKey.kept(folder / "nrf.pem")),
        )
        client = Bus(wire=wire).client(NpcfAMPolicyControl, "AMF")
        for _ in range(WARM):
            await client.create(REQUEST)
        alone, many = list[_Round](), list[_Round]()
        for number in range(self._rounds):
            alone.append(await self._round(client, 1, self._calls // 4 or 1, pid))
            many.append(await self._round(client, self._in_flight, self._calls, pid))
            self._step(number + 1, self._rounds)
        await peers.close()
        return Result(
            self._in_flight,
            Figure.of(one.consumer + one.producer for one in many),
            Figure.of(one.consumer for one in many),
            Figure.of(one.producer for one in many),
            Figure.of(one.consumer + one.producer for one in alone),
            Figure.of(one.calls / one.seconds for one in many),
            Figure.of(one.times[len(one.times) // 2] * 1e3 for one in many),
            Figure.of(one.times[len(one.times) * 99 // 100] * 1e3 for one in many),
        )

    async def _round(self, client: NpcfAMPolicyControl, in_flight: int, calls: int, pid: int) -> _Round:
        times: list[float] = []

        async def some(number: int) -> None:
            for _ in range(number):
                asked = time.perf_counter()
                await client.create(REQUEST)
                times.append(time.perf_counter() - asked)

        begun, own, other = time.perf_counter(), time.process_time(), _cpu_s(pid)
        await asyncio.gather(*(some(calls // in_flight or 1) for _ in range(in_flight)))
        consumer, producer = time.process_time() - own, _cpu_s(pid) - other
        done = len(times)
        return _Round(
            done, time.perf_counter() - begun, consumer / done * 1e6, producer / done * 1e6, sorted(times)
        )


@dataclass(frozen=True, slots=True)
class _Round:
    calls: int
    seconds: float
    consumer: float
    producer: float
    times: list[float]


class _Token:
    """One that the NRF would have given."""

    def __init__(self, key: SigningKey) -> None:
        claims = AccessTokenClaims(
            iss=NRF_ID, sub=AMF_ID, aud="PCF", scope="npcf-am-policy-control", exp=int(time.time()) + 86_400
        )
        self._value = f"Bearer {key.sign(claims)}"

    async def authorization(self, op: Operation, consumer: str, plmn: PlmnId | None = None) -> str:
        return self._value

    def refused(self, op: Operation, consumer: str, plmn: PlmnId | None = None) -> bool:
        return False


def _tls(folder: Path, name: str, *, server: bool) -> ssl.SSLContext:
    files = (folder / f"{name}.pem", folder / f"{name}.key", folder / "sbi-ca.pem")
    return tls.mutual(*map(str, files), server=server)


def _cpu_s(pid: int) -> float:
    """What a process has had of the processors (/proc/PID/schedstat, in ns)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


async def _produce(folder: Path) -> None:
    """The PCF, until it is ended. Its port is its first line."""
    bus = Bus()
    for service, implementation in PCF(PCF_ID).services():
        bus.serve(service, implementation, PCF_ID)
    guard = Guard(
        TrustedKeys((folder / "nrf.pem.pub",)), RealClock(), lambda op: Producer("PCF", frozenset((PCF_ID,)))
    )
    server = await producers.offer(bus, HOST, 0, _tls(folder, "pcf", server=True), guard=guard)
    print(server.local[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_produce(Path(sys.argv[1])))
