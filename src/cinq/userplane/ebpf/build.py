"""Makes gtpu.o from gtpu.c: `python build.py`, run by the build hook too.

clang where it is on the path and has the bpf target, else zig from PyPI (ziglang). Without either the package
is complete but for the eBPF plane, and the TUN plane serves. Skipped when the object is younger than its source.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = (
    HERE / "gtpu.c",
    HERE / "bpf_min.h",
    HERE / "inner.h",
    HERE / "flows.h",
    HERE / "outer.h",
    HERE / "relay.h",
)
OBJECT = HERE / "gtpu.o"
ZIG = "ziglang==0.17.1"
FLAGS = ["-mcpu=v3", "-O2", "-g", "-c", str(SOURCES[0])]


def clang() -> str | None:
    """Path of a clang that has the bpf target."""
    found = shutil.which("clang")
    if not found:
        return None
    targets = subprocess.run([found, "--print-targets"], capture_output=True, text=True, check=False)
    return found if "bpfel" in targets.stdout else None


def command() -> list[str] | None:
    """The compiler with its target, or None when there is none."""
    found = clang()
    if found:
        return [found, "-target", "bpfel"]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-target", "bpfel-freestanding"]
    return None


def main() -> int:
    if OBJECT.exists() and OBJECT.stat().st_mtime >= max(source.stat().st_mtime for source in SOURCES):
        return 0
    compiler = command()
    if compiler is None:
        print(f"gtpu.o: neither clang with the bpf target nor {ZIG}: the eBPF plane will not be available")
        return 0
    draft = OBJECT.with_suffix(".o.new")
    made = subprocess.run([*compiler, *FLAGS, "-o", str(draft)], capture_output=True, text=True, check=False)
    if made.returncode:
        print(f"gtpu.o: {' '.join(compiler)} failed, the eBPF plane will not be available:\n{made.stderr}")
        return 0
    draft.replace(OBJECT)
    return 0


if __name__ == "__main__":
    main()
