"""Pages of documentation as tests see them: their links, their files, their console blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Command:
    """A line after `$ ` in a console block, and the lines that it is said to print."""

    line: str
    output: tuple[str, ...]


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def links(page: Path) -> Iterator[str]:
    """Targets of links that are not addresses of the web."""
    text = BLOCK.sub("", page.read_text("utf-8"))
    return (target for target in LINK.findall(text) if "://" not in target)


def blocks(page: Path, kind: str) -> Iterator[tuple[str, str]]:
    """Fenced blocks of a kind: the name that follows the kind, and the text."""
    for block in BLOCK.finditer(page.read_text("utf-8")):
        found, _, name = block["info"].partition(" ")
        if found == kind:
            yield name.strip(), block["text"]


def files(page: Path) -> dict[str, str]:
    """The files that a page has its reader write: fenced blocks whose kind is followed by a name."""
    return {name: text for kind in ("toml", "csv", "text") for name, text in blocks(page, kind) if name}


def commands(page: Path) -> Iterator[Command]:
    """The commands of console blocks that need no root."""
    for _, text in blocks(page, "console"):
        line, output = "", list[str]()
        for each in [*text.splitlines(), "$ "]:
            if not each.startswith(("$ ", "# ")):
                output.append(each)
                continue
            if line:
                yield Command(line, tuple(output))
            line, output = each[2:] if each.startswith("$ ") else "", []
