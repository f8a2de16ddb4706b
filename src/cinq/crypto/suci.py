"""Concealment of the subscription identifier, TS 33.501 annex C: null scheme, ECIES profile A and profile B.

The plain octets are the MSIN in BCD for an IMSI. The scheme output of A and B is the ephemeral public key
(32 octets, or 33 as a compressed point), the ciphertext, and a MAC tag of 8 octets.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NULL_SCHEME = 0
PROFILE_A = 1
PROFILE_B = 2

_PUBLIC_KEY_LENGTH = {PROFILE_A: 32, PROFILE_B: 33}
_TAG_LENGTH = 8
_CURVE = SECP256R1()

_PrivateKey = X25519PrivateKey | EllipticCurvePrivateKey


class SuciError(ValueError):
    """A key, scheme or scheme output that TS 33.501 annex C does not allow, or a tag that does not hold."""


def _load(scheme: int, private_key: bytes) -> _PrivateKey:
    if scheme not in _PUBLIC_KEY_LENGTH:
        raise SuciError(f"protection scheme: found {scheme}, wanted 0 (null), 1 (profile A) or 2 (profile B)")
    if len(private_key) != 32:
        raise SuciError(f"private key: found {len(private_key)} octets, wanted 32")
    try:
        if scheme == PROFILE_A:
            return X25519PrivateKey.from_private_bytes(private_key)
        return derive_private_key(int.from_bytes(private_key, "big"), _CURVE)
    except ValueError as error:
        raise SuciError(f"private key: {error}") from None


# Home network keys are few and used for years; ephemeral keys never come here.
_load_home = lru_cache(maxsize=16)(_load)


def _public(private: _PrivateKey) -> bytes:
    if isinstance(private, X25519PrivateKey):
        return private.public_key().public_bytes_raw()
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def public_key(scheme: int, private_key: bytes) -> bytes:
    """The public key of a private key of 32 octets: 32 octets for A, a compressed point of 33 for B."""
    return _public(_load(scheme, private_key))


def _shared_secret(private: _PrivateKey, public: bytes) -> bytes:
    """Elliptic-curve Diffie-Hellman. A point off the curve and a shared secret of zero are refused."""
    try:
        if isinstance(private, X25519PrivateKey):
            return private.exchange(X25519PublicKey.from_public_bytes(public))
        return private.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(_CURVE, public))
    except ValueError as error:
        raise SuciError(f"public key: {error}") from None


def _keys(secret: bytes, ephemeral_public: bytes) -> tuple[bytes, bytes, bytes]:
    """Encryption key, initial counter block and MAC key: ANSI X9.63 KDF with SHA-256 (§C.3.4)."""
    first = hashlib.sha256(secret + b"\0\0\0\1" + ephemeral_public).digest()
    return first[:16], first[16:], hashlib.sha256(secret + b"\0\0\0\2" + ephemeral_public).digest()


def _aes_ctr(key: bytes, counter: bytes, octets: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor().update(octets)


def conceal(scheme: int, home_public_key: bytes, msin_octets: bytes, ephemeral_private: bytes) -> bytes:
    """Scheme output of a fresh ephemeral private key of 32 octets (entropy of the caller, used once).

    The null scheme needs neither key. home_public_key for B may be a compressed or an uncompressed point.
    """
    if scheme == NULL_SCHEME:
        return msin_octets
    ephemeral = _load(scheme, ephemeral_private)
    ephemeral_public = _public(ephemeral)
    secret = _shared_secret(ephemeral, home_public_key)
    key, counter, mac_key = _keys(secret, ephemeral_public)
    ciphertext = _aes_ctr(key, counter, msin_octets)
    return ephemeral_public + ciphertext + hmac.digest(mac_key, ciphertext, "sha256")[:_TAG_LENGTH]


def deconceal(scheme: int, private_key: bytes, scheme_output: bytes) -> bytes:
    """The plain octets of a scheme output. SuciError where it is malformed or its MAC tag does not hold."""
    if scheme == NULL_SCHEME:
        return scheme_output
    private = _load_home(scheme, private_key)
    length = _PUBLIC_KEY_LENGTH[scheme]
    if len(scheme_output) <= length + _TAG_LENGTH:
        wanted = length + _TAG_LENGTH + 1
        raise SuciError(f"scheme output: found {len(scheme_output)} octets, wanted {wanted} or more")
    ephemeral_public, ciphertext = scheme_output[:length], scheme_output[length:-_TAG_LENGTH]
    key, counter, mac_key = _keys(_shared_secret(private, ephemeral_public), ephemeral_public)
    tag = hmac.digest(mac_key, ciphertext, "sha256")[:_TAG_LENGTH]
    if not hmac.compare_digest(tag, scheme_output[-_TAG_LENGTH:]):
        raise SuciError("scheme output: the MAC tag does not hold for this home network key")
    return _aes_ctr(key, counter, ciphertext)
