"""Nchf_SpendingLimitControl, TS 29.594: what a subscriber has spent in the month, as statuses of policy counters."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cinq.nf.chf.account import Account, AccountError, Accounts
from cinq.nf.chf.settings import Counter, Settings
from cinq.nf.chf.tariff import NOTHING, tariffs_by_name
from cinq.procedure import Why
from cinq.procedure.kept import Kept
from cinq.procedure.store import Store
from cinq.sbi import Bus, Created, Problem
from cinq.sbi.callback import notify
from cinq.sbi.problem import InvalidParam
from cinq.sbi.services.nchf_spendinglimitcontrol import (
    PendingPolicyCounterStatus,
    PolicyCounterInfo,
    SpendingLimitContext,
    SpendingLimitStatus,
    SubscriptionTerminationInfo,
)

log = logging.getLogger("cinq.chf")
COLLECTION = "spending-limits"
MOST = 8  # subscriptions to one subscriber's counters


class Subscription(Struct, frozen=True, omit_defaults=True):
    """told: the statuses that its subscriber heard last."""

    supi: str
    counters: tuple[str, ...]
    notif_uri: str
    notif_id: str | None = None
    told: dict[str, str] = {}


class SpendingLimits:
    """now: the time of day, UTC."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        store: Store,
        now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        sbi: Bus | None,
    ) -> None:
        self._counters = {one.name: one for one in settings.counters}
        self._tariffs = tariffs_by_name(settings.tariffs)
        self._accounts, self._store, self._now, self._entropy = accounts, store, now, entropy
        self._sbi = sbi
        self._encode = msgspec.json.Encoder(order="deterministic").encode
        self._kept = Kept(
            store, COLLECTION, msgspec.json.Decoder(Subscription).decode, "subscription to counters of", log
        )
        self._of: dict[str, set[str]] = {}
        for name, _ in store.items(COLLECTION):
            self._of.setdefault(name.rpartition(".")[0], set()).add(name)

    async def subscribe(self, body: SpendingLimitContext) -> Created[SpendingLimitStatus]:
        """§4.2.2.2."""
        supi = body.supi or ""
        account, counters = self._checked(supi, body)
        if len(self._of.get(supi, ())) >= MOST:
            raise Problem(403, "REQUEST_REJECTED", Why(f"{supi} has {MOST} subscriptions to its counters"))
        name = f"{supi}.{self._entropy(8).hex()}"
        status = self._status(account, counters, body.notif_id)
        await self._keep(name, _subscription(supi, counters, body, status))
        self._of.setdefault(supi, set()).add(name)
        return Created(f"/subscriptions/{name}", status)

    async def modify(self, subscription_id: str, body: SpendingLimitContext) -> SpendingLimitStatus:
        """§4.2.2.3."""
        known = self._found(subscription_id)
        account, counters = self._checked(known.supi, body)
        body = replace(
            body, notif_uri=body.notif_uri or known.notif_uri, notif_id=body.notif_id or known.notif_id
        )
        status = self._status(account, counters, body.notif_id)
        await self._keep(subscription_id, _subscription(known.supi, counters, body, status))
        return status

    async def unsubscribe(self, subscription_id: str) -> None:
        """§4.2.3.2."""
        self._gone(subscription_id, self._found(subscription_id).supi)

    def _checked(self, supi: str, body: SpendingLimitContext) -> tuple[Account, tuple[str, ...]]:
        """The account and the counters. Problem 400."""
        unknown = [name for name in body.policy_counter_ids if name not in self._counters]
        if unknown:
            what, known = unknown[0][:40], ", ".join(self._counters) or "none"
            param = InvalidParam(param="/policyCounterIds", reason="unknown")
            raise Problem(
                400, "UNKNOWN_POLICY_COUNTERS", Why(f"no policy counter '{what}', known: {known}"), param
            )
        try:
            account = self._accounts.get(supi)
        except AccountError as error:
            raise Problem(500, "SYSTEM_FAILURE", Why(str(error))) from None
        if account is None or not self._counters:
            cause = "USER_UNKNOWN" if account is None else "NO_AVAILABLE_POLICY_COUNTERS"
            raise Problem(400, cause, Why(f"{supi[:40]} has no policy counters", "cinq account open"))
        return account, tuple(body.policy_counter_ids) or tuple(self._counters)

    def _found(self, name: str) -> Subscription:
        try:
            found = self._kept.get(name)
        except ValueError as error:
            raise Problem(500, "SYSTEM_FAILURE", Why(f"a subscription is unreadable: {error}")) from None
        if found is None:
            raise Problem(404, "SUBSCRIPTION_NOT_FOUND", Why(f"no subscription {name[:60]}"))
        return found

    def _status(self, account: Account, names: tuple[str, ...], notif_id: str | None) -> SpendingLimitStatus:
        now = self._now()
        infos = {
            name: self._info(account, self._counters[name], now) for name in names if name in self._counters
        }
        return SpendingLimitStatus(supi=account.supi, notif_id=notif_id, status_infos=infos)

    def _info(self, account: Account, counter: Counter, now: datetime) -> PolicyCounterInfo:
        """With the next month the counter begins anew."""
        tariff = self._tariffs.get(account.tariff)
        local = now if tariff is None else now.astimezone(tariff.zone)
        spent = account.spent if account.month == f"{local:%Y-%m}" else NOTHING
        status = counter.status(spent)
        pending = []
        if status != counter.below:
            first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            year, month = divmod(first.year * 12 + first.month, 12)
            at = first.replace(year=year, month=month + 1).astimezone(UTC)
            pending = [PendingPolicyCounterStatus(policy_counter_status=counter.below, activation_time=at)]
        return PolicyCounterInfo(
            policy_counter_id=counter.name, current_status=status, pen_pol_counter_statuses=pending
        )

    async def changed(self, supi: str) -> None:
        """§4.2.4.2: who subscribed hears of a status that is another one by now."""
        for name in sorted(self._of.get(supi, ())):
            try:
                subscription, account = self._kept.get(name), self._accounts.get(supi)
            except ValueError as error:
                log.warning("%s", error)
                continue
            if subscription is None or self._sbi is None:
                continue
            if account is None:
                await self._ended(self._sbi, name, subscription)
                continue
            status = self._status(account, subscription.counters, subscription.notif_id)
            if _told(status) != subscription.told:
                await self._tell(self._sbi, name, subscription, status)

    async def look(self) -> None:
        """The month may have ended; what was not heard is told again."""
        for supi in list(self._of):
            await self.changed(supi)

    async def _tell(self, sbi: Bus, name: str, known: Subscription, status: SpendingLimitStatus) -> None:
        try:
            await notify(sbi, "CHF", f"{known.notif_uri}/notify", status)
        except Problem as problem:
            if problem.status == 404:
                self._gone(name, known.supi)
            else:
                log.warning("%s does not hear of %s: %s", known.notif_uri, known.supi, problem)
            return
        await self._keep(name, replace(known, told=_told(status)))

    async def _ended(self, sbi: Bus, name: str, known: Subscription) -> None:
        """§4.2.4.3: the subscriber has no account any more."""
        body = SubscriptionTerminationInfo(
            supi=known.supi, notif_id=known.notif_id, term_cause="REMOVED_SUBSCRIBER"
        )
        try:
            await notify(sbi, "CHF", f"{known.notif_uri}/terminate", body)
        except Problem as problem:
            log.warning("%s does not hear of %s: %s", known.notif_uri, known.supi, problem)
        self._gone(name, known.supi)

    async def _keep(self, name: str, subscription: Subscription) -> None:
        self._store.put(COLLECTION, name, self._encode(subscription))
        try:
            await self._store.durable()
        except OSError as error:
            log.warning("a subscription to counters is not on disk: %s", error)

    def _gone(self, name: str, supi: str) -> None:
        self._store.delete(COLLECTION, name)
        self._of.get(supi, set()).discard(name)
        if not self._of.get(supi):
            self._of.pop(supi, None)


def _subscription(
    supi: str, counters: tuple[str, ...], body: SpendingLimitContext, status: SpendingLimitStatus
) -> Subscription:
    if not body.notif_uri:
        param = InvalidParam(param="/notifUri", reason="missing")
        raise Problem(400, "MANDATORY_IE_MISSING", Why("notifUri is missing"), param)
    return Subscription(supi, counters, body.notif_uri, body.notif_id, _told(status))


def _told(status: SpendingLimitStatus) -> dict[str, str]:
    return {name: info.current_status for name, info in status.status_infos.items()}
