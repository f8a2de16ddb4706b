"""Captures compressed with gzip or Zstandard are read as they are; a damaged one says so."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from cinq.transport import frames, pcap
from cinq.transport.compressed import open_capture, zstd
from cinq.transport.pcap import PcapError

COMPRESS = {"gz": gzip.compress, "zst": zstd.compress}


def capture(packets: int = 2000) -> bytes:
    file = io.BytesIO()
    writer = pcap.Writer(file)
    writer.interface(pcap.ETHERNET)
    for n in range(packets):
        writer.packet(n, frames.udp(("10.0.0.1", 1), ("10.0.0.2", 2), n.to_bytes(4, "big")))
    return file.getvalue()


@pytest.mark.parametrize("form", [*COMPRESS, "plain"])
def test_opens_directly(form: str, tmp_path: Path) -> None:
    path = tmp_path / "capture"  # what is in the file counts, not its name
    octets = capture()
    path.write_bytes(COMPRESS[form](octets) if form in COMPRESS else octets)
    file, below = open_capture(path)
    with file, below:
        assert len(list(pcap.Reader(file))) == 2000
        assert below.tell() == path.stat().st_size


@pytest.mark.parametrize("form", COMPRESS)
def test_a_file_cut_off_gives_what_it_has(form: str, tmp_path: Path) -> None:
    path = tmp_path / "capture"
    whole = COMPRESS[form](capture(20000))
    path.write_bytes(whole[: len(whole) // 2])
    file, below = open_capture(path)
    found: list[pcap.Packet] = []
    with file, below, pytest.raises(PcapError, match="cut off"):
        found.extend(pcap.Reader(file))
    assert len(found) > 5000


@pytest.mark.parametrize("form", COMPRESS)
def test_a_damaged_file_says_so(form: str, tmp_path: Path) -> None:
    path = tmp_path / "capture"
    whole = bytearray(COMPRESS[form](capture()))
    whole[4:40] = bytes(range(200, 236))
    path.write_bytes(bytes(whole))
    file, below = open_capture(path)
    with file, below, pytest.raises(PcapError):
        list(pcap.Reader(file))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_capture(tmp_path / "absent")
