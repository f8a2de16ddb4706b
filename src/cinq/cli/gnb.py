"""cinq gnb: an emulated gNB until Ctrl-C."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinq.cli.output import console, failure_of, logging_to_stderr, settings, show_json, until_signal

if TYPE_CHECKING:
    from cinq.ran.gnb.settings import GnbSettings


def command(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (TOML).")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object when NG Setup is done.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Start an emulated gNB towards any AMF. UEs of `cinq ue` attach to it."""
    from cinq.ran.gnb.settings import GnbSettings

    logging_to_stderr(verbose)
    asyncio.run(_run(settings(GnbSettings, config), json))


async def _run(chosen: GnbSettings, json: bool) -> None:
    from cinq.procedure import Runtime
    from cinq.ran.gnb.serve import serve

    stopped = until_signal()
    folder = Path(chosen.radio).parent if chosen.radio else Path("/run/cinq")
    try:
        async with serve(chosen, Runtime("gNB"), folder) as (gnb, plane):
            up = asyncio.ensure_future(gnb.up())
            await asyncio.wait((up, stopped), return_when=asyncio.FIRST_COMPLETED)
            if up.done():
                up.result()
                facts = {
                    "name": chosen.name,
                    "amf": f"{chosen.amf_address}:{chosen.amf_port}",
                    "n3": str(chosen.n3_address),
                    "data_plane": plane.kind if plane is not None else "none",
                    "radio": chosen.radio,
                }
                if json:
                    show_json(facts)
                else:
                    console().print(
                        f"[green]NG Setup done[/]: gNB '{chosen.name}' with AMF {facts['amf']} · "
                        f"N3 {facts['n3']} · {facts['data_plane']} data plane · UEs attach at {chosen.radio}"
                    )
                await stopped
            up.cancel()
    except OSError as error:
        raise failure_of(error, "or set `radio` to a path that you may write") from None
