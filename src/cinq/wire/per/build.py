"""Writes cinq.wire.ngap.generated and cinq.wire.xnap.generated from pycrate's trees: the build hook runs it, and so may
you.

    python src/cinq/wire/per/build.py [--force]

Nothing is done when the output is as new as the generator, pycrate and the Python in use. The output is
byte-compiled at once, since reading 2 MB of source takes half a second and PYTHONDONTWRITEBYTECODE may be set.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import py_compile
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASE = "cinq.wire.per.base"
STAMP = "stamp"
PROTOCOLS = ("ngap", "xnap")


def fingerprint() -> str:
    """Changes whenever the output would."""
    digest = hashlib.sha256(sys.version.encode() + importlib.metadata.version("pycrate").encode())
    for source in sorted(HERE.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def write(output: Path, files: dict[str, str], stamp: str) -> None:
    """Replaces the output folder's files one by one, so that a reader never finds half a file; the stamp is last."""
    output.mkdir(parents=True, exist_ok=True)
    (output / STAMP).unlink(missing_ok=True)
    for old in output.glob("*.py*"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        partial = output / f".{name}.{os.getpid()}"
        partial.write_text(text, encoding="utf-8")
        partial.replace(output / name)
        if name.endswith(".py"):
            py_compile.compile(str(output / name), doraise=True)
    (output / STAMP).write_text(stamp, encoding="utf-8")


def main() -> None:
    stamp = fingerprint()
    source = str(HERE.parents[2])
    sys.path.insert(0, source)
    try:
        for folder in PROTOCOLS:
            output = HERE.parent / folder / "generated"
            written = output / STAMP
            if "--force" in sys.argv or not written.exists() or written.read_text(encoding="utf-8") != stamp:
                _generate(folder, output, stamp)
    finally:
        sys.path.remove(source)


def _generate(folder: str, output: Path, stamp: str) -> None:
    from cinq.wire.per.layout import generate
    from cinq.wire.per.protocols import SOURCES

    write(output, generate(SOURCES[folder], BASE), stamp)


if __name__ == "__main__":
    main()
