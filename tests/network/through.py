"""A whole network with a real UPF and models as both data planes: packets really pass from UE to data network."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from cinq.nf.chf import Settings as ChfSettings
from cinq.nf.chf.account import Account
from cinq.nf.pcf import Settings as PcfSettings
from cinq.nf.smf.settings import Charging, UserPlane
from cinq.nf.upf import UPF, Prefixes, Settings
from cinq.procedure import Journal, run_virtual
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.ue.session import Session
from cinq.ran.ue.ue import Ue
from cinq.transport_address import Address, TransportAddress
from cinq.userplane.model import Buffered, Dropped, Inner, Model, Outer, SlowPath
from cinq.userplane.rules import PlaneSettings, Role, SessionRules
from tests.network.world import TARIFF, Network
from tests.nf.smf.world import UPF_PEER
from tests.nf.upf.peer import ModelPlane
from tests.ran.test_gnb import Side

SMF_PEER = ("127.0.0.6", 8805)
N3 = IPv4Address("10.0.0.1")
POOL6, DNS6 = IPv6Network("2001:db8:45::/48"), IPv6Address("2001:4860:4860::8888")


class GnbPlane:
    """userplane.Model as the data plane of a gNB, with sides that are no interfaces."""

    def __init__(self, ends: TransportAddress) -> None:
        self.model = Model(PlaneSettings(Role.GNB, ends.all[0]))
        self.remove, self.usage = self.model.remove, self.model.usage
        self.sides: list[Side] = []
        self.links: dict[str, str] = {}
        self.out: Callable[[bytes, tuple[str, int]], None] = lambda octets, peer: None

    def install(self, rules: SessionRules) -> None:
        self.model.install(rules, 0)

    def send(self, octets: bytes, peer: tuple[str, int]) -> None:
        """To the UPF, as a packet of its own."""
        self.out(octets, (str(self.model.settings.n3_address), 2152))

    def add_side(
        self, name: str, namespace: str | int | None = None, pools: tuple[IPv4Network, ...] = ()
    ) -> Side:
        self.sides.append(Side(name))
        return self.sides[-1]

    def add_link(self, link: str, name: str, namespace: str | int | None = None) -> None:
        self.links[link] = name

    def remove_link(self, link: str) -> None:
        self.links.pop(link, None)


class _ToSmf:
    """N4 from the UPF; what it sends arrives a turn later."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def send(self, octets: bytes, to: tuple[str, int]) -> None:
        asyncio.get_running_loop().call_soon(self._network.smf.n4_received, octets, UPF_PEER)


class Path:
    """What is between the UE's programs and the data network."""

    def __init__(self, network: Network, upf: UPF, plane: ModelPlane, radio: Gnb, gnb: GnbPlane) -> None:
        self.plane = gnb
        self.network, self.upf, self.gnb, self.now = network, plane.model, gnb.model, 0
        self.control, self.radio = upf, radio

    def buffered(self, packet: bytes) -> None:
        """A packet for an idle UE waits, and the UPF says so."""
        verdict = self.upf.encapsulate(packet, self.now)
        assert isinstance(verdict, Buffered), verdict
        if verdict.notify:
            self.control.buffered(verdict.session)

    def up(self, packet: bytes) -> tuple[int, Inner | Dropped]:
        """The QFI that it had on N3, and what became of it at the UPF."""
        sent = self.gnb.encapsulate(packet, self.now)
        assert isinstance(sent, Outer), sent
        verdict = self.upf.decapsulate(sent.octets, self.now)
        assert isinstance(verdict, Inner | Dropped), verdict
        return sent.octets[14], verdict

    def down(self, packet: bytes) -> tuple[int, Inner | Dropped]:
        """The same for the other way; QFI 0 of what the UPF drops."""
        sent = self.upf.encapsulate(packet, self.now)
        if isinstance(sent, Dropped):
            return 0, sent
        assert isinstance(sent, Outer), sent
        verdict = self.gnb.decapsulate(sent.octets, self.now)
        assert isinstance(verdict, Inner | Dropped), verdict
        return sent.octets[14] & 63, verdict


def join(plane: ModelPlane, upf: UPF, gnb: Gnb, radio: GnbPlane) -> None:
    """What either end sends of its own, the other hears a turn later: GTP-U signalling, router discovery."""

    def to_upf(octets: bytes, peer: tuple[str, int]) -> None:
        verdict = plane.model.decapsulate(octets, 0)
        if isinstance(verdict, SlowPath):
            asyncio.get_running_loop().call_soon(upf.gtpu_received, octets, peer)

    def to_gnb(octets: bytes, peer: tuple[str, int]) -> None:
        verdict = radio.model.decapsulate(octets, 0)
        if isinstance(verdict, SlowPath):
            asyncio.get_running_loop().call_soon(gnb.bearers.gtpu_received, octets, (str(N3), 2152))

    radio.out, plane.send = to_upf, to_gnb  # type: ignore[method-assign]


def play(
    scene: Callable[[Path, Ue, Session], Awaitable[None]],
    *,
    ipv6: bool = False,
    ethernet: bool = False,
    n3: TransportAddress = TransportAddress(N3),  # noqa: B008  # frozen
    charged: Account | None = None,
    chf: ChfSettings = ChfSettings((TARIFF,)),  # noqa: B008  # frozen
    pcf: PcfSettings = PcfSettings(),  # noqa: B008  # frozen
    **gnb_n3: Address,
) -> None:
    """A scene with a UE that has a session. ipv6: its data network has IPv6. ethernet: and Ethernet.

    n3: of the UPF; gnb_n3: settings.
    charged: sessions are, and the UE's subscriber has this account. chf, pcf: their settings.
    """

    async def main() -> None:
        network, plane, counter = (
            Network(
                ipv6=(POOL6, (DNS6,)) if ipv6 else None,
                ethernet=ethernet,
                user_plane=UserPlane(
                    IPv4Address(UPF_PEER[0]), n3_ipv4=n3.ipv4 is not None, n3_ipv6=n3.ipv6 is not None
                ),
                charging=Charging(on=charged is not None),
                chf=chf,
                pcf=pcf,
            ),
            ModelPlane(),
            itertools.count(1),
        )
        upf = UPF(
            Settings(
                IPv4Address(UPF_PEER[0]),
                n3,
                (IPv4Network("10.45.0.0/16"),),
                (IPv4Address(SMF_PEER[0]),),
                prefixes=(Prefixes(POOL6, 1400, (DNS6,)),) if ipv6 else (),
                links=("internet",) if ethernet else (),
            ),
            _ToSmf(network),
            network.clock,
            lambda n: next(counter).to_bytes(n, "big"),
            Journal(),
        )
        upf.start(plane)
        network.upf.send = lambda octets, peer: upf.n4_received(octets, SMF_PEER)  # type: ignore[method-assign]
        network.provision()
        if charged is not None:
            await network.chf.accounts.open(charged)
        await network.start()
        gnb = await network.gnb(**gnb_n3)
        radio = GnbPlane(gnb.bearers.ends)
        gnb.bearers.use(radio)
        join(plane, upf, gnb, radio)
        ue = network.ue(gnb)
        await ue.register()
        await scene(Path(network, upf, plane, gnb, radio), ue, await ue.establish_session())
        await network.stop()
        await upf.stop()

    run_virtual(main())
