"""cinq nf: a part of a network in a process of its own, until Ctrl-C."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cinq import __version__
from cinq.cli.output import Failure, logging_to_stderr, settings, show_json, until_signal
from cinq.cli.up import reload
from cinq.settings.network import NetworkSettings
from cinq.settings.service_based import OWN, Sbi


def command(
    parts: Annotated[
        list[str],
        typer.Argument(
            help="nrf, scp, udr, udm, ausf, nssf, bsf, pcf, nef, eir, chf, sepp, upf, smf, amf: one or several."
        ),
    ],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (TOML).")] = None,
    nrf: Annotated[str, typer.Option("--nrf", help="API root of the NRF, in place of sbi.nrf.")] = "",
    port: Annotated[
        int, typer.Option("--port", help="Port of the SBI, in place of sbi.port; 0: that one.")
    ] = 0,
    scp: Annotated[str, typer.Option("--scp", help="API root of the SCP, in place of sbi.scp.")] = "",
    certificate: Annotated[str, typer.Option("--certificate", help="In place of sbi.certificate.")] = "",
    key: Annotated[str, typer.Option("--key", help="In place of sbi.key.")] = "",
    authorities: Annotated[str, typer.Option("--authorities", help="In place of sbi.authorities.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object when ready.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Run parts of a core; the others are in other processes, found by the NRF. `cinq up --apart` runs them all so.

    All parts on one host share the settings file and the state folder. SIGHUP is as of `cinq up`.
    """
    begun = time.perf_counter()
    gc.disable()  # until it runs: what is made at start stays
    logging_to_stderr(verbose)
    chosen = settings(NetworkSettings, config)
    own = chosen.sbi
    try:
        sbi = replace(
            own,
            transport="http2",
            nrf=nrf or own.nrf,
            port=port or own.port,
            scp=scp or own.scp,
            certificate=certificate or own.certificate,
            key=key or own.key,
            authorities=authorities or own.authorities,
        )
    except ValueError as error:
        raise Failure(f"sbi.{error}") from None
    from cinq.procedure import ServingLoop

    with asyncio.Runner(loop_factory=ServingLoop) as runner:
        runner.run(_run(replace(chosen, sbi=sbi), config, _known(parts, sbi), begun, json))


def _known(parts: list[str], sbi: Sbi) -> frozenset[str]:
    from cinq.parts import PARTS

    unknown = [each for each in parts if each not in PARTS]
    if unknown:
        raise Failure(f"{unknown[0][:40]!r} is no part of a network: {', '.join(PARTS)}")
    if "nrf" not in parts and not sbi.nrf:
        raise Failure(
            "where is the NRF?", "cinq nf ... --nrf http://ADDRESS:PORT, or sbi.nrf in the settings file"
        )
    if sbi.scp == OWN["scp"] and "scp" not in parts:
        raise Failure("where is the SCP?", "cinq nf ... --scp http://ADDRESS:PORT")
    return frozenset(parts)


async def _run(
    chosen: NetworkSettings, config: Path | None, parts: frozenset[str], begun: float, json: bool
) -> None:
    from cinq.network import Network, NetworkError
    from cinq.notify import ready
    from cinq.procedure import collect_seldom

    stopped = until_signal()
    starting = asyncio.ensure_future(Network.start(chosen, parts=parts))
    await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():  # it waits for others; nobody wants it any more
        starting.cancel()
        await asyncio.wait((starting,))
        return
    try:
        network = starting.result()
    except NetworkError as error:
        raise Failure(str(error), error.remedy) from None
    collect_seldom()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload, network, config, chosen.sbi)
    try:
        ready()
        facts = {**network.facts(), "ready_s": round(time.perf_counter() - begun, 3)}
        if json:
            show_json(facts)
        else:
            names = ", ".join(each.upper() for each in sorted(parts))
            Console(highlight=False, soft_wrap=True).print(
                f"[bold]cinq {__version__}[/] · {names} · SBI {facts['sbi']} · [green]ready[/] in {facts['ready_s']} s"
            )
        await stopped
    finally:
        await network.stop()
