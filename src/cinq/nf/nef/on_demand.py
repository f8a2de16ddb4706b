"""CAMARA Quality on Demand: a session of better quality for a while."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from ipaddress import ip_network

from msgspec.structs import replace

from cinq.nf.nef.as_session import address_of
from cinq.nf.nef.clients import Clients, may_be_told
from cinq.nf.nef.context import Demand, Demands
from cinq.nf.nef.policy import Policy
from cinq.nf.nef.settings import Application, Settings
from cinq.procedure import Clock, Why
from cinq.sbi import Created, Problem, date_time
from cinq.sbi.services.nef_northbound import FlowInfo
from cinq.sbi.services.quality_on_demand import (
    CreateSession,
    Device,
    ExtendSessionDuration,
    PortsSpec,
    RetrieveSessionsInput,
    SessionInfo,
    StatusInfo,
)

KEPT_S = 360.0  # for which a session that has ended is still shown
MOST_PORTS = 8
MOST_SHOWN = 100
PORTS = range(1, 65_536)


class QualityOnDemand:
    """tell: (name, session): what is to be told of it."""

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        demands: Demands,
        policy: Policy,
        clock: Clock,
        entropy: Callable[[int], bytes],
        tell: Callable[[SessionInfo], None],
    ) -> None:
        self._profiles = {one.name: one for one in settings.profiles}
        self._clients = clients
        self._demands = demands
        self._policy = policy
        self._clock = clock
        self._entropy = entropy
        self._tell = tell

    async def create_session(self, body: CreateSession) -> Created[SessionInfo]:
        """REQUESTED until UE and gNB have the flow."""
        application = self._clients.asking()
        self._check(application, body)
        address = _device(body.device)
        flows = _flows(body, address)
        self._policy.refuse_where_too_many(application.id)
        for _, one in self._demands.of(application.id):
            there = one.session
            if there is not None and one.app_session and one.address == address:
                same = there.application_server == body.application_server
                ports = there.application_server_ports, there.device_ports
                if same and ports == (body.application_server_ports, body.device_ports):
                    raise Problem(409, "CONFLICT", Why("the device has such a session already"))
        name = str(uuid.UUID(bytes=self._entropy(16), version=4))
        try:
            app_session = await self._policy.ask(name, address, flows, qos=body.qos_profile)
        except Problem as problem:
            if problem.cause == "PDU_SESSION_NOT_AVAILABLE":
                raise Problem(404, "IDENTIFIER_NOT_FOUND", Why(f"no device has {address} now")) from None
            if problem.status in (400, 403):
                raise Problem(422, "SERVICE_NOT_APPLICABLE", problem.why) from None
            raise
        session = SessionInfo(
            session_id=name,
            duration=body.duration,
            qos_status="REQUESTED",
            application_server=body.application_server,
            qos_profile=body.qos_profile,
            device=body.device,
            device_ports=body.device_ports,
            application_server_ports=body.application_server_ports,
            sink=body.sink,
        )
        made = Demand(
            application.id, address, app_session, session=session, ends=self._clock.now() + body.duration
        )
        self._demands.put(name, made)
        return Created(f"/sessions/{name}", session)

    async def get_session(self, session_id: str) -> SessionInfo:
        return self._known(session_id)[1]

    async def delete_session(self, session_id: str) -> None:
        demand, session = self._known(session_id)
        await self._policy.end(demand.app_session)
        self._demands.remove(session_id)
        if session.qos_status == "AVAILABLE":
            self._tell(self._ended(session, "DELETE_REQUESTED"))

    async def extend(self, session_id: str, body: ExtendSessionDuration) -> SessionInfo:
        demand, session = self._known(session_id)
        if session.qos_status != "AVAILABLE":
            why = Why(f"the session is {session.qos_status}")
            raise Problem(409, "QUALITY_ON_DEMAND.SESSION_EXTENSION_NOT_ALLOWED", why)
        if body.requested_additional_duration < 1:
            raise Problem(400, "OUT_OF_RANGE", Why("requestedAdditionalDuration: wanted 1 second at least"))
        longest = self._profiles[session.qos_profile].longest_s
        duration = min(session.duration + body.requested_additional_duration, longest)
        ends = demand.ends + duration - session.duration
        longer = replace(session, duration=duration, expires_at=date_time.written(ends))
        self._demands.put(session_id, replace(demand, session=longer, ends=ends))
        return longer

    async def retrieve(self, body: RetrieveSessionsInput) -> list[SessionInfo]:
        address = _device(body.device)
        found = self._demands.of(self._clients.asking().id)
        shown = [one.session for _, one in found if one.session is not None and one.address == address]
        return shown[:MOST_SHOWN]

    # what becomes of it

    def available(self, name: str, demand: Demand, session: SessionInfo) -> None:
        """UE and gNB have the flow: from now on it lasts so long."""
        if session.qos_status != "REQUESTED":
            return
        now = self._clock.now()
        ends = now + session.duration
        made = replace(
            session,
            qos_status="AVAILABLE",
            started_at=date_time.written(now),
            expires_at=date_time.written(ends),
        )
        self._demands.put(name, replace(demand, session=made, ends=ends))
        self._tell(made)

    def over(self, name: str, demand: Demand, session: SessionInfo, why: StatusInfo) -> None:
        """Shown for a while still; nothing of it is in force."""
        made = self._ended(session, why)
        ends = self._clock.now() + KEPT_S
        self._demands.put(name, replace(demand, app_session="", session=made, ends=ends))
        self._tell(made)

    async def look(self) -> None:
        """Whose time is over. Problem 5xx: the PCF cannot be told now; it is tried again."""
        now = self._clock.now()
        for name, demand in self._demands.items():
            session = demand.session
            if session is None or demand.ends > now or self._demands.get(name) is not demand:
                continue
            if session.qos_status == "UNAVAILABLE":
                self._demands.remove(name)
            else:
                await self._policy.end(demand.app_session)
                self.over(name, demand, session, "DURATION_EXPIRED")

    def _ended(self, session: SessionInfo, why: StatusInfo) -> SessionInfo:
        now = self._clock.now()
        return replace(
            session,
            qos_status="UNAVAILABLE",
            status_info=why,
            expires_at=date_time.written(now) if session.started_at else None,
        )

    def _known(self, name: str) -> tuple[Demand, SessionInfo]:
        application, found = self._clients.asking(), self._demands.get(name)
        if found is None or found.application != application.id or found.session is None:
            raise Problem(404, "NOT_FOUND", Why(f"there is no session {name[:60]}"))
        return found, found.session

    def _check(self, application: Application, body: CreateSession) -> None:
        profile = self._profiles.get(body.qos_profile)
        if profile is None:
            named = ", ".join(self._profiles) or "none"
            what = f"qosProfile: found {body.qos_profile[:40]!r}, offered are {named}"
            raise Problem(400, "INVALID_ARGUMENT", Why(what))
        if not 1 <= body.duration <= profile.longest_s:
            what = f"duration: found {body.duration}, wanted 1 to {profile.longest_s} seconds"
            raise Problem(400, "QUALITY_ON_DEMAND.DURATION_OUT_OF_RANGE", Why(what))
        if body.sink_credential is not None:
            what = "sinkCredential: events are sent without a credential"
            raise Problem(400, "INVALID_CREDENTIAL", Why(what))
        if body.sink is not None and not may_be_told(application, body.sink):
            raise Problem(400, "INVALID_SINK", Why("sink is none of those that are agreed on"))


def _device(device: Device | None) -> str:
    """The UE's own address. Problem 422: none is named, or by what is not known here; 400: it is none."""
    if device is None:
        raise Problem(422, "MISSING_IDENTIFIER", Why("device: wanted ipv4Address or ipv6Address"))
    four = device.ipv4_address
    own = None if four is None else four.private_address or four.public_address
    if own is None and device.ipv6_address is None:
        raise Problem(422, "UNSUPPORTED_IDENTIFIER", Why("device: wanted ipv4Address or ipv6Address"))
    try:
        return address_of(own, None if own else device.ipv6_address)
    except Problem as problem:
        raise Problem(400, "INVALID_ARGUMENT", problem.why) from None


def _flows(body: CreateSession, address: str) -> list[FlowInfo]:
    """Both ways; of TCP and of UDP where ports are named. Problem 400: no server of the device's version of IP."""
    six = ":" in address
    server = body.application_server.ipv6_address if six else body.application_server.ipv4_address
    if server is None:
        what = f"applicationServer: wanted ipv{6 if six else 4}Address, as the device has"
        raise Problem(400, "INVALID_ARGUMENT", Why(what))
    try:
        network = ip_network(server, strict=False)
    except ValueError:
        raise Problem(400, "INVALID_ARGUMENT", Why("applicationServer: it is no address")) from None
    if network.version != (6 if six else 4):
        raise Problem(400, "INVALID_ARGUMENT", Why("applicationServer: it is of the other version of IP"))
    far = str(network.network_address) if network.num_addresses == 1 else str(network)
    far = "any" if not network.prefixlen else far
    far_ports = _ports("applicationServerPorts", body.application_server_ports)
    ports = _ports("devicePorts", body.device_ports)
    protocols = ("6", "17") if far_ports or ports else ("ip",)
    return [
        FlowInfo(
            flow_id=number,
            flow_descriptions=[
                f"permit out {protocol} from {far}{far_ports} to {address}{ports}",
                f"permit in {protocol} from {address}{ports} to {far}{far_ports}",
            ],
        )
        for number, protocol in enumerate(protocols, 1)
    ]


def _ports(name: str, spec: PortsSpec | None) -> str:
    if spec is None:
        return ""
    ranges = [(one.from_, one.to) for one in spec.ranges] + [(port, port) for port in spec.ports]
    wrong = any(first not in PORTS or last not in PORTS or first > last for first, last in ranges)
    if not 1 <= len(ranges) <= MOST_PORTS or wrong:
        raise Problem(
            400, "INVALID_ARGUMENT", Why(f"{name}: wanted 1 to {MOST_PORTS} ports or ranges of them")
        )
    return " " + ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)
