"""A dossier as a file: the same contents are the same octets, and nothing in the file is outside the contents."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cinq.assurance.dossier.eligibility import Ruling, rulings
from cinq.assurance.dossier.oscal import assessment_results
from cinq.assurance.dossier.report import report
from cinq.assurance.evidence import OUTCOME, Run, Told, coverage
from cinq.assurance.junit import junit
from cinq.attest.canonical import Plain, canonical
from cinq.attest.envelope import Envelope, decoded, key_id, public_pem, signed

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:cinq:scas-result:v1"
ENVELOPE, STATEMENT, REPORT, JUNIT, OSCAL, KEYS = (
    "envelope.json",
    "statement.json",
    "report.html",
    "junit.xml",
    "oscal.json",
    "keys/",
)
ELIGIBILITY = "eligibility.json"
SECRET = "keys.csv"
OCTETS = 1 << 30  # of a dossier, unpacked
FILES = 20_000
S = TypeVar("S")
EPOCH = (1980, 1, 1, 0, 0, 0)


class DossierError(OSError):
    """What is wrong with a dossier, or with a folder that should become one; `artefact` names the first that is."""

    def __init__(self, artefact: str, what: str) -> None:
        self.artefact, self.what = artefact, what
        super().__init__(None, f"{artefact}: {what}" if artefact else what)


class Dossier(msgspec.Struct, frozen=True):
    """files: artefacts by name, the envelope and the statement among them."""

    files: dict[str, bytes]

    @property
    def envelope(self) -> Envelope:
        """DossierError: there is none, or it is none."""
        try:
            return decoded(self.files[ENVELOPE])
        except KeyError:
            raise DossierError(ENVELOPE, "removed") from None
        except ValueError as error:
            raise DossierError(ENVELOPE, f"changed: {error}") from None

    def octets(self) -> bytes:
        """As a file."""
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(self.files):
                info = zipfile.ZipInfo(name, EPOCH)
                info.external_attr = 0o644 << 16
                archive.writestr(info, self.files[name])
        return made.getvalue()

    def signed(self, key: Ed25519PrivateKey) -> Dossier:
        """With one more signature, and its public key for those who look (trust is another matter)."""
        before = self.envelope if ENVELOPE in self.files else None
        envelope = signed(self.files[STATEMENT], key, before)
        public = key.public_key()
        more = {ENVELOPE: _canonical(envelope), f"{KEYS}{key_id(public)}.pem": public_pem(public)}
        return Dossier({**self.files, **more})


def build(run: Path, with_keys: bool = False, ruled: bytes = b"") -> Dossier:
    """Of the evidence in a folder. with_keys: the test subscribers' keys go with it. ruled: what policies say of the
    vendor, as `cinq policy dry-run --json` has it. DossierError: there is no run, or these are no such findings."""
    facts = _decoded(run / "run.json", Run)
    told = sorted(
        _told(run), key=lambda one: (one.spec, [int(n) for n in one.clause.split(".")], one.beyond, one.sub)
    )
    files = {f"evidence/{name}": octets for name, octets in _evidence(run, with_keys)}
    files[OSCAL], files[REPORT] = (
        canonical(assessment_results(facts, told, files)),
        report(facts, told, files, _rulings(ruled)).encode(),
    )
    if ruled:
        files[ELIGIBILITY] = ruled
    files[JUNIT] = junit(told)
    files[STATEMENT] = canonical(_statement(facts, told, files))
    return Dossier(files)


def _rulings(octets: bytes) -> list[Ruling]:
    if not octets:
        return []
    try:
        return rulings(octets)
    except ValueError as error:
        raise DossierError(ELIGIBILITY, f"no findings of cinq policy dry-run --json: {error}") from None


def read(octets: bytes) -> Dossier:
    """DossierError: it is no dossier, or too large, or the file holds more than its artefacts."""
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            entries = archive.infolist()
            if len(entries) > FILES or sum(entry.file_size for entry in entries) > OCTETS:
                raise DossierError("", f"wanted at most {FILES} artefacts of {OCTETS} octets in all")
            files = {entry.filename: _content(archive, entry) for entry in entries}
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        UnicodeDecodeError,
        ValueError,
    ) as error:
        raise DossierError("", f"not a dossier: {error}") from None
    dossier = Dossier(files)
    again = dossier.octets()
    if again != octets:
        at = next(
            (n for n, (one, other) in enumerate(zip(again, octets, strict=False)) if one != other), len(again)
        )
        raise DossierError("", f"the file is not as it was made, from octet {at} on")
    return dossier


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(entry)
    except zipfile.BadZipFile as error:
        raise DossierError(entry.filename, f"changed: {error}") from None


def _statement(run: Run, told: list[Told], files: Mapping[str, bytes]) -> Plain:
    subjects: list[Plain] = [
        {"name": name, "digest": {"sha256": hashlib.sha256(files[name]).hexdigest()}}
        for name in sorted(files)
    ]
    found = coverage(told)
    predicate: dict[str, Plain] = {
        "run": run.id,
        "tool": {"name": "cinq", "version": run.tool_version, "sha256": run.tool_digest},
        "catalogue": {"sha256": run.catalogue_digest},
        "target": {"declared": run.target, "sha256": run.target_digest, "amfName": run.observed.amf_name},
        "seed": run.seed,
        "begun": _time(run.begun),
        "ended": _time(run.ended),
        "coverage": found.words,
        "verdicts": [
            {
                "ts": one.spec,
                "version": one.version,
                "clause": one.clause,
                "case": one.tc,
                "subCase": one.sub,
                "beyond": one.beyond,
                "verdict": one.verdict.value,
                "reason": one.reason,
            }
            for one in told
        ],
    }
    return {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat() if seconds else ""


def _told(run: Path) -> Iterator[Told]:
    for path in (run / "cases").glob(f"*/*/{OUTCOME}"):
        yield _decoded(path, Told)


def _evidence(run: Path, with_keys: bool) -> Iterator[tuple[str, bytes]]:
    for path in run.rglob("*"):
        if path.is_file() and not path.is_symlink() and (with_keys or path.name != SECRET):
            yield path.relative_to(run).as_posix(), path.read_bytes()


def _decoded(path: Path, shape: type[S]) -> S:
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except FileNotFoundError:
        raise DossierError(
            str(path), "there is none: name the folder of a run (cinq assess run --out)"
        ) from None
    except msgspec.MsgspecError as error:
        raise DossierError(str(path), f"not of a run: {error}") from None


def _canonical(envelope: Envelope) -> bytes:
    return canonical(msgspec.to_builtins(envelope))
