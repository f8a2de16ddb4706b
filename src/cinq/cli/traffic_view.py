"""How the traffic of emulated UEs fares, on a terminal: a table that is written anew each second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.live import Live
from rich.table import Table

from cinq.cli.output import console, show_json

if TYPE_CHECKING:
    from cinq.ran.ue.serve import Traffic

SHOWN = 30
REFRESH_S, QUIET_S = 1.0, 10.0


async def watch(running: list[Traffic]) -> None:
    """Until it is cancelled. Where nobody sees a table change, it is printed now and then."""
    if not console().is_terminal:
        while True:
            await asyncio.sleep(QUIET_S)
            console().print(table(running))
    with Live(table(running), console=console(), auto_refresh=False, transient=True) as live:
        while True:
            await asyncio.sleep(REFRESH_S)
            live.update(table(running), refresh=True)


def table(running: list[Traffic]) -> Table:
    """A row for each session with traffic, and one for all where there are more than are shown."""
    made = Table(header_style="bold", box=None, pad_edge=False)
    for name in (
        "SUPI",
        "session",
        "profile",
        "sent",
        "received",
        "lost",
        "delay ms (least, most)",
        "jitter ms",
    ):
        made.add_column(name, justify="left" if name in ("SUPI", "profile") else "right")
    for each in running[:SHOWN]:
        found = each.figures()
        delay = f"{found.delay_ms:.1f} ({found.least_ms:.1f}, {found.most_ms:.1f})"
        made.add_row(
            each.supi,
            str(each.number),
            each.profile,
            f"{found.sent:,}",
            f"{found.received:,}",
            f"{found.lost:,} ({100 * found.loss:.2f} %)",
            delay if found.received else "no answer yet",
            f"{found.jitter_ms:.2f}" if found.received else "",
        )
    if len(running) > SHOWN:
        all_figures = [each.figures() for each in running]
        sent, received, lost = (
            sum(getattr(f, key) for f in all_figures) for key in ("sent", "received", "lost")
        )
        made.add_row(f"all {len(running)}", "", "", f"{sent:,}", f"{received:,}", f"{lost:,}", "", "")
    return made


def finish(running: list[Traffic], json: bool) -> None:
    """What it came to, at the end; the sockets are closed."""
    if not running:
        return
    for each in running:
        each.close()
    if not json:
        console().print(table(running))
        return
    rows = []
    for each in running:
        found = each.figures()
        rows.append(
            {
                "supi": each.supi,
                "session": each.number,
                "profile": each.profile,
                "sent": found.sent,
                "received": found.received,
                "lost": found.lost,
                "octets": found.octets,
                "delay_ms": found.delay_ms,
                "least_ms": found.least_ms,
                "most_ms": found.most_ms,
                "jitter_ms": found.jitter_ms,
            }
        )
    show_json({"traffic": rows})
