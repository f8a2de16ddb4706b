"""The procedures of the AMF. Importing this package declares them to their subjects."""

from cinq.nf.amf.procedures import (
    an_release,
    configuration_update,
    deregistration,
    error_indication,
    nas_transport,
    ng_reset,
    ng_setup,
    paging,
    registration,
    service_request,
)

__all__ = [
    "an_release",
    "configuration_update",
    "deregistration",
    "error_indication",
    "nas_transport",
    "ng_reset",
    "ng_setup",
    "paging",
    "registration",
    "service_request",
]
