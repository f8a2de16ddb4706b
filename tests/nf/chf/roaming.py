"""Two operators that settle by one tariff, and months of roaming between them."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal

import msgspec

from cinq.lab import roaming_month
from cinq.nf.chf import CHF, Rate, Settings, Tariff
from cinq.nf.chf.records import COLLECTION, Record, Records
from cinq.nf.chf.settlement import Settlement, Side, settle
from cinq.numbering import PlmnId
from cinq.procedure.store import MemoryStore

A, B, MONTH = PlmnId("999", "70"), PlmnId("999", "71"), "2026-10"
RETAIL = Tariff("retail", "EUR", (Rate(Decimal("0.003"), 10**6),))
ROAMING = Tariff(
    "roaming", "XDR", (Rate(Decimal("0.0017"), 10**6, block=10_000),), step=Decimal("0.01"), quota=10**8
)


class Month:
    """Both operators after a month of `sessions`."""

    def __init__(self, sessions: int, seed: int = 1) -> None:
        self.stores = {A: MemoryStore(), B: MemoryStore()}
        operators = [self._operator(A, B, seed), self._operator(B, A, seed + 1)]
        plan = roaming_month.planned(operators[0], operators[1], MONTH, sessions, seed)
        asyncio.run(roaming_month.carry_out(plan))
        self.octets = sum(up + down for one in plan for up, down in one.parts)

    def _operator(self, own: PlmnId, other: PlmnId, seed: int) -> roaming_month.Operator:
        settings = Settings((RETAIL, ROAMING), plmns=(str(own),), partners={str(other): "roaming"})
        entropy = random.Random(seed).randbytes
        chf = CHF(settings, self.stores[own], roaming_month.SessionClock(), entropy, f"chf-{own}")
        return roaming_month.Operator(own, chf, ("retail", "EUR"))

    def side(self, own: PlmnId) -> Side:
        return Side(str(own), (str(own),), ROAMING, list(Records(self.stores[own]).named()))

    def settled(self) -> Settlement:
        return settle(self.side(A), self.side(B), MONTH)

    def names(self, own: PlmnId) -> list[str]:
        return [key for key, _ in self.stores[own].items(COLLECTION)]

    def record(self, own: PlmnId, name: str) -> Record:
        octets = self.stores[own].get(COLLECTION, name)
        assert octets is not None
        return msgspec.json.decode(octets, type=Record)

    def put(self, own: PlmnId, name: str, record: Record) -> None:
        self.stores[own].put(COLLECTION, name, msgspec.json.encode(record))
