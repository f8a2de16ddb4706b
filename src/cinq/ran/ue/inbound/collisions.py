"""What meets what at a UE: TS 24.501 §5.4.1.3.7, §5.5.1.2.7, §5.5.2.2.6, §5.6.1.7 and §6.4."""

from __future__ import annotations

from cinq.procedure import ABORT, BESIDE, DEFER, IGNORE, Verdict, collision
from cinq.ran.ue.context import Ended, NoAnswer, Received
from cinq.ran.ue.inbound.transport import downlink_nas_transport
from cinq.ran.ue.procedures.configuration_update import configuration_update
from cinq.ran.ue.procedures.deregistration import deregistration, network_deregistration
from cinq.ran.ue.procedures.identification import identification
from cinq.ran.ue.procedures.notification import notification
from cinq.ran.ue.procedures.primary_authentication import authentication_result, primary_authentication
from cinq.ran.ue.procedures.registration import registration
from cinq.ran.ue.procedures.security_mode import security_mode_control
from cinq.ran.ue.procedures.service_request import service_request
from cinq.ran.ue.procedures.session_establishment import session_establishment
from cinq.ran.ue.procedures.session_modification import (
    network_session_modification,
    session_modification,
)
from cinq.ran.ue.procedures.session_release import network_session_release, session_release
from cinq.ran.ue.session import Session
from cinq.ran.ue.ue import Ue
from cinq.wire import nas

_SPECIFIC = (registration, deregistration, service_request)
_SHORT = (
    primary_authentication,
    authentication_result,
    security_mode_control,
    identification,
    configuration_update,
    downlink_nas_transport,
    notification,
    network_deregistration,
)
_COMMON_MESSAGES = (
    nas.AuthenticationRequest,
    nas.AuthenticationResult,
    nas.SecurityModeCommand,
    nas.IdentityRequest,
    nas.ConfigurationUpdateCommand,
    nas.DLNASTransport,
    nas.Notification,
)


@collision(_SPECIFIC, *_COMMON_MESSAGES)
def _(ue: Ue, message: Received) -> Verdict:
    """Common procedures run within a specific one, §5.1.3.1."""
    return BESIDE


@collision(_SHORT, *_COMMON_MESSAGES)
def _(ue: Ue, message: Received) -> Verdict:
    """One after the other."""
    return DEFER


@collision((registration, service_request), nas.DeregistrationRequestUETerminated)
def _(ue: Ue, message: Received) -> Verdict:
    """§5.5.1.2.7 e), §5.6.1.7 e): the network's deregistration takes precedence."""
    return ABORT


@collision(deregistration, nas.DeregistrationRequestUETerminated)
def _(ue: Ue, message: Received) -> Verdict:
    """§5.5.2.2.6 d): both want the same; the UE's goes on."""
    return IGNORE("the UE deregisters already")


@collision((*_SPECIFIC, *_SHORT), Ended)
def _(ue: Ue, ended: Ended) -> Verdict:
    """Released while nobody waits for it: a procedure that asks next opens a new connection."""
    return IGNORE("no procedure waits for the release")


@collision(
    (session_establishment, session_modification, network_session_modification), nas.PDUSessionReleaseCommand
)
def _(session: Session, command: nas.PDUSessionReleaseCommand) -> Verdict:
    """§6.4.1.6 c) and §6.3.2.5: the release goes first."""
    return ABORT


@collision(session_release, nas.PDUSessionModificationCommand)
def _(session: Session, command: nas.PDUSessionModificationCommand) -> Verdict:
    """§6.4.3.6 b)."""
    return IGNORE("the session is being released")


@collision((network_session_release, network_session_modification), NoAnswer)
def _(session: Session, message: NoAnswer) -> Verdict:
    return IGNORE("the session expects no answer")
