"""cinq doctor: what this host can do, and what mends what it cannot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cinq.cli.output import console, settings, show_json
from cinq.doctor import Finding, examine
from cinq.settings.network import NetworkSettings

STYLES = {"ok": "green", "degraded": "yellow", "missing": "bold red"}
MARGIN = " " * 10


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
        for finding in findings:
            _say(finding)
        _conclude(findings)
    if any(f.verdict == "missing" for f in findings):
        raise typer.Exit(1)


def _say(finding: Finding) -> None:
    line = Text(f"{finding.verdict:<10}", STYLES[finding.verdict])
    line.append(f"{finding.looked_for:<20}", "bold").append(finding.found).append(
        f" · {finding.means}", "dim"
    )
    console().print(line, soft_wrap=True)
    if finding.mend and finding.verdict != "ok":
        console().print(Text(f"{MARGIN}mend: {finding.mend}", "bold"), soft_wrap=True)


def _conclude(findings: list[Finding]) -> None:
    missing = [f.looked_for for f in findings if f.verdict == "missing"]
    if missing:
        console().print(f"\n[bold red]missing[/]: {', '.join(missing)}", soft_wrap=True)
    else:
        console().print("\n[green]this host can run a network[/]: cinq demo, or cinq up")
