"""A commented target file, made from the keys themselves, and those of cores that are known."""

from __future__ import annotations

import textwrap
from dataclasses import fields

from cinq.assurance.target import Document, Target
from cinq.ran.scenarios.target import Subscribers
from cinq.settings import document

INTRO = """\
# A product under test, for `cinq assess run --target FILE`.
# Keys that are commented out have the value shown.
"""
ROWS = {"subscribers": Subscribers, "document": Document}
KEY = "00112233445566778899aabbccddeeff"


def template() -> str:
    """The text of a target file in which every key is explained."""
    parts = [INTRO]
    for field in fields(Target):
        shape = ROWS.get(field.name, field.default_factory)
        heading = f"[[{field.name}]]" if field.name in ROWS else f"[{field.name}]"
        heading = f"# {heading}" if shape is Document else heading  # there may be none
        lines = [heading]
        for key in document(shape):  # type: ignore[arg-type]  # a dataclass is its own factory
            lines += textwrap.wrap(f"# {key.doc}", 110, subsequent_indent="# ")
            lines.append(f"# {key.path} = {key.default}" if key.default != "(none)" else f'# {key.path} = ""')
        parts.append("\n".join(lines) + "\n")
    filled = {'# k = ""': f'k = "{KEY}"', '# opc = ""': f'opc = "{KEY}"', "# count = 1": "count = 10"}
    text = "\n".join(parts)
    for empty, full in filled.items():
        text = text.replace(empty, full)
    return text
