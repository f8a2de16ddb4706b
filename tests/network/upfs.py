"""Real UPFs on the model plane behind an SMF's N4: an anchor, and one before it in tracking area 2 and one in 3."""

from __future__ import annotations

import asyncio
import itertools
from ipaddress import IPv4Address, IPv4Network

from cinq.nf.smf import SMF, UserPlane
from cinq.nf.upf import UPF, Settings
from cinq.procedure import Journal, VirtualClock
from cinq.transport_address import TransportAddress
from cinq.wire import pfcp
from tests.nf.upf.peer import ModelPlane

ANCHOR, EAST, WEST = (IPv4Address(f"127.0.0.{n}") for n in (7, 8, 9))
N3 = {ANCHOR: IPv4Address("10.3.7.1"), EAST: IPv4Address("10.3.8.1"), WEST: IPv4Address("10.3.9.1")}
UPFS = (
    UserPlane(ANCHOR),
    UserPlane(EAST, tacs=(2,), anchors=False, links=(ANCHOR,), dnais=("edge",)),
    UserPlane(WEST, tacs=(3,), anchors=False, links=(ANCHOR,), dnais=("edge",)),
)


class Upfs:
    """mute: UPFs from which nothing comes back. asked: what they were asked, but for heartbeats."""

    def __init__(self, smf: SMF) -> None:
        self._smf = smf
        self.planes, self.upfs = dict[IPv4Address, ModelPlane](), dict[IPv4Address, UPF]()
        self.mute, self.asked = set[IPv4Address](), list[tuple[IPv4Address, str]]()
        self._counter = itertools.count(1)
        for address in N3:
            self.begin(address)

    @property
    def smf_peer(self) -> tuple[str, int]:
        return str(self._smf.ports.settings.node_id), 8805

    def begin(self, address: IPv4Address) -> None:
        """A UPF that knows nothing."""
        plane = self.planes[address] = ModelPlane()
        number = next(self._counter)
        settings = Settings(
            address,
            TransportAddress(N3[address]),
            (IPv4Network("10.45.0.0/16"),),
            (IPv4Address(self.smf_peer[0]),),
        )
        upf = UPF(
            settings,
            Port(self, address),
            VirtualClock(),
            lambda n: (number << 16 | next(self._counter)).to_bytes(n, "big"),
            Journal(),
        )
        upf._n4.recovery_time_stamp += number
        self.upfs[address] = upf
        upf.start(plane)

    def send(self, octets: bytes, peer: tuple[str, int]) -> None:
        """The SMF's port of N4."""
        address, message = IPv4Address(peer[0]), pfcp.decode(octets)
        if address in self.mute:
            return
        if type(message).REQUEST and not isinstance(message, pfcp.HeartbeatRequest):
            self.asked.append((address, type(message).__name__))
        self.upfs[address].n4_received(octets, self.smf_peer)

    def answered(self, octets: bytes, address: IPv4Address) -> None:
        if address not in self.mute:
            source = str(address), 8805
            asyncio.get_running_loop().call_soon(self._smf.n4_received, octets, source)

    def sessions(self) -> dict[str, int]:
        """How many each UPF has."""
        return {str(address): len(upf) for address, upf in self.upfs.items()}


class Port:
    """A UPF's port of N4."""

    def __init__(self, upfs: Upfs, address: IPv4Address) -> None:
        self._upfs, self._address = upfs, address

    def send(self, octets: bytes, peer: tuple[str, int]) -> None:
        self._upfs.answered(octets, self._address)
