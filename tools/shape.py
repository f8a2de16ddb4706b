"""The shape of the house: files of at most 500 lines, functions of at most 40. Exit 1 names what is larger."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

FILE_LINES = 500
FUNCTION_LINES = 40
ROOT = Path(__file__).parent.parent


def faults(path: Path) -> list[str]:
    """What is too large in one file. A docstring and a signature do not count as a function's lines.

    A test may be as long as the call flow that it tells.
    """
    text = path.read_text()
    lines = len(text.splitlines())
    found = [f"{path}: {lines} lines, at most {FILE_LINES}"] if lines > FILE_LINES else []
    if path.is_relative_to(ROOT / "tests"):
        return found
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
        length = (body[-1].end_lineno or 0) - body[0].lineno + 1
        if length > FUNCTION_LINES:
            found.append(f"{path}:{node.lineno}: {node.name}: {length} lines, at most {FUNCTION_LINES}")
    return found


def main() -> int:
    listed = subprocess.run(
        [
            "git",
            "-C",
            str(ROOT),
            "ls-files",
            "-co",
            "--exclude-standard",
            "src/*.py",
            "tests/*.py",
            "tools/*.py",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    found = [fault for name in listed if (ROOT / name).exists() for fault in faults(ROOT / name)]
    print("\n".join(found) or f"shape: {len(listed)} files hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
