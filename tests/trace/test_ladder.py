"""Ladders as text, of captures and of live events. The files in ladders/ are what the documentation shows.

To renew them after a wanted change: CINQ_WRITE_LADDERS=1 pytest tests/trace/test_ladder.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cinq.procedure import Event
from cinq.trace import (
    Keys,
    Step,
    ladder_rows,
    ladder_text,
    read_capture,
    steps_of_events,
    steps_of_messages,
)
from cinq.wire import nas, ngap

LADDERS = Path(__file__).parent / "ladders"


def agrees(name: str, text: str) -> None:
    path = LADDERS / f"{name}.txt"
    if os.environ.get("CINQ_WRITE_LADDERS"):
        path.write_text(text + "\n")
    assert path.read_text() == text + "\n"


@pytest.mark.parametrize(
    ("name", "ue"),
    [
        ("attach-n2n3", None),
        ("suci-a-nea2-n2n3", None),
        ("attach-sbi-pfcp", "imsi-999700000000001"),  # of the network there is much talk with the NRF
    ],
)
def test_the_ladder_of_a_foreign_capture(golden: Path, keys: Keys, name: str, ue: str | None) -> None:
    messages = list(read_capture(golden / f"open5gs-ueransim-{name}.pcap", keys))
    agrees(name, ladder_text(steps_of_messages(messages), 100, ue))


@pytest.mark.parametrize("width", [10, 80, 120])
def test_no_line_is_wider_than_asked(golden: Path, keys: Keys, width: int) -> None:
    steps = steps_of_messages(read_capture(golden / "open5gs-ueransim-attach-n2n3.pcap", keys))
    assert all(len(row.text) <= max(width, 60) for row in ladder_rows(steps, width))


def test_what_is_ciphered_or_forged_stands_out(golden: Path) -> None:
    messages = list(read_capture(golden / "open5gs-ueransim-suci-a-nea2-n2n3.pcap"))
    text = ladder_text(steps_of_messages(messages), 120)
    assert text.count("✗ ciphered with NEA2, and no key fits") == 7
    messages[6].integrity = "failed"
    assert "✗ integrity failed" in ladder_text(steps_of_messages(messages), 120)


SUCI = "7e004171000d0199f9070000000000000000f1"
ACCEPT = nas.encode(nas.RegistrationAccept(registration_result=nas.RegistrationResult()))
REQUEST = nas.PDUSessionEstablishmentRequest(
    pdu_session_id=1,
    pti=1,
    integrity_protection_maximum_data_rate=nas.IntegrityProtectionMaximumDataRate(255, 255),
)
TRANSPORT = nas.encode(nas.ULNASTransport(payload_container_type=1, payload_container=nas.encode(REQUEST)))
REGISTRATION = bytes.fromhex("7e004179000d0199f9070000000000000000102e04f0f0f0f0")
REJECT = nas.encode(nas.RegistrationReject(cause=nas.GmmCause.PLMN_NOT_ALLOWED))


def downlink(octets: bytes) -> bytes:
    return ngap.encode(ngap.DownlinkNASTransport(amf_ue_ngap_id=7, ran_ue_ngap_id=1, nas_pdu=octets))


def live() -> list[Event]:
    supi = full = "imsi-999700000000001"
    return [
        Event(0.0, "AMF", "gNB 1", "", "in", "N2", "NGSetupRequest", peer="gNB 1"),
        Event(1.0000, "AMF", "UE 7", "", "in", "N1", "REGISTRATION REQUEST", "", REGISTRATION),
        Event(
            1.0010,
            "AMF",
            "UE 7",
            "",
            "out",
            "Nausf_UEAuthentication",
            "Nausf_UEAuthentication_Post request",
            peer="AUSF",
        ),
        Event(
            1.0012,
            "AUSF",
            full,
            "",
            "out",
            "Nudm_UEAuthentication",
            "Nudm_UEAuthentication_Get request",
            peer="UDM",
        ),
        Event(
            1.0014,
            "UDM",
            full,
            "",
            "out",
            "Nudm_UEAuthentication",
            "Nudm_UEAuthentication_Get response",
            peer="AUSF",
        ),
        Event(1.0020, "AMF", supi, "", "out", "N1", "REGISTRATION ACCEPT", "", ACCEPT),
        Event(
            1.0021, "AMF", supi, "", "out", "N2", "DownlinkNASTransport", "", downlink(ACCEPT), peer="gNB 1"
        ),
        Event(1.0030, "AMF", supi, "", "in", "N1", "UL NAS TRANSPORT", "", TRANSPORT),
        Event(
            1.0031, "SMF", supi, "", "in", "N1", "PDU SESSION ESTABLISHMENT REQUEST", "", nas.encode(REQUEST)
        ),
        Event(
            1.0040, "SMF", supi, "", "out", "N4", "SessionEstablishmentRequest", "", b"pfcp", peer="10.0.0.5"
        ),
        Event(
            1.0041, "UPF", supi, "", "in", "N4", "SessionEstablishmentRequest", "", b"pfcp", peer="10.0.0.4"
        ),
        Event(
            1.0050,
            "UDM",
            full,
            "",
            "out",
            "Nudm_SDM",
            "Nudm_SDM_Get response",
            "404 USER_NOT_FOUND",
            peer="SMF",
        ),
        Event(1.0060, "AMF", supi, "Registration", "none", "N1", "", "ignored: integrity failed"),
        Event(1.0070, "AMF", supi, "", "out", "N1", "REGISTRATION REJECT", "#11 plmn not allowed", REJECT),
    ]


def test_the_ladder_of_live_events() -> None:
    agrees("live-events", ladder_text(steps_of_events(live()), 100))


def test_a_ue_that_got_its_name_late_has_it_from_its_first_step() -> None:
    steps = steps_of_events(live())
    assert {step.ue for step in steps} == {"", "imsi-999700000000001"}
    assert ladder_text(steps, ue="imsi-999700000000001") == ladder_text(steps, ue="imsi-99970…001") != ""
    assert ladder_text(steps, ue="imsi-00101…001") == ""


def test_what_two_ends_report_is_one_step() -> None:
    names = [step.name for step in steps_of_events(live())]
    assert names.count("SessionEstablishmentRequest") == 1
    assert names.count("PDUSessionEstablishmentRequest") == 1


def test_refusals_are_marked_and_reasons_are_not() -> None:
    reject = Step(0.0, "AMF", "UE", "RegistrationReject", "u", "n1", "", "#11 plmn not allowed")
    release = Step(0.0, "AMF", "gNB", "UEContextReleaseCommand", "u", "n2", "", "nas: deregister")
    assert (reject.failed, release.failed) == (True, False)
    assert reject.text == "Registration Reject ✗ #11 plmn not allowed"
    assert release.text == "UE Context Release Command · nas: deregister"


def test_a_reason_is_never_cut() -> None:
    reason = "no subscriber imsi-001010000000009 is provisioned " * 4
    mend = "cinq subscriber add 001010000000009 --k ... --opc ..."
    steps = [
        Step(0.0, "UE", "AMF", "RegistrationRequest", "imsi-001010000000009", "n1"),
        Step(0.0, "AMF", "AMF", "registration", "imsi-001010000000009", "", "", reason.strip(), mend=mend),
        Step(
            0.0,
            "AMF",
            "UE",
            "RegistrationReject",
            "imsi-001010000000009",
            "n1",
            "",
            reason.strip(),
            mend=mend,
        ),
    ]
    for width in (60, 80, 200):
        rows = ladder_rows(steps, width)
        assert all(len(row.text) <= width for row in rows)
        text = " ".join(word for row in rows for word in row.text.split() if word not in "│├─▶◀┤")
        assert "…" not in text.replace("imsi-00101…009", "")
        assert text.count("imsi-001010000000009") == 8
        assert text.count("001010000000009 --k") == 2


def test_a_flood_on_n3_is_one_arrow() -> None:
    one = [Step(n / 10, "UPF", "gNB", "ErrorIndication", "", "n3") for n in range(392)]
    other = Step(40.0, "gNB", "UPF", "EchoRequest", "", "n3")
    rows = [row.text for row in ladder_rows([*one, other, one[0]], 100)]
    assert sum("Error Indication" in row for row in rows) == 2
    assert any("Error Indication (×392)" in row for row in rows)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("FiveGMMStatus", "5GMM Status"),
        ("FiveGSMStatus", "5GSM Status"),
        ("PDUSessionEstablishmentRequest", "PDU Session Establishment Request"),
        ("ULNASTransport", "UL NAS Transport"),
        ("NGSetupRequest", "NG Setup Request"),
        ("DeregistrationRequestUEOriginating", "Deregistration Request (by UE)"),
        ("InitialUEMessage", "Initial UE Message"),
    ],
)
def test_names_are_3gpps_words(name: str, words: str) -> None:
    assert Step(0.0, "UE", "AMF", name, "", "n1").text == words


def test_paging_that_is_answered_is_no_failure() -> None:
    assert not Step(0.0, "AMF", "AMF", "paging", "u", "", "", "ended: the UE answers").failed
    assert Step(0.0, "AMF", "AMF", "paging", "u", "", "", "T3513 expired").failed


def test_rows_keep_their_steps() -> None:
    steps = steps_of_events(live())
    rows = ladder_rows(steps, 100)
    assert next(row.text for row in rows if row.step is None) == " network"
    assert {row.step.name for row in rows if row.step} <= {step.name for step in steps}
