"""gtpu.o and its loader: layouts that agree, files that are refused."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.userplane.ebpf import build
from cinq.userplane.ebpf import maps as layout
from cinq.userplane.ebpf.loader import ObjectError, ObjectFile
from cinq.userplane.ebpf.plane import OBJECT
from cinq.userplane.rules import Action, Reason

SOURCE = OBJECT.with_name("gtpu.c").read_text()


@pytest.fixture(scope="module")
def octets() -> bytes:
    if not OBJECT.exists():
        pytest.skip("gtpu.o was not built: no clang and no ziglang at install")
    return OBJECT.read_bytes()


def names_of(enum: str) -> list[str]:
    found = re.search(rf"enum {enum} {{([^}}]*)}}", SOURCE)
    assert found
    return [name.split("=")[0].strip() for name in found[1].split(",")]


def test_reasons_and_actions_are_those_of_the_rules() -> None:
    assert names_of("reason") == [*(reason.name for reason in Reason), "REASONS"]
    assert "enum { DROP = 0, FORWARD = 1, BUFFER = 2 };" in SOURCE
    assert [(a.name, a.value) for a in Action] == [("DROP", 0), ("FORWARD", 1), ("BUFFER", 2)]


def test_structures_have_the_sizes_of_the_object(octets: bytes) -> None:
    found = {d.name: (d.key, d.value) for d in ObjectFile(octets).definitions}
    for name, structure in layout.SIZES.items():
        assert found[name][1] == structure.size, name
    assert found["protected"][0] == layout.ENDPOINT.size
    assert found["networks"][0] == layout.NETWORK.size
    assert found["networks6"][0] == layout.NETWORK6.size
    assert set(ObjectFile(octets).programs) == {"decap", "encap_n6", "encap_pool", "encap_ue"}


def test_files_that_are_no_object() -> None:
    for wrong in (b"", b"\x7fELF", bytes(100), b"\x7fELF\x02\x01" + bytes(100)):
        with pytest.raises(ObjectError):
            ObjectFile(wrong)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(at=st.integers(0, 1 << 20), value=st.integers(0, 255))
def test_a_damaged_object_is_an_object_error_or_none(at: int, value: int) -> None:
    if not OBJECT.exists():
        pytest.skip("gtpu.o was not built")
    damaged = bytearray(OBJECT.read_bytes())
    damaged[at % len(damaged)] = value
    struct.pack_into("<H", damaged, 18, 247)
    try:
        ObjectFile(bytes(damaged))
    except ObjectError:
        return


def test_the_builder_says_when_it_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "OBJECT", tmp_path / "gtpu.o")
    monkeypatch.setattr(build, "clang", lambda: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert build.main() == 0
    assert "eBPF plane will not be available" in capsys.readouterr().out
    assert not (tmp_path / "gtpu.o").exists()
