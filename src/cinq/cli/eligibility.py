"""cinq policy check, dry-run, sign and example: whom policies keep out, and who has signed for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.text import Text

from cinq.cli.output import Failure, console, settings, show_json
from cinq.settings.eligibility import POINTS, Eligibility, Mode, Point
from cinq.settings.network import NetworkSettings

if TYPE_CHECKING:
    from cinq.attest import Envelope
    from cinq.eligibility.documents import Stock
    from cinq.eligibility.engine import Decision, Document, Finding, Observation
    from cinq.eligibility.vocabulary import Kind

T = TypeVar("T")
POINT_OF: dict[Kind, Point] = {
    "gnb": "ng_setup",
    "nf": "nrf_registration",
    "pfcp_peer": "pfcp_association",
    "terminal": "terminal",
}
SHOWN_AS: dict[Kind, str] = {"gnb": "gNB", "nf": "NF", "pfcp_peer": "PFCP peer", "terminal": "terminals"}
COLOURS = {"deny": "red", "conflict": "red", "review": "yellow", "allow": "green"}
NOT_ADVICE = "What files say, and no legal advice: people decide."

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Policy files (TOML).", show_default=False)
]
Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file of the network, with its [eligibility].")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add_to(app: typer.Typer) -> None:
    for name, command in (("check", check), ("dry-run", dry_run), ("sign", sign), ("example", example)):
        app.command(name)(command)


def check(
    files: Files,
    inventory: Annotated[Path | None, typer.Option("--inventory", help="An inventory to check too.")] = None,
) -> None:
    """Name every mistake in policies of eligibility, in the files that they name, and in an inventory."""
    mistakes: list[str] = []
    held = {file: found for file in files if (found := _tried(_policy, file, mistakes)) is not None}
    for file, found in held.items():
        console().print(Text(_summary(file, found)), soft_wrap=True)
    if inventory is not None and (stock := _tried(_stock, inventory, mistakes)) is not None:
        count = len(stock.inventory.elements)
        console().print(Text(f"{inventory}: holds: {count} elements, {len(stock.sboms)} bills of materials"))
        names = {one.name for one in stock.inventory.elements}
        mistakes += [
            f"{file}: exception[{i}].element: found {one.element!r}, which {inventory} has not"
            for file, found in held.items()
            for i, one in enumerate(found.policy.exception)
            if one.element not in names
        ]
    if mistakes:
        for one in mistakes:
            typer.echo(one, err=True)
        raise Failure(f"{len(mistakes)} mistake{'' if len(mistakes) == 1 else 's'}")


def dry_run(
    policy: Annotated[
        list[Path] | None, typer.Option("--policy", help="A policy file. May be repeated.")
    ] = None,
    inventory: Annotated[Path | None, typer.Option("--inventory", help="The inventory (TOML).")] = None,
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="The day; without: today, where the network is."),
    ] = None,
    observed: Annotated[
        Path | None,
        typer.Option("--observed", help="What was seen of it (CSV): element, signal, value, perhaps source."),
    ] = None,
    stage: Annotated[str, typer.Option(help="procure, install, enrol or operate.")] = "operate",
    config: Config = None,
    json: AsJson = False,
) -> None:
    """What would be refused on a day, element by element: by which rule of which law, and why. Nothing is done."""
    from cinq.eligibility.engine import decide
    from cinq.eligibility.vocabulary import STAGES
    from cinq.functions import zone_of

    network = settings(NetworkSettings, config)
    chosen = network.eligibility
    found = next((one for one in STAGES if one == stage), None)
    if found is None:
        raise Failure(f"--stage: found {stage!r}, wanted one of {', '.join(STAGES)}")
    documents = [_policy(path) for path in policy or chosen.policy]
    path = inventory or chosen.inventory
    if not documents or path is None:
        raise Failure(
            "wanted policies and an inventory",
            "--policy FILE --inventory FILE, or a --config that names them",
        )
    stock, when = _stock(path), (day or datetime.now(zone_of(network))).date()
    seen = _observed(observed or chosen.observed)
    runs = [decide(document, stock.inventory, seen, stock.sboms, when, found) for document in documents]
    elements = list(zip(*runs, strict=True))
    if json:
        show_json([_facts(one, when, found, chosen) for decisions in elements for one in decisions])
    else:
        _say(elements, stock, when, found, chosen)


def sign(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The policy file, or the inventory.", show_default=False)
    ],
    key: Annotated[Path, typer.Option("--key", help="Your private key (PEM; `cinq dossier key` makes one).")],
    config: Config = None,
    modes: Annotated[
        list[str] | None,
        typer.Option("--mode", help="What you sign for, as ng_setup=refuse. May be repeated."),
    ] = None,
) -> None:
    """Sign for what a policy may refuse or drain, as the settings or --mode say; or sign the inventory of the settings.

    Two approvers are wanted for each.
    """
    from cinq.attest import private_key
    from cinq.eligibility import approval

    chosen = settings(NetworkSettings, config).eligibility
    if chosen.inventory is not None and file.resolve() == chosen.inventory.resolve():
        stock = _stock(file)
        said = approval.inventory_statement(stock)
        with _failures():
            envelope, kept = approval.sign(said, private_key(key), approval.read(file))
        _signed(
            file, f"inventory of {_counted(len(stock.inventory.elements), 'element')}", envelope, kept, chosen
        )
        return
    wanted = {p: m for p, m in _modes(modes, chosen).items() if m in approval.STRICT}
    if not wanted:
        raise Failure(
            "nothing to sign for: no point refuses or drains",
            "--mode ng_setup=refuse, or a --config that says so",
        )
    with _failures():
        document, own = _policy(file), private_key(key)
        envelope, kept = approval.sign(approval.statement(document, wanted), own, approval.read(file))
    doors = ", ".join(f"{point} = {mode}" for point, mode in sorted(wanted.items()))
    what = f"policy {document.policy.id} version {document.policy.version}, {doors}"
    _signed(file, what, envelope, kept, chosen)


def _signed(file: Path, what: str, envelope: Envelope, kept: bool, chosen: Eligibility) -> None:
    """Writes the signatures, and tells whose they are and how many are wanted."""
    from cinq.attest import key_id
    from cinq.eligibility import approval

    with _failures():
        known = [key_id(one) for one in approval.approvers(chosen.approvers)]
    target = approval.file_of(file)
    target.write_bytes(approval.octets_of(envelope))
    names = [one.keyid for one in envelope.signatures]
    out = console()
    if not kept:
        out.print("what was signed before was something else: its signatures are gone")
    out.print(Text(f"{target}: {what}"), soft_wrap=True)
    for name in names:
        stranger = ", who is none of the approvers of [eligibility]" if known and name not in known else ""
        out.print(Text(f" signed by {name[:16]}{stranger}"), soft_wrap=True)
    missing = approval.WANTED - len([name for name in names if not known or name in known])
    if missing > 0:
        out.print(f" {missing} more approver{'' if missing == 1 else 's'} wanted")


def example(
    name: Annotated[str, typer.Argument(help="Which one; without: their names.")] = "",
) -> None:
    """Print an example of a policy, or of an inventory, to begin with. None is legal advice."""
    from cinq.eligibility import examples

    if not name:
        typer.echo("\n".join(examples.NAMES))
    elif name not in examples.NAMES:
        raise Failure(f"no example {name!r}", f"one of {', '.join(examples.NAMES)}")
    else:
        typer.echo(examples.text(name), nl=False)


def _policy(path: Path) -> Document:
    from cinq.eligibility import documents

    with _failures():
        return documents.policy(path)


def _stock(path: Path) -> Stock:
    from cinq.eligibility import documents

    with _failures():
        return documents.stock(path)


def _observed(path: Path | None) -> tuple[Observation, ...]:
    from cinq.eligibility import documents

    if path is None:
        return ()
    with _failures():
        return documents.observations(path)


def _tried(read: Callable[[Path], T], path: Path, mistakes: list[str]) -> T | None:
    from cinq.eligibility.documents import DocumentError

    try:
        return read(path)
    except Failure as failure:
        if not isinstance(failure.__cause__, DocumentError):
            raise
        mistakes += failure.__cause__.mistakes
        return None


@contextmanager
def _failures() -> Iterator[None]:
    from cinq.attest import KeyFileError
    from cinq.eligibility.approval import ApprovalError
    from cinq.eligibility.documents import DocumentError

    try:
        yield
    except DocumentError as error:
        raise Failure(str(error), "cinq policy check names every mistake") from error
    except ApprovalError as error:
        raise Failure(str(error), error.mend) from None
    except KeyFileError as error:
        raise Failure(error.strerror or str(error), "cinq dossier key NAME.pem makes one") from None


def _modes(given: Sequence[str] | None, chosen: Eligibility) -> dict[Point, Mode]:
    """Those of the settings, or those that --mode says."""
    if not given:
        return chosen.modes
    found: dict[Point, Mode] = {}
    allowed: tuple[Mode, ...] = ("refuse", "drain")
    for text in given:
        name, _, value = text.partition("=")
        point = next((one for one in POINTS if one == name.strip()), None)
        mode = next((one for one in allowed if one == value.strip()), None)
        if point is None or mode is None:
            wanted = f"a point ({', '.join(POINTS)}), '=', and refuse or drain"
            raise Failure(f"--mode: found {text[:60]!r}, wanted {wanted}")
        found[point] = mode
    return found


def _summary(file: Path, document: Document) -> str:
    policy = document.policy
    status = Counter(law.status for law in policy.law)
    laws = ", ".join(f"{count} {name.replace('-', ' ')}" for name, count in status.items())
    rules = _counted(len(policy.rule), "rule")
    return (
        f"{file}: holds: policy {policy.id} version {policy.version}, {rules} about "
        f"{', '.join(subject.id for subject in policy.subject)}; laws: {laws}; "
        f"{_counted(len(policy.exception), 'exception')}; "
        f"reviewed by {policy.reviewed_by} on {policy.reviewed_on}. {NOT_ADVICE}"
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _follows(decision: Decision, chosen: Eligibility) -> str:
    """What the door would do, by the settings."""
    point = POINT_OF[decision.kind]
    mode = chosen.mode(point)
    if not decision.blocks:
        return "let in" if decision.verdict == "allow" else "let in; a person looks"
    word = {"refuse": "would be refused", "drain": "would be drained"}.get(mode, "let in")
    return f"{word} ({point} = {mode})"


def _finding(policy: str, finding: Finding) -> dict[str, object]:
    rule, law = finding.rule, finding.law
    return {
        "policy": policy,
        "rule": rule.id,
        "asks": finding.asks,
        "applies": finding.applies,
        "effective": rule.effective.isoformat(),
        "says": rule.says,
        "citation": law.citation,
        "clause": rule.clause,
        "nature": law.nature,
        "status": law.status,
        "why": finding.why,
    }


def _facts(one: Decision, when: date, stage: str, chosen: Eligibility) -> dict[str, object]:
    return {
        "element": one.element,
        "kind": one.kind,
        "date": when.isoformat(),
        "stage": stage,
        "policy": one.policy,
        "verdict": one.verdict,
        "keptOut": one.blocks,
        "follows": _follows(one, chosen),
        "rule": None if one.rule is None else one.rule.id,
        "why": one.why,
        "evidence": one.evidence,
        "findings": [_finding(one.policy, finding) for finding in one.findings],
    }


def _say(
    elements: Sequence[tuple[Decision, ...]], stock: Stock, when: date, stage: str, chosen: Eligibility
) -> None:
    from cinq.eligibility.engine import strictest

    out = console()
    keys = {one.name: one.key for one in stock.inventory.elements}
    worst = [strictest(decisions) for decisions in elements]
    verdicts = Counter(one.verdict for one in worst)
    counts = ", ".join(f"{verdicts[name]} {name}" for name in COLOURS if verdicts[name])  # type: ignore[index]
    out.print(
        Text(f"{when}, stage {stage}: {len(worst)} elements: {counts or 'none'}. {NOT_ADVICE}"),
        soft_wrap=True,
    )
    for whole, decisions in zip(worst, elements, strict=True):
        line = Text(f"{SHOWN_AS[whole.kind]} {whole.element} ({keys[whole.element]}): ", "bold")
        line.append(whole.verdict, COLOURS[whole.verdict]).append(f" · {_follows(whole, chosen)}", "not bold")
        out.print(line, soft_wrap=True)
        for one in decisions:
            if not one.findings or one.verdict == "conflict":
                out.print(Text(f"  {one.policy}: {one.why}"), soft_wrap=True)
            for finding in one.findings:
                rule, law = finding.rule, finding.law
                clause = f", {rule.clause}" if rule.clause else ""
                out.print(
                    Text(
                        f"  {one.policy}/{rule.id} says {finding.asks} from {rule.effective} on, comes to: "
                        f"{'nothing' if finding.applies == 'allow' else finding.applies} · {law.nature}, "
                        f"{law.status.replace('-', ' ')}\n"
                        f"    because {finding.why}\n    {law.citation}{clause}"
                    ),
                    soft_wrap=True,
                )
