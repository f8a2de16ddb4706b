"""EAP packets: the example of RFC 4187, attributes that run over, and whatever octets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.wire import eap
from cinq.wire.eap import EapError

RAND, AUTN = bytes(range(16)), bytes(range(16, 32))
CHALLENGE = bytes.fromhex(
    "0105006032010000" + "01050000" + RAND.hex() + "02050000" + AUTN.hex() + "18010001"
    "17060014" + b"5G:mnc001.mcc001.abc".hex() + "0b050000" + "00" * 16
)  # fmt: skip


def test_a_challenge() -> None:
    packet = eap.decode(CHALLENGE + b"padding")
    assert (packet.code, packet.identifier, packet.method, packet.subtype) == (eap.REQUEST, 5, 50, 1)
    assert (packet.rand, packet.autn, packet.kdf) == (RAND, AUTN, 1)
    assert (packet.network_name, packet.res) == ("5G:mnc001.mcc001.abc", None)
    assert packet.name == "EAP-AKA' challenge"
    assert eap.plain(packet)["at_mac"] == "00" * 18


def test_a_response() -> None:
    packet = eap.decode(bytes.fromhex("0205001432010000" + "03030040" + "28d7b0f2a2ec3de5"))
    assert packet.res == bytes.fromhex("28d7b0f2a2ec3de5")
    assert (packet.rand, packet.autn, packet.kdf, packet.network_name) == (None, None, None, None)


def test_what_has_no_attributes() -> None:
    assert eap.decode(b"\3\7\0\4").name == "EAP success"
    assert eap.plain(eap.decode(b"\4\7\0\4")) == {"code": "failure", "identifier": 7}
    identity = eap.decode(b"\2\7\0\7\1ab")
    assert (identity.name, eap.plain(identity)["content"]) == ("EAP identity", "6162")
    assert eap.decode(b"\1\7\0\5\xc8").name == "EAP type 200"


@pytest.mark.parametrize(
    ("octets", "what"),
    [
        ("010500", "found 3 octets, wanted 4"),
        ("05050004", "EAP code: found 5"),
        ("01050003", "EAP length: found 3, wanted 4 to 4"),
        ("01050005", "EAP length: found 5, wanted 4 to 4"),
        ("01050004", "without a type"),
        ("0105000632ff", "without a subtype"),
        ("0105000c32010000" + "01020000", "runs over the end"),
        ("0105000c32010000" + "01000000", "runs over the end"),
        ("0105000932010000" + "01", "runs over the end"),
    ],
)
def test_what_is_none(octets: str, what: str) -> None:
    with pytest.raises(EapError, match=what):
        eap.decode(bytes.fromhex(octets))


@given(st.binary(max_size=64), st.booleans())
def test_any_octets_are_a_packet_or_an_error(octets: bytes, aka: bool) -> None:
    if aka:
        octets = bytes((1, 1)) + (8 + len(octets)).to_bytes(2, "big") + b"\x32\1\0\0" + octets
    try:
        packet = eap.decode(octets)
    except EapError:
        return
    assert packet.name
    assert eap.plain(packet)
    assert isinstance(packet.network_name, str | None)
    assert isinstance(packet.res, bytes | None)
