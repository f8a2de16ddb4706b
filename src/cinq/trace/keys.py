"""Subscribers' keys for deciphering: from a CSV file, and home network keys from the command line.

Columns: imsi (or supi), k, opc or op, and, where wanted, amf and algorithm (milenage or tuak); others are passed
over, so the file that `cinq subscriber import` takes serves. Keys are hexadecimal and are never shown again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cinq.crypto import aka, suci
from cinq.numbering import NumberingError, Suci, Supi, msin_digits
from cinq.settings import table

_KEY_LOG = 1 << 24  # octets
_SCHEMES = {"A": suci.PROFILE_A, "B": suci.PROFILE_B, "1": suci.PROFILE_A, "2": suci.PROFILE_B}


class KeysError(ValueError):
    """A file or an option that does not give keys: says file, line, column, what was found and what is wanted."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber's secrets: K and OPc in octets, never in its repr."""

    supi: Supi
    k: bytes = field(repr=False)
    opc: bytes = field(repr=False)
    algorithm: str = "milenage"

    def answers(self, rand: bytes, autn: bytes) -> aka.Challenge | None:
        """The challenge, where AUTN was made with this subscriber's key."""
        try:
            return aka.verify_autn(aka.functions(self.algorithm), self.k, self.opc, rand, autn)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class HomeNetworkKey:
    """A private key of 32 octets for SUCIs of one scheme (1 profile A, 2 profile B) and key identifier."""

    key_id: int
    scheme: int
    private_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """What deciphering goes by. Empty: messages stay as they are. tls: lines of a key log, NSS format."""

    subscribers: tuple[Subscriber, ...] = ()
    home_network: tuple[HomeNetworkKey, ...] = ()
    tls: str = field(default="", repr=False)

    def supi_of(self, concealed: Suci) -> Supi | None:
        """The SUPI in a SUCI: of the null scheme, or of a scheme whose key is here."""
        for output in self._outputs(concealed):
            try:
                return Supi(concealed.plmn.mcc + concealed.plmn.mnc + msin_digits(output))
            except NumberingError:
                continue
        return None

    def _outputs(self, concealed: Suci) -> Iterable[bytes]:
        if concealed.scheme == suci.NULL_SCHEME:
            yield concealed.output
            return
        for key in self.home_network:
            if (key.key_id, key.scheme) == (concealed.key_id, concealed.scheme):
                try:
                    yield suci.deconceal(key.scheme, key.private_key, concealed.output)
                except suci.SuciError:
                    continue

    def challenged(self, supi: Supi | None, rand: bytes, autn: bytes) -> list[tuple[Supi, aka.Challenge]]:
        """Whose key made this AUTN: the known subscriber, or all it may be where the SUPI is hidden.

        Test SIMs often share one key: then several are left, and the security mode command tells them apart.
        """
        answers: dict[tuple[bytes, bytes, str], aka.Challenge | None] = {}
        found = []
        for subscriber in self.subscribers:
            if supi is not None and subscriber.supi != supi:
                continue
            secrets = (subscriber.k, subscriber.opc, subscriber.algorithm)
            if secrets not in answers:
                answers[secrets] = subscriber.answers(rand, autn)
            challenge = answers[secrets]
            if challenge is not None:
                found.append((subscriber.supi, challenge))
        return found


NO_KEYS = Keys()


def parse_home_network_key(text: str) -> HomeNetworkKey:
    """'ID:SCHEME:HEX', for example '1:A:10c9...': SCHEME A or B, HEX 64 digits. KeysError says what is wrong."""
    parts = text.split(":")
    wanted = "home network key: wanted ID:SCHEME:HEX (ID 0 to 255, SCHEME A or B, HEX 64 digits)"
    if len(parts) != 3:
        raise KeysError(f"{wanted}, found {len(parts)} parts")
    key_id, scheme, digits = parts
    if not (key_id.isascii() and key_id.isdigit()) or int(key_id) > 255:
        raise KeysError(f"{wanted}, found ID {key_id!r}")
    if scheme.upper() not in _SCHEMES:
        raise KeysError(f"{wanted}, found SCHEME {scheme!r}")
    key = HomeNetworkKey(int(key_id), _SCHEMES[scheme.upper()], _octets("home network key", digits, (32,)))
    try:
        suci.public_key(key.scheme, key.private_key)
    except suci.SuciError as error:
        raise KeysError(f"home network key {key_id}: {error}") from None
    return key


def _octets(name: str, digits: str, lengths: tuple[int, ...]) -> bytes:
    """Hexadecimal to octets. What was found is told by its length only: it is a key."""
    wanted = " or ".join(str(2 * length) for length in lengths)
    try:
        octets = bytes.fromhex(digits)
    except ValueError:
        raise KeysError(
            f"{name}: found characters that are not hexadecimal, wanted {wanted} digits"
        ) from None
    if len(octets) not in lengths:
        raise KeysError(f"{name}: found {len(digits)} digits, wanted {wanted}")
    return octets


def _subscriber(row: Mapping[str, str]) -> Subscriber:
    algorithm = row.get("algorithm", "").lower() or "milenage"
    try:
        supi, functions = Supi.parse(row.get("imsi", "")), aka.functions(algorithm)
    except ValueError as error:
        raise KeysError(str(error)) from None
    tuak = algorithm == "tuak"
    constant = (32,) if tuak else (16,)
    k = _octets("k", row.get("k", ""), (16, 32) if tuak else (16,))
    if row.get("opc"):
        return Subscriber(supi, k, _octets("opc", row["opc"], constant), algorithm)
    if row.get("op"):
        return Subscriber(supi, k, functions.compute_opc(k, _octets("op", row["op"], constant)), algorithm)
    raise KeysError("opc: found nothing, wanted opc or op")


def read_subscribers(path: Path) -> tuple[Subscriber, ...]:
    """The rows of a CSV file with a heading line. KeysError names file and line."""
    try:
        return tuple(_rows(path))
    except OSError as error:
        raise KeysError(f"{path}: {error.strerror or error}") from None
    except table.TableError as error:
        raise KeysError(str(error)) from None


def _rows(path: Path) -> Iterable[Subscriber]:
    for row in table.read(path):
        try:
            yield _subscriber(row.cells)
        except KeysError as error:
            raise KeysError(f"{path}:{row.line}: {error}") from None


def read_keys(
    subscribers: Path | None, home_network_keys: Iterable[str] = (), key_log: Path | None = None
) -> Keys:
    """Keys from the options of the command line. KeysError says which of them gives none."""
    rows = () if subscribers is None else read_subscribers(subscribers)
    log = "" if key_log is None else _key_log(key_log)
    return Keys(rows, tuple(parse_home_network_key(text) for text in home_network_keys), log)


def _key_log(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(_KEY_LOG + 1)
    except OSError as error:
        raise KeysError(f"{path}: {error.strerror or error}") from None
    if len(text) > _KEY_LOG:
        raise KeysError(f"{path}: wanted a key log of at most {_KEY_LOG} octets")
    return text.decode("ascii", "replace")
