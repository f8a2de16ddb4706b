"""Restricted character strings of ITU-T X.680 §41, which ASN.1 names of nodes are."""

from __future__ import annotations

import string
import unicodedata

PRINTABLE = frozenset(string.ascii_letters + string.digits + " '()+,-./:=?")
"""PrintableString, §41.4 table 10."""


def is_printable(text: str) -> bool:
    """Whether it can be a PrintableString."""
    return PRINTABLE.issuperset(text)


def is_visible(text: str) -> bool:
    """Whether it can be a VisibleString: ASCII from the space to the tilde."""
    return text.isascii() and text.isprintable()


def printable(text: str, limit: int = 150) -> str:
    """A text in the letters of PrintableString: without accents, and '?' for what has no such letter."""
    plain = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(c if c in PRINTABLE else "?" for c in plain)[:limit] or "?"
