"""Captures read: foreign ones whole, our own bench for what those do not show, and hostile ones."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.numbering import Suci, Supi
from cinq.trace import Capture, Keys, Subscriber, TracedMessage, read_capture, to_json
from cinq.transport import frames, pcap
from cinq.transport.pcap import PcapError
from cinq.wire import nas, ngap, pfcp

from .bench import GUTI, LOCATION, OPC, PLMN, SUPI, Bench, K

PREFIX = "open5gs-ueransim"
BENCH_KEYS = Keys((Subscriber(SUPI, K, OPC),))
NULL_SUCI = Suci.null_scheme(SUPI, PLMN)
HIDDEN_SUCI = Suci(PLMN, "0", 1, 1, bytes(45))


def names(messages: list[TracedMessage], interface: str) -> list[str]:
    return [m.message for m in messages if m.interface == interface]


def read(bench: Bench, keys: Keys = BENCH_KEYS) -> tuple[Capture, list[TracedMessage]]:
    capture = Capture(bench.capture(), keys)
    return capture, list(capture)


@pytest.mark.parametrize(
    ("name", "messages", "tcp", "user"),
    [
        ("attach-n2n3", 69, 0, 20),
        ("attach-sbi-pfcp", 814, 0, 0),
        ("suci-a-nea2-n2n3", 30, 0, 4),
        ("suci-a-nea2-sbi-pfcp", 534, 4, 0),
    ],
)
def test_foreign_captures_leave_nothing_undecoded(
    golden: Path, keys: Keys, name: str, messages: int, tcp: int, user: int
) -> None:
    capture = read_capture(golden / f"{PREFIX}-{name}.pcap", keys)
    found = list(capture)
    assert (len(found), capture.undecoded, capture.fault) == (messages, 0, "")
    assert (capture.tcp_packets, capture.user_packets, capture.cut_packets) == (tcp, user, 0)
    assert all(m.decoded and not m.fault for m in found)
    assert {m.ue for m in found} == {"", "imsi-999700000000001"}
    assert {m.integrity for m in found if m.interface == "n1"} <= {"verified", "not-protected"}


@pytest.mark.kernel
@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
@pytest.mark.parametrize("name", ["attach-n2n3", "suci-a-nea2-n2n3"])
def test_the_procedures_are_those_that_tshark_sees(golden: Path, name: str) -> None:
    path = golden / f"{PREFIX}-{name}.pcap"
    fields = ["-T", "fields", "-e", "frame.number", "-e", "ngap.procedureCode"]
    command = ["tshark", "-r", str(path), "-Y", "ngap", *fields]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wanted = [line.split("\t")[0] for line in shown.splitlines() for _ in line.split("\t")[1].split(",")]
    assert [str(m.frame) for m in read_capture(path) if m.interface == "n2"] == wanted


def test_without_keys_what_is_ciphered_is_octets_and_counted(golden: Path) -> None:
    capture = read_capture(golden / f"{PREFIX}-suci-a-nea2-n2n3.pcap")
    found = list(capture)
    hidden = [m for m in found if m.decoded is None]
    assert capture.undecoded == len(hidden) == 7
    assert {m.fault for m in hidden} == {"ciphered with NEA2, and no key fits"}
    assert hidden[0].octets.hex().startswith("7e047244cd2a00b21c")
    assert found[2].ue.startswith("suci-0-999-70-0000-1-1-4f85d7")


def test_a_home_network_key_alone_names_the_ue(golden: Path, home_key: Keys) -> None:
    found = list(read_capture(golden / f"{PREFIX}-suci-a-nea2-n2n3.pcap", home_key))
    assert {m.ue for m in found} == {"", "imsi-999700000000001"}


def test_json(golden: Path, keys: Keys) -> None:
    capture = read_capture(golden / f"{PREFIX}-suci-a-nea2-n2n3.pcap", keys)
    facts = json.loads(to_json(list(capture), capture))
    assert facts["undecoded"] == 0
    by_name = {m["message"]: m for m in facts["messages"]}
    complete = by_name["SecurityModeComplete"]
    assert complete["integrity"] == "verified"
    assert complete["decoded"]["nas_message_container"]["message"] == "RegistrationRequest"
    setup = by_name["PDUSessionResourceSetupRequest"]
    assert (setup["interface"], setup["src"].rpartition(":")[2]) == ("n2", "38412")
    (item,) = setup["decoded"]["pdu_session_resource_setup_list_su_req"]
    transfer = item["pdu_session_resource_setup_request_transfer"]
    assert transfer["ul_ngu_up_tnl_information"]["gTPTunnel"]["gtp_teid"]
    release = by_name["UEContextReleaseCommand"]
    assert release["cause"] == "nas: deregister"
    assert set(by_name["NGSetupRequest"]) == {
        *("time", "frame", "interface", "src", "dst", "sender", "receiver", "message"),
        *("ue", "decoded", "octets"),
    }


@pytest.mark.parametrize("integrity", [0, 1, 2, 3])
@pytest.mark.parametrize("ciphering", [0, 1, 2, 3])
def test_every_algorithm_and_a_return_by_guti(integrity: int, ciphering: int) -> None:
    bench = Bench(integrity, ciphering)
    bench.register(HIDDEN_SUCI)
    bench.service_request(2)
    capture, found = read(bench)
    assert capture.undecoded == 0
    assert {m.ue for m in found} == {str(SUPI)}
    protected = {m.integrity for m in found if m.interface == "n1"} - {"not-protected"}
    assert protected == {"verified" if integrity else "null"}
    last = found[-1]
    assert (last.message, last.receiver) == ("ServiceRequest", "AMF")
    assert last.decoded["nas_message_container"]["uplink_data_status"] == [5]


def test_a_container_without_a_key_is_counted() -> None:
    bench = Bench()
    bench.register(HIDDEN_SUCI)
    bench.service_request(2)
    capture, found = read(bench, Keys())
    assert found[-2].message == "ServiceRequest"
    assert (found[-1].message, found[-1].decoded) == ("NAS message container", None)
    assert capture.undecoded == len([m for m in found if m.decoded is None]) == 4


def test_a_forged_message_is_shown_with_its_integrity() -> None:
    bench = Bench(2, 2)
    bench.register(NULL_SUCI)
    good = bench.context.protect(bytes.fromhex("7e0045010005740e2a"), 2, 0)
    bench.up(good[:2] + bytes(4) + good[6:])
    bench.up(good)
    bench.up(good)
    _, found = read(bench)
    integrity = [m.integrity for m in found if m.interface == "n1"][-3:]
    assert integrity == ["failed", "verified", "replayed"]


def test_sctp_fragments_bundles_and_retransmissions() -> None:
    bench = Bench()
    bench.register(NULL_SUCI)
    _, plain = read(bench)
    twice = Bench()
    whole = list(pcap.Reader(bench.capture()))
    for packet in whole:
        twice.frame(packet.octets)
        twice.frame(packet.octets)
    assert names(read(twice)[1], "n1") == names(plain, "n1")
    pieces = Bench()
    octets = plain[0].octets
    parts = pieces.sctp(octets, True, 4)
    for frame in (parts[2], parts[0], parts[0], parts[3], parts[1]):
        pieces.frame(frame)
    capture, found = read(pieces)
    assert [m.message for m in found] == ["InitialUEMessage", "RegistrationRequest"]
    assert (found[0].octets, capture.undecoded) == (octets, 0)
    bundle = Bench()
    first, second = bundle.sctp(octets, True, 2)
    bundle.frame(frames.ethernet("10.0.0.2", "10.0.0.1", frames.SCTP, first[34:] + second[46:]))
    assert [m.message for m in read(bundle)[1]] == ["InitialUEMessage", "RegistrationRequest"]


def test_sctp_over_udp() -> None:
    bench = Bench(over_udp=True)
    bench.register(NULL_SUCI)
    capture, found = read(bench)
    assert capture.undecoded == 0
    assert names(found, "n1")[0] == "RegistrationRequest"
    assert found[0].destination == "10.0.0.1:38412"


def test_what_is_not_decoded_is_octets_with_a_fault() -> None:
    bench = Bench()
    for frame in bench.sctp(b"\xff\xff\xff", True):
        bench.frame(frame)
    bench.initial(b"\x7e\x00\x00", 1)
    bench.frame(frames.udp(("10.0.0.4", 8805), ("10.0.0.5", 8805), b"\xff" * 12))
    bench.frame(frames.udp(("10.0.0.2", 2152), ("10.0.0.5", 2152), b"\x32\x07\0\4" + bytes(8)))
    bench.frame(
        frames.udp(("10.0.0.2", 2152), ("10.0.0.5", 2152), bytes.fromhex("3201000400000000") + bytes(4))
    )
    capture, found = read(bench)
    assert [(m.interface, m.message, m.decoded is None) for m in found] == [
        ("n2", "NGAP", True),
        ("n2", "InitialUEMessage", False),
        ("n1", "NAS", True),
        ("n4", "PFCP", True),
        ("n3", "GTP-U", True),
        ("n3", "EchoRequest", False),
    ]
    assert capture.undecoded == 4
    assert all(m.fault for m in found if m.decoded is None)


def test_a_file_that_ends_early_says_so(golden: Path, tmp_path: Path) -> None:
    whole = (golden / f"{PREFIX}-attach-n2n3.pcap").read_bytes()
    path = tmp_path / "cut.pcap"
    path.write_bytes(whole[:5000])
    capture = read_capture(path)
    assert list(capture)
    assert "cut off" in capture.fault
    assert json.loads(to_json([], capture))["fault"] == capture.fault


def test_no_capture_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"hello, world")
    with pytest.raises(PcapError, match="magic number"):
        read_capture(path)
    with pytest.raises(FileNotFoundError):
        read_capture(tmp_path / "absent")


def mutated(octets: bytes, data: st.DataObject) -> io.BytesIO:
    changed = bytearray(octets)
    for _ in range(data.draw(st.integers(1, 12))):
        changed[data.draw(st.integers(24, len(octets) - 1))] = data.draw(st.integers(0, 255))
    return io.BytesIO(bytes(changed))


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.data())
def test_mutated_captures_are_read_to_their_end_or_their_fault(data: st.DataObject) -> None:
    bench = Bench()
    bench.register(NULL_SUCI)
    bench.service_request(2)
    capture = Capture(mutated(bench.file.getvalue(), data), BENCH_KEYS)
    found = list(capture)
    assert capture.undecoded == len([m for m in found if m.decoded is None])
    to_json(found, capture)


def test_paging_concerns_the_ue_that_has_the_guti() -> None:
    bench = Bench()
    bench.register(NULL_SUCI)
    tmsi = ngap.FiveGSTMSI(
        amf_set_id=GUTI.amf.set, amf_pointer=GUTI.amf.pointer, five_g_tmsi=GUTI.tmsi.to_bytes(4, "big")
    )
    area = ngap.TAIListForPagingItem(tai=LOCATION.tai)
    bench.ngap(ngap.Paging(ue_paging_identity=("fiveG-S-TMSI", tmsi), tai_list_for_paging=[area]), False)
    _, found = read(bench)
    assert (found[-1].message, found[-1].sender, found[-1].ue) == ("Paging", "AMF", str(SUPI))


def pfcp_session(bench: Bench, seid: int, address: str) -> None:
    pdr = pfcp.CreatePdr(
        pdr_id=1,
        precedence=1,
        pdi=pfcp.Pdi(source_interface=1, ue_ip_addresses=[pfcp.UeIpAddress(IPv4Address(address))]),
    )
    request = pfcp.SessionEstablishmentRequest(
        node_id=pfcp.NodeId(IPv4Address("10.0.0.4")),
        cp_f_seid=pfcp.FSeid(seid, IPv4Address("10.0.0.4")),
        create_pdrs=[pdr],
        create_fars=[pfcp.CreateFar(far_id=1, apply_action=pfcp.ApplyAction(2))],
    )
    octets = pfcp.encode(request, sequence=seid, seid=0)
    bench.frame(frames.udp(("10.0.0.4", 8805), ("10.0.0.5", 8805), octets))
    refusal = pfcp.SessionEstablishmentResponse(node_id=pfcp.NodeId(IPv4Address("10.0.0.5")), cause=75)
    octets = pfcp.encode(refusal, sequence=seid, seid=seid)
    bench.frame(frames.udp(("10.0.0.5", 8805), ("10.0.0.4", 8805), octets))


def test_a_pfcp_session_is_of_the_ue_that_gets_its_address() -> None:
    bench = Bench()
    bench.register(NULL_SUCI)
    pfcp_session(bench, 1, "10.45.0.9")
    accept = bytes.fromhex("2e0101c211000901000631310101ff010603f42403f424" + "2905010a2d0009")
    transport = nas.DLNASTransport(payload_container_type=1, payload_container=accept)
    bench.down(bench.context.protect(nas.encode(transport), 2, 1))
    pfcp_session(bench, 2, "10.45.0.9")
    _, found = read(bench)
    n4 = [m for m in found if m.interface == "n4"]
    assert [m.ue for m in n4] == [str(SUPI), str(SUPI), "UE 10.45.0.9", "UE 10.45.0.9"]
    assert [(m.sender, m.cause) for m in n4[:2]] == [("SMF", ""), ("UPF", "#75 no resources available")]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_sims_that_share_a_key_are_told_apart_by_the_security_mode_command(place: int) -> None:
    others = [Subscriber(Supi(f"00101000000000{n}"), K, OPC) for n in (1, 2)]
    others.insert(place, Subscriber(SUPI, K, OPC))
    bench = Bench()
    bench.register(HIDDEN_SUCI)
    bench.register(HIDDEN_SUCI)
    capture, found = read(bench, Keys(tuple(others)))
    assert capture.undecoded == 0
    assert {m.ue for m in found} == {str(SUPI)}


def test_two_ues_are_told_apart() -> None:
    bench = Bench()
    bench.register(NULL_SUCI)
    bench.initial(bytes.fromhex("7e004171000d0100f110000000000000000020"), 9)
    _, found = read(bench, Keys((Subscriber(SUPI, K, OPC), Subscriber(Supi("001010000000002"), K, OPC))))
    assert [m.ue for m in found][-1] != str(SUPI)
    assert str(SUPI) in {m.ue for m in found}
