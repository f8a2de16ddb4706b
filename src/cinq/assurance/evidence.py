"""What a run leaves behind: a folder that a stranger can judge the verdicts by.

run.json                            what was asked of whom, by what, with which verdicts
target.toml                         the target as it was described, without its secrets
sbom.cdx.json                       what the bench is made of (CycloneDX)
keys.csv                            the test subscribers' keys, to decipher captures by (for the owner's eyes)
cases/<row>/<sub-case>/outcome.json the verdict and the facts that it rests on, by two clocks
.../events.jsonl                    every message that the bench sent and heard
.../capture.pcapng                  the same for Wireshark, with NAS deciphered beside it
.../ladder.txt                      the same as a call flow
.../inputs.json and others          what a sub-case keeps besides: seeds, findings, an availability curve
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from cinq import __version__
from cinq.assurance import catalogue
from cinq.assurance.case import CASES, Case
from cinq.assurance.run import Outcome
from cinq.assurance.sbom import sbom
from cinq.assurance.target import Target
from cinq.assurance.verdict import Fact, Verdict, of_case
from cinq.procedure import Event
from cinq.trace import export, ladder_text, steps_of_events

FORMAT = "cinq-assurance-run/1"
LADDER_COLUMNS = 110
OUTCOME = "outcome.json"
SBOM = "sbom.cdx.json"
R = TypeVar("R")


class Told(Struct, frozen=True):
    """One sub-case, as it is kept. artefacts: SHA-256, hexadecimal, of the other files beside it, by name."""

    case: str
    sub: str
    title: str
    spec: str
    version: str
    clause: str
    tc: str
    verdict: Verdict
    reason: str
    beyond: bool = False
    limit: str = ""
    seconds: float = 0.0
    facts: tuple[Fact, ...] = ()
    artefacts: dict[str, str] = {}


class Identity(Struct, frozen=True):
    """What the target shows of itself in NG Setup (TS 38.413 §9.2.6.2), below it, and where it speaks TLS.

    ies: of NG SETUP RESPONSE, by number, in order. sctp: of its INIT ACK (RFC 9260 §3.3.3), in order. tls: by place.
    """

    amf_name: str = ""
    guamis: tuple[str, ...] = ()
    relative_capacity: int = 0
    slices: tuple[str, ...] = ()
    ies: tuple[int, ...] = ()
    sctp: tuple[str, ...] = ()
    tls: tuple[str, ...] = ()


class Run(Struct, frozen=True):
    """A run. id: the same for the same tool, catalogue, target and seed; then the stimuli are the same as well.

    target: its name as declared. begun, ended: seconds since 1970, 0 where it has not. wanted: cases asked for, all
    where it is empty.
    """

    id: str
    tool_version: str
    tool_digest: str
    catalogue_digest: str
    target: str
    target_digest: str
    seed: str
    begun: float
    ended: float = 0.0
    observed: Identity = Identity()
    format: str = FORMAT


class EvidenceError(OSError):
    """A folder that is not of this run: what was found, what is wanted."""


def tool_digest() -> str:
    """SHA-256 over the files of this package, hexadecimal: which bench it was."""
    whole = hashlib.sha256()
    root = Path(str(resources.files("cinq")))
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".json", ".c", ".h"):
            whole.update(f"{path.relative_to(root)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def new_run(target: Target, described: bytes, seed: str, begun: float) -> Run:
    """described: the target file as it is."""
    digest, tool = hashlib.sha256(described).hexdigest(), tool_digest()
    whole = "\n".join((FORMAT, tool, catalogue.digest(), digest, seed))
    return Run(
        id=hashlib.sha256(whole.encode()).hexdigest()[:16],
        tool_version=__version__,
        tool_digest=tool,
        catalogue_digest=catalogue.digest(),
        target=target.name,
        target_digest=digest,
        seed=seed,
        begun=begun,
    )


class Folder:
    """The evidence of one run. EvidenceError: there is another run in it."""

    def __init__(self, path: Path, run: Run) -> None:
        self.path = path
        before = _read(path / "run.json", Run)
        if before is not None and before.id != run.id:
            raise EvidenceError(
                None,
                f"{path}: holds run {before.id} of {before.target}, and this is run {run.id} of {run.target} "
                "(another bench, catalogue, target or seed)",
            )
        self.run = run if before is None else msgspec.structs.replace(before, ended=0.0)
        path.mkdir(parents=True, exist_ok=True)
        self._write_run()

    def described(self, target: Target, text: str) -> None:
        """The target file without its secrets, the keys apart, and what the bench is made of."""
        secrets = ("k", "opc", "op")
        lines = [
            line if line.split("=")[0].strip() not in secrets else f'{line.split("=")[0]}= "(in keys.csv)"'
            for line in text.splitlines()
        ]
        (self.path / "target.toml").write_text("\n".join(lines) + "\n")
        _write(self.path / SBOM, sbom(self.run.tool_digest))
        keys = self.path / "keys.csv"
        keys.touch(mode=0o600)
        methods: tuple[Literal["5G AKA", "EAP-AKA'"], ...] = ("5G AKA", "EAP-AKA'")
        scenario = target.scenario()
        rows = [
            f"{ue.imsi},{ue.k.hex()},{ue.operator_code.hex()},{ue.algorithm}"
            for method in methods
            for ue in scenario.ues(method)
        ]
        keys.write_text("\n".join(("imsi,k,opc,algorithm", *rows)) + "\n")

    def kept(self, case: str, sub: str) -> Told | None:
        """What an earlier part of this run has found, None when it has not come to it or could not tell."""
        told = _read(self._of(case, sub) / OUTCOME, Told)
        return told if told is not None and told.verdict in CONCLUSIVE else None

    def keep(self, outcome: Outcome) -> Told:
        """Writes one outcome; `outcome.json` last, so that it is there only when the rest is."""
        place = self._of(outcome.case.id, outcome.sub.name)
        artefacts: dict[str, str] = {}
        if outcome.events:
            place.mkdir(parents=True, exist_ok=True)
            _artefacts(place, outcome.events)
            names = ("events.jsonl", "capture.pcapng", "ladder.txt")
            artefacts = {name: hashlib.sha256((place / name).read_bytes()).hexdigest() for name in names}
        for name, octets in outcome.artefacts.items():
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(octets)
            artefacts[name] = hashlib.sha256(octets).hexdigest()
        told = told_of(outcome, artefacts)
        _write(place / OUTCOME, told)
        return told

    def observed(self, identity: Identity) -> None:
        self.run = msgspec.structs.replace(self.run, observed=identity)
        self._write_run()

    def finished(self, ended: float) -> None:
        self.run = msgspec.structs.replace(self.run, ended=ended)
        self._write_run()

    def _write_run(self) -> None:
        _write(self.path / "run.json", self.run)

    def _of(self, case: str, sub: str) -> Path:
        return self.path / "cases" / case / sub


def told_of(outcome: Outcome, artefacts: dict[str, str] | None = None) -> Told:
    row = outcome.case.row
    return Told(
        outcome.case.id,
        outcome.sub.name,
        outcome.sub.title,
        row.spec,
        row.version,
        row.clause,
        row.tc or row.title,
        outcome.verdict,
        outcome.judged.reason,
        outcome.sub.beyond,
        outcome.sub.limit,
        round(outcome.seconds, 3),
        outcome.facts,
        artefacts or {},
    )


def kept_in(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What sub-cases kept besides, by `case/sub-case/name`. files: of a dossier, by name."""
    start = "evidence/cases/"
    return {name.removeprefix(start): octets for name, octets in files.items() if name.startswith(start)}


class Coverage(Struct, frozen=True):
    """How much was asked. Cases and sub-cases are counted apart, and so is what was asked beyond the specification.

    black_box: rows of the catalogue that the network can be asked. executed: of those, rows of which something was
    asked and could be told. host, host_executed: the same of rows that take a host. verdicts: of the specification's
    sub-cases. beyond: sub-cases beyond it that could be told.
    """

    rows: int
    black_box: int
    executed: int
    host: int
    host_executed: int
    verdicts: dict[Verdict, int]
    beyond: int

    @property
    def words(self) -> str:
        share = 100 * self.executed / self.black_box if self.black_box else 0
        host = f", {self.host_executed} of {self.host} host rows" if self.host_executed else ""
        black_box = f"{self.executed} of {self.black_box} black-box rows executed ({share:.0f} %)"
        return f"{black_box}{host}, of {self.rows} rows"


CONCLUSIVE = (Verdict.PASS, Verdict.FAIL)


def coverage(told: Iterable[Told]) -> Coverage:
    every, rows = list(told), catalogue.rows()
    own = [one for one in every if not one.beyond]
    of_class = Counter(row.cls for row in rows.values())
    executed = Counter(rows[case].cls for case in {one.case for one in own if one.verdict in CONCLUSIVE})
    return Coverage(
        len(rows),
        of_class["B"],
        executed["B"],
        of_class["H"],
        executed["H"],
        {verdict: sum(one.verdict is verdict for one in own) for verdict in Verdict},
        sum(one.beyond and one.verdict in CONCLUSIVE for one in every),
    )


def of_rows(told: Iterable[Told]) -> dict[str, Verdict]:
    """A verdict for every row of the catalogue, by its identity: those without a case are NOT-TESTED."""
    found: dict[str, list[Verdict]] = {row: [] for row in catalogue.rows()}
    for one in told:
        if not one.beyond:
            found[one.case].append(one.verdict)
    return {row: of_case(verdicts) for row, verdicts in found.items()}


def why_not(row: catalogue.Row) -> str:
    """Why a run says nothing of a row."""
    case: Case | None = CASES.get(row.id)
    return catalogue.missing(row) if case is None else "there is a case; this run did not ask it"


def _artefacts(place: Path, events: tuple[Event, ...]) -> None:
    with (place / "events.jsonl").open("wb") as file:
        for event in events:
            file.write(msgspec.json.encode(_facts(event)) + b"\n")
    with (place / "capture.pcapng").open("wb") as file:
        export(events, file)
    (place / "ladder.txt").write_text(ladder_text(steps_of_events(events), LADDER_COLUMNS))


def _facts(event: Event) -> dict[str, object]:
    return {
        "time": event.time,
        "from": event.nf,
        "subject": event.subject,
        "procedure": event.procedure,
        "direction": event.direction,
        "interface": event.interface,
        "message": event.message,
        "cause": str(event.cause),
        "octets": event.octets.hex(),
    }


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(".part")
    whole.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    whole.replace(path)


def _read(path: Path, shape: type[R]) -> R | None:
    """None: there is no such file. EvidenceError: it is something else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise EvidenceError(None, f"{path}: not a file of a run: {error}") from None
