"""A whole network in one process on the virtual clock: core, gNBs and UEs, joined by ports in memory.

The SBI is the checked transport: everything between network functions crosses as JSON of the 3GPP shapes.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from cinq.crypto import suci
from cinq.nf.amf import AMF
from cinq.nf.amf import Settings as AmfSettings
from cinq.nf.ausf import AUSF
from cinq.nf.chf import CHF, Rate, Tariff
from cinq.nf.chf import Settings as ChfSettings
from cinq.nf.eir import EIR
from cinq.nf.eir import Settings as EirSettings
from cinq.nf.nrf import NRF
from cinq.nf.nrf import Settings as NrfSettings
from cinq.nf.nssf import NSSF
from cinq.nf.nssf import Settings as NssfSettings
from cinq.nf.pcf import PCF
from cinq.nf.pcf import Settings as PcfSettings
from cinq.nf.smf import SMF, Charging, DataNetwork, UserPlane
from cinq.nf.smf import Settings as SmfSettings
from cinq.nf.udm import UDM, HomeNetworkKey
from cinq.nf.udm import Settings as UdmSettings
from cinq.nf.udr import UDR, provisioning
from cinq.numbering import PlmnId, SNssai, Supi, Tai
from cinq.procedure import Event, Journal, Runtime, VirtualClock
from cinq.procedure.store import MemoryStore
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.gnb.ng_ran import NgRan
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.ue import Ue
from cinq.ran.ue.settings import UeSettings
from cinq.sbi import Bus, checked
from cinq.sbi.services.nnrf import NnrfNFManagement
from cinq.sbi.whole import Whole
from cinq.settings import HexOctets
from cinq.transport.sctp.association import AssociationHandler
from tests.nf.smf.world import UPF_PEER, Upf

PLMN = PlmnId("999", "70")
SUPI = Supi("999700000000001")
K, OPC = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc"), bytes.fromhex("e8ed289deba952e4283b54e88e6183ca")
HOME = bytes.fromhex("10c9c67e861a5625a1db8f684123896d9b3506199d3df1968e07b6c8448bb147")
TARIFF = Tariff("flat", "EUR", (Rate(Decimal("0.01"), 1000),), quota=10_000, validity_s=600)
SMF_N4, UPF_N4 = IPv4Address("127.0.0.6"), IPv4Address(UPF_PEER[0])


@dataclass(eq=False, slots=True)
class End:
    """One end of an association in memory. Messages arrive at the next turn of the loop."""

    name: str
    handler: AssociationHandler | None = None
    peer: End | None = None
    outbound_streams: int = 32

    @property
    def local(self) -> tuple[str, int]:
        return self.name, 38412

    @property
    def remote(self) -> tuple[str, int]:
        return (self.peer.name if self.peer else "", 38412)

    def send(self, octets: bytes, *, stream: int = 0, ppid: int = 60) -> None:
        if self.peer is not None:
            asyncio.get_running_loop().call_soon(self.peer.hear, octets, stream, ppid)

    def hear(self, octets: bytes, stream: int, ppid: int) -> None:
        if self.handler is not None and self.peer is not None:
            self.handler.message(octets, stream, ppid)

    def abort(self, reason: str = "") -> None:
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.peer = None
            for end in (self, peer):
                if end.handler is not None:
                    end.handler.lost(reason or "aborted")

    async def alive(self, within: float = 2.0) -> bool:
        return self.peer is not None

    async def close(self, within: float = 2.0) -> None:
        self.abort("shutdown")


class Network:
    """Functions on one bus, a store that outlives them, and radio sides."""

    def __init__(
        self,
        store: MemoryStore | None = None,
        *,
        tacs: tuple[int, ...] = (1,),
        slices: tuple[SNssai, ...] = (SNssai(1),),
        dnns: tuple[str, ...] = ("internet",),
        entropy: Callable[[int], bytes] | None = None,
        ipv6: tuple[IPv6Network, tuple[IPv6Address, ...]] | None = None,
        ethernet: bool = False,
        user_plane: UserPlane = UserPlane(UPF_N4),  # noqa: B008  # frozen
        charging: Charging = Charging(),  # noqa: B008  # frozen
        chf: ChfSettings = ChfSettings((TARIFF,)),  # noqa: B008  # frozen
        pcf: PcfSettings = PcfSettings(),  # noqa: B008  # frozen
        bus: Callable[[Journal], Bus] = lambda journal: Bus(checked, journal),
        **amf: object,
    ) -> None:
        self.journal = Journal()
        self.events: list[Event] = []
        self.journal.listen(self.events.append)
        self.clock = VirtualClock()
        self.store = store or MemoryStore()
        counter = itertools.count(1)
        self.entropy: Callable[[int], bytes] = entropy or (
            lambda n: (next(counter) * 0x9E3779B97F4A7C15).to_bytes(40, "big")[-n:]
        )
        self.bus = bus(self.journal)
        self.nrf = NRF(NrfSettings(), self.clock, "00000000-0000-4000-8000-000000000001")
        self.upf = Upf()
        tais = tuple(Tai(PLMN, tac) for tac in tacs)
        settings = AmfSettings(PLMN, tais, slices=slices, **amf)  # type: ignore[arg-type]
        networks = tuple(
            DataNetwork(
                dnn,
                IPv4Network(f"10.{45 + i}.0.0/16"),
                (IPv4Address("1.1.1.1"),),
                ipv6_pool=ipv6[0] if ipv6 and not i else None,
                ipv6_dns=ipv6[1] if ipv6 else (),
                slices=slices,
                ethernet=ethernet,
            )
            for i, dnn in enumerate(dnns)
        )
        smf_settings = SmfSettings(
            PLMN,
            SMF_N4,
            (user_plane,),
            networks,
            charging=charging,
        )
        keys = (HomeNetworkKey(1, 1, HOME), HomeNetworkKey(2, 2, HOME))
        self.udr = UDR(self.store, _id(2), self.bus, PLMN.mcc + PLMN.mnc)
        self.udm = UDM(UdmSettings(PLMN, keys), self.bus, self.entropy, _id(3))
        self.pcf = PCF(_id(6), self.bus, self.store, pcf)
        self.chf = CHF(chf, self.store, self.clock, self.entropy, _id(10), self.bus, self.journal)
        functions = (
            EIR(EirSettings(), self.store, _id(9)),
            self.udr,
            self.udm,
            AUSF(self.bus, self.clock, self.entropy, _id(4)),
            NSSF(NssfSettings(tuple(dict.fromkeys((SNssai(1), SNssai(2), *slices)))), _id(5)),
            self.pcf,
            self.chf,
        )
        self.smf = SMF(
            smf_settings, self.bus, self.upf, self.store, self.clock, self.entropy, self.journal, _id(7)
        )
        self.amf = AMF(settings, self.bus, self.store, self.clock, self.entropy, self.journal, _id(8))
        self.functions = (*functions, self.smf, self.amf)
        self.radio: list[Runtime] = []

    async def start(self) -> None:
        for service, implementation in self.nrf.services():
            self.bus.serve(service, implementation, self.nrf.instance_id)
        nrf = self.bus.client(NnrfNFManagement, "NF")
        for nf in self.functions:
            for service, implementation in nf.services():
                self.bus.serve(service, implementation, nf.instance_id)
            await nrf.nf_register(nf.instance_id, Whole.of(nf.profile()))
        await self.udm.start()
        await self.pcf.start()
        self.upf.smf = self.smf
        self.smf.start()
        self.chf.start()
        self.amf.start()

    async def stop(self) -> None:
        for runtime in self.radio:
            await runtime.stop()
        await self.amf.stop()
        await self.smf.stop()
        await self.chf.stop()

    def provision(self, count: int = 1, first: str = SUPI.imsi, **changes: object) -> None:
        for i in range(count):
            supi = Supi(str(int(first) + i))
            provisioning.put(self.store, provisioning.Subscriber(supi, K, OPC, **changes))  # type: ignore[arg-type]

    async def gnb(self, gnb_id: int = 1, ng_ran: NgRan | None = None, **changes: object) -> Gnb:
        """A gNB that has done NG Setup."""
        runtime = Runtime(f"gNB{gnb_id}", clock=self.clock)
        self.radio.append(runtime)
        n3 = IPv4Address(f"10.0.1.{gnb_id % 250 + 1}")
        keys = {"name": f"gnb-{gnb_id}", "radio": "", "data_plane": "none", "n3_address": n3} | changes
        settings = GnbSettings(gnb_id=gnb_id, **keys)  # type: ignore[arg-type]

        async def connect(handler: AssociationHandler) -> End:
            near, far = End(f"gnb{gnb_id}", handler), End("amf")
            near.peer, far.peer = far, near
            far.handler = self.amf.n2_connected(far)
            return near

        gnb = Gnb(settings, connect, runtime, self.entropy, ng_ran)
        gnb.start()
        async with asyncio.timeout(20):
            await gnb.up()
        return gnb

    def ue(self, gnb: Gnb, number: int = 0, **changes: object) -> Ue:
        settings = UeSettings(
            home_network_key=HexOctets(suci.public_key(1, HOME)), home_network_key_id=1, **changes
        )  # type: ignore[arg-type]
        return Ue(settings.numbered(number), gnb, gnb.runtime, self.entropy)


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"
