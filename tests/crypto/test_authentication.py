"""Milenage, TUAK and AKA: the sets of TS 35.207, 35.208 and 35.233, and both sides of a challenge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.crypto import aka, kdf, milenage, tuak

VECTORS = Path(__file__).parent / "vectors"
MILENAGE = json.loads((VECTORS / "milenage.json").read_text())["sets"]
TUAK = json.loads((VECTORS / "tuak.json").read_text())
SNN = kdf.snn("999", "70")
octets16 = st.binary(min_size=16, max_size=16)


def unhex(t: dict, *names: str) -> list[bytes]:
    return [bytes.fromhex(t[name]) for name in names]


@pytest.mark.parametrize("t", MILENAGE, ids=lambda t: str(t["set"]))
def test_milenage(t: dict) -> None:
    k, rand, sqn, amf, op = unhex(t, "k", "rand", "sqn", "amf", "op")
    opc = milenage.compute_opc(k, op)
    assert opc.hex() == t["opc"]
    assert milenage.f1(k, opc, rand, sqn, amf).hex() == t["f1"]
    assert milenage.f1_star(k, opc, rand, sqn, amf).hex() == t["f1_star"]
    assert [x.hex() for x in milenage.f2345(k, opc, rand)] == [t["res"], t["ck"], t["ik"], t["ak"]]
    assert milenage.f5_star(k, opc, rand).hex() == t["ak_star"]


def tuak_of(t: dict) -> tuak.Tuak:
    lengths = (t.get("len_mac", 64), t.get("len_res", 64), t.get("len_ck", 128), t.get("len_ik", 128))
    mac, res, ck, ik = (bits // 8 for bits in lengths)
    return tuak.Tuak(t["iterations"], mac, res, ck, ik)


@pytest.mark.parametrize("t", [t for t in TUAK["sets"] if "f1" in t])
def test_tuak_f1(t: dict) -> None:
    k, rand, sqn, amf, top = unhex(t, "k", "rand", "sqn", "amf", "top")
    functions = tuak_of(t)
    topc = functions.compute_opc(k, top)
    assert topc.hex() == t["topc"]
    assert functions.f1(k, topc, rand, sqn, amf).hex() == t["f1"]
    assert functions.f1_star(k, topc, rand, sqn, amf).hex() == t["f1_star"]


@pytest.mark.parametrize("t", [t for t in TUAK["sets"] if "res" in t])
def test_tuak_f2345(t: dict) -> None:
    k, rand, top = unhex(t, "k", "rand", "top")
    functions = tuak_of(t)
    topc = functions.compute_opc(k, top)
    assert [x.hex() for x in functions.f2345(k, topc, rand)] == [t["res"], t["ck"], t["ik"], t["ak"]]
    assert functions.f5_star(k, topc, rand).hex() == t["ak_star"]


@pytest.mark.parametrize("t", TUAK["keccak"])
def test_keccak(t: dict) -> None:
    assert tuak.keccak_f1600(bytes.fromhex(t["in"])).hex() == t["out"]


def test_one_keccak_iteration_is_a_shake256_block() -> None:
    one = tuak.Tuak(1).compute_opc(bytes(16), bytes(range(32)))
    padded = bytes(range(31, -1, -1)) + b"\0" + b"TUAK1.0"[::-1] + bytes(56) + b"\x1f"
    state = padded.ljust(135, b"\0") + b"\x80" + bytes(64)
    assert tuak.keccak_f1600(state)[31::-1] == one


@pytest.mark.parametrize("name", ["milenage", "tuak"])
@settings(max_examples=25, derandomize=True, deadline=None)
@given(octets16, octets16, st.integers(0, 2**48 - 1), st.binary(min_size=2, max_size=2))
def test_both_sides_of_a_challenge_agree(name: str, k: bytes, rand: bytes, sqn: int, amf: bytes) -> None:
    functions = aka.functions(name)
    opc = functions.compute_opc(k, bytes(range(16 if name == "milenage" else 32)))
    vector = aka.generate_vector(functions, k, opc, rand, sqn, amf, SNN)
    challenge = aka.verify_autn(functions, k, opc, vector.rand, vector.autn)
    assert (challenge.sqn, challenge.amf) == (sqn, amf)
    assert challenge.res_star(SNN, rand) == vector.xres_star
    assert challenge.kausf(SNN) == vector.kausf
    assert aka.auts_sqn(functions, k, opc, rand, aka.auts(functions, k, opc, rand, sqn)) == sqn


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.integers(0, 127), st.integers(0, 13 * 8 + 7))
def test_one_changed_bit_is_a_mac_failure(bit: int, auts_bit: int) -> None:
    k, opc, rand = bytes(16), bytes(range(16)), bytes(range(16, 32))
    functions = aka.functions("milenage")
    autn = int.from_bytes(aka.generate_vector(functions, k, opc, rand, 32, b"\x80\0", SNN).autn, "big")
    with pytest.raises(aka.MacFailure):
        aka.verify_autn(functions, k, opc, rand, (autn ^ 1 << bit).to_bytes(16, "big"))
    auts = int.from_bytes(aka.auts(functions, k, opc, rand, 32), "big")
    with pytest.raises(aka.MacFailure):
        aka.auts_sqn(functions, k, opc, rand, (auts ^ 1 << auts_bit).to_bytes(14, "big"))


def test_wrong_lengths_are_refused() -> None:
    for name, op_length in (("milenage", 16), ("tuak", 32)):
        functions = aka.functions(name)
        opc = bytes(op_length)
        for k, o, rand in ((b"", opc, bytes(16)), (bytes(16), opc[1:], bytes(16)), (bytes(16), opc, b"")):
            with pytest.raises(ValueError, match="octets"):
                functions.f2345(k, o, rand)
        with pytest.raises(ValueError, match="octets"):
            functions.f1(bytes(16), opc, bytes(16), b"", b"")
        with pytest.raises(ValueError, match="AUTN"):
            aka.verify_autn(functions, bytes(16), opc, bytes(16), bytes(15))
        with pytest.raises(ValueError, match="AUTS"):
            aka.auts_sqn(functions, bytes(16), opc, bytes(16), bytes(15))
    with pytest.raises(ValueError, match="24 octets, wanted 16"):
        milenage.f2345(bytes(24), bytes(16), bytes(16))
    with pytest.raises(ValueError, match="'comp128', wanted milenage or tuak"):
        aka.functions("comp128")
    with pytest.raises(ValueError, match="TUAK parameters"):
        tuak.Tuak(res_length=5)
