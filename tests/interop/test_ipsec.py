"""[ipsec] required: a phone calls through strongSwan's IPsec; what is in clear is dropped and counted, both ways.

The kernel's own ESP is used where it has it, and that of the daemon else.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from cinq.transport import netns
from cinq.wire import gtpu
from tests.interop.place import CINQ, CORE, CORE_N6, DN, RADIO, Place, Running, ip
from tests.interop.strongswan import TUN, Authority, Daemon, missing
from tests.interop.ueransim import IMSI, OPC, K

pytestmark = [pytest.mark.root, pytest.mark.kernel]
ETH_P_IP, SO_RCVBUFFORCE = 0x0800, 33
UDP, ESP = 17, 50
IKE, IKE_NAT = 500, 4500  # IKE and ESP in UDP, RFC 3948
INNER_CORE, INNER_RADIO = "10.96.0.1", "10.96.0.2"


@pytest.fixture(scope="module")
def guarded(place: Place) -> Iterator[Place]:
    """The place with a tunnel between its core and its radio side, and a core that wants it for N2 and N3."""
    if reason := missing():
        pytest.skip(reason)
    authority = Authority(place.folder / "authority")
    core = Daemon(place, "core", authority, (CORE, RADIO), (INNER_CORE, INNER_RADIO))
    radio = Daemon(place, "radio", authority, (RADIO, CORE), (INNER_RADIO, INNER_CORE))
    for one in (core, radio):
        one.start()
    radio.wait_for_child()
    if core.kernel:  # its policies have no interface: the way is that of the link
        ip("-n", place.ns("core"), "route", "add", INNER_RADIO, "via", RADIO, "src", INNER_CORE)
        ip("-n", place.ns("radio"), "route", "add", INNER_CORE, "via", CORE, "src", INNER_RADIO)
    ip("-n", place.ns("dn"), "route", "add", INNER_CORE, "via", CORE_N6)
    running = start_core(place, "" if core.kernel else TUN)
    yield place
    assert running.end() == 0
    assert "_clear" not in place.host("core"), "the table went with the core"


def start_core(place: Place, interface: str) -> Running:
    toml = place.folder / "core.toml"
    toml.write_text(f"""[network]
name = "guarded"
[amf]
n2_address = "{INNER_CORE}"
[upf]
n3_address = "{INNER_CORE}"
[ipsec]
required = ["n2", "n3"]
interfaces = [{f'"{interface}"' if interface else ""}]
[state]
folder = "{place.folder}/state"
run = "{place.folder}/run"
""")
    added = (*CINQ, "subscriber", "add", str(IMSI), "--k", K, "--opc", OPC, "--config", str(toml))
    subprocess.run(added, capture_output=True, text=True, check=True)
    running = place.start("core", *CINQ, "up", "--config", str(toml))
    running.wait("ready in", within=40)
    return running


def counted(place: Place, chain: str, words: str) -> int:
    """Packets that the rule of these words has dropped."""
    shown = place.run("core", "nft", "list", "ruleset").stdout
    part = re.search(rf"_clear {{.*?chain {chain} {{(.*?)}}", shown, re.DOTALL)
    assert part, shown
    (rule,) = [line for line in part[1].splitlines() if words in line]
    return int(re.search(r"counter packets (\d+)", rule)[1])  # type: ignore[index]


def echoed(place: Place, ns: str, source: str) -> bool:
    """Whether the UPF answers a GTP-U Echo Request from there."""
    with netns.inside(place.ns(ns)):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with one:
        one.bind((source, 0))
        one.settimeout(1.0)
        for sequence in range(3):
            one.sendto(gtpu.encode(gtpu.EchoRequest(sequence=sequence)), (INNER_CORE, gtpu.PORT))
            try:
                one.recv(2048)
            except TimeoutError:
                continue
            return True
        return False


def waiting(wire: socket.socket) -> Iterator[bytes]:
    """The IP packets that a socket has in its queue."""
    wire.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            yield wire.recv(4096)


def ends_of(packet: bytes) -> tuple[str, str]:
    return str(IPv4Address(packet[12:16])), str(IPv4Address(packet[16:20]))


def ports_of(packet: bytes) -> set[int]:
    return set(struct.unpack_from("!HH", packet, (packet[0] & 15) * 4))


def eventually(true: Callable[[], bool], within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    return true()


def test_a_phone_is_served_and_the_wire_shows_ipsec_alone(guarded: Place) -> None:
    place = guarded
    with netns.inside(place.ns("radio")):
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    wire.bind(("n2", ETH_P_IP))
    gnb, ue = place.folder / "gnb.toml", place.folder / "ue.toml"
    gnb.write_text(
        f'amf_address = "{INNER_CORE}"\nn2_address = "{INNER_RADIO}"\nn3_address = "{INNER_RADIO}"\n'
        f'radio = "{place.folder}/radio"\ndata_plane = "tun"\n'
    )
    ue.write_text(f'radio = "{place.folder}/radio"\ncount = 1\n')
    place.start("radio", *CINQ, "gnb", "--config", str(gnb)).wait("NG Setup done", within=30)
    ues = place.start("radio", *CINQ, "ue", "--config", str(ue))
    ues.wait("1 of 1 UEs are up", within=30)
    address = re.findall(r"registered +(10\.45\.\d+\.\d+) ", ues.text)[0]
    pinged = place.run("radio", "ping", "-c", "3", "-i", "0.2", "-I", address, DN)
    assert " 0% packet loss" in pinged.stdout, pinged.stdout
    with wire:
        packets = list(waiting(wire))
    assert len(packets) > 10
    assert {(packet[9], *ends_of(packet)) for packet in packets} <= {
        (protocol, *ends) for protocol in (UDP, ESP) for ends in ((CORE, RADIO), (RADIO, CORE))
    }
    assert not [
        packet for packet in packets if packet[9] == UDP and ports_of(packet) not in ({IKE}, {IKE_NAT})
    ]
    assert not [packet for packet in packets if IPv4Address(address).packed in packet]
    assert counted(place, "input", "udp dport 2152") == 0
    assert ues.end() == 0


def test_what_is_in_clear_is_dropped(guarded: Place) -> None:
    """From the data network, by another way than the tunnel; the same from behind the tunnel is answered."""
    place = guarded
    assert echoed(place, "radio", INNER_RADIO)
    before = counted(place, "input", "udp dport 2152")
    assert not echoed(place, "dn", DN)
    assert counted(place, "input", "udp dport 2152") == before + 3
    assert echoed(place, "radio", INNER_RADIO)


def test_a_gnb_in_clear_has_no_association(tmp_path: Path, guarded: Place) -> None:
    place = guarded
    toml = tmp_path / "gnb.toml"
    toml.write_text(
        f'amf_address = "{INNER_CORE}"\nn2_address = "{DN}"\nn3_address = "{DN}"\n'
        f'radio = "{tmp_path}/radio"\ndata_plane = "tun"\n'
    )
    gnb = place.start("dn", *CINQ, "gnb", "--config", str(toml))
    assert eventually(lambda: counted(place, "input", "sctp dport 38412") > 0, within=40), gnb.text
    assert "NG Setup done" not in gnb.text
    gnb.end()


def test_nothing_leaves_in_clear(guarded: Place) -> None:
    """What the core would send by a way without IPsec stays: here the source is that of N3."""
    place = guarded
    with netns.inside(place.ns("core")):
        one = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    with one:
        one.bind((INNER_CORE, 0))
        with pytest.raises(PermissionError):  # as netfilter tells a sender
            one.sendto(gtpu.PORT.to_bytes(2, "big") * 2 + b"\0\x08\0\0", (DN, 0))
    assert counted(place, "output", "udp sport 2152") == 1


def test_ebpf_is_not_taken(tmp_path: Path, guarded: Place) -> None:
    """It would pass policies of IPsec by: asked for, it is an error that says what mends it."""
    toml = tmp_path / "c.toml"
    toml.write_text(f"""[network]
name = "other"
[amf]
n2_address = "{CORE}"
[smf]
n4_address = "127.0.0.16"
[upf]
n3_address = "{CORE}"
n4_address = "127.0.0.17"
data_plane = "ebpf"
[ipsec]
required = ["n3"]
[[dnn]]
pool = "10.55.0.0/16"
[state]
folder = "{tmp_path}"
run = "{tmp_path}"
""")
    done = guarded.run("core", *CINQ, "up", "--config", str(toml))
    assert done.returncode == 1
    assert "IPsec is required on N3" in done.stderr
    assert 'upf.data_plane = "tun"' in done.stderr
    assert "Traceback" not in done.stderr
