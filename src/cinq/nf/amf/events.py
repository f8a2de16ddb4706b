"""Namf_EventExposure, TS 29.518 §5.3: what has become of UEs that somebody watches, looked at once a second."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from cinq.nf.amf.registry import Registry
from cinq.nf.amf.relay import known
from cinq.nf.amf.ue import Ue
from cinq.numbering import NumberingError, Supi
from cinq.procedure import Clock, Why
from cinq.procedure.store import Store
from cinq.sbi import Bus, Created, InvalidParam, Problem, date_time
from cinq.sbi.callback import notify
from cinq.sbi.models import UserLocation
from cinq.sbi.services.namf_eventexposure import (
    AmfCreatedEventSubscription,
    AmfCreateEventSubscription,
    AmfEvent,
    AmfEventNotification,
    AmfEventReport,
    AmfEventState,
    AmfEventSubscription,
    CmInfo,
    RmInfo,
    UeReachability,
)

log = logging.getLogger("cinq.amf")

COLLECTION = "amf-events"
MOST, MOST_OF_A_UE, MOST_EVENTS = 10_000, 16, 8
SERVED = frozenset(
    (
        "LOCATION_REPORT",
        "REGISTRATION_STATE_REPORT",
        "CONNECTIVITY_STATE_REPORT",
        "REACHABILITY_REPORT",
        "LOSS_OF_CONNECTIVITY",
    )
)


class State(NamedTuple):
    """What is watched of a UE."""

    is_registered: bool
    is_connected: bool
    reachability: UeReachability
    location: UserLocation | None


class Watch(msgspec.Struct, omit_defaults=True):
    """One subscription. left: reports of each event that are still to come, None for any number. seen: as it was told
    last; ends: seconds since 1970, 0 for never."""

    subscription: AmfEventSubscription
    left: list[int | None]
    ends: float = 0.0
    seen: State | None = None


class Events:
    """Subscriptions outlive a restart; what happened while the AMF was away is told as one change."""

    def __init__(
        self,
        registry: Registry[Ue],
        store: Store,
        clock: Clock,
        entropy: Callable[[int], bytes],
        sbi: Bus,
    ) -> None:
        self._registry = registry
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._sbi = sbi
        decode = msgspec.json.Decoder(Watch).decode
        self.watched = {name: decode(octets) for name, octets in store.items(COLLECTION)}
        self._looking = False

    async def subscribe(self, body: AmfCreateEventSubscription) -> Created[AmfCreatedEventSubscription]:
        """§5.3.2.2.2."""
        wanted = body.subscription
        self._check(wanted)
        left, ends = [_times(wanted, event) for event in wanted.event_list], _ends(wanted)
        ue = known(self._registry, wanted.supi or "")
        same = sum(1 for one in self.watched.values() if one.subscription.supi == wanted.supi)
        if len(self.watched) >= MOST or same >= MOST_OF_A_UE:
            raise Problem(403, "SUBSCRIPTION_CANNOT_BE_SERVED", Why("there are too many subscriptions"))
        watch = Watch(wanted, left, ends)
        now = watch.seen = _state(ue)
        name = self._entropy(12).hex()
        reports = [
            self._report(name, watch, number, event, now)
            for number, event in enumerate(wanted.event_list)
            if event.immediate_flag
        ]
        if any(left != 0 for left in watch.left):
            self._keep(name, watch)
        place = self._sbi.uri(f"/namf-evts/v1/subscriptions/{name}")
        made = AmfCreatedEventSubscription(subscription=wanted, subscription_id=place, report_list=reports)
        return Created(f"/subscriptions/{name}", made)

    async def unsubscribe(self, subscription_id: str) -> None:
        """§5.3.2.3.2."""
        if subscription_id not in self.watched:
            raise Problem(404, "SUBSCRIPTION_NOT_FOUND", Why(f"no subscription {subscription_id[:60]}"))
        self._drop(subscription_id)

    async def look(self) -> None:
        """§5.3.2.4.2: what has changed is told; who cannot be reached now is told later."""
        if self._looking:
            return
        self._looking = True
        try:
            for name, watch in list(self.watched.items()):
                if watch.ends and watch.ends <= self._clock.now():
                    self._drop(name)
                elif name in self.watched:
                    await self._look_at(name, watch)
        finally:
            self._looking = False

    async def _look_at(self, name: str, watch: Watch) -> None:
        now, before = self._state_of(watch), watch.seen
        if before is None or now == before:
            watch.seen = now
            return
        wanted, left = watch.subscription, list(watch.left)
        reports = [
            self._report(name, watch, number, event, now)
            for number, event in enumerate(wanted.event_list)
            if watch.left[number] != 0 and _happened(event, before, now)
        ]
        if reports:
            body = AmfEventNotification(
                notify_correlation_id=wanted.notify_correlation_id, report_list=reports
            )
            try:
                await notify(self._sbi, "AMF", wanted.event_notify_uri, body)
            except Problem as problem:
                watch.left = left
                if problem.status < 500:
                    log.warning("%s does not want events of a UE any more: %s", wanted.nf_id, problem)
                    self._drop(name)
                return
        watch.seen = now
        if name not in self.watched:  # it was given up meanwhile
            return
        if all(each == 0 for each in watch.left):
            self._drop(name)
        else:
            self._keep(name, watch)

    def _report(self, name: str, watch: Watch, number: int, event: AmfEvent, now: State) -> AmfEventReport:
        """One report less is to come."""
        left = watch.left[number]
        if left is not None:
            left = watch.left[number] = left - 1
        location = now.location if event.type == "LOCATION_REPORT" else None
        rm = RmInfo(rm_state="REGISTERED" if now.is_registered else "DEREGISTERED", access_type="3GPP_ACCESS")
        cm = CmInfo(cm_state="CONNECTED" if now.is_connected else "IDLE", access_type="3GPP_ACCESS")
        return AmfEventReport(
            type=event.type,
            state=AmfEventState(active=left != 0, remain_reports=left),
            time_stamp=date_time.written(self._clock.now()),
            subscription_id=self._sbi.uri(f"/namf-evts/v1/subscriptions/{name}"),
            supi=watch.subscription.supi,
            location=location,
            rm_info_list=[rm] if event.type == "REGISTRATION_STATE_REPORT" else [],
            cm_info_list=[cm] if event.type == "CONNECTIVITY_STATE_REPORT" else [],
            reachability=now.reachability if event.type == "REACHABILITY_REPORT" else None,
            loss_of_connect_reason="DEREGISTERED" if event.type == "LOSS_OF_CONNECTIVITY" else None,
        )

    def _check(self, wanted: AmfEventSubscription) -> None:
        if wanted.any_ue or wanted.group_id is not None:
            raise Problem(403, "SUBSCRIPTION_CANNOT_BE_SERVED", Why("events are told of one UE at a time"))
        if wanted.supi is None:
            invalid = InvalidParam(param="/subscription/supi", reason="missing")
            raise Problem(400, "MANDATORY_IE_MISSING", Why("no /subscription/supi"), invalid)
        if not 1 <= len(wanted.event_list) <= MOST_EVENTS:
            raise Problem(400, "MANDATORY_IE_INCORRECT", Why(f"eventList: wanted 1 to {MOST_EVENTS}"))
        other = next((each.type for each in wanted.event_list if each.type not in SERVED), None)
        if other is not None:
            raise Problem(403, "SUBSCRIPTION_CANNOT_BE_SERVED", Why(f"{other[:40]} is not told here"))

    def _state_of(self, watch: Watch) -> State:
        try:
            ue = self._registry.by_supi.get(Supi.parse(watch.subscription.supi or ""))
        except NumberingError:
            ue = None
        return State(False, False, "UNREACHABLE", None) if ue is None else _state(ue)

    def _keep(self, name: str, watch: Watch) -> None:
        self.watched[name] = watch
        self._store.put(COLLECTION, name, msgspec.json.encode(watch))

    def _drop(self, name: str) -> None:
        if self.watched.pop(name, None) is not None:
            self._store.delete(COLLECTION, name)


def _state(ue: Ue) -> State:
    is_registered, connection = ue.context.rm_state == "RM-REGISTERED", ue.connection
    place = ue.last_place if connection is None else connection.place
    is_reachable = is_registered and (connection is not None or not ue.sleeps)
    return State(
        is_registered,
        connection is not None,
        "REACHABLE" if is_reachable else "UNREACHABLE",
        None if place is None else place.location,
    )


def _happened(event: AmfEvent, before: State, now: State) -> bool:
    match event.type:
        case "LOCATION_REPORT":
            return now.location is not None and now.location != before.location
        case "REGISTRATION_STATE_REPORT":
            return now.is_registered != before.is_registered
        case "CONNECTIVITY_STATE_REPORT":
            return now.is_connected != before.is_connected
        case "LOSS_OF_CONNECTIVITY":
            return before.is_registered and not now.is_registered
    if event.reachability_filter == "UE_REACHABLE_DL_TRAFFIC":
        return now.is_connected and not before.is_connected
    return now.reachability != before.reachability


def _times(wanted: AmfEventSubscription, event: AmfEvent) -> int | None:
    """How many reports there will be. Problem 400: less than one."""
    options = wanted.options
    if options is not None and options.trigger == "ONE_TIME":
        return 1
    most = event.max_reports if options is None or options.max_reports is None else options.max_reports
    if most is not None and most < 1:
        raise Problem(400, "OPTIONAL_IE_INCORRECT", Why(f"maxReports: found {most}, wanted 1 at least"))
    return most


def _ends(wanted: AmfEventSubscription) -> float:
    if wanted.options is None or wanted.options.expiry is None:
        return 0.0
    try:
        return date_time.read(wanted.options.expiry)
    except (ValueError, OverflowError):
        raise Problem(400, "OPTIONAL_IE_INCORRECT", Why("options/expiry: it is no time")) from None
