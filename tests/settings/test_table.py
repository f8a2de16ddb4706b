"""CSV files of subscribers as vendors, spreadsheets and other cores write them, and as nobody should."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cinq.settings import table
from cinq.settings.table import TableError, read

K, OPC = "465b5ce8b199b49faa5f0a2ee238a6bc", "e8ed289deba952e4283b54e88e6183ca"
IMSI = "999700000000001"
WANTED = {"imsi": IMSI, "k": K, "opc": OPC}
SPACED = " ".join(K[i : i + 2] for i in range(0, 32, 2))

FILES = {
    "ours": f"imsi,k,opc\n{IMSI},{K},{OPC}\n",
    "a card vendor's": f'"IMSI";"ICCID";"ACC";"PIN1";"PUK1";"PIN2";"PUK2";"Ki";"OPC";"ADM1";"KIC1";"KID1";"KIK1"\n'
    f'"{IMSI}";"8988211000000000000";"0001";"1234";"12345678";"1234";"12345678";"{K}";"{OPC}";"1";"2";"3";"4"\n',
    "a card writer's": f"name,iccid,mcc,mnc,imsi,smsp,ki,opc,adm1\nTest,898821,999,70,{IMSI},,{K},{OPC},12345678\n",
    "tabs": f"IMSI\tKI\tOPc\n{IMSI}\t{K}\t{OPC}\n",
    "bars": f"Ue-Id|Permanent Key|OPc Value\n{IMSI}|{K}|{OPC}\n",
    "0x and spaces": f"imsi,k,opc\n999 70 0000000001,{SPACED},0x{OPC}\n",
    "colons": f"imsi,k,opc\n{IMSI},{':'.join(SPACED.split())},0X{OPC}\n",
    "comments and empty lines": f"# ours\n\nimsi,k,opc\n# one\n,,\n{IMSI},{K},{OPC}\n\n",
    "an op type": f"IMSI,Key,OP_Type,OP/OPc\n{IMSI},{K},opc,{OPC}\n",
    "a heading in a comment": f'# Kept in the following format: "Name,IMSI,Key,OP_Type,OP/OPc"\n#\n# IMSI: digits\n'
    f"ue1,{IMSI},{K},opc,{OPC}\n",
    "no line end": f"imsi,k,opc\n{IMSI},{K},{OPC}",
    "more commas than cells": f"imsi,k,opc\n{IMSI},{K},{OPC},,,\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", FILES)
def test_files_of_others(tmp_path: Path, name: str, line_end: str, encoding: str) -> None:
    path = tmp_path / "sims.csv"
    path.write_bytes(FILES[name].replace("\n", line_end).encode(encoding))
    (row,) = read(path)
    assert {name: cell for name, cell in row.cells.items() if cell} == WANTED


def test_an_accent_in_a_name(tmp_path: Path) -> None:
    for encoding in ("utf-8", "latin-1", "utf-16"):
        path = tmp_path / "sims.csv"
        path.write_bytes(f"name;imsi;ki;opc\nZürich;{IMSI};{K};{OPC}\n".encode(encoding))
        assert [row.cells for row in read(path)] == [WANTED]


def test_op_by_its_type(tmp_path: Path) -> None:
    path = tmp_path / "sims.csv"
    path.write_text(f"imsi,ki,op_type,op_opc\n{IMSI},{K},OP,{OPC}\n{IMSI},{K},0,{OPC}\n{IMSI},{K},1,{OPC}\n")
    assert [set(row.cells) - {"imsi", "k"} for row in read(path)] == [{"op"}, {"opc"}, {"op"}]


FAULTS = {
    "imsi,ki,key\n": ":1: two columns for k",
    f"imsi,k,opc\n9.9970E+14,{K},{OPC}\n": ":2: imsi: a spreadsheet has rounded it: format the column as text",
    f'imsi,k,opc\n# x\n"{IMSI}"x,{K},{OPC}\n': ":3: not CSV: ',' expected after '\"'",
    f"imsi,k,opc\n{IMSI},{'0' * 70000},{OPC}\n": ":2: found a line of 70049 characters, wanted at most 65536",
    "imsi," + "a," * 300 + "\n": ":1: found 302 columns, wanted at most 256",
    "# nothing\n": ":1: found nothing, wanted a header",
    "\0\1\2": "not UTF-16",
    "\1\2\3": ":1: found ???, wanted a header",
}


@pytest.mark.parametrize("text", FAULTS, ids=range(len(FAULTS)))
def test_faults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sims.csv"
    path.write_bytes(text.encode())
    with pytest.raises(TableError) as caught:
        list(read(path))
    assert FAULTS[text] in str(caught.value)
    assert str(path) in str(caught.value)


@given(octets=st.binary(max_size=400))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=200,
    deadline=None,
)
def test_any_octets_are_a_table_or_a_fault(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "sims.csv"
    for before in (b"", b"imsi,k,opc\n", b'imsi;k;opc\n"'):
        path.write_bytes(before + octets)
        try:
            list(read(path))
        except TableError as error:
            said = str(error)
        else:
            continue
        assert str(path) in said


@pytest.mark.parametrize(
    "pattern", ["imsi,k,opc\n" + '"' * 2_000_000, "a" * 3_000_000, "\n" * 3_000_000, ",\n" * 1_000_000]
)
def test_a_file_built_to_hurt(tmp_path: Path, pattern: str) -> None:
    path = tmp_path / "sims.csv"
    path.write_text(pattern)
    tracemalloc.start()
    begun = time.process_time()
    with pytest.raises(TableError):
        list(read(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - begun < 20
    assert peak < 40_000_000


def test_a_file_beyond_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "FILE_LIMIT", 1 << 20)
    path = tmp_path / "sims.csv"
    path.write_text("imsi,k,opc\n" * 100_000)
    with pytest.raises(TableError, match="found more than 1 MiB"):
        list(read(path))
