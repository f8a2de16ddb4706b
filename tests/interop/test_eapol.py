"""EAP-AKA' with a peer that nobody here wrote: eapol_test of wpa_supplicant.

It speaks RADIUS (RFC 2865, RFC 3579); a small server here hands its EAP packets to the AUSF and back. It asks for its
USIM over its control socket: RAND and AUTN out, CK, IK and RES, or AUTS, in. What is made of them in EAP is its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import shutil
import socket
from pathlib import Path

import pytest

from cinq.crypto import aka, kdf, milenage
from cinq.nf.ausf import AUSF
from cinq.nf.udm import UDM, Settings
from cinq.nf.udr import UDR, provisioning
from cinq.numbering import PlmnId, Supi
from cinq.procedure import RealClock
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, checked
from cinq.sbi.services.nausf_ueauthentication import AuthenticationInfo, EapSession, NausfUEAuthentication
from cinq.wire import eap

pytestmark = pytest.mark.kernel

K = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc")
OPC = bytes.fromhex("e8ed289deba952e4283b54e88e6183ca")
SUPI = Supi("999700000000001")
NETWORK = kdf.snn("999", "70")
SECRET = b"secret"
REQUEST, ACCEPT, REJECT, CHALLENGE = 1, 2, 3, 11
EAP_MESSAGE, MESSAGE_AUTHENTICATOR = 79, 80
SQN_HIGH = 0x100000
CONFIG = """
ctrl_interface={folder}
network={{
  key_mgmt=IEEE8021X
  eap=AKA'
  identity="{identity}"
}}
external_sim=1
"""
ASKED = re.compile(r"CTRL-REQ-SIM-(\d+):UMTS-AUTH:([0-9a-f]{32}):([0-9a-f]{32})")


class Server(asyncio.DatagramProtocol):
    """One subscriber's authentication after another. names: the EAP packets, in their order."""

    def __init__(self, ausf: NausfUEAuthentication) -> None:
        self.ausf = ausf
        self.names: list[str] = []
        self.kseaf: str | None = None
        self.challenge: eap.EapPacket | None = None
        self.context = ""
        self.transport: asyncio.DatagramTransport | None = None
        self.tasks: set[asyncio.Task[None]] = set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self.answer(data, addr))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def answer(self, request: bytes, peer: tuple[str, int]) -> None:
        said = b"".join(value for kind, value in attributes(request) if kind == EAP_MESSAGE)
        self.names.append(eap.decode(said).name)
        code, packet = await self.next(said)
        self.names.append(eap.decode(packet).name)
        assert self.transport is not None
        self.transport.sendto(radius(code, request, packet), peer)

    async def next(self, said: bytes) -> tuple[int, bytes]:
        if eap.decode(said).method == eap.IDENTITY:
            info = AuthenticationInfo(supi_or_suci=str(SUPI), serving_network_name=NETWORK)
            created = await self.ausf.authenticate(info)
            assert isinstance(created.body.auth_data_5g, bytes)
            self.context, self.challenge = created.id, eap.decode(created.body.auth_data_5g)
            return CHALLENGE, created.body.auth_data_5g
        answer = await self.ausf.eap_session(self.context, EapSession(eap_payload=said))
        packet = answer.eap_payload or b""
        if answer.auth_result == "AUTHENTICATION_ONGOING":
            if eap.decode(packet).subtype == eap.CHALLENGE:
                self.challenge = eap.decode(packet)
            return CHALLENGE, packet
        self.kseaf = answer.kseaf
        return (ACCEPT if answer.auth_result == "AUTHENTICATION_SUCCESS" else REJECT), packet


def attributes(packet: bytes) -> list[tuple[int, bytes]]:
    found, place = [], 20
    while place < len(packet):
        size = packet[place + 1]
        found.append((packet[place], packet[place + 2 : place + size]))
        place += size
    return found


def radius(code: int, request: bytes, packet: bytes) -> bytes:
    """RFC 2865 §3 and RFC 3579 §3.2."""
    parts = [packet[i : i + 253] for i in range(0, len(packet), 253)]
    body = b"".join(bytes((EAP_MESSAGE, len(part) + 2)) + part for part in parts)
    head = bytes((code, request[1])) + (20 + len(body) + 18).to_bytes(2, "big")
    mark = bytes((MESSAGE_AUTHENTICATOR, 18))
    proof = hmac.digest(SECRET, head + request[4:20] + body + mark + bytes(16), "md5")
    body += mark + proof
    return head + hashlib.md5(head + request[4:20] + body + SECRET).digest() + body


class Card(asyncio.DatagramProtocol):
    """The USIM of the peer, at its control socket. sqn: the highest it has taken."""

    def __init__(self, k: bytes, sqn: int) -> None:
        self.k, self.sqn = k, sqn
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: object) -> None:
        asked = ASKED.search(data.decode("utf-8", "replace"))
        if asked and self.transport is not None:
            answer = self.usim(bytes.fromhex(asked[2]), bytes.fromhex(asked[3]))
            self.transport.sendto(f"CTRL-RSP-SIM-{asked[1]}:{answer}".encode())

    def usim(self, rand: bytes, autn: bytes) -> str:
        try:
            found = aka.verify_autn(milenage, self.k, OPC, rand, autn)
        except aka.MacFailure:
            return "UMTS-FAIL"
        if found.sqn <= self.sqn:
            return f"UMTS-AUTS:{aka.auts(milenage, self.k, OPC, rand, self.sqn).hex()}"
        self.sqn = found.sqn
        return f"UMTS-AUTH:{found.ik.hex()}:{found.ck.hex()}:{found.res.hex()}"


async def inserted(card: Card, folder: Path) -> None:
    """Connects the card to the peer's control socket, once that is there."""
    control = folder / "control" / "test"
    for _ in range(200):
        if control.exists():
            break
        await asyncio.sleep(0.01)
    both = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    both.setblocking(False)
    both.bind(str(folder / "card"))
    both.connect(str(control))
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: card, sock=both)
    card.transport = transport
    transport.sendto(b"ATTACH")


def core() -> NausfUEAuthentication:
    store, bus = MemoryStore(), Bus(checked)
    counter = iter(range(1, 1000))

    def entropy(n: int) -> bytes:
        return next(counter).to_bytes(n, "big")

    for nf in (
        UDR(store, "udr"),
        UDM(Settings(PlmnId("999", "70")), bus, entropy, "udm"),
        AUSF(bus, RealClock(), entropy, "ausf"),
    ):
        for service, implementation in nf.services():
            bus.serve(service, implementation, nf.instance_id)
    provisioning.put(store, provisioning.Subscriber(SUPI, K, OPC, auth_method="EAP_AKA_PRIME"))
    return bus.client(NausfUEAuthentication, "AMF")


async def play(folder: Path, card: Card) -> tuple[Server, int, str]:
    """What the server saw, the peer's exit code, and what it said."""
    program = shutil.which("eapol_test")
    if program is None:
        pytest.skip("eapol_test is not installed: apt-get install eapoltest")
    server = Server(core())
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", 0))
    server.transport = transport
    port = transport.get_extra_info("sockname")[1]
    file = folder / "peer.conf"
    file.write_text(CONFIG.format(identity=SUPI.imsi, folder=folder / "control"))
    peer = await asyncio.create_subprocess_exec(
        program,
        *("-n", "-W", "-t", "10", "-c", str(file), "-a", "127.0.0.1", "-p", str(port), "-s", SECRET.decode()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    await inserted(card, folder)
    said, _ = await peer.communicate()
    transport.close()
    if card.transport is not None:
        card.transport.close()
    assert peer.returncode is not None
    return server, peer.returncode, said.decode("utf-8", "replace")


def test_a_foreign_usim_is_authenticated_and_has_our_keys(tmp_path: Path) -> None:
    server, code, said = asyncio.run(play(tmp_path, Card(K, 0)))
    assert (code, server.names) == (
        0,
        ["EAP identity", "EAP-AKA' challenge", "EAP-AKA' challenge", "EAP success"],
    ), said[-3000:]
    found = re.search(r"EMSK - hexdump\(len=64\): ([0-9a-f ]{191})", said)
    assert found is not None, said[-3000:]
    kausf = bytes.fromhex(found[1])[:32]
    assert server.kseaf == kdf.kseaf(kausf, NETWORK).hex()


def test_a_foreign_usim_ahead_of_us_is_resynchronised(tmp_path: Path) -> None:
    server, code, said = asyncio.run(play(tmp_path, Card(K, SQN_HIGH)))
    assert (code, server.names) == (
        0,
        [
            "EAP identity",
            "EAP-AKA' challenge",
            "EAP-AKA' synchronization failure",
            "EAP-AKA' challenge",
            "EAP-AKA' challenge",
            "EAP success",
        ],
    ), said[-3000:]
    assert server.challenge is not None
    assert server.challenge.rand is not None
    assert server.challenge.autn is not None
    challenge = aka.verify_autn(milenage, K, OPC, server.challenge.rand, server.challenge.autn)
    assert challenge.sqn > SQN_HIGH


def test_a_foreign_usim_with_another_key(tmp_path: Path) -> None:
    server, code, said = asyncio.run(play(tmp_path, Card(bytes(16), 0)))
    assert code != 0
    assert server.names[:2] == ["EAP identity", "EAP-AKA' challenge"], said[-3000:]
    assert server.names[2:] == ["EAP-AKA' authentication reject", "EAP failure"], said[-3000:]
    assert server.kseaf is None


def test_octets_of_radius_are_read() -> None:
    request = bytes((REQUEST, 7, 0, 24)) + bytes(16) + b"\x4f\x04ab"
    assert attributes(request) == [(EAP_MESSAGE, b"ab")]
    answer = radius(CHALLENGE, request, b"x" * 300)
    assert b"".join(v for kind, v in attributes(answer) if kind == EAP_MESSAGE) == b"x" * 300
