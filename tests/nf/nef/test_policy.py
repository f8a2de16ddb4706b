"""The NEF asks the PCF that the BSF names for the UE's address (TS 29.521 §4.2.4.2)."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from cinq.nf.bsf import BSF
from cinq.nf.nef.context import Demands
from cinq.nf.nef.policy import Policy
from cinq.nf.nef.settings import Settings
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Created, Problem, checked
from cinq.sbi.models import Snssai
from cinq.sbi.services.nbsf_management import NbsfManagement, PcfBinding
from cinq.sbi.services.nef_northbound import FlowInfo
from cinq.sbi.services.npcf_policyauthorization import AppSessionContext, NpcfPolicyAuthorization

FLOWS = [FlowInfo(flow_id=1, flow_descriptions=["permit out 17 from 198.51.100.7 to assigned"])]


class Pcf:
    """A PCF that takes whatever is asked; its name is that of the application session."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def create(self, body: AppSessionContext) -> Created[AppSessionContext]:
        return Created(f"/app-sessions/{self.name}", body)

    def __getattr__(self, attribute: str) -> object:
        return self.create


class World:
    def __init__(self) -> None:
        self.bus = bus = Bus(checked)
        for name in ("first", "second"):
            bus.serve(NpcfPolicyAuthorization, Pcf(name), name)  # type: ignore[type-abstract, arg-type]
        self.policy = Policy(Settings(), bus, Demands(MemoryStore()))
        numbers = count(1)
        self.bsf = BSF(MemoryStore(), lambda n: next(numbers).to_bytes(n, "big"), "bsf")

    async def binds(self, pcf: str, dnn: str = "internet") -> None:
        snssai = Snssai(sst=1)
        await self.bsf.register(
            PcfBinding(
                dnn=dnn, snssai=snssai, pcf_id=pcf, ipv4_addr="10.45.0.2", ipv6_prefix="2001:db8:1::/64"
            )
        )

    async def ask(self, address: str = "10.45.0.2", dnn: str | None = None) -> str:
        return await self.policy.ask("reference", address, FLOWS, dnn=dnn)


def test_the_pcf_that_serves_the_session_is_asked() -> None:
    async def main() -> None:
        world = World()
        assert await world.ask() == "first"  # there is no BSF
        world.bus.serve(NbsfManagement, world.bsf, "bsf")
        assert await world.ask() == "first"  # it knows nothing
        await world.binds("second")
        assert await world.ask() == "second"
        assert await world.ask("2001:db8:1::5") == "second"
        assert await world.ask("10.45.0.3") == "first"
        await world.binds("first", "ims")
        with pytest.raises(Problem, match="MULTIPLE_BINDING_INFO_FOUND"):
            await world.ask()
        assert (await world.ask(dnn="internet"), await world.ask(dnn="ims")) == ("second", "first")

    asyncio.run(main())


def test_a_pcf_that_is_gone_is_not_mistaken_for_another() -> None:
    async def main() -> None:
        world = World()
        world.bus.serve(NbsfManagement, world.bsf, "bsf")
        await world.binds("gone")
        with pytest.raises(Problem, match="504 TARGET_NF_NOT_REACHABLE"):
            await world.ask()

    asyncio.run(main())
