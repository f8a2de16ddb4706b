"""Settings, host and subscribers that do not fit each other are named, with both values and the mend."""

from __future__ import annotations

import os
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Network
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinq import cli, doctor
from cinq.cli.output import Failure
from cinq.contradictions import Subscribers, of_host, of_new_subscribers, of_settings, of_subscriber
from cinq.nf.udr import provisioning
from cinq.nf.udr.provisioning import Subscriber
from cinq.numbering import SNssai, Supi
from cinq.procedure.store import MemoryStore
from cinq.settings import loads
from cinq.settings.network import NetworkSettings
from cinq.transport import netns
from cinq.transport.error import TransportError
from cinq.transport.netlink import Netlink

K, OPC = bytes(16), bytes(range(16))
SUPI = Supi("999700000000001")
STRANGE = Supi("001010000000001")

AWAY = '[smf]\nn4_address = "10.0.0.9"\n'
SETTINGS = {
    '[smf]\nn4_address = "127.0.0.7"': "error: smf.n4_port and upf.n4_port are both UDP port 8805 of 127.0.0.7",
    "[upf]\nn4_port = 2152": "error: upf.n4_port and GTP-U of upf.n3_address are both UDP port 2152",
    '[[dnn]]\nslices = ["2"]': "error: DNN internet is offered in slice 2; the network serves 1",
    '[network]\nslices = ["1", "2"]\n[[dnn]]\nslices = ["2", "3"]': "warning: DNN internet is offered in slice 3",
    '[network]\nslices = ["1", "2-00000a"]\n[[dnn]]\nslices = ["1"]': "warning: no DNN is offered in slice 2-00000a",
    "[amf]\nforbidden_tacs = [1]": "error: every tracking area is in amf.forbidden_tacs",
    "[amf]\nallowed_tacs = [2]": "error: amf.allowed_tacs has no tracking area of this network",
    "[[dnn]]\nladn_tacs = [1, 9]": "warning: ladn_tacs of DNN internet names 9, which [network] tacs has not",
    '[amf]\nn2_address = "10.45.0.1"': "error: amf.n2_address 10.45.0.1 is in the pool 10.45.0.0/16",
    '[upf]\nn3_ipv6_address = "2001:db8:45::1"\n[[dnn]]\nipv6_pool = ["2001:db8:45::/48"]': "error: "
    "upf.n3_ipv6_address 2001:db8:45::1 is in the pool 2001:db8:45::/48 of DNN internet",
    '[[dnn]]\ndns = ["10.45.0.1"]': "warning: the server 10.45.0.1 of DNN internet is an address of a UE pool",
    '[upf]\nprotect = ["1.0.0.0/8"]': "warning: the server 1.1.1.1 of DNN internet is behind upf.protect",
    "[amf]\nims_voice = true": "warning: amf.ims_voice tells UEs of an IMS; no [[dnn]] has a p_cscf",
    '[[dnn]]\np_cscf = ["192.0.2.1"]': "warning: DNN internet has a p_cscf; UEs are told that there is no IMS",
    "[upf]\nn3_mtu = 1400": "warning: mtu 1400 of DNN internet does not fit upf.n3_mtu: UEs are told 1356",
    f'{AWAY}[[user_plane]]\nn4_address = "10.0.0.1"\nlinked_to = ["10.0.0.2"]\ntacs = [1]': "error: "
    "user_plane 10.0.0.1 is linked_to 10.0.0.2, which is no UPF of this core",
    f'{AWAY}[upf]\nstart = false\n[[user_plane]]\nn4_address = "10.0.0.1"\nanchors = false\n'
    'linked_to = ["10.0.0.2"]\ntacs = [1]': "error: no UPF anchors sessions",
    '[[policy]]\nname = "r"\nfilters = ["permit out 17 from any to assigned"]\ndnai = "far"': "warning: policy r has "
    "packets leave at far, which no user_plane has in its dnais",
    f'[[home_network_key]]\nid = 1\nprofile = "B"\nprivate_key = "{"0" * 64}"': "error: home_network_key 1: no private",
}


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_that_contradict_themselves(text: str) -> None:
    said = [f"{found.severity}: {found}" for found in of_settings(loads(NetworkSettings, text))]
    assert len(said) <= 2
    assert [each for each in said if each.startswith(SETTINGS[text])], said


def test_the_defaults_contradict_nothing() -> None:
    assert list(of_settings(NetworkSettings())) == []
    assert list(of_subscriber(NetworkSettings(), Subscriber(SUPI, K, OPC))) == []


SUBSCRIBERS = {
    Subscriber(STRANGE, K, OPC): "error: the IMSI begins with no PLMN of this network (999-70)",
    Subscriber(SUPI, K, OPC, slices=(SNssai(2),)): "error: subscribed to slice 2; this network serves 1",
    Subscriber(SUPI, K, OPC, slices=(SNssai(1), SNssai(2))): "warning: subscribed to slice 2",
    Subscriber(SUPI, K, OPC, dnns=("ims",)): "error: subscribed to DNN ims; this network has internet",
    Subscriber(
        SUPI, K, OPC, dnns=("internet", "ims")
    ): "warning: subscribed to DNN ims; this network has internet",
    Subscriber(
        SUPI, K, OPC, static_ip=IPv4Address("10.46.0.9")
    ): "error: static address 10.46.0.9 is in no pool",
    Subscriber(
        SUPI, K, OPC, static_prefix=IPv6Network("2001:db8:45:7::/64")
    ): "error: static prefix 2001:db8:45:7::/64 is in no IPv6 pool of its DNNs (none)",
    Subscriber(
        SUPI, K, OPC, static_ip=IPv4Address("10.45.0.0")
    ): "error: static address 10.45.0.0 of pool 10.45.0.0/16 is",
    Subscriber(
        SUPI, K, OPC, static_ip=IPv4Address("10.45.0.1")
    ): "error: static address 10.45.0.1 of pool 10.45.0.0/16 is the gateway's",
    Subscriber(
        SUPI, K, OPC, static_ip=IPv4Address("10.45.255.255")
    ): "error: static address 10.45.255.255 of pool",
}


@pytest.mark.parametrize("subscriber", SUBSCRIBERS, ids=range(len(SUBSCRIBERS)))
def test_subscribers_that_do_not_fit(subscriber: Subscriber) -> None:
    said = [f"{found.severity}: {found}" for found in of_subscriber(NetworkSettings(), subscriber)]
    assert len(said) == 1
    assert said[0].startswith(SUBSCRIBERS[subscriber])


def test_a_subscriber_of_a_shared_plmn_fits() -> None:
    shared = loads(NetworkSettings, '[[network.shared]]\nplmn = "001-01"')
    assert list(of_subscriber(shared, Subscriber(STRANGE, K, OPC))) == []


def test_many_are_said_once() -> None:
    looked_at = Subscribers(NetworkSettings())
    for number in range(5):
        looked_at.add(Subscriber(Supi(f"99970000000000{number}"), K, OPC, dnns=("ims",)))
    said = [str(found) for found in looked_at.found()]
    assert len(said) == 1
    assert said[0].startswith(
        "imsi-999700000000000, imsi-999700000000001, imsi-999700000000002 and 2 more: subscribed"
    )


def test_one_static_address_for_two() -> None:
    store, address = MemoryStore(), IPv4Address("10.45.0.9")
    provisioning.put(store, Subscriber(SUPI, K, OPC, static_ip=address))
    again = Subscriber(SUPI, K, OPC, static_ip=address)
    other = Subscriber(Supi("999700000000002"), K, OPC, static_ip=address)
    assert list(of_new_subscribers(NetworkSettings(), store, [again])) == []
    (found,) = of_new_subscribers(NetworkSettings(), store, [other])
    assert found.what == "imsi-999700000000001, imsi-999700000000002 have one static address, 10.45.0.9"


# -- the host


@pytest.fixture
def host() -> Iterator[Netlink]:
    """A host with N6 10.6.0.0/24 on eth1 and a wide route elsewhere."""
    name = f"cinq-test-{os.getpid()}-host"
    try:
        netns.create(name)
    except TransportError as error:
        pytest.skip(f"no network namespaces: {error}")
    try:
        with netns.inside(name), Netlink() as links:
            links.set_up("lo")
            for device, prefix in (("eth1", "10.6.0.1/24"), ("vpn", "192.0.2.1/24")):
                links.create_veth(device, f"{device}-far")
                links.add_address(device, prefix)
                links.set_up(f"{device}-far")
                links.set_up(device)
            links.add_route("10.0.0.0/8", via="192.0.2.9")
            yield links
    finally:
        netns.delete(name)


HOST = {
    '[upf]\nn6_interface = "eth7"': "error: upf.n6_interface eth7 is not there; this host has lo, ",
    '[[dnn]]\nn6_interface = "eth8"': "error: n6_interface eth8 of DNN internet is not there; this host has lo, ",
    "": "warning: this host has no default route and upf.n6_interface is empty",
    '[[dnn]]\npool = "10.6.0.0/24"': "error: pool 10.6.0.0/24 of DNN internet overlaps 10.6.0.0/24",
    '[[dnn]]\npool = "10.6.0.0/16"': "error: pool 10.6.0.0/16 of DNN internet overlaps 10.6.0.0/24",
    '[upf]\nn6_interface = "eth1"': "warning: pool 10.45.0.0/16 of DNN internet overlaps 10.0.0.0/8",
    '[upf]\nn6_interface = "vpn"': "error: pool 10.45.0.0/16 of DNN internet overlaps 10.0.0.0/8",
    '[amf]\nn2_address = "10.6.0.7"': "error: amf.n2_address 10.6.0.7 is no address of this host",
    '[upf]\nn3_ipv6_address = "2001:db8::1"': "error: upf.n3_ipv6_address 2001:db8::1 is no address of this host",
    '[upf]\nn3_address = "10.6.0.1"': "warning: of amf.n2_address 127.0.0.5 and upf.n3_address 10.6.0.1 one is for",
}


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize("text", HOST)
def test_settings_that_contradict_the_host(host: Netlink, text: str) -> None:
    said = [f"{found.severity}: {found}" for found in of_host(loads(NetworkSettings, text))]
    assert [each for each in said if each.startswith(HOST[text])], said


@pytest.mark.root
@pytest.mark.kernel
def test_what_fits_is_not_spoken_of(host: Netlink) -> None:
    host.add_route("default", via="10.6.0.9")
    host.create_veth("cinq-u", "cinq-v")
    host.set_up("cinq-u")
    host.add_address("cinq-u", "172.16.0.1/16")  # of a network that was killed
    assert list(of_host(loads(NetworkSettings, '[[dnn]]\npool = "172.16.0.0/16"'))) == []


# -- the commands


def run(*words: str) -> tuple[str, str]:
    result = CliRunner().invoke(cli.build(), list(words))
    if isinstance(result.exception, Failure):
        return result.exception.what, result.exception.mend
    return result.output, ""


def test_the_commands_say_it(tmp_path: Path) -> None:
    config = tmp_path / "network.toml"
    config.write_text(f'[state]\nfolder = "{tmp_path}"\nrun = "{tmp_path}"\n')
    keys = ("--k", K.hex(), "--opc", OPC.hex(), "--config", str(config))
    what, mend = run("subscriber", "add", STRANGE.imsi, *keys)
    assert what.startswith("imsi-001010000000001: the IMSI begins with no PLMN of this network (999-70)")
    assert mend.endswith("or --force")
    assert "as forced" in run("subscriber", "add", STRANGE.imsi, *keys, "--force")[0]
    assert run("subscriber", "add", SUPI.imsi, *keys, "--dnn", "internet", "--dnn", "ims")[0].startswith(
        "warning: "
    )
    what, _ = run("subscriber", "set", SUPI.imsi, "--static-ip", "10.45.0.1", "--config", str(config))
    assert what.startswith(
        "imsi-999700000000001: static address 10.45.0.1 of pool 10.45.0.0/16 is the gateway's"
    )
    sims = tmp_path / "sims.csv"
    sims.write_text(f"imsi,ki,opc,static_ip\n999700000000002,{K.hex()},{OPC.hex()},10.45.0.9\n"
                    f"999700000000003,{K.hex()},{OPC.hex()},10.45.0.9\n")  # fmt: skip
    what, _ = run("subscriber", "import", str(sims), "--config", str(config))
    assert what == "imsi-999700000000002, imsi-999700000000003 have one static address, 10.45.0.9"
    said = [
        f.found
        for f in doctor.examine(loads(NetworkSettings, config.read_text()))
        if f.looked_for == "subscribers"
    ]
    assert [each.partition(":")[0] for each in said] == [str(STRANGE), str(SUPI)]
