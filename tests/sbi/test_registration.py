"""Nnrf and Nnssf availability across the bus, through the JSON of their models."""

from __future__ import annotations

import pytest

from cinq.nf.nrf import NRF, Settings
from cinq.nf.nssf import NSSF
from cinq.nf.nssf import Settings as NssfSettings
from cinq.numbering import PlmnId, SNssai, Tai
from cinq.procedure import VirtualClock, run_virtual
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.json_patch import PatchItem
from cinq.sbi.models import Snssai
from cinq.sbi.models import Tai as SbiTai
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.nnrf import (
    NnrfNFDiscovery,
    NnrfNFManagement,
    SearchQuery,
    SubscrCond,
    SubscriptionData,
)
from cinq.sbi.services.nnssf_nssaiavailability import (
    NnssfNSSAIAvailability,
    NssaiAvailabilityInfo,
    SupportedNssaiAvailabilityData,
)
from cinq.sbi.whole import Whole

ID = "00000000-0000-4000-8000-000000000001"
NRF_ID = "00000000-0000-4000-8000-0000000000ff"


def test_a_function_comes_is_found_and_goes() -> None:
    async def main() -> None:
        bus, nrf = Bus(checked), NRF(Settings(heart_beat_timer=10), VirtualClock(), NRF_ID)
        for service, implementation in nrf.services():
            bus.serve(service, implementation, NRF_ID)
        management, discovery = bus.client(NnrfNFManagement, "AMF"), bus.client(NnrfNFDiscovery, "AMF")
        profile = NFProfile(nf_instance_id=ID, nf_type="AUSF", nf_status="REGISTERED")
        await management.nf_register(ID, Whole.of(profile))
        await management.nf_update(ID, [PatchItem(op="replace", path="/nfStatus", value="REGISTERED")])
        assert (await management.nf_profile(ID)).read.nf_type == "AUSF"
        query = SearchQuery(target_nf_type="AUSF", requester_nf_type="AMF")
        found = (await discovery.search(query)).read
        assert [one.nf_instance_id for one in found.nf_instances] == [ID]
        await management.nf_deregister(ID)
        assert (await discovery.search(query)).read.nf_instances == []
        with pytest.raises(Problem, match="404"):
            await management.nf_profile(ID)

    run_virtual(main())


def test_an_amf_says_what_its_areas_support() -> None:
    async def main() -> None:
        plmn = PlmnId("999", "70")
        nssf = NSSF(NssfSettings((SNssai(1), SNssai(2))), ID)
        bus = Bus(checked)
        for service, implementation in nssf.services():
            bus.serve(service, implementation, ID)
        availability = bus.client(NnssfNSSAIAvailability, "AMF")
        area = SupportedNssaiAvailabilityData(
            tai=SbiTai.of(Tai(plmn, 1)), supported_snssai_list=[Snssai(sst=1)]
        )
        answer = await availability.update_nssai_availability(
            ID, NssaiAvailabilityInfo(supported_nssai_availability_data=[area])
        )
        assert answer.authorized_nssai_availability_data
        await availability.delete_nssai_availability(ID)

    run_virtual(main())


def test_a_subscription_comes_lives_longer_and_goes() -> None:
    async def main() -> None:
        bus, nrf = Bus(checked), NRF(Settings(), VirtualClock(), NRF_ID)
        for service, implementation in nrf.services():
            bus.serve(service, implementation, NRF_ID)
        management = bus.client(NnrfNFManagement, "AMF")
        wanted = SubscriptionData(
            nf_status_notification_uri="http://amf.example/x", subscr_cond=SubscrCond(nf_type="UDM")
        )
        made = await management.subscribe(wanted)
        assert made.body.subscription_id == made.id
        assert made.body.validity_time
        patch = [PatchItem(op="replace", path="/validityTime", value="2099-01-01T00:00:00Z")]
        longer = await management.update_subscription(made.id, patch)
        assert longer is not None
        assert longer.validity_time == made.body.validity_time  # a day is the most
        await management.unsubscribe(made.id)
        with pytest.raises(Problem, match="404"):
            await management.unsubscribe(made.id)

    run_virtual(main())
