"""NRF: registration, heartbeat, discovery, and profiles that do not hold together."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from cinq.nf.nrf import NRF, Settings
from cinq.nf.nrf.instances import read
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.json_patch import PatchItem
from cinq.sbi.models import Guami, PlmnId, PlmnIdNid, Snssai, Tai
from cinq.sbi.nf_profile import (
    AmfInfo,
    DnnSmfInfoItem,
    NFProfile,
    NFService,
    NFServiceVersion,
    SmfInfo,
    SnssaiSmfInfoItem,
    SupiRange,
    TacRange,
    TaiRange,
    UdmInfo,
)
from cinq.sbi.services.nnrf import (
    NfStatusCallback,
    NnrfBootstrapping,
    NnrfNFManagement,
    NotificationData,
    SearchQuery,
    SubscrCond,
    SubscriptionData,
)
from cinq.sbi.whole import Whole

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
    query = SearchQuery(target_nf_type="SMF", requester_nf_type="AMF", snssais=snssais, dnn=dnn)
    result = asyncio.run(nrf.search(query))
    return [int(p.nf_instance_id[-2:], 16) for p in result.read.nf_instances]


def make() -> tuple[NRF, StoppedClock]:
    clock = StoppedClock()
    nrf = NRF(Settings(heart_beat_timer=10), clock, NRF_ID)
    for profile in (smf(1, 1, "internet"), smf(2, 1, "internet", "ims"), smf(3, 2, "internet")):
        created = asyncio.run(nrf.nf_register(profile.nf_instance_id, Whole.of(profile)))
        assert created.body.read.heart_beat_timer == 10
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
    assert asyncio.run(nrf.nf_profile(ID.format(2))).read.nf_status == "SUSPENDED"
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
        asyncio.run(nrf.nf_register(profile.nf_instance_id, Whole.of(profile)))
    assert caught.value.status == 400
    assert found(nrf) == [1, 2, 3]
    custom = msgspec.structs.replace(smf(9, 1, "internet"), nf_type="CUSTOM_INF")
    asyncio.run(nrf.nf_register(custom.nf_instance_id, Whole.of(custom)))


def test_the_profile_must_be_of_the_instance_addressed() -> None:
    nrf, _ = make()
    with pytest.raises(Problem, match="400"):
        asyncio.run(nrf.nf_register(ID.format(1), Whole.of(smf(2, 1, "internet"))))
    with pytest.raises(Problem, match="403"):
        asyncio.run(nrf.nf_register(NRF_ID, Whole.of(smf(0xFF, 1, "internet"))))


def test_a_patch_that_fails_changes_nothing() -> None:
    """DEV-113."""
    nrf, _ = make()
    for patch, status in (
        (
            [
                PatchItem(op="replace", path="/nfStatus", value="SUSPENDED"),
                PatchItem(op="remove", path="/nfType"),
            ],
            400,
        ),
        (
            [
                PatchItem(op="replace", path="/nfStatus", value="SUSPENDED"),
                PatchItem(op="remove", path="/no"),
            ],
            400,
        ),
        ([PatchItem(op="add", path="/load", value=5), PatchItem(op="test", path="/load", value=6)], 409),
        ([PatchItem(op="replace", path="/load", value="much")], 400),
        ([PatchItem(op="add", path="/priority", value=70000)], 400),
        ([PatchItem(op="replace", path="/nfType", value="UDM")], 403),
        ([PatchItem(op="replace", path="/nfInstanceId", value=ID.format(2))], 400),
        ([PatchItem(op="replace", path="", value=[])], 400),
        ([PatchItem(op="add", path="/x", value=1)] * 300, 400),
    ):
        before = asyncio.run(nrf.nf_profile(ID.format(1))).document
        with pytest.raises(Problem) as caught:
            asyncio.run(nrf.nf_update(ID.format(1), patch))
        assert caught.value.status == status, patch
        assert asyncio.run(nrf.nf_profile(ID.format(1))).document == before
    assert found(nrf) == [1, 2, 3]


def test_what_the_nrf_does_not_know_is_kept_and_can_be_changed() -> None:
    nrf, _ = make()
    document = {**Whole.of(smf(4, 1, "internet")).document, "vendorSpecific-001": {"a": [1, {"b": "x"}]}}
    made = asyncio.run(nrf.nf_register(ID.format(4), read(document)))
    assert made.body.document["vendorSpecific-001"] == {"a": [1, {"b": "x"}]}
    patch = [
        PatchItem(op="add", path="/vendorSpecific-001/a/-", value=2),
        PatchItem(op="move", from_="/vendorSpecific-001/a/0", path="/vendorSpecific-001/c~1d"),
        PatchItem(op="copy", from_="/vendorSpecific-001/a/0/b", path="/locality"),
        PatchItem(op="add", path="/load", value=7),
    ]
    changed = asyncio.run(nrf.nf_update(ID.format(4), patch))
    assert changed is not None
    assert changed.document["vendorSpecific-001"] == {"a": [{"b": "x"}, 2], "c/d": 1}
    assert (changed.read.locality, changed.read.load) == ("x", 7)
    assert asyncio.run(nrf.nf_update(ID.format(4), HEARTBEAT)) is None


def test_registrations_outlive_the_nrf() -> None:
    store, clock = MemoryStore(), StoppedClock()
    first = NRF(Settings(heart_beat_timer=10), clock, NRF_ID, store=store)
    for number in (1, 2):
        asyncio.run(first.nf_register(ID.format(number), Whole.of(smf(number, 1, "internet"))))
    asyncio.run(first.nf_deregister(ID.format(2)))
    subscribed = asyncio.run(first.subscribe(SubscriptionData(nf_status_notification_uri="/x")))
    store.put("nrf-instance", "broken", b"{")
    second = NRF(Settings(heart_beat_timer=10), clock, NRF_ID, store=store)
    assert found(second) == [1]
    asyncio.run(second.unsubscribe(subscribed.id))
    clock.time += 25  # and its heartbeats count from its start
    assert found(second) == []


def test_who_is_silent_for_long_is_forgotten() -> None:
    nrf, clock = make()
    clock.time += 10 * 361
    asyncio.run(nrf.look())
    assert nrf.registered() == []
    with pytest.raises(Problem, match="404"):
        asyncio.run(nrf.nf_update(ID.format(1), HEARTBEAT))


# discovery


def nf(number: int, nf_type: str = "UDM", **attributes: object) -> NFProfile:
    return NFProfile(nf_instance_id=ID.format(number), nf_type=nf_type, nf_status="REGISTERED", **attributes)


def service(name: str, **attributes: object) -> NFService:
    return NFService(
        service_instance_id=name,
        service_name=name,
        versions=[NFServiceVersion(api_version_in_uri="v1", api_full_version="1.0.0")],
        scheme="http",
        nf_service_status="REGISTERED",
        **attributes,
    )


PLMN, OTHER = PlmnId(mcc="999", mnc="70"), PlmnId(mcc="001", mnc="01")
GUAMI = Guami(plmn_id=PlmnIdNid(mcc="999", mnc="70"), amf_id="010041")
AREA = TaiRange(plmn_id=PLMN, tac_range_list=[TacRange(start="000010", end="00001f")])


@pytest.mark.parametrize(
    ("profiles", "query", "expected"),
    [
        ([nf(1), nf(2, nf_set_id_list=["s"])], {"target_nf_set_id": "s"}, [2]),
        ([nf(1), nf(2)], {"target_nf_instance_id": ID.format(2).upper()}, [2]),
        ([nf(1), nf(2)], {"exclude_nfinst_list": [ID.format(2)]}, [1]),
        ([nf(1, fqdn="a.example"), nf(2)], {"target_nf_fqdn": "a.example"}, [1]),
        ([nf(1, plmn_list=[OTHER]), nf(2, plmn_list=[PLMN]), nf(3)], {"target_plmn_list": [PLMN]}, [2, 3]),
        ([nf(1, nsi_list=["a"]), nf(2, nsi_list=["b"]), nf(3)], {"nsi_list": ["b"]}, [2, 3]),
        (
            [
                nf(
                    1,
                    udm_info=UdmInfo(supi_ranges=[SupiRange(start="999700000000001", end="999700000000005")]),
                ),
                nf(2, udm_info=UdmInfo(supi_ranges=[SupiRange(pattern="^imsi-99970[0-9]{9}7$")])),
                nf(3, udm_info=UdmInfo(supi_ranges=[SupiRange(pattern="(a+)+$")])),
                nf(4),
            ],
            {"supi": "imsi-999700000000003"},
            [1, 4],
        ),
        (
            [nf(2, udm_info=UdmInfo(supi_ranges=[SupiRange(pattern="^imsi-99970.*7$")])), nf(4)],
            {"supi": "imsi-999700000000007"},
            [2, 4],
        ),
        (
            [
                nf(1, udm_info=UdmInfo(routing_indicators=["7"])),
                nf(2, udm_info=UdmInfo(routing_indicators=["8"])),
            ],
            {"routing_indicator": "7"},
            [1],
        ),
        ([nf(1, udm_info=UdmInfo(group_id="g")), nf(2)], {"group_id_list": ["g", "h"]}, [1]),
        ([nf(1, locality="a"), nf(2, locality="b")], {"preferred_locality": "b"}, [2, 1]),
        ([nf(1, priority=5), nf(2, priority=1), nf(3)], {}, [2, 1, 3]),
        ([nf(1, priority=5), nf(2, priority=1), nf(3)], {"limit": 2}, [2, 1]),
        ([nf(1, priority=1, load=90), nf(2, priority=1, load=10)], {}, [2, 1]),
        ([nf(1), nf(2)], {"preferred_nf_instances": [ID.format(2)]}, [2, 1]),
        ([nf(1, allowed_nf_types=["AMF"]), nf(2, allowed_nf_types=["SMF"])], {}, [1]),
        ([nf(1, allowed_plmns=[OTHER]), nf(2, allowed_plmns=[PLMN])], {"requester_plmn_list": [PLMN]}, [2]),
        (
            [nf(1, nf_services=[service("nudm-sdm")]), nf(2, nf_service_list={"x": service("nudm-uecm")})],
            {"service_names": ["nudm-uecm"]},
            [2],
        ),
        (
            [nf(1, nf_services=[service("nudm-sdm", allowed_nf_types=["SMF"])])],
            {"service_names": ["nudm-sdm"]},
            [],
        ),
    ],
)
def test_criteria(profiles: list[NFProfile], query: dict[str, object], expected: list[int]) -> None:
    assert searched(profiles, {"target_nf_type": "UDM", **query}) == expected


def searched(profiles: list[NFProfile], query: dict[str, object]) -> list[int]:
    nrf = NRF(Settings(), StoppedClock(), NRF_ID)
    for one in profiles:
        asyncio.run(nrf.nf_register(one.nf_instance_id, Whole.of(one)))
    result = asyncio.run(nrf.search(SearchQuery(**{"requester_nf_type": "AMF", **query})))
    assert (result.read.num_nf_inst_complete is None) == (
        len(result.read.nf_instances) == 3 or "limit" not in query
    )
    return [int(p.nf_instance_id[-2:], 16) for p in result.read.nf_instances]


def test_criteria_of_an_amf() -> None:
    infos = [
        AmfInfo(
            amf_set_id="001",
            amf_region_id="01",
            guami_list=[GUAMI],
            tai_list=[Tai(plmn_id=PLMN, tac="000001")],
        ),
        AmfInfo(amf_set_id="002", amf_region_id="02", guami_list=[], tai_range_list=[AREA]),
    ]
    amfs = [nf(number, "AMF", amf_info=info) for number, info in enumerate(infos, 1)]
    queries: list[tuple[dict[str, object], list[int]]] = [
        ({"amf_set_id": "001"}, [1]),
        ({"amf_region_id": "02"}, [2]),
        ({"guami": GUAMI}, [1]),
        ({"tai": Tai(plmn_id=PLMN, tac="000001")}, [1]),
        ({"tai": Tai(plmn_id=PLMN, tac="00001A")}, [2]),
        ({"tai": Tai(plmn_id=PLMN, tac="000020")}, []),
        ({"tai": Tai(plmn_id=OTHER, tac="000001")}, []),
        ({"amf_set_id": "001", "amf_region_id": "02"}, []),
    ]
    for query, expected in queries:
        assert searched(amfs, {"target_nf_type": "AMF", **query}) == expected, query


def test_others_see_no_authorization_and_no_services_that_are_not_for_them() -> None:
    nrf = NRF(Settings(), StoppedClock(), NRF_ID)
    services = [
        service("nudm-sdm", allowed_nf_types=["AMF"]),
        service("nudm-ueau", allowed_nf_types=["AUSF"]),
    ]
    udm = nf(1, nf_services=services, allowed_nf_types=["AMF", "AUSF"], allowed_plmns=[PLMN])
    asyncio.run(nrf.nf_register(udm.nf_instance_id, Whole.of(udm)))
    answer = asyncio.run(nrf.search(SearchQuery(target_nf_type="UDM", requester_nf_type="AMF"))).document
    assert b"allowed" not in msgspec.json.encode(answer)
    assert [one["serviceName"] for one in answer["nfInstances"][0]["nfServices"]] == ["nudm-sdm"]  # type: ignore[index]


@pytest.mark.parametrize(
    "query",
    [
        {"requester_features": "F" * 64},  # DEV-105
        {"limit": 0},
        {"target_nf_type": "u dm"},
        {"requester_nf_type": ""},
        {"snssais": [Snssai(sst=999)]},
        {"snssais": [Snssai(sst=1, sd="xyz")]},
    ],
)
def test_queries_that_are_refused(query: dict[str, object]) -> None:
    with pytest.raises(Problem, match=r"400 \w+_QUERY_PARAM_INCORRECT"):
        searched([nf(1)], {"target_nf_type": "UDM", **query})


@pytest.mark.parametrize(
    "change",
    [
        {"plmnList": [{"mcc": "999", "mnc": "70"}] * 101},  # DEV-103
        {"sNssais": [{"sst": 1}] * 101},
        {"scpDomains": ["x"] * 5000},
        {"amfInfo": {"taiRangeList": [{"tacRangeList": [{}] * 101}]}},
        {"smfInfo": {"sNssaiSmfInfoList": [{"sNssai": {"sst": 1}, "dnnSmfInfoList": [{"dnn": "a"}] * 101}]}},
        {"sNssais": [{"sst": 1, "sd": "xyz"}]},
        {"capacity": -1},
        {"load": 101},
        {"x": {str(n): n for n in range(1001)}},
        {"nfServices": "no"},
    ],
)
def test_documents_that_do_not_hold(change: dict[str, object]) -> None:
    nrf, _ = make()
    document = {**Whole.of(smf(9, 1, "internet")).document, **change}
    with pytest.raises(Problem) as caught:
        asyncio.run(nrf.nf_register(ID.format(9), read(document)))
    assert (caught.value.status, found(nrf)) == (400, [1, 2, 3])


# subscriptions


class Consumer:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str]] = []

    async def nf_status_notify(self, reference: str, body: NotificationData) -> None:
        self.heard.append((reference, body.event, body.nf_instance_uri[-2:]))
        assert body.nf_profile is None or "allowedNfTypes" not in body.nf_profile


def told() -> tuple[NRF, StoppedClock, Consumer]:
    bus, clock, consumer = Bus(checked), StoppedClock(), Consumer()
    nrf = NRF(Settings(heart_beat_timer=10), clock, NRF_ID, bus=bus)
    bus.serve(NfStatusCallback, consumer, ID.format(0xEE))
    return nrf, clock, consumer


def wanted(**changes: object) -> SubscriptionData:
    return SubscriptionData(**{"nf_status_notification_uri": "/nf-status-callback/v1/r", **changes})


def test_who_subscribes_hears_of_what_comes_changes_falls_silent_and_goes() -> None:
    nrf, clock, consumer = told()
    made = asyncio.run(nrf.subscribe(wanted(subscr_cond=SubscrCond(nf_type="UDM"))))
    asyncio.run(nrf.nf_register(ID.format(1), Whole.of(nf(1))))
    asyncio.run(nrf.nf_register(ID.format(2), Whole.of(nf(2, "AMF"))))
    asyncio.run(nrf.nf_update(ID.format(1), HEARTBEAT))
    asyncio.run(nrf.nf_update(ID.format(1), [PatchItem(op="add", path="/load", value=3)]))
    clock.time += 25
    asyncio.run(nrf.look())
    asyncio.run(nrf.look())
    asyncio.run(nrf.nf_update(ID.format(1), HEARTBEAT))
    asyncio.run(nrf.nf_deregister(ID.format(1)))
    changed = ("r", "NF_PROFILE_CHANGED", "01")
    assert consumer.heard == [
        ("r", "NF_REGISTERED", "01"),
        changed,
        changed,
        changed,
        ("r", "NF_DEREGISTERED", "01"),
    ]
    asyncio.run(nrf.unsubscribe(made.id))
    asyncio.run(nrf.nf_register(ID.format(1), Whole.of(nf(1))))
    assert len(consumer.heard) == 5
    with pytest.raises(Problem, match="404 SUBSCRIPTION_NOT_FOUND"):
        asyncio.run(nrf.unsubscribe(made.id))


@pytest.mark.parametrize(
    ("condition", "hears"),
    [
        (SubscrCond(nf_instance_id=ID.format(1).upper()), True),
        (SubscrCond(nf_instance_id=ID.format(2)), False),
        (SubscrCond(nf_instance_id_list=[ID.format(1)]), True),
        (SubscrCond(service_name="nudm-sdm"), True),
        (SubscrCond(service_name="nudm-uecm"), False),
        (SubscrCond(snssai_list=[Snssai(sst=1)]), True),
        (SubscrCond(snssai_list=[Snssai(sst=2)]), False),
        (SubscrCond(nf_set_id="s"), True),
        (SubscrCond(amf_set_id="001"), False),
        (None, True),
    ],
)
def test_conditions(condition: SubscrCond | None, hears: bool) -> None:
    nrf, _, consumer = told()
    asyncio.run(nrf.subscribe(wanted(subscr_cond=condition, req_notif_events=["NF_REGISTERED"])))
    udm = nf(1, nf_services=[service("nudm-sdm")], s_nssais=[Snssai(sst=1)], nf_set_id_list=["s"])
    asyncio.run(nrf.nf_register(ID.format(1), Whole.of(udm)))
    asyncio.run(nrf.nf_deregister(ID.format(1)))
    assert len(consumer.heard) == hears


def test_a_producer_that_is_not_for_the_consumer_is_not_told() -> None:
    nrf, _, consumer = told()
    asyncio.run(nrf.subscribe(wanted(req_nf_type="SMF")))
    asyncio.run(nrf.nf_register(ID.format(1), Whole.of(nf(1, allowed_nf_types=["AUSF"]))))
    asyncio.run(nrf.nf_register(ID.format(2), Whole.of(nf(2, allowed_nf_types=["SMF"]))))
    assert [last for *_, last in consumer.heard] == ["02"]


def test_subscriptions_end() -> None:
    nrf, clock, consumer = told()
    clock.time = 1_750_000_000.0
    made = asyncio.run(nrf.subscribe(wanted(validity_time="2025-06-15T15:07:40Z")))
    assert made.body.validity_time == "2025-06-15T15:07:40Z"
    longer = [PatchItem(op="replace", path="/validityTime", value="2035-06-15T15:07:00Z")]
    assert asyncio.run(nrf.update_subscription(made.id, longer)).validity_time == "2025-06-16T15:06:40Z"  # type: ignore[union-attr]
    clock.time += 86_401
    asyncio.run(nrf.nf_register(ID.format(1), Whole.of(nf(1))))
    assert consumer.heard == []


@pytest.mark.parametrize(
    "changes",
    [
        {"nf_status_notification_uri": ""},
        {"nf_status_notification_uri": "ftp://a/b"},
        {"nf_status_notification_uri": "http://[::1"},
        {"nf_status_notification_uri": "http://:80/x"},
        {"nf_status_notification_uri": "http://a:0"},
        {"nf_status_notification_uri": "http://a/" + "x" * 3000},
        {"validity_time": "1970-01-01T00:00:01Z"},
        {"validity_time": "2099-01-01T00:00:00." + "0" * 500 + "Z"},  # DEV-116
        {"validity_time": "soon"},
    ],
)
def test_subscriptions_that_are_refused(changes: dict[str, object]) -> None:
    nrf, _, _ = told()
    with pytest.raises(Problem, match="400"):
        asyncio.run(nrf.subscribe(wanted(**changes)))
    assert asyncio.run(nrf.subscribe(wanted(nf_status_notification_uri="http://host:80"))).id  # DEV-104


def test_bootstrapping_says_where_the_services_are() -> None:
    bus = Bus(checked, api_root="http://nrf:1")
    nrf = NRF(Settings(), StoppedClock(), NRF_ID, bus=bus)
    for protocol, implementation in nrf.services():
        bus.serve(protocol, implementation, NRF_ID)
    found = asyncio.run(bus.client(NnrfBootstrapping, "AMF").get())
    assert found.links["manage"].href == "http://nrf:1/nnrf-nfm/v1/nf-instances"
    assert (found.status, found.nrf_instance_id, "authorize" in found.links) == ("OPERATIVE", NRF_ID, False)
    asyncio.run(nrf.nf_register(ID.format(1), Whole.of(nf(1))))
    listed = asyncio.run(bus.client(NnrfNFManagement, "AMF").nf_list("UDM", 5))
    assert [one.href[-2:] for one in listed.links["item"]] == ["01"]  # type: ignore[union-attr]
