"""Where the services of others are: asked of the NRF, kept as long as it says, and the dead passed over.

TS 29.510 §5.3.2.2.2, TS 23.501 §6.3.1, TS 29.500 §6.1.2 (URIs), §6.4 (load), RFC 2782's use of weights for capacity.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cinq.numbering import PlmnId
from cinq.procedure import Clock, Why
from cinq.sbi.abroad import Abroad
from cinq.sbi.bus import Bus
from cinq.sbi.models import PlmnId as SbiPlmnId
from cinq.sbi.nf_profile import NFProfile, NFService
from cinq.sbi.operation import Operation
from cinq.sbi.problem import Problem
from cinq.sbi.services.nnrf import NnrfNFDiscovery, NotificationData, SearchQuery
from cinq.transport.http2 import authority_of

REST_S = 10.0  # for which a producer that did not answer is passed over, where there are others
LEAST_S = 1.0  # for which an answer is kept at the least, an empty one too
MOST = 512  # answers that are kept
HEAVIEST = 65_535  # TS 29.510 §6.1.6.2.2
LONGEST_S = 86_400  # for which an answer is kept at the most
OF_THE_NRF = frozenset(("nnrf-nfm", "nnrf-disc", "oauth2", "bootstrapping"))


class Found(NamedTuple):
    """root: API root. instance: of the producer, "" where that is not known. priority: lowest first.

    weight: among those of one priority.
    """

    root: str
    instance: str = ""
    priority: int = 0
    weight: int = 1


class OneRoot:
    """All behind one API root. instances: by NF type, of those that are behind it."""

    def __init__(self, root: str, instances: Mapping[str, str] | None = None) -> None:
        self.root = root
        self._instances = instances or {}

    async def find(
        self, op: Operation, consumer: str, instance: str | None, root: str, plmn: PlmnId | None = None
    ) -> Found:
        if root and root != self.root:
            return Found(root)
        return Found(self.root, instance or self._instances.get(op.owner, ""))

    def failed(self, place: Found) -> None:
        """There is no other."""


@dataclass(slots=True)
class _Kept:
    places: list[Found] = field(default_factory=list)
    until: float = 0.0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Discovery:
    """nrf: the API root of the NRF, and its instance. identities: NF type -> instance of the consumers here.

    abroad: other networks, whose producers our NRF asks their NRFs for (TS 29.510 §5.3.2.2.3).
    """

    def __init__(
        self,
        nrf: str,
        nrf_instance: str,
        identities: Mapping[str, str],
        clock: Clock,
        abroad: Abroad | None = None,
    ) -> None:
        self._nrf = Found(nrf, nrf_instance)
        self._identities = identities
        self._clock = clock
        self._abroad = abroad
        self._kept: dict[tuple[str, str, str, PlmnId | None], _Kept] = {}
        self._instances: dict[str, str] = {nrf: nrf_instance}  # by root, of what was found
        self._rests: dict[str, float] = {}
        self.bus: Bus | None = None

    async def find(
        self, op: Operation, consumer: str, instance: str | None, root: str, plmn: PlmnId | None = None
    ) -> Found:
        """The place that is best now. root: that of a resource or callback, where it stays. Problem 504."""
        if root:
            return Found(root, self._instances.get(root, ""))
        if op.service in OF_THE_NRF:
            abroad = None if plmn is None else self._abroad
            return self._nrf if abroad is None or plmn is None else Found(abroad.nrf(plmn))
        places = await self._places(op, consumer, instance, plmn)
        if not places:
            who = f"NF instance {instance[:60]}" if instance else op.owner
            who += f" of PLMN {plmn}" if plmn is not None else ""
            raise Problem(
                504, "TARGET_NF_NOT_REACHABLE", Why(f"the NRF knows no {who} that offers {op.service}")
            )
        return self._chosen(places)

    def failed(self, place: Found) -> None:
        """It did not answer: others go first for a while, and what is found anew may have moved."""
        if len(self._rests) >= MOST:  # roots of callbacks are as many as their givers like
            self._rests.clear()
        self._rests[place.root] = self._clock.now() + REST_S
        for kept in self._kept.values():
            if any(one.root == place.root for one in kept.places):
                kept.until = min(kept.until, self._clock.now() + LEAST_S)

    def forget(self, instance: str, *, is_new: bool = False) -> None:
        """The NRF says that something has changed with it. One that is new may be better than what was found."""
        for kept in self._kept.values():
            if is_new or not kept.places or any(one.instance == instance for one in kept.places):
                kept.until = 0.0

    def _chosen(self, places: list[Found]) -> Found:
        now = self._clock.now()
        awake = [one for one in places if self._rests.get(one.root, 0.0) <= now] or places
        first = min(one.priority for one in awake)
        best = [one for one in awake if one.priority == first]
        return best[0] if len(best) == 1 else random.choices(best, [one.weight for one in best])[0]

    async def _places(
        self, op: Operation, consumer: str, instance: str | None, plmn: PlmnId | None
    ) -> list[Found]:
        key = (op.service, consumer, instance or "", plmn)
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= MOST:
                del self._kept[next(iter(self._kept))]
            kept = self._kept[key] = _Kept()
        if kept.until <= self._clock.now():
            async with kept.asking:
                if kept.until <= self._clock.now():
                    await self._ask(kept, op, consumer, instance, plmn)
        return kept.places

    async def _ask(
        self, kept: _Kept, op: Operation, consumer: str, instance: str | None, plmn: PlmnId | None
    ) -> None:
        """What was found last goes on to hold while the NRF does not answer."""
        assert self.bus is not None
        query = SearchQuery(
            target_nf_type=op.owner,
            requester_nf_type=consumer,
            requester_nf_instance_id=self._identities.get(consumer),
            # an AMF or SMF that is notified may offer no service of its own, so callbacks name none
            service_names=None if op.callback else [op.service],
            target_nf_instance_id=instance or None,
            target_plmn_list=None if plmn is None else [SbiPlmnId.of(plmn)],
            requester_plmn_list=self._own() if plmn is not None else None,
        )
        try:
            answer = (await self.bus.client(NnrfNFDiscovery, consumer).search(query)).read
        except Problem as problem:
            if problem.status < 500 or not kept.places:
                raise
            kept.until = self._clock.now() + LEAST_S
            return
        found = [
            one for p in answer.nf_instances for one in places_of(p, None if op.callback else op.service)
        ]
        kept.places = found
        kept.until = self._clock.now() + max(
            LEAST_S, float(min(answer.validity_period, LONGEST_S)) if found else 0.0
        )
        if len(self._instances) > MOST:
            self._instances = {self._nrf.root: self._nrf.instance}
        self._instances.update((one.root, one.instance) for one in found)

    def _own(self) -> list[SbiPlmnId] | None:
        """Told where the producer is in another network."""
        return None if self._abroad is None else [SbiPlmnId.of(one) for one in self._abroad.own]


class StatusListener:
    """NFStatusNotify to this process: what was found is asked for again. reference: of its own subscription."""

    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery
        self.references: set[str] = set()

    async def nf_status_notify(self, reference: str, body: NotificationData) -> None:
        """Problem 404: nobody here has subscribed so (TS 29.510 §5.2.2.6.2)."""
        if reference not in self.references:
            raise Problem(404, "SUBSCRIPTION_NOT_FOUND", Why("no such subscription"))
        instance = body.nf_instance_uri.rpartition("/")[2].lower()
        self._discovery.forget(instance, is_new=body.event == "NF_REGISTERED")


def places_of(profile: NFProfile, service: str | None) -> list[Found]:
    """Where a profile says that it offers a service, or any; those of lowest priority first."""
    named = [s for s in profile.services if service in (None, s.service_name)]
    wanted = [s for s in named if s.nf_service_status == "REGISTERED"]
    found = [place for one in wanted for place in _of_service(profile, one)]
    return list(dict.fromkeys(found))


def _of_service(profile: NFProfile, service: NFService) -> list[Found]:
    priority = service.priority if service.priority is not None else profile.priority or 0
    weight = service.capacity if service.capacity is not None else profile.capacity
    port = 443 if service.scheme == "https" else 80
    hosts = [(end.ipv4_address or end.ipv6_address or "", end.port or port) for end in service.ip_end_points]
    hosts = [(host, number) for host, number in hosts if host]
    name = service.fqdn or ("" if hosts else profile.fqdn)
    if name:
        hosts = [(name, number) for _, number in hosts] or [(name, port)]
    if not hosts:
        hosts = [(host, port) for host in (*profile.ipv4_addresses, *profile.ipv6_addresses)]
    prefix = f"/{service.api_prefix.strip('/')}" if service.api_prefix else ""
    return [
        Found(
            f"{service.scheme}://{authority_of(host, number)}{prefix}",
            profile.nf_instance_id,
            priority,
            min(max(1, weight or 1), HEAVIEST),
        )
        for host, number in hosts
    ]
