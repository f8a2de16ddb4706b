"""The documentation is true: generated pages are fresh, links resolve, commands print what the pages say."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from cinq import cli
from cinq.assurance.target import Target as AssuranceTarget
from cinq.cli.trace import event_facts
from cinq.eligibility.inventory import Inventory
from cinq.eligibility.vocabulary import Policy
from cinq.nf.amf import registry
from cinq.nf.eir import lists
from cinq.nf.pcf import access, sessions
from cinq.nf.smf import context as smf_context
from cinq.nf.udr import changes, looks, records
from cinq.procedure import Event, run_virtual
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.scenarios.target import Target
from cinq.ran.ue.settings import UeSettings
from cinq.settings import document, loads
from cinq.settings.charging import TariffFile
from cinq.settings.network import NetworkSettings
from cinq.settings.upf import UpfSettings
from cinq.trace import export
from tests.conftest import ROOT
from tests.docs.pages import DOCS, ELLIPSIS, Command, blocks, commands, files, links, pages
from tests.network.world import Network

REFERENCE = DOCS / "reference"
RUNNABLE = (
    ("subscriber",),
    ("policy", "check"),
    ("policy", "dry-run"),
    ("eir",),
    ("trace", "read"),
    ("doctor", "--json"),
)
GUIDES = sorted([*(DOCS / "tutorials").glob("*.md"), *(DOCS / "how-to").glob("*.md")])
SETTINGS = {
    "network.toml": NetworkSettings,
    "upf.toml": UpfSettings,
    "ue.toml": UeSettings,
    "gnb.toml": GnbSettings,
}
SHAPES = {
    **SETTINGS,
    "a.toml": NetworkSettings,
    "b.toml": NetworkSettings,
    "prices.toml": TariffFile,
    "target.toml": Target,
    "product.toml": AssuranceTarget,
    "policy.toml": Policy,
    "inventory.toml": Inventory,
}
"""By the name of the file; gnb-one.toml is of the shape of gnb.toml."""


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of one registration with PDU session."""

    async def run() -> list[Event]:
        network = Network()
        network.provision()
        await network.start()
        ue = network.ue(await network.gnb(), suci="A")
        await ue.register()
        await ue.establish_session()
        await network.stop()
        return network.events

    path = tmp_path_factory.mktemp("capture") / "capture.pcapng"
    with path.open("wb") as file:
        export(run_virtual(run()), file)
    return path


def test_every_row_of_the_conformance_page_is_shown_by_a_test() -> None:
    text = (ROOT / "docs/reference/conformance.md").read_text("utf-8")
    missing = [line for line in text.splitlines() if line.endswith("| **none** |")]
    assert not missing, "no test came to the end of these; add one, then make reference:\n" + "\n".join(
        missing
    )


def test_generated_pages_are_fresh(reference: ModuleType) -> None:
    stale = [path.name for path, text in reference.pages().items() if path.read_text("utf-8") != text]
    assert not stale, f"{', '.join(stale)}: run make reference"


@pytest.mark.parametrize("shape", SETTINGS.values(), ids=lambda shape: shape.__name__)
def test_every_settings_key_is_in_the_reference(shape: type) -> None:
    text = (REFERENCE / "settings.md").read_text("utf-8")
    for key in document(shape):
        assert key.doc, f"{key.path} has no sentence"
        shown = f"`{key.path}`" if key.kind not in ("table", "tables") else f"[{key.path.removesuffix('[]')}]"
        assert shown in text


def verbs(command: object, path: str) -> Iterator[tuple[str, list[str]]]:
    """Each verb with its options, help of each being there."""
    options = []
    for one in getattr(command, "params", ()):
        if one.name not in ("install_completion", "show_completion", "help"):
            assert getattr(one, "help", ""), f"{path} {one.name} has no help"
            options += [n for n in (*one.opts, *one.secondary_opts) if n.startswith("-")]
    yield path, options
    for name, below in getattr(command, "commands", {}).items():
        yield from verbs(below, f"{path} {name}")


def test_every_verb_and_option_is_in_the_reference() -> None:
    text = (REFERENCE / "cli.md").read_text("utf-8")
    for path, options in verbs(typer.main.get_command(cli.build()), "cinq"):
        _, found, section = text.partition(f"\n## {path}\n")
        assert found, f"{path} is not in the reference"
        for option in options:
            assert f"`{option}`" in section.split("\n## ")[0], f"{path} {option}"


def test_every_field_of_an_event_and_of_a_trace_is_in_the_reference(capture: Path) -> None:
    text = (REFERENCE / "events.md").read_text("utf-8")
    event = Event(0.0, "AMF", "", "", "in", "N1", "")
    named = {f.name for f in fields(Event)} - {"content"} | {"mend"}
    assert set(event_facts(event)) == named
    facts = json.loads(CliRunner().invoke(cli.build(), ["trace", "read", str(capture), "--json"]).stdout)
    for name in (*named, *facts, *facts["messages"][0]):
        assert f"`{name}`" in text, name


def test_every_collection_is_in_the_reference() -> None:
    text = (REFERENCE / "store.md").read_text("utf-8")
    kept = [r.collection for r in vars(records).values() if isinstance(r, records.Resource)]
    for name in (
        *kept,
        changes.COLLECTION,
        looks.COLLECTION,
        lists.EQUIPMENT,
        lists.RANGES,
        lists.MARK,
        access.COLLECTION,
        sessions.COLLECTION,
        registry.COLLECTION,
        smf_context.COLLECTION,
    ):
        assert f"`{name}`" in text, name


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for target in links(page):
        assert (page.parent / target.partition("#")[0]).exists(), f"{page.name} links to {target}"


def test_every_page_is_linked() -> None:
    """A page that no other links to is not found by a reader."""
    linked = {(page.parent / target).resolve() for page in pages() for target in links(page)}
    assert not {page for page in pages() if page.name != "README.md"} - linked


def test_the_readme_begins_with_the_two_commands() -> None:
    _, first = next(blocks(ROOT / "README.md", "console"))
    assert first.splitlines()[:2] == ["$ make demo", "$ make test"]


@pytest.mark.parametrize("page", [ROOT / "README.md", *GUIDES], ids=lambda page: page.name)
def test_commands_are_verbs_with_options_that_exist(page: Path) -> None:
    known = dict(verbs(typer.main.get_command(cli.build()), "cinq"))
    for _, text in blocks(page, "console"):
        for line in re.findall(r"^[$#] (?:sudo )?(cinq .*)$", text, re.MULTILINE):
            words = shlex.split(line)
            path = " ".join(words[:3]) if " ".join(words[:3]) in known else " ".join(words[:2])
            assert path in known, line
            assert {w for w in words if w.startswith("-")} <= {*known[path], "-h", "--help"}, line


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_settings_of_guides_hold(page: Path) -> None:
    for name, text in blocks(page, "toml"):
        shape = re.sub(r"-\w+(?=\.toml$)", "", name)
        loads(SHAPES[shape or "network.toml"], text, page.name)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_guides_print_what_they_say(
    page: Path, capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "capture.pcapng").write_bytes(capture.read_bytes())
    for name, text in files(page).items():
        own_state = (
            "" if "[state]" in text or name != "network.toml" else '[state]\nfolder = "s"\nrun = "s"\n'
        )
        (tmp_path / name).write_text(text + own_state, "utf-8")
    for command in commands(page):
        words = tuple(shlex.split(command.line))
        if words[0] == "cinq" and any(words[1 : 1 + len(r)] == r for r in RUNNABLE):
            check(command, words)


def check(command: Command, words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli.build(), list(words[1:]))
    if words[1] == "doctor":
        assert json.loads(result.stdout)
        return
    assert result.exit_code == 0, f"{command.line}: {result.exception}"
    printed = [line.rstrip() for line in result.stdout.splitlines()]
    assert printed
    for said, found in zip(command.output, printed, strict=False):
        if ELLIPSIS in said or not said:
            return
        assert found == said.rstrip(), command.line
