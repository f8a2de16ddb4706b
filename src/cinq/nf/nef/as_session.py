"""AsSessionWithQoS (TS 29.122 §4.4.13, TS 29.522 §4.4.9) and TrafficInfluence for one UE (TS 29.522 §4.4.7.2)."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from msgspec.structs import replace

from cinq.nf.nef.clients import Clients, may_be_told
from cinq.nf.nef.context import Demand, Demands
from cinq.nf.nef.policy import Policy
from cinq.nf.nef.settings import Application, Settings
from cinq.procedure import Why
from cinq.sbi import Created, InvalidParam, Problem
from cinq.sbi.services.nef_northbound import (
    AsSessionWithQoSSubscription,
    AsSessionWithQoSSubscriptionPatch,
    TrafficInfluSub,
)

MOST_ROUTES = 8


class AsSessionWithQoS:
    """A subscription is an application session at the PCF."""

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        demands: Demands,
        policy: Policy,
        entropy: Callable[[int], bytes],
        uri: Callable[[str], str],
    ) -> None:
        self._uri = uri
        self._profiles = {one.name for one in settings.profiles}
        self._clients = clients
        self._demands = demands
        self._policy = policy
        self._entropy = entropy

    async def create(
        self, scs_as_id: str, body: AsSessionWithQoSSubscription
    ) -> Created[AsSessionWithQoSSubscription]:
        application = self._clients.asking(scs_as_id)
        address = self._checked(application, body)
        self._policy.refuse_where_too_many(application.id)
        reference = self._entropy(12).hex()
        session = await self._policy.ask(
            reference, address, body.flow_info, qos=body.qos_reference, dnn=body.dnn, snssai=body.snssai
        )
        self._demands.put(reference, Demand(application.id, address, session, quality=body))
        return Created(f"/{scs_as_id}/subscriptions/{reference}", self._named(scs_as_id, reference, body))

    async def list_all(self, scs_as_id: str) -> list[AsSessionWithQoSSubscription]:
        application = self._clients.asking(scs_as_id)
        return [
            self._named(scs_as_id, name, one.quality)
            for name, one in self._demands.of(application.id)
            if one.quality is not None
        ]

    async def read(self, scs_as_id: str, subscription_id: str) -> AsSessionWithQoSSubscription:
        return self._named(scs_as_id, subscription_id, self._known(scs_as_id, subscription_id)[1])

    async def update(
        self, scs_as_id: str, subscription_id: str, body: AsSessionWithQoSSubscription
    ) -> AsSessionWithQoSSubscription:
        demand, _ = self._known(scs_as_id, subscription_id)
        if self._checked(self._clients.asking(scs_as_id), body) != demand.address:
            raise _incorrect("ueIpv4Addr", "the UE of a subscription does not change")
        await self._policy.change(demand.app_session, body.flow_info, body.qos_reference)
        self._demands.put(subscription_id, replace(demand, quality=body))
        return self._named(scs_as_id, subscription_id, body)

    async def modify(
        self, scs_as_id: str, subscription_id: str, body: AsSessionWithQoSSubscriptionPatch
    ) -> AsSessionWithQoSSubscription:
        _, quality = self._known(scs_as_id, subscription_id)
        given = {name: one for name in body.__struct_fields__ if (one := getattr(body, name)) is not None}
        return await self.update(scs_as_id, subscription_id, replace(quality, **given))

    async def delete(self, scs_as_id: str, subscription_id: str) -> None:
        demand, _ = self._known(scs_as_id, subscription_id)
        await self._policy.end(demand.app_session)
        self._demands.remove(subscription_id)

    def _named(
        self, application: str, name: str, one: AsSessionWithQoSSubscription
    ) -> AsSessionWithQoSSubscription:
        place = f"/3gpp-as-session-with-qos/v1/{application}/subscriptions/{name}"
        return replace(one, self_=self._uri(place))

    def _checked(self, application: Application, body: AsSessionWithQoSSubscription) -> str:
        """The address of the UE. Problem 400 or 403."""
        if not may_be_told(application, body.notification_destination):
            what = "notificationDestination is none of those of the application"
            raise Problem(
                403, "REQUEST_NOT_AUTHORIZED", Why(what, "name its API root in notify of its [[af]]")
            )
        if body.qos_reference not in self._profiles:
            named = ", ".join(sorted(self._profiles)) or "none"
            raise _incorrect("qosReference", f"found {str(body.qos_reference)[:40]!r}, offered are {named}")
        return address_of(body.ue_ipv4_addr, body.ue_ipv6_addr)

    def _known(self, application: str, name: str) -> tuple[Demand, AsSessionWithQoSSubscription]:
        self._clients.asking(application)
        found = self._demands.get(name)
        if found is None or found.application != application or found.quality is None:
            raise unknown(name)
        return found, found.quality


class TrafficInfluence:
    """For the UE of an address: its packets leave where the DNAI is."""

    def __init__(
        self,
        clients: Clients,
        demands: Demands,
        policy: Policy,
        entropy: Callable[[int], bytes],
        uri: Callable[[str], str],
    ) -> None:
        self._uri = uri
        self._clients = clients
        self._demands = demands
        self._policy = policy
        self._entropy = entropy

    async def create(self, af_id: str, body: TrafficInfluSub) -> Created[TrafficInfluSub]:
        application = self._clients.asking(af_id)
        if not 1 <= len(body.traffic_routes) <= MOST_ROUTES:
            raise _incorrect("trafficRoutes", f"wanted 1 to {MOST_ROUTES}")
        address = address_of(body.ipv4_addr, body.ipv6_addr)
        self._policy.refuse_where_too_many(application.id)
        reference = self._entropy(12).hex()
        session = await self._policy.ask(
            reference,
            address,
            body.traffic_filters,
            routes=body.traffic_routes,
            dnn=body.dnn,
            snssai=body.snssai,
        )
        self._demands.put(reference, Demand(application.id, address, session, route=body))
        return Created(f"/{af_id}/subscriptions/{reference}", self._route(af_id, reference, body))

    async def list_all(self, af_id: str) -> list[TrafficInfluSub]:
        application = self._clients.asking(af_id)
        return [
            self._route(af_id, name, one.route)
            for name, one in self._demands.of(application.id)
            if one.route is not None
        ]

    async def read(self, af_id: str, subscription_id: str) -> TrafficInfluSub:
        return self._route(af_id, subscription_id, self._known(af_id, subscription_id)[1])

    async def delete(self, af_id: str, subscription_id: str) -> None:
        demand, _ = self._known(af_id, subscription_id)
        await self._policy.end(demand.app_session)
        self._demands.remove(subscription_id)

    def _route(self, application: str, name: str, one: TrafficInfluSub) -> TrafficInfluSub:
        place = f"/3gpp-traffic-influence/v1/{application}/subscriptions/{name}"
        return replace(one, self_=self._uri(place))

    def _known(self, application: str, name: str) -> tuple[Demand, TrafficInfluSub]:
        self._clients.asking(application)
        found = self._demands.get(name)
        if found is None or found.application != application or found.route is None:
            raise unknown(name)
        return found, found.route


def address_of(four: str | None, six: str | None) -> str:
    """As it is written. Problem 400: none, both, or it is none."""
    given = [each for each in (four, six) if each is not None]
    if len(given) != 1:
        raise _incorrect("ueIpv4Addr", "wanted one address of the UE")
    try:
        return str(IPv4Address(given[0]) if four is not None else IPv6Address(given[0]))
    except ValueError:
        raise _incorrect("ueIpv4Addr", f"{given[0][:50]!r} is no address") from None


def unknown(name: str) -> Problem:
    """The same for what is there and is another's."""
    return Problem(404, "SUBSCRIPTION_NOT_FOUND", Why(f"there is no {name[:60]}"))


def _incorrect(name: str, why: str) -> Problem:
    invalid = InvalidParam(param=f"/{name}", reason=why[:200])
    return Problem(400, "MANDATORY_IE_INCORRECT", Why(f"{name}: {why}"), invalid)
