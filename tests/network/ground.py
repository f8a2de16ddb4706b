"""The ports of a network in memory: `Network.start` runs whole, without the kernel and without rights."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from cinq import network, service_interface, user_plane
from cinq.network import Network
from cinq.numbering import Supi
from cinq.parts import identity
from cinq.procedure import Journal, Runtime, VirtualClock
from cinq.procedure.store import MemoryStore
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.gnb.settings import GnbSettings
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.token import SigningKey
from cinq.transport.sctp.association import AssociationHandler
from cinq.userplane.model import Model
from cinq.userplane.rules import PlaneSettings
from tests.network.world import End

Address = tuple[str, int]


class Port:
    """A UDP endpoint that knows its joined peers alone."""

    def __init__(self, local: Address) -> None:
        self.local = local
        self.on_datagram: Callable[[bytes, Address], None] = lambda octets, peer: None
        self._joined: dict[Address, Port] = {}

    def join(self, other: Port) -> None:
        self._joined[other.local] = other
        other._joined[self.local] = self

    def send(self, octets: bytes, to: Address) -> None:
        if (other := self._joined.get(to)) is not None:
            asyncio.get_running_loop().call_soon(lambda: other.on_datagram(octets, self.local))

    def close(self) -> None:
        self._joined.clear()


class Plane(Model):
    """userplane.Model as the plane of a network."""

    def __init__(self, settings: PlaneSettings) -> None:
        super().__init__(settings)
        self.kind, self.mtu = "model", settings.inner_mtu(1500)
        self.install_rules = super().install

    def install(self, rules: object, now: float = 0.0) -> object:  # type: ignore[override]
        return self.install_rules(rules, now)  # type: ignore[arg-type]

    def send(self, octets: bytes, peer: Address) -> None: ...

    def changes(self) -> list[str]:
        return []

    def close(self) -> None: ...


class Memory(MemoryStore):
    def close(self) -> None: ...


class Quiet:
    def close(self) -> None: ...


class Server:
    async def close(self) -> None: ...


def lay(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on networks of this test have their ports in memory."""

    async def endpoint(address: str, port: int, on_datagram: object) -> Port:
        return Port((address, port))

    async def quiet(*_: object, **__: object) -> Quiet:
        return Quiet()

    async def no_server(*_: object, **__: object) -> Server:
        return Server()

    async def no_edge(*_: object) -> SimpleNamespace:
        profile = NFProfile(nf_instance_id=identity("cinq", "SEPP"), nf_type="SEPP", nf_status="REGISTERED")
        return SimpleNamespace(sepp=SimpleNamespace(profile=lambda: profile))

    monkeypatch.setattr(network.Interconnection, "open", no_edge)
    monkeypatch.setattr(network.udp, "endpoint", endpoint)
    monkeypatch.setattr(network.sctp, "listen", quiet)
    monkeypatch.setattr(network.sctp, "implementation", lambda: "kernel")
    monkeypatch.setattr(network.stream, "serve", quiet)
    monkeypatch.setattr(service_interface.producers, "offer", no_server)
    monkeypatch.setattr(network.SigningKey, "kept", lambda path: SigningKey.made())
    monkeypatch.setattr(network.privilege, "require", lambda wanted: None)
    monkeypatch.setattr(user_plane.upf_state, "serve", quiet)
    monkeypatch.setattr(user_plane.metrics.Page, "listen", quiet)
    monkeypatch.setattr(user_plane, "open_plane", lambda settings, events, journal: Plane(settings))
    monkeypatch.setattr(network.state, "opened", lambda settings, exclusive, parts: Memory())
    monkeypatch.setattr(network, "RealClock", VirtualClock)
    monkeypatch.setattr(network.contradictions, "of_host", lambda settings: iter(()))
    monkeypatch.setattr(network.protection, "of_network", lambda *_: None)
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)


async def gnb_of(core: Network, settings: GnbSettings) -> Gnb:
    """An emulated gNB that has been offered an association; `up` waits for its NG Setup."""

    async def connect(handler: AssociationHandler) -> End:
        near, far = End("gnb", handler), End("amf")
        near.peer, far.peer = far, near
        far.handler = core.amf.n2_connected(far)
        return near

    gnb = Gnb(settings, connect, Runtime("gNB", Journal(), core.clock), os.urandom)
    gnb.start()
    return gnb


def supi_of(core: Network) -> Supi:
    plmn = core.settings.network.plmn
    return Supi((plmn.mcc + plmn.mnc).ljust(14, "0") + "1")
