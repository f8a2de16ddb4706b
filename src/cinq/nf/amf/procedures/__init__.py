"""The procedures of the AMF. Importing this package declares them to their subjects."""

from cinq.nf.amf.procedures.gmm import (
    configuration_update,
    deregistration,
    key_renewal,
    network_deregistration,
    paging,
    registration,
    service_request,
    subscription_change,
)
from cinq.nf.amf.procedures.ngap import (
    an_release,
    context_modification,
    context_release,
    context_setup,
    error_indication,
    handover,
    ng_reset,
    ng_setup,
    path_switch,
    session_resources,
)
from cinq.nf.amf.procedures.sm import nas_transport

__all__ = [
    "an_release",
    "configuration_update",
    "context_modification",
    "context_release",
    "context_setup",
    "deregistration",
    "error_indication",
    "handover",
    "key_renewal",
    "nas_transport",
    "network_deregistration",
    "ng_reset",
    "ng_setup",
    "paging",
    "path_switch",
    "registration",
    "service_request",
    "session_resources",
    "subscription_change",
]
