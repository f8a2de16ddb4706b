"""The service-based interface: what network functions ask of each other, TS 29.500.

services/   one Protocol per Nxxx service, each method carrying its operation (method, path, status, shapes)
models      the shapes of TS 29.571 that several services share
bus         the port every network function is given: client(Service) and serve(Service, implementation)

Within a process `direct` passes the frozen objects and `checked` takes every call through HTTP messages and back (the
default in tests). Between processes it is HTTP/2: `http` for what leaves, `producers` for what comes. No network
function knows which.
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
