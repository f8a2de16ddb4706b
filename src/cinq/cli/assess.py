"""cinq assess: the questions of the 3GPP security assurance specifications, asked of a core of any vendor."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from cinq.cli.output import (
    Failure,
    console,
    logging_to_stderr,
    only_errors_of,
    settings,
    show_json,
    show_table,
)
from cinq.cli.targets import Known, known_target

if TYPE_CHECKING:
    from cinq.assurance.case import Case, SubCase
    from cinq.assurance.evidence import Folder, Told
    from cinq.assurance.target import Target

app = typer.Typer(
    help="Ask a core of any vendor the questions of the 3GPP security assurance specifications.",
    no_args_is_help=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Named = Annotated[
    list[str] | None,
    typer.Option(
        "--case", help="A case by name or clause, 'TC_NAS_REPLAY_AMF' or '33.512 4.2.2.3.1'; all if left out."
    ),
]
STYLES = {
    "PASS": "green",
    "FAIL": "bold red",
    "INCONCLUSIVE": "yellow",
    "NOT-APPLICABLE": "dim",
    "NOT-TESTED": "dim",
}
DEFAULT_SEED = "cinq"


@app.command("list")
def list_(
    json: AsJson = False,
    every: Annotated[bool, typer.Option("--all", help="Also rows of the catalogue without a case.")] = False,
) -> None:
    """The cases that are written, with their sub-cases; what is asked beyond the specification has a +."""
    from cinq.assurance import catalogue
    from cinq.assurance.cases import CASES, in_order

    if json:
        show_json([_facts(case) for case in in_order()])
        return
    rows = [
        (
            f"{case.row.spec} {case.row.clause}",
            case.row.tc,
            f"{sub.name}{'+' if sub.beyond else ''}",
            sub.title,
            ", ".join(sub.needs),
        )
        for case in in_order()
        for sub in case.subs.values()
    ]
    if every:
        rows += [
            (f"{row.spec} {row.clause}", row.tc or row.title, "", "", catalogue.missing(row))
            for row in catalogue.rows().values()
            if row.id not in CASES
        ]
    show_table("", ("clause", "case", "sub", "what is asked", "needs"), rows)
    console().print(
        f"{len(CASES)} cases of {len(catalogue.rows())} rows; cinq assess show CASE, cinq assess run"
    )


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A case by name or clause.")], json: AsJson = False
) -> None:
    """A case: requirement, threat, sub-cases, and its text."""
    import inspect

    case = _case(name)
    if json:
        show_json(_facts(case))
        return
    out = console()
    out.print(case.row.name, style="bold")
    out.print(f"version {case.row.version}")
    out.print(Text(f"requirement  {case.requirement}"))
    out.print(Text(f"threat       {case.threat}"))
    for sub in case.subs.values():
        out.print(Text(f"  {sub.name:<4}{sub.title}{'  (beyond the specification)' if sub.beyond else ''}"))
        needs = [*sub.needs, *([f"the feature {sub.feature}"] if sub.feature else ())]
        for word, what in (("limit", sub.limit), ("needs", ", ".join(needs))):
            if what:
                out.print(Text(f"      {word}: {what}", "dim"))
    plays = [sub.play for sub in case.subs.values() if sub.play is not None]
    source = inspect.getsourcefile(plays[0]) if plays else None
    if source is not None:
        out.print(Text(Path(source).read_text()))


@app.command("target")
def target(product: Known = "") -> None:
    """Print a commented target file for `run --target`: fill in the product under test."""
    from cinq.assurance import products
    from cinq.assurance.template import template

    typer.echo(known_target(product, products.ready) if product else template())


@app.command("run")
def run(
    target: Annotated[
        Path | None, typer.Option("--target", help="The product under test (TOML); else this host's core.")
    ] = None,
    case: Named = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the evidence; a run in it is continued.")
    ] = None,
    seed: Annotated[str, typer.Option("--seed", help="Whence all chance of the bench comes.")] = DEFAULT_SEED,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings of this host's core.")
    ] = None,
    json: AsJson = False,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write a JUnit report to this file.")] = None,
) -> None:
    """Run cases. Exit code 0 when none FAILed, 1 when one did or could not be told, 2 on usage.

    A run that was stopped goes on where it was: name the same folder. What was INCONCLUSIVE is asked again.
    """
    logging_to_stderr(False)
    chosen = _chosen(case)
    with _described(target, config) as (described, text):
        folder = None if out is None else _folder(out, described, text, seed)
        told = _play(chosen, described, folder, seed, json)
    if junit is not None:
        from cinq.assurance.junit import junit as report

        junit.write_bytes(report(told))
    if json:
        _show_run(told, folder)
    else:
        _sum_up(told, folder)
    if any(one.verdict in ("FAIL", "INCONCLUSIVE") for one in told):
        raise typer.Exit(1)


@app.command("replay")
def replay(
    dossier: Annotated[Path, typer.Argument(help="A dossier that verifies.", show_default=False)],
    case: Annotated[str, typer.Argument(help="A case by name or clause.", show_default=False)],
    target: Annotated[Path, typer.Option("--target", help="The target file of that run, with its secrets.")],
    trust: Annotated[
        list[Path] | None, typer.Option("--trust", help="A public key that you trust (PEM).")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the evidence.")] = None,
) -> None:
    """Ask one case again as a dossier says that it was asked. Exit code 1 when a verdict is another.

    Of a sub-case that tried many inputs, those that did harm are asked again, each as small as it was made.
    """
    import hashlib

    from cinq.assurance.dossier.compare import ABSENT, said_of
    from cinq.assurance.evidence import kept_in, tool_digest
    from cinq.assurance.target import Target
    from cinq.cli.dossier import verified

    logging_to_stderr(False)
    found, described = verified(dossier, trust), settings(Target, target)
    told, text, out_ = said_of(found), target.read_text(), console()
    if hashlib.sha256(text.encode()).hexdigest() != found.digest_of("target"):
        out_.print(Text("the target file is not the one of that run", "yellow"))
    if tool_digest() != found.digest_of("tool"):
        out_.print(Text("this bench is not the one of that run", "yellow"))
    folder = None if out is None else _folder(out, described, text, found.seed)
    differ = 0
    kept = kept_in(found.dossier.files)
    for one in _play(_chosen([case]), described, folder, found.seed, False, kept):
        then = told.get((one.spec, one.clause, one.tc, one.sub), ABSENT)
        differ += then != one.verdict.value
        if then != one.verdict.value:
            out_.print(
                Text(
                    f"{one.clause} {one.tc} {one.sub}: {one.verdict.value}; the dossier says {then}",
                    "bold red",
                )
            )
    if differ:
        raise typer.Exit(1)
    out_.print("every verdict is as in the dossier")


@contextmanager
def _described(path: Path | None, config: Path | None) -> Iterator[tuple[Target, str]]:
    """The target, and its file's text."""
    from cinq.assurance.target import Target

    if path is not None:
        yield settings(Target, path), path.read_text()
        return
    from cinq.lab.assurance import own_target
    from cinq.settings.network import NetworkSettings
    from cinq.transport.write_behind import StoreError

    try:
        with own_target(settings(NetworkSettings, config), config) as own:
            yield own, repr(own) + "\n"
    except StoreError as error:
        raise Failure(
            str(error), "cinq up first, or give --target FILE (cinq assess target prints one)"
        ) from None


def _folder(out: Path, target: Target, text: str, seed: str) -> Folder:
    from cinq.assurance.evidence import EvidenceError, Folder, new_run

    try:
        folder = Folder(out, new_run(target, text.encode(), seed, time.time()))
    except EvidenceError as error:
        raise Failure(error.strerror or str(error), "name another folder with --out") from None
    folder.described(target, text)
    return folder


def _chosen(names: list[str] | None) -> list[tuple[Case, SubCase]]:
    from cinq.assurance.cases import in_order

    cases = in_order() if not names else [_case(name) for name in names]
    return [(case, sub) for case in dict.fromkeys(cases) for sub in case.subs.values()]


def _case(name: str) -> Case:
    import difflib

    from cinq.assurance.cases import CASES

    wanted = name.removeprefix("TS ").upper()
    for case in CASES.values():
        if wanted in (case.id.upper(), case.row.tc.upper(), f"{case.row.spec} {case.row.clause}"):
            return case
    near = difflib.get_close_matches(wanted, [case.row.tc for case in CASES.values()], 1, 0.4)
    raise Failure(f"no case {name!r}" + (f"; did you mean {near[0]}?" if near else ""), "cinq assess list")


def _play(
    chosen: list[tuple[Case, SubCase]],
    target: Target,
    folder: Folder | None,
    seed: str,
    quiet: bool,
    again: Mapping[str, bytes] | None = None,
) -> list[Told]:
    """again: what the sub-cases of an earlier run have kept, asked once more."""
    from cinq.assurance.evidence import told_of
    from cinq.assurance.live import stage
    from cinq.assurance.probe import identity
    from cinq.assurance.run import Outcome, run
    from cinq.ran.scenarios.check import Unreachable

    out = console() if not quiet else Console(stderr=True, highlight=False)
    kept = {} if folder is None else {(c.id, s.name): folder.kept(c.id, s.name) for c, s in chosen}
    left = [(c, s) for c, s in chosen if kept.get((c.id, s.name)) is None]
    found = {key: told for key, told in kept.items() if told is not None}
    out.print(Text(f"{target.name}: AMF {target.core.amf_address}:{target.core.amf_port}"))
    if found:
        out.print(Text(f"{len(found)} sub-cases are there from before; {len(left)} are left"))

    async def main(told: Callable[[Outcome], None]) -> None:
        with stage(target, seed.encode(), _ask if sys.stdin.isatty() and not quiet else None, again) as where:
            try:
                if folder is not None:
                    folder.observed(await identity(where))
            except Unreachable as unreachable:
                out.print(Text(f"the target does not let a gNB in: {unreachable}", "yellow"))
            await run(left, where, told)

    with (
        only_errors_of("cinq.ran"),
        _progress(len(left)) as advance,
    ):  # UEs are refused here, as they are to be

        def told(outcome: Outcome) -> None:
            found[outcome.case.id, outcome.sub.name] = (
                told_of(outcome) if folder is None else folder.keep(outcome)
            )
            _say(out, outcome)
            advance()

        asyncio.run(main(told))
    if folder is not None:
        folder.finished(time.time())
    return [found[c.id, s.name] for c, s in chosen]


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing in a pipe."""
    shown = Console(stderr=True)
    columns = (TextColumn("asking"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as bar:
        task = bar.add_task("asking", total=total)
        yield lambda: bar.advance(task)


def _say(out: Console, outcome: object) -> None:
    from cinq.assurance.run import Outcome

    assert isinstance(outcome, Outcome)
    style = STYLES[outcome.verdict.value]
    line = Text()
    line.append(f"{outcome.verdict.value:<15}", style)
    line.append(f"{outcome.case.row.clause} {outcome.name}")
    if outcome.seconds:
        line.append(f"  {outcome.seconds:.1f} s", "dim")
    out.print(line)
    if outcome.verdict.value != "PASS":
        out.print(Text(f"               {outcome.judged.reason}", style), soft_wrap=True)


def _ask(what: str) -> bool:
    """The operator of the bench does it by hand."""
    sys.stderr.write(f"\nplease {what}; then press Enter (n: it cannot be done) ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() not in ("n", "no")


def _sum_up(told: list[Told], folder: Folder | None) -> None:
    from cinq.assurance.evidence import coverage

    found, out = coverage(told), console()
    words = ", ".join(f"{number} {verdict.value}" for verdict, number in found.verdicts.items() if number)
    out.print(Text(f"\n{found.words}"))
    out.print(Text(f"sub-cases of the specification: {words or 'none'}; {found.beyond} asked beyond it"))
    if folder is not None:
        out.print(Text(f"run {folder.run.id}, evidence in {folder.path}"))


def _show_run(told: list[Told], folder: Folder | None) -> None:
    import msgspec

    from cinq.assurance.evidence import coverage

    show_json(
        {
            "run": None if folder is None else msgspec.to_builtins(folder.run),
            "coverage": msgspec.to_builtins(coverage(told)),
            "outcomes": [msgspec.to_builtins(one) for one in told],
        }
    )


def _facts(case: Case) -> dict[str, object]:
    return {
        "id": case.id,
        "name": case.row.name,
        "version": case.row.version,
        "requirement": case.requirement,
        "threat": case.threat,
        "sub_cases": [
            {
                "name": sub.name,
                "title": sub.title,
                "needs": list(sub.needs),
                "feature": sub.feature,
                "beyond": sub.beyond,
                "limit": sub.limit,
                "written": sub.play is not None,
            }
            for sub in case.subs.values()
        ],
    }
