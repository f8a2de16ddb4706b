"""EAP-AKA' held against the test vectors of RFC 9048 appendix D."""

from __future__ import annotations

import pytest

from cinq.crypto import eap_aka, kdf

IDENTITY = "0555444333222111"
REAL = {
    "ck": "5349fbe098649f948f5d2e973a81c00f",
    "ik": "9744871ad32bf9bbd1dd5ce54e3e2e5a",
    "sqn_xor_ak": "bb52e91c747a",
}
ARTIFICIAL = {"ck": "c0" * 16, "ik": "b0" * 16, "sqn_xor_ak": "a0" * 6}
CK_IK_PRIME = [
    (REAL, "WLAN", "0093962d0dd84aa5684b045c9edffa04", "ccfc230ca74fcc96c0a5d61164f5a76c"),
    (REAL, "HRPD", "3820f0277fa5f77732b1fb1d90c1a0da", "db94a0ab557ef6c9ab48619ca05b9a9f"),
    (ARTIFICIAL, "WLAN", "cd4c8e5c68f57dd1d7d7dfd0c538e577", "3ece6b705dbbf7dfc459a11280c65524"),
    (ARTIFICIAL, "HRPD", "8310a71ce6f754889613da8f64d5fb46", "5adf14360ae838192db23f6fcb7f8c76"),
]
SESSION_KEYS = [
    (
        CK_IK_PRIME[0],
        "766fa0a6c317174b812d52fbcd11a179",
        "0842ea722ff6835bfa2032499fc3ec23c2f0e388b4f07543ffc677f1696d71ea",
        "cf83aa8bc7e0aced892acc98e76a9b2095b558c7795c7094715cb3393aa7d17a",
        "67c42d9aa56c1b79e295e3459fc3d187d42be0bf818d3070e362c5e967a4d544"
        "e8ecfe19358ab3039aff03b7c930588c055babee58a02650b067ec4e9347c75a",
        "f861703cd775590e16c7679ea3874ada866311de290764d760cf76df647ea01c"
        "313f69924bdd7650ca9bac141ea075c4ef9e8029c0e290cdbad5638b63bc23fb",
    ),
    (
        CK_IK_PRIME[2],
        "897d302fa2847416488c28e20dcb7be4",
        "c40700e7722483ae3dc7139eb0b88bb558cb3081eccd057f9207d1286ee7dd53",
        "0a591a22dd8b5b1cf29e3d508c91dbbdb4aee23051892c42b6a2de66ea504473",
        "9f7dca9e37bb22029ed986e7cd09d4a70d1ac76d95535c5cac40a7504699bb89"
        "61a29ef6f3e90f183de5861ad1bedc81ce9916391b401aa006c98785a5756df7",
        "724de00bdb9e568187be3fe746114557d5018779537ee37f4d3c6c738cb97b9d"
        "c651bc19bfadc344ffe2b52ca78bd8316b51dacc5f2b1440cb9515521cc7ba23",
    ),
    (
        CK_IK_PRIME[3],
        "745e7439ba238f50fcac4d15d47cd1d9",
        "3e1d2aa4e677025cfd862a4be18361a13a645765571463df833a9759e8099879",
        "99da835e2ae82462576fe6516fad1f802f0fa1191655dd0a273da96d04e0fcd3",
        "c6d3a6e0ceea951eb20d74f32c3061d0680a04b0b086ee8700ace3e0b95fa026"
        "83c287beee44432294ff98af26d2cc783bace75c4b0af7fdfeb5511ba8e4cbd0",
        "7fb56813838adafa99d140c2f198f6dacebfb6afee444961105402b508c7f363"
        "352cb2919644b50463e6a69354150147ae09cbc54b8a651d8787a6893ed8536d",
    ),
]


@pytest.mark.parametrize(("given", "network", "ck_prime", "ik_prime"), CK_IK_PRIME)
def test_ck_and_ik_prime(given: dict[str, str], network: str, ck_prime: str, ik_prime: str) -> None:
    ck, ik, sqn_xor_ak = (bytes.fromhex(given[name]) for name in ("ck", "ik", "sqn_xor_ak"))
    made = kdf.ck_ik_prime(ck, ik, network, sqn_xor_ak)
    assert [key.hex() for key in made] == [ck_prime, ik_prime]


@pytest.mark.parametrize(("case", "k_encr", "k_aut", "k_re", "msk", "emsk"), SESSION_KEYS)
def test_session_keys(
    case: tuple[dict[str, str], str, str, str], k_encr: str, k_aut: str, k_re: str, msk: str, emsk: str
) -> None:
    keys = eap_aka.session_keys(bytes.fromhex(case[2]), bytes.fromhex(case[3]), IDENTITY)
    found = [keys.k_encr, keys.k_aut, keys.k_re, keys.msk, keys.emsk]
    assert [key.hex() for key in found] == [k_encr, k_aut, k_re, msk, emsk]
    assert keys.kausf.hex() == emsk[:64]
    assert emsk[:8] not in repr(keys)


def test_prf_prime_gives_what_is_asked_for() -> None:
    whole = eap_aka.prf_prime(b"k", b"s", 208)
    assert len(whole) == 208
    assert [eap_aka.prf_prime(b"k", b"s", n) for n in (0, 1, 32, 33)] == [whole[:n] for n in (0, 1, 32, 33)]
