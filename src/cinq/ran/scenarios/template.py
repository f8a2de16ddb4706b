"""A commented target file, made from the keys themselves."""

from __future__ import annotations

import textwrap

from cinq.ran.scenarios.target import Core, Knobs, Radio, Subscribers
from cinq.settings import document

_INTRO = """\
# A core under test, for `cinq scenario run all --target FILE`.
# Keys that are commented out have the value shown.
name = "core under test"
"""


def template() -> str:
    """The text of a target file in which every key is explained."""
    parts = [_INTRO]
    for heading, shape in (
        ("[core]", Core),
        ("[radio]", Radio),
        ("[[subscribers]]", Subscribers),
        ("[knobs]", Knobs),
    ):
        lines = [heading]
        for key in document(shape):
            lines += textwrap.wrap(f"# {key.doc}", 110, subsequent_indent="# ")
            lines.append(f"# {key.path} = {key.default}")
        parts.append("\n".join(lines) + "\n")
    return (
        "\n".join(parts)
        .replace('# k = ""', 'k = "00112233445566778899aabbccddeeff"')
        .replace('# opc = ""', 'opc = "00112233445566778899aabbccddeeff"')
    )
