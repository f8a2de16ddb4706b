"""cinq trace: what crosses the interfaces, live from a core or from a capture file, as a ladder for each UE."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json as json_
import shutil
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cinq.cli.output import Failure, console, settings, until_signal
from cinq.settings.network import NetworkSettings

if TYPE_CHECKING:
    from cinq.procedure import Event
    from cinq.trace import Capture, Chosen, Exporter, Row, ShortNames, Step, TracedMessage
    from cinq.trace.stream import Greeting

app = typer.Typer(help="Follow a running core (live), or read a capture file of any core (read).")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OneUe = Annotated[str, typer.Option("--ue", help="Only this UE: its IMSI.")]
HEARTBEATS = ("HeartbeatRequest", "HeartbeatResponse", "Nnrf_NFManagement_NFUpdate")
KEPT = 100_000  # events of `live` that the ladders at its end are drawn of
STYLES = {"n1": "cyan", "n2": "blue", "n3": "yellow", "n4": "magenta", "sbi": "green", "": "dim"}


def show_rows(rows: Iterable[Row]) -> None:
    """A ladder on the terminal: colour by interface, red for what failed."""
    out = console()
    if out.color_system is None:
        sys.stdout.writelines(f"{row.text}\n" for row in rows)
        return
    for row in rows:
        if row.step is None:
            out.print(Text(row.text, "bold"), overflow="ignore", no_wrap=True, crop=False)
            continue
        style = "bold red" if row.step.failed else STYLES.get(row.step.interface, "")
        out.print(Text(row.text, style), overflow="ignore", no_wrap=True, crop=False)


def subject_of(ue: str) -> str:
    """What a user calls a UE, its IMSI with or without 'imsi-', as events and labels have it."""
    return f"imsi-{ue}" if ue.isdecimal() else ue


def width() -> int:
    return max(80, min(shutil.get_terminal_size((120, 40)).columns, 200))


@app.callback(invoke_without_command=True)
def without_verb(context: typer.Context) -> None:
    """Follow a running core (live), or read a capture file of any core (read). Alone: live, with the defaults."""
    if context.invoked_subcommand is None:
        live()


@app.command("read")
def read(
    file: Annotated[
        Path, typer.Argument(help="pcap or pcapng, also .gz or .zst: N2, N3, N4 and the SBI of any core.")
    ],
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="CSV with imsi, k, opc (or op): NAS is deciphered with them."),
    ] = None,
    hn_key: Annotated[
        list[str] | None,
        typer.Option("--hn-key", help="Home network private key for SUCIs, ID:A|B:HEX. May be repeated."),
    ] = None,
    tls_keys: Annotated[
        Path | None,
        typer.Option("--tls-keys", help="Key log of TLS (SSLKEYLOGFILE): the SBI is opened with it."),
    ] = None,
    ue: OneUe = "",
    json: AsJson = False,
) -> None:
    """Read a capture: every control message decoded, NAS deciphered where the keys are given."""
    from cinq.trace import KeysError, read_capture, read_keys
    from cinq.transport.error import TransportError
    from cinq.transport.pcap import PcapError

    # What is read holds no cycles, and what is kept of it is bounded: looking for garbage took a third of the time.
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    try:
        capture = read_capture(file, read_keys(keys, hn_key or (), tls_keys))
        _show(capture, file, subject_of(ue), json)
    except PcapError as error:
        raise Failure(
            f"{file}: {error}", "wanted a capture by tcpdump, tshark, dumpcap or Wireshark"
        ) from None
    except (KeysError, TransportError) as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"{file}: {error.strerror or error}") from None


def _show(capture: Capture, file: Path, ue: str, json: bool) -> None:
    from cinq.trace import Chosen, Ladders, write_json

    chosen, ladders = Chosen(ue), Ladders(width())
    with _progress(capture) as pause:
        messages = _of(chosen, capture, file, ue)
        if json:
            write_json(messages, capture, sys.stdout.write)
            return
        shown = 0
        for message in messages:
            shown += 1
            if rows := ladders.take(message):
                with pause():
                    show_rows(rows)
    show_rows(ladders.rest())
    _say_counts(capture, shown, ladders.heartbeats)


def _of(chosen: Chosen, capture: Capture, file: Path, ue: str) -> Iterator[TracedMessage]:
    """The messages of one UE, or all where none is named. Failure when there are none of it."""
    from cinq.trace import ShortNames

    if not ue:
        yield from capture
        return
    some = False
    for message in capture:
        for each in chosen.of(message):
            some = True
            yield each
    for each in chosen.rest():
        some = True
        yield each
    if not some:
        found = sorted(chosen.names)
        names = ShortNames(found)
        shown = ", ".join(map(names.shorten, found[:20])) + (", ..." if len(found) > 20 else "")
        what = f"no message of {ue} in {file}; it has: {shown or 'no UE'}"
        raise Failure(what, "--keys tells more UEs apart")


@contextlib.contextmanager
def _progress(capture: Capture) -> Iterator[Callable[[], contextlib.AbstractContextManager[None]]]:
    """A bar on a terminal while a capture is read, with its rate. Gives a context in which it makes room."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    on = sys.stderr.isatty()
    bar = Progress(*columns, console=Console(stderr=True), transient=True, disable=not on)
    task = bar.add_task("", total=capture.progress()[1] or None)
    capture.watch = (lambda: bar.update(task, completed=capture.progress()[0])) if on else None

    @contextlib.contextmanager
    def pause() -> Iterator[None]:
        bar.stop()
        yield
        bar.start()

    with bar:
        yield pause


def _say_counts(capture: Capture, shown: int, heartbeats: int) -> None:
    said = f"{shown:,} messages, {capture.undecoded:,} undecoded"
    if faulty := capture.faulty - capture.undecoded:
        said += f", {faulty:,} with a fault"
    if heartbeats:
        said += f", {heartbeats:,} heartbeats not drawn"
    console().print(
        f"\n{said} · {capture.packets:,} packets, {capture.user_packets:,} of them user traffic",
        soft_wrap=True,
    )
    if passed := capture.passed.line():
        console().print(f"not looked at: {passed}", soft_wrap=True)
    if capture.cut_packets:
        cut = f"{capture.cut_packets} packets were cut short by the capturing program: tcpdump -s 0 keeps them whole"
        console().print(cut, style="yellow", soft_wrap=True)
    if capture.fault:
        console().print(f"the file ends early: {capture.fault}", style="yellow", soft_wrap=True)


@app.command("live")
def live(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings file of the core.")] = None,
    socket: Annotated[
        Path | None, typer.Option(help="Event socket of the core, in place of --config.")
    ] = None,
    ue: OneUe = "",
    write: Annotated[Path | None, typer.Option("--write", "-w", help="Write a pcapng as well.")] = None,
    json: AsJson = False,
) -> None:
    """Follow a running core until Ctrl-C: a line for each message, then the ladders; heartbeats are left out.

    --json: a line of JSON for each event, heartbeats included.
    """
    chosen = settings(NetworkSettings, config)
    path = socket or chosen.control
    asyncio.run(_follow(path, ue, write, json))


async def _follow(path: Path, ue: str, write: Path | None, json: bool) -> None:
    from cinq.trace import ladder_rows, steps_of_events
    from cinq.trace.stream import StreamError
    from cinq.transport.error import TransportError

    stopped = until_signal()
    with _Screen(ue, write, json) as screen:
        task = asyncio.ensure_future(screen.follow(path))
        try:
            await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
        except (TransportError, StreamError) as error:
            mend = getattr(error, "remedy", "") or "cinq up, or --socket with the path that `cinq up` shows"
            raise Failure(getattr(error, "what", str(error)), mend) from None
        finally:
            task.cancel()
    if not json and screen.kept:
        console().print()
        events = sorted(screen.kept, key=lambda event: event.time)  # some may have waited for their UE's name
        steps = [step for step in steps_of_events(events) if step.name not in HEARTBEATS]
        show_rows(ladder_rows(steps, width(), subject_of(ue) or None))


class _Screen(contextlib.ExitStack):
    """What is shown and written of a running core. kept: the last events, for the ladders at the end."""

    def __init__(self, ue: str, write: Path | None, json: bool) -> None:
        from cinq.trace import OneUe, ShortNames, StepReader

        super().__init__()
        self.kept: deque[Event] = deque(maxlen=KEPT)
        self._write, self._json = write, json
        self._wanted, self._reader, self._names = OneUe(subject_of(ue)), StepReader(), ShortNames()
        self._exporter: Exporter | None = None
        self._start: float | None = None
        self._last, self._more = "", 0

    async def follow(self, path: Path) -> None:
        from cinq.trace.stream import follow

        async for event in follow(str(path), self._connected):
            self._start = event.time if self._start is None else self._start
            for each in self._wanted.of(event):
                self.kept.append(each)
                if self._exporter is not None:
                    self._exporter.event(each)
                self._line(each, self._reader.step(each), self._start)

    def _connected(self, core: Greeting) -> None:
        """Only now a file is written, or an earlier one written over."""
        from cinq.trace import Exporter

        if self._write is not None:
            self._exporter = Exporter(self.enter_context(self._write.open("wb")), core.addresses)
        if not self._json:
            console().print(f"following {core.network}", style="dim")

    def _line(self, event: Event, step: Step | None, start: float) -> None:
        if self._json:
            sys.stdout.write(json_.dumps(event_facts(event), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        elif step is not None and step.name not in HEARTBEATS:
            alike = f"{step.sender} {step.receiver} {step.text}" if step.interface == "n3" else ""
            if alike and alike == self._last:
                self._more += 1  # a flood on N3 is one line, and how many more there were
                return
            if self._more:
                console().print(f"{'':14}and {self._more:,} more like it", style="dim")
            self._last, self._more = alike, 0
            line = line_of(step, start, self._names)
            console().print(line, overflow="ignore", no_wrap=True, crop=False)


def line_of(step: Step, start: float, names: ShortNames) -> Text:
    """One message on one line: time since the start, interface, from, to, name, and what it says."""
    style = "bold red" if step.failed else STYLES.get(step.interface, "")
    text = Text(f"{(step.time - start) * 1000:9.1f} ms  ", "dim")
    text.append(f"{names.shorten(step.ue):<14}  ")
    said = names.shorten(step.title) + step.reason
    return text.append(f"{step.interface or '-':<4} {step.sender:>4} → {step.receiver:<4}  {said}", style)


def event_facts(event: Event) -> dict[str, object]:
    """An event for programs."""
    return {
        "time": event.time,
        "nf": event.nf,
        "peer": event.peer,
        "subject": event.subject,
        "procedure": event.procedure,
        "interface": event.interface,
        "direction": event.direction,
        "message": event.message,
        "cause": event.cause,
        "octets": event.octets.hex(),
        "address": event.address,
        "behalf": event.behalf,
        "mend": event.mend,
        "whereabouts": event.whereabouts,
    }
