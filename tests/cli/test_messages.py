"""What a user reads when something is in the way: what it is, and what mends it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sqlite3
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinq.cli import build
from cinq.cli.output import Failure
from cinq.procedure import Event
from cinq.trace import Exporter
from cinq.transport import sqlite
from cinq.transport.error import TransportError
from cinq.userplane.n3 import N3Socket

ADDRESS = IPv4Address("127.0.0.77")


def failure(*argv: str) -> Failure:
    """The failure that a verb ends with."""
    result = CliRunner().invoke(build(), list(argv))
    assert isinstance(result.exception, Failure), result.output
    return result.exception


def test_ue_without_gnb_says_to_start_one(tmp_path: Path) -> None:
    settings = tmp_path / "ue.toml"
    settings.write_text(f'radio = "{tmp_path}/radio"\n')
    found = failure("ue", "--config", str(settings))
    assert found.what == f"nobody listens at {tmp_path}/radio"
    assert "cinq gnb" in found.mend


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", ":1: found nothing, wanted a header with imsi, k and opc"),
        ("imsi;k;opc\n1;2;3\n", ":1: found imsi;k;opc, wanted a header with imsi, k and opc"),
        ("imsi,ki,opc\n1,2,3\n", ":2: ki: unknown column"),
    ],
)
def test_a_csv_that_is_none(tmp_path: Path, text: str, what: str) -> None:
    file, settings = tmp_path / "subscribers.csv", tmp_path / "core.toml"
    file.write_text(text)
    settings.write_text(f'[state]\nfolder = "{tmp_path}/state"\n')
    assert what in failure("subscriber", "import", str(file), "--config", str(settings)).what
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", ["999700000000007", "imsi-999700000000007"])
def test_one_ue_of_a_capture_by_its_imsi(tmp_path: Path, name: str) -> None:
    capture = tmp_path / "live.pcapng"
    with capture.open("wb") as file:
        exporter = Exporter(file)
        for number in (6, 7):
            octets = bytes.fromhex("7e005c000d0199f9070000000000000000") + bytes([number << 4])
            subject = f"imsi-99970000000000{number}"
            exporter.event(
                Event(float(number), "AMF", subject, "", "in", "N1", "IdentityResponse", octets=octets)
            )
    shown = CliRunner().invoke(build(), ["trace", "read", str(capture), "--ue", name])
    assert "1 messages" in shown.output, shown.output
    missing = failure("trace", "read", str(capture), "--ue", "999700000000009")
    assert "it has: imsi-99970…006, imsi-99970…007" in missing.what


def test_gtpu_port_in_use_names_port_and_process() -> None:
    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((str(ADDRESS), 2152))
            with pytest.raises(TransportError) as found:
                N3Socket(ADDRESS, asyncio.get_running_loop(), lambda octets, peer: None)
        assert "UDP port 2152 (GTP-U) on 127.0.0.77 is in use by process" in found.value.what
        assert "n3_address" in found.value.remedy

    asyncio.run(main())


def test_a_full_disk_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(sqlite, "_open", refuse)
    with pytest.raises(sqlite.StoreError, match="disk I/O error") as found:
        sqlite.SqliteStore(tmp_path / "cinq.sqlite")
    assert "disk is full" not in str(found.value)
    full = os.statvfs_result((4096, 4096, 10, 0, 0, 10, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    with pytest.raises(sqlite.StoreError, match=r"the disk is full \(disk I/O error\)"):
        sqlite.SqliteStore(tmp_path / "cinq.sqlite")


def test_verbose_is_ours_alone() -> None:
    from cinq.cli.output import logging_to_stderr

    before = logging.getLogger("cinq").level
    try:
        logging_to_stderr(True)
        assert logging.getLogger("cinq.x").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("pyroute2").isEnabledFor(logging.DEBUG)
    finally:
        logging.getLogger("cinq").setLevel(before)
