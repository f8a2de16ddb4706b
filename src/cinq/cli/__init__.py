"""The command line: one module for each verb. Verbs start rooms and show what they say; no logic lives here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from cinq import __version__
from cinq.cli.output import Failure, failure_of, say_failure
from cinq.settings import SettingsError
from cinq.transport.error import TransportError

COMMANDS = ("demo", "up", "nf", "gnb", "ue", "respond", "load", "explain", "doctor")
GROUPS = (
    "upf",
    "session",
    "subscriber",
    "policy",
    "eir",
    "account",
    "charging",
    "warn",
    "order",
    "trace",
    "scenario",
    "assess",
    "dossier",
    "bench",
)


def build(names: Sequence[str] = COMMANDS + GROUPS) -> typer.Typer:
    """The program with these verbs: a module is imported only where its verb is wanted."""
    made = typer.Typer(
        name="cinq",
        help="A complete 5G Standalone network: core, emulated radio side, user plane, traces.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    made.callback()(_root)
    for name in names:
        module = import_module(f"cinq.cli.{name}")
        if name in COMMANDS:
            made.command(name=name)(module.command)
        else:
            made.add_typer(module.app, name=name)
    return made


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cinq {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and leave."
    ),
) -> None:
    """A complete 5G Standalone network: core, emulated radio side, user plane, traces."""


def main() -> None:
    """The `cinq` program. Exit code 0 when done, 1 when something failed (said on standard error), 2 on usage."""
    try:
        verb = sys.argv[1:2]
        build(verb if verb and verb[0] in COMMANDS + GROUPS else COMMANDS + GROUPS)()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except Failure as failure:
        say_failure(failure)
        sys.exit(1)
    except SettingsError as error:
        say_failure(Failure(str(error)))
        sys.exit(1)
    except OSError as error:
        if error.filename is None and not isinstance(error, TransportError):
            raise  # no file that a user named: a bug
        say_failure(failure_of(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
