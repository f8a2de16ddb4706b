"""The command line: one module for each verb. Verbs start rooms and show what they say; no logic lives here."""

from __future__ import annotations

import sys

import typer

from cinq import __version__
from cinq.cli import bench, demo, doctor, gnb, subscriber, trace, ue, up
from cinq.cli.output import Failure, say_failure

app = typer.Typer(
    name="cinq",
    help="A complete 5G Standalone network: core, emulated radio side, user plane, traces.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for verb in (demo, up, gnb, ue):
    app.command(name=verb.__name__.rsplit(".", 1)[-1])(verb.command)
app.command(name="doctor")(doctor.command)
for name, group in (("subscriber", subscriber.app), ("trace", trace.app), ("bench", bench.app)):
    app.add_typer(group, name=name)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cinq {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and leave."
    ),
) -> None:
    """A complete 5G Standalone network: core, emulated radio side, user plane, traces."""


def main() -> None:
    """The `cinq` program. Exit code 0 when done, 1 when something failed (said on standard error), 2 on usage."""
    try:
        app()
    except Failure as failure:
        say_failure(failure)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
