"""What PFCP says when it refuses: causes and the error of this codec. TS 29.244 §8.2.1, §7.6."""

from __future__ import annotations

from enum import IntEnum

from cinq.wire.error import WireError


class Cause(IntEnum):
    """TS 29.244 table 8.2.1-1. 1 to 63 accept, 64 and above reject."""

    REQUEST_ACCEPTED = 1
    MORE_USAGE_REPORT_TO_SEND = 2
    REQUEST_PARTIALLY_ACCEPTED = 3
    REQUEST_REJECTED = 64
    SESSION_CONTEXT_NOT_FOUND = 65
    MANDATORY_IE_MISSING = 66
    CONDITIONAL_IE_MISSING = 67
    INVALID_LENGTH = 68
    MANDATORY_IE_INCORRECT = 69
    INVALID_FORWARDING_POLICY = 70
    INVALID_F_TEID_ALLOCATION_OPTION = 71
    NO_ESTABLISHED_PFCP_ASSOCIATION = 72
    RULE_CREATION_MODIFICATION_FAILURE = 73
    PFCP_ENTITY_IN_CONGESTION = 74
    NO_RESOURCES_AVAILABLE = 75
    SERVICE_NOT_SUPPORTED = 76
    SYSTEM_FAILURE = 77
    REDIRECTION_REQUESTED = 78
    ALL_DYNAMIC_ADDRESSES_ARE_OCCUPIED = 79
    UNKNOWN_PRE_DEFINED_RULE = 80
    UNKNOWN_APPLICATION_ID = 81


class Truncated(ValueError):
    """Inside the codec: the contents of an IE end before their last mandatory octet."""


class PfcpError(WireError):
    """Octets that are not the PFCP message they claim to be, with what an answer needs.

    cause: a rejection cause of table 8.2.1-1. offending_ie: the IE type, or None.
    message_type, sequence, seid: from the header, None where it was cut; seid is the receiver's own.
    version: the version found when it is not 1 (answer: Version Not Supported Response), else None.
    silent: nothing is answered, since the length lies (§7.6.3).
    """

    def __init__(
        self,
        offset: int | None,
        what: str,
        clause: str = "TS 29.244 §7.6",
        *,
        cause: int = Cause.REQUEST_REJECTED,
        offending_ie: int | None = None,
        silent: bool = False,
    ) -> None:
        super().__init__(offset, what, clause)
        self.cause = cause
        self.offending_ie = offending_ie
        self.message_type: int | None = None
        self.sequence: int | None = None
        self.seid: int | None = None
        self.version: int | None = None
        self.silent = silent
