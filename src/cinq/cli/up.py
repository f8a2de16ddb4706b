"""cinq up: a complete network until Ctrl-C."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cinq import __version__
from cinq.cli.output import Failure, console, logging_to_stderr, settings, show_json, until_signal
from cinq.settings.network import NetworkSettings
from cinq.settings.service_based import Sbi

if TYPE_CHECKING:
    from cinq.network import Network

log = logging.getLogger("cinq.network")


def command(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (TOML).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object when ready.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
    apart: Annotated[
        bool,
        typer.Option("--apart", help="One process for each function, over TLS; one that ends starts again."),
    ] = False,
) -> None:
    """Start a complete 5G core with its user plane. Without --config: a network with sane defaults on loopback.

    SIGHUP: read the settings file again, and take the [amf] settings, the network's name and [eligibility]
    from it, with the files that it names.
    """
    begun = time.perf_counter()
    gc.disable()  # until it runs: what is made at start stays
    logging_to_stderr(verbose)
    chosen = settings(NetworkSettings, config)
    from cinq.procedure import ServingLoop

    running = _run_apart(chosen, config, begun, json, verbose) if apart else _run(chosen, config, begun, json)
    with asyncio.Runner(loop_factory=None if apart else ServingLoop) as runner:
        runner.run(running)


async def _run(chosen: NetworkSettings, config: Path | None, begun: float, json: bool) -> None:
    from cinq.network import Network, NetworkError
    from cinq.procedure import collect_seldom

    stopped = until_signal()
    try:
        network = await Network.start(chosen)
    except NetworkError as error:
        raise Failure(str(error), error.remedy) from None
    collect_seldom()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload, network, config)
    try:
        ready = time.perf_counter() - begun
        facts = {**network.facts(), "ready_s": round(ready, 3)}
        _log("core started, ready in %.1f s", ready)
        if json:
            show_json(facts)
        else:
            _say(facts)
        await stopped
    finally:
        _log("core stopping")
        await network.stop()
    if not json:
        console().print("stopped; the host is as it was")


def _log(what: str, *values: object) -> None:
    """Into a log that is kept: a person at a terminal sees it anyway."""
    if not sys.stderr.isatty():
        log.info(what, *values)


async def _run_apart(
    chosen: NetworkSettings, config: Path | None, begun: float, json: bool, verbose: bool
) -> None:
    from cinq.apart import Apart
    from cinq.network import NetworkError

    stopped = until_signal()
    network = Apart(chosen, config, verbose)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, network.reload)
    starting = asyncio.ensure_future(network.start())
    await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
    try:
        if starting.done():
            starting.result()
            ready = time.perf_counter() - begun
            facts = {**network.facts(), "ready_s": round(ready, 3)}
            _log("core started, ready in %.1f s", ready)
            if json:
                show_json(facts)
            else:
                _say_apart(facts)
            await stopped
    except NetworkError as error:
        raise Failure(str(error), error.remedy) from None
    finally:
        _log("core stopping")
        starting.cancel()
        await network.stop()
    if not json:
        console().print("stopped; the host is as it was")


def _say_apart(facts: dict[str, object]) -> None:
    out, parts = Console(highlight=False, soft_wrap=True), facts["parts"]
    out.print(f"[bold]cinq {__version__}[/] · each function in its own process · TLS, access tokens")
    if isinstance(parts, dict):
        out.print(f" {' · '.join(f'{name} {pid}' for name, pid in parts.items())}")
    out.print(f" AMF {facts['n2']} · PLMN {facts['plmn']} · NRF {facts['nrf']}")
    out.print(f" trace: cinq trace live --socket {facts['control']}")
    out.print(f" [green]ready[/] in {facts['ready_s']} s; Ctrl-C stops it")


def reload(network: Network, config: Path | None, sbi: Sbi | None = None) -> None:
    """SIGHUP: the settings file is read again. One that does not hold changes nothing. sbi: in place of the file's."""
    try:
        new = settings(NetworkSettings, config)
        whole = network.reload(new if sbi is None else replace(new, sbi=sbi))
    except Failure as failure:
        log.error("settings not taken: %s", failure)
        return
    taken = "policies" if network.amf is None else "settings of the AMF"
    log.info("%s taken%s", taken, "" if whole else "; what else has changed waits for a restart")


def _protection(facts: dict[str, object]) -> str:
    """How callers of the SBI are told apart, and what that leaves open."""
    if not facts["access_tokens"]:
        return "no access tokens are asked for: keep it among those you trust"
    if not facts["sbi_tls"]:
        return "access tokens, but no TLS: anybody who reaches it can be any function. Keep it among those you trust"
    return "TLS, access tokens"


def _say(facts: dict[str, object]) -> None:
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"[bold]cinq {__version__}[/] · {facts['sctp']} SCTP · {facts['data_plane']} data plane")
    out.print(
        f" AMF {facts['n2']} · PLMN {facts['plmn']} · TAC {facts['tacs']} · slices {facts['slices']} · "
        f"{facts['dnns']} · {facts['subscribers']} subscriber{'' if facts['subscribers'] == 1 else 's'}"
    )
    if facts["sbi"]:
        out.print(f" SBI {facts['sbi']} · {_protection(facts)}")
    elsewhere = facts["upfs"]
    upfs = [f"UPF N3 {facts['n3']}"] if facts["n3"] else []
    upfs += [f"UPF at N4 {address}" for address in elsewhere] if isinstance(elsewhere, list) else []
    out.print(f" {' · '.join(upfs)} · trace: cinq trace live --socket {facts['control']}")
    changes = facts["host_changes"]
    if isinstance(changes, list) and changes:
        out.print(f" changed on this host until it stops: {'; '.join(map(str, changes))}")
    out.print(f" [green]ready[/] in {facts['ready_s']} s; Ctrl-C stops it")
