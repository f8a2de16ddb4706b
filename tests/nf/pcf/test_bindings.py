"""The PCF tells the BSF which sessions it serves: over the checked SBI, with a BSF that comes and goes."""

from __future__ import annotations

import asyncio
from itertools import count

from msgspec.structs import replace

from cinq.nf.bsf import BSF
from cinq.nf.pcf import PCF
from cinq.nf.pcf.bindings import REST
from cinq.nf.udr import UDR, provisioning
from cinq.numbering import Supi
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, checked
from cinq.sbi.models import Snssai
from cinq.sbi.nf_profile import IpEndPoint
from cinq.sbi.services.nbsf_management import BindingQuery, NbsfManagement, PcfBinding
from cinq.sbi.services.npcf_smpolicycontrol import (
    NpcfSMPolicyControl,
    SmPolicyContextData,
    SmPolicyDeleteData,
)

SUPI = "imsi-999700000000001"
CONTEXT = SmPolicyContextData(
    supi=SUPI,
    pdu_session_id=5,
    pdu_session_type="IPV4V6",
    dnn="internet",
    notification_uri="/nsmf-callback/v1/sm-policy/ref-5",
    slice_info=Snssai(sst=1),
    gpsi="msisdn-4670000001",
    ipv4_address="10.45.0.2",
    ipv6_address_prefix="2001:db8:1::/64",
)
ID = f"sm-{SUPI}-5"


class World:
    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store, self.far = store or MemoryStore(), MemoryStore()
        self.bus = Bus(checked, api_root="http://127.0.0.8:7777")
        self.pcf = PCF("pcf", self.bus, self.store)
        for nf in (UDR(self.store, "udr", self.bus, "99970"), self.pcf):
            for service, implementation in nf.services():
                self.bus.serve(service, implementation, nf.instance_id)
        provisioning.put(self.store, provisioning.Subscriber(Supi.parse(SUPI), bytes(16), bytes(16)))
        self.sm = self.bus.client(NpcfSMPolicyControl, "SMF")

    def bsf_is_there(self) -> None:
        numbers = count(1)
        bsf = BSF(self.far, lambda n: next(numbers).to_bytes(n, "big"), "bsf")
        self.bus.serve(NbsfManagement, bsf, "bsf")

    def bsf_is_gone(self) -> None:
        self.bus.withdraw(NbsfManagement, "bsf")

    async def found(self, address: str = "10.45.0.2") -> PcfBinding | None:
        return await self.bus.client(NbsfManagement, "NEF").discover(BindingQuery(ipv4_addr=address))

    async def looks(self, times: int) -> None:
        for _ in range(times):
            await self.pcf.look()


def test_a_session_is_found_as_long_as_it_is_there() -> None:
    async def main() -> None:
        world = World()
        world.bsf_is_there()
        await world.sm.create(CONTEXT)
        await world.pcf.look()
        assert await world.found() == PcfBinding(
            supi=SUPI,
            gpsi="msisdn-4670000001",
            ipv4_addr="10.45.0.2",
            ipv6_prefix="2001:db8:1::/64",
            dnn="internet",
            snssai=Snssai(sst=1),
            pcf_id="pcf",
            pcf_ip_end_points=[IpEndPoint(ipv4_address="127.0.0.8", transport="TCP", port=7777)],
        )
        await world.sm.create(replace(CONTEXT, ipv4_address="10.45.0.3"))  # in place of the first
        await world.pcf.look()
        assert await world.found() is None
        assert await world.found("10.45.0.3") is not None
        await world.sm.delete(ID, SmPolicyDeleteData())
        await world.pcf.look()
        assert list(world.far.items("pcf-bindings")) == []
        assert list(world.store.items("registered-bindings")) == []

    asyncio.run(main())


def test_a_session_without_an_ip_address_is_nobodys_to_find() -> None:
    async def main() -> None:
        world = World()
        world.bsf_is_there()
        await world.sm.create(
            replace(CONTEXT, pdu_session_type="ETHERNET", ipv4_address=None, ipv6_address_prefix=None)
        )
        await world.pcf.look()
        assert list(world.far.items("pcf-bindings")) == []

    asyncio.run(main())


def test_a_bsf_that_was_not_there_hears_of_it_later() -> None:
    async def main() -> None:
        world = World()
        await world.sm.create(CONTEXT)  # the session waits for no BSF
        await world.pcf.look()
        world.bsf_is_there()
        await world.pcf.look()  # not asked again at once
        assert await world.found() is None
        await world.looks(REST)
        assert await world.found() is not None
        world.bsf_is_gone()
        await world.sm.delete(ID, SmPolicyDeleteData())
        await world.pcf.look()
        world.bsf_is_there()
        assert await world.found() is not None
        await world.looks(REST + 1)
        assert await world.found() is None

    asyncio.run(main())


def test_after_a_restart_nothing_is_said_twice_and_what_ended_before_is_taken_away() -> None:
    async def main() -> None:
        world = World()
        world.bsf_is_there()
        await world.sm.create(CONTEXT)
        await world.pcf.look()
        before = dict(world.far.items("pcf-bindings"))
        again = World(world.store)
        again.far = world.far
        again.bsf_is_there()
        await again.pcf.look()
        assert dict(world.far.items("pcf-bindings")) == before
        await again.sm.delete(ID, SmPolicyDeleteData())  # and stops before it looks
        last = World(world.store)
        last.far = world.far
        last.bsf_is_there()
        await last.pcf.look()
        assert list(world.far.items("pcf-bindings")) == []

    asyncio.run(main())
