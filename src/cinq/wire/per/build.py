"""Writes cinq.wire.ngap.generated from pycrate's NGAP tree: the build hook runs it, and so may you.

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
OUTPUT = HERE.parent / "ngap" / "generated"
BASE = "cinq.wire.ngap.base"
STAMP = "stamp"


def fingerprint() -> str:
    """Changes whenever the output would."""
    digest = hashlib.sha256(sys.version.encode() + importlib.metadata.version("pycrate").encode())
    for source in sorted(HERE.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def write(files: dict[str, str], stamp: str) -> None:
    """Replaces the output folder's files one by one, so that a reader never finds half a file; the stamp is last."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / STAMP).unlink(missing_ok=True)
    for old in OUTPUT.glob("*.py*"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        partial = OUTPUT / f".{name}.{os.getpid()}"
        partial.write_text(text, encoding="utf-8")
        partial.replace(OUTPUT / name)
        if name.endswith(".py"):
            py_compile.compile(str(OUTPUT / name), doraise=True)
    (OUTPUT / STAMP).write_text(stamp, encoding="utf-8")


def main() -> None:
    stamp = fingerprint()
    written = OUTPUT / STAMP
    if "--force" not in sys.argv and written.exists() and written.read_text(encoding="utf-8") == stamp:
        return
    source = str(HERE.parents[2])
    sys.path.insert(0, source)
    try:
        from cinq.wire.per.layout import generate

        write(generate(BASE), stamp)
    finally:
        sys.path.remove(source)


if __name__ == "__main__":
    main()
