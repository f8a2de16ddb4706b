"""What a user reads when something is in the way: what it is, and what mends it."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import socket
import sqlite3
import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinq import cli
from cinq.cli import build
from cinq.cli.output import Failure
from cinq.lab import rootless
from cinq.procedure import Event
from cinq.trace import Exporter
from cinq.transport import local, sqlite
from cinq.transport.error import TransportError
from cinq.transport_address import TransportAddress
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
        ("imsi;k;opc\n1;2;3\n", ":2: imsi: IMSI: found '1', wanted 6 to 15 decimal digits"),
        ("imsi,kx,opc\n1,2,3\n", ":2: kx: unknown column"),
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
                N3Socket(TransportAddress(ADDRESS), asyncio.get_running_loop(), lambda octets, peer: None)
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


def capture_of(tmp_path: Path) -> Path:
    path = tmp_path / "run.pcapng"
    with path.open("wb") as file:
        Exporter(file)
    return path


def test_trace_read_says_what_is_wrong_with_its_files(tmp_path: Path) -> None:
    keys, capture = tmp_path / "keys.csv", str(capture_of(tmp_path))
    assert failure("trace", "read", capture, "--keys", str(keys)).what == f"{keys}: No such file or directory"
    keys.write_bytes(b"\xb7\0")
    assert (
        f"{keys}:1: found ·, wanted a header with imsi"
        in failure("trace", "read", capture, "--keys", str(keys)).what
    )
    keys.write_text("imsi,k,opc\n999700000000001,46,47\n")
    assert (
        f"{keys}:2: k: found 2 digits, wanted 32"
        in failure("trace", "read", capture, "--keys", str(keys)).what
    )
    assert failure("trace", "read", str(tmp_path)).what == f"{tmp_path}: Is a directory"


def test_a_capture_is_not_written_over_before_there_is_a_core(tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.pcapng"
    earlier.write_text("of yesterday")
    nowhere = str(tmp_path / "nowhere")
    assert "nobody listens" in failure("trace", "live", "--write", str(earlier), "--socket", nowhere).what
    assert earlier.read_text() == "of yesterday"


@pytest.mark.parametrize("bench", ["control-plane", "user-plane"])
def test_a_bench_says_before_it_runs_that_its_file_cannot_be_written(bench: str, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none" / "figures.json"):
        assert failure("bench", bench, "--output", str(place)).what == f"--output {place}: cannot be written"


def test_a_demo_says_before_it_runs_that_its_folder_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rootless, "privileged", lambda: True)
    taken = tmp_path / "file"
    taken.touch()
    found = failure("demo", "--folder", str(taken))
    assert found.what == f"{taken}: file exists"
    assert "--folder" in found.mend


@pytest.mark.parametrize(
    ("option", "value", "what"),
    [
        ("--count", "0", "--count: found 0, wanted 1 to 1000000"),
        ("--imsi", "abc", "--imsi: IMSI: found 'abc', wanted 6 to 15 decimal digits"),
        ("--imsi", "", "--imsi: IMSI: found '', wanted 6 to 15 decimal digits"),
    ],
)
def test_ue_options_out_of_range(option: str, value: str, what: str) -> None:
    assert failure("ue", option, value).what == what


def test_an_n2_address_that_is_none(tmp_path: Path) -> None:
    settings = tmp_path / "gnb.toml"
    settings.write_text('n2_address = "amf"\n')
    what = failure("gnb", "--config", str(settings)).what
    assert what == f"{settings}:1: n2_address: found 'amf', wanted an IP address, or nothing"


def test_a_radio_socket_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    async def main() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "create_unix_connection", refused, raising=False)
        with pytest.raises(TransportError, match="another user's: permission denied") as found:
            await local.connect(str(tmp_path / "radio"), lambda _: Deaf())
        assert found.value.remedy.startswith("sudo ")

    asyncio.run(main())


class Deaf:
    def frame(self, octets: bytes) -> None: ...

    def lost(self, reason: str) -> None: ...


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (PermissionError(13, "Permission denied", "/root/x"), 1, "cinq: /root/x: permission denied"),
        (TransportError("no port", "stop its holder"), 1, "cinq: no port\nmend: stop its holder"),
        (BrokenPipeError(), 141, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_escapes_a_verb_is_no_traceback(
    raised: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def program() -> None:
        raise raised

    monkeypatch.setattr(cli, "build", lambda names: program)
    monkeypatch.setattr(sys, "argv", ["cinq", "doctor"])
    if code == 141:
        monkeypatch.setattr(sys, "stderr", io.StringIO())
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert capsys.readouterr().err.strip() == said
