"""What a subscription says of access and mobility: columns, am-data, and back; and whom the UDM lets register."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.nf.udm import UDM, Settings
from cinq.nf.udr import UDR, provisioning
from cinq.nf.udr.access import Access
from cinq.nf.udr.fault import ProvisioningError
from cinq.numbering import PlmnId, SNssai, Supi
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.models import Guami, PlmnIdNid, RatType, UpSecurity
from cinq.sbi.services.nudm_sdm import NudmSubscriberDataManagement
from cinq.sbi.services.nudm_uecm import Amf3GppAccessRegistration, NudmUEContextManagement

SUPI = "imsi-999700000000001"
KEYS = {"imsi": SUPI, "k": "00" * 16, "opc": "00" * 16}
ALL = {
    **KEYS,
    "slices": "1 2-0000ff",
    "default_slices": "2-0000ff",
    "nssaa_slices": "1",
    "arp": "3",
    "ssc_modes": "2 1",
    "up_integrity": "required",
    "msisdn": "+4912345678",
    "rfsp": "7",
    "allowed_tacs": "1 2;3",
    "forbidden_tacs": "9",
    "rat_restrictions": "nr-redcap",
    "no_5gc": "no",
    "barred": "yes",
    "mico": "yes",
    "t3512_s": "600",
    "t3324_s": "10",
    "edrx": "0010/0011",
}


def test_every_column_reaches_the_udm() -> None:
    store, bus = MemoryStore(), Bus(checked)
    for nf in (UDR(store, "udr"), UDM(Settings(PlmnId("999", "70")), bus, bytes, "udm")):
        for service, implementation in nf.services():
            bus.serve(service, implementation, nf.instance_id)
    provisioning.put(store, provisioning.parse(ALL))

    async def run() -> None:
        sdm = bus.client(NudmSubscriberDataManagement, "AMF")
        am = await sdm.get_am_data(SUPI)
        assert am.nssai is not None
        assert am.service_area_restriction is not None
        assert [s.sst for s in am.nssai.default_single_nssais] == [2]
        assert [s.sst for s in am.nssai.single_nssais] == [1]
        assert am.nssai.additional_snssai_data["1"].required_authn_authz
        assert [am.service_area_restriction.allows(tac) for tac in (1, 2, 3, 4)] == [True, True, True, False]
        assert am.forbidden_areas[0].tacs == ["000009"]
        assert (am.rfsp_index, am.rat_restrictions, am.gpsis) == (7, ["NR_REDCAP"], ["msisdn-4912345678"])
        assert (am.odb_packet_services, am.core_network_type_restrictions) == ("ALL_PACKET_SERVICES", [])
        assert (am.mico_allowed, am.subs_reg_timer, am.active_time) == (True, 600, 10)
        assert (am.edrx_parameters_list[0].edrx_value, am.ptw_parameters_list[0].ptw_value) == (
            "0010",
            "0011",
        )
        sm = (await sdm.get_sm_data(SUPI, None, "internet"))[0].dnn_configurations["internet"]
        assert (sm.ssc_modes.default_ssc_mode, sm.ssc_modes.allowed_ssc_modes) == (
            "SSC_MODE_2",
            ["SSC_MODE_2", "SSC_MODE_1"],
        )
        assert sm.up_security == UpSecurity(up_integr="REQUIRED", up_confid="PREFERRED")
        assert sm.qos_profile_5g is not None
        assert sm.qos_profile_5g.arp.priority_level == 3

    asyncio.run(run())


tacs = st.lists(st.integers(1, 1000), unique=True, max_size=3).map(tuple)
bits = st.text("01", min_size=4, max_size=4)
accesses = st.builds(
    Access,
    msisdn=st.sampled_from(("", "4912345")),
    default_slices=st.sampled_from(((), (SNssai(2),), (SNssai(1), SNssai(2)))),
    nssaa_slices=st.sampled_from(((), (SNssai(2),))),
    rfsp=st.none() | st.integers(1, 256),
    non_allowed_tacs=tacs,
    forbidden_tacs=tacs,
    rat_restrictions=st.sampled_from(((), ("NR",), ("NR", "NR_REDCAP"))),
    no_5gc=st.booleans(),
    barred=st.booleans(),
    mico=st.booleans(),
    t3512_s=st.none() | st.integers(2, 10000),
    t3324_s=st.none() | st.integers(2, 10000),
    edrx=st.none() | st.tuples(bits, bits),
)


@given(accesses, st.sampled_from((None, UpSecurity(up_integr="REQUIRED", up_confid="NOT_NEEDED"))))
def test_what_is_put_is_what_is_got(access: Access, security: UpSecurity | None) -> None:
    store = MemoryStore()
    one = provisioning.Subscriber(
        Supi.parse(SUPI),
        bytes(16),
        bytes(16),
        slices=(SNssai(1), SNssai(2)),
        ssc_modes=("SSC_MODE_3", "SSC_MODE_1"),
        up_security=security,
        access=access,
    )
    provisioning.put(store, one)
    assert provisioning.get(store, one.supi) == one


def test_none_takes_a_value_back() -> None:
    one = provisioning.parse(ALL)
    cleared = provisioning.changed(
        one,
        {
            **dict.fromkeys(("rfsp", "edrx", "nssaa_slices", "up_integrity", "msisdn", "barred"), "none"),
            "non_allowed_tacs": "5",
        },
    )
    access = cleared.access
    assert (access.rfsp, access.edrx, access.nssaa_slices, access.msisdn, access.barred) == (
        None,
        None,
        (),
        "",
        False,
    )
    assert (access.allowed_tacs, access.non_allowed_tacs) == ((), (5,))
    assert cleared.up_security is None
    assert access.forbidden_tacs == (9,)


@pytest.mark.parametrize(
    ("column", "text", "what"),
    [
        ("rfsp", "257", "found 257, wanted 1 to 256"),
        ("rfsp", "x", "found 'x', wanted a number"),
        ("allowed_tacs", "0", "found 0, wanted codes of 1 to 16777215"),
        ("allowed_tacs", "1 1", "found 1 twice"),
        ("barred", "perhaps", "found 'perhaps', wanted yes or no"),
        ("msisdn", "abc", "found 'abc', wanted 5 to 15 digits"),
        ("rat_restrictions", "GSM", "found 'GSM', wanted NR or NR_REDCAP"),
        ("edrx", "1/2", "found '1/2', wanted cycle and window as 0010/0011"),
        ("default_slices", "3", "found 3, wanted some of the slices 1, 2-0000ff"),
        ("nssaa_slices", "x", "SST"),
        ("t3512_s", "1", "found 1, wanted 2 to 35712000"),
        ("ssc_modes", "4", "found '4', wanted some of 1, 2 and 3"),
        ("up_ciphering", "on", "found 'on', wanted required, preferred or not-needed"),
        ("arp", "16", "found 16, wanted 1 to 15"),
    ],
)
def test_what_is_no_value(column: str, text: str, what: str) -> None:
    with pytest.raises(ProvisioningError) as caught:
        provisioning.parse({**ALL, column: text})
    assert caught.value.key == column
    assert what in caught.value.what


def test_areas_are_allowed_or_not() -> None:
    with pytest.raises(ProvisioningError, match="wanted one of them"):
        provisioning.parse({**ALL, "non_allowed_tacs": "9"})


@pytest.mark.parametrize(
    ("column", "value", "rat", "cause"),
    [
        ("barred", "yes", "NR", "ACCESS_NOT_ALLOWED"),
        ("no_5gc", "yes", "NR", "UNKNOWN_5GS_SUBSCRIPTION"),
        ("rat_restrictions", "NR", "NR", "RAT_NOT_ALLOWED"),
        ("rat_restrictions", "NR", "NR_REDCAP", ""),
        ("rat_restrictions", "NR_REDCAP", "NR", ""),
    ],
)
def test_whom_the_udm_lets_register(column: str, value: str, rat: RatType, cause: str) -> None:
    store, bus = MemoryStore(), Bus(checked)
    for nf in (UDR(store, "udr"), UDM(Settings(PlmnId("999", "70")), bus, bytes, "udm")):
        for service, implementation in nf.services():
            bus.serve(service, implementation, nf.instance_id)
    provisioning.put(store, provisioning.parse({**KEYS, column: value}))
    body = Amf3GppAccessRegistration(
        amf_instance_id="amf",
        dereg_callback_uri="/x",
        guami=Guami(plmn_id=PlmnIdNid(mcc="999", mnc="70"), amf_id="010040"),
        rat_type=rat,
    )
    registering = bus.client(NudmUEContextManagement, "AMF").registration(SUPI, body)
    if not cause:
        asyncio.run(registering)
        return
    with pytest.raises(Problem) as caught:
        asyncio.run(registering)
    assert (caught.value.status, caught.value.cause) == (403, cause)
    assert SUPI in caught.value.why
    assert caught.value.why.mend.startswith(f"cinq subscriber set {SUPI} --")
    assert store.get("amf-3gpp-access", SUPI) is None
