"""How verbs speak: tables and colour for people, JSON for programs, one shape for failures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from cinq.settings import SettingsError, load
from cinq.transport.error import TransportError

T = TypeVar("T")
PIPE_COLUMNS = 120


class Failure(Exception):
    """Something a user can mend. what: what went wrong; mend: the command or key that mends it, or nothing."""

    def __init__(self, what: str, mend: str = "") -> None:
        self.what, self.mend = what, mend
        super().__init__(what)


def failure_of(error: OSError, mend: str = "") -> Failure:
    """What the host refused, with what mends it; `mend` where the error says nothing of it but concerns a file."""
    if isinstance(error, TransportError):
        return Failure(error.what, error.remedy)
    if error.filename is None:
        return Failure(error.strerror or str(error))
    return Failure(f"{error.filename}: {(error.strerror or str(error)).lower()}", mend)


def say_failure(failure: Failure) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("cinq:", style="bold red", end=" ")
    console.print(failure.what, markup=False)
    if failure.mend:
        console.print("mend:", style="bold", end=" ")
        console.print(failure.mend, markup=False)


def console() -> Console:
    """The terminal, as wide as it is; a pipe or a file is 120 columns wide."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def control_of_upf(config: Path | None) -> Path:
    """The control socket of a network, or of a UPF alone, by its settings file. Failure: it is neither's."""
    from cinq.settings import SettingsError, load
    from cinq.settings.network import NetworkSettings
    from cinq.settings.upf import UpfSettings

    if config is not None:
        try:
            return load(UpfSettings, config).control
        except SettingsError:
            pass  # then it is a network's, or wrong as one
    return settings(NetworkSettings, config).control


def show_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console().print(table)


def show_pairs(pairs: Mapping[str, object]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        table.add_row(name, "-" if value is None else str(value))
    console().print(table)


def logging_to_stderr(verbose: bool) -> None:
    """Log lines beside the output, for people: plain ones, since a formatted line costs a millisecond."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)-8s%(message)s", datefmt="%H:%M:%S"
    )
    if verbose:  # ours alone: libraries would drown it
        logging.getLogger("cinq").setLevel(logging.DEBUG)


@contextlib.contextmanager
def only_errors_of(name: str) -> Iterator[None]:
    """This logger says less as long as it lasts."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def end_on_sigterm() -> None:
    """SIGTERM ends the program as Ctrl-C does: what it made is taken away. The exit code is 143."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def until_signal() -> asyncio.Future[None]:
    """Done when Ctrl-C or SIGTERM comes. Call it with the loop running."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        if not stopped.done():
            stopped.set_result(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return stopped


def settings(shape: type[T], path: Path | None) -> T:
    """The settings of a file, or all defaults without one. Failure when the file does not hold."""
    if path is None:
        return shape()
    try:
        return load(shape, path)
    except SettingsError as error:
        raise Failure(str(error)) from None
