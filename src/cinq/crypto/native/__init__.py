"""NEA1, NIA1, NEA3 and NIA3 in C, where a compiler was there at install: a few µs a message, Python takes 80 to 180.

The functions have the names, arguments and results of snow3g.py and zuc.py, which serve where there is no object for
this machine. It is used only after it has computed examples of the specifications right.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cinq.crypto import snow3g, zuc

Function = Callable[[bytes, int, int, int, bytes, int], bytes]
"""Of a key of 16 octets, COUNT, BEARER (or FRESH), DIRECTION, octets, and how many bits of them count."""

OBJECT = Path(__file__).with_name("algorithms.so.1")


class Functions(NamedTuple):
    """UEA2 and UIA2 on SNOW 3G; 128-EEA3 and 128-EIA3 on ZUC."""

    f8: Function
    f9: Function
    eea3: Function
    eia3: Function


PYTHON = Functions(snow3g.f8, snow3g.f9, zuc.eea3, zuc.eia3)


class _Example(NamedTuple):
    key: str
    nas_count: int
    bearer: int
    direction: int
    octets: str
    bits: int
    wanted: str


EXAMPLES = (  # TS 35.217 and TS 35.223, of each the shortest set
    _Example(
        "5acb1d644c0d51204ea5f1451010d852",
        0xFA556B26,
        3,
        1,
        "ad9c441f890b38c457a49d421407e8",
        120,
        "ba0f31300334c56b52a7497cbac046",
    ),
    _Example(
        "2bd6459f82c5b300952c49104881ff48",
        0x38A6F056,
        0x05D2EC49,
        0,
        "6b227737296f393c8079353edc87e2e805d2ec49a4f2d8e0",
        189,
        "2bce1820",
    ),
    _Example(
        "173d14ba5003731d7a60049470f00a29",
        0x66035492,
        15,
        0,
        "6cf65340735552ab0c9752fa6f9025fe0bd675d9005875b200",
        193,
        "a6c85fc66afb8533aafc2518dfe784940ee1e4b030238cc800",
    ),
    _Example(
        "47054125561eb2dda94059da05097850", 0x561EB2DD, 20, 0, "000000000000000000000000", 90, "6719a088"
    ),
)


def load(path: Path) -> Functions:
    """The functions of an object. OSError with a reason for a person: there is none, or it is not to be used."""
    if not path.exists():
        raise OSError("algorithms.so.1 was not built at install: there was no C compiler")
    # PyDLL keeps the interpreter's lock: a call is over sooner than the lock is given back and taken.
    library = ctypes.PyDLL(str(path))
    text, word, size = ctypes.c_char_p, ctypes.c_uint32, ctypes.c_size_t
    f8, f9, eea3, eia3 = library.cinq_f8, library.cinq_f9, library.cinq_eea3, library.cinq_eia3
    for cipher in (f8, eea3):
        cipher.argtypes = (text, word, word, word, text, size, text)
        cipher.restype = None
    for mac in (f9, eia3):
        mac.argtypes = (text, word, word, word, text, size)
        mac.restype = word
    found = Functions(_ciphering(f8), _integrity(f9), _ciphering(eea3), _integrity(eia3))
    for function, e in zip(found, EXAMPLES, strict=True):
        made = function(
            bytes.fromhex(e.key), e.nas_count, e.bearer, e.direction, bytes.fromhex(e.octets), e.bits
        )
        if made.hex() != e.wanted:
            raise OSError("algorithms.so.1 computes wrong results on this machine")
    return found


Out = ctypes.Array[ctypes.c_char]


def _ciphering(call: Callable[[bytes, int, int, int, bytes, int, Out], None]) -> Function:
    def cipher(key: bytes, count: int, bearer: int, direction: int, octets: bytes, bits: int) -> bytes:
        length = (bits + 7) // 8
        _check(key, octets, length)
        if not length:
            return b""
        made = ctypes.create_string_buffer(length)
        call(key, count, bearer, direction, octets, bits, made)
        return made.raw

    return cipher


def _integrity(call: Callable[[bytes, int, int, int, bytes, int], int]) -> Function:
    def mac(key: bytes, count: int, bearer: int, direction: int, octets: bytes, bits: int) -> bytes:
        _check(key, octets, (bits + 7) // 8)
        return call(key, count, bearer, direction, octets, bits).to_bytes(4, "big")

    return mac


def _check(key: bytes, octets: bytes, length: int) -> None:
    """What C reads is there."""
    if len(key) != 16 or len(octets) < length:
        raise ValueError(
            f"found {len(key)} octets of key and {len(octets)} of message, wanted 16 and {length}"
        )


def _usable() -> tuple[Functions, str]:
    try:
        return load(OBJECT), ""
    except OSError as error:
        return PYTHON, str(error)


FUNCTIONS, WHY_PYTHON = _usable()
"""What NEA and NIA call, and why that is Python, where it is."""
