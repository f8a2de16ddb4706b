"""ZUC and on it 128-EEA3 (NEA3) and 128-EIA3 (NIA3), ETSI/SAGE specifications (TS 35.221, TS 35.222)."""

from __future__ import annotations

# The S-boxes and the constants D, ZUC specification §3.4.1 and §3.5.
S0 = bytes.fromhex(
    "3e725b47cae0003304d1549809b96dcb7b1bf932af9d6aa5b82dfc1d08530390"
    "4d4e8499e4ced991ddb685488b296eaccdc1f81e734369c6b5bdfd396320d438"
    "767db2a7cfed57c5f32cbb142106559be3ef5e314f7f5aa40d8251495fba581c"
    "4a16d517a892241f8cffd8ae2e01d3ad3b4bda46ebc9de9a8f87d73a806f2fc8"
    "b1b437f70a2213287ccc3c89c7c3965607bf7ef00b2b975235417961a64c10fe"
    "bc2695888ab0a3fbc01894f2e1e5e95dd0dc1166645cec59427512f5749caa23"
    "0e86abbe2a02e767e644a26cc2939ff1f6fa36d250689e6271153dd640c4e20f"
    "8e83776b25053f0c30ea70b7a1e8a9658d271adb81b3a0f4457a19dfee783460"
)
S1 = bytes.fromhex(
    "55c263713bc847869f3cda5b29aafd778cc5940ca61a1300e3a8167240f9f842"
    "4426689681d9453e1076c6a78b3943e13ab5562ac06db3052266bfdc0bfa6248"
    "dd20110636c9c1cff62752bb69f5d4877f844cd29c57a4bc4f9adffed68d7aeb"
    "2b53d85ca11417fb23d57d3067730809eeb7703f61b2198e4ee54b938f5ddba9"
    "adf1ae2ecb0dfcf42d466e1d97e8d1e94d37a5755e839eab829db91ce0cd4989"
    "01b6bd5824a25f387899159050b895e4d091c7ceed0fb46fa0ccf0024a79c3de"
    "a3efea51e66b18ec1b2c80f774e7ff215a6a541e41319235c433070aba7e0e34"
    "88b1987cf33d606c7bcad31f3265042864be859b2f598ad7b025acaf1203e2f2"
)
_D = (
    *(0x44D7, 0x26BC, 0x626B, 0x135E, 0x5789, 0x35E2, 0x7135, 0x09AF),
    *(0x4D78, 0x2F13, 0x6BC4, 0x1AF1, 0x5E26, 0x3C4D, 0x789A, 0x47AC),
)
_M32 = 0xFFFFFFFF
_P = 0x7FFFFFFF
_T0 = [x << 24 for x in S0]
_T1 = [x << 16 for x in S1]
_T2 = [x << 8 for x in S0]


def _l1(x: int) -> int:
    """S(L1(x)): the sum of x turned left by 0, 2, 10, 18 and 24 bits, through the S-boxes."""
    y = x << 32 | x
    w = (x ^ y >> 30 ^ y >> 22 ^ y >> 14 ^ y >> 8) & _M32
    return _T0[w >> 24] | _T1[w >> 16 & 255] | _T2[w >> 8 & 255] | S1[w & 255]


def _l2(x: int) -> int:
    """S(L2(x)): the sum of x turned left by 0, 8, 14, 22 and 30 bits, through the S-boxes."""
    y = x << 32 | x
    w = (x ^ y >> 24 ^ y >> 18 ^ y >> 10 ^ y >> 2) & _M32
    return _T0[w >> 24] | _T1[w >> 16 & 255] | _T2[w >> 8 & 255] | S1[w & 255]


def keystream(key: bytes, iv: bytes, words: int) -> list[int]:
    """The first words of 32 bits of key stream; key and iv are 16 octets each."""
    s = [k << 23 | d << 8 | v for k, d, v in zip(key, _D, iv, strict=True)]
    r1 = r2 = 0
    out = []
    append = s.append
    # The register slides over a growing list: s[t] is s0 at clock t. 32 clocks feed W back, one discards it.
    for t in range(33 + words):
        s15, s9, s5 = s[t + 15], s[t + 9], s[t + 5]
        w = ((s15 << 1 & 0xFFFF0000 | s[t + 14] & 0xFFFF) ^ r1) + r2 & _M32
        w1 = r1 + ((s[t + 11] & 0xFFFF) << 16 | s9 >> 15) & _M32
        w2 = r2 ^ ((s[t + 7] & 0xFFFF) << 16 | s5 >> 15)
        r1, r2 = _l1((w1 & 0xFFFF) << 16 | w2 >> 16), _l2((w2 & 0xFFFF) << 16 | w1 >> 16)
        s0 = s[t]
        new = (s15 << 15) + (s[t + 13] << 17) + (s[t + 10] << 21) + (s[t + 4] << 20) + s0 * 257
        if t < 32:
            append((new + (w >> 1)) % _P or _P)
        else:
            append(new % _P or _P)
            out.append(w ^ ((s[t + 2] & 0xFFFF) << 16 | s0 >> 15))
    return out[1:]


def _stream(words: list[int]) -> int:
    stream = 0
    for word in words:
        stream = stream << 32 | word
    return stream


def eea3(key: bytes, count: int, bearer: int, direction: int, octets: bytes, bits: int) -> bytes:
    """128-EEA3: the first `bits` bits of the octets, ciphered; the rest of the last octet is zero."""
    if not bits:
        return b""
    half = count.to_bytes(4, "big") + bytes((bearer << 3 | direction << 2, 0, 0, 0))
    words = keystream(key, half + half, (bits + 31) // 32)
    stream = _stream(words) >> len(words) * 32 - bits
    length = (bits + 7) // 8
    plain = int.from_bytes(octets[:length], "big") >> length * 8 - bits
    return ((plain ^ stream) << length * 8 - bits).to_bytes(length, "big")


def eia3(key: bytes, count: int, bearer: int, direction: int, octets: bytes, bits: int) -> bytes:
    """128-EIA3: MAC of 4 octets over the first `bits` bits."""
    half = count.to_bytes(4, "big") + bytes((bearer << 3, 0, 0, 0))
    turn = direction << 7
    second = bytes((half[0] ^ turn, *half[1:6], half[6] ^ turn, half[7]))
    words = keystream(key, half + second, (bits + 31) // 32 + 2)
    # Each message bit that is set, and the end, adds the 32 bits of key stream that begin at its place.
    end = len(words) * 32 - 32
    stream = _stream(words)
    mac = words[-1] ^ stream >> end - bits
    message = int.from_bytes(octets[: (bits + 7) // 8], "big") >> -bits % 8
    low = end - bits + 1
    while message:
        lowest = message & -message
        mac ^= stream >> low + lowest.bit_length() - 1
        message ^= lowest
    return (mac & _M32).to_bytes(4, "big")
