"""A subscriber's account with all that is open on it, as one record of the store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Context, Decimal, localcontext
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from cinq.nf.chf.tariff import NOTHING, Use
from cinq.procedure.kept import Kept
from cinq.procedure.store import Store
from cinq.sbi.services.nchf_convergedcharging import (
    ChargingDataResponse,
    NFIdentification,
    PDUSessionChargingInformation,
)

log = logging.getLogger("cinq.chf")
T = TypeVar("T")
COLLECTION = "charging-accounts"
CREDITS = "charging-credits"
Kind = Literal["prepaid", "postpaid"]
TRIES = 64
PAYMENTS = 256
RANGES = 64
EXACT = Context(prec=60)  # no sum of money is rounded, however large
Numbers = tuple[tuple[int, int], ...]
"""Ranges of numbers, first and last of each, in order."""


class Container(Struct, frozen=True, omit_defaults=True):
    """What was used of a rating group until `closed`, and what it cost."""

    rating_group: int
    number: int
    closed: datetime
    uplink: int = 0
    downlink: int = 0
    total: int = 0
    seconds: int = 0
    cost: Decimal = NOTHING
    why: tuple[str, ...] = ()
    events: int = 0


class Held(Struct, frozen=True, omit_defaults=True):
    """What is granted of a rating group and not reported yet. money: what it costs, which is set aside."""

    use: Use = Use()
    money: Decimal = NOTHING


class Session(Struct, frozen=True, omit_defaults=True):
    """A charging session, TS 32.290 §5.3. sequence, answer: of the last request. counted: numbers of containers.

    held: by rating group. containers: those that are in no record yet. record: how many records there are of it.
    running: units that were used by each rate that counts them all together. short: rating groups that got less than
    they asked for, since the money did not reach; left: what there was of it then. sealed: digest of its last record.
    """

    consumer: NFIdentification
    opened: datetime
    sequence: int
    answer: ChargingDataResponse
    charging_id: int = 0
    about: PDUSessionChargingInformation | None = None
    notify_uri: str = ""
    held: dict[str, Held] = {}
    counted: Numbers = ()
    containers: tuple[Container, ...] = ()
    since: datetime | None = None
    record: int = 0
    running: dict[str, int] = {}
    short: tuple[int, ...] = ()
    left: Decimal = NOTHING
    sealed: str = ""


class Account(Struct, frozen=True, omit_defaults=True):
    """balance: what is left, of a postpaid account what is owed as a negative number. limit: how far below zero it may
    go; None: without a limit. sessions: by their name. ended: names of the last that were released, newest last; one
    that is among the sessions too waits for its record to be written.
    payments: references of the last that were paid in, newest last. spent: in `month`, as YYYY-MM.
    """

    supi: str
    tariff: str
    currency: str
    kind: Kind = "prepaid"
    balance: Decimal = NOTHING
    limit: Decimal | None = None
    sessions: dict[str, Session] = {}
    ended: tuple[str, ...] = ()
    payments: tuple[str, ...] = ()
    spent: Decimal = NOTHING
    month: str = ""

    @property
    def set_aside(self) -> Decimal:
        return sum((held.money for one in self.sessions.values() for held in one.held.values()), NOTHING)

    @property
    def available(self) -> Decimal | None:
        """What may still be granted; None: without a limit."""
        if self.kind == "postpaid" and self.limit is None:
            return None
        return self.balance + (self.limit or NOTHING) - self.set_aside


class Credit(Struct, frozen=True):
    """Money that was paid in. reference: of the payment; the same one counts once."""

    supi: str
    amount: Decimal
    currency: str
    reference: str
    time: datetime


class AccountError(ValueError):
    """What cannot be done with an account, and why."""


class UnreadableError(AccountError):
    """An account is there, and cannot be read."""


def counts(numbers: Numbers, number: int) -> bool:
    return any(first <= number <= last for first, last in numbers)


def with_number(numbers: Numbers, number: int) -> Numbers:
    """Of many ranges the lowest two become one: what is missing between them comes no more."""
    first = last = number
    others = []
    for low, high in numbers:
        if low <= last + 1 and high >= first - 1:
            first, last = min(low, first), max(high, last)
        else:
            others.append((low, high))
    made = sorted((*others, (first, last)))
    if len(made) > RANGES:
        made[:2] = [(made[0][0], made[1][1])]
    return tuple(made)


class Accounts:
    """The accounts of a store; others, such as a command, may write to it at the same time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._decode = msgspec.json.Decoder(Account).decode
        self._kept = Kept(store, COLLECTION, self._decode, "account of", log)
        self._encode = msgspec.json.Encoder(order="deterministic").encode

    def __iter__(self) -> Iterator[Account]:
        return iter(self._kept)

    def get(self, supi: str) -> Account | None:
        """AccountError: it is unreadable."""
        octets = self._store.get(COLLECTION, supi)
        return None if octets is None else self._read(supi, octets)

    async def open(self, account: Account) -> None:
        """AccountError: there is one."""
        if self._store.get(COLLECTION, account.supi) is not None:
            raise AccountError(f"{account.supi} has an account")
        self._store.put(COLLECTION, account.supi, self._encode(account))
        await self._store.durable()

    async def change(self, supi: str, change: Callable[[Account], tuple[Account, T]]) -> T:
        """Replaces an account by what `change` makes of it, and returns what it says once that is on disk.

        change may be called again with what somebody else has made of the account meanwhile; it has no effects.
        AccountError: there is none. OSError: it cannot be written.
        """
        for _ in range(TRIES):
            before = self._store.get(COLLECTION, supi)
            if before is None:
                raise AccountError(f"{supi} has no account")
            with localcontext(EXACT):
                after, said = change(self._read(supi, before))
            octets = self._encode(after)
            if octets == before or await self._store.replace(COLLECTION, supi, before, octets):
                return said
        raise OSError(None, f"the account of {supi} is written to by others all the time")

    def _read(self, supi: str, octets: bytes) -> Account:
        try:
            return self._decode(octets)
        except ValueError as error:
            raise UnreadableError(f"the account of {supi} is unreadable: {error}") from None

    async def credit(self, credit: Credit) -> Account:
        """Pays in. A reference that was there before changes nothing. AccountError: another currency, or no account."""

        key = f"{credit.supi} {credit.reference}"

        def paid(account: Account) -> tuple[Account, Account]:
            if account.currency != credit.currency:
                raise AccountError(f"{credit.supi} has an account in {account.currency}")
            if credit.reference in account.payments or self._store.get(CREDITS, key) is not None:
                return account, account
            made = msgspec.structs.replace(
                account,
                balance=account.balance + credit.amount,
                payments=(*account.payments, credit.reference)[-PAYMENTS:],
            )
            return made, made

        account = await self.change(credit.supi, paid)
        self._store.put(CREDITS, key, self._encode(credit))
        await self._store.durable()
        return account
