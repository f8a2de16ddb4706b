"""Policy counters at the CHF as the PCF knows them: TS 29.594 (policies by spending limits).

One subscription for each subscriber who has a session, where the settings have limits. Where no CHF answers, or the
subscriber has no counters there, no limit holds.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cinq.nf.pcf.settings import Settings
from cinq.procedure import Why
from cinq.procedure.store import Store
from cinq.sbi import Bus, Problem
from cinq.sbi.services.nchf_spendinglimitcontrol import (
    NchfSpendingLimitControl,
    SpendingLimitContext,
    SpendingLimitStatus,
    SubscriptionTerminationInfo,
)
from cinq.sbi.services.nudr_policy import PolicyElement

log = logging.getLogger("cinq.pcf")
COLLECTION = "policy-counters"
ROUTE = "/npcf-callback/v1/spending-limits"


class Counters(Struct, frozen=True):
    """ref: the subscription at the CHF. statuses: by policy counter."""

    ref: str
    statuses: dict[str, str]


class SpendingLimits:
    """changed: who is told that a subscriber's decisions may be others now."""

    def __init__(self, settings: Settings, store: Store, sbi: Bus | None) -> None:
        self._limits, self._store, self._sbi = settings.limits, store, sbi
        self._chf = None if sbi is None else sbi.client(NchfSpendingLimitControl, "PCF")
        self.changed: Callable[[str], Awaitable[None]] | None = None

    def elements(self, supi: str) -> list[PolicyElement]:
        """What holds by the statuses that the CHF said last."""
        known = self._known(supi) if self._limits else None
        if known is None:
            return []
        return [one.element for one in self._limits if known.statuses.get(one.counter) == one.status]

    async def watch(self, supi: str) -> None:
        """Nchf_SpendingLimitControl_Subscribe, unless there is a subscription."""
        if self._chf is None or self._sbi is None or not self._limits or self._known(supi) is not None:
            return
        body = SpendingLimitContext(
            supi=supi,
            policy_counter_ids=list(dict.fromkeys(one.counter for one in self._limits)),
            notif_uri=self._sbi.uri(f"{ROUTE}/{supi}"),
        )
        try:
            made = await self._chf.subscribe(body)
        except Problem as problem:
            log.warning("no spending limits for %s: %s", supi, problem.why)
            return
        self._keep(supi, Counters(made.id, _statuses(made.body)))

    async def leave(self, supi: str) -> None:
        """Nchf_SpendingLimitControl_Unsubscribe: the subscriber has no session any more."""
        known = self._known(supi) if self._limits else None
        if known is None or self._chf is None:
            return
        self._store.delete(COLLECTION, supi)
        try:
            await self._chf.unsubscribe(known.ref)
        except Problem as problem:
            log.warning("the CHF keeps a subscription to the counters of %s: %s", supi, problem.why)

    async def spending_limit_notify(self, supi: str, body: SpendingLimitStatus) -> None:
        """§4.2.4.2. Problem 404: nobody subscribed; 5xx: the SMF cannot be reached, it is told again."""
        known = self._known(supi)
        if known is None:
            raise _unknown(supi)
        self._keep(supi, replace(known, statuses={**known.statuses, **_statuses(body)}))
        if self.changed is not None:
            await self.changed(supi)

    async def spending_limit_terminate(self, supi: str, body: SubscriptionTerminationInfo) -> None:
        """§4.2.4.3: the CHF has the subscriber no more."""
        if self._known(supi) is None:
            raise _unknown(supi)
        self._store.delete(COLLECTION, supi)
        if self.changed is not None:
            await self.changed(supi)

    def _known(self, supi: str) -> Counters | None:
        """One that cannot be read is subscribed to anew."""
        octets = self._store.get(COLLECTION, supi)
        try:
            return None if octets is None else msgspec.json.decode(octets, type=Counters)
        except msgspec.MsgspecError as error:
            log.warning("what is known of the counters of %s is unreadable: %s", supi, error)
            return None

    def _keep(self, supi: str, counters: Counters) -> None:
        self._store.put(COLLECTION, supi, msgspec.json.encode(counters))


def _statuses(body: SpendingLimitStatus) -> dict[str, str]:
    return {name: info.current_status for name, info in body.status_infos.items()}


def _unknown(supi: str) -> Problem:
    return Problem(404, "SUBSCRIPTION_NOT_FOUND", Why(f"no subscription to counters of {supi[:40]}"))
