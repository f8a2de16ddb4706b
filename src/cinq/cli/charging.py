"""cinq charging: records for others, prices, and what operators owe each other for roaming."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cinq import functions
from cinq.cli.money import shown
from cinq.cli.output import Failure, settings, show_json, show_table
from cinq.cli.subscriber import AsJson, Config, open_store
from cinq.lab import roaming_month
from cinq.nf.chf import CHF, Tariff
from cinq.nf.chf.cdr import ber, file_name
from cinq.nf.chf.records import Record, Records
from cinq.nf.chf.settlement import Settlement, Side, settle
from cinq.nf.chf.tariff import tariffs_by_name
from cinq.settings import SettingsError, load
from cinq.settings.charging import TariffFile, amount
from cinq.settings.network import NetworkSettings
from cinq.wire import chf_record
from cinq.wire.ber import Value
from cinq.wire.error import WireError

app = typer.Typer(help="Charging records, prices, settlement between operators.", no_args_is_help=True)
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
Month = Annotated[str, typer.Option("--month", help="YYYY-MM, UTC.", show_default=False)]
SideA = Annotated[Path, typer.Argument(metavar="A", help="Settings file of one network.")]
SideB = Annotated[Path, typer.Argument(metavar="B", help="Settings file of the other.")]


@app.command("settle")
def settle_(
    a: SideA,
    b: SideB,
    month: Month,
    records: Annotated[bool, typer.Option("--records", help="Show each session with its records.")] = False,
    json: AsJson = False,
) -> None:
    """What two operators owe each other for a month of roaming, by the records of each, and where those differ."""
    _check_month(month)
    try:
        found = settle(_side(a, b), _side(b, a), month)
    except ValueError as error:
        raise Failure(str(error), "give both a [[partner]] with the same tariff") from None
    if json:
        show_json(_facts(found))
    else:
        _show(found, records=records)
    if not found.is_even:
        raise typer.Exit(1)


@app.command("simulate")
def simulate(
    a: SideA,
    b: SideB,
    month: Month,
    sessions: Annotated[int, typer.Option("--sessions", min=1, max=100_000, help="How many.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same month.")] = 1,
) -> None:
    """Make up a month of roaming between two networks, told to the CHF of each."""
    _check_month(month)
    with open_store(a) as one, open_store(b) as other:
        operators = []
        for config, partner, store in ((a, b, one), (b, a, other)):
            s = settings(NetworkSettings, config)
            tariff = _agreed(config, partner)
            clock = roaming_month.SessionClock()
            chf = CHF(functions.of_the_chf(s), store, clock, os.urandom, f"chf-of-{s.network.name}")
            operators.append(roaming_month.Operator(s.network.plmn, chf, (tariff.name, tariff.currency)))
        plan = roaming_month.planned(operators[0], operators[1], month, sessions, seed)
        asyncio.run(roaming_month.carry_out(plan))
    typer.echo(f"{sessions} sessions in {month}; next: cinq charging settle {a} {b} --month {month}")


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="Where the files go.")],
    form: Annotated[str, typer.Option("--form", help="json or ber (TS 32.298).")] = "json",
    month: Annotated[str, typer.Option("--month", help="YYYY-MM, UTC; else all.")] = "",
    most: Annotated[
        int, typer.Option("--most", min=1, help="Records of a file; then another begins.")
    ] = 1000,
    config: Config = None,
) -> None:
    """Write charging records into files, named and cut as TS 32.297 has it. Written again they are the same."""
    if form not in ("json", "ber"):
        raise Failure(f"--form: found {form}, wanted json or ber")
    if month:
        _check_month(month)
    with open_store(config) as store:
        found = [one for one in Records(store) if not month or f"{one.record_closing_time:%Y-%m}" == month]
    found.sort(key=lambda one: (one.record_closing_time, one.name))
    folder.mkdir(parents=True, exist_ok=True)
    node = settings(NetworkSettings, config).network.name.replace("/", "_")
    files = [found[n : n + most] for n in range(0, len(found), most)]
    for number, records in enumerate(files, 1):
        path = folder / file_name(node, number, records[-1].record_closing_time, form)
        octets = b"".join(map(ber, records)) if form == "ber" else _lines(records)
        beside = path.with_name(f".{path.name}.part")
        beside.write_bytes(octets)
        beside.replace(path)
        typer.echo(f"{path}: {len(records)} records, {len(octets):,} octets")
    typer.echo(f"{len(found)} records in {len(files)} file{'' if len(files) == 1 else 's'}")


def _lines(records: list[Record]) -> bytes:
    encode = msgspec.json.Encoder(order="deterministic").encode
    return b"".join(encode(one) + b"\n" for one in records)


@app.command("read")
def read(
    file: Annotated[Path, typer.Argument(help="Records in BER, of this or another CHF.")],
    json: AsJson = False,
) -> None:
    """Show a file of CHF records in BER."""
    octets, found = file.read_bytes(), list[dict[str, Value]]()
    try:
        found.extend(chf_record.records_of(octets))
    except WireError as error:
        raise Failure(f"{file}: record {len(found) + 1}: {error}") from None
    if json:
        show_json([_plain(one) for one in found])
        return
    rows = [_row(one) for one in found]
    show_table("", ("opened", "s", "subscriber", "DNN", "octets", "no.", "closed by"), rows)
    typer.echo(f"{len(found)} record{'' if len(found) == 1 else 's'}")


@app.command("check")
def check(files: Annotated[list[Path], typer.Argument(help="Tariff files.")]) -> None:
    """Say whether tariff files hold, and where they do not."""
    for file in files:
        try:
            found = load(TariffFile, file)
        except SettingsError as error:
            raise Failure(str(error)) from None
        typer.echo(f"{file}: {len(found.tariff)} tariffs, {len(found.rate)} rates")


@app.command("price")
def price_(
    tariff: Annotated[str, typer.Argument(help="A [[tariff]] of the settings.")],
    used: Annotated[str, typer.Argument(help="How much, such as '150 MB', '90 s' or '1 event'.")],
    at: Annotated[str, typer.Option("--at", help="When, as 2026-10-25T02:30:00+01:00; else now.")] = "",
    group: Annotated[int, typer.Option("--group", help="The rating group.")] = 1,
    config: Config = None,
) -> None:
    """What use would cost."""
    known = tariffs_by_name(functions.of_the_chf(settings(NetworkSettings, config)).tariffs)
    found = known.get(tariff)
    if found is None:
        raise Failure(f"tariff: found {tariff}, wanted one of {', '.join(known) or 'none'}")
    try:
        units, kind = amount("USED", used)
        when = datetime.fromisoformat(at) if at else datetime.now(UTC)
    except ValueError as error:
        raise Failure(str(error)) from None
    if when.tzinfo is None:
        raise Failure(f"--at: found {at}, wanted it with its offset, such as {at}+01:00")
    rate = found.rate(group, when)
    if rate is None:
        raise Failure(f"{tariff} has no rate for rating group {group} then", "give the tariff a [[rate]]")
    measured = "seconds" if rate.timed else "events" if rate.events else "octets"
    if kind != measured:
        raise Failure(f"USED: found {kind}, the rate that holds then is for {measured}")
    cost = shown(found.cost(rate, units), found.currency)
    local = when.astimezone(found.zone)
    typer.echo(
        f"{used} at {local:%a %H:%M %Z}: {cost}, at {rate.price:f} {found.currency} for {rate.per} {kind}"
    )


def _check_month(month: str) -> None:
    if not MONTH.fullmatch(month):
        raise Failure(f"--month: found {month[:20]}, wanted YYYY-MM, such as 2026-10")


def _side(config: Path, partner: Path) -> Side:
    s = settings(NetworkSettings, config)
    with open_store(config) as store:
        found = list(Records(store).named())
    plmns = tuple(str(plmn) for plmn in s.plmns)
    return Side(f"{s.network.name} ({plmns[0]})", plmns, _agreed(config, partner), found)


def _agreed(config: Path, partner: Path) -> Tariff:
    """The tariff by which a network settles with another. Failure: it has none."""
    s, other = settings(NetworkSettings, config), settings(NetworkSettings, partner)
    if set(s.plmns) & set(other.plmns):
        raise Failure(f"{config} and {partner} have the same PLMN, {s.network.plmn}", "[network] plmn = ...")
    found = next((one for one in s.partner if one.plmn in other.plmns), None)
    if found is None:
        mend = f'[[partner]] plmn = "{other.network.plmn}", tariff = "..."'
        raise Failure(f"{config} has no [[partner]] with PLMN {other.network.plmn}", mend)
    return tariffs_by_name(functions.of_the_chf(s).tariffs)[found.tariff]


def _show(found: Settlement, *, records: bool) -> None:
    def money(value: Decimal) -> str:
        return shown(value, found.currency)

    rows = [
        (one.side, one.sessions, money(one.earned), money(one.owed), money(one.net)) for one in found.balances
    ]
    show_table(found.month, ("by the records of", "sessions", "to get", "to pay", "balance"), rows)
    if records:
        for side, sessions in zip(found.balances, found.sessions, strict=True):
            lines = [
                (
                    one.key.subscriber,
                    one.key.visited,
                    one.uplink + one.downlink,
                    money(one.amount),
                    ", ".join(one.names),
                )
                for one in sessions.values()
            ]
            show_table(side.side, ("subscriber", "visited", "octets", "amount", "records"), lines)
    if found.faults:
        differences = [
            (one.kind, one.side, one.session, one.what, ", ".join(one.records)) for one in found.faults
        ]
        show_table("", ("what", "at", "session", "", "records"), differences)
    if found.open:
        typer.echo(f"{found.open} sessions have not ended by their records: they are in no balance")
    many = len(found.faults)
    typer.echo("the balances are equal" if found.is_even else f"{many} difference{'' if many == 1 else 's'}")


def _facts(found: Settlement) -> dict[str, object]:
    return {
        "month": found.month,
        "currency": found.currency,
        "even": found.is_even,
        "open": found.open,
        "balances": [
            {
                "side": one.side,
                "to_get": f"{one.earned:f}",
                "to_pay": f"{one.owed:f}",
                "balance": f"{one.net:f}",
                "sessions": [
                    {
                        "subscriber": each.key.subscriber,
                        "visited": each.key.visited,
                        "home": each.key.belongs_to,
                        "charging_id": each.key.charging_id,
                        "uplink": each.uplink,
                        "downlink": each.downlink,
                        "amount": f"{each.amount:f}",
                        "records": list(each.names),
                    }
                    for each in sessions.values()
                ],
            }
            for one, sessions in zip(found.balances, found.sessions, strict=True)
        ],
        "differences": [
            {
                "kind": one.kind,
                "at": one.side,
                "what": one.what,
                "session": one.session,
                "records": list(one.records),
            }
            for one in found.faults
        ],
    }


def _row(one: dict[str, Value]) -> tuple[object, ...]:
    who, session = one.get("subscriberIdentifier"), one.get("pDUSessionChargingInformation")
    usages = one.get("listOfMultipleUnitUsage")
    octets = 0
    for usage in usages if isinstance(usages, list) else []:
        containers = usage.get("usedUnitContainers", []) if isinstance(usage, dict) else []
        for each in containers if isinstance(containers, list) else []:
            total = each.get("dataTotalVolume", 0) if isinstance(each, dict) else 0
            octets += total if isinstance(total, int) else 0
    opened = one.get("recordOpeningTime")
    return (
        opened.hex() if isinstance(opened, bytes) else "",
        one.get("duration", ""),
        who.get("subscriptionIDData", "") if isinstance(who, dict) else "",
        session.get("dataNetworkNameIdentifier", "") if isinstance(session, dict) else "",
        f"{octets:,}",
        one.get("recordSequenceNumber", ""),
        one.get("causeForRecClosing", ""),
    )


def _plain(value: Value) -> object:
    """For JSON: octets in hexadecimal."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else value
