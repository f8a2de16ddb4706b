"""What begins the SMF's procedures when no 5GSM message does.

A Signal is what the SMF itself or the AMF wants of a session (`session.want(...)`, `await session.demand(...)`): it
takes its turn. The others are events (`session.receive(...)`): they meet the collision rules as messages do.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from ipaddress import IPv4Address

from cinq.nf.smf.context import SmContext
from cinq.nf.smf.mobility import Acknowledged, Switched
from cinq.nf.smf.n2 import Resources
from cinq.nf.smf.settings import DataNetwork
from cinq.procedure import Refused, Signal, Why
from cinq.sbi.models import PlmnIdNid, UserLocation
from cinq.sbi.services.npcf_smpolicycontrol import FailureCode
from cinq.wire import nas, ngap
from cinq.wire.nas import GsmCause


class GnbRefused(Refused):
    """What a gNB asked for is refused. cause: what it is told."""

    def __init__(self, cause: ngap.Cause, why: Why) -> None:
        super().__init__(None, why)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Setup(Signal[None]):
    """The gNB carries the session."""

    made: Resources


@dataclass(frozen=True, slots=True)
class SetupRefused(Signal[None]):
    """The gNB has no resources for the session."""

    cause: str


@dataclass(frozen=True, slots=True)
class Activation(Signal[bytes]):
    """The UE wants its user plane back. The result: the transfer for the gNB."""


@dataclass(frozen=True, slots=True)
class Deactivation(Signal[None]):
    """The AN was released."""

    cause: str


@dataclass(frozen=True, slots=True)
class Restoration(Signal[None]):
    """The UPF has to get the session again."""


@dataclass(frozen=True, slots=True)
class PathSwitch(Signal[bytes]):
    """Xn handover: the target gNB carries the session. The result: the transfer that acknowledges it."""

    switched: Switched


@dataclass(frozen=True, slots=True)
class PathSwitchFailed(Signal[None]):
    """Xn handover: the target gNB does not carry the session."""

    cause: ngap.Cause


@dataclass(frozen=True, slots=True)
class HandoverPreparation(Signal[bytes]):
    """N2 handover: the source gNB asks. The result: the transfer for the target. direct: the two reach each other."""

    direct: bool


@dataclass(frozen=True, slots=True)
class HandoverPrepared(Signal[bytes]):
    """The target gNB has the resources. The result: the transfer for the source."""

    acknowledged: Acknowledged


@dataclass(frozen=True, slots=True)
class HandoverNotPrepared(Signal[None]):
    """The target gNB has no resources."""

    cause: str


@dataclass(frozen=True, slots=True)
class HandoverCompleted(Signal[None]):
    """The UE is at the target gNB."""


@dataclass(frozen=True, slots=True)
class HandoverCancelled(Signal[None]):
    """The UE stays at the source gNB."""

    cause: str


@dataclass(frozen=True, slots=True)
class HandoverFailed(Signal[None]):
    """The UE is at the target gNB, and the session is not."""


@dataclass(frozen=True, slots=True)
class ForwardingEnds(Signal[None]):
    """The timer for indirect data forwarding has run out. forwarding: that which it was for."""

    forwarding: object


@dataclass(frozen=True, slots=True)
class ModifyIndication(Signal[bytes]):
    """The gNB moves the session to another tunnel of its own. The result: the transfer that confirms it."""

    made: Resources


@dataclass(frozen=True, slots=True)
class QosNotified(Signal[None]):
    """Notification control: the guaranteed rate of these GBR flows is met again, or is not."""

    fulfilled: frozenset[int]
    unfulfilled: frozenset[int]


@dataclass(frozen=True, slots=True)
class SubscriptionChanged(Signal[None]):
    """The UDM has other session management data."""


@dataclass(frozen=True, slots=True)
class Modification(Signal[None]):
    """What the session is to be (PduSession.wanted) has changed."""


@dataclass(frozen=True, slots=True)
class Relocation(Signal[None]):
    """The session is to have another anchor, as its SSC mode has it."""


@dataclass(frozen=True, slots=True)
class UeModification(Signal[None]):
    """The UE's request, and the AMF that waits for what is to go to UE (n1) and gNB (n2)."""

    message: nas.PDUSessionModificationRequest
    answer: asyncio.Future[tuple[bytes, bytes]]

    def first(self, n1: bytes, n2: bytes) -> bool:
        """The first answer travels in the answer to the AMF; False when that has left."""
        if self.answer.done():
            return False
        self.answer.set_result((n1, n2))
        return True


@dataclass(frozen=True, slots=True)
class FlowsLost(Signal[None]):
    """The gNB does not carry these QoS flows (any more). code: what the PCF is told."""

    qfis: frozenset[int]
    code: FailureCode


@dataclass(frozen=True, slots=True)
class UeRelease(Signal[None]):
    """The UE's request, and the AMF that waits for what is to go to UE (n1) and gNB (n2)."""

    message: nas.PDUSessionReleaseRequest
    answer: asyncio.Future[tuple[bytes, bytes]]

    def first(self, n1: bytes, n2: bytes) -> bool:
        """The first command travels in the answer to the AMF; False when that has left."""
        if self.answer.done():
            return False
        self.answer.set_result((n1, n2))
        return True


@dataclass(frozen=True, slots=True)
class NetworkRelease(Signal[None]):
    """The network ends the session."""

    cause: GsmCause


@dataclass(frozen=True, slots=True)
class LocalRelease(Signal[None]):
    """The AMF has no session (any more)."""

    why: str


@dataclass(frozen=True, slots=True)
class SmContextCreated:
    """Steps 3 to 6 of an establishment are done: the UE may have this session, and the AMF knows its name."""

    context: SmContext
    request: nas.PDUSessionEstablishmentRequest
    network: DataNetwork
    serving: PlmnIdNid
    location: UserLocation | None = None


@dataclass(frozen=True, slots=True)
class SmContextResumed:
    """The UE asks for a session that it has, by an establishment request: it keeps it."""

    request: nas.PDUSessionEstablishmentRequest
    network: DataNetwork


@dataclass(frozen=True, slots=True)
class DownlinkData:
    """The UPF keeps a packet for the UE."""


class Hindrance:
    """What keeps a command from its answer. is_passing: it is worth another attempt a little later."""

    reason: str = ""
    is_passing: bool = False


@dataclass(frozen=True, slots=True)
class NotModified(Hindrance):
    """The gNB did nothing of it, and did not pass the command on (TS 23.502 §4.3.3.2 step 7)."""

    reason: str
    is_passing: bool


@dataclass(frozen=True, slots=True)
class UeNotReached(Hindrance):
    """The AMF gave up paging."""

    reason: str = "the UE does not answer paging"


@dataclass(frozen=True, slots=True)
class TunnelGone:
    """The gNB answered the UPF by Error Indication: it knows nothing of these tunnels. ends: TEID and address."""

    ends: tuple[tuple[int, IPv4Address | None], ...]


@dataclass(frozen=True, slots=True)
class N1N2TransferFailed(Hindrance):
    """The AMF could not pass a message on: there is nobody to wait for."""

    reason: str = ""
    is_passing: bool = False


RELEASES = (UeRelease, NetworkRelease, LocalRelease)
MODIFICATIONS = (Modification, UeModification, FlowsLost, Relocation)
