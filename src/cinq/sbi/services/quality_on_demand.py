"""CAMARA Quality on Demand v1 (github.com/camaraproject/QualityOnDemand): a session of better quality, for a while."""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol, cast

from msgspec import Raw, field

from cinq.procedure import Why
from cinq.sbi.message import CLOUD_EVENT
from cinq.sbi.models import Uri
from cinq.sbi.operation import Created, Model, operation, service
from cinq.sbi.problem import Problem

QosStatus = Literal["REQUESTED", "AVAILABLE", "UNAVAILABLE"]
StatusInfo = Literal["DURATION_EXPIRED", "NETWORK_TERMINATED", "DELETE_REQUESTED"]
CODES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
CODES |= {409: "CONFLICT", 422: "SERVICE_NOT_APPLICABLE", 429: "TOO_MANY_REQUESTS", 503: "UNAVAILABLE"}
OWN = frozenset(
    (
        *("IDENTIFIER_NOT_FOUND", "MISSING_IDENTIFIER", "UNSUPPORTED_IDENTIFIER", "INVALID_SINK"),
        *("INVALID_CREDENTIAL", "CONFLICT", "SERVICE_NOT_APPLICABLE", "OUT_OF_RANGE"),
        "QUALITY_ON_DEMAND.DURATION_OUT_OF_RANGE",
        "QUALITY_ON_DEMAND.SESSION_EXTENSION_NOT_ALLOWED",
    )
)


class ErrorInfo(Model):
    """How CAMARA APIs refuse."""

    status: int
    code: str
    message: str

    @classmethod
    def of(cls, problem: Exception) -> ErrorInfo | None:
        found = cast(Problem, problem)
        code = found.cause if found.cause in OWN else CODES.get(found.status, "INTERNAL")
        message = str(found.details.detail or code)[:512]
        return cls(status=found.status, code=code or "INTERNAL", message=message)

    def problem(self, status: int) -> Exception:
        return Problem(status, self.code, Why(self.message))


class DeviceIpv4Address(Model):
    """privateAddress: the UE's own, where publicAddress is that of a NAT."""

    public_address: str | None = None
    private_address: str | None = None
    public_port: int | None = None


class Device(Model):
    ipv4_address: DeviceIpv4Address | None = None
    ipv6_address: str | None = None
    phone_number: str | None = None
    network_access_identifier: str | None = None


class ApplicationServer(Model):
    """Addresses or subnets."""

    ipv4_address: str | None = None
    ipv6_address: str | None = None


class PortRange(Model):
    from_: int = field(name="from")
    to: int


class PortsSpec(Model):
    ranges: list[PortRange] = []
    ports: list[int] = []


class CreateSession(Model):
    """duration: seconds. sink: where events go."""

    application_server: ApplicationServer
    qos_profile: str
    duration: int
    device: Device | None = None
    device_ports: PortsSpec | None = None
    application_server_ports: PortsSpec | None = None
    sink: Uri | None = None
    sink_credential: Raw | None = None


class SessionInfo(Model):
    session_id: str
    duration: int
    qos_status: QosStatus
    application_server: ApplicationServer
    qos_profile: str
    device: Device | None = None
    device_ports: PortsSpec | None = None
    application_server_ports: PortsSpec | None = None
    sink: Uri | None = None
    started_at: str | None = None
    expires_at: str | None = None
    status_info: StatusInfo | None = None


class ExtendSessionDuration(Model):
    requested_additional_duration: int


class RetrieveSessionsInput(Model):
    device: Device | None = None


class StatusChanged(Model):
    session_id: str
    qos_status: Literal["AVAILABLE", "UNAVAILABLE"]
    status_info: StatusInfo | None = None


class CloudEvent(Model, rename=None):
    """CloudEvents 1.0, in structured mode."""

    CONTENT_TYPE: ClassVar[str] = CLOUD_EVENT

    id: str
    source: str
    time: str
    data: StatusChanged
    type: str = "org.camaraproject.quality-on-demand.v1.qos-status-changed"
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


@service("quality-on-demand", "v1")
class QualityOnDemand(Protocol):
    @operation("QualityOnDemand_createSession", "POST", "/sessions", 201, error=ErrorInfo)
    async def create_session(self, body: CreateSession) -> Created[SessionInfo]:
        """404 IDENTIFIER_NOT_FOUND: no UE has the address now."""
        ...

    @operation("QualityOnDemand_getSession", "GET", "/sessions/{sessionId}", error=ErrorInfo)
    async def get_session(self, session_id: str) -> SessionInfo: ...

    @operation("QualityOnDemand_deleteSession", "DELETE", "/sessions/{sessionId}", 204, error=ErrorInfo)
    async def delete_session(self, session_id: str) -> None: ...

    @operation(
        "QualityOnDemand_extendQosSessionDuration", "POST", "/sessions/{sessionId}/extend", error=ErrorInfo
    )
    async def extend(self, session_id: str, body: ExtendSessionDuration) -> SessionInfo: ...

    @operation("QualityOnDemand_retrieveSessionsByDevice", "POST", "/retrieve-sessions", error=ErrorInfo)
    async def retrieve(self, body: RetrieveSessionsInput) -> list[SessionInfo]: ...


@service("sink-callback", "v1")
class SinkCallback(Protocol):
    """Events, at the sink that the application gave."""

    @operation("QualityOnDemand_notify", "POST", "/events", 204)
    async def event(self, body: CloudEvent) -> None: ...
