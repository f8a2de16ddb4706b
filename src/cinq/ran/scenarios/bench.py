"""Where a scenario plays: the core under test, the gNBs and UEs made for it, and all that they heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from cinq.procedure import Aborted, Clock, Event, Journal, Refused, Runtime, TimerExpired
from cinq.ran.gnb.gnb import Connect, Gnb
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.scenarios.check import Failed, NotApplicable, Unreachable
from cinq.ran.scenarios.target import Knob, Target
from cinq.ran.ue import Ue
from cinq.ran.ue.settings import UeSettings

M = TypeVar("M")
R = TypeVar("R")

ANSWER_S = 10.0  # a core that has not answered by then does not answer
NG_SETUP_S = 8.0
FAREWELL_S = 3.0


class Operator(Protocol):
    """Turns the knobs of a core under test."""

    async def turn(self, knob: Knob, names: dict[str, str]) -> None:
        """Returns when it is done. OSError: it could not be done."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """What a bench is given from outside. connect: opens N2 for a gNB. entropy(n): n random octets."""

    target: Target
    connect: Callable[[GnbSettings], Connect]
    operator: Operator
    clock: Clock
    entropy: Callable[[int], bytes]


class Bench:
    """One scenario's stage. Whatever it makes is taken down by `close`: UEs deregister, associations end.

    events: everything sent and heard, in order. Each message is heard once: `hears` takes the first of its kind that
    it has not given before.
    """

    def __init__(self, place: Place, ues: list[UeSettings]) -> None:
        self.target = place.target
        self.events: list[Event] = []
        self._place = place
        self._free = ues
        self._gnbs: list[Gnb] = []
        self._ues: list[Ue] = []
        self._given: set[int] = set()
        self._news = asyncio.Event()
        journal = Journal()
        journal.listen(self._hear)
        self.runtime = Runtime("RAN", journal, place.clock)

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    # what it plays with

    async def gnb(self, **changes: object) -> Gnb:
        """A gNB that has done NG Setup. changes: of its settings. Unreachable when the core does not let it."""
        gnb = self.unattached_gnb(**changes)
        gnb.start()
        try:
            async with asyncio.timeout(NG_SETUP_S):
                await gnb.up()
        except TimeoutError:
            raise Unreachable(f"NG Setup: {gnb.trouble or 'no answer'}") from None
        except OSError as error:
            raise Unreachable(f"N2: {getattr(error, 'what', error)}") from None
        return gnb

    def unattached_gnb(self, **changes: object) -> Gnb:
        """A gNB that has not begun: `start` it, or use its raw mode."""
        core, radio, number = self.target.core, self.target.radio, len(self._gnbs) + 1
        settings = GnbSettings(
            name=f"cinq-scenario-{number}",
            gnb_id=0x5C0000 + number,
            gnb_id_bits=24,
            plmn=core.plmn,
            tac=core.tacs[0],
            slices=core.slices,
            amf_address=core.amf_address,
            amf_port=core.amf_port,
            n2_address=radio.n2_address,
            n3_address=radio.n3_address + number - 1,
            radio="",
            data_plane="none",
            ng_setup_retry_s=1.0,
        )
        settings = replace(settings, **changes)  # type: ignore[arg-type]  # what a scenario changes is checked there
        gnb = Gnb(settings, self._place.connect(settings), self.runtime, self._place.entropy)
        self._gnbs.append(gnb)
        return gnb

    def ue(self, gnb: Gnb, **changes: object) -> Ue:
        """A switched-off UE on the gNB's cell, with a test subscriber of its own. NotApplicable when none is left."""
        if not self._free:
            raise NotApplicable("one more test subscriber")
        settings = replace(self._free.pop(0), **changes)  # type: ignore[arg-type]  # likewise
        ue = Ue(settings, gnb, self.runtime, self._place.entropy)
        self._ues.append(ue)
        return ue

    async def registered(self, gnb: Gnb | None = None, **changes: object) -> Ue:
        """A UE that has registered, on a gNB of its own where none is given."""
        ue = self.ue(gnb or await self.gnb(), **changes)
        await self.succeeds(ue.register(), "registration")
        return ue

    async def turn(self, knob: Knob, **names: str) -> None:
        """Make the core do something. NotApplicable when its operator could not."""
        try:
            await self._place.operator.turn(knob, names)
        except OSError as error:
            raise NotApplicable(f"the knob {knob}: {error}") from None

    # what it demands

    async def succeeds(self, action: Awaitable[R], what: str) -> R:
        """The result of what a UE or gNB does, which the core is to let it. Failed with the core's answer."""
        try:
            return await action
        except Refused as refused:
            raise Failed(f"{what}: refused: {refused}") from None
        except TimerExpired as expired:
            raise Failed(f"{what}: no answer, {expired.timer.name} expired") from None
        except Aborted as aborted:
            raise Failed(f"{what}: {aborted}") from None

    async def refused(self, action: Awaitable[object], what: str) -> Refused:
        """What the core answers to something that it is to refuse. Failed when it accepts, or is silent."""
        try:
            await action
        except Refused as refused:
            return refused
        except TimerExpired as expired:
            raise Failed(f"{what}: wanted a refusal, no answer came ({expired.timer.name} expired)") from None
        except Aborted as aborted:
            raise Failed(f"{what}: wanted a refusal: {aborted}") from None
        raise Failed(f"{what}: wanted a refusal, it was accepted")

    async def hears(
        self,
        kind: type[M],
        by: Ue | Gnb | None = None,
        where: Callable[[M], bool] | None = None,
        within: float = ANSWER_S,
    ) -> M:
        """The first message of this kind that has come, or comes, to that UE or gNB. Failed when none does in time."""
        try:
            async with asyncio.timeout(within):
                while True:
                    found = self._take(kind, by, where)
                    if found is not None:
                        return found
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise Failed(f"no {kind.__name__} came within {within:g} s; {self._last(by)}") from None

    async def hears_not(
        self,
        kind: type[M],
        by: Ue | Gnb | None = None,
        where: Callable[[M], bool] | None = None,
        within: float = 2.0,
    ) -> None:
        """Failed when such a message comes after all."""
        await asyncio.sleep(within)
        found = self._take(kind, by, where)
        if found is not None:
            raise Failed(f"{kind.__name__} came, wanted none")

    def heard(self, kind: type[M], by: Ue | Gnb | None = None) -> list[M]:
        """All messages of this kind that have come, those that `hears` gave as well."""
        return [
            event.content for event in self.events if _is(event, kind, by) and isinstance(event.content, kind)
        ]

    def _take(self, kind: type[M], by: Ue | Gnb | None, where: Callable[[M], bool] | None) -> M | None:
        for index, event in enumerate(self.events):
            if index in self._given or not _is(event, kind, by):
                continue
            message = event.content
            if isinstance(message, kind) and (where is None or where(message)):
                self._given.add(index)
                return message
        return None

    def _last(self, by: Ue | Gnb | None) -> str:
        for event in reversed(self.events):
            if event.direction == "in" and (by is None or event.subject == _label(by)):
                return f"the last message was {event.message}"
        return "nothing came at all"

    # the end

    async def close(self) -> None:
        """Everything made here ends. A core that does not answer keeps nobody."""
        leaving = [ue.deregister(switch_off=True) for ue in self._ues if ue.context.registered]
        try:
            async with asyncio.timeout(FAREWELL_S):
                await asyncio.gather(*leaving, return_exceptions=True)
        except TimeoutError:
            pass
        for ue in self._ues:
            ue.leave()
        for gnb in self._gnbs:
            await gnb.stop()
        await self.runtime.stop()


def _label(by: Ue | Gnb) -> str:
    return by.label if isinstance(by, Ue) else by.n2.label


def _is(event: Event, kind: type, by: Ue | Gnb | None) -> bool:
    return (
        event.direction == "in"
        and isinstance(event.content, kind)
        and (by is None or event.subject == _label(by))
    )
