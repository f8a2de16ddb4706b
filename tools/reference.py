"""Writes the generated pages of docs/reference: settings, cli, conformance, call-flows. `make reference` runs it."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import typer

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
SOURCE = ROOT / "src" / "cinq"
NOTE = "<!-- Written by `make reference`. Do not edit. -->"
FOLDERS = {
    "state.folder": "`/var/lib/cinq` for root, else `$XDG_STATE_HOME/cinq` (`~/.local/state/cinq`)",
    "state.run": "`/run/cinq` for root, else `$XDG_RUNTIME_DIR/cinq` (`/tmp/cinq`)",
}
FUNCTIONS = ("amf", "ausf", "udm", "udr", "smf", "upf", "nrf", "nssf", "bsf", "pcf", "eir", "scp", "nef")
FLOWS = (
    "ng-setup",
    "registration-suci-a",
    "registration-eap-aka-prime",
    "registration-guti",
    "registration-resynchronisation",
    "registration-reject",
    "registration-equipment-refused",
    "pdu-session-establishment",
    "pdu-session-reject",
    "pdu-session-release",
    "an-release",
    "service-request",
    "paging",
    "deregistration",
    "xn-handover",
    "n2-handover",
)


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    makers: dict[str, Callable[[], Iterator[str]]] = {
        "settings.md": settings,
        "cli.md": cli,
        "conformance.md": conformance,
        "scenarios.md": scenarios,
        "assurance-cases.md": assurance_cases,
        "call-flows.md": call_flows,
    }
    return {REFERENCE / name: "\n".join(make()).rstrip() + "\n" for name, make in makers.items()}


def table(*heads: str) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def settings() -> Iterator[str]:
    from cinq.ran.gnb.settings import GnbSettings
    from cinq.ran.ue.settings import UeSettings
    from cinq.settings.network import NetworkSettings
    from cinq.settings.upf import UpfSettings

    yield from ("# Settings", "", NOTE, "")
    yield "A settings file is TOML. Every key has a default unless it says *required*; a file may be empty. An"
    yield "unknown key, a wrong type or a value out of range stops the program with file, line, key, what was found"
    yield "and what is wanted. A table in `[]` may be written many times, as `[[dnn]]` or `[[sessions]]`."
    for verb, shape, doc in (
        (
            "cinq up",
            NetworkSettings,
            "One core. `cinq subscriber`, `cinq doctor` and `cinq trace live` read the same.",
        ),
        ("cinq upf", UpfSettings, "One UPF alone. Its SMFs name it in `[[user_plane]]`."),
        ("cinq gnb", GnbSettings, "One emulated gNB. Keys stand at the top of the file."),
        (
            "cinq ue",
            UeSettings,
            "One emulated UE, or many with consecutive IMSIs. Keys stand at the top of the file.",
        ),
    ):
        yield from ("", f"## {verb}", "", doc, "")
        yield from keys(shape)


def keys(shape: type) -> Iterator[str]:
    """One table for each table of the file."""
    from cinq.settings import document

    yield from table("key", "wanted", "default", "meaning")
    for one in document(shape):
        default = FOLDERS.get(one.path) or (
            "*required*" if one.default == "(required)" else f"`{one.default}`"
        )
        if one.kind in ("table", "tables"):
            left, right = ("[[", "]]") if one.kind == "tables" else ("[", "]")
            head = f"**`{left}{one.path.removesuffix('[]')}{right}`**"
            yield f"| {head} | | | {cell(one.doc)} |"
        else:
            yield f"| `{one.path}` | {cell(one.kind)} | {default} | {cell(one.doc)} |"


def cli() -> Iterator[str]:
    from cinq.cli import build

    yield from ("# Command line", "", NOTE, "")
    yield "Exit code 0: done. 1: something failed, and standard error says what and what mends it. 2: wrong usage."
    yield "With `--json` standard output holds JSON and nothing else. Without a terminal, or with `NO_COLOR` set, there"
    yield "is no colour."
    root = typer.main.get_command(build())
    assert isinstance(root, typer.core.TyperGroup)
    yield from commands(root, "cinq")


def commands(command: typer.core.TyperCommand | typer.core.TyperGroup, path: str) -> Iterator[str]:
    """A verb and those below it."""
    below = getattr(command, "commands", {})
    arguments = [
        (p.name or "").upper().rstrip("_") for p in command.params if p.param_type_name == "argument"
    ]
    usage = " ".join(["[OPTIONS]", *arguments, *(["COMMAND"] if below else [])])
    yield from ("", f"## {path}", "", cell(command.help or ""), "", f"    {path} {usage}", "")
    options = [p for p in command.params if p.name not in ("install_completion", "show_completion")]
    if options:
        yield from table("option", "default", "meaning")
    for one in options:
        names = ", ".join(f"`{n}`" for n in (*one.opts, *one.secondary_opts))
        if one.param_type_name == "argument":
            names = f"`{(one.name or '').upper().rstrip('_')}`"
        default = "" if one.default in (None, "", False) or callable(one.default) else f"`{one.default}`"
        if one.required:
            default = "*required*"
        yield f"| {names} | {default} | {cell(getattr(one, 'help', '') or '')} |"
    for name, inner in below.items():
        yield from commands(inner, f"{path} {name}")


def scenarios() -> Iterator[str]:
    from cinq.ran.scenarios.library import LIBRARY
    from cinq.ran.scenarios.scenario import AREAS

    yield from ("# Scenarios", "", NOTE, "")
    yield f"What `cinq scenario run all` asks of a core, this one or any other: {len(LIBRARY)} scenarios. One that"
    yield "needs what a target does not have is skipped, and says so. `cinq scenario show NAME` prints its text."
    for area in AREAS:
        chapter = [one for one in LIBRARY.values() if one.area == area]
        if chapter:
            yield from ("", f"## {area}", "")
            yield from table("scenario", "what it shows", "needs")
        for one in chapter:
            yield f"| `{one.name}` | {cell(one.title)} | {cell(', '.join(one.needs))} |"


def evidence() -> dict[str, list[str]]:
    """Tests by what they show, as the last `make reference` found it."""
    path = REFERENCE / "evidence.json"
    found: dict[str, list[str]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def shown(what: str, found: dict[str, list[str]]) -> str:
    """A test that shows it: `scenario NAME` for one that anybody can run against any core."""
    tests = found.get(what, [])
    if not tests:
        return "**none**"
    scenario = re.search(r"::test_scenario\[([^\]]+)\]", tests[0])
    if scenario:
        return f"scenario `{scenario[1]}`"
    return f"`{cell(tests[0].partition('[')[0].removeprefix('tests/'))}`"


def conformance() -> Iterator[str]:
    yield from ("# Conformance", "", NOTE, "")
    yield "What is implemented, by 3GPP clause, read from the code itself: the docstrings of procedures, the declared"
    yield "service operations, the message tables. What is not listed is not there. Release 18. The last column names a"
    yield "passing test or scenario in which the procedure came to its end, or the operation was answered."
    yield from ("", "## Procedures", "")
    for room, names in (("nf", FUNCTIONS), ("ran", ("gnb", "ue"))):
        for name in names:
            yield from function(SOURCE / room / name)
    yield from ("", "## Service operations", "")
    yield from operations()
    yield from ("", "## Messages", "")
    yield from messages()


def function(folder: Path) -> Iterator[str]:
    """A network function, or an emulated one: what it is, and its procedures."""
    doc = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
    yield from (
        f"### {folder.name.upper() if folder.parent.name == 'nf' else 'Emulated ' + folder.name}",
        "",
        doc,
        "",
    )
    modules = [
        p for p in sorted((folder / "procedures").rglob("*.py")) if p.stem not in ("__init__", "dispatch")
    ]
    if not modules:
        return
    found = evidence()
    yield from table("procedures", "what opens it", "clauses and notes", "shown by")
    for path in modules:
        tree = ast.parse(path.read_text("utf-8"))
        module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        yield f"| **{path.stem}** | | {cell(ast.get_docstring(tree) or '')} | |"
        for node in tree.body:
            if isinstance(node, ast.AsyncFunctionDef) and (opens := opening(node)) is not None:
                said = (ast.get_docstring(node) or "").split("\n\n")[0]
                yield f"| `{node.name}` | {opens} | {cell(said)} | {shown(f'{module}:{node.name}', found)} |"
    yield ""


def opening(node: ast.AsyncFunctionDef) -> str | None:
    """The messages that open a procedure, or who performs it; None for a function that is none."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "procedure":
            opened = [ast.unparse(k.value) for k in decorator.keywords if k.arg == "opens"]
            if not opened:
                return "the function itself"
            return ", ".join(n.strip("() ").rpartition(".")[2] for n in opened[0].split(","))
    return None


def operations() -> Iterator[str]:
    import cinq.sbi.services
    from cinq.sbi.operation import operations as declared
    from cinq.sbi.operation import service_name
    from cinq.sbi.operation import services as protocols

    about, found = {}, evidence()
    for module in pkgutil.iter_modules(cinq.sbi.services.__path__):
        loaded = importlib.import_module(f"cinq.sbi.services.{module.name}")
        about[loaded.__name__] = (loaded.__doc__ or "").splitlines()[0]
    for name in sorted(about):
        yield from (about[name], "")
        yield from table("operation", "method", "path", "shown by")
        for protocol in sorted((p for p in protocols() if p.__module__ == name), key=service_name):
            for one in declared(protocol):
                test = shown(f"{one.name} {one.method} {one.route}", found)
                yield f"| {one.name} | {one.method} | `{one.route}` | {test} |"
        yield ""


def messages() -> Iterator[str]:
    from cinq.wire import nas, ngap, pfcp

    def classes(module: object, base: type) -> list[type]:
        found = [c for _, c in inspect.getmembers(module, inspect.isclass)]
        return [c for c in found if issubclass(c, base) and c is not base]

    named = [c for c in classes(nas, nas.NasMessage) if getattr(c, "CLAUSE", "")]
    yield f"NAS, TS 24.501: all {len(named)} messages of clause 8, both ways. Each row carries vectors, which"
    yield "`wire/nas/test_messages.py` and `test_oracle.py` hold against pycrate and foreign captures."
    yield ""
    yield from table("clause", "message")
    for one in sorted(named, key=lambda c: [int(n) for n in getattr(c, "CLAUSE", "").split(".")]):
        yield f"| §{getattr(one, 'CLAUSE', '')} | {getattr(one, 'NAME', '')} |"
    pdus = classes(ngap, ngap.Pdu)
    procedures = {getattr(c, "PROCEDURE", "") for c in pdus}
    yield from (
        "",
        f"NGAP, TS 38.413: all {len(pdus)} messages of {len(procedures)} elementary procedures, both ways.",
        "Shown by `wire/ngap/test_against_pycrate.py` and `test_golden.py`.",
    )
    names = [
        n for n, c in inspect.getmembers(pfcp, inspect.isclass) if isinstance(getattr(c, "TYPE", None), int)
    ]
    kept = ", ".join(n for n in names if n.endswith(("Request", "Response")))
    yield from ("", f"PFCP, TS 29.244: {kept}.")
    yield from (
        "",
        "GTP-U, TS 29.281: Echo, Error Indication, Supported Extension Headers Notification, End Marker, G-PDU",
    )
    yield "with extension headers, the PDU session container of TS 38.415 among them."


def assurance_cases() -> Iterator[str]:
    """Every row of the catalogue, those with a case in full."""
    from cinq.assurance import catalogue
    from cinq.assurance.cases import in_order

    cases, rows = in_order(), catalogue.rows().values()
    own = [sub for case in cases for sub in case.subs.values() if not sub.beyond]
    beyond = [sub for case in cases for sub in case.subs.values() if sub.beyond]
    yield "# Assurance cases"
    yield NOTE
    yield ""
    yield (
        f"{len(cases)} of {len(rows)} rows of the catalogue have a case: {len(own)} sub-cases of the specifications, "
        f"of which {sum(sub.play is None for sub in own)} wait for a peer, and {len(beyond)} beyond them (marked +). "
        "`cinq assess run` asks them. [How a verdict comes about](../explanation/assurance.md)."
    )
    for case in cases:
        yield ""
        yield f"## {case.row.name}"
        yield ""
        yield f"Version {case.row.version}. {case.requirement}"
        yield ""
        yield f"Threat: {case.threat}"
        yield ""
        yield from table("sub-case", "what is asked", "needs", "limit")
        for sub in case.subs.values():
            needs = [*sub.needs, *([f"feature {sub.feature}"] if sub.feature else [])]
            yield f"| {sub.name}{'+' if sub.beyond else ''} | {sub.title} | {', '.join(needs)} | {sub.limit} |"
    yield ""
    yield "## Rows without a case"
    yield ""
    yield from table("clause", "test case", "network function", "why not")
    written = {case.id for case in cases}
    for row in rows:
        if row.id not in written:
            yield f"| TS {row.spec} {row.clause} | {row.tc or row.title} | {row.nf} | {catalogue.missing(row)} |"


def call_flows() -> Iterator[str]:
    yield from ("# Call flows", "", NOTE, "")
    yield "Drawn by tests/network/test_call_flows.py: a whole network runs each flow, and the ladder of its events must"
    yield "be the file embedded here. Messages that only carry another (NGAP transport of NAS) are left out."
    for name in FLOWS:
        text = (REFERENCE / "call-flows" / f"{name}.txt").read_text("utf-8")
        said, _, ladder = text.partition("\n\n")
        yield from ("", f"## {name.replace('-', ' ')}", "", said, "", "```text", ladder.rstrip("\n"), "```")


def main() -> int:
    """Writes what has changed and names it."""
    for path, text in pages().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
