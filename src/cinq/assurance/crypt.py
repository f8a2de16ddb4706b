"""Passwords against hashes of crypt(3), by the bench's own libcrypt: nothing of it is asked of the target."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Protocol, cast

from cffi import FFI

LIBRARIES = ("libcrypt.so.1", "libcrypt.so.2")


class _Library(Protocol):
    def crypt(self, key: bytes, salt: bytes) -> object: ...


_FFI = FFI()
_FFI.cdef("char *crypt(const char *key, const char *salt);")


@cache
def _library() -> _Library | None:
    for name in LIBRARIES:
        with suppress(OSError):
            return cast(_Library, _FFI.dlopen(name))
    return None


def hashed(password: str, salt: str) -> str:
    """'' where this bench's library does not know the kind."""
    library = _library()
    said = _FFI.NULL if library is None else library.crypt(password.encode(), salt.encode())
    text = (
        ""
        if said == _FFI.NULL
        else bytes(cast(bytes, _FFI.string(cast(FFI.CData, said), 512))).decode("ascii", "replace")
    )
    return "" if text.startswith("*") else text


def understood(stored: str) -> bool:
    """Whether a password can be tried against it: by its salt something as long comes out, of another password too."""
    one, other = hashed("one", stored), hashed("other", stored)
    return len(one) == len(stored) and one != other


def opening(stored: str, passwords: Iterable[str]) -> str | None:
    """The first of these that it is the hash of, None when none is."""
    if stored == "":
        return ""
    return next((one for one in passwords if one and hmac.compare_digest(hashed(one, stored), stored)), None)
