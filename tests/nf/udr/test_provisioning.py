"""Subscribers by hand and by CSV: what is kept, and faults that name line and column and never show a key."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

import pytest

from cinq.nf.udr.provisioning import (
    ImportFault,
    Subscriber,
    get,
    parse,
    put,
    read_csv,
    remove,
    subscribers,
)
from cinq.numbering import SNssai, Supi
from cinq.procedure.store import MemoryStore

K, OPC, OP = (
    "465B5CE8B199B49FAA5F0A2EE238A6BC",
    "E8ED289DEBA952E4283B54E88E6183CA",
    "cdc202d5123e20f62b6d676ac72cb318",
)

ROW = f"999700000000001,{K},{OPC}\n"


def test_what_is_put_is_got() -> None:
    store = MemoryStore()
    subscriber = Subscriber(
        Supi("999700000000001"),
        bytes.fromhex(K),
        bytes.fromhex(OPC),
        b"\x80\x01",
        0x20,
        slices=(SNssai(1), SNssai(2, 0xFF)),
        dnns=("internet", "ims"),
        static_ip=IPv4Address("10.45.0.9"),
        static_prefix=IPv6Network("2001:db8:45:7::/64"),
        framed_routes=(IPv4Network("198.51.100.0/24"), IPv6Network("2001:db8:99::/48")),
        ambr_uplink="50 Mbps",
        five_qi=7,
    )
    put(store, subscriber)
    assert get(store, subscriber.supi) == subscriber
    assert list(subscribers(store)) == [subscriber.supi]
    assert remove(store, subscriber.supi)
    assert not remove(store, subscriber.supi)
    assert get(store, subscriber.supi) is None


def test_op_becomes_opc() -> None:
    """TS 35.208 test set 1: K and OP give OPc."""
    made = parse({"imsi": "999700000000001", "k": K, "op": OP})
    assert made.opc.hex() == "cd63cb71954a9f4e48a5994e37a02baf"


def test_tuak() -> None:
    made = parse({"imsi": "999700000000001", "k": K, "opc": "ab" * 32, "algorithm": "TUAK"})
    store = MemoryStore()
    put(store, made)
    assert get(store, made.supi) == made


def test_a_file_with_many(tmp_path: Path) -> None:
    path = tmp_path / "sims.csv"
    rows = "".join(f"99970{i:010d},{K},{OPC},internet ims,1 2-0000ff\n" for i in range(1, 1001))
    path.write_text("imsi,k,opc,dnns,slices\n" + rows)
    found = read_csv(path)
    assert len(found) == 1000
    assert found[999].slices == (SNssai(1), SNssai(2, 0xFF))


def test_a_heading_with_the_supi_and_capitals(tmp_path: Path) -> None:
    path = tmp_path / "sims.csv"
    path.write_text(f"SUPI, K,OPc\nimsi-999700000000001,{K},{OPC}\n")
    (found,) = read_csv(path)
    assert (found.supi, found.opc.hex()) == (Supi("999700000000001"), OPC.lower())


FAULTS = {
    f"imsi,k,opc\n12x,{K},{OPC}\n": "sims.csv:2: imsi: IMSI: found '12x', wanted 6 to 15 decimal digits",
    f"imsi,k,opc\n999700000000001,{K[:-2]},{OPC}\n": "sims.csv:2: k: found 30 hexadecimal digits, wanted 32",
    f"imsi,k,opc\n999700000000001,{K[:-1]}g,{OPC}\n": "sims.csv:2: k: found 32 characters, wanted an even number",
    f"imsi,k,opc\n999700000000001,{K},\n": "sims.csv:2: opc: neither opc nor op is given",
    f"imsi,k,opc,op\n999700000000001,{K},{OPC},{OP}\n": "sims.csv:2: op: both op and opc are given",
    f"imsi,k,opc,colour\n999700000000001,{K},{OPC},red\n": "sims.csv:2: colour: unknown column; known: imsi",
    f"imsi,k,opc\n999700000000001,{K},{OPC},x\n": "sims.csv:2: found more cells than the header has columns",
    f"imsi,k,opc\n999700000000001,{K},{OPC}\n" * 1
    + f"999700000000001,{K},{OPC}\n": "sims.csv:3: imsi: already on line 2",
    f"imsi,k,opc,slices\n999700000000001,{K},{OPC},1-xx\n": "sims.csv:2: slices: SD: found 'xx'",
    f"imsi,k,opc,dnns\n999700000000001,{K},{OPC},a_b\n": "sims.csv:2: dnns: DNN: found 'a_b'",
    f"imsi,k,opc,framed_routes\n999700000000001,{K},{OPC},10.9.0.1/24\n": "sims.csv:2: framed_routes: found '10.",
    f"imsi,k,opc,static_prefix\n999700000000001,{K},{OPC},fd45::/48\n": "sims.csv:2: static_prefix: found 'fd45",
    f"imsi,k,opc,static_ip\n999700000000001,{K},{OPC},1.2.3\n": "sims.csv:2: static_ip: found '1.2.3', wanted an IPv4",
    f"imsi,k,opc,ambr_uplink\n999700000000001,{K},{OPC},fast\n": "sims.csv:2: ambr_uplink: bit rate: found 'fast'",
    f"imsi,k,opc,five_qi\n999700000000001,{K},{OPC},0\n": "sims.csv:2: five_qi: found 0, wanted 1 to 254",
    "name\nx\n": "sims.csv:1: found name, wanted a header with imsi, k and opc",
    "": "sims.csv:1: found nothing, wanted a header",
    'imsi,k,opc\n"999\n': "sims.csv:2: not CSV: unexpected end of data",
}


@pytest.mark.parametrize("text", FAULTS)
def test_faults_say_where_and_what(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sims.csv"
    path.write_text(text)
    with pytest.raises(ImportFault) as caught:
        read_csv(path)
    said = str(caught.value)
    assert FAULTS[text] in said
    assert K[:20] not in said


def test_keys_are_not_in_the_representation() -> None:
    made = parse({"imsi": "999700000000001", "k": K, "opc": OPC})
    assert K.lower() not in repr(made).lower()
