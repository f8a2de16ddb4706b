"""cinq warn: public warnings (TS 23.041). A running core broadcasts them at once, and again after a gNB restarts."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer

from cinq.cli.output import Failure, settings, show_json, show_table
from cinq.cli.subscriber import AsJson, Config, open_store
from cinq.nf.amf.warnings import MOST, Result, State, Warning, Warnings
from cinq.settings import check
from cinq.settings.network import NetworkSettings
from cinq.wire import cbs

app = typer.Typer(help="Broadcast public warnings in the cells of a running core.", no_args_is_help=True)

LOOK_S = 0.1
Wait = Annotated[float, typer.Option(help="Seconds to wait for the core and its gNBs.")]


@app.command("send")
def send(
    text: Annotated[str, typer.Argument(help="What phones show; ETWS may go without.")] = "",
    tacs: Annotated[
        list[int] | None, typer.Option("--tac", help="Tracking area; without: everywhere.")
    ] = None,
    repeat: Annotated[int, typer.Option(help="Seconds between broadcasts, 1 to 131071.")] = 60,
    number: Annotated[int, typer.Option(help="Broadcasts; 0: until it is cancelled.")] = 0,
    identifier: Annotated[
        int | None,
        typer.Option(
            help="Message identifier (TS 23.041 §9.4.1.2.2); 4370, the highest alert, or that of ETWS."
        ),
    ] = None,
    etws: Annotated[
        str, typer.Option(help=f"Primary notification of ETWS: {', '.join(cbs.ETWS_KINDS)}.")
    ] = "",
    alert: Annotated[bool, typer.Option(help="ETWS: phones sound and vibrate.")] = True,
    popup: Annotated[bool, typer.Option(help="ETWS: phones show it over everything else.")] = True,
    security: Annotated[
        str,
        typer.Option("--security-info", help="ETWS: Warning Security Information, 100 hexadecimal digits."),
    ] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Whatever is broadcast there ends.")] = False,
    wait: Wait = 8.0,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Broadcast a warning, and show what each gNB makes of it."""
    network = settings(NetworkSettings, config)
    areas = tuple(dict.fromkeys(tacs or ()))
    kind, signed = _etws(etws, security, alert, popup)
    if identifier is None:
        identifier = cbs.ETWS_IDENTIFIERS[etws] if etws else 4370
    _agree(network, areas, repeat, number, identifier)
    coding, contents = cbs.GSM7, b""
    if text or not etws:
        try:
            coding, contents = cbs.encode(text)
        except cbs.CbsError as error:
            raise Failure(str(error), "say it in fewer words") from None
    with open_store(config) as store:
        kept = Warnings(store)
        others = list(kept.all())
        if len(others) >= MOST:
            raise Failure(f"{MOST} warnings are there already", "cinq warn cancel --all")
        warning = Warning(
            identifier,
            _serial(others, areas, (alert << 1 | popup) if etws else None),
            text or f"ETWS {etws}",
            coding,
            contents,
            areas,
            repeat,
            number,
            replace,
            etws=kind,
            security=signed,
        )
        kept.put(warning)
        store.flush()
        _show(*_outcome(kept, warning, "broadcast", wait), json)


@app.command("cancel")
def cancel(
    key: Annotated[str, typer.Argument(help="As `cinq warn list` shows it; without: the last one.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    wait: Wait = 8.0,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Stop broadcasting a warning, and show what each gNB makes of it."""
    with open_store(config) as store:
        kept = Warnings(store)
        there = [warning for warning in kept.all() if warning.state in ("wanted", "broadcast")]
        meant = [warning for warning in there if everything or not key or warning.key == key]
        if not meant:
            what = f"no warning {key}" if key else "no warning is there"
            raise Failure(what, "cinq warn list")
        if not everything:
            meant = meant[-1:]
        for warning in meant:
            kept.put(msgspec.structs.replace(warning, state="unwanted"))
        store.flush()
        for warning in meant:
            _show(*_outcome(kept, warning, "cancelled", wait), json)


@app.command("list")
def list_(config: Config = None, json: AsJson = False) -> None:
    """Show the warnings, and what gNBs made of them."""
    now = time.time()
    with open_store(config) as store:
        kept = Warnings(store)
        found = [(warning, kept.results(warning)) for warning in kept.all()]
    if json:
        show_json([_plain(warning, results, now) for warning, results in found])
        return
    rows = [
        (w.key, _state(w, now), _where(w), _often(w), w.text, "; ".join(map(_said, results)) or "no gNB")
        for w, results in found
    ]
    show_table("", ("key", "state", "where", "broadcasts", "text", "gNBs"), rows)


def _agree(
    network: NetworkSettings, areas: tuple[int, ...], repeat: int, number: int, identifier: int
) -> None:
    served = network.network.tacs
    for tac in areas:
        if tac not in served:
            raise Failure(f"--tac: found {tac}, wanted one of {', '.join(map(str, served))}")
    try:
        check.within("--repeat", repeat, 1, 131071)
        check.within("--number", number, 0, 65535)
        check.within("--identifier", identifier, 0, 65535)
    except ValueError as error:
        raise Failure(str(error)) from None


def _etws(kind: str, security: str, alert: bool, popup: bool) -> tuple[bytes, bytes]:
    """Warning Type and Warning Security Information; empty where there is none."""
    if not kind:
        if security or not (alert and popup):
            raise Failure(
                "--security-info, --no-alert, --no-popup: found without --etws", "--etws earthquake"
            )
        return b"", b""
    if kind not in cbs.ETWS_KINDS:
        raise Failure(f"--etws: found {kind}, wanted one of {', '.join(cbs.ETWS_KINDS)}")
    try:
        signed = bytes.fromhex(security)
    except ValueError:
        signed = b"?"
    if len(signed) not in (0, 50):
        raise Failure(f"--security-info: found {len(security)} characters, wanted 100 hexadecimal digits")
    return cbs.warning_type(kind, alert=alert, popup=popup), signed


def _serial(others: list[Warning], areas: tuple[int, ...], etws: int | None) -> int:
    """Another message code than those that may still be broadcast have (TS 23.041 §9.4.1.2.1). etws: the two bits of
    alert and popup that its code begins with."""
    taken = {warning.serial >> 4 & 0x3FF for warning in others}
    begin, codes = int(time.time()), 1024 if etws is None else 256
    base = 0 if etws is None else etws << 8
    code = next(c for c in (base + (begin + i) % codes for i in range(codes)) if c not in taken)
    return cbs.serial_number(cbs.TRACKING_AREA_WIDE if areas else cbs.PLMN_WIDE, code)


def _outcome(kept: Warnings, warning: Warning, state: State, wait: float) -> tuple[Warning, list[Result]]:
    """When every gNB that was told has answered, or the time is over. Failure when no core has looked at it by then."""
    end = time.monotonic() + wait
    now, results = warning, list[Result]()
    while time.monotonic() < end:
        found = kept.get(warning.key)
        if found is not None and found.state == state:
            now, results = found, kept.results(found)
            if len(results) >= len(found.told):
                return now, results
        time.sleep(LOOK_S)
    if now.state != state:
        raise Failure(
            f"warning {warning.key}: no core has looked at it within {wait:g} s; the next that runs does",
            "cinq up, with the same settings file",
        )
    return now, results


def _show(warning: Warning, results: list[Result], json: bool) -> None:
    if json:
        show_json(_plain(warning, results, time.time()))
        return
    typer.echo(f"warning {warning.key} {_state(warning, time.time())}: {_where(warning)}, {_often(warning)}")
    silent = set(warning.told) - {result.gnb for result in results}
    rows = [(r.gnb, r.text, r.cells) for r in results] + [(gnb, "no answer yet", 0) for gnb in sorted(silent)]
    if rows:
        show_table("", ("gNB", "result", "cells"), rows)
    else:
        typer.echo("no gNB is there: nothing is broadcast")


def _plain(warning: Warning, results: list[Result], now: float) -> dict[str, object]:
    return {
        "key": warning.key,
        "identifier": warning.identifier,
        "serial": warning.serial,
        "text": warning.text,
        "tacs": list(warning.tacs),
        "repeat_s": warning.repeat_s,
        "number": warning.number,
        "state": _state(warning, now),
        "told": list(warning.told),
        "gnbs": [msgspec.to_builtins(result) for result in results],
    }


def _state(warning: Warning, now: float) -> str:
    return "over" if warning.state == "broadcast" and not warning.runs(now) else warning.state


def _where(warning: Warning) -> str:
    return f"TAC {', '.join(map(str, warning.tacs))}" if warning.tacs else "everywhere"


def _often(warning: Warning) -> str:
    often = f"{warning.number} times" if warning.number else "until it is cancelled"
    return f"{often}, every {warning.repeat_s} s"


def _said(result: Result) -> str:
    return f"{result.gnb}: {result.text} ({result.cells})"
