"""SNOW 3G and ZUC in C against the Python implementation, the official vectors, and the sanitizers."""

from __future__ import annotations

import json
import os
import random
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.crypto import native
from cinq.settings.network import NetworkSettings

VECTORS = Path(__file__).parent / "vectors"
BUILD = Path(native.__file__).with_name("build.py")
NAMES = native.Functions._fields
octets16 = st.binary(min_size=16, max_size=16)
word = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> native.Functions:
    """Compiled here and now, so that a stale object is not what is tested."""
    build = runpy.run_path(str(BUILD))
    if build["compiler"]() is None:
        pytest.skip("no C compiler: apt-get install gcc")
    target = tmp_path_factory.mktemp("native") / "algorithms.so.1"
    assert build["build"](target) == ""
    return native.load(target)


def vectors() -> Iterator[tuple[str, dict]]:
    for file in ("snow3g.json", "zuc.json"):
        for kind, sets in json.loads((VECTORS / file).read_text()).items():
            if kind in (*NAMES, "eia1"):
                for t in sets:
                    yield kind, t


@pytest.mark.parametrize(("kind", "t"), list(vectors()))
def test_official_vectors(compiled: native.Functions, kind: str, t: dict) -> None:
    second = t["fresh"] if "fresh" in t else t["bearer"] << 27 if kind == "eia1" else t["bearer"]
    function = compiled.f9 if kind == "eia1" else getattr(compiled, kind)
    data = bytes.fromhex(t["data"])
    found = function(bytes.fromhex(t["key"]), t["count"], second, t["direction"], data, t["bits"])
    assert found.hex() == t["output"]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(octets16, word, st.integers(0, 31), st.integers(0, 1), st.binary(max_size=100), st.data())
def test_c_is_python(
    compiled: native.Functions,
    name: str,
    key: bytes,
    count: int,
    bearer: int,
    direction: int,
    octets: bytes,
    data: st.DataObject,
) -> None:
    bits = data.draw(st.integers(0, len(octets) * 8))
    arguments = (key, count, bearer, direction, octets, bits)
    assert getattr(compiled, name)(*arguments) == getattr(native.PYTHON, name)(*arguments)


def test_every_length_in_bits(compiled: native.Functions) -> None:
    chance = random.Random(1)
    octets = chance.randbytes(70)
    for bits in range(len(octets) * 8 + 1):
        arguments = (chance.randbytes(16), chance.getrandbits(32), 1, bits & 1, octets, bits)
        for made, wanted in zip(compiled, native.PYTHON, strict=True):
            assert made(*arguments) == wanted(*arguments), bits


@given(octets16, word, word)
def test_fresh_is_a_word(compiled: native.Functions, key: bytes, count: int, fresh: int) -> None:
    arguments = (key, count, fresh, 1, b"message", 56)
    assert compiled.f9(*arguments) == native.PYTHON.f9(*arguments)


@pytest.mark.parametrize("name", NAMES)
def test_c_reads_no_more_than_there_is(compiled: native.Functions, name: str) -> None:
    function = getattr(compiled, name)
    for key, octets, bits in (
        (bytes(15), b"", 0),
        (bytes(17), b"", 0),
        (bytes(16), b"abc", 25),
        (b"", b"", 8),
    ):
        with pytest.raises(ValueError, match=f"found {len(key)} octets of key and {len(octets)} of message"):
            function(key, 0, 0, 0, octets, bits)


def test_an_object_that_is_none_or_wrong_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no C compiler"):
        native.load(tmp_path / "algorithms.so.1")
    (tmp_path / "text.so").write_text("this is no object")
    with pytest.raises(OSError, match=r"text\.so"):
        native.load(tmp_path / "text.so")
    gcc = shutil.which("cc")
    if gcc is None:
        pytest.skip("no C compiler: apt-get install gcc")
    names = ("cinq_f8", "cinq_f9", "cinq_eea3", "cinq_eia3")
    (tmp_path / "wrong.c").write_text("\n".join(f"unsigned {n}(void) {{ return 0; }}" for n in names))
    wrong = tmp_path / "wrong.so"
    subprocess.run([gcc, "-shared", "-fPIC", str(tmp_path / "wrong.c"), "-o", str(wrong)], check=True)
    with pytest.raises(OSError, match="wrong results"):
        native.load(wrong)


def test_without_a_compiler_python_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = runpy.run_path(str(BUILD))
    monkeypatch.setitem(build["build"].__globals__, "compiler", lambda: None)
    assert "no C compiler" in build["build"](tmp_path / "algorithms.so.1")
    assert not list(tmp_path.iterdir())


def test_the_doctor_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    from cinq import doctor

    monkeypatch.setattr(native, "WHY_PYTHON", "")
    (finding,) = doctor._ciphers(NetworkSettings())
    assert (finding.verdict, finding.mend) == ("ok", "")
    monkeypatch.setattr(native, "WHY_PYTHON", "algorithms.so.1 was not built at install")
    (finding,) = doctor._ciphers(NetworkSettings())
    assert (finding.verdict, finding.found) == ("degraded", "algorithms.so.1 was not built at install")
    assert finding.mend


PLAY = """
import sys
from pathlib import Path
from cinq.crypto import native
import random
chance = random.Random(2)
compiled = native.load(Path(sys.argv[1]))
for length in range(0, 300, 7):
    for bits in range(max(0, length * 8 - 40), length * 8 + 1, 3):
        for function in compiled:
            function(chance.randbytes(16), chance.getrandbits(32), 31, 1, chance.randbytes(length), bits)
print("played")
"""


def test_the_sanitizers_find_nothing(tmp_path: Path) -> None:
    gcc = shutil.which("gcc")
    found = (
        gcc and subprocess.run([gcc, "-print-file-name=libasan.so"], capture_output=True, text=True).stdout
    )
    if not found or not Path(found.strip()).exists():
        pytest.skip("no gcc with the address sanitizer: apt-get install gcc")
    build = runpy.run_path(str(BUILD))
    target = tmp_path / "algorithms.so.1"
    wrong = build["build"](target, ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
    if wrong:
        pytest.skip(f"this compiler has no sanitizers: {wrong[:200]}")
    environment = {**os.environ, "LD_PRELOAD": found.strip(), "ASAN_OPTIONS": "detect_leaks=0"}
    played = subprocess.run(
        [sys.executable, "-c", PLAY, str(target)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (played.returncode, played.stdout) == (0, "played\n"), played.stderr[-2000:]
