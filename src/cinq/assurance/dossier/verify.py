"""Whether a dossier is as it was signed, offline: the first artefact that was changed, removed or added is named."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from cinq.assurance.dossier.archive import (
    ENVELOPE,
    KEYS,
    PREDICATE_TYPE,
    STATEMENT,
    STATEMENT_TYPE,
    Dossier,
    DossierError,
    read,
)
from cinq.attest.canonical import canonical
from cinq.attest.envelope import PAYLOAD_TYPE, KeyFileError, holds, key_id, public_key, public_pem


class Subject(Struct, frozen=True):
    name: str
    digest: dict[str, str]


class Statement(Struct, frozen=True, rename={"type": "_type", "predicate_type": "predicateType"}):
    """What is said of which artefacts. predicate: as archive.py writes it."""

    type: str
    subject: list[Subject]
    predicate_type: str
    predicate: dict[str, object]


class Verified(Struct, frozen=True):
    """A dossier that is as it was signed. trusted: key identities of signatures by keys that were given; others: of
    those by keys that were not."""

    dossier: Dossier
    statement: Statement
    trusted: list[str]
    others: list[str]

    @property
    def seed(self) -> str:
        return str(self.statement.predicate.get("seed", ""))

    def digest_of(self, what: str) -> str:
        """SHA-256 of the tool, the catalogue or the target."""
        found = self.statement.predicate.get(what)
        return str(found.get("sha256", "")) if isinstance(found, dict) else ""


def verify(octets: bytes, trust: Sequence[Ed25519PublicKey]) -> Verified:
    """DossierError: it is not as it was signed, or none of the trusted keys signed it."""
    dossier = read(octets)
    envelope = dossier.envelope
    if (
        canonical(msgspec.to_builtins(envelope)) != dossier.files[ENVELOPE]
        or envelope.payload_type != PAYLOAD_TYPE
    ):
        raise DossierError(ENVELOPE, "changed: not as it is written")
    try:
        payload = envelope.statement
        statement = msgspec.json.decode(payload, type=Statement)
    except ValueError as error:
        raise DossierError(ENVELOPE, f"changed: {error}") from None
    if (statement.type, statement.predicate_type) != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise DossierError(ENVELOPE, f"a statement of {statement.predicate_type}, wanted {PREDICATE_TYPE}")
    signers = _signers(dossier, payload, {key_id(key): key for key in trust})
    if dossier.files.get(STATEMENT) != payload:
        raise DossierError(STATEMENT, "changed" if STATEMENT in dossier.files else "removed")
    _artefacts(dossier, statement, signers)
    known = {key_id(key) for key in trust}
    trusted = [signer for signer in signers if signer in known]
    if not trusted:
        raise DossierError(
            ENVELOPE, "none of the trusted keys has signed it; signed by " + (", ".join(signers) or "nobody")
        )
    return Verified(dossier, statement, trusted, [signer for signer in signers if signer not in known])


def _signers(dossier: Dossier, payload: bytes, trusted: dict[str, Ed25519PublicKey]) -> list[str]:
    """Whose signature holds: every one that is there must."""
    found = []
    for signature in dossier.envelope.signatures:
        name = f"{KEYS}{signature.keyid}.pem"
        if name not in dossier.files:
            raise DossierError(name, "removed")
        try:
            key = public_key(dossier.files[name], name)
        except KeyFileError as error:
            raise DossierError(name, f"changed: {error.strerror}") from None
        key = trusted.get(signature.keyid, key)
        if key_id(key) != signature.keyid or not holds(signature, payload, key):
            raise DossierError(ENVELOPE, f"changed: the signature of {signature.keyid[:16]} does not hold")
        found.append(signature.keyid)
    return found


def _artefacts(dossier: Dossier, statement: Statement, signers: list[str]) -> None:
    """Each one that is named, and no other."""
    named = {one.name: one.digest.get("sha256", "") for one in statement.subject}
    for name in sorted(named):
        if name not in dossier.files:
            raise DossierError(name, "removed")
        if hashlib.sha256(dossier.files[name]).hexdigest() != named[name]:
            raise DossierError(name, "changed")
    own = {ENVELOPE, STATEMENT, *(f"{KEYS}{signer}.pem" for signer in signers)}
    for name in sorted(dossier.files):
        if name not in named and name not in own:
            raise DossierError(name, "added")
    for signer in signers:
        name = f"{KEYS}{signer}.pem"
        key = public_key(dossier.files[name], name)
        if public_pem(key) != dossier.files[name]:
            raise DossierError(name, "changed")
        if key_id(key) != signer:
            raise DossierError(name, "changed: another key")
