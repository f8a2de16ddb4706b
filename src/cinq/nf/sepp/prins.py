"""PRINS, TS 33.501 §13.2 and TS 29.573 §5.3.3, §6.2: messages that are protected from SEPP to SEPP, whoever is between.

JWE in the flattened JSON form with a key of the context (RFC 7516, alg dir): the message in the clear is what is
authenticated beside (aad), the values that are encrypted are the plaintext. What an IPX on the way changes it adds as a
JSON patch under its own signature (JWS, ES256), and only what the modification policy lets it is done.
"""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from cinq.crypto import n32
from cinq.nf.sepp import reformat
from cinq.nf.sepp.reformat import ReformatError, Tree
from cinq.nf.sepp.settings import NO_IPX, Ipx
from cinq.sbi import Problem
from cinq.sbi.json_patch import PatchItem, patched
from cinq.sbi.message import Request, Response
from cinq.sbi.services.n32c_handshake import N32fErrorType

SUITES = ("A256GCM", "A128GCM")
SIGNATURES = ("ES256",)
LAST = (1 << 32) - 1  # of the counter in a nonce
WINDOW = 1024  # messages of which it is known whether they came
LARGEST = 1 << 20
MOST_MODIFICATIONS = 2  # an IPX at each end (TS 33.501 §13.2.4.5.2)


class PrinsError(ValueError):
    """A message that is not taken. kind: of TS 29.573 §6.1.5.3.6. message: its identifier, where that is known."""

    def __init__(self, kind: N32fErrorType, message: str = "", what: str = "") -> None:
        self.kind: N32fErrorType = kind
        self.message = message
        super().__init__(f"{kind}: {what}" if what else kind)


class _Flat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """FlatJweJson."""

    protected: str
    aad: str
    iv: str
    ciphertext: str
    tag: str


class _FlatJws(msgspec.Struct, frozen=True):
    payload: str
    signature: str
    protected: str
    header: dict[str, object] | None = None


class _Message(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """N32fReformattedReqMsg and N32fReformattedRspMsg."""

    reformatted_data: _Flat
    modifications_block: list[_FlatJws] = []


class _Modifications(msgspec.Struct, frozen=True):
    identity: str
    tag: str
    operations: list[PatchItem] | None = None


class Window:
    """Which counters have come: each once, and none that is too old to know."""

    def __init__(self) -> None:
        self._next = 0
        self._seen = 0

    def take(self, counter: int) -> bool:
        """False: it came before, or may have."""
        if counter >= self._next:
            self._seen = (self._seen << min(counter - self._next + 1, WINDOW)) & ((1 << WINDOW) - 1) | 1
            self._next = counter + 1
            return True
        back = self._next - 1 - counter
        if back >= WINDOW or self._seen >> back & 1:
            return False
        self._seen |= 1 << back
        return True


@dataclass(slots=True)
class Way:
    """Messages of one kind in one direction. sent: how many; came: which."""

    pair: n32.Pair = field(repr=False)
    sent: int = 0
    came: Window = field(default_factory=Window)


@dataclass(slots=True)
class Keys:
    """Of an N32-f context: requests and responses, ours and theirs."""

    ours: Way
    to_ours: Way
    theirs: Way
    to_theirs: Way

    @classmethod
    def of(cls, master: bytes, context_id: str, suite: str, *, initiator: bool) -> Keys:
        """context_id: of the SEPP that began N32-c; initiator: whether that was us."""
        own, other = ("parallel", "reverse") if initiator else ("reverse", "parallel")
        made = (f"{own}_request", f"{own}_response", f"{other}_request", f"{other}_response")
        return cls(*(Way(n32.pair(master, context_id, name, suite)) for name in made))

    @property
    def used_up(self) -> bool:
        return max(self.ours.sent, self.to_theirs.sent) >= LAST


@dataclass(slots=True)
class Security:
    """own, peer: context identifiers, of which each end reads its own in what comes. suite: content encryption.

    ipxes: who may change what. ipx: ours, which is the next hop.
    """

    own: str
    peer: str
    suite: str
    keys: Keys
    ipxes: tuple[Ipx, ...] = ()
    ipx: str = NO_IPX

    def request(self, request: Request, authority: str, message: str) -> bytes:
        """N32fReformattedReqMsg. ReformatError."""
        clear, secret = reformat.blocks_of_request(request, authority, self._metadata(message))
        return self._sealed(self.keys.ours, clear, secret)

    def response(self, response: Response, message: str) -> bytes:
        """N32fReformattedRspMsg."""
        clear, secret = reformat.blocks_of_response(response, self._metadata(message))
        return self._sealed(self.keys.to_theirs, clear, secret)

    def opened_request(self, octets: bytes) -> tuple[Request, str, str]:
        """The request, its authority, its message identifier. PrinsError."""
        clear, secret, message = self._opened(self.keys.theirs, octets)
        try:
            return (*reformat.request_of(clear, secret), message)
        except ReformatError as error:
            raise PrinsError("MESSAGE_RECONSTRUCTION_FAILED", message, str(error)) from None

    def opened_response(self, octets: bytes, message: str) -> Response:
        """message: of the request. PrinsError."""
        clear, secret, said = self._opened(self.keys.to_ours, octets)
        if said != message:
            raise PrinsError("INTEGRITY_CHECK_FAILED", message, "it answers another request")
        try:
            return reformat.response_of(clear, secret)
        except ReformatError as error:
            raise PrinsError("MESSAGE_RECONSTRUCTION_FAILED", message, str(error)) from None

    def _metadata(self, message: str) -> Tree:
        return {"n32fContextId": self.peer, "messageId": message, "authorizedIpxId": self.ipx}

    def _sealed(self, way: Way, clear: Tree, secret: list[object]) -> bytes:
        if way.sent > LAST:
            raise PrinsError("ENCRYPTION_KEY_EXPIRED")
        nonce = way.pair.salt + way.sent.to_bytes(4, "big")
        way.sent += 1
        protected = _b64(msgspec.json.encode({"alg": "dir", "enc": self.suite}))
        aad = _b64(msgspec.json.encode(clear))
        plain = msgspec.json.encode({"dataToEncrypt": secret or [""]})
        sealed = AESGCM(way.pair.key).encrypt(nonce, plain, f"{protected}.{aad}".encode())
        flat = _Flat(protected, aad, _b64(nonce), _b64(sealed[:-16]), _b64(sealed[-16:]))
        return msgspec.json.encode(_Message(flat))

    def _opened(self, way: Way, octets: bytes) -> tuple[Tree, list[object], str]:
        message = read(octets)
        flat = message.reformatted_data
        clear, identifier = clear_of(flat)
        secret = self._deciphered(way, flat, identifier)
        clear = self._modified(clear, message, identifier)
        return clear, secret, identifier

    def _deciphered(self, way: Way, flat: _Flat, identifier: str) -> list[object]:
        header = _json(flat.protected, identifier)
        if header != {"alg": "dir", "enc": self.suite}:
            raise PrinsError("DECIPHERING_FAILED", identifier, "another algorithm than was agreed on")
        nonce = _octets(flat.iv, identifier)
        if len(nonce) != 12 or nonce[:8] != way.pair.salt:
            raise PrinsError("INTEGRITY_CHECK_FAILED", identifier, "another nonce than the context's")
        sealed = _octets(flat.ciphertext, identifier) + _octets(flat.tag, identifier)
        try:
            plain = AESGCM(way.pair.key).decrypt(nonce, sealed, f"{flat.protected}.{flat.aad}".encode())
        except (InvalidTag, ValueError):
            raise PrinsError("INTEGRITY_CHECK_FAILED", identifier, "the tag is wrong") from None
        if not way.came.take(int.from_bytes(nonce[8:], "big")):
            raise PrinsError("INTEGRITY_CHECK_FAILED", identifier, "it came before")
        try:
            block = msgspec.json.decode(plain)
        except (msgspec.DecodeError, RecursionError):
            block = None
        found = block.get("dataToEncrypt") if isinstance(block, dict) else None
        if not isinstance(found, list):
            raise PrinsError("DECIPHERING_FAILED", identifier, "no list of values")
        return found

    def _modified(self, clear: Tree, message: _Message, identifier: str) -> Tree:
        """What IPXes have changed, in order, where they may (TS 33.501 §13.2.4.7)."""
        if len(message.modifications_block) > MOST_MODIFICATIONS:
            raise PrinsError("MODIFICATIONS_INSTRUCTIONS_FAILED", identifier, "too many of them")
        for one in message.modifications_block:
            clear = self._applied(clear, one, message.reformatted_data.tag, identifier)
        return clear

    def _applied(self, clear: Tree, one: _FlatJws, tag: str, identifier: str) -> Tree:
        said, ipx = _verified(one, self.ipxes, identifier)
        before = copy.deepcopy(clear)
        if said.tag != tag:
            raise PrinsError(
                "INTEGRITY_CHECK_ON_MODIFICATIONS_FAILED", identifier, "they are of another message"
            )
        for item in said.operations or ():
            if item.op not in ("add", "replace", "remove") or not allows(ipx.may_change, item.path):
                what = f"{ipx.name} may not {item.op[:10]} {item.path[:80]}"
                raise PrinsError("MODIFICATIONS_INSTRUCTIONS_FAILED", identifier, what)
        try:
            made = patched(clear, said.operations or [])
        except Problem as problem:
            raise PrinsError("MODIFICATIONS_INSTRUCTIONS_FAILED", identifier, str(problem)) from None
        same = isinstance(made, dict) and made.get("metaData") == before.get("metaData")
        if not same or sorted(map(str, reformat.references(made))) != sorted(
            map(str, reformat.references(before))
        ):
            what = f"{ipx.name} has moved an encrypted value"
            raise PrinsError("MODIFICATIONS_INSTRUCTIONS_FAILED", identifier, what)
        assert isinstance(made, dict)
        return made


def read(octets: bytes) -> _Message:
    """PrinsError: it is no such message."""
    if len(octets) > LARGEST:
        raise PrinsError("MESSAGE_RECONSTRUCTION_FAILED", "", f"more than {LARGEST} octets")
    try:
        return msgspec.json.decode(octets, type=_Message)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise PrinsError("MESSAGE_RECONSTRUCTION_FAILED", "", str(error)[:200]) from None


def context_of(octets: bytes) -> tuple[str, str]:
    """Whose context a message says that it is of, and its identifier; nothing of it is verified. PrinsError."""
    clear, identifier = clear_of(read(octets).reformatted_data)
    metadata = clear["metaData"]
    assert isinstance(metadata, dict)
    return str(metadata.get("n32fContextId")), identifier


def clear_of(flat: _Flat) -> tuple[Tree, str]:
    """What is in the clear, not verified, and the identifier of the message. PrinsError."""
    clear = _json(flat.aad, "")
    metadata = clear.get("metaData") if isinstance(clear, dict) else None
    identifier = metadata.get("messageId") if isinstance(metadata, dict) else None
    if not isinstance(clear, dict) or not isinstance(identifier, str) or len(identifier) > 40:
        raise PrinsError("MESSAGE_RECONSTRUCTION_FAILED", "", "no metadata")
    return clear, identifier


def allows(patterns: Sequence[str], path: str) -> bool:
    """patterns: JSON pointers, in which * stands for one segment, and as the last for all below."""
    return any(re.fullmatch(_pattern(one), path) for one in patterns)


def _pattern(text: str) -> str:
    escaped = re.escape(text).replace(r"\*", "[^/]*")
    return escaped[: -len("[^/]*")] + ".*" if text.endswith("/*") else escaped


def _verified(one: _FlatJws, ipxes: Sequence[Ipx], identifier: str) -> tuple[_Modifications, Ipx]:
    """The modifications and whose they are. PrinsError: nobody's who is known."""
    try:
        said = msgspec.json.decode(_octets(one.payload, identifier), type=_Modifications)
        ipx = next(each for each in ipxes if each.name == said.identity)
        flat: jws.FlattenedJSONSerialization = {
            "payload": one.payload,
            "protected": one.protected,
            "signature": one.signature,
        }
        jws.deserialize_json(flat, ECKey.import_key(ipx.key), algorithms=list(SIGNATURES))
    except (StopIteration, msgspec.MsgspecError, JoseError, ValueError, TypeError, RecursionError):
        raise PrinsError(
            "INTEGRITY_CHECK_ON_MODIFICATIONS_FAILED", identifier, "no IPX that is known has signed them"
        ) from None
    return said, ipx


def _b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _octets(text: str, identifier: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise PrinsError("MESSAGE_RECONSTRUCTION_FAILED", identifier, "no base64url") from None


def _json(text: str, identifier: str) -> object:
    try:
        found: object = msgspec.json.decode(_octets(text, identifier))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise PrinsError("MESSAGE_RECONSTRUCTION_FAILED", identifier, "no JSON") from None
    return found
