"""Nchf_ConvergedCharging_Notify, TS 32.290 §5.2.2.4: whose money did not reach is told when there is more."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from cinq.nf.chf.account import Account, AccountError, Accounts
from cinq.nf.chf.quota import with_session
from cinq.sbi import Bus, Problem
from cinq.sbi.callback import notify
from cinq.sbi.services.nchf_convergedcharging import ChargingNotifyRequest, ReauthorizationDetails

log = logging.getLogger("cinq.chf")


class Reauthorisation:
    """Accounts with sessions that got less than they asked for. A restart finds them in the store."""

    def __init__(self, accounts: Accounts, sbi: Bus | None) -> None:
        self._accounts, self._sbi = accounts, sbi
        self._short = {one.supi for one in accounts if _is_short(one)}

    def noted(self, supi: str) -> None:
        """An account has changed by a request: whether its money reached, `look` finds out."""
        self._short.add(supi)

    async def look(self) -> None:
        for supi in sorted(self._short):
            try:
                account = self._accounts.get(supi)
            except AccountError as error:
                log.warning("%s", error)
                account = None
            if account is None or not _is_short(account):
                self._short.discard(supi)
            else:
                await self._tell(account)

    async def _tell(self, account: Account) -> None:
        """A session that is not there any more is told nothing again, nor one that has heard it."""
        for name, session in account.sessions.items():
            has_more = account.available is None or account.available > session.left
            if not (session.short and session.notify_uri and has_more) or self._sbi is None:
                continue
            body = ChargingNotifyRequest(
                notification_type="REAUTHORIZATION",
                reauthorization_details=[ReauthorizationDetails(rating_group=one) for one in session.short],
            )
            try:
                await notify(self._sbi, "CHF", session.notify_uri, body)
            except Problem as problem:
                log.warning(
                    "%s does not hear that %s has money: %s", session.notify_uri, account.supi, problem
                )
                if problem.status >= 500:
                    continue

            def heard(current: Account, name: str = name) -> tuple[Account, None]:
                known = current.sessions.get(name)
                if known is None:
                    return current, None
                return with_session(current, name, replace(known, short=())), None

            await self._accounts.change(account.supi, heard)


def _is_short(account: Account) -> bool:
    return any(session.short for session in account.sessions.values())
