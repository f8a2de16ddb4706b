"""Settings files that are built to hurt are refused at once, with file and line; what is legal passes."""

from __future__ import annotations

import time
import tomllib
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.settings import SettingsError, bounds, load, loads
from cinq.settings.network import NetworkSettings

HURTING = {
    "[network]\nx = " + "[" * 100_000: "f:2: found brackets within brackets more than 32 deep",
    "x = " + "{a=" * 50_000: "f:1: found brackets within brackets more than 32 deep",
    "[amf]\n\nn2_port = "
    + "1" * 100_000: "f:3: found a word or number of 100000 characters, wanted at most 255",
    ".".join("a" * 50_000) + " = 1": "f:1: found a key of more than 16 parts",
    "[" + ".".join("a" * 50_000) + "]": "f:1: found a key of more than 16 parts",
    " . ".join(['"a"'] * 30_000) + " = 1": "f:1: found a key of more than 16 parts",
    "[[dnn]]\n" * 30_000: "found more than 4096 tables",
    "# " + "x" * 2_000_000: "found 2000002 characters, wanted at most 262144",
    "x = " + "-1" * 60_000: "found a word or number of",
    'x = """' + '"' * 250_000: "not TOML",
    "x = '''" + "a\n" * 100_000: "not TOML",
    '"' * 250_000: "not TOML",
    "x = [" + "1," * 120_000 + "]": "unknown key",
    "\n".join(f"k{n} = 1" for n in range(20_000)): "unknown key",
    "[network]\ntacs = ["
    + ",".join(map(str, range(1, 40_000)))
    + "]": "network.tacs: found 39999, wanted at most",
}


@pytest.mark.parametrize("text", HURTING, ids=range(len(HURTING)))
def test_a_file_built_to_hurt(text: str) -> None:
    tracemalloc.start()
    begun = time.process_time()
    with pytest.raises(SettingsError) as caught:
        loads(NetworkSettings, text, "f")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert HURTING[text] in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert time.process_time() - begun < 10  # of a machine that has other work
    assert peak < 100_000_000


def test_what_stands_in_texts_and_comments_is_not_counted() -> None:
    text = f"# {'[' * 1000}\n[network]\nname = '{'.' * 100}' # {'1' * 1000}\n"
    assert loads(NetworkSettings, text).network.name == "." * 100


VALUES = st.recursive(
    st.one_of(
        st.integers(-(2**63), 2**63 - 1), st.booleans(), st.text(st.characters(codec="utf-8"), max_size=20)
    ),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    escaped = "".join(f"\\U{ord(c):08X}" if ord(c) < 32 or c in '"\\\x7f' else c for c in str(value))
    return f'"{escaped}"'


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True), VALUES, max_size=5))
def test_what_is_small_passes(tree: dict[str, object]) -> None:
    text = "".join(f"{key} = {_toml(value)}\n" for key, value in tree.items())
    assert tomllib.loads(text) == tree
    bounds.examine(text)


@given(st.text(max_size=300))
def test_any_text_is_settings_or_a_fault(text: str) -> None:
    try:
        loads(NetworkSettings, text, "f")
    except SettingsError as error:
        said = str(error)
    else:
        return
    assert said.startswith("f")


def test_a_file_without_an_end() -> None:
    with pytest.raises(SettingsError, match="wanted at most"):
        load(NetworkSettings, Path("/dev/zero"))
