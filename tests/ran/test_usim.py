"""The USIM: sequence numbers (TS 33.102 annex C), SUCI (TS 33.501 annex C), TUAK, settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cinq.crypto import aka, kdf, suci, tuak
from cinq.numbering import msin_octets
from cinq.ran.ue.settings import UeSettings
from cinq.ran.ue.usim import MacFailed, SynchFailed, Usim
from cinq.settings import HexOctets, SettingsError
from cinq.settings.toml import loads

from .core import HOME_KEY, OPC, Entropy, K

SNN = kdf.snn("999", "70")
MILENAGE = aka.functions("milenage")


def challenge(usim: Usim, sqn: int) -> object:
    vector = aka.generate_vector(MILENAGE, K, OPC, bytes(16), sqn, b"\x80\0", SNN)
    return usim.challenge(vector.rand, vector.autn)


def test_sequence_numbers() -> None:
    usim = Usim(UeSettings())
    assert isinstance(challenge(usim, 64), aka.Challenge)
    assert isinstance(challenge(usim, 33), aka.Challenge)  # older, of another IND
    assert isinstance(challenge(usim, 64), SynchFailed)
    assert isinstance(challenge(usim, 32), SynchFailed)
    assert isinstance(challenge(usim, 96), aka.Challenge)
    assert usim.sqn == 96
    assert isinstance(challenge(usim, 96 + (1 << 34)), SynchFailed)
    failed = challenge(usim, 96)
    assert isinstance(failed, SynchFailed)
    assert aka.auts_sqn(MILENAGE, K, OPC, bytes(16), failed.auts) == 96


@pytest.mark.parametrize("autn", [bytes(16), bytes(3), b""])
def test_mac_failure(autn: bytes) -> None:
    assert isinstance(Usim(UeSettings()).challenge(bytes(16), autn), MacFailed)


def test_tuak() -> None:
    k, top = bytes(32), bytes(range(32))
    settings = replace(UeSettings(), algorithm="tuak", k=HexOctets(k), op=HexOctets(top), opc=HexOctets(b""))
    topc = tuak.compute_opc(k, top)
    vector = aka.generate_vector(aka.functions("tuak"), k, topc, bytes(16), 32, b"\x80\0", SNN)
    found = Usim(settings).challenge(vector.rand, vector.autn)
    assert isinstance(found, aka.Challenge)
    assert found.res_star(SNN, vector.rand) == vector.xres_star


@pytest.mark.parametrize("name", ["A", "B"])
def test_suci(name: str) -> None:
    scheme = {"A": 1, "B": 2}[name]
    public = HexOctets(suci.public_key(scheme, HOME_KEY))
    settings = replace(UeSettings(), suci=name, home_network_key=public, home_network_key_id=3)
    usim, entropy = Usim(settings), Entropy()
    first, second = usim.conceal(entropy), usim.conceal(entropy)
    assert first != second
    assert first.key_id == 3
    for one in (first, second):
        assert suci.deconceal(scheme, HOME_KEY, one.output) == msin_octets("0000000001")


@pytest.mark.parametrize(
    ("text", "key", "wanted"),
    [
        ('k = "00"', "k", "wanted 32"),
        ('imsi = "12"', "imsi", "6 to 15"),
        ('imsi = "001010000000001"', "imsi", "not of PLMN 999-70"),
        ('suci = "C"', "suci", "'null', 'A' or 'B'"),
        ('suci = "A"', "home_network_key", "wanted 64"),
        ('integrity = ["NIA9"]', "integrity[0]", "NIA0"),
        ("sqn = -1", "sqn", "wanted 0 to"),
        ('imsl = "x"', "imsl", "did you mean 'imsi'"),
        ('[[sessions]]\ndnn = "in ternet"', "sessions[0].dnn", "labels"),
    ],
)
def test_wrong_settings(text: str, key: str, wanted: str) -> None:
    with pytest.raises(SettingsError) as error:
        loads(UeSettings, text, "ue.toml")
    assert error.value.key == key
    assert wanted in str(error.value)
    assert "ue.toml:" in str(error.value)


def test_settings_from_toml() -> None:
    text = """
imsi = "999700000000042"
op = "00112233445566778899aabbccddeeff"
suci = "A"
home_network_key = "e421686f6fb2d70e3fa28d940494095686c3179fef53514667a6ed106b8a7d3d"
home_network_key_id = 1
ciphering = ["NEA2"]
[[sessions]]
dnn = "ims"
s_nssai = "1-0000ff"
"""
    settings = loads(UeSettings, text)
    assert settings.numbered(3).imsi == "999700000000045"
    assert settings.operator_code != settings.opc
    assert settings.sessions[0].dnn == "ims"
