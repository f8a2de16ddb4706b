"""NRF: registration, heartbeat, discovery, and profiles that do not hold together."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from cinq.nf.nrf import NRF, Settings
from cinq.sbi import Problem
from cinq.sbi.models import Snssai
from cinq.sbi.nf_profile import DnnSmfInfoItem, NFProfile, SmfInfo, SnssaiSmfInfoItem
from cinq.sbi.services.nnrf import SearchResult
from cinq.sbi.services.nudr_dr import PatchItem

ID = "00000000-0000-4000-8000-0000000000{:02x}"
NRF_ID = ID.format(0xFF)
HEARTBEAT = [PatchItem(op="replace", path="/nfStatus", value="REGISTERED")]


class StoppedClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time


def smf(number: int, sst: int, *dnns: str) -> NFProfile:
    item = SnssaiSmfInfoItem(s_nssai=Snssai(sst=sst), dnn_smf_info_list=[DnnSmfInfoItem(dnn=d) for d in dnns])
    info = SmfInfo(s_nssai_smf_info_list=[item])
    return NFProfile(nf_instance_id=ID.format(number), nf_type="SMF", nf_status="REGISTERED", smf_info=info)


def found(nrf: NRF, sst: int | None = None, dnn: str | None = None) -> list[int]:
    snssais = None if sst is None else [Snssai(sst=sst)]
    result: SearchResult = asyncio.run(nrf.search("SMF", "AMF", None, snssais, dnn))
    return [int(p.nf_instance_id[-2:], 16) for p in result.nf_instances]


def make() -> tuple[NRF, StoppedClock]:
    clock = StoppedClock()
    nrf = NRF(Settings(heart_beat_timer=10), clock, NRF_ID)
    for profile in (smf(1, 1, "internet"), smf(2, 1, "internet", "ims"), smf(3, 2, "internet")):
        created = asyncio.run(nrf.nf_register(profile.nf_instance_id, profile))
        assert created.body.heart_beat_timer == 10
    return nrf, clock


def test_discovery_by_slice_and_dnn() -> None:
    nrf, _ = make()
    assert found(nrf) == [1, 2, 3]
    assert found(nrf, sst=1) == [1, 2]
    assert found(nrf, sst=1, dnn="ims") == [2]
    assert found(nrf, sst=2, dnn="ims") == []


def test_two_missed_heartbeats_suspend_and_one_brings_back() -> None:
    nrf, clock = make()
    clock.time += 15
    asyncio.run(nrf.nf_update(ID.format(1), HEARTBEAT))
    clock.time += 10
    assert found(nrf) == [1]
    assert asyncio.run(nrf.nf_profile(ID.format(2))).nf_status == "SUSPENDED"
    asyncio.run(nrf.nf_update(ID.format(2), HEARTBEAT))
    assert found(nrf) == [1, 2]


def test_deregistration() -> None:
    nrf, _ = make()
    asyncio.run(nrf.nf_deregister(ID.format(2)))
    assert found(nrf) == [1, 3]
    with pytest.raises(Problem, match="404"):
        asyncio.run(nrf.nf_update(ID.format(2), HEARTBEAT))


@pytest.mark.parametrize("change", [{"heart_beat_timer": 0}, {"heart_beat_timer": -1}, {"nf_type": "smf x"}])
def test_profiles_that_do_not_hold(change: dict[str, int | str]) -> None:
    """DEV-102 and kin; a custom type of the right form (DEV-101) is taken."""
    nrf, _ = make()
    profile = msgspec.structs.replace(smf(9, 1, "internet"), **change)
    with pytest.raises(Problem) as caught:
        asyncio.run(nrf.nf_register(profile.nf_instance_id, profile))
    assert caught.value.status == 400
    assert found(nrf) == [1, 2, 3]
    custom = msgspec.structs.replace(smf(9, 1, "internet"), nf_type="CUSTOM_INF")
    asyncio.run(nrf.nf_register(custom.nf_instance_id, custom))


def test_the_profile_must_be_of_the_instance_addressed() -> None:
    nrf, _ = make()
    with pytest.raises(Problem, match="400"):
        asyncio.run(nrf.nf_register(ID.format(1), smf(2, 1, "internet")))
    with pytest.raises(Problem, match="403"):
        asyncio.run(nrf.nf_register(NRF_ID, smf(0xFF, 1, "internet")))


def test_a_patch_that_fails_changes_nothing() -> None:
    """DEV-113."""
    nrf, _ = make()
    patch = [
        PatchItem(op="replace", path="/nfStatus", value="SUSPENDED"),
        PatchItem(op="remove", path="/nfType"),
    ]
    with pytest.raises(Problem, match="400"):
        asyncio.run(nrf.nf_update(ID.format(1), patch))
    assert found(nrf) == [1, 2, 3]
