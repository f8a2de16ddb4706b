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
    made.add_column("SUPI", no_wrap=True)
    made.add_column("profile", no_wrap=True)
    for name in ("sent", "lost", "delay ms", "most", "jitter"):
        made.add_column(name, justify="right", no_wrap=True)
    for each in running[:SHOWN]:
        found = each.figures()
        times = (found.delay_ms, found.most_ms, found.jitter_ms) if found.received else ()
        lost = f"{100 * found.loss:.2f} %"
        shown = (f"{time:.2f}" for time in times)
        made.add_row(f"{each.supi}/{each.number}", each.profile, f"{found.sent:,}", lost, *shown)
    if len(running) > SHOWN:
        every = [each.figures() for each in running]
        lost_of_all = sum(f.lost for f in every) / max(sum(f.lost + f.received for f in every), 1)
        made.add_row(
            f"all {len(running)}", "", f"{sum(f.sent for f in every):,}", f"{100 * lost_of_all:.2f} %"
        )
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
