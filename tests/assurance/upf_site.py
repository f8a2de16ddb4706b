"""The network in this process with its own UPF on the model of the data plane; N3, N4 and a host on N6 in memory."""

from __future__ import annotations

import asyncio
import dataclasses
import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

from cinq.assurance.n3 import N3
from cinq.assurance.n4 import BenchSmf
from cinq.assurance.run import Outcome, Stage, play
from cinq.assurance.target import Interfaces
from cinq.assurance.trial import Lab
from cinq.nf.upf import UPF, Settings
from cinq.procedure import Journal, run_virtual
from cinq.ran.scenarios.run import Pool
from cinq.transport.raw import checksum
from cinq.transport_address import TransportAddress
from cinq.userplane.model import Inner, Model, Outer, SlowPath
from cinq.userplane.rules import PlaneSettings, Role
from cinq.wire import gtpu
from tests.network.world import SMF_N4, UPF_N4, Network
from tests.nf.upf.peer import ModelPlane

from .site import COUNT, DNNS, SLICES, TACS, Knobsman, entropy, found, stage, target

Address = tuple[str, int]
UPF_N3, HOST = IPv4Address("10.0.0.1"), IPv4Address("10.99.0.1")
BENCH_SMF = IPv4Address("127.0.0.60")


class Plane(ModelPlane):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model(PlaneSettings(Role.UPF, UPF_N3, max_sessions=1000))
        self.remove, self.discard = self.model.remove, self.model.discard
        self.usage, self.flow_usage = self.model.usage, self.model.flow_usage


class Wires:
    """N4 between the UPF and whoever speaks for an SMF; N3 between the bench and the UPF; one host on N6."""

    def __init__(self, network: Network) -> None:
        self.network, self.plane = network, Plane()
        self.bench: dict[Address, Callable[[bytes, Address], None]] = {}
        settings = Settings(
            UPF_N4, TransportAddress(UPF_N3), (IPv4Network("10.45.0.0/16"),), (SMF_N4, BENCH_SMF)
        )
        self.upf = UPF(settings, self, network.clock, network.entropy, Journal())
        self.upf.start(self.plane)
        network.upf.send = lambda octets, peer: self.upf.n4_received(octets, (str(SMF_N4), 8805))  # type: ignore[method-assign]

    def send(self, octets: bytes, to: Address) -> None:
        """The UPF's N4 port."""
        later = asyncio.get_running_loop().call_soon
        if to[0] == str(SMF_N4):
            later(self.network.smf.n4_received, octets, (str(UPF_N4), 8805))
        elif to in self.bench:
            later(self.bench[to], octets, (str(UPF_N4), 8805))

    def on_n3(self, octets: bytes, peer: Address) -> None:
        """From the bench's gNB to the UPF."""
        match self.plane.model.decapsulate(octets, 0):
            case Inner(packet=packet):
                self.on_n6(packet)
            case SlowPath():
                self.upf.gtpu_received(octets, peer)
        for answer, to in self.plane.sent:
            self.to_bench(answer, to)
        self.plane.sent.clear()

    def on_n6(self, packet: bytes) -> None:
        """The host answers pings."""
        if len(packet) < 28 or packet[9] != 1 or packet[16:20] != HOST.packed or packet[20] != 8:
            return
        icmp = b"\0\0\0\0" + packet[24:]
        icmp = icmp[:2] + checksum(icmp) + icmp[4:]
        header = packet[:10] + b"\0\0" + packet[16:20] + packet[12:16]
        back = header[:10] + checksum(header) + header[12:] + icmp
        assert struct.unpack("!H", back[2:4])[0] == len(back)
        answer = self.plane.model.encapsulate(back, 0)
        if isinstance(answer, Outer):
            self.to_bench(answer.octets, answer.peer)

    def to_bench(self, octets: bytes, to: Address) -> None:
        hear = self.bench.get((to[0], gtpu.PORT))
        if hear is not None:
            asyncio.get_running_loop().call_soon(hear, octets, (str(UPF_N3), gtpu.PORT))

    async def open(self, address: str, port: int, hear: Callable[[bytes, Address], None]) -> Port:
        self.bench[address, port] = hear
        return Port(self, (address, port))


class Port:
    """The bench's UDP endpoint."""

    def __init__(self, wires: Wires, own: Address) -> None:
        self._wires, self._own = wires, own

    def send(self, octets: bytes, to: Address) -> None:
        wires = self._wires
        deliver = wires.on_n3 if to[1] == gtpu.PORT else wires.upf.n4_received
        asyncio.get_running_loop().call_soon(deliver, octets, self._own)

    def close(self) -> None:
        self._wires.bench.pop(self._own, None)


WHERE = Interfaces(UPF_N3, UPF_N4, BENCH_SMF, IPv4Network("10.45.240.0/24"), HOST)


def asked(case: str, sub: str, **changes: object) -> Outcome:
    """The outcome of one sub-case against a fresh network. changes: of the target."""
    whole, part = found(case, sub)
    described = dataclasses.replace(target(), **{"interfaces": WHERE, **changes})  # type: ignore[arg-type]

    async def main() -> Outcome:
        network = Network(tacs=TACS, slices=SLICES, dnns=DNNS, entropy=entropy(b"core"))
        network.provision(COUNT, slices=SLICES, dnns=DNNS)
        wires = Wires(network)
        await network.start()
        plain = stage(network, described)
        n3, n4 = N3(entropy(b"n3"), wires.open), BenchSmf(WHERE, wires.open)
        where = Stage(Lab(described, Knobsman(network), network.clock.now, n3, n4), plain.place)
        try:
            return await play(whole, part, where, Pool(where.place("subscribers")))
        finally:
            n3.close()
            n4.close()
            await network.stop()

    return run_virtual(main())
