"""pcapng of live events: what tshark shows of it without a preference, and that it reads back."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest

from cinq.procedure import Event, Why
from cinq.trace import (
    Capture,
    Exporter,
    Keys,
    TracedMessage,
    export,
    ladder_text,
    read_capture,
    steps_of_messages,
)
from cinq.transport import frames, layers, pcap
from cinq.wire import ngap, pfcp


def as_event(message: TracedMessage) -> Event:
    """What an AMF (or SMF) of ours would have emitted for a captured message."""
    nf = "SMF" if message.interface == "n4" else "AMF"
    way = "in" if message.receiver in (nf, "SMF") else "out"
    peer = "gNB 1" if message.interface == "n2" else ""
    interface = message.interface.upper()
    return Event(
        message.time, nf, message.ue, "", way, interface, message.message, "", message.octets, None, peer
    )


@pytest.fixture
def ciphered(golden: Path, keys: Keys) -> list[TracedMessage]:
    return list(read_capture(golden / "open5gs-ueransim-suci-a-nea2-n2n3.pcap", keys))


def written(events: list[Event]) -> io.BytesIO:
    file = io.BytesIO()
    export(events, file)
    return io.BytesIO(file.getvalue())


def test_an_export_reads_back_with_nothing_undecoded(ciphered: list[TracedMessage]) -> None:
    capture = Capture(written([as_event(message) for message in ciphered]))
    found = list(capture)
    assert capture.undecoded == 0
    assert [(m.interface, m.message, m.ue, m.octets) for m in found] == [
        (m.interface, m.message, m.ue, m.octets) for m in ciphered
    ]
    assert [(m.sender, m.receiver) for m in found] == [(m.sender, m.receiver) for m in ciphered]
    assert {m.integrity for m in found} == {""}


def test_pfcp_reads_back(golden: Path) -> None:
    read = read_capture(golden / "open5gs-ueransim-attach-sbi-pfcp.pcap")
    messages = [message for message in read if message.interface == "n4"]
    found = list(Capture(written([as_event(message) for message in messages])))
    assert [(m.message, m.octets, m.ue) for m in found] == [(m.message, m.octets, m.ue) for m in messages]


@pytest.mark.kernel
@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_tshark_shows_deciphered_nas_without_a_preference(
    ciphered: list[TracedMessage], tmp_path: Path
) -> None:
    path = tmp_path / "run.pcapng"
    path.write_bytes(written([as_event(message) for message in ciphered]).getvalue())
    command = ["tshark", "-r", str(path), "-Y", "exported_pdu", "-T", "fields"]
    fields = ["_ws.col.Info", "frame.comment", "_ws.malformed"]
    shown = subprocess.run(
        [*command, *(f"-e{name}" for name in fields)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [line.split("\t")[0] for line in shown] == [
        "Registration request",
        "Authentication request",
        "Authentication response",
        "Security mode command",
        "Security mode complete, Registration request",
        "Registration accept",
        "Registration complete",
        "UL NAS transport, PDU session establishment request",
        "Configuration update command",
        "DL NAS transport, PDU session establishment accept",
        "Deregistration request (UE originating)",
    ]
    assert {line.split("\t")[1] for line in shown} == {
        "UE imsi-999700000000001, uplink, deciphered",
        "UE imsi-999700000000001, downlink, deciphered",
    }
    assert {line.split("\t")[2] for line in shown} == {""}
    command = [
        "tshark",
        "-r",
        str(path),
        "-Y",
        "ngap && !_ws.malformed",
        "-T",
        "fields",
        "-e",
        "frame.number",
    ]
    ngap_frames = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert len(ngap_frames) == sum(m.interface == "n2" for m in ciphered)


def test_a_long_message_goes_in_several_chunks() -> None:
    octets = ngap.encode(
        ngap.DownlinkNASTransport(amf_ue_ngap_id=1, ran_ue_ngap_id=1, nas_pdu=b"\x7e\0\x43" + bytes(70000))
    )
    file = written([Event(1.0, "AMF", "UE 1", "", "out", "N2", "DownlinkNASTransport", "", octets)])
    (message,) = Capture(file)
    assert (message.octets, message.ue) == (octets, "UE 1")


def packets(events: list[Event]) -> list[pcap.Packet]:
    return list(pcap.Reader(written(events)))


def ends(packet: pcap.Packet) -> tuple[str, str]:
    datagram = layers.Layers().datagram(packet.linktype, packet.octets)
    assert isinstance(datagram, frames.Datagram)
    return datagram.source, datagram.destination


def test_addresses_gnbs_and_the_sbi() -> None:
    body, setup = b'{"amfId":"1"}', b"x"
    events = [
        Event(1.0, "AMF", "", "", "in", "N2", "NGSetupRequest", "", setup, None, "gNB 1"),
        Event(1.0, "AMF", "", "", "in", "N2", "NGSetupRequest", "", setup, None, "gNB 2"),
        Event(1.0, "SMF", "", "", "out", "N4", "HeartbeatRequest", "", b"1", None, "10.9.9.9"),
        Event(1.0, "SMF", "", "", "out", "N4", "HeartbeatRequest", "", b"2", None, "fd00::9"),
        Event(1.0, "AMF", "imsi-999700000000001", "", "out", "Nudm_UECM", "r request", "", body, None, "UDM"),
        Event(1.0, "AMF", "u", "", "none", "N1", "", "ignored", b"y"),
        Event(1.0, "AMF", "u", "", "in", "N1", "X", "", b""),
    ]
    found = packets(events)
    assert len(found) == 6
    assert [ends(packet) for packet in found[:4]] == [
        ("192.0.2.2", "192.0.2.3"),
        ("198.51.100.1", "192.0.2.3"),
        ("192.0.2.4", "10.9.9.9"),
        ("192.0.2.4", "192.0.2.5"),
    ]
    record = frames.exported(found[4].octets)
    assert record == frames.ExportedPdu("json", "192.0.2.3", "192.0.2.7", body)
    assert found[4].comment == "UE imsi-999700000000001\nAMF to UDM: r request"
    assert found[0].time_ns == 10**9
    assert b"<134>cinq AMF: : ignored" in found[5].octets


def test_associations_have_the_addresses_that_events_name() -> None:
    """Two gNBs on one host, one of them without a name until its setup is answered."""
    request, answer = bytes.fromhex("0015"), bytes.fromhex("2015")
    events = [
        Event(1.0, "AMF", "", "", "in", "N2", "X", "", request, peer="gNB", address="10.1.1.1:5001"),
        Event(1.1, "AMF", "", "", "out", "N2", "X", "", answer, peer="gnb-1", address="10.1.1.1:5001"),
        Event(1.2, "AMF", "", "", "in", "N2", "X", "", request, peer="gnb-2", address="[fd00::1]:5002"),
    ]
    file = io.BytesIO()
    export(events, file, {"AMF": "10.0.0.1"})
    found = list(Capture(io.BytesIO(file.getvalue())))
    assert [(m.source, m.destination) for m in found[:2]] == [
        ("10.1.1.1:5001", "10.0.0.1:38412"),
        ("10.0.0.1:38412", "10.1.1.1:5001"),
    ]
    assert found[2].source == "192.0.2.2:5002"  # one family in a frame: that of the AMF


def test_why_something_was_refused_is_read_back() -> None:
    why = Why("refused: 404: no subscriber", "cinq subscriber add 1 --k ...")
    event = Event(2.0, "AMF", "UE 7", "registration", "none", "N1", "REGISTRATION REQUEST", why)
    (packet,) = packets([event])
    assert packet.comment == "UE 7"
    (note,) = Capture(written([event]))
    assert (note.interface, note.sender, note.receiver, note.ue) == ("note", "AMF", "AMF", "UE 7")
    assert (note.message, note.cause, note.mend) == ("REGISTRATION REQUEST", why, why.mend)
    assert note.decoded == {"cause": why, "mend": why.mend}
    text = ladder_text(steps_of_messages([note]), 160)
    assert "refused: 404: no subscriber → cinq subscriber add 1 --k ..." in text


@pytest.mark.kernel
@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_tshark_shows_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "run.pcapng"
    event = Event(2.0, "AMF", "UE 7", "", "none", "N1", "REGISTRATION REQUEST", "refused: no subscriber")
    path.write_bytes(written([event]).getvalue())
    shown = subprocess.run(
        ["tshark", "-r", str(path), "-T", "fields", "-e", "_ws.col.Info"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "cinq AMF: REGISTRATION REQUEST: refused: no subscriber" in shown


def test_an_exporter_listens_to_a_journal() -> None:
    from cinq.procedure import Journal

    journal, file = Journal(), io.BytesIO()
    journal.listen(Exporter(file, {"AMF": "10.77.0.1"}).event)
    journal.emit(Event(1.0, "AMF", "UE 1", "", "in", "N1", "REGISTRATION COMPLETE", "", b"\x7e\0\x43"))
    (message,) = Capture(io.BytesIO(file.getvalue()))
    assert (message.message, message.ue, message.destination) == (
        "RegistrationComplete",
        "UE 1",
        "10.77.0.1:0",
    )


def test_what_both_ends_of_n4_report_is_written_once_under_their_addresses() -> None:
    heartbeat = pfcp.encode(pfcp.HeartbeatRequest(recovery_time_stamp=1), sequence=1)
    answer = pfcp.encode(pfcp.HeartbeatResponse(recovery_time_stamp=1), sequence=1)
    found = packets(
        [
            Event(1.0, "SMF", "", "", "out", "N4", "HeartbeatRequest", "", heartbeat, None, "10.0.0.5"),
            Event(1.1, "UPF", "", "", "in", "N4", "HeartbeatRequest", "", heartbeat, None, "10.0.0.4"),
            Event(1.2, "UPF", "", "", "out", "N4", "HeartbeatResponse", "", answer, None, "10.0.0.4"),
            Event(1.3, "SMF", "", "", "in", "N4", "HeartbeatResponse", "", answer, None, "10.0.0.5"),
            Event(9.0, "SMF", "", "", "out", "N4", "HeartbeatRequest", "", heartbeat, None, "10.0.0.5"),
        ]
    )
    assert [ends(packet) for packet in found] == [
        ("192.0.2.4", "10.0.0.5"),
        ("10.0.0.5", "10.0.0.4"),
        ("10.0.0.4", "10.0.0.5"),
    ]


def test_a_gnb_that_has_no_name_yet_is_the_one_that_gets_it() -> None:
    setup, other = b"x", b"y"
    found = packets(
        [
            Event(1.0, "AMF", "", "", "in", "N2", "NGSetupRequest", "", setup, None, "gNB"),
            Event(1.0, "AMF", "", "", "out", "N2", "NGSetupResponse", "", other, None, "demo-cell"),
        ]
    )
    assert [ends(packet) for packet in found] == [("192.0.2.2", "192.0.2.3"), ("192.0.2.3", "192.0.2.2")]
