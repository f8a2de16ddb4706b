"""cinq doctor: what this host can do, and what mends what it cannot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cinq.cli.output import console, settings, show_json
from cinq.doctor import examine
from cinq.settings.network import NetworkSettings

STYLES = {"ok": "green", "degraded": "yellow", "missing": "bold red"}


def command(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings file of the network.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check this host: SCTP, BPF, TUN, namespaces, ports, forwarding, clock. Exit code 1 when something is missing."""
    findings = list(examine(settings(NetworkSettings, config)))
    if json:
        show_json([asdict(f) for f in findings])
    else:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in ("", "looked for", "found", "means"):
            table.add_column(column, overflow="fold")
        for f in findings:
            table.add_row(Text(f.verdict, STYLES[f.verdict]), f.looked_for, f.found, f.means)
            if f.mend and f.verdict != "ok":
                table.add_row("", "", Text(f"mend: {f.mend}", "bold"), "")
        console().print(table)
    if any(f.verdict == "missing" for f in findings):
        raise typer.Exit(1)
