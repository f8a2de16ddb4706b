"""Total decoding: what is there is shown, what is wrong is named, and nothing raises whatever the octets."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.wire import gtpu, nas, ngap, pfcp
from cinq.wire.examined import Examined
from cinq.wire.ngap import Pdu

DOWNLINK = ngap.encode(ngap.DownlinkNASTransport(amf_ue_ngap_id=1, ran_ue_ngap_id=2, nas_pdu=b"\x7e\x00\x41"))
TUNNEL = ngap.GTPTunnel(transport_layer_address=(0x0A000005, 32), gtp_teid=b"\0\0\0\1")
QOS = ngap.QosFlowSetupRequestItem(
    qos_flow_identifier=1,
    qos_flow_level_qos_parameters=ngap.QosFlowLevelQosParameters(
        qos_characteristics=("nonDynamic5QI", ngap.NonDynamic5QIDescriptor(five_qi=9)),
        allocation_and_retention_priority=ngap.AllocationAndRetentionPriority(
            priority_level_arp=8,
            pre_emption_capability="shall-not-trigger-pre-emption",
            pre_emption_vulnerability="not-pre-emptable",
        ),
    ),
)
TRANSFER = ngap.encode_value(
    ngap.PDUSessionResourceSetupRequestTransfer(
        ul_ngu_up_tnl_information=("gTPTunnel", TUNNEL),
        pdu_session_type="ipv4",
        qos_flow_setup_request_list=[QOS],
    )
)
# An AMF of 2020: its NG SETUP RESPONSE in a buffer of 512 octets, of which 64 are the message.
PADDED_HEAD = bytes.fromhex("2015003c0000040001000903004f41492d414d46")


def padded() -> bytes:
    guami = ngap.GUAMI(plmn_identity=b"\x99\xf9\x07", amf_region_id=1, amf_set_id=1, amf_pointer=1)
    support = ngap.PLMNSupportItem(
        plmn_identity=b"\x99\xf9\x07",
        slice_support_list=[ngap.SliceSupportItem(s_nssai=ngap.SNSSAI(sst=b"\1"))],
    )
    octets = ngap.encode(
        ngap.NGSetupResponse(
            amf_name="OAI-AMF",
            served_guami_list=[ngap.ServedGUAMIItem(guami=guami)],
            relative_amf_capacity=30,
            plmn_support_list=[support],
        )
    )
    return octets + bytes(512 - len(octets))


def ies(message: Examined[Pdu]) -> dict[str, object]:
    assert message.message is not None
    return dict(message.message.items())


def test_ngap_with_octets_behind_its_end() -> None:
    assert isinstance(ngap.decode(padded()), ngap.NGSetupResponse)  # an end passes over them: decision 12
    found = ngap.examine(padded())
    assert isinstance(found.message, ngap.NGSetupResponse)
    assert found.whole
    assert found.message.amf_name == "OAI-AMF"
    (fault,) = found.faults
    assert fault.endswith("octets behind the end of the message, all zero")


def test_the_beginning_of_a_foreign_message_alone() -> None:
    found = ngap.examine(PADDED_HEAD)
    assert ies(found) == {"amf_name": "OAI-AMF"}
    assert not found.whole
    assert found.faults[0] == "cut off: 64 octets are announced, 20 are there"


@pytest.mark.parametrize("size", range(4, len(DOWNLINK)))
def test_ngap_cut_anywhere_keeps_what_came_before(size: int) -> None:
    found = ngap.examine(DOWNLINK[:size])
    assert isinstance(found.message, ngap.DownlinkNASTransport)
    assert found.message.amf_ue_ngap_id in (1, None)
    assert found.faults


def with_ie(place: int, ie: int, level: int, octets: bytes) -> bytes:
    """DOWNLINK with one more IE, or one in place of another: place of the IE from 0."""
    content = DOWNLINK[4:]
    parts, i = [], 3
    while i < len(content):
        end = i + 4 + content[i + 3]
        parts.append(content[i:end])
        i = end
    new = ie.to_bytes(2, "big") + bytes((level << 6, len(octets))) + octets
    if parts[place][:2] == new[:2]:
        parts[place] = new
    else:
        parts.insert(place, new)
    content = b"\0" + len(parts).to_bytes(2, "big") + b"".join(parts)
    return DOWNLINK[:3] + bytes((len(content),)) + content


def test_an_unknown_ie_in_the_middle_is_shown() -> None:
    may_be_ignored = ngap.examine(with_ie(1, 4711, 1, b"\xab\xcd"))
    assert (may_be_ignored.raw, may_be_ignored.faults) == ({"IE (4711)": "abcd"}, ())
    rejected = ngap.examine(with_ie(1, 4711, 0, b"\xab\xcd"))
    assert rejected.raw == {"IE (4711)": "abcd"}
    assert rejected.faults == ("IE (4711) of criticality reject is not known",)
    for found in (may_be_ignored, rejected):
        assert ies(found) == ies(ngap.examine(DOWNLINK))
        assert found.whole


def test_a_broken_ie_in_the_middle_leaves_the_others() -> None:
    number = {name: ie for ie, name in ngap.IE_NAMES.items()}["RAN-UE-NGAP-ID"]
    found = ngap.examine(with_ie(1, number, 0, b"\xff"))
    assert ies(found) == {"amf_ue_ngap_id": 1, "nas_pdu": b"\x7e\x00\x41"}
    assert found.raw == {f"RAN-UE-NGAP-ID ({number})": "ff"}
    assert not found.whole
    assert len(found.faults) == 1


def test_a_transfer_is_read_likewise() -> None:
    whole = ngap.examine_value(ngap.PDUSessionResourceSetupRequestTransfer, TRANSFER)
    assert (whole.faults, whole.whole) == ((), True)
    broken = ngap.examine_value(ngap.PDUSessionResourceSetupRequestTransfer, TRANSFER[:-4])
    assert broken.message is not None
    assert broken.message.ul_ngu_up_tnl_information == ("gTPTunnel", TUNNEL)
    assert broken.faults


def establishment() -> pfcp.SessionEstablishmentRequest:
    pdr = pfcp.CreatePdr(pdr_id=7, precedence=255, pdi=pfcp.Pdi(source_interface=1), far_id=1)
    return pfcp.SessionEstablishmentRequest(
        node_id=pfcp.NodeId(IPv4Address("10.0.0.4")),
        cp_f_seid=pfcp.FSeid(5, IPv4Address("10.0.0.4")),
        create_pdrs=[pdr],
        create_fars=[pfcp.CreateFar(far_id=1, apply_action=pfcp.ApplyAction(2))],
    )


def without(octets: bytes, ie: bytes) -> bytes:
    """An IE taken out of the first Create PDR of a session message."""
    head, group, rest = octets.partition(b"\x00\x01" + octets[octets.index(b"\x00\x01\x00") + 2 :][:2])
    size = int.from_bytes(group[2:], "big")
    inside = rest[:size].replace(ie, b"", 1)
    assert len(inside) == size - len(ie)
    body = head[16:] + b"\x00\x01" + len(inside).to_bytes(2, "big") + inside + rest[size:]
    return head[:2] + (len(body) + 12).to_bytes(2, "big") + head[4:16] + body


def test_pfcp_create_pdr_without_precedence() -> None:
    octets = without(pfcp.encode(establishment(), sequence=9, seid=0), bytes.fromhex("001d0004000000ff"))
    with pytest.raises(pfcp.PfcpError):
        pfcp.decode(octets)
    found = pfcp.examine(octets)
    assert found.faults == ("CreatePdr: precedence (IE 29) is missing",)
    assert isinstance(found.message, pfcp.SessionEstablishmentRequest)
    assert (found.message.sequence, found.message.seid) == (9, 0)
    (pdr,) = found.message.create_pdrs
    assert (pdr.pdr_id, pdr.far_id, pdr.precedence) == (7, 1, None)
    assert found.message.create_fars == establishment().create_fars
    plain = pfcp.plain(found.message)
    assert isinstance(plain, dict)
    assert "precedence" not in str(plain["create_pdrs"])


def test_pfcp_bundled() -> None:
    one = pfcp.encode(pfcp.HeartbeatRequest(recovery_time_stamp=1), sequence=1)
    two = pfcp.encode(pfcp.HeartbeatResponse(recovery_time_stamp=2), sequence=2)
    assert pfcp.bundled(bytes((one[0] | 4,)) + one[1:] + two) == [one, two]
    assert pfcp.bundled(one) == [one]


def test_nas_a_broken_element_in_the_middle() -> None:
    # SECURITY MODE COMMAND with UE security capability of 0 octets, then IMEISV request
    octets = bytes.fromhex("7e005d020200e1")
    with pytest.raises(nas.NasError):
        nas.decode(octets)
    found = nas.examine(octets)
    assert isinstance(found.message, nas.SecurityModeCommand)
    fields = found.message.fields
    assert (fields["algorithms"], fields["ng_ksi"]) == (nas.NasAlgorithms(0, 2), nas.NgKsi(2))
    assert "imeisv_request" in fields
    assert [fault.split(":")[0] for fault in found.faults] == ["replayed_ue_security_capability"]


def test_nas_an_unknown_element_that_wants_comprehension() -> None:
    found = nas.examine(bytes.fromhex("7e004411" + "0302abcd" + "5f0121"))
    assert found.raw["03"] == "abcd"
    assert found.faults == ("unknown element 0x03 wants comprehension",)


def test_gtpu_error_indication_without_an_address() -> None:
    found = gtpu.examine(bytes.fromhex("321a0009" + "00000000" + "00000000" + "1000000007"))
    assert isinstance(found.message, gtpu.ErrorIndication)
    assert found.message.unknown == ((16, b"\0\0\0\7"),)
    assert found.faults == ("Error Indication without TEID or peer address",)
    assert gtpu.plain(found.message)


def test_gtpu_with_octets_behind_its_end() -> None:
    octets = gtpu.encode(gtpu.EndMarker(teid=3))
    found = gtpu.examine(octets + b"\0\0")
    assert (found.message, found.faults) == (
        gtpu.EndMarker(teid=3),
        ("2 octets behind the end of the message",),
    )


SEEDS = (
    DOWNLINK,
    padded(),
    pfcp.encode(establishment(), sequence=9, seid=0),
    bytes.fromhex("7e004171000d0199f9070000000000000000f1"),
    bytes.fromhex(nas.PDUSessionEstablishmentAccept.VECTORS[0]),
    gtpu.encode(gtpu.ErrorIndication(tunnel=1, peer=IPv4Address("10.0.0.5"), sequence=0)),
    TRANSFER,
)


@settings(max_examples=600, derandomize=True, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_no_octets_raise(seed: bytes, data: st.DataObject) -> None:
    octets = bytearray(seed[: data.draw(st.integers(0, len(seed)))])
    for _ in range(data.draw(st.integers(0, 6))):
        if octets:
            octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    for module in (ngap, pfcp, nas, gtpu):
        found = module.examine(bytes(octets))
        if found.message is not None:
            module.plain(found.message)
        assert found.faults or (found.message is not None and found.whole)
    ngap.examine_value(ngap.PDUSessionResourceSetupRequestTransfer, bytes(octets))
