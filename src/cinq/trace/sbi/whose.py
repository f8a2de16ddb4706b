"""Whose a call is: by the SUPI or SUCI that it names, else by the resource that it is about.

A place that a producer gave (Location) or a consumer (a callback) is of the UE for whom it was given; one that was
given for two is nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from cinq.numbering import NumberingError, Suci, Supi
from cinq.trace.bounded import Bounded
from cinq.trace.message import Subject
from cinq.trace.n1 import N1

_SUPI = re.compile(r"(?:imsi-|supi=)(\d{6,15})(?!\d)")
_SUCI = re.compile(r"suci-0-\d{3}-\d{2,3}-\d{1,4}-\d{1,2}-\d{1,3}-[0-9a-fA-F]+")
_DEPTH, _PLACES = 32, 64
_LONGEST, _SEGMENTS = 1024, 16  # of a path that is somebody's
_SHORTEST = 3  # segments of a path that is one UE's


class Whose:
    """Keeps the places of UEs."""

    def __init__(self, n1: N1) -> None:
        self._n1 = n1
        self._places: Bounded[str, Subject | None] = Bounded()

    def named(self, *texts: str) -> Subject | None:
        """The one UE that texts name."""
        whole = "\n".join(texts)
        supis, sucis = set(_SUPI.findall(whole)), set(_SUCI.findall(whole))
        if len(supis) > 1 or len(sucis) > 1:
            return None
        found: Subject | None = None
        try:
            for text in sucis:
                found = self._n1.concealed(Suci.parse(text))
            for imsi in supis:
                found = found or Subject(f"imsi-{imsi}")
                self._n1.permanent(Supi(imsi), found)
        except NumberingError:
            return None
        return found

    def at(self, path: str) -> Subject | None:
        """Of whom a place is, or one above it."""
        segments = _path(path).split("/")[:_SEGMENTS]
        for length in range(len(segments), _SHORTEST, -1):
            key = "/".join(segments[:length])
            if key in self._places:
                return self._places[key]
        return None

    def given(self, place: str, subject: Subject) -> None:
        """A place was given for a UE."""
        path = _path(place)
        if not _SHORTEST <= path.count("/") < _SEGMENTS:
            return
        known = self._places.get(path, subject)
        same = known is not None and known.root() is subject.root()
        self._places[path] = subject if same else None

    def callbacks(self, data: object, subject: Subject) -> None:
        """The places in a request to which is to be answered later."""
        for place in _uris(data):
            self.given(place, subject)


def _path(place: str) -> str:
    """The path of a URI, or of a request's target; empty where it is none that is looked at."""
    if len(place) > _LONGEST:
        return ""
    try:
        return unquote(urlsplit(place).path).rstrip("/")
    except ValueError:
        return ""


def _uris(data: object, name: str = "", depth: int = 0) -> Iterator[str]:
    if depth > _DEPTH:
        return
    if isinstance(data, dict):
        for key, value in list(data.items())[:_PLACES]:
            yield from _uris(value, key, depth + 1)
    elif isinstance(data, list):
        for value in data[:_PLACES]:
            yield from _uris(value, name, depth + 1)
    elif isinstance(data, str) and data.startswith(("http://", "https://")):
        yield data
