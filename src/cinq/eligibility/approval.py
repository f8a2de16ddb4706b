"""Who has signed for a policy to refuse or drain: an in-toto statement in a DSSE envelope beside the policy file.

What is signed is the policy with the files that it names, and what it may do at each door: a signature for an audit is
none for a refusal. The inventory is signed too, with the bills of materials that it names, and by as many: who
alone may write it could declare equipment as another's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cinq.attest import Envelope, Plain, canonical, decoded, holds, key_id, public_key, signed
from cinq.attest.envelope import PAYLOAD_TYPE
from cinq.eligibility.documents import Stock
from cinq.eligibility.engine import Document
from cinq.settings.eligibility import Mode, Point

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:cinq:policy-approval:v1"
INVENTORY_TYPE = "urn:cinq:inventory-approval:v1"
STRICT = ("refuse", "drain")
WANTED = 2
OCTETS = 1 << 20
SHORT = 16  # digits of a key's identity that are shown


class ApprovalError(ValueError):
    """A policy may not do what the settings want of it. mend: the command that mends it."""

    def __init__(self, what: str, mend: str) -> None:
        self.mend = mend
        super().__init__(what)


class _Predicate(msgspec.Struct, frozen=True):
    policy: str = ""
    version: int = 0
    modes: dict[str, str] = {}
    elements: int = 0


class _Subject(msgspec.Struct, frozen=True):
    name: str
    digest: dict[str, str]


class _Statement(msgspec.Struct, frozen=True, rename={"type": "_type", "predicate_type": "predicateType"}):
    type: str
    subject: list[_Subject]
    predicate_type: str
    predicate: _Predicate


def file_of(policy: Path) -> Path:
    """Where the signatures of a policy, or of an inventory, are."""
    return policy.with_name(f"{policy.name}.approval.json")


def statement(document: Document, modes: Mapping[Point, Mode]) -> bytes:
    """What is signed: canonical JSON. modes: by point; only refuse and drain need to be signed for."""
    policy = document.policy
    wanted: dict[str, Plain] = {point: modes[point] for point in sorted(modes) if modes[point] in STRICT}
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": policy.id, "digest": {"sha256": document.digest}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": {"policy": policy.id, "version": policy.version, "modes": wanted},
        }
    )


def inventory_statement(stock: Stock) -> bytes:
    """What is signed of an inventory: canonical JSON."""
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": "inventory", "digest": {"sha256": stock.digest}}],
            "predicateType": INVENTORY_TYPE,
            "predicate": {"elements": len(stock.inventory.elements)},
        }
    )


def sign(said: bytes, key: Ed25519PrivateKey, before: Envelope | None) -> tuple[Envelope, bool]:
    """A statement with one more signature. False: what was signed before was another, and its signatures are gone."""
    same = before is not None and _payload(before) == said
    return signed(said, key, before if same else None), same or before is None


def read(path: Path) -> Envelope | None:
    """The signatures beside a policy; None where there are none. ApprovalError: they cannot be read."""
    file = file_of(path)
    try:
        with file.open("rb") as opened:
            octets = opened.read(OCTETS + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ApprovalError(f"{file}: {(error.strerror or str(error)).lower()}", f"ls -l {file}") from None
    try:
        if len(octets) > OCTETS:
            raise ValueError(f"more than {OCTETS} octets")
        return decoded(octets)
    except ValueError as error:
        raise ApprovalError(f"{file}: found no signatures: {error}", "remove it, and sign again") from None


def octets_of(envelope: Envelope) -> bytes:
    return canonical(msgspec.to_builtins(envelope))


def signers(envelope: Envelope, keys: Iterable[Ed25519PublicKey]) -> list[str]:
    """The identities of those of these keys whose signature holds, each once."""
    payload = _payload(envelope)
    if payload is None or envelope.payload_type != PAYLOAD_TYPE:
        return []
    return sorted(
        {
            one.keyid
            for key in keys
            for one in envelope.signatures
            if one.keyid == key_id(key) and holds(one, payload, key)
        }
    )


def require(
    document: Document, path: Path, modes: Mapping[Point, Mode], keys: Sequence[Ed25519PublicKey]
) -> None:
    """ApprovalError unless two of these keys have signed for what the settings want of this policy."""
    strict = {point: mode for point, mode in modes.items() if mode in STRICT}
    if not strict:
        return
    name = document.policy.id
    mend = f"cinq policy sign {path} --key KEY.pem --config ..., by {WANTED} approvers of [eligibility]"
    wants = ", ".join(f"{point} = {mode}" for point, mode in sorted(strict.items()))
    envelope = read(path)
    if envelope is None:
        raise ApprovalError(f"policy {name} wants {wants}, and nobody has signed for it", mend)
    said = _statement(envelope)
    if said is None:
        raise ApprovalError(f"{file_of(path)}: found no statement about a policy", mend)
    digest = said.subject[0].digest.get("sha256", "") if said.subject else ""
    if digest != document.digest:
        what = f"policy {name}, or a file that it names, was changed after version {said.predicate.version} was signed"
        raise ApprovalError(what, mend)
    for point, mode in sorted(strict.items()):
        found = said.predicate.modes.get(point, "audit or alarm")
        if found != mode:
            raise ApprovalError(f"policy {name}: {point} = {mode}, signed for is {found}", mend)
    who = signers(envelope, keys)
    _enough(who, f"policy {name} wants {wants}", mend)


def require_inventory(
    stock: Stock, path: Path, modes: Mapping[Point, Mode], keys: Sequence[Ed25519PublicKey]
) -> None:
    """ApprovalError unless two of these keys have signed the inventory as it is, where a door keeps anybody out."""
    strict = sorted(point for point, mode in modes.items() if mode in STRICT)
    if not strict:
        return
    mend = f"cinq policy sign {path} --key KEY.pem --config ..., by {WANTED} approvers of [eligibility]"
    envelope = read(path)
    if envelope is None:
        raise ApprovalError(f"{strict[0]} goes by the inventory {path}, and nobody has signed it", mend)
    said = _statement(envelope, INVENTORY_TYPE)
    if said is None:
        raise ApprovalError(f"{file_of(path)}: found no statement about an inventory", mend)
    digest = said.subject[0].digest.get("sha256", "") if said.subject else ""
    if digest != stock.digest:
        raise ApprovalError(
            f"inventory {path}, or a bill that it names, was changed after it was signed", mend
        )
    _enough(signers(envelope, keys), f"inventory {path}", mend)


def _enough(who: Sequence[str], what: str, mend: str) -> None:
    if len(who) < WANTED:
        by = ", ".join(one[:SHORT] for one in who) or "nobody of them"
        raise ApprovalError(f"{what}: {WANTED} approvers have to sign, found {by}", mend)


def approvers(paths: Iterable[Path]) -> list[Ed25519PublicKey]:
    """Their keys. ApprovalError: a file is none, or two are the same key."""
    found: dict[str, Ed25519PublicKey] = {}
    for path in paths:
        try:
            key = public_key(path.read_bytes(), str(path))
        except OSError as error:
            what = (error.strerror or str(error)) if error.filename is None else f"{path}: {error.strerror}"
            raise ApprovalError(f"approvers: {what}", "cinq dossier key NAME.pem makes a key") from None
        if key_id(key) in found:
            raise ApprovalError(
                f"approvers: {path} is the key of another approver too", "one key for each person"
            )
        found[key_id(key)] = key
    return list(found.values())


def _payload(envelope: Envelope) -> bytes | None:
    try:
        return envelope.statement
    except ValueError:
        return None


def _statement(envelope: Envelope, wanted: str = PREDICATE_TYPE) -> _Statement | None:
    try:
        said = msgspec.json.decode(_payload(envelope) or b"", type=_Statement)
    except msgspec.MsgspecError:
        return None
    return said if (said.type, said.predicate_type) == (STATEMENT_TYPE, wanted) else None
