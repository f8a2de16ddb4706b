"""Makes algorithms.so.1 from algorithms.c: `python build.py`, run by the build hook too.

The tables are those of snow3g.py and zuc.py. cc, gcc or clang where one is on the path, else zig from PyPI (ziglang)
where it is there. Without a compiler the package is complete: the Python implementations serve. Skipped when the object
is younger than its sources. Its name is not that of a Python extension, which it is not.
"""

from __future__ import annotations

import importlib.util
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
OBJECT = HERE / "algorithms.so.1"
PYTHON = (HERE.parent / "snow3g.py", HERE.parent / "zuc.py")
SOURCES = (HERE / "algorithms.c", Path(__file__), *PYTHON)
FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden"]


def compiler() -> list[str] | None:
    """The command of a C compiler for this machine, or None when there is none."""
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    return None


def tables() -> str:
    """tables.h: the boxes and what is worked out of them, by the modules' own code."""
    snow3g, zuc = (runpy.run_path(str(path)) for path in PYTHON)
    lines = []
    for name in ("A0", "A1", "A2", "A3", "B0", "B1", "B2", "B3", "MUL_ALPHA", "DIV_ALPHA"):
        lines.append(_array("uint32_t", name, snow3g[f"_{name}"]))
    for kind, name, values in (
        ("uint8_t", "S0", zuc["S0"]),
        ("uint8_t", "S1", zuc["S1"]),
        ("uint16_t", "D", zuc["_D"]),
    ):
        lines.append(_array(kind, name, values))
    return "\n".join(lines)


def _array(kind: str, name: str, values: Sequence[int]) -> str:
    return f"static const {kind} {name}[{len(values)}] = {{{', '.join(f'{v:#x}' for v in values)}}};"


def build(target: Path, extra: Sequence[str] = ()) -> str:
    """Compiles to `target`. What went wrong, or nothing."""
    command = compiler()
    if command is None:
        return "there is no C compiler (cc, gcc or clang)"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tables.h").write_text(tables())
        draft = target.with_name(f"{target.name}.new")
        made = subprocess.run(
            [*command, *FLAGS, *extra, f"-I{folder}", str(SOURCES[0]), "-o", str(draft)],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            return f"{' '.join(command)} failed:\n{made.stderr}"
        draft.replace(target)
    return ""


def main() -> int:
    if OBJECT.exists() and OBJECT.stat().st_mtime >= max(source.stat().st_mtime for source in SOURCES):
        return 0
    if wrong := build(OBJECT):
        print(f"algorithms.so.1: {wrong}: NIA1, NIA3, NEA1 and NEA3 will be slow")
    return 0


if __name__ == "__main__":
    main()
