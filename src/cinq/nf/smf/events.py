"""Nsmf_EventExposure, TS 29.508 §4.2: what becomes of PDU sessions that somebody watches.

What a session is to others changes where its context is stored: that is compared with what it was, at once, and told
at the next look.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from cinq.nf.smf.context import Ipv4, Ipv4v6, SmContext
from cinq.nf.smf.session import Sessions
from cinq.procedure import Clock, Why
from cinq.procedure.store import Store
from cinq.sbi import Bus, Created, InvalidParam, Problem, date_time
from cinq.sbi.callback import notify
from cinq.sbi.models import Snssai
from cinq.sbi.services.nsmf_eventexposure import (
    EventNotification,
    NsmfEventExposure,
    NsmfEventExposureNotification,
    SmfEvent,
)

log = logging.getLogger("cinq.smf")

COLLECTION = "smf-events"
MOST, MOST_OF_A_UE, MOST_EVENTS, MOST_WAITING = 1000, 16, 8, 10_000
MOST_UNTOLD = 1000  # events of one subscription, whose subscriber cannot be reached
SERVED = frozenset(("PDU_SES_EST", "PDU_SES_REL", "UE_IP_CH", "UP_PATH_CH"))
Key = tuple[str, int]


class State(NamedTuple):
    """What others may know of a session. dnais: where packets leave that do not go by the anchor."""

    ref: str
    context: SmContext
    ipv4: str | None
    ipv6: str | None
    dnais: tuple[str, ...]


class Watch(msgspec.Struct, omit_defaults=True):
    """One subscription. left: reports that are still to come, None for any number. ends: seconds since 1970, 0 for
    never."""

    wanted: NsmfEventExposure
    left: int | None = None
    ends: float = 0.0


class Events:
    """Subscriptions outlive a restart. Without any, nothing is looked at."""

    def __init__(
        self,
        sessions: Sessions,
        store: Store,
        clock: Clock,
        entropy: Callable[[int], bytes],
        sbi: Bus,
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._sbi = sbi
        decode = msgspec.json.Decoder(Watch).decode
        self.watched = {name: decode(octets) for name, octets in store.items(COLLECTION)}
        self._seen: dict[Key, State] = {}
        self._waiting: deque[tuple[str, EventNotification]] = deque(maxlen=MOST_WAITING)
        self._looking = False

    def begin(self) -> None:
        """Once the sessions of the former run are there."""
        if self.watched:
            self._heed()

    async def subscribe(self, body: NsmfEventExposure) -> Created[NsmfEventExposure]:
        """A new one."""
        watch = self._made(body)
        of_one = sum(1 for one in self.watched.values() if body.supi and one.wanted.supi == body.supi)
        if len(self.watched) >= MOST or of_one >= MOST_OF_A_UE:
            raise Problem(500, "INSUFFICIENT_RESOURCES", Why("there are too many subscriptions"))
        name = self._entropy(12).hex()
        return Created(f"/subscriptions/{name}", self._begun(name, watch))

    async def get(self, sub_id: str) -> NsmfEventExposure:
        return self._known(sub_id).wanted

    async def replace(self, sub_id: str, body: NsmfEventExposure) -> NsmfEventExposure:
        """As a whole; what was counted begins anew."""
        self._known(sub_id)
        return self._begun(sub_id, self._made(body))

    async def unsubscribe(self, sub_id: str) -> None:
        """It ends."""
        self._known(sub_id)
        self._drop(sub_id)

    async def look(self) -> None:
        """What has happened is told. Who cannot be reached now is told later, in order with all others."""
        if self._looking or not self.watched:
            return
        self._looking = True
        try:
            for name in [n for n, one in self.watched.items() if one.ends and one.ends <= self._clock.now()]:
                self._drop(name)
            told: dict[str, list[EventNotification]] = {}
            while self._waiting:
                name, event = self._waiting.popleft()
                told.setdefault(name, []).append(event)
            for name, events in told.items():
                await self._tell(name, events)
        finally:
            self._looking = False

    async def _tell(self, name: str, events: list[EventNotification]) -> None:
        watch = self.watched.get(name)
        if watch is None:
            return
        due = events if watch.left is None else events[: watch.left]
        body = NsmfEventExposureNotification(notif_id=watch.wanted.notif_id, event_notifs=due)
        try:
            await notify(self._sbi, "SMF", watch.wanted.notif_uri, body)
        except Problem as problem:
            if problem.status >= 500 and len(events) <= MOST_UNTOLD:
                self._waiting.extend((name, event) for event in events)
            elif self.watched.get(name) is watch:
                log.warning("a subscriber hears of no events of sessions any more: %s", problem)
                self._drop(name)
            return
        if watch.left is not None and self.watched.get(name) is watch:
            watch.left -= len(due)
            self._keep_or_drop(name, watch)

    # what happens

    def _heed(self) -> None:
        """From now on changes count: what is so now is where they begin."""
        for session in self._sessions.by_identity.values():
            self._remember(session.context)
        self._sessions.heard = self._heard

    def _remember(self, context: SmContext) -> State | None:
        key, now = (context.supi, context.pdu_session_id), _state(context)
        if now is None:
            self._seen.pop(key, None)
        else:
            self._seen[key] = now
        return now

    def _heard(self, context: SmContext) -> None:
        before = self._seen.get((context.supi, context.pdu_session_id))
        if before is not None and context.state != "ACTIVE" and before.ref != context.ref:
            return  # one that is to come in its place has not come
        now = self._remember(context)
        happened = list(_happened(before, now))
        for name, watch in self.watched.items() if happened else ():
            for event, state, fields in happened:
                if _concerns(watch.wanted, event, state.context):
                    self._waiting.append((name, self._notification(event, state, **fields)))

    def _notification(self, event: SmfEvent, state: State, **fields: str) -> EventNotification:
        context = state.context
        made = EventNotification(
            event=event,
            time_stamp=date_time.written(self._clock.now()),
            supi=context.supi,
            pdu_se_id=context.pdu_session_id,
            dnn=context.dnn,
            snssai=Snssai.of(context.s_nssai),
        )
        if event == "PDU_SES_EST":
            made = msgspec.structs.replace(
                made,
                pdu_sess_type=context.session_type,
                ipv4_addr=state.ipv4,
                ipv6_prefixes=[] if state.ipv6 is None else [state.ipv6],
            )
        return msgspec.structs.replace(made, **fields) if fields else made

    # subscriptions

    def _begun(self, name: str, watch: Watch) -> NsmfEventExposure:
        """What is so already is told with the answer, where that is wanted."""
        if not self.watched:
            self._heed()
        reports = []
        if watch.wanted.imme_rep:
            states = [one for key, one in self._seen.items() if key[0] == watch.wanted.supi]
            there = [one for one in states if _concerns(watch.wanted, "PDU_SES_EST", one.context)]
            reports = [self._notification("PDU_SES_EST", one) for one in there][: watch.left]
        if watch.left is not None:
            watch.left -= len(reports)
        self._keep_or_drop(name, watch)
        return msgspec.structs.replace(watch.wanted, event_notifs=reports)

    def _made(self, body: NsmfEventExposure) -> Watch:
        """Problem 400: what is not told here."""
        _check(body)
        most = body.max_report_nbr
        if most is not None and most < 1:
            raise _wrong("OPTIONAL_IE_INCORRECT", "/maxReportNbr", f"found {most}, wanted 1 at least")
        left = 1 if body.notif_method == "ONE_TIME" else most
        ends = 0.0
        if body.expiry is not None:
            try:
                ends = date_time.read(body.expiry)
            except (ValueError, OverflowError):
                raise _wrong("OPTIONAL_IE_INCORRECT", "/expiry", "it is no time") from None
        return Watch(msgspec.structs.replace(body, event_notifs=[], sub_id=None), left, ends)

    def _known(self, name: str) -> Watch:
        found = self.watched.get(name)
        if found is None:
            raise Problem(404, "SUBSCRIPTION_NOT_FOUND", Why(f"no subscription {name[:60]}"))
        return found

    def _keep_or_drop(self, name: str, watch: Watch) -> None:
        self.watched[name] = watch
        if watch.left == 0:
            self._drop(name)
        else:
            self._store.put(COLLECTION, name, msgspec.json.encode(watch))

    def _drop(self, name: str) -> None:
        if self.watched.pop(name, None) is not None:
            self._store.delete(COLLECTION, name)
        if not self.watched:
            self._sessions.heard = None
            self._seen.clear()
            self._waiting.clear()


def _state(context: SmContext) -> State | None:
    """None: the UE has no such session."""
    if context.state != "ACTIVE":
        return None
    address, prefix = context.address, context.prefix
    return State(
        context.ref,
        context,
        str(address.ipv4) if isinstance(address, Ipv4 | Ipv4v6) else None,
        None if prefix is None else str(prefix),
        context.branch.dnais if context.branch is not None else (),
    )


def _happened(before: State | None, now: State | None) -> Iterator[tuple[SmfEvent, State, dict[str, str]]]:
    """With attributes of the notification."""
    is_another = before is None or now is None or before.ref != now.ref
    if before is not None and is_another:
        yield "PDU_SES_REL", before, {}
    if now is not None and is_another:
        yield "PDU_SES_EST", now, {}
    if before is None or now is None or is_another:
        return
    if (before.ipv4, before.ipv6) != (now.ipv4, now.ipv6):
        changed = {
            "re_ipv4_addr": before.ipv4 if before.ipv4 != now.ipv4 else None,
            "ad_ipv4_addr": now.ipv4 if before.ipv4 != now.ipv4 else None,
            "re_ipv6_prefix": before.ipv6 if before.ipv6 != now.ipv6 else None,
            "ad_ipv6_prefix": now.ipv6 if before.ipv6 != now.ipv6 else None,
        }
        yield "UE_IP_CH", now, {name: value for name, value in changed.items() if value is not None}
    if before.dnais != now.dnais:
        ends = {"source_dnai": before.dnais[:1], "target_dnai": now.dnais[:1]}
        fields = {name: dnais[0] for name, dnais in ends.items() if dnais}
        yield "UP_PATH_CH", now, {"dnai_chg_type": "LATE", **fields}


def _concerns(wanted: NsmfEventExposure, event: SmfEvent, context: SmContext) -> bool:
    return (
        any(one.event == event for one in wanted.event_subs)
        and wanted.supi in (None, context.supi)
        and wanted.pdu_se_id in (None, context.pdu_session_id)
        and (wanted.dnn is None or wanted.dnn.lower() == context.dnn.lower())
        and (wanted.snssai is None or wanted.snssai.numbering() == context.s_nssai)
    )


def _check(body: NsmfEventExposure) -> None:
    """Problem 400."""
    if not 1 <= len(body.event_subs) <= MOST_EVENTS:
        raise _wrong("MANDATORY_IE_INCORRECT", "/eventSubs", f"wanted 1 to {MOST_EVENTS}")
    for i, one in enumerate(body.event_subs):
        if one.event not in SERVED:
            raise _wrong(
                "MANDATORY_IE_INCORRECT", f"/eventSubs/{i}/event", f"{one.event[:40]} is not told here"
            )
        if one.dnai_chg_type not in (None, "LATE"):
            raise _wrong("OPTIONAL_IE_INCORRECT", f"/eventSubs/{i}/dnaiChgType", "only LATE is told here")
    if body.group_id is not None or body.gpsi is not None:
        what = "/groupId" if body.group_id is not None else "/gpsi"
        raise _wrong("OPTIONAL_IE_INCORRECT", what, "sessions are known here by supi, dnn and snssai")
    if body.notif_method == "PERIODIC":
        raise _wrong("OPTIONAL_IE_INCORRECT", "/notifMethod", "wanted ONE_TIME or ON_EVENT_DETECTION")
    if (body.supi is None) != body.any_ue_ind:
        raise _wrong("OPTIONAL_IE_INCORRECT", "/supi", "wanted one UE or any UE")
    if body.any_ue_ind and ((body.dnn is None and body.snssai is None) or body.imme_rep):
        raise _wrong("OPTIONAL_IE_INCORRECT", "/anyUeInd", "wanted with a dnn or an snssai, without ImmeRep")
    if body.snssai is not None:
        try:
            body.snssai.numbering()
        except ValueError as error:
            raise _wrong("OPTIONAL_IE_INCORRECT", "/snssai", str(error)[:80]) from None


def _wrong(cause: str, where: str, why: str) -> Problem:
    return Problem(400, cause, Why(f"{where}: {why}"), InvalidParam(param=where, reason=why))
