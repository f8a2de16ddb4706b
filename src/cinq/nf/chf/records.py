"""Charging data records (TS 32.298 §5.1.1, TS 32.255 §6.1): what was used, by whom, where, and what it costs.

A record has one name, made of the charging session and its number: written twice it is the same record.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import Struct, structs

from cinq.nf.chf.account import Account, Container, Session
from cinq.nf.chf.tariff import NOTHING
from cinq.procedure.kept import Kept
from cinq.procedure.store import Store
from cinq.sbi.services.nchf_convergedcharging import NFIdentification, PDUSessionChargingInformation

log = logging.getLogger("cinq.chf")
COLLECTION = "charging-records"
Closing = Literal["normalRelease", "partialRecord", "abnormalRelease", "managementIntervention"]


class Record(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One record. amount: the sum of what its containers cost, in `currency` by `tariff`.

    digest: of all the rest; previous: that of the record before it in the charging session, "" of the first.
    """

    name: str
    record_sequence_number: int
    subscriber_identifier: str
    n_function_consumer_information: NFIdentification
    record_opening_time: datetime
    record_closing_time: datetime
    cause_for_rec_closing: Closing
    tariff: str
    currency: str
    recording_network_function_id: str = ""
    record_type: str = "cHFRecord"
    charging_id: int = 0
    amount: Decimal = NOTHING
    used_unit_containers: tuple[Container, ...] = ()
    pdu_session_charging_information: PDUSessionChargingInformation | None = None
    previous: str = ""
    digest: str = ""

    @property
    def is_last(self) -> bool:
        """Of its charging session."""
        return self.cause_for_rec_closing != "partialRecord"

    @property
    def session(self) -> str:
        """The name of the charging session."""
        return self.name.removesuffix(f"-{self.record_sequence_number}")

    @property
    def duration_s(self) -> int:
        return int((self.record_closing_time - self.record_opening_time).total_seconds())


def closed(
    account: Account, name: str, session: Session, at: datetime, why: Closing, own: str
) -> Record | None:
    """The record of what is in none yet; None of a part in which nothing was used."""
    if not session.containers and why == "partialRecord":
        return None
    made = Record(
        name=f"{name}-{session.record}",
        record_sequence_number=session.record,
        subscriber_identifier=account.supi,
        n_function_consumer_information=session.consumer,
        record_opening_time=session.since or session.opened,
        record_closing_time=at,
        cause_for_rec_closing=why,
        tariff=account.tariff,
        currency=account.currency,
        recording_network_function_id=own,
        charging_id=session.charging_id,
        amount=sum((one.cost for one in session.containers), NOTHING),
        used_unit_containers=session.containers,
        pdu_session_charging_information=session.about,
        previous=session.sealed,
    )
    return structs.replace(made, digest=digest(made))


def digest(record: Record) -> str:
    """SHA-256 of the record without its digest: what was changed afterwards shows."""
    return hashlib.sha256(_canonical(structs.replace(record, digest=""))).hexdigest()


_decoded = msgspec.json.Decoder(Record).decode
_canonical = msgspec.json.Encoder(order="deterministic").encode


class Records:
    """Those of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._encode = msgspec.json.Encoder(order="deterministic").encode
        self._kept = Kept(store, COLLECTION, _decoded, "record of", log)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._kept)

    def named(self) -> Iterator[tuple[str, Record | None]]:
        """Each under the name by which it is stored; None in the place of one that is unreadable."""
        for key, octets in list(self._store.items(COLLECTION)):
            try:
                yield key, _decoded(octets)
            except ValueError:
                yield key, None

    async def keep(self, record: Record) -> None:
        self._store.put(COLLECTION, record.name, self._encode(record))
        await self._store.durable()
