"""NFStatusSubscribe, NFStatusNotify, NFStatusUnSubscribe: TS 29.510 §5.2.2.5 to §5.2.2.7."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from itertools import count
from urllib.parse import urlsplit

import msgspec

from cinq.nf.nrf.discovery import visible
from cinq.nf.nrf.tokens import admits
from cinq.procedure import Clock, Why
from cinq.procedure.store import Store
from cinq.sbi import Bus, Created, Problem, date_time
from cinq.sbi.callback import notify
from cinq.sbi.caller import caller
from cinq.sbi.json_patch import PatchItem
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.nnrf import NotificationData, NotificationEventType, SubscrCond, SubscriptionData
from cinq.sbi.whole import Whole

COLLECTION = "nrf-subscription"
MOST = 1000
LONGEST_S = 86_400.0
LONGEST_URI = 2048
PROMPT_S = 0.2  # for which whoever changes something waits for subscribers to take what they are told
LETTERS = 64  # that wait for one of them; of more the newest are told

Told = tuple[str, NotificationData]  # where, and what


class Subscriptions:
    """Kept over a restart of the NRF. Each has an end; who wants more subscribes again, or patches validityTime."""

    def __init__(self, clock: Clock, store: Store, bus: Bus | None) -> None:
        self._clock = clock
        self._store = store
        self._bus = bus
        self._letters: dict[str, deque[NotificationData]] = {}
        self._carriers: dict[str, asyncio.Task[None]] = {}
        self._numbers = count(int(clock.now() * 1000))
        self._kept: dict[str, SubscriptionData] = {}
        for identifier, octets in list(store.items(COLLECTION)):
            try:
                self._kept[identifier] = msgspec.json.decode(octets, type=SubscriptionData)
            except msgspec.MsgspecError:
                store.delete(COLLECTION, identifier)

    def subscribe(self, body: SubscriptionData) -> Created[SubscriptionData]:
        """Problem 400 for a URI that nobody can be notified at, 403 for a consumer other than the caller."""
        who, requester = caller(), body.req_nf_instance_id
        if who is not None and requester is not None and not who.may_be(requester):
            raise Problem(403, None, Why("reqNfInstanceId is not of the client's certificate"))
        _check_uri(body.nf_status_notification_uri)
        self.forget_the_expired()
        if len(self._kept) >= MOST:
            raise Problem(503, "INSUFFICIENT_RESOURCES", Why(f"the NRF holds {MOST} subscriptions"))
        identifier = f"{next(self._numbers):x}"
        made = msgspec.structs.replace(
            body, subscription_id=identifier, validity_time=self._end(body.validity_time)
        )
        self._put(identifier, made)
        return Created(f"/subscriptions/{identifier}", made)

    def update(self, identifier: str, patch: list[PatchItem]) -> SubscriptionData | None:
        """§5.2.2.5.6: validityTime alone can be changed. What is longer than allowed is answered with what it is."""
        found = self._known(identifier)
        if len(patch) != 1 or patch[0].op != "replace" or patch[0].path != "/validityTime":
            raise Problem(400, "INVALID_MSG_FORMAT", Why("only validityTime can be replaced"))
        wanted = patch[0].value
        end = self._end(wanted if isinstance(wanted, str) else "?")
        made = msgspec.structs.replace(found, validity_time=end)
        self._put(identifier, made)
        return None if end == wanted else made

    def unsubscribe(self, identifier: str) -> None:
        self._known(identifier)
        self._forget(identifier)

    def _forget(self, identifier: str) -> None:
        del self._kept[identifier]
        self._store.delete(COLLECTION, identifier)

    def forget_the_expired(self) -> None:
        now = self._clock.now()
        for identifier, one in list(self._kept.items()):
            if one.validity_time is not None and _seconds(one.validity_time) <= now:
                self._forget(identifier)

    def of(
        self,
        event: NotificationEventType,
        profile: Whole[NFProfile],
        uri: str,
        known: Callable[[str], NFProfile | None],
    ) -> list[Told]:
        """What is to be told to whom. uri: of the instance at this NRF. known: a registered consumer's profile."""
        self.forget_the_expired()
        told = []
        for one in self._kept.values():
            if one.req_notif_events and event not in one.req_notif_events:
                continue
            if not matches(one.subscr_cond, profile.read):
                continue
            requester = known(one.req_nf_instance_id or "") or _as_requester(one)
            if requester is not None and not admits(profile.read, requester):
                continue
            seen = None
            if event != "NF_DEREGISTERED":
                seen = visible(profile.document)
            body = NotificationData(event=event, nf_instance_uri=uri, nf_profile=seen)
            told.append((one.nf_status_notification_uri, body))
        return told

    async def tell(self, letters: list[Told]) -> None:
        """Each is told once and in order; who cannot be reached asks anew when its cached answers end.

        A subscriber that is slow holds nobody else up: it is told after this returns.
        """
        if self._bus is None or not letters:
            return
        for uri, body in letters:
            self._letters.setdefault(uri, deque(maxlen=LETTERS)).append(body)
            if uri not in self._carriers:
                self._carriers[uri] = asyncio.get_running_loop().create_task(self._carry(self._bus, uri))
        await asyncio.wait([self._carriers[uri] for uri, _ in letters], timeout=PROMPT_S)

    async def _carry(self, bus: Bus, uri: str) -> None:
        """All that waits for one subscriber."""
        try:
            while waiting := self._letters.get(uri):
                try:
                    await notify(bus, "NRF", uri, waiting.popleft())
                except Problem:
                    continue
        finally:
            self._letters.pop(uri, None)
            self._carriers.pop(uri, None)

    def _known(self, identifier: str) -> SubscriptionData:
        """Problem 404: there is none, 403: of somebody else."""
        found = self._kept.get(identifier)
        if found is None:
            raise Problem(404, "SUBSCRIPTION_NOT_FOUND", Why(f"no subscription {identifier[:60]}"))
        who = caller()
        if who is not None and found.req_nf_instance_id and not who.may_be(found.req_nf_instance_id):
            raise Problem(
                403, None, Why(f"subscription {identifier[:60]} is not of the client's certificate")
            )
        return found

    def _put(self, identifier: str, made: SubscriptionData) -> None:
        self._kept[identifier] = made
        self._store.put(COLLECTION, identifier, msgspec.json.encode(made))

    def _end(self, wanted: str | None) -> str:
        """As the consumer suggests, a day at most. Problem 400: no time that is to come."""
        now = self._clock.now()
        until = now + LONGEST_S
        if wanted is not None:
            asked = _seconds(wanted)
            if asked <= now:
                raise Problem(400, "OPTIONAL_IE_INCORRECT", Why(f"validityTime: found '{wanted[:40]}'"))
            if asked <= until:
                return wanted
        return date_time.written(int(until), "seconds")


def _seconds(text: str) -> float:
    """RFC 3339 as seconds since 1970; 0 where it is none, or has no zone."""
    try:
        found = datetime.fromisoformat(text) if len(text) <= 40 else None
        return 0.0 if found is None or found.tzinfo is None else found.timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _check_uri(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        fault = len(uri) > LONGEST_URI or not (whole or uri.startswith("/"))
    except ValueError:
        fault = True
    if fault:
        raise Problem(400, "MANDATORY_IE_INCORRECT", Why(f"nfStatusNotificationUri: found '{uri[:80]}'"))


def _as_requester(one: SubscriptionData) -> NFProfile | None:
    """Of a consumer that is not registered: what it says of itself."""
    if one.req_nf_type is None:
        return None
    return NFProfile(
        nf_instance_id="",
        nf_type=one.req_nf_type,
        nf_status="REGISTERED",
        plmn_list=one.req_plmn_list,
        s_nssais=one.req_snssais,
    )


def matches(condition: SubscrCond | None, profile: NFProfile) -> bool:
    """§6.1.6.2.35. Without a condition all instances are meant."""
    if condition is None:
        return True
    amf, slices = profile.amf_info, {s.numbering() for s in profile.s_nssais}
    tests = (
        (condition.nf_instance_id, lambda v: profile.nf_instance_id == v.lower()),
        (condition.nf_instance_id_list, lambda v: profile.nf_instance_id in v),
        (condition.nf_type, lambda v: profile.nf_type == v),
        (condition.service_name, lambda v: any(s.service_name == v for s in profile.services)),
        (condition.amf_set_id, lambda v: amf is not None and amf.amf_set_id.lower() == v.lower()),
        (condition.amf_region_id, lambda v: amf is not None and amf.amf_region_id.lower() == v.lower()),
        (condition.guami_list, lambda v: amf is not None and any(g in amf.guami_list for g in v)),
        (condition.snssai_list, lambda v: bool(slices & {s.numbering() for s in v})),
        (condition.nf_set_id, lambda v: v in profile.nf_set_id_list),
    )
    return all(test(value) for value, test in tests if value)
