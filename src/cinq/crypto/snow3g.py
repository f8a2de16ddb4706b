"""SNOW 3G and on it UEA2 (NEA1) and UIA2 (NIA1), ETSI/SAGE specifications (TS 35.215, TS 35.216)."""

from __future__ import annotations

# The S-boxes, SNOW 3G specification §3.3. The tests hold them against their definitions in GF(2^8).
SR = bytes.fromhex(
    "637c777bf26b6fc53001672bfed7ab76ca82c97dfa5947f0add4a2af9ca472c0"
    "b7fd9326363ff7cc34a5e5f171d8311504c723c31896059a071280e2eb27b275"
    "09832c1a1b6e5aa0523bd6b329e32f8453d100ed20fcb15b6acbbe394a4c58cf"
    "d0efaafb434d338545f9027f503c9fa851a3408f929d38f5bcb6da2110fff3d2"
    "cd0c13ec5f974417c4a77e3d645d197360814fdc222a908846eeb814de5e0bdb"
    "e0323a0a4906245cc2d3ac629195e479e7c8376d8dd54ea96c56f4ea657aae08"
    "ba78252e1ca6b4c6e8dd741f4bbd8b8a703eb5664803f60e613557b986c11d9e"
    "e1f8981169d98e949b1e87e9ce5528df8ca1890dbfe6426841992d0fb054bb16"
)
SQ = bytes.fromhex(
    "25247367d7ae5c30a4ee6ecb7db582dbe48e48494f5d6a787088e85f5e8465e2"
    "d8e9cced402f112857d2ace34a151bb9b28085a62e024729074b0ec151aa89d4"
    "ca0146b3efdd447bc27fbec39f204c6483a2684213b441cdbac6bb6d4d7121f4"
    "8db0e593fe8fe6cf43453122373696fabc0f08521d551ac54e23697a92ff5b5a"
    "eb9a1ca9d17e0dfc508ab662f50af8dc033c0c39f1b8f33df2d597668132a000"
    "06cef6eab717f78c79d6a7bf8b3f1f536375352c60fd27d394a57ca105582dbd"
    "d9c7af6b540be03804c89de714b1879cdf6ff9da2ac459167491ab266176342b"
    "ad99fb72ec3312de983bc09b3e18103a56e177c91e9e95a39019a86c09d0f086"
)

_M32 = 0xFFFFFFFF
_M64 = (1 << 64) - 1
_ONES = int.from_bytes(b"\x01" * 128, "big")
_ZEROS = int.from_bytes(b"0" * 128, "big")


def _multiply(a: int, b: int, polynomial: int) -> int:
    """a times b in GF(2^8)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= polynomial
        b >>= 1
    return product


def _column_tables(box: bytes, constant: int) -> list[list[int]]:
    """For each octet of a word, most significant first, what it adds after the S-box and the mixing."""
    tables = []
    for position in range(4):
        column = []
        for x in range(256):
            s = box[x]
            double = _multiply(s, 2, 0x100 | constant)
            word = double << 24 | (double ^ s) << 16 | s << 8 | s
            column.append((word >> 8 * position | word << 32 - 8 * position) & _M32)
        tables.append(column)
    return tables


def _alpha_table(exponents: tuple[int, int, int, int]) -> list[int]:
    """MULα or DIVα: a word of four powers of x under 0x1A9, for each octet."""
    powers = [1]
    while len(powers) <= max(exponents):
        powers.append(_multiply(powers[-1], 2, 0x1A9))
    shifts = list(zip((powers[e] for e in exponents), (24, 16, 8, 0), strict=True))
    return [sum(_multiply(c, power, 0x1A9) << shift for power, shift in shifts) for c in range(256)]


_A0, _A1, _A2, _A3 = _column_tables(SR, 0x1B)
_B0, _B1, _B2, _B3 = _column_tables(SQ, 0x69)
_MUL_ALPHA = _alpha_table((23, 245, 48, 239))
_DIV_ALPHA = _alpha_table((16, 39, 6, 64))


def _s1(w: int) -> int:
    return _A0[w >> 24] ^ _A1[w >> 16 & 255] ^ _A2[w >> 8 & 255] ^ _A3[w & 255]


def _s2(w: int) -> int:
    return _B0[w >> 24] ^ _B1[w >> 16 & 255] ^ _B2[w >> 8 & 255] ^ _B3[w & 255]


def _load(k: tuple[int, ...], iv: tuple[int, ...]) -> list[int]:
    """The shift register before the first clock, SNOW 3G specification §4.1."""
    k0, k1, k2, k3 = k
    n0, n1, n2, n3 = (x ^ _M32 for x in k)
    iv0, iv1, iv2, iv3 = iv
    upper = [k0, k1, k2, k3, n0, n1 ^ iv3, n2 ^ iv2, n3, k0 ^ iv1, k1, k2, k3 ^ iv0]
    return [n0, n1, n2, n3, *upper]


def keystream(k: tuple[int, ...], iv: tuple[int, ...], words: int) -> list[int]:
    """The first words of key stream; k is (k0, k1, k2, k3) and iv (iv0, iv1, iv2, iv3), words of 32 bits."""
    s = _load(k, iv)
    r1 = r2 = r3 = 0
    out = []
    append, mul, div = s.append, _MUL_ALPHA, _DIV_ALPHA
    # The register slides over a growing list: s[t] is s0 at clock t. 32 clocks feed F back, one discards it.
    for t in range(33 + words):
        f = (s[t + 15] + r1 & _M32) ^ r2
        r1, r2, r3 = r2 + (r3 ^ s[t + 5]) & _M32, _s1(r1), _s2(r2)
        s0, s11 = s[t], s[t + 11]
        new = (s0 << 8 & _M32) ^ mul[s0 >> 24] ^ s[t + 2] ^ s11 >> 8 ^ div[s11 & 255]
        if t < 32:
            append(new ^ f)
        else:
            append(new)
            out.append(f ^ s0)
    return out[1:]


def _key_words(key: bytes) -> tuple[int, int, int, int]:
    """(k0, k1, k2, k3) from the 16 octets of CK or IK: k3 comes first (UEA2 specification §3.4)."""
    n = int.from_bytes(key, "big")
    return n & _M32, n >> 32 & _M32, n >> 64 & _M32, n >> 96


def f8(key: bytes, count: int, bearer: int, direction: int, octets: bytes, bits: int) -> bytes:
    """UEA2: the first `bits` bits of the octets, ciphered; what follows them in the last octet is zero."""
    if not bits:
        return b""
    second = bearer << 27 | direction << 26
    words = keystream(_key_words(key), (second, count, second, count), (bits + 31) // 32)
    stream = 0
    for word in words:
        stream = stream << 32 | word
    length = (bits + 7) // 8
    stream >>= len(words) * 32 - bits
    plain = int.from_bytes(octets[:length], "big") >> length * 8 - bits
    return ((plain ^ stream) << length * 8 - bits).to_bytes(length, "big")


def _spread(v: int) -> int:
    """Each of 64 bits in an octet of its own, so that an integer product counts without carries."""
    return int.from_bytes(b"%064d" % int(f"{v:b}"), "big") & _ONES if v else 0


def _mul64(v: int, spread_p: int) -> int:
    """v times P in GF(2^64) under x^64 + x^4 + x^3 + x + 1. At most 64 terms meet in an octet: it holds."""
    product = _spread(v) * spread_p & _ONES
    carryless = int((product | _ZEROS).to_bytes(128, "big"), 2)
    for _ in range(2):
        high = carryless >> 64
        carryless = carryless & _M64 ^ high ^ high << 1 ^ high << 3 ^ high << 4
    return carryless


def f9(key: bytes, count: int, fresh: int, direction: int, octets: bytes, bits: int) -> bytes:
    """UIA2: MAC of 4 octets over the first `bits` bits. NIA1: bearer << 27 as FRESH (TS 33.401 §B.2.2)."""
    iv = (fresh ^ direction << 15, count ^ direction << 31, fresh, count)
    z1, z2, z3, z4, z5 = keystream(_key_words(key), iv, 5)
    p, q = _spread(z1 << 32 | z2), _spread(z3 << 32 | z4)
    blocks = (bits + 63) // 64
    message = int.from_bytes(octets[: (bits + 7) // 8], "big") >> -bits % 8 << blocks * 64 - bits
    evaluated = 0
    for shift in range((blocks - 1) * 64, -1, -64):
        evaluated = _mul64(evaluated ^ message >> shift & _M64, p)
    evaluated = _mul64(evaluated ^ bits, q)
    return (evaluated >> 32 ^ z5).to_bytes(4, "big")
