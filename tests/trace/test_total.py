"""Messages with something wrong in them are shown with what is right; arrows follow addresses and ports."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from cinq.trace import Capture, TracedMessage, ladder_text, steps_of_messages
from cinq.transport import frames
from cinq.wire import gtpu, nas, ngap, pfcp

from .bench import AMF, GNB, Bench

SMF, UPF, RAN = "10.0.0.4", "10.0.0.5", "10.0.0.2"


def read(bench: Bench) -> list[TracedMessage]:
    return list(Capture(bench.capture()))


def test_an_amf_that_pads_is_shown() -> None:
    bench = Bench()
    message = bytes.fromhex("2015003c0000040001000903004f41492d414d46") + bytes(492)
    for frame in bench.sctp(message, False):
        bench.frame(frame)
    (found,) = read(bench)
    assert (found.message, found.sender, found.receiver) == ("NGSetupResponse", "AMF", "gNB")
    assert found.decoded is not None
    assert found.decoded["amf_name"] == "OAI-AMF"
    assert "448 octets behind the end of the message, all zero" in found.fault
    text = ladder_text(steps_of_messages([found]), 160)
    assert "NG Setup Response ✗ 448 octets behind the end of the message, all zero" in text


def test_pfcp_without_precedence_is_shown_with_its_ue() -> None:
    request = pfcp.SessionEstablishmentRequest(
        node_id=pfcp.NodeId(IPv4Address(SMF)),
        cp_f_seid=pfcp.FSeid(5, IPv4Address(SMF)),
        create_pdrs=[
            pfcp.CreatePdr(
                pdr_id=7,
                precedence=255,
                pdi=pfcp.Pdi(
                    source_interface=1, ue_ip_addresses=[pfcp.UeIpAddress(IPv4Address("10.45.0.9"))]
                ),
            )
        ],
        create_fars=[pfcp.CreateFar(far_id=1, apply_action=pfcp.ApplyAction(2))],
    )
    # Precedence becomes an IE of a vendor, so that it is not there.
    octets = pfcp.encode(request, sequence=1, seid=0).replace(
        bytes.fromhex("001d0004000000ff"), bytes.fromhex("801d0004000000ff")
    )
    bench = Bench()
    bench.frame(frames.udp((SMF, 8805), (UPF, 8805), octets))
    (found,) = read(bench)
    assert (found.message, found.ue) == ("SessionEstablishmentRequest", "UE 10.45.0.9")
    assert found.fault == "CreatePdr: precedence (IE 29) is missing"
    assert found.decoded is not None
    pdrs = found.decoded["create_pdrs"]
    assert isinstance(pdrs, list)
    assert pdrs[0]["unknown"] == {"32797": "000000ff"}


def test_a_nas_message_with_a_fault_names_it() -> None:
    bench = Bench()
    bench.down(bytes.fromhex("7e005d020200e1"))
    _, found = read(bench)
    assert (found.message, found.cause) == ("SecurityModeCommand", "")
    assert found.fault.startswith("replayed_ue_security_capability")
    assert found.decoded is not None
    assert "algorithms" in found.decoded


def test_a_registration_request_without_identity_gives_no_name() -> None:
    bench = Bench()
    bench.initial(bytes.fromhex("7e004171"), 4)
    _, found = read(bench)
    assert (found.message, found.ue) == ("RegistrationRequest", "RAN UE NGAP ID 4")
    assert found.fault == "mobile_identity: missing"


MESSAGES = (
    gtpu.EchoRequest(sequence=1),
    gtpu.EchoResponse(sequence=1),
    gtpu.ErrorIndication(tunnel=9, peer=IPv4Address(UPF), sequence=0),
    gtpu.SupportedExtensionHeadersNotification(supported=(0x85,), sequence=0),
    gtpu.EndMarker(teid=9),
)


def n3(bench: Bench, source: str, message: gtpu.GtpuMessage) -> None:
    destination = RAN if source == UPF else UPF
    bench.frame(frames.udp((source, 2152), (destination, 2152), gtpu.encode(message)))


def by_a_user_packet(bench: Bench) -> None:
    n3(bench, UPF, gtpu.GPdu(teid=1, payload=b"x", extensions=(gtpu.DlPduSessionInformation(1),)))


def by_ngap(bench: Bench) -> None:
    tunnel = ngap.GTPTunnel(transport_layer_address=(int(IPv4Address(RAN)), 32), gtp_teid=b"\0\0\0\1")
    transfer = ngap.PDUSessionResourceSetupResponseTransfer(
        dl_qos_flow_per_tnl_information=ngap.QosFlowPerTNLInformation(
            up_transport_layer_information=("gTPTunnel", tunnel),
            associated_qos_flow_list=[ngap.AssociatedQosFlowItem(qos_flow_identifier=1)],
        )
    )
    item = ngap.PDUSessionResourceSetupItemSURes(
        pdu_session_id=1, pdu_session_resource_setup_response_transfer=ngap.encode_value(transfer)
    )
    bench.ngap(
        ngap.PDUSessionResourceSetupResponse(
            amf_ue_ngap_id=1, ran_ue_ngap_id=1, pdu_session_resource_setup_list_su_res=[item]
        ),
        True,
    )


def by_pfcp(bench: Bench) -> None:
    created = pfcp.CreatedPdr(pdr_id=1, f_teid=pfcp.FTeid(1, IPv4Address(UPF)))
    response = pfcp.SessionEstablishmentResponse(
        node_id=pfcp.NodeId(IPv4Address(UPF)), cause=1, created_pdrs=[created]
    )
    bench.frame(frames.udp((UPF, 8805), (SMF, 8805), pfcp.encode(response, sequence=1, seid=5)))


@pytest.mark.parametrize("learnt", [by_a_user_packet, by_ngap, by_pfcp])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("source", [RAN, UPF])
def test_arrows_of_n3_follow_the_addresses(source: str, learnt: object, late: bool) -> None:
    assert callable(learnt)
    bench = Bench()
    if not late:
        learnt(bench)
    for message in MESSAGES:
        n3(bench, source, message)
    if late:  # what is learnt late counts for the messages before
        learnt(bench)
        n3(bench, source, MESSAGES[0])
    found = [m for m in read(bench) if m.interface == "n3"]
    assert len(found) == len(MESSAGES) + late
    wanted = ("UPF", "gNB") if source == UPF else ("gNB", "UPF")
    assert {(m.sender, m.receiver) for m in found} == {wanted}


def test_one_address_for_all_is_judged_by_message() -> None:
    bench = Bench()
    for message in MESSAGES[:2]:
        bench.frame(frames.udp(("10.0.0.9", 2152), ("10.0.0.9", 2152), gtpu.encode(message)))
    assert [(m.sender, m.receiver) for m in read(bench)] == [("gNB", "UPF"), ("UPF", "gNB")]


def test_ngap_without_its_port_goes_by_who_begins_a_procedure() -> None:
    bench = Bench()
    release = ngap.UEContextReleaseCommand(ue_ngap_ids=("aMF-UE-NGAP-ID", 1), cause=("nas", "deregister"))
    complete = ngap.UEContextReleaseComplete(amf_ue_ngap_id=1, ran_ue_ngap_id=1)
    indication = ngap.ErrorIndication(cause=("misc", "unspecified"))
    for message, uplink in ((release, False), (complete, True), (indication, False), (indication, True)):
        for frame in bench.sctp(ngap.encode(message), uplink):
            bench.frame(frame.replace(AMF[1].to_bytes(2, "big"), b"\x30\x39"))
    found = read(bench)
    assert [m.sender for m in found] == ["AMF", "gNB", "AMF", "gNB"]
    assert {m.at.source[0] for m in found if m.sender == "gNB"} == {GNB[0]}


def test_nothing_of_what_is_there_is_lost_in_a_broken_transport() -> None:
    """A DL NAS TRANSPORT whose last element is cut carries its 5GSM message all the same."""
    accept = nas.PDUSessionReleaseCommand(pdu_session_id=1, pti=0, cause=36)
    transport = nas.DLNASTransport(
        payload_container_type=1, payload_container=nas.encode(accept), pdu_session_id=1
    )
    bench = Bench()
    bench.down(nas.encode(transport) + b"\x0f\x02\x00")
    found = read(bench)
    assert [m.message for m in found] == [
        "DownlinkNASTransport",
        "DLNASTransport",
        "PDUSessionReleaseCommand",
    ]
    assert "wants comprehension" in found[1].fault
