"""Settings: defaults, what a file may say, and every fault with file, line, key, found and wanted."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from cinq.numbering import PlmnId, SNssai
from cinq.settings import SettingsError, document, load, loads
from cinq.settings.network import NetworkSettings

FAULTS = {
    '[amf]\nn2_adress = "1.2.3.4"': "f:2: amf.n2_adress: unknown key; did you mean 'n2_address'?",
    '[amf]\nn2_address = "1.2.3.444"': "f:2: amf.n2_address: found '1.2.3.444', wanted an IPv4 address",
    "[amf]\nset = 5000": "f:2: amf.set: found 5000, wanted 0 to 1023",
    "[amf]\nn2_max_associations = 0": "f:2: amf.n2_max_associations: found 0, wanted 1 to 65535",
    '[amf]\nn2_port = "38412"': "f:2: amf.n2_port: found '38412', wanted a whole number",
    "[amf]\nn2_port = true": "f:2: amf.n2_port: found true, wanted a whole number",
    '[amf]\nintegrity = ["NIA9"]': "f:2: amf.integrity[0]: found 'NIA9', wanted 'NIA1', 'NIA2' or 'NIA3'",
    "[network]\nplmn = 99970": "f:2: network.plmn: found 99970, wanted a PLMN such as '999-70'",
    '[network]\nplmn = "9997"': "f:2: network.plmn: PLMN: found '9997', wanted 5 to 6 decimal digits",
    '[network]\ntacs = [1, "x"]': "f:2: network.tacs[1]: found 'x', wanted a whole number",
    "[network]\ntacs = []": "f:2: network.tacs: found none, wanted at least one",
    "[network]\ntacs = [0]": "f:2: network.tacs: found 0, wanted codes of 1 to 16777215 but 16777214",
    '[upf]\nn3_address = "239.1.2.3"': "f:2: upf.n3_address: found 239.1.2.3, wanted the address of one host",
    '[upf]\nn3_address = "fe80::1"': "f:2: upf.n3_address: found fe80::1, wanted the address of one host",
    '[upf]\nn3_address = "2001:db8::g"': "f:2: upf.n3_address: found '2001:db8::g', wanted an IPv4 or IPv6 address",
    '[upf]\nn3_ipv6_address = "::ffff:10.0.0.1"': "f:2: upf.n3_ipv6_address: found ::ffff:a00:1, wanted the address of",
    '[upf]\nn3_address = "2001:db8::1"\nn3_ipv6_address = "2001:db8::2"': "f:3: upf.n3_ipv6_address: found "
    "2001:db8::2 beside 2001:db8::1, wanted it beside an n3_address of IPv4",
    '[network]\nslices = ["1", "1"]': "f:2: network.slices: found 1 twice, wanted each once",
    '[network]\ntime_zone = "Mars"': "f:2: network.time_zone: found 'Mars', wanted a time zone that this host knows",
    '[[network.shared]]\nplmn = "999-70"': "network.shared: found 999-70 twice, wanted each once",
    "[amf]\nallowed_tacs = [1]\nnon_allowed_tacs = [2]": "f:3: amf.non_allowed_tacs: wanted nothing where",
    "[nrf]\nheart_beat_timer_s = 0": "f:2: nrf.heart_beat_timer_s: found 0, wanted 1 to 3600",
    '[[dnn]]\nname = "Ims"\n[[dnn]]\nname = "ims"\npool = "10.1.0.0/16"': "f: dnn: found ims twice, wanted each once",
    "amf = 3": "f:1: amf: found 3, wanted a table",
    "[amff]": "f:1: amff: unknown key; did you mean 'amf'?",
    '[[dnn]]\n[[dnn]]\nname = "b"\npool = "10.1.0.1/16"': "f:4: dnn[1].pool: found '10.1.0.1/16', wanted an IPv4",
    '[[dnn]]\nname = "a"\n[[dnn]]\nname = "b"': "dnn: found pool 10.45.0.0/16 of a and 10.45.0.0/16 of b, which",
    '[[dnn]]\nname = "a_b"': "f:2: dnn[0].name: DNN: found 'a_b', wanted dotted labels",
    '[[dnn]]\nsession_ambr_uplink = "12"': "f:2: dnn[0].session_ambr_uplink: found '12', wanted a bit rate",
    '[[dnn]]\nn6_gateway = "10.9.0.1"': "f:1: dnn[0].n6_interface: found nothing, wanted the interface of its gateway",
    '[[dnn]]\nethernet_interface = "a/b"': "f:2: dnn[0].ethernet_interface: found 'a/b', wanted at most 15 letters",
    '[[dnn]]\nethernet_interface = "l"\n[[dnn]]\nname = "b"\npool = "10.1.0.0/16"\nethernet_interface = "l"': "f: dnn: "
    "found l twice, wanted each once",
    "[[home_network_key]]\nid = 1": "f:1: home_network_key[0]: 'private_key' is missing",
    '[[home_network_key]]\nid = 1\nprivate_key = "12zz"': "f:3: home_network_key[0].private_key: found 4 characters",
    '[[home_network_key]]\nid = 1\nprivate_key = "1234"': "private_key: found 2 octets, wanted 32",
    '[[policy]]\nname = "r"\nfive_qi = 5\nfilters = ["permit out ip from any to assigned"]': "f:4: policy[0].filters: "
    "found 'permit out ip from any to assigned', wanted one that says more",
    '[[policy]]\nname = "r"\nfilters = ["permit out 17 from any to assigned"]\ndnai = "a b"': "f:4: policy[0].dnai: "
    "found 'a b', wanted 1 to 40 letters",
    '[[user_plane]]\nn4_address = "10.0.0.1"\nlinked_to = ["10.0.0.1"]\ntacs = [1]': "f:3: user_plane[0].linked_to: "
    "found 10.0.0.1, wanted another UPF than itself",
    '[[user_plane]]\nn4_address = "10.0.0.1"\nlinked_to = ["127.0.0.7"]': "user_plane[0].tacs: found none, wanted",
    '[[user_plane]]\nn4_address = "10.0.0.1"\ndnais = ["edge"]': "user_plane[0].linked_to: found none, wanted the UPF",
    '[[user_plane]]\nn4_address = "10.0.0.1"\nanchors = false': "user_plane[0].linked_to: found none, wanted the UPF",
    '[upf]\nn9_interface = "a/b"': "f:2: upf.n9_interface: found 'a/b', wanted at most 15 letters",
    "x = ": "not TOML",
}


@pytest.mark.parametrize("text", FAULTS)
def test_faults_say_where_and_what(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loads(NetworkSettings, text, "f")
    assert FAULTS[text] in str(caught.value)


def test_an_empty_file_is_a_complete_network() -> None:
    assert loads(NetworkSettings, "") == NetworkSettings()


def test_what_a_file_says_is_taken() -> None:
    text = """
        [network]
        plmn = "001-01"
        slices = ["1-0000ff", 2]
        [amf]
        n2_address = "10.0.0.1"
        [[dnn]]
        name = "ims"
        session_ambr_uplink = "1.5 Mbps"
    """
    found = loads(NetworkSettings, text)
    assert found.network.plmn == PlmnId("001", "01")
    assert found.network.slices == (SNssai(1, 0xFF), SNssai(2))
    assert found.amf.n2_address == IPv4Address("10.0.0.1")
    assert (found.dnn[0].name, found.dnn[0].session_ambr_uplink) == ("ims", 1_500_000)


def test_the_control_socket_is_a_file_whatever_the_network_is_called() -> None:
    for name in ("a/b", "Zürich", "..", "n" * 150, "ü" * 150):
        control = loads(NetworkSettings, f'[network]\nname = "{name}"\n[state]\nrun = "/run/x"').control
        assert control.parent == Path("/run/x")
        assert len(control.name) <= 65
    with pytest.raises(SettingsError, match="too long a path"):
        loads(NetworkSettings, f'[state]\nrun = "/{"r" * 120}"')


def test_a_shared_core_and_an_operator_identifier() -> None:
    text = '[[network.shared]]\nplmn = "001-01"\n[[dnn]]\nname = "Internet.mnc070.mcc999.gprs"'
    found = loads(NetworkSettings, text)
    assert found.plmns == (PlmnId("999", "70"), PlmnId("001", "01"))
    assert found.dnn[0].identifier == "internet"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load(NetworkSettings, tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8 at octet 0"):
        load(NetworkSettings, tmp_path / "binary.toml")


def test_every_key_is_documented() -> None:
    keys = list(document(NetworkSettings))
    assert len(keys) > 40
    assert [k.path for k in keys if not k.doc] == []
