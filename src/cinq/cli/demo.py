"""cinq demo: a network, or two with a roaming agreement, one phone, one download, with every message on the screen."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinq import __version__
from cinq.cli.output import Failure, console, end_on_sigterm, failure_of, show_json
from cinq.cli.trace import show_rows, width

if TYPE_CHECKING:
    from cinq.lab.demo import Result
    from cinq.procedure import Event


class Scene(StrEnum):
    """network: one of our own. roaming: two, and a phone of the one in the other."""

    NETWORK = "network"
    ROAMING = "roaming"


def command(
    scene: Annotated[
        Scene, typer.Argument(help="network: a phone at home. roaming: a phone of network A in network B.")
    ] = Scene.NETWORK,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    folder: Annotated[Path, typer.Option(help="Where capture and logs go.")] = Path("cinq-demo"),
    n3_ipv6: Annotated[
        bool, typer.Option("--n3-ipv6", help="Carry user packets by IPv6 between gNB and UPF.")
    ] = False,
) -> None:
    """Bring up a whole 5G network, register a phone, download 100 MB through it, and take it all down.

    With `roaming` there are two networks of two operators, and the phone of the one is in the other.
    """
    from cinq.lab import rootless
    from cinq.transport.error import TransportError

    out = folder.absolute()
    try:
        if not rootless.privileged():
            rootless.enter()
        end_on_sigterm()
        if scene is Scene.ROAMING:
            _roam(out, json)
        else:
            _run(out, json, n3_ipv6)
    except TransportError as error:
        raise Failure(error.what, error.remedy) from None


WIDE = 160  # columns of a ladder with two networks


def _run(folder: Path, json: bool, n3_ipv6: bool) -> None:
    from cinq.lab.core import CoreError
    from cinq.lab.demo import Demo, DemoError
    from cinq.procedure import Aborted, Refused, TimerExpired
    from cinq.trace import export

    shown = 0.0

    def ladder(step: str, result: Result) -> None:
        nonlocal shown
        if json:
            return
        _progress(step, result)
        if step in ("session", "deregistered"):
            shown = _ladder(demo.events, shown)

    try:
        demo = Demo.into(folder, ladder, n3_ipv6=n3_ipv6)
    except OSError as error:
        raise failure_of(error, "--folder with one that you may write to") from None
    try:
        result = demo.run()
    except (DemoError, CoreError, Refused, TimerExpired, Aborted) as error:
        raise Failure(
            f"the demonstration failed: {error}", f"cinq doctor; log: {folder / 'core.log'}"
        ) from None
    pcap = folder / "demo.pcapng"
    with pcap.open("wb") as file:
        export(demo.events, file)
    result.pcap = str(pcap)
    if json:
        show_json(result.facts())
    else:
        _ladder(demo.events, shown)
        _summary(result, f"capture   {result.pcap} (opens in Wireshark, NAS deciphered)")
    if not result.good:
        raise Failure("the demonstration did not come through whole", f"log: {folder / 'core.log'}")


def _roam(folder: Path, json: bool) -> None:
    from cinq.lab.core import CoreError
    from cinq.lab.demo import DemoError
    from cinq.lab.roaming import Roaming
    from cinq.procedure import Aborted, Refused, TimerExpired
    from cinq.trace import ladder_rows

    def step(name: str, result: Result) -> None:
        if not json and name == "core":
            _progress(name, result)
            console().print(
                " networks  alpha (999-70, the phone's home) and beta (001-01, where the phone is)\n"
            )

    try:
        demo = Roaming.into(folder, step)
    except OSError as error:
        raise failure_of(error, "--folder with one that you may write to") from None
    try:
        result = demo.run()
    except (DemoError, CoreError, Refused, TimerExpired, Aborted) as error:
        log = f"log: {folder / 'beta.log'} and {folder / 'alpha.log'}"
        raise Failure(f"the demonstration failed: {error}", f"cinq doctor; {log}") from None
    (folder / "ladder.txt").write_text("\n".join(row.text for row in ladder_rows(demo.steps(), WIDE)) + "\n")
    if json:
        show_json(result.facts())
    else:
        show_rows(ladder_rows(demo.steps(), max(width(), WIDE)))
        console().print()
        _summary(result, f"ladder    {folder / 'ladder.txt'}")
    if not result.good:
        raise Failure("the demonstration did not come through whole", f"log: {folder / 'beta.log'}")


def _ladder(events: list[Event], shown: float) -> float:
    """Prints what came after the time `shown`; names learnt earlier hold. Returns the time of the last event."""
    from cinq.trace import ladder_rows, steps_of_events

    rows = ladder_rows([step for step in steps_of_events(events) if step.time > shown], width())
    if rows:
        show_rows(rows)
        console().print()
    return events[-1].time if events else shown


def _progress(step: str, result: Result) -> None:
    out = console()
    if step == "core":
        out.print(
            f"[bold]cinq {__version__}[/] · SCTP {result.sctp} · data plane {result.data_plane} · "
            f"core ready in {result.core_ready_s:.2f} s"
        )
    elif step == "gnb":
        out.print(f" radio  gNB 'demo-cell', NG Setup {result.ng_setup_ms:.1f} ms")
        out.print(" phone  SUPI imsi-99970…001 · SUCI profile A · NIA2 NEA2\n")
    elif step == "download":
        out.print(
            f" user plane: UE ⇄ gNB ⇄ UPF ⇄ data network: {result.bytes:,} octets by {result.downloaded_with}\n"
        )


def _summary(result: Result, kept: str) -> None:
    from cinq.doctor import install

    out = console()
    agrees = "SHA-256 agrees" if result.sha256_ok else "[bold red]SHA-256 differs[/]"
    ping = f"ping {result.ping_ms:.2f} ms · " if result.ping_ms else ""
    ping += f"ping by IPv6 {result.ping6_ms:.2f} ms · " if result.ping6_ms else ""
    addresses = ", ".join(filter(None, (result.session_ip, result.session_ipv6)))
    gigabits = result.throughput_mbit_s / 1000
    out.print(
        f" [green]registered[/] {result.registration_ms:.1f} ms · session {result.session_ms:.1f} ms "
        f"({addresses}) · {ping}first byte {result.first_byte_ms:.1f} ms · "
        f"{result.bytes / 1e6:.0f} MB at {gigabits:.2f} Gbit/s · {agrees} · deregistered",
        soft_wrap=True,
    )
    if result.lacking:
        out.print(f" not installed: {', '.join(result.lacking)} · mend: {install(result.lacking)}")
    out.print(f" all in {result.total_s:.1f} s; namespaces are gone")
    out.print(f" {kept}", soft_wrap=True)
    out.print(
        " next      cinq up            a network of your own\n"
        "           cinq subscriber import sims.csv\n"
        "           cinq doctor        what this host can do"
    )
