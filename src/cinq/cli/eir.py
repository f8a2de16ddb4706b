"""cinq eir: the lists of the 5G-EIR, in the store. A running core goes by a change within a second or two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cinq.cli.output import Failure, settings, show_json, show_table
from cinq.cli.subscriber import AsJson, Config, open_store
from cinq.nf.eir import lists
from cinq.settings.network import NetworkSettings

app = typer.Typer(
    help="Which equipment may be used, by IMEI, IMEISV or type allocation code.", no_args_is_help=True
)

What = Annotated[str, typer.Argument(help=f"What it is about: {lists.FORMS}.")]
ADD = "cinq eir add 35609204 --list black"


@app.command("add")
def add(
    what: What,
    list_: Annotated[str, typer.Option("--list", help="white, grey or black.")],
    note: Annotated[str, typer.Option(help="Why, for a person.")] = "",
    config: Config = None,
) -> None:
    """Put equipment on a list; what says more counts more: one phone before its type, a type before a range."""
    try:
        entry = lists.entry(what, list_, note)
        with open_store(config) as store:
            lists.put(store, [entry])
    except lists.ListError as error:
        raise Failure(str(error), ADD) from None
    typer.echo(f"{entry.shown} is {entry.status}{_unasked(config)}")


@app.command("remove")
def remove(what: What, config: Config = None) -> None:
    """Take equipment from the list that it is on."""
    try:
        with open_store(config) as store:
            found = lists.remove(store, what)
    except lists.ListError as error:
        raise Failure(str(error), "cinq eir list") from None
    if not found:
        raise Failure(f"no entry {what!r}", "cinq eir list")
    typer.echo(f"removed {what}")


@app.command("list")
def list_(config: Config = None, json: AsJson = False) -> None:
    """Show the lists."""
    with open_store(config) as store:
        found = list(lists.all_of(store))
    if json:
        show_json([{"equipment": one.shown, "status": one.status, "note": one.note} for one in found])
        return
    show_table("", ("equipment", "status", "note"), [(one.shown, one.status, one.note) for one in found])
    typer.echo(f"{_counted(len(found))}{_unasked(config)}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with a header: equipment, list, and perhaps note.")],
    config: Config = None,
) -> None:
    """Put all of a CSV file on lists, or nothing when a line is wrong."""
    try:
        found = lists.read_csv(file)
        with open_store(config) as store:
            lists.put(store, found)
    except lists.ListError as error:
        raise Failure(str(error), "equipment,list,note is a header; white, grey or black a list") from None
    typer.echo(f"imported {_counted(len(found))}{_unasked(config)}")


def _counted(number: int) -> str:
    return f"{number} entr{'y' if number == 1 else 'ies'}"


def _unasked(config: Path | None) -> str:
    """A word where lists change nothing."""
    off = settings(NetworkSettings, config).eir.check == "off"
    return '; the AMF does not ask the 5G-EIR: [eir] check = "fail-open"' if off else ""
