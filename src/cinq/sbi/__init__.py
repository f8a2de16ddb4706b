"""The service-based interface: what network functions ask of each other, TS 29.500.

services/   one Protocol per Nxxx service, each method carrying its operation (method, path, status, shapes)
models      the shapes of TS 29.571 that several services share
bus         the port every network function is given: client(Service) and serve(Service, implementation)

Three transports stand behind the bus: `direct` passes the frozen objects, `checked` takes every call through
JSON and back (the default in tests), and HTTP/2 comes later without a change to any network function.
"""

from cinq.sbi.bus import Bus, checked, direct
from cinq.sbi.operation import Created, Multipart, Operation, operation, operations
from cinq.sbi.problem import InvalidParam, Problem, ProblemDetails

__all__ = [
    "Bus",
    "Created",
    "InvalidParam",
    "Multipart",
    "Operation",
    "Problem",
    "ProblemDetails",
    "checked",
    "direct",
    "operation",
    "operations",
]
