"""The SBI in a capture: of a foreign core, in TLS, from the middle, over gaps, and broken on purpose."""

from __future__ import annotations

import io
import json
import random
import shutil
import ssl
import struct
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest
from hpack import Encoder
from hypothesis import given
from hypothesis import strategies as st

from cinq.trace import Capture, Keys, TracedMessage, read_capture
from cinq.trace.http.exchange import Reader
from cinq.trace.http.hpack import UNKNOWN, Decoder, HpackError
from cinq.trace.http.tcp import Direction, Segment
from cinq.transport import frames, pcap
from tests.transport.certificates import certificate

PREFIX = "open5gs-ueransim"
SUPI = "imsi-999700000000001"
CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 7777)
BODY = json.dumps({"supi": SUPI, "kseaf": "00" * 32, "authResult": "AUTHENTICATION_SUCCESS"}).encode()


def sbi(path: Path, keys: Keys | None = None) -> tuple[Capture, list[TracedMessage]]:
    capture = read_capture(path, keys or Keys())
    return capture, [message for message in capture if message.interface == "sbi"]


def headers(message: TracedMessage) -> dict[str, str]:
    decoded = message.decoded
    assert decoded is not None
    found = decoded["headers"]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def whole_run(golden: Path, tmp_path: Path) -> Path:
    """N2, N4 and the SBI of one run of a foreign core, in the order of time."""
    packets = []
    for name in ("suci-a-nea2-n2n3", "suci-a-nea2-sbi-pfcp"):
        with (golden / f"{PREFIX}-{name}.pcap").open("rb") as file:
            packets += list(pcap.Reader(file))
    path = tmp_path / "run.pcapng"
    with path.open("wb") as file:
        writer = pcap.Writer(file)
        kinds = {kind: writer.interface(kind) for kind in sorted({p.linktype for p in packets})}
        for packet in sorted(packets, key=lambda one: one.time_ns):
            writer.packet(packet.time_ns, packet.octets, kinds[packet.linktype])
    return path


@pytest.mark.kernel
@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
@pytest.mark.parametrize("name", ["attach-sbi-pfcp", "suci-a-nea2-sbi-pfcp"])
def test_the_calls_are_those_that_tshark_sees(golden: Path, name: str) -> None:
    path = golden / f"{PREFIX}-{name}.pcap"

    def shown(field: str) -> Counter[str]:
        command = ["tshark", "-d", "tcp.port==7777,http2", "-r", str(path), "-Y", field, "-T", "fields"]
        text = subprocess.run([*command, "-e", field], capture_output=True, text=True, check=True).stdout
        return Counter(one for line in text.splitlines() for one in line.split(","))

    capture, found = sbi(path)
    for field, header in (("http2.headers.method", ":method"), ("http2.headers.status", ":status")):
        assert Counter(value for m in found if (value := headers(m).get(header))) == shown(field)
    assert capture.faulty == 0


def test_one_ladder_for_a_ue(whole_run: Path) -> None:
    """Without any key: K_SEAF crosses the SBI, and opens the NAS that NEA2 ciphers; a SUCI gets its SUPI there."""
    capture = read_capture(whole_run)
    found = list(capture)
    assert (capture.undecoded, capture.faulty) == (0, 0)
    assert {m.ue for m in found} == {"", SUPI}
    nas = [m for m in found if m.interface == "n1"]
    assert {m.integrity for m in nas} == {"not-protected", "verified"}
    names = [m.message for m in found if m.ue]
    wanted = [
        "RegistrationRequest",
        "Nausf_UEAuthentication_Authenticate request",
        "SecurityModeCommand",
        "Nudm_SDM_Get request",
        "RegistrationAccept",
        "Nsmf_PDUSession_CreateSMContext request (PDU Session Establishment Request)",
        "SessionEstablishmentRequest",
        "Namf_Communication_N1N2MessageTransfer request (PDU Session Establishment Accept)",
    ]
    assert [name for name in dict.fromkeys(names) if name in wanted] == wanted


def test_parts_and_secrets(whole_run: Path) -> None:
    _, found = sbi(whole_run)
    transfer = next(m for m in found if "N1N2MessageTransfer request" in m.message)
    decoded = transfer.decoded
    assert decoded is not None
    parts = decoded["parts"]
    assert isinstance(parts, list)
    assert [part["message"] for part in parts] == [
        "PDU Session Establishment Accept",
        "PDUSessionResourceSetupRequestTransfer",
    ]
    texts = [json.dumps(m.decoded) + m.octets.decode("utf-8", "replace") for m in found]
    keys = [text for text in texts if "kseaf" in text.lower()]
    assert keys
    assert all('"(hidden)"' in text for text in keys)


def test_an_scp_stands_between(golden: Path) -> None:
    """What it was asked for it asks itself: both legs show, each with its ends."""
    _, found = sbi(golden / f"{PREFIX}-attach-sbi-pfcp.pcap")
    legs = [(m.sender, m.receiver) for m in found if m.message == "Nudm_SDM_Subscribe request"]
    assert set(legs) == {("AMF", "SCP"), ("SMF", "SCP"), ("SCP", "UDM")}
    assert legs.count(("SCP", "UDM")) == len(legs) // 2


class Talk:
    """Client and server of one connection; keeps what each has sent, by turns."""

    def __init__(self, context: tuple[ssl.SSLContext, ssl.SSLContext] | None = None) -> None:
        self.sent: list[tuple[bool, bytes]] = []
        self.ends = {
            True: h2.connection.H2Connection(h2.config.H2Configuration(client_side=True)),
            False: h2.connection.H2Connection(h2.config.H2Configuration(client_side=False)),
        }
        self.wires: dict[bool, tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]] = {}
        if context is not None:
            self._handshake(*context)
        for end in self.ends.values():
            end.initiate_connection()
        self.flush()

    def call(self, path: str, body: bytes = b"{}", answer: bytes = BODY, status: str = "200") -> None:
        client, server = self.ends[True], self.ends[False]
        stream = client.get_next_available_stream_id()
        head = (":method", "POST"), (":scheme", "http"), (":authority", "ausf"), (":path", path)
        client.send_headers(stream, [*head, ("user-agent", "AMF"), ("content-type", "application/json")])
        client.send_data(stream, body, end_stream=True)
        self.flush()
        server.send_headers(stream, [(":status", status), ("content-type", "application/json")])
        for place in range(0, len(answer), 16000):
            server.send_data(stream, answer[place : place + 16000])
            self.flush()
        server.end_stream(stream)
        self.flush()

    def flush(self) -> None:
        for _ in range(2):
            for is_client, end in self.ends.items():
                octets = end.data_to_send()
                if not octets:
                    continue
                if self.wires:
                    self.wires[is_client][0].write(octets)
                    octets = self._carry(is_client)
                else:
                    self.sent.append((is_client, octets))
                other = self.ends[not is_client]
                for event in other.receive_data(octets):
                    if isinstance(event, h2.events.DataReceived):
                        other.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def _carry(self, is_client: bool) -> bytes:
        """What one end has written goes over; what the other reads of it."""
        octets = self.wires[is_client][2].read()
        self.sent.append((is_client, octets))
        other, inward, _ = self.wires[not is_client]
        inward.write(octets)
        read = b""
        while True:
            try:
                read += other.read(1 << 16)
            except ssl.SSLWantReadError:
                return read

    def _handshake(self, client: ssl.SSLContext, server: ssl.SSLContext) -> None:
        for is_client, context in ((True, client), (False, server)):
            bios = ssl.MemoryBIO(), ssl.MemoryBIO()
            made = context.wrap_bio(*bios, server_side=not is_client)
            self.wires[is_client] = (made, *bios)
        done = {True: False, False: False}
        while not all(done.values()):
            for is_client, (made, _, outward) in self.wires.items():
                try:
                    made.do_handshake()
                    done[is_client] = True
                except ssl.SSLWantReadError:
                    pass
                if octets := outward.read():
                    self.sent.append((is_client, octets))
                    self.wires[not is_client][1].write(octets)

    def packets(self, size: int = 1400, syn: bool = True) -> list[bytes]:
        """As TCP segments in Ethernet, with sequence numbers that go over their end."""
        made, numbers = [], {True: 2**32 - 300, False: 5}
        if syn:
            for is_client in (True, False):
                made.append(segment(is_client, numbers[is_client] - 1, b"", 2))
        for is_client, octets in self.sent:
            for place in range(0, len(octets), size):
                piece = octets[place : place + size]
                made.append(segment(is_client, numbers[is_client], piece))
                numbers[is_client] = (numbers[is_client] + len(piece)) % 2**32
        return made


def segment(is_client: bool, number: int, payload: bytes, flags: int = 0x18) -> bytes:
    source, destination = (CLIENT, SERVER) if is_client else (SERVER, CLIENT)
    head = struct.pack(">HHIIBBHHH", source[1], destination[1], number, 0, 5 << 4, flags, 0, 0, 0)
    return frames.ethernet(source[0], destination[0], frames.TCP, head + payload)


def read(packets: Iterable[bytes], keys: Keys | None = None) -> tuple[Capture, list[TracedMessage]]:
    file = io.BytesIO()
    writer = pcap.Writer(file)
    writer.interface(pcap.ETHERNET)
    for n, packet in enumerate(packets):
        writer.packet(10**18 + n, packet)
    file.seek(0)
    capture = Capture(file, keys or Keys())
    return capture, list(capture)


PATH = "/nausf-auth/v1/ue-authentications"
REQUEST, RESPONSE = (
    "Nausf_UEAuthentication_Authenticate request",
    "Nausf_UEAuthentication_Authenticate response",
)


def talk(calls: int = 3) -> Talk:
    made = Talk()
    for _ in range(calls):
        made.call(PATH, json.dumps({"supiOrSuci": SUPI}).encode())
    return made


@pytest.mark.parametrize("size", [1, 7, 100, 1400])
def test_segments_of_any_size(size: int) -> None:
    capture, found = read(talk().packets(size))
    assert [m.message for m in found] == [REQUEST, RESPONSE] * 3
    assert {(m.sender, m.receiver) for m in found} == {("AMF", "AUSF"), ("AUSF", "AMF")}
    assert {m.ue for m in found} == {SUPI}
    assert (capture.faulty, capture.passed.line()) == (0, "")


@given(st.randoms(use_true_random=False))
def test_segments_in_disorder_and_twice(chance: random.Random) -> None:
    """Those of one end that are near each other may come in any order, and again."""
    made = talk(2)
    order: list[bytes] = made.packets()[:2]
    for _, run in groupby(made.packets(40)[2:], key=lambda packet: packet[26:30]):
        packets = list(run)
        places = sorted(range(len(packets)), key=lambda n: n + chance.randrange(12))
        order += [packets[n] for n in places for _ in range(chance.choice((1, 1, 2)))]
    assert [m.message for m in read(order)[1]] == [REQUEST, RESPONSE] * 2


def test_from_the_middle() -> None:
    """The dynamic table began before: fields are unknown, and what is told anew is read."""
    packets = talk(6).packets()
    for start in range(2, len(packets) - 4):
        _, found = read(packets[start:])
        assert found
        assert {m.message.rpartition(" ")[2] for m in found} <= {"request", "response"}
        for message in found:
            assert headers(message).get(":path", PATH) in (PATH, UNKNOWN)


def test_octets_that_are_missing() -> None:
    """A gap takes what stands in it, and no more: the connection is found again behind it."""
    made = talk(80).packets(50, syn=True)
    lost = [packet for n, packet in enumerate(made) if n not in (40, 41)]
    capture, found = read(lost)
    assert capture.fault == ""
    names = Counter(m.message for m in found)
    assert names[RESPONSE] + names["SBI response"] > 20
    assert all(m.decoded is not None for m in found)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("size", [1400, 33])
def test_tls_with_its_key_log(tmp_path: Path, version: ssl.TLSVersion, size: int) -> None:
    log = tmp_path / "keys.log"
    client, server = contexts(tmp_path)
    for context in (client, server):
        context.minimum_version = context.maximum_version = version
    client.keylog_filename = str(log)
    made = Talk((client, server))
    for _ in range(3):
        made.call(PATH, json.dumps({"supiOrSuci": SUPI}).encode(), BODY + b" " * 40000)
    packets = made.packets(size)
    capture, found = read(packets, Keys(tls=log.read_text()))
    assert [m.message for m in found] == [REQUEST, RESPONSE] * 3
    assert all(m.decoded and m.decoded["tls"] for m in found)
    assert capture.faulty == 0
    without, none = read(packets)
    assert none == []
    assert "TLS" in without.passed.line()
    wrong, none = read(packets, Keys(tls=log.read_text().replace("a", "b")))
    assert none == []
    assert "TLS" in wrong.passed.line()


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a client that takes any server, and of a server."""
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    server.load_cert_chain(*certificate(folder, "server", "urn:uuid:0"))
    return client, server


def test_a_file_with_its_secrets(tmp_path: Path) -> None:
    """pcapng carries a key log in a block of its own (type 10)."""
    client, server = contexts(tmp_path)
    client.keylog_filename = str(tmp_path / "keys.log")
    made = Talk((client, server))
    made.call(PATH)
    secrets = (tmp_path / "keys.log").read_bytes()
    file = io.BytesIO()
    writer = pcap.Writer(file)
    writer.interface(pcap.ETHERNET)
    body = struct.pack("<II", 0x544C534B, len(secrets)) + secrets + bytes(-len(secrets) % 4)
    file.write(struct.pack("<II", 10, len(body) + 12) + body + struct.pack("<I", len(body) + 12))
    for packet in made.packets():
        writer.packet(10**18, packet)
    file.seek(0)
    assert [m.message for m in Capture(file)] == [REQUEST, RESPONSE]


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.text("xyz", max_size=40)), min_size=1)))
def test_header_blocks_of_a_foreign_encoder(blocks: list[list[tuple[str, str]]]) -> None:
    encoder, decoder = Encoder(), Decoder(late=False)
    for fields in blocks:
        assert decoder.block(encoder.encode(fields)) == fields


@given(st.integers(0, 8), st.data())
def test_header_blocks_heard_late(missed: int, data: st.DataObject) -> None:
    """What is known is right; what is not is unknown."""
    block = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), min_size=1, max_size=8)
    encoder, decoder = Encoder(), Decoder(late=True)
    for _ in range(missed):
        encoder.encode(data.draw(block))
    for _ in range(4):
        fields = data.draw(block)
        for shown, sent in zip(decoder.block(encoder.encode(fields)), fields, strict=True):
            assert shown in (sent, (UNKNOWN, UNKNOWN), (UNKNOWN, sent[1]))


@given(st.binary(max_size=200), st.booleans())
def test_any_octets_as_a_header_block(octets: bytes, late: bool) -> None:
    try:
        Decoder(late).block(octets)
    except HpackError:
        pass


@given(st.lists(st.binary(max_size=300), max_size=6), st.booleans())
def test_any_octets_as_frames(pieces: list[bytes], late: bool) -> None:
    reader = Reader(late)
    for piece in pieces:
        list(reader.take(piece))
    list(reader.rest())


def mutated(chance: random.Random) -> Iterator[bytes]:
    for packet in talk(3).packets(200):
        octets = bytearray(packet)
        if chance.random() < 0.3 and len(octets) > 54:
            octets[chance.randrange(34, len(octets))] ^= 1 << chance.randrange(8)
        if chance.random() > 0.05:
            yield bytes(octets)


@given(st.randoms(use_true_random=False))
def test_a_conversation_with_flipped_bits(chance: random.Random) -> None:
    """It is read to its end, whatever it has become."""
    capture, found = read(mutated(chance))
    assert capture.fault == ""
    for message in found:
        assert message.decoded is not None
        assert message.sender
        assert message.receiver


def test_what_is_kept_is_bounded() -> None:
    """Segments that wait for one before them, and streams that are never ended."""
    direction = Direction()
    direction.take(Segment(0, True, b""))
    for n in range(10_000):
        direction.take(Segment(10 + 7 * n, False, b"x"))
    assert len(direction._held) < 100
    reader = Reader(late=False)
    block = Encoder().encode([(":method", "GET"), (":path", "/")])
    for n in range(1, 20_001, 2):
        head = len(block).to_bytes(3, "big") + bytes((1, 4)) + n.to_bytes(4, "big")
        list(reader.take(head + block))
    assert len(list(reader.rest())) < 2000


def test_a_refusal_and_its_cause() -> None:
    made = Talk()
    client, server = made.ends[True], made.ends[False]
    head = [(":method", "GET"), (":scheme", "http"), (":authority", "udm")]
    client.send_headers(1, [*head, (":path", f"/nudm-sdm/v2/{SUPI}/am-data"), ("user-agent", "AMF")], True)
    made.flush()
    server.send_headers(1, [(":status", "404"), ("content-type", "application/problem+json")])
    server.send_data(1, b'{"status": 404, "cause": "USER_NOT_FOUND", "detail": "none such"}', True)
    made.flush()
    _, (request, response) = read(made.packets())
    assert (request.ue, request.cause) == (SUPI, "")
    assert (response.ue, response.cause) == (SUPI, "404 USER_NOT_FOUND: none such")
