"""cinq account: what subscribers have paid, what they have left, and what was recorded of their use."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from cinq.cli.money import shown
from cinq.cli.output import Failure, settings, show_json, show_pairs, show_table
from cinq.cli.subscriber import AsJson, Config, open_store
from cinq.nf.chf.account import Account, AccountError, Accounts, Credit
from cinq.nf.chf.records import Record, Records
from cinq.nf.udr import provisioning
from cinq.numbering import Supi
from cinq.settings.charging import MINOR, price
from cinq.settings.network import NetworkSettings
from cinq.settings.tariffs import tariffs_of

T = TypeVar("T")
app = typer.Typer(help="What subscribers have paid and used.", no_args_is_help=True)
Imsi = Annotated[str, typer.Argument(metavar="IMSI", help="The subscriber.", show_default=False)]


@app.command("open")
def open_(
    imsi: Imsi,
    tariff: Annotated[str, typer.Option("--tariff", help="A [[tariff]] of the settings.")],
    postpaid: Annotated[bool, typer.Option("--postpaid", help="Paid later, not in advance.")] = False,
    limit: Annotated[str, typer.Option("--limit", help="Of a postpaid account: how much may be owed.")] = "",
    config: Config = None,
) -> None:
    """Open an account."""
    supi = _supi(imsi)
    known = {one.name: one for one in tariffs_of(settings(NetworkSettings, config))[0]}
    if tariff not in known:
        wanted = ", ".join(known) or "none: give the settings a [[tariff]]"
        raise Failure(f"tariff: found {tariff}, wanted one of {wanted}", "cinq account open --tariff NAME")
    if limit and not postpaid:
        raise Failure("--limit is of a postpaid account", "--postpaid")
    account = Account(
        supi,
        tariff,
        known[tariff].currency,
        "postpaid" if postpaid else "prepaid",
        limit=_money("--limit", limit, known[tariff].currency) if limit else None,
    )
    with open_store(config) as store:
        if provisioning.get(store, Supi(imsi)) is None:
            typer.echo(f"warning: imsi-{imsi} is not provisioned: cinq subscriber add", err=True)
        _done(Accounts(store).open(account))
    typer.echo(f"{supi}: {account.kind} account in {account.currency}, tariff {tariff}{_off(config)}")


@app.command("credit")
def credit(
    imsi: Imsi,
    amount: Annotated[str, typer.Argument(help="How much, such as 10 or 9.95.")],
    reference: Annotated[
        str, typer.Option("--reference", help="Of the payment; the same one counts once.")
    ] = "",
    config: Config = None,
) -> None:
    """Pay in. A running core goes by it with the next request."""
    supi, now = _supi(imsi), datetime.now(UTC)
    with open_store(config) as store:
        accounts = Accounts(store)
        account = accounts.get(supi)
        if account is None:
            raise Failure(f"{supi} has no account", f"cinq account open {imsi} --tariff NAME")
        paid = Credit(
            supi,
            _money("AMOUNT", amount, account.currency),
            account.currency,
            reference or f"{now:%Y-%m-%dT%H:%M:%S.%fZ}",
            now,
        )
        again = paid.reference in account.payments
        account = _done(accounts.credit(paid))
    said = "was paid in before" if again else "paid in"
    typer.echo(f"{supi}: {paid.reference} {said}, {shown(account.balance, account.currency)} left")


@app.command("list")
def list_(config: Config = None, json: AsJson = False) -> None:
    """Show the accounts."""
    with open_store(config) as store:
        found = list(Accounts(store))
    if json:
        show_json([_facts(one) for one in found])
        return
    rows = [
        (
            one.supi,
            one.kind,
            one.tariff,
            shown(one.balance, one.currency),
            shown(one.set_aside, one.currency),
            len(one.sessions),
        )
        for one in found
    ]
    show_table("", ("subscriber", "kind", "tariff", "balance", "set aside", "sessions"), rows)
    typer.echo(f"{len(found)} account{'' if len(found) == 1 else 's'}{_off(config)}")


@app.command("show")
def show(imsi: Imsi, config: Config = None, json: AsJson = False) -> None:
    """One account, and what is open on it."""
    supi = _supi(imsi)
    with open_store(config) as store:
        account = Accounts(store).get(supi)
    if account is None:
        raise Failure(f"{supi} has no account", f"cinq account open {imsi} --tariff NAME")
    if json:
        show_json(_facts(account))
        return
    limit = account.limit
    show_pairs(
        {
            "subscriber": account.supi,
            "kind": account.kind,
            "tariff": account.tariff,
            "balance": shown(account.balance, account.currency),
            "set aside": shown(account.set_aside, account.currency),
            "may owe": None if limit is None else shown(limit, account.currency),
            "sessions": ", ".join(account.sessions) or None,
        }
    )


@app.command("records")
def records(
    imsi: Annotated[str, typer.Argument(metavar="[IMSI]", help="Of one subscriber alone.")] = "",
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Charging data records: what was used, and what it cost."""
    supi = _supi(imsi) if imsi else ""
    with open_store(config) as store:
        found = [one for one in Records(store) if not supi or one.subscriber_identifier == supi]
    found.sort(key=lambda one: (one.record_opening_time, one.name))
    if json:
        show_json([_of_record(one) for one in found])
        return
    rows = [
        (
            f"{one.record_opening_time:%Y-%m-%d %H:%M:%S}",
            one.duration_s,
            one.subscriber_identifier,
            _dnn(one),
            f"{sum(each.total for each in one.used_unit_containers):,}",
            shown(one.amount, one.currency),
            one.cause_for_rec_closing,
        )
        for one in found
    ]
    show_table("", ("opened (UTC)", "s", "subscriber", "DNN", "octets", "cost", "closed by"), rows)
    by_currency: dict[str, Decimal] = {}
    for one in found:
        by_currency[one.currency] = by_currency.get(one.currency, Decimal(0)) + one.amount
    sums = ", ".join(shown(amount, currency) for currency, amount in sorted(by_currency.items()))
    typer.echo(f"{len(found)} record{'' if len(found) == 1 else 's'}{f', {sums}' if sums else ''}")


def _supi(imsi: str) -> str:
    return str(Supi.parse(imsi))


def _money(key: str, text: str, currency: str) -> Decimal:
    """An amount with no more digits than the currency has. Failure otherwise."""
    digits = MINOR.get(currency, 2)
    try:
        found = price(key, text)
    except (ValueError, InvalidOperation) as error:
        raise Failure(str(error), "such as 10 or 9.95") from None
    if found != found.quantize(Decimal(1).scaleb(-digits)):
        raise Failure(f"{key}: found {text}, wanted at most {digits} digits behind the point in {currency}")
    return found


def _facts(one: Account) -> dict[str, object]:
    return {
        "supi": one.supi,
        "kind": one.kind,
        "tariff": one.tariff,
        "currency": one.currency,
        "balance": f"{one.balance:f}",
        "set_aside": f"{one.set_aside:f}",
        "limit": None if one.limit is None else f"{one.limit:f}",
        "sessions": list(one.sessions),
    }


def _of_record(one: Record) -> dict[str, object]:
    return {
        "name": one.name,
        "subscriber": one.subscriber_identifier,
        "opened": one.record_opening_time.isoformat(),
        "closed": one.record_closing_time.isoformat(),
        "closed_by": one.cause_for_rec_closing,
        "dnn": _dnn(one),
        "charging_id": one.charging_id,
        "tariff": one.tariff,
        "currency": one.currency,
        "amount": f"{one.amount:f}",
        "containers": [
            {
                "number": each.number,
                "rating_group": each.rating_group,
                "closed": each.closed.isoformat(),
                "uplink": each.uplink,
                "downlink": each.downlink,
                "seconds": each.seconds,
                "cost": f"{each.cost:f}",
                "why": list(each.why),
            }
            for each in one.used_unit_containers
        ],
    }


def _dnn(one: Record) -> str:
    about = one.pdu_session_charging_information
    session = None if about is None else about.pdu_session_information
    return "" if session is None else session.dnn_id


def _done(work: Coroutine[object, object, T]) -> T:
    try:
        return asyncio.run(work)
    except AccountError as error:
        raise Failure(str(error), "cinq account list") from None


def _off(config: Path | None) -> str:
    """A word where nothing is charged."""
    on = settings(NetworkSettings, config).charging.on
    return "" if on else "; the SMF does not ask the CHF: [charging] on = true"
