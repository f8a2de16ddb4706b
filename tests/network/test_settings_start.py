"""A settings file that is valid starts: random valid settings of all keys make a network that serves."""

from __future__ import annotations

import asyncio
import os
import string
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cinq import contradictions
from cinq.eligibility import examples
from cinq.functions import instance_of
from cinq.network import Network, NetworkError
from cinq.nf.chf.account import Account, Accounts
from cinq.nf.udr import provisioning
from cinq.operator_identifier import network_identifier
from cinq.procedure import run_virtual
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.ue import Ue
from cinq.ran.ue.settings import SessionSettings, UeSettings
from cinq.settings import HexOctets, document, loads
from cinq.settings.network import NetworkSettings
from cinq.settings.toml import written
from tests.docs import pages
from tests.docs.pages import DOCS, blocks
from tests.network import ground

EXAMPLES = Path(examples.__file__).parent
K, OPC = bytes(16), bytes(range(16))
HEXADECIMAL = "0123456789abcdef"


def unique(values: st.SearchStrategy[object], low: int, high: int) -> st.SearchStrategy[list[object]]:
    return st.lists(values, min_size=low, max_size=high, unique=True)


def pools(count: int) -> list[str]:
    return [str(n) for n in list(IPv4Network("10.32.0.0/11").subnets(new_prefix=20))[:count]]


ADDRESS = st.ip_addresses(v=4).map(str)
HOST = st.ip_addresses(v=4).filter(lambda a: 1 <= a.packed[0] <= 223).map(str)
DIGITS = st.sampled_from(string.digits)
PLMN = st.builds(
    lambda mcc, mnc: f"{mcc}-{mnc}",
    st.text(DIGITS, min_size=3, max_size=3),
    st.text(DIGITS, min_size=2, max_size=3),
)
TAC = st.integers(1, 0xFFFFFD)
TACS = unique(TAC, 0, 16)
SLICE = st.one_of(
    st.integers(0, 255).map(str),
    st.builds(lambda sst, sd: f"{sst}-{sd:06x}", st.integers(0, 255), st.integers(0, 0xFFFFFE)),
)
LABEL = st.text(string.ascii_letters + string.digits, min_size=1, max_size=20)
TEXT = st.text(st.characters(exclude_categories=("C", "Z")), max_size=30)
RATE = st.builds(
    lambda n, unit: f"{n} {unit}", st.integers(1, 4000), st.sampled_from(["kbps", "Mbps", "Gbps"])
)
PORT = st.integers(1, 65535)
RADIO = st.sampled_from(["none", "nr", "eutra", "both"])
SECURITY = st.sampled_from(["not-needed", "preferred", "required"])
ALGORITHMS = [unique(st.sampled_from([f"{kind}{n}" for n in numbers]), 1, 4) for kind, numbers in
              (("NIA", (1, 2, 3)), ("NEA", (0, 1, 2, 3)))]  # fmt: skip
BOOL = st.booleans()

VALUES: dict[str, st.SearchStrategy[object]] = {
    "network.name": TEXT.filter(bool),
    "network.plmn": PLMN.map(lambda plmn: "0" + plmn[1:]),
    "network.tacs": unique(TAC, 1, 16),
    "network.slices": unique(SLICE, 1, 8),
    "network.shared[].plmn": PLMN.map(lambda plmn: "9" + plmn[1:]),
    "network.shared[].tacs": TACS,
    "network.shared[].slices": unique(SLICE, 0, 8),
    "network.equivalent_plmns": unique(PLMN, 0, 15),
    "network.full_name": TEXT,
    "network.short_name": TEXT,
    "network.time_zone": st.sampled_from(["", "UTC", "Europe/Berlin", "Asia/Kathmandu"]),
    "amf.n2_address": ADDRESS,
    "amf.n2_port": PORT,
    "amf.n2_max_associations": PORT,
    "amf.n2_max_associations_per_address": PORT,
    "amf.ng_setup_within_s": st.integers(1, 3600),
    "amf.region": st.integers(0, 255),
    "amf.set": st.integers(0, 699),
    "amf.pointer": st.integers(0, 63),
    "amf.integrity": ALGORITHMS[0],
    "amf.ciphering": ALGORITHMS[1],
    "amf.t3512_s": st.integers(0, 35712000),
    "amf.t3502_s": st.integers(0, 11160),
    "amf.t3346_s": st.integers(2, 11160),
    "amf.relative_capacity": st.integers(0, 255),
    "amf.registration_area": st.sampled_from(["own", "all"]),
    "amf.tracking_area_group[].tacs": unique(TAC, 1, 16),
    "amf.allowed_tacs": TACS,
    "amf.non_allowed_tacs": TACS,
    "amf.forbidden_tacs": TACS,
    "amf.ims_voice": BOOL,
    "amf.emergency": RADIO,
    "amf.emergency_fallback": RADIO,
    "amf.mico": BOOL,
    "amf.edrx": BOOL,
    "amf.new_kamf_at_handover": BOOL,
    "amf.accept_any_order": BOOL,
    "amf.access_category[].number": st.integers(32, 63),
    "amf.access_category[].precedence": st.integers(0, 255),
    "amf.access_category[].dnns": unique(st.sampled_from(["internet", "ims"]), 1, 2),
    "amf.access_category[].slices": unique(st.sampled_from(["1", "2-00000a"]), 0, 2),
    "amf.access_category[].standardized": st.sampled_from([0, 2, 7, 9, 10]),
    "smf.n4_address": ADDRESS,
    "smf.n4_port": PORT,
    "smf.n4_path": st.sampled_from(["direct", "udp"]),
    "upf.n3_address": HOST,
    "upf.n3_ipv6_address": st.just("2001:db8:3::1"),
    "upf.n4_address": ADDRESS,
    "upf.n4_port": PORT,
    "upf.smf_addresses": unique(HOST, 0, 3),
    "upf.gnb_networks": st.lists(st.sampled_from(["10.9.0.0/29", "0.0.0.0/0"]), max_size=2, unique=True),
    "upf.data_plane": st.sampled_from(["auto", "ebpf", "tun"]),
    "upf.n3_mtu": st.one_of(st.just(0), st.integers(576, 65535)),
    "upf.n6_interface": st.sampled_from(["", "eth1", "n6"]),
    "upf.ue_to_ue": BOOL,
    "upf.reach_host": BOOL,
    "upf.ipv6_protect": st.lists(st.sampled_from(["2001:db8:7::/48", "fd00::/8"]), max_size=2),
    "upf.protect": st.lists(st.sampled_from(["192.168.0.0/16", "172.16.0.0/12"]), max_size=2),
    "upf.max_sessions": st.integers(1, 1 << 20),
    "pcf.ue_five_qis": unique(st.integers(1, 254), 0, 8),
    "pcf.ue_max_gbr": RATE,
    "policy[].name": st.text("abcXYZ019.-_", min_size=1, max_size=40).map(lambda name: "r" + name[1:]),
    "policy[].filters": unique(
        st.sampled_from(
            [
                "permit out ip from 203.0.113.0/24 to assigned",
                "permit out 17 from 198.51.100.0/24 5004 to assigned",
                "permit in 6 from assigned to any 80,443,8000-8080",
            ]
        ),
        1,
        3,
    ),
    "policy[].rating_group": st.integers(0, 2**32 - 1),
    "policy[].five_qi": st.integers(128, 254),  # an operator's own: with a guaranteed bit rate or without
    **dict.fromkeys(("policy[].dnn", "policy[].dnai"), st.just("")),
    "policy[].slices": unique(SLICE, 0, 8),
    "policy[].direction": st.sampled_from(["both", "uplink", "downlink"]),
    "policy[].precedence": st.integers(1, 254),
    "policy[].gbr_uplink": st.sampled_from(["1 kbps", "64 kbps"]),
    "policy[].gbr_downlink": st.sampled_from(["1 kbps", "64 kbps"]),
    "policy[].mbr_uplink": st.sampled_from(["64 kbps", "10 Mbps"]),
    "policy[].mbr_downlink": st.sampled_from(["64 kbps", "10 Mbps"]),
    "policy[].arp": st.integers(1, 15),
    "policy[].may_preempt": BOOL,
    "policy[].preemptable": BOOL,
    "policy[].reflective": BOOL,
    "policy[].notify": BOOL,
    "policy[].gate": st.sampled_from(["open", "closed"]),
    "charging.on": st.just(False),  # a subscriber without an account is refused: test_charging.py
    "charging.without_account": st.just("refuse"),
    "charging.tariff": st.just(""),
    "charging.without_chf": st.sampled_from(["refuse", "continue"]),
    "charging.tariff_files": st.just([]),
    "charging.report": unique(st.sampled_from(["QOS_CHANGE", "USER_LOCATION_CHANGE"]), 0, 2),
    "partner[].plmn": st.sampled_from(["001-01", "310-410"]),
    "partner[].tariff": st.just("flat"),
    "partner[].name": LABEL,
    "counter[].name": LABEL,
    "counter[].below": LABEL,
    "counter[].above": st.just([]),
    "counter[].statuses": st.just([]),
    "limit[].counter": LABEL,
    "limit[].status": LABEL,
    "limit[].session_ambr_uplink": RATE,
    "limit[].session_ambr_downlink": RATE,
    "limit[].denied": st.just(True),
    "limit[].dnn": st.just(""),
    "tariff[].name": LABEL,
    "tariff[].currency": st.sampled_from(["EUR", "JPY", "KWD"]),
    "tariff[].time_zone": st.sampled_from(["", "Europe/Berlin"]),
    "tariff[].quota": st.sampled_from(["10 MB", "1 h", "1 B"]),
    "tariff[].validity_s": st.integers(10, 86_400),
    "tariff[].idle_s": st.integers(0, 86_400),
    "tariff[].round_to": st.sampled_from(["", "0.01", "1"]),
    "tariff[].rounding": st.sampled_from(["half-even", "half-up", "up", "down"]),
    "tariff[].used_up": st.just("terminate"),
    "tariff[].allowed": st.just([]),
    "tariff[].redirect_to": st.just(""),
    "rate[].tariff": st.just("flat"),
    "rate[].price": st.sampled_from(["0", "0.01", "123456789.123456789"]),
    "rate[].per": st.sampled_from(["1 MB", "60 s", "1 GB"]),
    "rate[].block": st.just(""),
    "rate[].rating_group": st.integers(0, 2**32 - 1),
    "rate[].days": unique(st.sampled_from(["mon", "sat", "sun"]), 0, 3),
    "rate[].begins": st.sampled_from(["00:00", "08:30"]),
    "rate[].ends": st.sampled_from(["08:31", "24:00"]),
    "nef.start": BOOL,
    "nef.address": HOST,
    "nef.port": PORT,
    "nef.certificate": st.just(""),
    "nef.key": st.just(""),
    "nef.access_token_s": st.integers(10, 86400),
    "af[].id": st.sampled_from(["video", "game.1", "a_b-c"]),
    "af[].secret": st.just("0123456789abcdef"),
    "af[].apis": unique(st.sampled_from(["quality-on-demand", "3gpp-traffic-influence"]), 1, 2),
    "af[].notify": unique(st.sampled_from(["http://127.0.0.1:9000", "https://af.example/x"]), 0, 2),
    "qos_profile[].name": st.sampled_from(["QOS_S", "fast", "a.b-c_d"]),
    "qos_profile[].five_qi": st.sampled_from([5, 7, 9]),
    "qos_profile[].gbr_uplink": st.just("0 bps"),
    "qos_profile[].gbr_downlink": st.just("0 bps"),
    "qos_profile[].mbr_uplink": st.sampled_from(["0 bps", "1 Mbps"]),
    "qos_profile[].mbr_downlink": st.sampled_from(["0 bps", "20 Mbps"]),
    "qos_profile[].arp": st.integers(1, 15),
    "qos_profile[].longest_s": st.integers(1, 2**31 - 1),
    "nrf.heart_beat_timer_s": st.integers(1, 3600),
    "nrf.access_token_s": st.integers(10, 86400),
    "nrf.token_key": st.just(""),
    "eir.check": st.sampled_from(["off", "fail-open", "fail-closed"]),
    "eir.unlisted": st.sampled_from(["WHITELISTED", "GREYLISTED"]),
    "eligibility.policy": st.lists(st.sampled_from([str(EXAMPLES / "ca-2022.toml")]), max_size=1),
    "eligibility.inventory": st.just(str(EXAMPLES / "inventory.toml")),
    "eligibility.observed": st.just(str(EXAMPLES / "observed.csv")),
    "eligibility.ng_setup": st.sampled_from(["audit", "alarm"]),  # the others: test_eligibility.py
    "eligibility.nrf_registration": st.sampled_from(["audit", "alarm"]),
    "eligibility.pfcp_association": st.sampled_from(["audit", "alarm"]),
    "eligibility.terminal": st.sampled_from(["audit", "alarm"]),
    "eligibility.approvers": st.just([]),
    "eligibility.grace_s": st.integers(0, 86400),
    "eligibility.move_after_s": st.integers(0, 86400),
    "sbi.transport": st.sampled_from(["direct", "checked"]),  # http2 needs sockets: tests/sbi/test_http.py
    "sbi.offered": BOOL,
    "sbi.address": HOST,
    "sbi.port": PORT,
    "sbi.certificate": st.just(""),
    "sbi.key": st.just(""),
    "sbi.authorities": st.just(""),
    "sbi.nrf": st.just(""),
    "sbi.scp": st.just("own"),
    "sbi.delegated_discovery": st.just(False),  # delegates to an SCP, where one is named
    "sbi.scp_instance": st.just(""),
    "sbi.access_tokens": BOOL,
    "sbi.operation_scopes": BOOL,
    "sbi.token_authority": st.just(""),
    "ipsec.required": unique(st.sampled_from(["n2", "n3", "n4"]), 0, 3),
    "ipsec.interfaces": unique(st.text(string.ascii_lowercase, min_size=1, max_size=15), 0, 2),
    "sepp.fqdn": st.sampled_from(["", "sepp.example.org"]),
    "sepp.n32_address": HOST,
    "sepp.n32_port": PORT,
    "sepp.sbi_port": PORT,
    "sepp.certificate": st.just(""),
    "sepp.key": st.just(""),
    "roaming_partner[].name": LABEL,
    "roaming_partner[].plmns": st.just(["310-410"]),
    "roaming_partner[].address": HOST,
    "roaming_partner[].port": PORT,
    "roaming_partner[].sepp": st.just(""),
    "roaming_partner[].authorities": st.just("partner.pem"),
    "roaming_partner[].security": st.sampled_from(["tls", "prins"]),
    "roaming_partner[].next_hop": st.just(""),
    "roaming_partner[].next_hop_name": st.just(""),
    "roaming_partner[].next_hop_authorities": st.just(""),
    "roaming_partner[].ipx[].name": st.just("ipx.example.org"),
    "roaming_partner[].ipx[].key": st.just("ipx.pub"),
    "roaming_partner[].ipx[].may_change": st.just(["/headers/-"]),
    "roaming_partner[].services": st.just(["nudm-sdm"]),
    "roaming_partner[].requests_per_s": st.integers(1, 100_000),
    "roaming_partner[].inbound": BOOL,
    "roaming_partner[].outbound": BOOL,
    "state.folder": st.just("/nowhere"),
    "state.run": st.just("/nowhere"),
    "state.database": st.just("postgresql://cinq@nowhere.example/cinq"),
    "dnn[].name": LABEL,
    "dnn[].pool": st.sampled_from(pools(8)),
    **dict.fromkeys(
        ("upf.n9_interface", "dnn[].n6_interface"), st.just("")
    ),  # of this host: tests/userplane has one
    **dict.fromkeys(("dnn[].n6_gateway", "dnn[].n6_ipv6_gateway"), st.nothing()),
    "dnn[].ethernet_interface": st.just(""),  # each makes an interface of this host: tests/lab has one
    "dnn[].dns": unique(ADDRESS, 0, 8),
    "dnn[].ipv6_pool": unique(st.sampled_from(["fd45::/48", "fd46:0:0:100::/56", "2001:db8:45::/62"]), 0, 1),
    "dnn[].ipv6_dns": unique(st.sampled_from(["2001:db8::53", "fd00::53"]), 0, 2),
    "dnn[].mtu": st.integers(576, 9000),
    "dnn[].nat": BOOL,
    "dnn[].slices": unique(SLICE, 0, 8),
    "dnn[].session_ambr_uplink": RATE,
    "dnn[].session_ambr_downlink": RATE,
    "dnn[].p_cscf": unique(ADDRESS, 0, 8),
    "dnn[].ladn_tacs": TACS,
    "dnn[].five_qi": st.integers(1, 254),
    "dnn[].arp": st.integers(1, 15),
    "dnn[].always_on": BOOL,
    "dnn[].rating_group": st.integers(1, 2**32 - 1),
    "dnn[].up_integrity": SECURITY,
    "dnn[].up_ciphering": SECURITY,
    "amf_set[].set": st.integers(700, 1023),
    "amf_set[].slices": unique(SLICE, 1, 8),
    "upf.start": st.just(True),
    "upf.metrics_address": HOST,
    "upf.metrics_port": PORT,
    "user_plane[].n4_address": st.integers(1, 250).map("127.0.99.{}".format),
    "user_plane[].n4_port": PORT,
    "user_plane[].slices": unique(SLICE, 0, 8),
    "user_plane[].tacs": TACS,
    "user_plane[].capacity": st.integers(1, 1000),
    "user_plane[].anchors": st.just(True),  # with linked_to: tests/settings
    **dict.fromkeys(("user_plane[].dnns", "user_plane[].linked_to", "user_plane[].dnais"), st.just([])),
    "user_plane[].n3_ipv4": st.just(True),
    "user_plane[].n3_ipv6": BOOL,
    "user_plane[].n3_loopback": BOOL,
    "home_network_key[].id": st.integers(1, 255),
    "home_network_key[].private_key": st.text(HEXADECIMAL[:8], min_size=64, max_size=64).map(
        lambda k: "1" + k[1:]
    ),
    "home_network_key[].profile": st.sampled_from(["A", "B"]),
}
ALONE = ("roaming_partner[]", "roaming_partner[].ipx[]")
"""With certificates, a port and a partner: tests/nf/sepp."""
ONCE = ("precedence", "number", "name", "pool", "ipv6_pool", "id", "plmn", "tacs", "set", "n4_address")
"""Keys of a table written many times whose values must differ between the tables."""


@st.composite
def files(draw: st.DrawFn) -> str:
    """A settings file with a part of all keys."""
    lines: list[str] = []
    documented = [d for d in document(NetworkSettings) if d.path not in ("network", "amf")]
    tables = [d.path for d in document(NetworkSettings) if d.kind in ("table", "tables")]
    for table in tables:
        keys = [
            d for d in documented if d.path.rpartition(".")[0] == table and d.kind not in ("table", "tables")
        ]
        many = table.endswith("[]")
        most = 0 if table in ALONE else 3
        drawn = [
            _table(draw, [k.path for k in keys]) for _ in range(draw(st.integers(0, most)) if many else 1)
        ]
        for one in _apart(drawn) if many else drawn:
            lines.append(f"[[{table.removesuffix('[]')}]]" if many else f"[{table}]")
            lines += [f"{key} = {_toml(value)}" for key, value in one.items()]
    if "[[rate]]" in lines or "[[partner]]" in lines:
        lines += ["[[tariff]]", 'name = "flat"', 'currency = "EUR"']
    return "\n".join(lines)


def _table(draw: st.DrawFn, paths: list[str]) -> dict[str, object]:
    required = {d.path for d in document(NetworkSettings) if d.default == "(required)"} | {
        "dnn[].name",
        "dnn[].pool",
        "policy[].five_qi",
        "limit[].denied",
        "amf_set[].set",
        "amf_set[].slices",
        "amf.access_category[].dnns",
    }
    found = {p.rpartition(".")[2]: draw(VALUES[p]) for p in paths if p in required or draw(BOOL)}
    if found.get("allowed_tacs"):
        found.pop("non_allowed_tacs", None)
    if found.get("ipv6_pool"):
        found.pop("mtu", None)  # not every MTU of IPv4 is one of IPv6
    if "denied" in found and not (found.get("session_ambr_uplink") and found.get("session_ambr_downlink")):
        found.pop("session_ambr_uplink", None)
        found.pop("session_ambr_downlink", None)
    if found.get("gbr_uplink") or found.get("gbr_downlink"):
        found.pop("reflective", None)
    return found


def _apart(tables: list[dict[str, object]]) -> list[dict[str, object]]:
    """Those that may stand beside each other."""
    kept: list[dict[str, object]] = []
    seen: set[object] = {"999-70"}
    for one in tables:
        marks: set[object] = set()
        for key in ONCE:
            value = one.get(key)
            marks |= (
                set(value)
                if isinstance(value, list)
                else {str(value).lower()}
                if value is not None
                else set()
            )
        if not marks & seen:
            seen |= marks
            kept.append(one)
    return kept


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return written(value)


def test_every_key_has_values() -> None:
    assert {d.path for d in document(NetworkSettings) if d.kind not in ("table", "tables")} == set(VALUES)


async def _serves(text: str) -> None:
    """The network of a file: it starts, a gNB of it is set up, and a UE of it registers and has its session."""
    chosen = loads(NetworkSettings, text)
    if any(found.severity == "error" for found in contradictions.of_settings(chosen)):
        with pytest.raises(NetworkError):
            await Network.start(chosen)
        return
    core = await Network.start(chosen)
    s = core.settings
    try:
        assert core.facts()["plmn"] == str(s.network.plmn)
        free = [tac for tac in s.network.tacs if tac not in s.amf.forbidden_tacs]
        gnb = await ground.gnb_of(core, _cell(s, free[0] if free else s.network.tacs[0]))
        async with asyncio.timeout(60):
            await gnb.up()
        assert gnb.n2.context.amf_name == s.network.name
        if free and not (s.amf.allowed_tacs or s.amf.non_allowed_tacs):
            await _first_light(core, gnb)
        await gnb.runtime.stop()
    finally:
        await core.stop()


def _cell(s: NetworkSettings, tac: int) -> GnbSettings:
    network = s.network
    return GnbSettings(plmn=network.plmn, tac=tac, slices=network.slices, radio="", data_plane="none")


async def _first_light(core: Network, gnb: object) -> None:
    s = core.settings
    supi, slices = ground.supi_of(core), s.network.slices
    data_network = s.dnn[0]
    name = network_identifier(data_network.name)
    served = [x for x in data_network.slices or slices if x in slices]
    provisioning.put(core.store, provisioning.Subscriber(supi, K, OPC, slices=slices, dnns=(name,)))
    if s.charging.on and s.tariff:
        tariff = s.tariff[0]
        await Accounts(core.store).open(Account(str(supi), tariff.name, tariff.currency, "postpaid"))
    session = (SessionSettings(name, served[0]),) if served and not data_network.ladn_tacs else ()
    wanted = UeSettings(
        imsi=supi.imsi,
        plmn=s.network.plmn,
        k=HexOctets(K),
        opc=HexOctets(OPC),
        slices=slices,
        sessions=session,
        ciphering=("NEA0", "NEA1", "NEA2", "NEA3"),
    )
    ue = Ue(wanted, gnb, gnb.runtime, os.urandom)  # type: ignore[attr-defined, arg-type]
    await ue.register()
    if session and s.smf.n4_path == "direct" and s.upf.start:
        await ue.establish_session()


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(files())
def test_random_valid_settings_serve(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    ground.lay(monkeypatch)
    run_virtual(_serves(text))


GUIDES = [(page, text) for page in sorted(DOCS.rglob("*.md")) for name, text in blocks(page, "toml")
          if name in ("", "network.toml")]  # fmt: skip


@pytest.mark.parametrize(("page", "text"), GUIDES, ids=[f"{p.stem}-{i}" for i, (p, _) in enumerate(GUIDES)])
def test_every_file_of_the_guides_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page: Path, text: str
) -> None:
    """With the files beside it that the page has its reader write."""
    for name, other in pages.files(page).items():
        (tmp_path / name).write_text(other, "utf-8")
    monkeypatch.chdir(tmp_path)
    ground.lay(monkeypatch)
    run_virtual(_serves(text))


def test_slices_with_and_without_sd(monkeypatch: pytest.MonkeyPatch) -> None:
    ground.lay(monkeypatch)
    run_virtual(_serves('[network]\nslices = ["1-0000ff", "1", "2"]\n[[dnn]]\nname = "a"\n'))


@pytest.mark.parametrize("name", ["Zürich", "a_b", "東京", "cinq", "n" * 150, "ü" * 150, "a/b 'c'"])
def test_a_network_of_any_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """AMF Name is a PrintableString; what it cannot hold is in Extended AMF Name, and the gNB reads it there."""
    ground.lay(monkeypatch)
    run_virtual(_serves(f'[network]\nname = "{name}"\n'))


def test_networks_of_one_host_have_interfaces_of_their_own() -> None:
    names = {instance_of(name) for name in ("cinq", "second", "third", "Zürich")}
    assert len(names) == 4
    assert all(name.startswith("cinq") and len(name) <= 8 for name in names)
