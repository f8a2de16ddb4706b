"""Elements for interworking with EPS: mapped EPS bearer contexts (§9.11.4.8), EPS bearer context status."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from cinq.wire.nas.row import Codec


class BearerOperation(IntEnum):
    CREATE = 1
    DELETE = 2
    MODIFY = 3


class BearerParameter(IntEnum):
    """EPS parameter identifiers; their contents are coded as TS 24.301 and TS 24.008 say."""

    EPS_QOS = 1
    EXTENDED_EPS_QOS = 2
    TRAFFIC_FLOW_TEMPLATE = 3
    APN_AMBR = 4
    EXTENDED_APN_AMBR = 5


class MappedEpsBearer(Struct, frozen=True):
    """identity: 5 to 15 as a rule (TS 24.301 §9.3.2). operation: a BearerOperation.

    e_bit: for MODIFY, the parameters replace all earlier ones. parameters: (BearerParameter, contents).
    """

    identity: int
    operation: int = BearerOperation.CREATE
    e_bit: bool = True
    parameters: tuple[tuple[int, bytes], ...] = ()


_PARAMETERS: dict[int, int] = {int(parameter): parameter for parameter in BearerParameter}


def _bearers(b: bytes) -> list[MappedEpsBearer]:
    found, position = [], 0
    while position < len(b):
        begin = position + 3
        after = begin + (b[position + 1] << 8 | b[position + 2])
        if after > len(b) or after == begin:
            raise ValueError(f"mapped EPS bearer {b[position] >> 4} is cut")
        found.append(_bearer(b[position] >> 4, b[begin:after]))
        position = after
    return found


def _bearer(identity: int, b: bytes) -> MappedEpsBearer:
    parameters, position = [], 1
    for _ in range(b[0] & 15):
        after = position + 2 + b[position + 1]
        if after > len(b):
            raise ValueError(f"a parameter of mapped EPS bearer {identity} is cut")
        parameters.append((_PARAMETERS.get(b[position], b[position]), b[position + 2 : after]))
        position = after
    return MappedEpsBearer(identity, b[0] >> 6, b[0] & 16 == 16, tuple(parameters))


def _bearers_octets(bearers: list[MappedEpsBearer]) -> bytes:
    return b"".join([_bearer_octets(bearer) for bearer in bearers])


def _bearer_octets(bearer: MappedEpsBearer) -> bytes:
    if not (0 <= bearer.operation <= 3 and len(bearer.parameters) <= 15):
        raise ValueError(f"mapped EPS bearer {bearer.identity} has no encoding")
    out = bytes((bearer.operation << 6 | bearer.e_bit << 4 | len(bearer.parameters),))
    for identifier, contents in bearer.parameters:
        out += bytes((identifier, len(contents))) + contents
    return bytes((bearer.identity << 4,)) + len(out).to_bytes(2, "big") + out


def _identities(b: bytes) -> frozenset[int]:
    bits = b[0] | b[1] << 8
    return frozenset(i for i in range(1, 16) if bits >> i & 1)


def _identities_octets(identities: frozenset[int]) -> bytes:
    if not all(1 <= i <= 15 for i in identities):
        raise ValueError("an EPS bearer identity is 1 to 15")
    return sum(1 << i for i in identities).to_bytes(2, "little")


mapped_eps_bearer_contexts: Codec[list[MappedEpsBearer]] = Codec(_bearers, _bearers_octets, 4)
eps_bearer_context_status: Codec[frozenset[int]] = Codec(
    _identities, _identities_octets, 2, 2
)  # TS 24.301 §9.9.2.1
