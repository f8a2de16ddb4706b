"""The NEF as a whole: its APIs to applications, and what it hears of the PCF."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from cinq.nf.nef.as_session import AsSessionWithQoS, TrafficInfluence
from cinq.nf.nef.clients import Clients
from cinq.nf.nef.context import Demand, Demands
from cinq.nf.nef.monitoring import Monitoring
from cinq.nf.nef.on_demand import QualityOnDemand
from cinq.nf.nef.policy import Policy
from cinq.nf.nef.settings import Settings
from cinq.procedure import Clock, Why
from cinq.procedure.store import Store
from cinq.sbi import Bus, Problem, date_time
from cinq.sbi.callback import notify
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services import quality_on_demand as qod
from cinq.sbi.services.namf_eventexposure import NnefEventCallback
from cinq.sbi.services.nef_monitoring import NefMonitoringEvent
from cinq.sbi.services.nef_northbound import (
    NefAccessToken,
    NefAsSessionWithQoS,
    NefTrafficInfluence,
    UserPlaneEvent,
    UserPlaneEventReport,
    UserPlaneNotificationData,
)
from cinq.sbi.services.npcf_policyauthorization import EventsNotification, NnefPolicyCallback, TerminationInfo
from cinq.sbi.token import SigningKey

log = logging.getLogger("cinq.nef")

MOST_WAITING = 10_000  # notifications that are to be sent


class NEF:
    """north: by which applications are told, on the interface that they see."""

    def __init__(
        self,
        settings: Settings,
        sbi: Bus,
        north: Bus,
        store: Store,
        clock: Clock,
        entropy: Callable[[int], bytes],
        instance_id: str,
        key: SigningKey,
    ) -> None:
        self.instance_id = instance_id
        self._north = north
        self._clock = clock
        self._entropy = entropy
        self._demands = Demands(store)
        self._clients = Clients(settings, key, clock, instance_id)
        policy = Policy(settings, sbi, self._demands)
        self._policy = policy
        self._quality = AsSessionWithQoS(settings, self._clients, self._demands, policy, entropy, north.uri)
        self._routes = TrafficInfluence(self._clients, self._demands, policy, entropy, north.uri)
        self._sessions = QualityOnDemand(
            settings, self._clients, self._demands, policy, clock, entropy, self._changed
        )
        self._monitoring = Monitoring(
            self._clients, self._demands, policy, entropy, sbi, north, lambda *one: self._waiting.append(one)
        )
        self._waiting: deque[tuple[str, object]] = deque(maxlen=MOST_WAITING)

    def services(self) -> list[tuple[type, object]]:
        """To other network functions."""
        return [(NnefPolicyCallback, self), (NnefEventCallback, self._monitoring)]

    def apis(self) -> list[tuple[type, object]]:
        """To applications."""
        return [
            (NefAccessToken, self._clients),
            (NefAsSessionWithQoS, self._quality),
            (NefTrafficInfluence, self._routes),
            (qod.QualityOnDemand, self._sessions),
            (NefMonitoringEvent, self._monitoring),
        ]

    def profile(self) -> NFProfile:
        return NFProfile(nf_instance_id=self.instance_id, nf_type="NEF", nf_status="REGISTERED")

    async def look(self) -> None:
        """To be called often: what has lasted long enough ends, and what waits to be told is told."""
        try:
            await self._sessions.look()
        except Problem as problem:
            log.warning("what has ended is not ended at the PCF yet: %s", problem)
        while self._waiting:
            uri, body = self._waiting.popleft()
            try:
                await notify(self._north, "NEF", uri, body)
            except Problem as problem:
                log.warning("an application is not told: %s", problem)

    # Npcf_PolicyAuthorization_Notify

    async def events_notify(self, reference: str, body: EventsNotification) -> None:
        """TS 29.514 §4.2.5."""
        demand = self._known(reference)
        for each in body.ev_notifs:
            if each.event == "SUCCESSFUL_RESOURCES_ALLOCATION":
                self._happened(reference, demand, each.event)
                if demand.session is not None:
                    self._sessions.available(reference, demand, demand.session)
            elif each.event == "FAILED_RESOURCES_ALLOCATION":
                self._happened(reference, demand, each.event)
                if demand.session is not None:
                    await self._policy.end(demand.app_session)
                    self._sessions.over(reference, demand, demand.session, "NETWORK_TERMINATED")

    async def terminate_notify(self, reference: str, body: TerminationInfo) -> None:
        """TS 29.514 §4.2.5.3: the PDU session is gone, and the application session with it."""
        demand = self._known(reference)
        if demand.session is not None:
            if demand.app_session:
                self._sessions.over(reference, demand, demand.session, "NETWORK_TERMINATED")
            return
        self._happened(reference, demand, "SESSION_TERMINATION")
        self._demands.remove(reference)

    def _known(self, reference: str) -> Demand:
        found = self._demands.get(reference)
        if found is None:
            raise Problem(404, "SUBSCRIPTION_NOT_FOUND", Why(f"there is no {reference[:60]}"))
        return found

    def _happened(self, reference: str, demand: Demand, event: UserPlaneEvent) -> None:
        """TS 29.122 §4.4.13."""
        quality = demand.quality
        if quality is None:
            return
        place = f"/3gpp-as-session-with-qos/v1/{demand.application}/subscriptions/{reference}"
        report = UserPlaneEventReport(event=event, flow_ids=[flow.flow_id for flow in quality.flow_info])
        body = UserPlaneNotificationData(transaction=self._north.uri(place), event_reports=[report])
        self._waiting.append((quality.notification_destination, body))

    def _changed(self, session: qod.SessionInfo) -> None:
        """The sink hears of it."""
        if session.sink is None or session.qos_status == "REQUESTED":
            return
        data = qod.StatusChanged(
            session_id=session.session_id, qos_status=session.qos_status, status_info=session.status_info
        )
        event = qod.CloudEvent(
            id=self._entropy(16).hex(),
            source=self._north.uri(f"/quality-on-demand/v1/sessions/{session.session_id}"),
            time=date_time.written(self._clock.now()),
            data=data,
        )
        self._waiting.append((session.sink, event))
