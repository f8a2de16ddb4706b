"""What the AMF itself asks of a UE or a gNB: each signal opens the procedure that declares it."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.nf.amf.context import Content, Leaving
from cinq.nf.amf.warnings import Warning
from cinq.procedure import Signal
from cinq.sbi.services.npcf_ampolicycontrol import PolicyUpdate
from cinq.wire import ngap

# of a UE


@dataclass(frozen=True, slots=True)
class ReleaseConnection(Signal[None]):
    """Its connection is of no more use (procedures.ngap.an_release)."""

    cause: ngap.Cause


@dataclass(frozen=True, slots=True)
class DeactivateSessions(Signal[None]):
    """Its connection is gone: the SMFs let the user plane of its sessions go idle (procedures.ngap.an_release)."""


@dataclass(frozen=True, slots=True)
class Page(Signal[None]):
    """Something waits for it (procedures.gmm.paging)."""


@dataclass(frozen=True, slots=True)
class UpdateConfiguration(Signal[None]):
    """It is to be told of these and of what is due (procedures.gmm.configuration_update)."""

    contents: tuple[Content, ...] = ()


@dataclass(frozen=True, slots=True)
class RenewKeys(Signal[None]):
    """Its keys are nearly used up, or its algorithms are no longer those wanted (procedures.gmm.key_renewal)."""


@dataclass(frozen=True, slots=True)
class SubscriptionChanged(Signal[None]):
    """The UDM says that its data have changed (procedures.gmm.subscription_change)."""


@dataclass(frozen=True, slots=True)
class PolicyChanged(Signal[None]):
    """The PCF says what changes (procedures.gmm.subscription_change)."""

    update: PolicyUpdate


@dataclass(frozen=True, slots=True)
class PolicyEnded(Signal[None]):
    """The PCF wants the association ended (procedures.gmm.subscription_change)."""


@dataclass(frozen=True, slots=True)
class GoneSilent(Signal[None]):
    """It has not been heard of for longer than its timers allow (procedures.gmm.deregistration)."""


@dataclass(frozen=True, slots=True)
class Deregister(Signal[None]):
    """The network wants it gone, and tells it (procedures.gmm.network_deregistration)."""

    leaving: Leaving


@dataclass(frozen=True, slots=True)
class Superseded(Signal[None]):
    """The subscriber has proved who it is elsewhere (procedures.gmm.deregistration)."""


# of a connection


@dataclass(frozen=True, slots=True)
class ReleaseContext(Signal[None]):
    """It is of no more use (procedures.ngap.context_release)."""

    cause: ngap.Cause


@dataclass(frozen=True, slots=True)
class ContextSetupSent(Signal[None]):
    """An INITIAL CONTEXT SETUP REQUEST is out, with resources of these PDU sessions (procedures.ngap.context_setup)."""

    sessions: frozenset[int]


@dataclass(frozen=True, slots=True)
class ContextModificationSent(Signal[None]):
    """A UE CONTEXT MODIFICATION REQUEST is out (procedures.ngap.context_modification)."""


@dataclass(frozen=True, slots=True)
class ResourceSetupSent(Signal[None]):
    """A PDU SESSION RESOURCE SETUP REQUEST is out (procedures.ngap.session_resources)."""

    sessions: frozenset[int]


@dataclass(frozen=True, slots=True)
class ResourceModifySent(Signal[None]):
    """A PDU SESSION RESOURCE MODIFY REQUEST is out (procedures.ngap.session_resources)."""

    sessions: frozenset[int]


@dataclass(frozen=True, slots=True)
class ResourceReleaseSent(Signal[None]):
    """A PDU SESSION RESOURCE RELEASE COMMAND is out (procedures.ngap.session_resources)."""

    sessions: frozenset[int]


@dataclass(frozen=True, slots=True)
class AllocateResources(Signal[ngap.HandoverRequestAcknowledge | ngap.HandoverFailure]):
    """A UE is to come by a handover (procedures.ngap.handover)."""

    request: ngap.HandoverRequest


@dataclass(frozen=True, slots=True)
class CheckRadioCapability(Signal[None]):
    """Whether the UE's radio suits IMS voice here is to be known (procedures.ngap.radio_capability)."""


@dataclass(frozen=True, slots=True)
class ControlLocationReports(Signal[ngap.LocationReport | None]):
    """Reports of where the UE is are wanted, or wanted no more (procedures.ngap.location_reporting).

    The result is the first report, None where none is due.
    """

    request: ngap.LocationReportingRequestType


@dataclass(frozen=True, slots=True)
class StartTrace(Signal[None]):
    """The gNB is to write trace records of the UE (procedures.ngap.trace)."""

    activation: ngap.TraceActivation


@dataclass(frozen=True, slots=True)
class StopTrace(Signal[None]):
    """It has written enough of them (procedures.ngap.trace)."""

    trace_id: bytes


@dataclass(frozen=True, slots=True)
class ReleaseBinding(Signal[None]):
    """The UE is not bound to its TNL association any more (procedures.ngap.tnla_binding)."""


# of a gNB


@dataclass(frozen=True, slots=True)
class ConfigurationChanged(Signal[None]):
    """What the AMF says of itself has changed (procedures.ngap.amf_configuration_update)."""


@dataclass(frozen=True, slots=True)
class Unavailable(Signal[None]):
    """The AMF is about to stop (procedures.ngap.amf_status)."""


@dataclass(frozen=True, slots=True)
class Warn(Signal[None]):
    """A warning is to be broadcast (procedures.ngap.warning)."""

    warning: Warning


@dataclass(frozen=True, slots=True)
class StopWarning(Signal[None]):
    """It is to be broadcast no more (procedures.ngap.warning)."""

    warning: Warning


@dataclass(frozen=True, slots=True)
class ResetGnb(Signal[None]):
    """The AMF knows nothing of its UEs any more (procedures.ngap.ng_reset)."""

    cause: ngap.Cause
