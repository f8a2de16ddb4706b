"""TLS opened with the secrets of a key log (the NSS format that SSLKEYLOGFILE gives): TLS 1.3 (RFC 8446) and TLS 1.2
(RFC 5246, RFC 5288, RFC 7905) with AES-GCM or ChaCha20-Poly1305, which is what TS 33.210 §6.2 lets the SBI use."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from cinq.trace.bounded import Bounded

_CHANGE_CIPHER_SPEC, _HANDSHAKE, _DATA = 20, 22, 23
_CLIENT_HELLO, _SERVER_HELLO, _FINISHED, _KEY_UPDATE = 1, 2, 20, 24
_TLS_1_3 = b"\x03\x04"
_SUPPORTED_VERSIONS = 43
_RECORD = 5
_LONGEST = (1 << 14) + 2048
_HANDSHAKES = 1 << 17  # octets of handshake messages that may wait for their end
_LABELS = {
    "CLIENT_RANDOM": "master",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": "client handshake",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": "server handshake",
    "CLIENT_TRAFFIC_SECRET_0": "client",
    "SERVER_TRAFFIC_SECRET_0": "server",
}


class KeyLog:
    """Secrets by the client's random. Lines that say nothing here are passed over."""

    def __init__(self, text: str = "") -> None:
        self._secrets: Bounded[tuple[bytes, str], bytes] = Bounded()
        self.add(text)

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def add(self, text: str) -> None:
        """More lines, such as those in a capture file itself."""
        for line in text.splitlines():
            words = line.split()
            if len(words) != 3 or words[0] not in _LABELS:
                continue
            try:
                self._secrets[bytes.fromhex(words[1]), _LABELS[words[0]]] = bytes.fromhex(words[2])
            except ValueError:
                continue

    def secret(self, random: bytes, label: str) -> bytes | None:
        return self._secrets.get((random, label))


@dataclass(frozen=True, slots=True)
class _Suite:
    """key: its octets. digest: of the key schedule. chacha: ChaCha20-Poly1305, else AES-GCM."""

    key: int
    digest: str
    chacha: bool = False


_AES_128, _AES_256, _CHACHA = _Suite(16, "sha256"), _Suite(32, "sha384"), _Suite(32, "sha256", chacha=True)
_SUITES = (
    {0x1301: _AES_128, 0x1302: _AES_256, 0x1303: _CHACHA}
    | dict.fromkeys((0x009C, 0x009E, 0xC02B, 0xC02F), _AES_128)
    | dict.fromkeys((0x009D, 0x009F, 0xC02C, 0xC030), _AES_256)
    | dict.fromkeys((0xCCA8, 0xCCA9, 0xCCAA), _CHACHA)
)


class _Cipher:
    """Opens the records of one end under one key, in order."""

    def __init__(self, suite: _Suite, key: bytes, iv: bytes) -> None:
        self._aead = ChaCha20Poly1305(key) if suite.chacha else AESGCM(key)
        self._iv = iv
        self._explicit = len(iv) == 4  # RFC 5288 §3: the rest of the nonce is in the record
        self._number = 0

    def open(self, head: bytes, payload: bytes, modern: bool) -> bytes | None:
        """None: it does not open. modern: TLS 1.3."""
        number = self._number.to_bytes(8, "big")
        if self._explicit:
            nonce, payload = self._iv + payload[:8], payload[8:]
        else:
            nonce = bytes(a ^ b for a, b in zip(self._iv, b"\0\0\0\0" + number, strict=True))
        length = max(0, len(payload) - 16).to_bytes(2, "big")
        try:
            plain = self._aead.decrypt(nonce, payload, head if modern else number + head[:3] + length)
        except (InvalidTag, ValueError):
            return None
        self._number += 1
        return plain


class _End:
    """One end's records."""

    def __init__(self) -> None:
        self.octets = bytearray()
        self.handshake = bytearray()
        self.cipher: _Cipher | None = None
        self.secret = b""
        self.in_data = False


class Session:
    """One connection. fault: why it cannot be opened; empty while it can."""

    def __init__(self, log: KeyLog) -> None:
        self._log = log
        self._ends = {True: _End(), False: _End()}  # by whether it is the client's
        self._random, self._server_random = b"", b""
        self._suite: _Suite | None = None
        self._modern = False
        self.fault = ""

    def take(self, octets: bytes, client: bool) -> bytes:
        """Octets that one end sent, in order; the application's data in them."""
        end = self._ends[client]
        end.octets += octets
        plain = b"".join(self._records(end, client))
        self._give_up()
        return plain

    def _give_up(self) -> None:
        """What cannot be opened is not kept."""
        if self.fault:
            for one in self._ends.values():
                one.octets.clear()
                one.handshake.clear()

    @property
    def octets(self) -> int:
        """How many wait for the end of a record or of a handshake message."""
        return sum(len(one.octets) + len(one.handshake) for one in self._ends.values())

    def _records(self, end: _End, client: bool) -> Iterator[bytes]:
        while len(end.octets) >= _RECORD and not self.fault:
            head = bytes(end.octets[:_RECORD])
            length = int.from_bytes(head[3:], "big")
            if head[1] != 3 or length > _LONGEST:
                self.fault = "no TLS record where one should begin"
                return
            if len(end.octets) < _RECORD + length:
                return
            payload = bytes(end.octets[_RECORD : _RECORD + length])
            del end.octets[: _RECORD + length]
            yield self._record(end, client, head, payload)

    def _record(self, end: _End, client: bool, head: bytes, payload: bytes) -> bytes:
        """The application's data in a record."""
        kind = head[0]
        if kind == _CHANGE_CIPHER_SPEC:
            if not self._modern:
                self._change_cipher(end, client)
            return b""
        if end.cipher is not None and (not self._modern or kind == _DATA):
            plain = end.cipher.open(head, payload, self._modern)
            if plain is None:
                self.fault = "a record does not open with the secrets of the key log"
                return b""
            payload = plain
            if self._modern:
                payload = payload.rstrip(b"\0")
                kind, payload = (payload[-1] if payload else 0), payload[:-1]
        elif kind == _DATA:
            self.fault = "the key log has no secret of it"
            return b""
        if kind == _HANDSHAKE:
            end.handshake += payload
            self._handshake(end, client)
            return b""
        return payload if kind == _DATA else b""

    def _handshake(self, end: _End, client: bool) -> None:
        """The handshake messages that are whole (RFC 8446 §4)."""
        if len(end.handshake) > _HANDSHAKES:
            self.fault = "a handshake without an end"
        while len(end.handshake) >= 4:
            length = int.from_bytes(end.handshake[1:4], "big")
            if len(end.handshake) < 4 + length:
                return
            kind, body = end.handshake[0], bytes(end.handshake[4 : 4 + length])
            del end.handshake[: 4 + length]
            if kind == _CLIENT_HELLO:
                self._random = body[2:34]
            elif kind == _SERVER_HELLO:
                self._server_hello(body)
            elif kind == _FINISHED and self._modern:
                self._secret(end, client, self._log.secret(self._random, "client" if client else "server"))
                end.in_data = True
            elif kind == _KEY_UPDATE and self._modern and end.in_data and self._suite:
                size = hashlib.new(self._suite.digest).digest_size
                self._secret(end, client, _labelled(self._suite.digest, end.secret, b"traffic upd", size))

    def _server_hello(self, body: bytes) -> None:
        """Random, cipher suite and version (RFC 8446 §4.1.3)."""
        self._server_random = body[2:34]
        place = 35 + body[34] if len(body) > 34 else len(body)
        suite = int.from_bytes(body[place : place + 2], "big")
        self._suite = _SUITES.get(suite)
        if self._suite is None:
            self.fault = f"the cipher suite {suite:#06x} is not opened here"
            return
        self._modern = _version(body[place + 3 :]) == _TLS_1_3
        if self._modern and hashlib.sha256(b"HelloRetryRequest").digest() != self._server_random:
            for client, end in self._ends.items():
                label = "client handshake" if client else "server handshake"
                self._secret(end, client, self._log.secret(self._random, label))

    def _secret(self, end: _End, client: bool, secret: bytes | None) -> None:
        """RFC 8446 §7.3."""
        if secret is None or self._suite is None:
            self.fault = "the key log has no secret of it"
            return
        key = _labelled(self._suite.digest, secret, b"key", self._suite.key)
        iv = _labelled(self._suite.digest, secret, b"iv", 12)
        end.secret, end.cipher = secret, _Cipher(self._suite, key, iv)

    def _change_cipher(self, end: _End, client: bool) -> None:
        """From here on an end of TLS 1.2 protects (RFC 5246 §6.3)."""
        master = self._log.secret(self._random, "master")
        if master is None or self._suite is None:
            self.fault = self.fault or "the key log has no secret of it"
            return
        size, fixed = self._suite.key, 12 if self._suite.chacha else 4
        seed = b"key expansion" + self._server_random + self._random
        block = _prf(self._suite.digest, master, seed, 2 * (size + fixed))
        key = block[:size] if client else block[size : 2 * size]
        ivs = block[2 * size :]
        end.cipher = _Cipher(self._suite, key, ivs[:fixed] if client else ivs[fixed:])


def is_record(octets: bytes) -> bool:
    """Whether a TLS record begins here."""
    return len(octets) >= _RECORD and octets[0] in range(20, 24) and octets[1] == 3 and octets[2] <= 4


def _version(extensions: bytes) -> bytes:
    """What supported_versions of a ServerHello chose (RFC 8446 §4.2.1); from the extensions' length on."""
    place = 2
    while place + 4 <= len(extensions):
        kind, length = (int.from_bytes(extensions[place + n : place + n + 2], "big") for n in (0, 2))
        if kind == _SUPPORTED_VERSIONS:
            return extensions[place + 4 : place + 4 + length]
        place += 4 + length
    return b""


def _labelled(digest: str, secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label without context, RFC 8446 §7.1."""
    whole = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes((len(whole),)) + whole + b"\0"
    made = last = b""
    while len(made) < length:
        last = hmac.digest(secret, last + info + bytes((len(made) // len(last or b" ") + 1,)), digest)
        made += last
    return made[:length]


def _prf(digest: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """RFC 5246 §5."""
    made, step = b"", seed
    while len(made) < length:
        step = hmac.digest(secret, step, digest)
        made += hmac.digest(secret, step + seed, digest)
    return made[:length]
