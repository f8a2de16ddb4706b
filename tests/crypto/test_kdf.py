"""TS 33.501 annex A held against a registration between Open5GS 2.7.7 and UERANSIM 3.3.0.

One chain from the challenge in that capture to what both stacks computed from it: RES*, NAS MACs, KgNB.
"""

from __future__ import annotations

import hmac
import struct

import pytest

from cinq.crypto import aka, kdf, milenage, nas_security, suci
from cinq.crypto.nas_security import DOWNLINK, UPLINK, NasSecurity
from cinq.numbering import msin_digits

K = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc")
OPC = bytes.fromhex("e8ed289deba952e4283b54e88e6183ca")
HOME_KEY = bytes.fromhex("10c9c67e861a5625a1db8f684123896d9b3506199d3df1968e07b6c8448bb147")
SCHEME_OUTPUT = bytes.fromhex(
    "4f85d7b30f6506a824b488379ad62a435a1fe363981c61087960b40ed23b8a202107e20eb70d069c4227e22ec3"
)
RAND = bytes.fromhex("0f0efd47c5dca6e07ab24e4b1a08e763")
AUTN = bytes.fromhex("d11db7246085800099b501103af13a48")
RES_STAR = "0d6ab6ee0480a563cacfaaba041bb8f0"
SECURITY_MODE_COMMAND = bytes.fromhex("7e0349bf41e9007e005d220004f0f0f0f0e1360102")
SECURITY_MODE_COMPLETE = bytes.fromhex(
    "7e047244cd2a00b21c59d0258c14a85105beeef47b3648855be948305d62ba28f577d47f4a08bdf5a7658f9280b8d99b25c5c0f2"
    "ba4b60b0e604390cbdc6e6760ebd048f4ad68cdd4abbea19769fd3f992fa3303b332fbfc72f40ca8a51876b041f4abad"
)
REGISTRATION_COMPLETE = bytes.fromhex("7e02cfa49ffd012000a1")
KGNB = "2bde695adce03eddd8d29a2a7068a95cb23b3a6614869c94c4b5bbaa6f301ae6"
SNN = kdf.snn("999", "70")


def kamf() -> bytes:
    challenge = aka.verify_autn(milenage, K, OPC, RAND, AUTN)
    imsi = "99970" + msin_digits(suci.deconceal(suci.PROFILE_A, HOME_KEY, SCHEME_OUTPUT))
    assert imsi == "999700000000001"
    return kdf.kamf(kdf.kseaf(challenge.kausf(SNN), SNN), imsi, b"\0\0")


def test_res_star_and_its_hash() -> None:
    challenge = aka.verify_autn(milenage, K, OPC, RAND, AUTN)
    assert challenge.res_star(SNN, RAND).hex() == RES_STAR
    vector = aka.generate_vector(milenage, K, OPC, RAND, challenge.sqn, challenge.amf, SNN)
    assert (vector.autn, vector.xres_star.hex()) == (AUTN, RES_STAR)
    assert len(kdf.hres_star(RAND, vector.xres_star)) == 16


def test_nas_keys_take_both_stacks_messages() -> None:
    security = NasSecurity.from_kamf(kamf(), 2, 2)
    assert security.verify(SECURITY_MODE_COMMAND, DOWNLINK)[:3].hex() == "7e005d"
    assert security.verify(SECURITY_MODE_COMPLETE, UPLINK)[:3].hex() == "7e005e"
    assert kdf.kgnb(kamf(), security.last_ul_count).hex() == KGNB
    assert security.verify(REGISTRATION_COMPLETE, UPLINK).hex() == "7e0043"
    assert (security.ul_count, security.dl_count) == (2, 1)
    with pytest.raises(nas_security.ReplayError):
        security.verify(REGISTRATION_COMPLETE, UPLINK)


def test_protect_yields_the_captured_octets() -> None:
    security = NasSecurity.from_kamf(
        kamf(),
        2,
        2,
    )
    security.ul_count = 1
    assert security.protect(bytes.fromhex("7e0043"), 2, UPLINK) == REGISTRATION_COMPLETE


def test_serving_network_names() -> None:
    assert SNN == "5G:mnc070.mcc999.3gppnetwork.org"
    assert kdf.snn("001", "001") == "5G:mnc001.mcc001.3gppnetwork.org"


def test_each_derivation_is_its_own() -> None:
    key = kamf()
    derived = [
        kdf.kgnb(key, 0),
        kdf.kgnb(key, 1),
        kdf.kgnb(key, 0, kdf.ACCESS_NON_3GPP),
        kdf.nh(key, kdf.kgnb(key, 0)),
        kdf.kgnb_star(key, 1, 2),
        kdf.kamf_prime(key, 0, 1),
        kdf.kamf_prime(key, 1, 1),
        *kdf.ck_ik_prime(key[:16], key[16:], SNN, bytes(6)),
        *(kdf.algorithm_key(key, kind, 2) for kind in range(1, 7)),
    ]
    assert len(set(derived)) == len(derived)
    assert [len(x) for x in derived] == [32] * 7 + [16] * 8


@pytest.mark.parametrize("size", [0, 1, 16, 32, 63, 64, 65, 200])
def test_the_function_under_all_is_hmac_sha_256(size: int) -> None:
    key, parameters = bytes(i * 5 & 0xFF for i in range(size)), (b"", b"P1", bytes(300))
    s = b"\x6a" + b"".join(each + struct.pack(">H", len(each)) for each in parameters)
    assert kdf.derive(key, 0x6A, *parameters) == hmac.digest(key, s, "sha256")


@pytest.mark.parametrize("direction", [0, 1])
@pytest.mark.parametrize("count", [0, 1, 0x00FF_FFFF, nas_security.NO_COUNT])
def test_kamf_in_mobility(direction: int, count: int) -> None:
    """A.13: FC 72, DIRECTION and its length, COUNT and its length; A.9 after it takes any COUNT of 32 bits."""
    key = bytes(range(32))
    s = struct.pack(">BBHIH", 0x72, direction, 1, count, 4)
    derived = kdf.kamf_prime(key, direction, count)
    assert derived == hmac.digest(key, s, "sha256")
    assert kdf.kgnb(derived, count) == hmac.digest(
        derived, struct.pack(">BIHBH", 0x6E, count, 4, 1, 1), "sha256"
    )


@pytest.mark.parametrize("algorithm", [1, 2, 3])
def test_mac_of_a_nas_container(algorithm: int) -> None:
    """TS 33.501 §6.9.2.3.3: COUNT 2^32-1, which is no NAS message's, and neither COUNT moves."""
    security = NasSecurity.from_kamf(bytes(range(32)), algorithm, 2)
    mac = security.container_mac(b"\x22\x10\x05")
    assert security.container_holds(mac, b"\x22\x10\x05")
    assert not security.container_holds(mac, b"\x22\x10\x06")
    assert not security.container_holds(bytes(4), b"\x22\x10\x05")
    assert (security.ul_count, security.dl_count) == (0, 0)
    assert nas_security.nia.mac(algorithm, security.knasint, 0xFFFFFFFF, 1, 1, b"\x22\x10\x05") == mac
