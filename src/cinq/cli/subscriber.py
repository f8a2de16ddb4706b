"""cinq subscriber: the subscribers of a network, in the UDR's store. A running core sees changes at once."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from cinq.cli.output import Failure, settings, show_json, show_pairs, show_table
from cinq.contradictions import of_new_subscribers
from cinq.nf.udr import access, looks
from cinq.nf.udr.fault import ProvisioningError
from cinq.nf.udr.provisioning import (
    COLUMNS,
    METHODS,
    ImportFault,
    Subscriber,
    changed,
    get,
    parse,
    put,
    put_subscription,
    read_csv,
    remove,
    set_auth_method,
    subscribers,
)
from cinq.numbering import NumberingError, Supi
from cinq.settings.network import NetworkSettings
from cinq.state import opened
from cinq.transport.write_behind import StoreError, WriteBehind

app = typer.Typer(help="Add, list, show, remove and import subscribers.", no_args_is_help=True)

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file of the network.")]
Force = Annotated[
    bool, typer.Option("--force", help="Also where the settings of the network contradict the subscription.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def open_store(config: Path | None) -> Iterator[WriteBehind]:
    try:
        store = opened(settings(NetworkSettings, config).state)
    except StoreError as error:
        mend = "give a settings file with [state] folder = ... you may write, or database = ... that is there"
        raise Failure(str(error), mend) from None
    try:
        yield store
        store.flush()
    except StoreError as error:
        raise Failure(str(error)) from None
    finally:
        store.close()


def _agree(store: WriteBehind, new: list[Subscriber], config: Path | None, force: bool) -> None:
    """Failure where the network cannot serve them, unless forced; a word where it may not."""
    found = list(of_new_subscribers(settings(NetworkSettings, config), store, new))
    errors = [each for each in found if each.severity == "error" and not force]
    for each in found:
        if each not in errors:
            typer.echo(f"{'as forced' if each.severity == 'error' else 'warning'}: {each}", err=True)
    if errors:
        mends = "; ".join(dict.fromkeys(each.mend for each in errors))
        raise Failure("; ".join(each.what for each in errors), f"{mends}; or --force")


def _counted(number: int) -> str:
    return f"{number} subscriber{'' if number == 1 else 's'}"


def supi_of(text: str) -> Supi:
    try:
        return Supi.parse(text)
    except NumberingError as error:
        raise Failure(str(error)) from None


def _facts(subscriber: Subscriber, keys: bool = False) -> dict[str, object]:
    facts: dict[str, object] = {
        "supi": str(subscriber.supi),
        "algorithm": subscriber.algorithm,
        "auth_method": next(name for name, kind in METHODS.items() if kind == subscriber.auth_method),
        "amf": subscriber.amf.hex(),
        "sqn": f"{subscriber.sqn:012x}",
        "slices": [str(s) for s in subscriber.slices],
        "dnns": list(subscriber.dnns),
        "static_ip": str(subscriber.static_ip) if subscriber.static_ip else None,
        "ambr_uplink": subscriber.ambr_uplink,
        "ambr_downlink": subscriber.ambr_downlink,
        "five_qi": subscriber.five_qi,
        **_more(subscriber),
    }
    return {**facts, "k": subscriber.k.hex(), "opc": subscriber.opc.hex()} if keys else facts


def _more(subscriber: Subscriber) -> dict[str, object]:
    """What only some subscriptions say."""
    facts: dict[str, object] = {}
    if subscriber.arp != 8:
        facts["arp"] = subscriber.arp
    if subscriber.ssc_modes != ("SSC_MODE_1",):
        facts["ssc_modes"] = [mode[-1] for mode in subscriber.ssc_modes]
    if (security := subscriber.up_security) is not None:
        facts["up_integrity"] = security.up_integr.lower().replace("_", "-")
        facts["up_ciphering"] = security.up_confid.lower().replace("_", "-")
    if subscriber.static_prefix is not None:
        facts["static_prefix"] = str(subscriber.static_prefix)
    if subscriber.framed_routes:
        facts["framed_routes"] = [str(route) for route in subscriber.framed_routes]
    return {**facts, **access.facts(subscriber.access)}


@app.command("add")
def add(
    imsi: Annotated[str, typer.Argument(help="IMSI: 6 to 15 digits, with or without 'imsi-'.")],
    k: Annotated[str, typer.Option(help="Permanent key K, 32 hexadecimal digits (TUAK: or 64).")],
    opc: Annotated[str, typer.Option(help="OPc, 32 hexadecimal digits (TUAK: TOPc, 64).")] = "",
    op: Annotated[str, typer.Option(help="OP (TUAK: TOP) instead of OPc: OPc is derived from it.")] = "",
    amf: Annotated[str, typer.Option(help="Authentication management field, 4 hexadecimal digits.")] = "8000",
    sqn: Annotated[str, typer.Option(help="Last sequence number used, hexadecimal.")] = "0",
    algorithm: Annotated[str, typer.Option(help="milenage or tuak.")] = "milenage",
    auth_method: Annotated[str, typer.Option(help="5g-aka or eap-aka-prime.")] = "5g-aka",
    slices: Annotated[
        list[str] | None, typer.Option("--slice", help="S-NSSAI, for example 1 or 1-0000ff. May be repeated.")
    ] = None,
    dnns: Annotated[list[str] | None, typer.Option("--dnn", help="DNN. May be repeated.")] = None,
    static_ip: Annotated[str, typer.Option(help="IPv4 address that this subscriber always gets.")] = "",
    ambr_uplink: Annotated[str, typer.Option(help="Subscribed AMBR, uplink, as '100 Mbps'.")] = "1 Gbps",
    ambr_downlink: Annotated[str, typer.Option(help="Subscribed AMBR, downlink.")] = "1 Gbps",
    five_qi: Annotated[int, typer.Option(help="5QI of the default QoS flow.")] = 9,
    replace: Annotated[bool, typer.Option(help="Replace an existing subscriber.")] = False,
    force: Force = False,
    config: Config = None,
) -> None:
    """Add one subscriber."""
    row = {
        "imsi": imsi,
        "k": k,
        "opc": opc,
        "op": op,
        "amf": amf,
        "sqn": sqn,
        "algorithm": algorithm,
        "auth_method": auth_method,
        "slices": " ".join(slices or ["1"]),
        "dnns": " ".join(dnns or ["internet"]),
        "static_ip": static_ip,
        "ambr_uplink": ambr_uplink,
        "ambr_downlink": ambr_downlink,
        "five_qi": str(five_qi),
    }
    try:
        subscriber = parse(row)
    except ProvisioningError as error:
        name = error.key if error.key == "imsi" else f"--{error.key.replace('_', '-')}"
        raise Failure(f"{name}: {error.what}") from None
    with open_store(config) as store:
        if not replace and get(store, subscriber.supi) is not None:
            raise Failure(f"{subscriber.supi} is there already", "add --replace to put this one in its place")
        _agree(store, [subscriber], config, force)
        put(store, subscriber)
    typer.echo(f"added {subscriber.supi}")


@app.command("list")
def list_(config: Config = None, json: AsJson = False) -> None:
    """List all subscribers."""
    with open_store(config) as store:
        found = [s for supi in subscribers(store) if (s := get(store, supi)) is not None]
        _noted(store, "subscriptions")
    if json:
        show_json([_facts(s) for s in found])
        return
    rows = [
        (s.supi, ", ".join(map(str, s.slices)), ", ".join(s.dnns), s.static_ip or "dynamic") for s in found
    ]
    show_table("", ("SUPI", "slices", "DNNs", "address"), rows)
    typer.echo(_counted(len(found)))


@app.command("show")
def show(
    imsi: Annotated[str, typer.Argument(help="IMSI of the subscriber.")],
    keys: Annotated[bool, typer.Option("--keys", help="Show K and OPc too.")] = False,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Show one subscriber. Keys are shown only on request."""
    supi = supi_of(imsi)
    with open_store(config) as store:
        found = get(store, supi)
        if found is not None:
            _noted(store, "subscription and keys" if keys else "subscription", str(supi))
    if found is None:
        raise Failure(f"no subscriber {supi}", f"cinq subscriber add {supi} --k ... --opc ...")
    facts = _facts(found, keys)
    if json:
        show_json(facts)
    else:
        show_pairs({k: ", ".join(map(str, v)) if isinstance(v, list) else v for k, v in facts.items()})


def _noted(store: WriteBehind, what: str, supi: str = "") -> None:
    """Who looks at personal data is logged by the core."""
    looks.note(store, looks.Look(time.time(), _user(), what, supi))


def _user() -> str:
    """Whose account of the host it is, and from whose one became it."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = str(number)
    before = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo of {before})" if re.fullmatch(r"[\w.-]{1,32}", before) else name


@app.command("set")
def set_(
    imsi: Annotated[str, typer.Argument(help="IMSI of the subscriber.")],
    auth_method: Annotated[str, typer.Option(help="5g-aka or eap-aka-prime.")] = "",
    slices: Annotated[str, typer.Option(help="S-NSSAIs in place of those it has: '1 1-0000ff'.")] = "",
    default_slices: Annotated[str, typer.Option(help="Which of them are defaults; none: the first.")] = "",
    nssaa_slices: Annotated[str, typer.Option(help="Which have an authentication of their own.")] = "",
    dnns: Annotated[str, typer.Option(help="DNNs in place of those it has: 'internet ims'.")] = "",
    static_ip: Annotated[str, typer.Option(help="IPv4 address that it always gets; none: any.")] = "",
    static_prefix: Annotated[str, typer.Option(help="IPv6 prefix that it always gets; none: any.")] = "",
    framed_routes: Annotated[
        str, typer.Option(help="Networks behind it, in its default DNN: '198.51.100.0/24'; none.")
    ] = "",
    ambr_uplink: Annotated[str, typer.Option(help="Subscribed AMBR, uplink, as '100 Mbps'.")] = "",
    ambr_downlink: Annotated[str, typer.Option(help="Subscribed AMBR, downlink.")] = "",
    five_qi: Annotated[str, typer.Option(help="5QI of the default QoS flow.")] = "",
    arp: Annotated[str, typer.Option(help="ARP priority level of the default QoS flow, 1 to 15.")] = "",
    ssc_modes: Annotated[str, typer.Option(help="SSC modes, the default first: '1 2 3'.")] = "",
    up_integrity: Annotated[str, typer.Option(help="required, preferred or not-needed; none.")] = "",
    up_ciphering: Annotated[str, typer.Option(help="required, preferred or not-needed; none.")] = "",
    msisdn: Annotated[str, typer.Option(help="Telephone number; none.")] = "",
    rfsp: Annotated[str, typer.Option(help="RFSP index, 1 to 256; none.")] = "",
    allowed_tacs: Annotated[str, typer.Option(help="The only areas with service: '1 2'; none.")] = "",
    non_allowed_tacs: Annotated[str, typer.Option(help="Areas without service: '3'; none.")] = "",
    forbidden_tacs: Annotated[str, typer.Option(help="Areas where it may not register; none.")] = "",
    rat_restrictions: Annotated[
        str, typer.Option(help="RATs that it may not use: NR, NR_REDCAP; none.")
    ] = "",
    no_5gc: Annotated[str, typer.Option(help="yes: it may not use a 5G core network.")] = "",
    barred: Annotated[str, typer.Option(help="yes: all packet services are barred.")] = "",
    mico: Annotated[str, typer.Option(help="yes: MICO mode is allowed.")] = "",
    t3512_s: Annotated[str, typer.Option(help="Subscribed periodic registration timer; none.")] = "",
    t3324_s: Annotated[str, typer.Option(help="Subscribed active time; none.")] = "",
    edrx: Annotated[str, typer.Option(help="eDRX cycle and window in bits, as 0010/0011; none.")] = "",
    force: Force = False,
    config: Config = None,
) -> None:
    """Change what is subscribed. A running core applies it to a UE that is registered, within a second or two."""
    row = {
        name: str(value) for name, value in locals().items() if name != "imsi" and name in COLUMNS and value
    }
    if not row:
        raise Failure("nothing to change", f"cinq subscriber set {imsi} --ambr-downlink '10 Mbps'")
    supi = supi_of(imsi)
    with open_store(config) as store:
        found = get(store, supi)
        if found is None:
            raise Failure(f"no subscriber {supi}", f"cinq subscriber add {supi} --k ... --opc ...")
        try:
            subscriber = changed(found, row)
        except ProvisioningError as error:
            raise Failure(f"--{error.key.replace('_', '-')}: {error.what}") from None
        _agree(store, [subscriber], config, force)
        put_subscription(store, subscriber)
        if auth_method:
            asyncio.run(set_auth_method(store, supi, subscriber.auth_method))
    typer.echo(f"changed {supi}")


@app.command("remove")
def remove_(
    imsi: Annotated[str, typer.Argument(help="IMSI of the subscriber.")], config: Config = None
) -> None:
    """Remove one subscriber: it cannot authenticate again, and a running core deregisters its UE."""
    supi = supi_of(imsi)
    with open_store(config) as store:
        if not remove(store, supi):
            raise Failure(f"no subscriber {supi}", "cinq subscriber list")
    typer.echo(f"removed {supi}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with a header: imsi, k, opc (or op), and more.")],
    force: Force = False,
    config: Config = None,
) -> None:
    """Import subscribers from a CSV file: all of them, or none when a line is wrong."""
    try:
        found = read_csv(file)
    except ImportFault as fault:
        raise Failure(str(fault)) from None
    with open_store(config) as store:
        _agree(store, found, config, force)
        screen = Console(stderr=True)
        for subscriber in track(
            found, "importing", transient=True, console=screen, disable=not screen.is_terminal
        ):
            put(store, subscriber)
    typer.echo(f"imported {_counted(len(found))}")
