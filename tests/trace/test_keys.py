"""Key files and options: what they take, and how they say what is wrong without showing a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from cinq.crypto import aka
from cinq.numbering import PlmnId, Suci, Supi
from cinq.trace import Keys, KeysError, Subscriber, parse_home_network_key, read_keys

from .conftest import HOME_KEY, OPC, K

OP = "cdc202d5123e20f62b6d676ac72cb318"
ROW = f"999700000000001,{K.hex()},{OPC.hex()},8000"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "subscribers.csv"
    path.write_text(text)
    return path


def test_a_file_of_the_documented_columns(tmp_path: Path) -> None:
    keys = read_keys(written(tmp_path, f"imsi,k,opc,amf\n{ROW}\n\n"), [HOME_KEY])
    assert keys.subscribers == (Subscriber(Supi("999700000000001"), K, OPC),)
    assert (keys.home_network[0].key_id, keys.home_network[0].scheme) == (1, 1)


def test_the_file_of_subscriber_import_serves(tmp_path: Path) -> None:
    text = (
        f"IMSI, K, OP, sqn, algorithm, dnns\nimsi-999700000000001, {K.hex()}, {OP}, 0, milenage, internet\n"
    )
    (subscriber,) = read_keys(written(tmp_path, "\ufeff" + text)).subscribers
    assert subscriber.opc == aka.functions("milenage").compute_opc(K, bytes.fromhex(OP))


def test_a_heading_with_the_supi(tmp_path: Path) -> None:
    text = f"supi,k,opc,amf\nimsi-{ROW}\n"
    assert read_keys(written(tmp_path, text)).subscribers == (Subscriber(Supi("999700000000001"), K, OPC),)


def test_tuak(tmp_path: Path) -> None:
    text = f"imsi,k,opc,algorithm\n999700000000001,{K.hex()},{OP * 2},TUAK\n"
    (subscriber,) = read_keys(written(tmp_path, text)).subscribers
    assert (subscriber.algorithm, len(subscriber.opc)) == ("tuak", 32)
    functions, rand = aka.functions("tuak"), bytes(16)
    vector = aka.generate_vector(functions, K, subscriber.opc, rand, 32, b"\x80\0", "5G:x")
    assert subscriber.answers(rand, vector.autn) is not None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", ":1: found nothing, wanted a header with imsi, k and opc"),
        ("name,ki,opc\n", ":1: found name,ki,opc, wanted a header with imsi"),
        (f"imsi,k,opc,amf\n{ROW}\n99970x,{K.hex()},{OPC.hex()},8000\n", ":3: IMSI: found '99970x'"),
        (f"imsi,k,opc,amf\n999700000000001,{K.hex()}00,{OPC.hex()},8000\n", ":2: k: found 34 digits"),
        (f"imsi,k,opc,amf\n999700000000001,{'zz' * 16},,8000\n", "k: found characters that are not hex"),
        (f"imsi,k,opc,amf\n999700000000001,{K.hex()},,8000\n", "opc: found nothing, wanted opc or op"),
        (f"imsi,k,opc\n999700000000001,{K.hex()}\n", "opc: found nothing"),
        (f"imsi,k,opc,algorithm\n{ROW[:-5]},comp128\n", "'comp128', wanted milenage or tuak"),
    ],
)
def test_a_faulty_file_says_file_line_column(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(KeysError, match=what) as caught:
        read_keys(written(tmp_path, text))
    assert "subscribers.csv" in str(caught.value)
    assert K.hex() not in str(caught.value)


def test_an_absent_or_binary_file(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="absent"):
        read_keys(tmp_path / "absent.csv")
    (tmp_path / "x").write_bytes(b"\xff\xfe\0\0")
    with pytest.raises(KeysError):
        read_keys(tmp_path / "x")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1:A", "found 2 parts"),
        ("256:A:" + "00" * 32, "ID '256'"),
        ("1:C:" + "00" * 32, "SCHEME 'C'"),
        ("1:A:00", "found 2 digits, wanted 64"),
        ("1:B:" + "00" * 32, "private key"),
    ],
)
def test_a_faulty_home_network_key(text: str, what: str) -> None:
    with pytest.raises(KeysError, match=what):
        parse_home_network_key(text)


def test_secrets_are_not_in_a_repr() -> None:
    keys = Keys((Subscriber(Supi("999700000000001"), K, OPC),), (parse_home_network_key(HOME_KEY),))
    assert K.hex() not in repr(keys)
    assert repr(K) not in repr(keys)
    assert "private_key" not in repr(keys)


def test_a_suci_is_revealed_by_the_key_of_its_id_and_scheme() -> None:
    plmn = PlmnId("999", "70")
    keys = Keys((), (parse_home_network_key(HOME_KEY),))
    output = bytes.fromhex(
        "4f85d7b30f6506a824b488379ad62a435a1fe363981c61087960b40ed23b8a202107e20eb70d069c4227e22ec3"
    )
    assert keys.supi_of(Suci(plmn, "0", 1, 1, output)) == Supi("999700000000001")
    assert keys.supi_of(Suci(plmn, "0", 1, 2, output)) is None
    assert keys.supi_of(Suci(plmn, "0", 2, 1, output)) is None
    assert keys.supi_of(Suci(plmn, "0", 1, 1, output[:-1] + b"x")) is None
