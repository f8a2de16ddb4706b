"""UDM and UDR together over the checked SBI: what is provisioned of a subscriber, asked for one by one and together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cinq.nf.udm import UDM, Settings
from cinq.nf.udr import UDR, provisioning, records
from cinq.numbering import PlmnId, SNssai, Supi
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.models import PlmnId as sbi_plmn
from cinq.sbi.models import Snssai
from cinq.sbi.services.nudm_sdm import NudmSubscriberDataManagement, PduSession
from cinq.sbi.services.nudm_ueau import AuthEvent
from cinq.sbi.services.nudm_uecm import NudmUEContextManagement, SmfRegistration
from cinq.sbi.services.nudr_dr import NudrDataRepository, ProvisionedDataSets

SUPI, NOBODY = "imsi-999700000000001", "imsi-999700000000009"
Sdm = NudmSubscriberDataManagement


class World:
    """Both functions on one bus, and a subscriber with two slices. reads: what the store was asked for."""

    def __init__(self) -> None:
        world, self.reads = self, []

        class Store(MemoryStore):
            def get(self, collection: str, key: str) -> bytes | None:
                world.reads.append(collection)
                return super().get(collection, key)

        self.store = Store()
        self.bus = Bus(checked)
        plmn = PlmnId("999", "70")
        for nf in (UDR(self.store, "udr"), UDM(Settings(plmn), self.bus, bytes, "udm")):
            for service, implementation in nf.services():
                self.bus.serve(service, implementation, nf.instance_id)
        slices = (SNssai(1), SNssai(2, 0xFF))
        subscriber = provisioning.Subscriber(Supi.parse(SUPI), bytes(16), bytes(16), slices=slices)
        provisioning.put(self.store, subscriber)
        self.reads.clear()
        self.sdm = self.bus.client(NudmSubscriberDataManagement, "AMF")
        self.udr = self.bus.client(NudrDataRepository, "UDM")


def test_several_data_sets_are_one_read() -> None:
    async def run() -> None:
        world = World()
        sets = await world.sdm.get_data_sets(SUPI, ["AM", "SMF_SEL"])
        assert world.reads == ["provisioned-data"]
        assert sets.am_data == await world.sdm.get_am_data(SUPI)
        assert sets.smf_sel_data == await world.sdm.get_smf_select_data(SUPI)
        assert sets.am_data is not None
        assert sets.smf_sel_data is not None
        found = await world.udr.query_provisioned_data(SUPI, "99970", ["SM"])
        assert found == ProvisionedDataSets(sm_data=await world.udr.query_sm_data(SUPI, "99970"))

    asyncio.run(run())


def test_the_smfs_of_a_ue_are_told_to_another_amf() -> None:
    """TS 29.503 §5.2.2.2.4: Open5GS' AMF asks for them at each registration."""

    async def run() -> None:
        world = World()
        assert (await world.sdm.get_ue_context_in_smf_data(SUPI)).pdu_sessions == {}
        slice_, plmn = Snssai(sst=1), sbi_plmn(mcc="999", mnc="70")
        smf = SmfRegistration(
            smf_instance_id="smf", pdu_session_id=7, single_nssai=slice_, plmn_id=plmn, dnn="ims"
        )
        await world.bus.client(NudmUEContextManagement, "SMF").smf_registration(SUPI, 7, smf)
        found = (await world.sdm.get_ue_context_in_smf_data(SUPI)).pdu_sessions
        wanted = PduSession(dnn="ims", smf_instance_id="smf", plmn_id=plmn, single_nssai=slice_)
        assert found == {"7": wanted}
        with pytest.raises(Problem, match="USER_NOT_FOUND"):
            await world.sdm.get_ue_context_in_smf_data(NOBODY)

    asyncio.run(run())


def test_what_came_of_an_authentication_can_be_read_again() -> None:
    async def run() -> None:
        udr = World().udr
        event = AuthEvent(
            nf_instance_id="a",
            success=False,
            time_stamp="2026-01-01T00:00:00Z",
            auth_type="5G_AKA",
            serving_network_name="5G:mnc070.mcc999.3gppnetwork.org",
        )
        with pytest.raises(Problem, match="DATA_NOT_FOUND"):
            await udr.query_authentication_status(SUPI)
        await udr.create_authentication_status(SUPI, event)
        assert await udr.query_authentication_status(SUPI) == event
        with pytest.raises(Problem, match="USER_NOT_FOUND"):
            await udr.query_authentication_status("imsi-999700000000999")

    asyncio.run(run())


def test_session_data_are_those_of_the_slice() -> None:
    async def run() -> None:
        sdm = World().sdm
        second = Snssai(sst=2, sd="0000FF")
        assert [d.single_nssai for d in await sdm.get_sm_data(SUPI, second, "internet")] == [second]
        assert len(await sdm.get_sm_data(SUPI, None, None)) == 2
        for snssai, dnn in ((Snssai(sst=3), "internet"), (second, "ims")):
            with pytest.raises(Problem, match="DATA_NOT_FOUND"):
                await sdm.get_sm_data(SUPI, snssai, dnn)

    asyncio.run(run())


QUESTIONS: dict[str, Callable[[Sdm, str], Awaitable[object]]] = {
    "sets": lambda sdm, supi: sdm.get_data_sets(supi, ["AM", "SMF_SEL"]),
    "am": lambda sdm, supi: sdm.get_am_data(supi),
    "smf-select": lambda sdm, supi: sdm.get_smf_select_data(supi),
    "sm": lambda sdm, supi: sdm.get_sm_data(supi, None, None),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_not_provisioned(name: str) -> None:
    ask = QUESTIONS[name]

    async def run() -> None:
        world = World()
        with pytest.raises(Problem, match="USER_NOT_FOUND"):
            await ask(world.sdm, NOBODY)
        records.PROVISIONED_DATA.write(world.store, SUPI, ProvisionedDataSets())
        with pytest.raises(Problem, match="DATA_NOT_FOUND"):
            await ask(world.sdm, SUPI)
        records.PROVISIONED_DATA.remove(world.store, SUPI)
        with pytest.raises(Problem, match="DATA_NOT_FOUND"):
            await ask(world.sdm, SUPI)
        world.store.put("provisioned-data", SUPI, b"{")
        with pytest.raises(Problem, match="SYSTEM_FAILURE"):
            await ask(world.sdm, SUPI)

    asyncio.run(run())
