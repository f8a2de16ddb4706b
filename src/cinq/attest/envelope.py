"""A statement with signatures: DSSE v1 with ed25519, and keys as PEM files."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from msgspec import Struct

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class KeyFileError(OSError):
    """A file that holds no ed25519 key: which, and what it holds."""


class Signature(Struct, frozen=True):
    """keyid: SHA-256 of the public key's DER, hexadecimal. sig: base64."""

    keyid: str
    sig: str


class Envelope(Struct, frozen=True, rename={"payload_type": "payloadType"}):
    """payload: base64 of the statement."""

    payload: str
    payload_type: str
    signatures: list[Signature]

    @property
    def statement(self) -> bytes:
        """ValueError: it is no base64."""
        return base64.b64decode(self.payload, validate=True)


def pre_authenticated(payload: bytes, kind: str = PAYLOAD_TYPE) -> bytes:
    """What is signed: type and payload, each with its length (DSSE's PAE)."""
    return b" ".join((b"DSSEv1", str(len(kind)).encode(), kind.encode(), str(len(payload)).encode(), payload))


def signed(statement: bytes, key: Ed25519PrivateKey, before: Envelope | None = None) -> Envelope:
    """With one more signature; a key that signed before signs in place of that."""
    keyid = key_id(key.public_key())
    sig = base64.b64encode(key.sign(pre_authenticated(statement))).decode()
    others = [] if before is None else [one for one in before.signatures if one.keyid != keyid]
    signatures = sorted([*others, Signature(keyid, sig)], key=lambda one: one.keyid)
    return Envelope(base64.b64encode(statement).decode(), PAYLOAD_TYPE, signatures)


def holds(signature: Signature, statement: bytes, key: Ed25519PublicKey) -> bool:
    try:
        octets = base64.b64decode(signature.sig, validate=True)
        key.verify(octets, pre_authenticated(statement))
    except (InvalidSignature, ValueError):
        return False
    return base64.b64encode(octets).decode() == signature.sig


def key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def new_key(path: Path) -> tuple[Path, Path]:
    """A private key in `path`, for its owner alone, and the public one beside it. FileExistsError: there is one."""
    key, public = Ed25519PrivateKey.generate(), path.with_suffix(".pub.pem")
    if public.exists():
        raise FileExistsError(17, "there is a key already", str(public))
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(public_pem(key.public_key()))
    return path, public


def private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(
            None, f"{path}: wanted an ed25519 private key without a password: {error}"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(None, f"{path}: wanted an ed25519 private key, found {type(key).__name__}")
    return key


def public_key(octets: bytes, name: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(octets)
    except ValueError as error:
        raise KeyFileError(None, f"{name}: wanted an ed25519 public key: {error}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(None, f"{name}: wanted an ed25519 public key, found {type(key).__name__}")
    if octets.split() != public_pem(key).split():  # a dossier has keys in it as well, and is none
        raise KeyFileError(None, f"{name}: wanted an ed25519 public key and nothing else")
    return key


def decoded(octets: bytes) -> Envelope:
    """ValueError: it is no envelope."""
    return msgspec.json.decode(octets, type=Envelope)
