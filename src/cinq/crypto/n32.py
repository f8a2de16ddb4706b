"""Keys of N32-f with application layer security, TS 33.501 §13.2.4.4.1; and the exporter of TLS 1.3, RFC 8446 §7.5."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

LABEL = b"EXPORTER_3GPP_N32_MASTER"
MASTER, SALT = 64, 8  # octets
KEY_OCTETS = {"A128GCM": 16, "A256GCM": 32}
_HASHES: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}


class Pair(NamedTuple):
    """A session key and the salt of its nonces."""

    key: bytes
    salt: bytes


def exported(secret: bytes, algorithm: str, label: bytes = LABEL, length: int = MASTER) -> bytes:
    """TLS-Exporter with an empty context. secret: exporter_master_secret. algorithm: sha256 or sha384, of the suite."""
    empty = hashlib.new(algorithm).digest()
    derived = _expand_label(secret, algorithm, label, empty, len(empty))
    return _expand_label(derived, algorithm, b"exporter", empty, length)


def _expand_label(secret: bytes, algorithm: str, label: bytes, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label, RFC 8446 §7.1."""
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context
    return HKDFExpand(_HASHES[algorithm], length, info).derive(secret)


def n32_kdf(master: bytes, context_id: str, label: str, length: int) -> bytes:
    """N32-KDF. context_id: 16 hexadecimal digits."""
    info = b"N32" + context_id.encode() + label.encode()
    return HKDFExpand(hashes.SHA256(), length, info).derive(master)


def pair(master: bytes, context_id: str, name: str, suite: str) -> Pair:
    """name: 'parallel_request', 'parallel_response', 'reverse_request' or 'reverse_response'."""
    key = n32_kdf(master, context_id, f"{name}_key", KEY_OCTETS[suite])
    return Pair(key, n32_kdf(master, context_id, f"{name}_iv_salt", SALT))
