"""cinq gnb: one or several emulated gNBs until Ctrl-C."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinq.cli.output import (
    Failure,
    console,
    failure_of,
    logging_to_stderr,
    settings,
    show_json,
    until_signal,
)

if TYPE_CHECKING:
    from cinq.ran.gnb import Gnb, GnbSettings
    from cinq.userplane.rules import Plane


def command(
    config: Annotated[
        list[Path] | None,
        typer.Option(
            "--config", "-c", help="Settings file (TOML); several make several gNBs, with Xn between them."
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, max=256, help="How many gNBs of each settings file.")
    ] = 1,
    roam: Annotated[
        float,
        typer.Option(
            "--roam", min=0, metavar="SECONDS", help="Each UE goes to the next cell so often; 0: never."
        ),
    ] = 0.0,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each gNB when its NG Setup is done.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Start emulated gNBs towards any AMF. UEs of `cinq ue` attach to them."""
    from cinq.ran.gnb.settings import GnbSettings

    logging_to_stderr(verbose)
    files = [settings(GnbSettings, path) for path in config] if config else [GnbSettings()]
    try:
        chosen = [one.numbered(number) for one in files for number in range(count)]
    except ValueError as error:
        raise Failure(
            f"gNBs counted on: {error}", "choose a lower gnb_id, a shorter name or a lower --count"
        ) from None
    asyncio.run(_run(chosen, roam, json))


async def _run(chosen: list[GnbSettings], roam_s: float, json: bool) -> None:
    from cinq.procedure import Runtime
    from cinq.ran.gnb.serve import serve_all

    stopped = until_signal()
    folder = Path(chosen[0].radio).parent if chosen[0].radio else Path("/run/cinq")
    try:
        async with serve_all(chosen, Runtime("gNB"), folder) as serving:
            gnbs = [gnb for gnb, _ in serving]
            up = asyncio.ensure_future(_up(serving, json))
            await asyncio.wait((up, stopped), return_when=asyncio.FIRST_COMPLETED)
            if up.done():
                up.result()
                if roam_s:
                    gnbs[0].runtime.spawn(lambda: _roam(gnbs, roam_s), "roam")
                await stopped
            up.cancel()
    except ValueError as error:
        raise Failure(str(error), "give each gNB an identity (gnb_id) of its own") from None
    except OSError as error:
        raise failure_of(error, "or set `radio` to a path that you may write") from None


async def _up(serving: list[tuple[Gnb, Plane | None]], json: bool) -> None:
    for gnb, plane in serving:
        await gnb.up()
        chosen = gnb.settings
        facts = {
            "name": chosen.name,
            "gnb_id": str(chosen.identity),
            "cells": [f"{cell.nci:09x}" for cell in gnb.n2.cells],
            "amf": f"{chosen.amf_address}:{chosen.amf_port}",
            "n3": ", ".join(map(str, chosen.n3.all)),
            "data_plane": plane.kind if plane is not None else "none",
            "radio": chosen.radio,
        }
        if json:
            show_json(facts)
        else:
            cells = f" · {len(gnb.cells)} cells" if len(gnb.cells) > 1 else ""
            console().print(
                f"[green]NG Setup done[/]: gNB '{chosen.name}' with AMF {facts['amf']} · N3 {facts['n3']} · "
                f"{facts['data_plane']} data plane{cells} · UEs attach at {chosen.radio}"
            )


async def _roam(gnbs: list[Gnb], seconds: float) -> None:
    from cinq.ran.gnb.roam import roam

    while True:
        await asyncio.sleep(seconds)
        await roam(gnbs)
