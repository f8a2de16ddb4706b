"""A month of roaming between two operators, made up: each session is told to the CHF of the visited network and to that
of the home network, by functions that cut its use in different places and repeat some requests."""

from __future__ import annotations

import asyncio
import calendar
import random
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cinq.nf.chf import CHF
from cinq.nf.chf.account import Account, AccountError
from cinq.numbering import PlmnId
from cinq.sbi.models import PlmnId as SbiPlmnId
from cinq.sbi.models import Snssai
from cinq.sbi.services.nchf_convergedcharging import (
    ChargingDataRequest,
    MultipleUnitUsage,
    NetworkSlicingInfo,
    NFIdentification,
    PDUSessionChargingInformation,
    PDUSessionInformation,
    RequestedUnit,
    Trigger,
    UsedUnitContainer,
)

AT_ONCE = 64
SUBSCRIBERS = 200
_NOW: ContextVar[float] = ContextVar("time of day in a simulated session")


class SessionClock:
    """Each session is at a time of its own."""

    def now(self) -> float:
        return _NOW.get()


@dataclass(frozen=True, slots=True)
class Operator:
    """chf: with a SessionClock. account: the tariff and currency of subscribers who have no account yet."""

    plmn: PlmnId
    chf: CHF
    account: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Planned:
    """One session. parts: octets (uplink, downlink) that are used in turns, each so many seconds long."""

    number: int
    visited: Operator
    home: Operator
    supi: str
    begins: datetime
    parts: tuple[tuple[int, int], ...]
    part_s: int
    repeats: bool


def planned(a: Operator, b: Operator, month: str, sessions: int, seed: int) -> list[Planned]:
    """The same for the same seed. ValueError: the month is none."""
    chance = random.Random(seed)  # traffic, no secret
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    days = calendar.monthrange(first.year, first.month)[1]
    made = []
    for number in range(1, sessions + 1):
        visited, home = (a, b) if chance.random() < 0.5 else (b, a)
        count, part_s = chance.randint(1, 6), chance.randint(10, 600)
        latest = days * 86_400 - count * part_s - 60
        subscriber = chance.randrange(SUBSCRIBERS)
        made.append(
            Planned(
                number=number,
                visited=visited,
                home=home,
                supi=f"imsi-{home.plmn.mcc}{home.plmn.mnc}{subscriber:0{15 - len(home.plmn.mcc + home.plmn.mnc)}}",
                begins=first + timedelta(seconds=chance.randrange(latest)),
                parts=tuple((chance.randrange(10**6), chance.randrange(10**8)) for _ in range(count)),
                part_s=part_s,
                repeats=chance.random() < 0.05,
            )
        )
    return made


async def carry_out(plan: list[Planned], done: Callable[[int], None] = lambda n: None) -> None:
    """All of them, some at once; at most one of each subscriber, whose account they change."""
    turns: dict[str, asyncio.Lock] = {}
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(session: Planned) -> None:
        async with gate, turns.setdefault(session.supi, asyncio.Lock()):
            await _opened(session.home, session.supi)
            await _told(session, session.visited, each=1)
            await _told(session, session.home, each=2)
        done(session.number)

    await asyncio.gather(*(one(session) for session in plan))


async def _opened(home: Operator, supi: str) -> None:
    if home.chf.accounts.get(supi) is not None:
        return
    tariff, currency = home.account
    try:
        await home.chf.accounts.open(Account(supi, tariff, currency, "postpaid"))
    except AccountError:
        pass


async def _told(session: Planned, at: Operator, each: int) -> None:
    """One side's view. each: so many parts of the use are told together."""
    parts = [session.parts[n : n + each] for n in range(0, len(session.parts), each)]
    when, sequence = session.begins, 0
    _NOW.set(when.timestamp())
    made = await at.chf.create(_body(session, at, 0, when, [], wants=True))
    for part in parts[:-1]:
        when, sequence = when + timedelta(seconds=session.part_s * each), sequence + 1
        _NOW.set(when.timestamp())
        body = _body(session, at, sequence, when, list(part), wants=True)
        for _ in range(2 if session.repeats else 1):
            await at.chf.update(made.id, body)
    when = session.begins + timedelta(seconds=session.part_s * len(session.parts))
    _NOW.set(when.timestamp())
    last = _body(session, at, sequence + 1, when, list(parts[-1]), wants=False)
    for _ in range(2 if session.repeats else 1):
        await at.chf.release(made.id, last)


def _body(
    session: Planned, at: Operator, sequence: int, when: datetime, used: list[tuple[int, int]], *, wants: bool
) -> ChargingDataRequest:
    home, visited = SbiPlmnId.of(session.home.plmn), SbiPlmnId.of(session.visited.plmn)
    return ChargingDataRequest(
        nf_consumer_identification=NFIdentification(
            node_functionality="SMF",
            nf_name=f"00000000-0000-4000-8000-{0x53 if at is session.home else 0x56:012x}",
            nf_plmn_id=home if at is session.home else visited,
        ),
        invocation_time_stamp=when,
        invocation_sequence_number=sequence,
        subscriber_identifier=session.supi,
        charging_id=session.number,
        multiple_unit_usage=[
            MultipleUnitUsage(
                rating_group=1,
                requested_unit=RequestedUnit() if wants else None,
                used_unit_container=_containers(sequence, when, used),
            )
        ],
        pdu_session_charging_information=_about(session, home, visited),
    )


def _about(session: Planned, home: SbiPlmnId, visited: SbiPlmnId) -> PDUSessionChargingInformation:
    return PDUSessionChargingInformation(
        charging_id=session.number,
        pdu_session_information=PDUSessionInformation(
            pdu_session_id=1,
            dnn_id="internet",
            networking_slicing_info=NetworkSlicingInfo(s_nssai=Snssai(sst=1)),
            pdu_type="IPV4",
            h_plmn_id=home,
            serving_cn_plmn_id=visited,
            rat_type="NR",
            start_time=session.begins,
        ),
    )


def _containers(sequence: int, when: datetime, used: list[tuple[int, int]]) -> list[UsedUnitContainer]:
    """All that was used, as one; none where nothing was."""
    if not used:
        return []
    up, down = sum(one[0] for one in used), sum(one[1] for one in used)
    return [
        UsedUnitContainer(
            local_sequence_number=sequence,
            triggers=[Trigger(trigger_category="IMMEDIATE_REPORT", trigger_type="QUOTA_THRESHOLD")],
            trigger_timestamp=when,
            total_volume=up + down,
            uplink_volume=up,
            downlink_volume=down,
        )
    ]
