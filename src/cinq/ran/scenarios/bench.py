"""Where a scenario plays: the core under test, the gNBs and UEs made for it, and all that they heard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from cinq.procedure import Aborted, Clock, Event, Journal, Refused, Runtime, TimerExpired
from cinq.ran.gnb.gnb import Connect, Gnb, Path
from cinq.ran.gnb.n2 import UeContext
from cinq.ran.gnb.ng_ran import NgRan
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed, NotApplicable, Unreachable
from cinq.ran.scenarios.target import Knob, Target
from cinq.ran.ue import Ue
from cinq.ran.ue.settings import SessionSettings, UeSettings
from cinq.wire import nas, ngap

M = TypeVar("M")
R = TypeVar("R")

ANSWER_S = 10.0  # a core that has not answered by then does not answer
NG_SETUP_S = 8.0
FAREWELL_S = 3.0
SETTLE_S, SETTLE_ROUNDS = 0.3, 10
LOOK_S = 0.05  # what changes without a message is looked for so often


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

    events: everything sent and heard, in order. A 5GSM message is heard beside the transport that carries it. Each
    message is heard once: `hears` takes the first of its kind that it has not given before.
    """

    def __init__(self, place: Place, ues: list[UeSettings]) -> None:
        self.target = place.target
        self.events: list[Event] = []
        self._place = place
        self._free = ues
        self._gnbs: list[Gnb] = []
        self._ng_ran = NgRan()
        self._ues: list[Ue] = []
        self._heard: list[tuple[str, object]] = []
        self._given: set[int] = set()
        self._waits_for = "its first step"
        self._news = asyncio.Event()
        journal = Journal()
        journal.listen(self._hear)
        self.runtime = Runtime("RAN", journal, place.clock)

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        if event.direction == "in":
            self._heard.append((event.subject, event.content))
            if isinstance(event.content, nas.DLNASTransport):
                self._heard += [(event.subject, message) for message in _carried(event.content)]
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
        gnb = Gnb(settings, self._place.connect(settings), self.runtime, self._place.entropy, self._ng_ran)
        self._gnbs.append(gnb)
        return gnb

    def ue(self, gnb: Gnb, **changes: object) -> Ue:
        """A switched-off UE on the gNB's cell, with a test subscriber of its own. NotApplicable when none is left."""
        if not self._free:
            raise NotApplicable("one more test subscriber")
        settings = replace(self._free.pop(0), **changes)  # type: ignore[arg-type]  # likewise
        return self._on_stage(Ue(settings, gnb, self.runtime, self._place.entropy))

    async def registered(self, gnb: Gnb | None = None, **changes: object) -> Ue:
        """A UE that has registered, on a gNB of its own where none is given."""
        ue = self.ue(gnb or await self.gnb(), **changes)
        await self.succeeds(ue.register(), "registration")
        return ue

    def ue_of(self, other: Ue, gnb: Gnb, **changes: object) -> Ue:
        """Another switched-off UE with the same subscriber: a new phone with the same USIM, as far as it remembers."""
        settings = replace(other.settings, **changes)  # type: ignore[arg-type]  # likewise
        ue = Ue(settings, gnb, self.runtime, self._place.entropy)
        ue.usim = other.usim
        return self._on_stage(ue)

    def _on_stage(self, ue: Ue) -> Ue:
        """The scenario goes on behind the registration, so the UE says that it has more to do: without a follow-on
        request a network may release the connection at once (TS 24.501 §5.5.1.2.4)."""
        ue.more_to_do = True
        self._ues.append(ue)
        return ue

    def session(self, **changes: object) -> SessionSettings:
        """The default session of the target, with changes."""
        core = self.target.core
        wanted = SessionSettings(core.dnns[0], core.slices[0])
        return replace(wanted, **changes)  # type: ignore[arg-type]  # likewise

    def chance(self, n: int) -> bytes:
        """So many octets of the chance that this stage was given."""
        return self._place.entropy(n)

    def unknown_imsi(self) -> str:
        """An IMSI of the PLMN that is not provisioned, as far as the target says."""
        plmn = self.target.core.plmn
        digits = f"{plmn.mcc}{plmn.mnc}"
        return digits + "8" * (15 - len(digits))

    def ahead(self) -> int:
        """A sequence number of the USIM that the home network has not reached."""
        return 1 << 34  # within the jump that a USIM accepts afterwards (TS 33.102 §C.2.1)

    async def released(self, ue: Ue) -> None:
        """The UE's gNB has it released for inactivity: it is CM-IDLE."""
        gnb = self.gnb_of(ue)
        context = self.context(ue, gnb)
        gnb.station.send(
            ngap.UEContextReleaseRequest(
                amf_ue_ngap_id=check.present(context.amf_ue_ngap_id, "the AMF UE NGAP ID"),
                ran_ue_ngap_id=context.ran_ue_ngap_id,
                cause=("radioNetwork", "user-inactivity"),
            ),
            stream=context.stream,
        )
        await self.until(lambda: not ue.link.connected, "the connection is released")

    def gnb_of(self, ue: Ue) -> Gnb:
        """The gNB where the UE camps."""
        for gnb in self._gnbs:
            if any(link.mobile is ue for link in gnb.links):
                return gnb
        raise Failed(f"{ue.label} camps nowhere")

    def context(self, ue: Ue, gnb: Gnb) -> UeContext:
        """The UE's connection at the gNB."""
        for link in gnb.links:
            if link.mobile is ue and link.context is not None:
                return link.context
        raise Failed(f"{ue.label} has no connection")

    def amf_ue_ngap_id(self, ue: Ue, gnb: Gnb) -> int:
        """What the AMF calls the UE's connection."""
        return check.present(self.context(ue, gnb).amf_ue_ngap_id, "the AMF UE NGAP ID")

    def ran_ue_ngap_id(self, ue: Ue, gnb: Gnb) -> int:
        """What the gNB calls the UE's connection."""
        return self.context(ue, gnb).ran_ue_ngap_id

    def dropped(self, ue: Ue, gnb: Gnb) -> None:
        """The gNB forgets the UE's connection without a word, as after a reset."""
        gnb.n2.forget(self.context(ue, gnb), "reset")

    async def moved(self, ue: Ue, gnb: Gnb) -> None:
        """An idle UE camps on another gNB's cell."""
        check.that(ue.link.reselect(gnb.cells[0].identity.nci), "the idle UE finds the other cell")

    async def associated(self, gnb: Gnb) -> None:
        """The SCTP association of an unattached gNB is there. Unreachable when it is not in time."""
        try:
            async with asyncio.timeout(NG_SETUP_S):
                await gnb.associated()
        except TimeoutError:
            raise Unreachable(f"N2: {gnb.trouble or 'no answer'}") from None

    def hand_over(self, ue: Ue, target: Gnb, via: Path) -> Coroutine[object, None, object]:
        """The UE's gNB hands it over to the target's cell."""
        gnb = self.gnb_of(ue)
        return gnb.hand_over(self.context(ue, gnb), target.cells[0], via)

    def cancel_handover(self, ue: Ue) -> Coroutine[object, None, None]:
        gnb = self.gnb_of(ue)
        return gnb.cancel_handover(self.context(ue, gnb))

    def stays(self, ue: Ue) -> None:
        """The UE does not go where a handover sends it."""
        for link in self.gnb_of(ue).links:
            if link.mobile is ue:
                link.obeys = False

    def soon(self, action: Coroutine[object, None, None]) -> None:
        """Goes on by itself beside the scenario."""
        self.runtime.spawn(lambda: action, "scenario")

    async def loses_its_association(self, gnb: Gnb) -> None:
        """The gNB's SCTP association ends, as when it is switched off. It comes back by itself after a second."""
        association = check.present(gnb.n2.association, "the association")
        association.abort("switched off")
        await self.until(lambda: gnb.n2.association is None, "the association is over")

    async def alive(self, gnb: Gnb) -> None:
        """The core still serves: another UE of this gNB registers."""
        other = self.ue(gnb)
        await self.succeeds(other.register(), "registration of a bystander")

    async def turn(self, knob: Knob, **names: str) -> None:
        """Make the core do something. NotApplicable when its operator could not."""
        try:
            await self._place.operator.turn(knob, names)
        except OSError as error:
            raise NotApplicable(f"the knob {knob}: {error}") from None

    # what it demands

    async def succeeds(self, action: Awaitable[R], what: str) -> R:
        """The result of what a UE or gNB does, which the core is to let it. Failed with the core's answer."""
        self._waits_for = what
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
        self._waits_for = f"a refusal of {what}"
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
        self._waits_for = kind.__name__
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
        after: int = 0,
    ) -> None:
        """Failed when such a message comes after all. after: how many that have come already are passed over."""
        for _ in range(after):
            self._take(kind, by, where)
        await asyncio.sleep(within)
        found = self._take(kind, by, where)
        if found is not None:
            raise Failed(f"{kind.__name__} came, wanted none")

    async def hears_one_of(
        self, kinds: tuple[type[M], ...], by: Ue | Gnb | None = None, within: float = ANSWER_S
    ) -> M:
        """As `hears`, of the first of several kinds that comes."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for kind in kinds:
                        found = self._take(kind, by, None)
                        if found is not None:
                            return found
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            names = ", ".join(kind.__name__ for kind in kinds)
            raise Failed(f"none of {names} came within {within:g} s; {self._last(by)}") from None

    async def settled(self) -> None:
        """Nothing more comes by itself: a network may tell names and time behind a registration (TS 24.501 §5.4.4)."""
        for _ in range(SETTLE_ROUNDS):
            before = len(self._heard)
            await asyncio.sleep(SETTLE_S)
            if len(self._heard) == before:
                return

    async def answer_to(self, what: str, kinds: tuple[type[M], ...], gnb: Gnb) -> M:
        """The answer to a procedure that not every core has.

        NotApplicable when the core does not comprehend it and says so by ERROR INDICATION 'abstract syntax error
        (reject)' (TS 38.413 §10.3.4.1).
        """
        every: tuple[type[object], ...] = (*kinds, ngap.ErrorIndication)
        answer = await self.hears_one_of(every, gnb)
        if isinstance(answer, kinds):
            return answer
        assert isinstance(answer, ngap.ErrorIndication)
        check.equal(
            answer.cause, ("protocol", "abstract-syntax-error-reject"), f"the answer to {what}: the cause"
        )
        raise NotApplicable(f"{what}: it does not comprehend the procedure, and says so")

    async def quiet_of(self, kind: type[object], by: Ue | Gnb) -> None:
        """No such message has come, nor comes within a second."""
        await asyncio.sleep(1.0)
        check.equal([check.show(m) for m in self.heard(kind, by)], [], f"messages of {kind.__name__}")

    async def until(self, holds: Callable[[], bool], what: str, within: float = ANSWER_S) -> None:
        """Failed when it does not hold in time."""
        self._waits_for = what
        try:
            async with asyncio.timeout(within):
                while not holds():
                    self._news.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), LOOK_S)
        except TimeoutError:
            raise Failed(f"not within {within:g} s: {what}") from None

    async def all(self, *actions: Coroutine[object, None, R]) -> list[R]:
        """All at the same time. The first failure ends it."""
        tasks = [asyncio.ensure_future(action) for action in actions]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def forgiven(self, action: Awaitable[object]) -> None:
        """Whether the core lets it or not."""
        with contextlib.suppress(Refused, TimerExpired, Aborted):
            await action

    def heard(self, kind: type[M], by: Ue | Gnb | None = None) -> list[M]:
        """All messages of this kind that have come, those that `hears` gave as well."""
        return [message for label, message in self._heard if isinstance(message, kind) and _is(label, by)]

    def said(self, kind: type[M]) -> list[M]:
        """All messages of this kind that UEs and gNBs have sent."""
        sent = (event.content for event in self.events if event.direction == "out")
        return [message for message in sent if isinstance(message, kind)]

    def _take(self, kind: type[M], by: Ue | Gnb | None, where: Callable[[M], bool] | None) -> M | None:
        for index, (label, message) in enumerate(self._heard):
            if index in self._given or not isinstance(message, kind) or not _is(label, by):
                continue
            if where is None or where(message):
                self._given.add(index)
                return message
        return None

    def standing(self) -> str:
        """Where the scenario is, for a verdict on one that does not come to its end."""
        rejects = [e for e in self.events if e.direction == "in" and e.message.upper().endswith("REJECT")]
        refused = f", the last reject {check.show(rejects[-1].content)}" if rejects else ""
        return f"it waits for {self._waits_for}; {self._last(None)}{refused}"

    def _last(self, by: Ue | Gnb | None) -> str:
        for event in reversed(self.events):
            if event.direction == "in" and (by is None or event.subject == _label(by)):
                return f"the last message was {_name(event)}" + (f" ({event.cause})" if event.cause else "")
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


def _name(event: Event) -> str:
    """What a message is called, also one that was discarded and can be read all the same: one in clear."""
    if event.interface == "N1" and event.content is None and event.octets[1:2] == b"\0":
        with contextlib.suppress(nas.NasError):
            return nas.decode(event.octets).NAME
    return event.message


def _label(by: Ue | Gnb) -> str:
    return by.label if isinstance(by, Ue) else by.n2.label


def _is(label: str, by: Ue | Gnb | None) -> bool:
    return by is None or label == _label(by)


def _carried(transport: nas.DLNASTransport) -> list[nas.NasMessage]:
    """The 5GSM message in a transport, where it can be read."""
    if transport.payload_container_type != nas.PayloadContainerType.N1_SM_INFORMATION:
        return []
    try:
        return [nas.decode(transport.payload_container)]
    except nas.NasError:
        return []
