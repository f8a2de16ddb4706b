"""How large and how deep a settings file may be, looked at before it is parsed.

The parser recurses with brackets, and takes time and memory with the square of a key's parts; Python refuses to read
long numbers. No settings file comes near these bounds; what does was made to hurt.
"""

from __future__ import annotations

import re
from typing import NamedTuple

DEPTH = 32
KEY_PARTS = 16
WORD = 255


class Size(NamedTuple):
    """How many octets and tables a file may have."""

    octets: int
    tables: int


SETTINGS = Size(1 << 18, 4096)
LISTING = Size(1 << 24, 1 << 16)
"""Of a file that lists the equipment of a network."""

_TOKEN = re.compile(
    r"#[^\n]*"
    r'|"""(?:[^"\\]|\\.|"{1,2}(?!"))*+(?:"{3,5})?'
    r"|'''(?:[^']|'{1,2}(?!'))*+(?:'{3,5})?"
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|(?P<word>[\w+:-]+)"
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<dot>\.)|(?P<end>[\n=,])",
    re.DOTALL,
)


class TooMuch(ValueError):
    """A text beyond a bound. line: where."""

    def __init__(self, line: int, what: str) -> None:
        self.line = line
        super().__init__(what)


def examine(text: str, size: Size = SETTINGS) -> None:
    """TooMuch at the first bound that the text exceeds. Takes time in proportion to its length."""
    if len(text) > size.octets:
        raise TooMuch(1, f"found {len(text)} characters, wanted at most {size.octets}")
    depth = dots = tables = 0
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "open":
            depth += 1
            dots = 0
        elif kind == "close":
            depth = max(depth - 1, 0)
        elif kind == "dot":
            dots += 1
        elif kind == "end":
            dots = 0
            tables += token[0] == "\n" and text.startswith("[", token.end())
        length = token.end() - token.start() if kind == "word" else 0
        if depth > DEPTH or dots >= KEY_PARTS or length > WORD or tables > size.tables:
            raise TooMuch(text.count("\n", 0, token.start()) + 1, _why(depth, dots, length, size))


def _why(depth: int, dots: int, length: int, size: Size) -> str:
    if depth > DEPTH:
        return f"found brackets within brackets more than {DEPTH} deep"
    if dots >= KEY_PARTS:
        return f"found a key of more than {KEY_PARTS} parts"
    if length > WORD:
        return f"found a word or number of {length} characters, wanted at most {WORD}"
    return f"found more than {size.tables} tables"
