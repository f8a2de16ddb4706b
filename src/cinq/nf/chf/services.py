"""The CHF as a whole: Nchf_ConvergedCharging over accounts, tariffs and records."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from cinq.nf.chf.account import Account, AccountError, Accounts, Session, UnreadableError
from cinq.nf.chf.quota import Answered, Unrated, ending, paid, served, with_session, without_session
from cinq.nf.chf.reauthorisation import Reauthorisation
from cinq.nf.chf.records import Closing, Record, Records, closed
from cinq.nf.chf.settings import Settings
from cinq.nf.chf.spending import SpendingLimits
from cinq.nf.chf.tariff import Tariff, tariffs_by_name
from cinq.nf.chf.wholesale import partner_of
from cinq.procedure import Clock, Journal, Runtime, Why
from cinq.procedure.store import Store
from cinq.sbi import Bus, Created, Problem
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.problem import InvalidParam
from cinq.sbi.services.nchf_convergedcharging import (
    ChargingDataRequest,
    ChargingDataResponse,
    InvocationResult,
    MultipleUnitInformation,
    MultipleUnitUsage,
    NchfConvergedCharging,
    PDUSessionChargingInformation,
    RequestedUnit,
    Trigger,
    UsedUnitContainer,
)
from cinq.sbi.services.nchf_spendinglimitcontrol import NchfSpendingLimitControl

T = TypeVar("T")
LOOKS_EVERY_S = 10.0
CONTAINERS = 50  # of a record; then another one is begun
SESSIONS = 64  # of one subscriber
DEAD = 3  # validities of a grant in which its consumer would have come again
NUMBER, AMOUNT = 2**32, 2**63  # TS 29.571 §5.2.2, what is less
SUPI = re.compile(r"imsi-[0-9]{5,15}|nai-[^\s/?#%]{1,250}", re.ASCII)
GROUPS = 64  # rating groups, and containers of each, in one request


class CHF:
    """store: where accounts and records are. entropy: for the names of charging sessions. sbi: for notifications."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        entropy: Callable[[int], bytes],
        instance_id: str,
        sbi: Bus | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.runtime = Runtime("CHF", journal, clock)
        self.accounts, self.records = Accounts(store), Records(store)
        self.instance_id = instance_id
        self._settings = settings
        self._tariffs = tariffs_by_name(settings.tariffs)
        self._clock = clock
        self._entropy = entropy
        self._sbi = sbi
        self.spending = SpendingLimits(settings, self.accounts, store, self._now, entropy, sbi)
        self._reauthorisation = Reauthorisation(self.accounts, sbi)

    def services(self) -> list[tuple[type, object]]:
        return [(NchfConvergedCharging, self), (NchfSpendingLimitControl, self.spending)]

    def start(self) -> None:
        """Look now and then at what was paid in, and at the calendar."""
        self.runtime.every(LOOKS_EVERY_S, self._look_soon, "charging")

    async def stop(self) -> None:
        await self.runtime.stop()

    def _look_soon(self) -> None:
        self.runtime.spawn(self.look, "charging")

    async def look(self) -> None:
        await self._reauthorisation.look()
        await self.spending.look()

    def _changed(self, supi: str) -> None:
        """What the subscriber has left is another sum: others hear of it, and nobody waits for that."""
        self._reauthorisation.noted(supi)
        if self._sbi is not None and not self.runtime.stopping:
            self.runtime.spawn(partial(self.spending.changed, supi), "spending limits")

    def profile(self) -> NFProfile:
        return NFProfile(nf_instance_id=self.instance_id, nf_type="CHF", nf_status="REGISTERED")

    async def create(self, body: ChargingDataRequest) -> Created[ChargingDataResponse]:
        """TS 32.290 §6.2.1. The same request again is answered with the charging session that it has made."""
        supi = _checked(body)
        await self._account(supi, body)
        await self._end_the_dead(supi)
        name = f"{supi}.{self._entropy(8).hex()}"
        now = self._now()

        def begun(account: Account) -> tuple[Account, tuple[str, ChargingDataResponse]]:
            for known, one in account.sessions.items():
                if _is_same(one, body):
                    return account, (known, one.answer)
            if len(account.sessions) >= SESSIONS:
                raise Problem(403, "END_USER_REQUEST_DENIED", Why(f"{supi} has {SESSIONS} charging sessions"))
            session = Session(
                consumer=body.nf_consumer_identification,
                opened=now,
                sequence=body.invocation_sequence_number,
                answer=_answer(body, now, []),
                charging_id=body.charging_id or 0,
                about=body.pdu_session_charging_information,
                notify_uri=body.notify_uri or "",
            )
            made = self._served(account, name, session, body, now)
            granted = made.granted
            if granted and all(one.granted_unit is None for one in granted):
                raise _nothing_left(supi, granted[0].result_code)
            answer = _answer(body, now, granted)
            session = replace(made.session, answer=replace(answer, **self._conditions()))
            return with_session(made.account, name, session), (name, session.answer)

        found, answer = await self._change(supi, begun)
        self._changed(supi)
        return Created(f"/chargingdata/{found}", answer)

    async def update(self, charging_data_ref: str, body: ChargingDataRequest) -> ChargingDataResponse:
        """§6.2.2."""
        supi, now = _checked(body, charging_data_ref), self._now()

        def updated(account: Account) -> tuple[Account, ChargingDataResponse]:
            session = _session(account, charging_data_ref)
            if body.invocation_sequence_number == session.sequence:
                return account, session.answer
            _in_order(session, body)
            made = self._served(account, charging_data_ref, session, body, now)
            answer = _answer(body, now, made.granted)
            after = replace(
                made.session,
                sequence=body.invocation_sequence_number,
                answer=answer,
                about=body.pdu_session_charging_information or session.about,
            )
            return with_session(made.account, charging_data_ref, after), answer

        answer = await self._change(supi, updated)
        self._changed(supi)
        await self._close_part(supi, charging_data_ref, now)
        return answer

    async def release(self, charging_data_ref: str, body: ChargingDataRequest) -> None:
        """§6.2.3: the rest is paid, the record is closed. One that has ended is not there any more: that is well."""
        supi, now = _checked(body, charging_data_ref), self._now()
        abnormal = any(one.trigger_type == "ABNORMAL_RELEASE" for one in body.triggers)
        why: Closing = "abnormalRelease" if abnormal else "normalRelease"
        about = body.pdu_session_charging_information
        await self._settle(supi, charging_data_ref, now, why, body.multiple_unit_usage, about)

    async def _settle(
        self,
        supi: str,
        name: str,
        now: datetime,
        why: Closing,
        usages: Sequence[MultipleUnitUsage] = (),
        about: PDUSessionChargingInformation | None = None,
    ) -> None:
        """The rest is paid; then the record is written; then the session goes. Killed between, it is done again."""

        def settled(account: Account) -> tuple[Account, Record | None]:
            session = account.sessions.get(name)
            if session is None and name in account.ended:
                return account, None
            if session is None:
                raise _unknown(name)
            for usage in usages:
                account, session = self._paid(account, session, usage, now)
            session = replace(session, held={}, about=about or session.about)
            record = closed(account, name, session, now, why, self.instance_id)
            return ending(with_session(account, name, session), name), record

        record = await self._change(supi, settled)
        if record is None:
            return
        await self.records.keep(record)
        await self._change(supi, lambda account: (without_session(account, name), None))
        self._changed(supi)

    async def _end_the_dead(self, supi: str) -> None:
        """Sessions whose consumer has not come for its grants' validity, three times over: their money is free again.

        A consumer that did not hear of the session that it made never comes.
        """
        now, account = self._now(), self.accounts.get(supi)
        tariff = None if account is None else self._tariffs.get(account.tariff)
        if account is None or tariff is None:
            return
        last = now - timedelta(seconds=DEAD * tariff.validity_s)
        for name, session in account.sessions.items():
            if session.held and session.answer.invocation_time_stamp < last:
                await self._settle(supi, name, now, "abnormalRelease")

    async def _close_part(self, supi: str, name: str, now: datetime) -> None:
        """A record of what was used up to now, once that is much (TS 32.255 §5.2.3.2)."""
        account = self.accounts.get(supi)
        session = account.sessions.get(name) if account is not None else None
        if account is None or session is None or len(session.containers) < CONTAINERS:
            return
        record = closed(account, name, session, now, "partialRecord", self.instance_id)
        if record is None:
            return
        await self.records.keep(record)
        inside = {one.number for one in session.containers}

        def begun_anew(account: Account) -> tuple[Account, None]:
            current = account.sessions.get(name)
            if current is None or current.record != session.record:
                return account, None
            rest = tuple(one for one in current.containers if one.number not in inside)
            after = replace(
                current, containers=rest, record=current.record + 1, since=now, sealed=record.digest
            )
            return with_session(account, name, after), None

        await self._change(supi, begun_anew)

    async def _account(self, supi: str, body: ChargingDataRequest) -> None:
        """There is one, or one is opened: a partner's subscriber gets one by the tariff that the partner pays.

        Problem 404 USER_UNKNOWN.
        """
        try:
            if self.accounts.get(supi) is not None:
                return
        except AccountError as error:
            raise Problem(500, "SYSTEM_FAILURE", Why(str(error))) from None
        home = partner_of(body.pdu_session_charging_information, self._settings.plmns)
        agreed = self._tariffs.get(self._settings.partners.get(home, ""))
        tariff = agreed or self._tariffs.get(self._settings.tariff)
        if tariff is None or (agreed is None and self._settings.without_account == "refuse"):
            mend = f"cinq account open {supi} --tariff NAME"
            raise Problem(404, "USER_UNKNOWN", Why(f"{supi} has no account", mend))
        try:
            await self.accounts.open(Account(supi, tariff.name, tariff.currency, "postpaid"))
        except AccountError:  # somebody else has
            pass

    def _conditions(self) -> dict[str, object]:
        """What the consumer is told once: what it is to report at once, and what to do where no CHF answers."""
        failure = self._settings.failure
        return {
            "triggers": [
                Trigger(trigger_category="IMMEDIATE_REPORT", trigger_type=one)
                for one in self._settings.immediate
            ],
            "invocation_result": None if failure is None else InvocationResult(failure_handling=failure),
        }

    def _served(
        self, account: Account, name: str, session: Session, body: ChargingDataRequest, now: datetime
    ) -> Answered:
        tariff = self._tariff(account)
        try:
            return served(account, name, session, body, tariff, now)
        except Unrated as error:
            raise Problem(400, "CHARGING_FAILED", Why(str(error), "give the tariff a rate for it")) from None

    def _paid(
        self, account: Account, session: Session, usage: MultipleUnitUsage, now: datetime
    ) -> tuple[Account, Session]:
        try:
            return paid(account, session, usage, self._tariff(account), now)
        except Unrated as error:
            raise Problem(400, "CHARGING_FAILED", Why(str(error), "give the tariff a rate for it")) from None

    def _tariff(self, account: Account) -> Tariff:
        found = self._tariffs.get(account.tariff)
        if found is None or found.currency != account.currency:
            mend = f"give the settings a [[tariff]] {account.tariff} in {account.currency}"
            what = f"{account.supi} has the tariff {account.tariff}, which is not there"
            raise Problem(500, "CHARGING_FAILED", Why(what, mend))
        return found

    async def _change(self, supi: str, change: Callable[[Account], tuple[Account, T]]) -> T:
        try:
            return await self.accounts.change(supi, change)
        except UnreadableError as error:
            raise Problem(500, "SYSTEM_FAILURE", Why(str(error))) from None
        except AccountError as error:
            raise Problem(404, "USER_UNKNOWN", Why(str(error))) from None
        except OSError as error:
            raise Problem(
                500, "SYSTEM_FAILURE", Why(f"the account of {supi} is not written: {error}")
            ) from None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._clock.now()), UTC)


def _checked(body: ChargingDataRequest, name: str = "") -> str:
    """The subscriber. Problem 400: none is named, another one than in the session's name, or too much at once."""
    supi = body.subscriber_identifier or name.rpartition(".")[0]
    if not supi:
        param = InvalidParam(param="/subscriberIdentifier", reason="missing")
        raise Problem(400, "MANDATORY_IE_MISSING", Why("subscriberIdentifier is missing"), param)
    if name and name.rpartition(".")[0] != supi:
        raise _unknown(name)
    usages = body.multiple_unit_usage
    if len(usages) > GROUPS or any(len(one.used_unit_container) > GROUPS for one in usages):
        raise Problem(413, None, Why(f"more than {GROUPS} rating groups, or containers of one"))
    numbers = (body.invocation_sequence_number, body.charging_id or 0, *(one.rating_group for one in usages))
    faults = {
        "subscriberIdentifier": SUPI.fullmatch(supi) is None,
        "invocationSequenceNumber, chargingId or ratingGroup": not all(0 <= one < NUMBER for one in numbers),
        "multipleUnitUsage": not all(map(_holds, usages)),
    }
    for what, fault in faults.items():
        if fault:
            invalid = InvalidParam(param=f"/{what}", reason="out of its range")
            raise Problem(400, "MANDATORY_IE_INCORRECT", Why(f"{what}: out of range"), invalid)
    return supi


def _holds(usage: MultipleUnitUsage) -> bool:
    """Whether its numbers are in their ranges, and its times have a zone."""
    asked = usage.requested_unit
    units: list[UsedUnitContainer | RequestedUnit] = [
        *usage.used_unit_container,
        *([] if asked is None else [asked]),
    ]
    amounts = [
        value
        for one in units
        for value in (
            one.total_volume,
            one.uplink_volume,
            one.downlink_volume,
            one.time,
            one.service_specific_units,
        )
        if value is not None
    ]
    amounts += [one.local_sequence_number for one in usage.used_unit_container]
    times = [one.trigger_timestamp for one in usage.used_unit_container if one.trigger_timestamp is not None]
    return all(0 <= value < AMOUNT for value in amounts) and all(one.tzinfo is not None for one in times)


def _is_same(session: Session, body: ChargingDataRequest) -> bool:
    """Whether a request to create one has made this one: from the same function, for the same session of the UE.

    A function that has lost its memory may give a charging identifier to another session.
    """
    return (
        bool(body.charging_id)
        and session.charging_id == body.charging_id
        and session.sequence == body.invocation_sequence_number
        and session.consumer == body.nf_consumer_identification
        and session.about == body.pdu_session_charging_information
    )


def _session(account: Account, name: str) -> Session:
    found = account.sessions.get(name)
    if found is None or name in account.ended:
        raise _unknown(name)
    return found


def _unknown(name: str) -> Problem:
    return Problem(404, "CONTEXT_NOT_FOUND", Why(f"no charging session {name[:80]}"))


def _in_order(session: Session, body: ChargingDataRequest) -> None:
    if body.invocation_sequence_number < session.sequence:
        raise Problem(
            400,
            "CHARGING_FAILED",
            Why(f"request {body.invocation_sequence_number} comes behind {session.sequence}"),
        )


def _nothing_left(supi: str, result: str | None) -> Problem:
    if result == "RATING_FAILED":
        return Problem(400, "CHARGING_FAILED", Why(f"no rate of {supi}'s tariff fits", "cinq account show"))
    return Problem(
        403, "QUOTA_LIMIT_REACHED", Why(f"{supi} has no money left", f"cinq account credit {supi} AMOUNT")
    )


def _answer(
    body: ChargingDataRequest, now: datetime, granted: list[MultipleUnitInformation]
) -> ChargingDataResponse:
    return ChargingDataResponse(
        invocation_time_stamp=now,
        invocation_sequence_number=body.invocation_sequence_number,
        multiple_unit_information=granted,
    )
