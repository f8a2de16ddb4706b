"""The one error family of the wire room."""

from __future__ import annotations


class WireError(ValueError):
    """Octets that are not the message they claim to be, or a value that has no encoding.

    offset: octet position in the input where the fault was found, None when unknown (encoding).
    what: what was found and what is wanted.
    clause: the clause of the specification that says so, for example "TS 38.413 §10.3".
    """

    def __init__(self, offset: int | None, what: str, clause: str = "") -> None:
        self.offset = offset
        self.what = what
        self.clause = clause
        place = "" if offset is None else f" at octet {offset}"
        source = f" ({clause})" if clause else ""
        super().__init__(f"{what}{place}{source}")
