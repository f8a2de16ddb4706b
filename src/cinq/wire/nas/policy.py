"""UE policy delivery service, TS 24.501 annex D: what a payload container of type 'UE policy container' holds.

    message = policy.decode(payload_container)      # NasError, which says to ignore it, whatever the octets
    payload_container = policy.encode(message)

The policy parts themselves (URSP, ANDSP and so on, TS 24.526) are octets.
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from cinq.numbering import PlmnId
from cinq.wire.nas import careful
from cinq.wire.nas.engine import NasMessage
from cinq.wire.nas.error import NasError
from cinq.wire.nas.ie.area import plmn_octets, plmn_of
from cinq.wire.nas.ie.bits import flag_octet
from cinq.wire.nas.ie.lists import piece, pieces
from cinq.wire.nas.row import Codec, lv, lve, tlv

PROTOCOL_ERROR = 0x6F
"""Why an instruction was not carried out: the one cause that there is."""


class PolicyPartType(IntEnum):
    URSP = 1
    ANDSP = 2
    V2XP = 3
    PROSEP = 4


_PART_TYPES: dict[int, int] = {int(kind): kind for kind in PolicyPartType}


class PolicyPart(Struct, frozen=True):
    """kind: a PolicyPartType where it has a name."""

    kind: int
    contents: bytes


class Instruction(Struct, frozen=True):
    """What to do with the policy section upsc: store these parts, or delete it where there are none."""

    upsc: int
    parts: tuple[PolicyPart, ...] = ()


class PolicySublist(Struct, frozen=True):
    """The instructions of one PLMN, §D.6.2."""

    plmn: PlmnId
    instructions: tuple[Instruction, ...]


def _sublist(b: bytes) -> PolicySublist:
    return PolicySublist(plmn_of(b[:3]), tuple(_instruction(each) for each in pieces(b[3:], 2)))


def _instruction(b: bytes) -> Instruction:
    if len(b) < 2:
        raise ValueError("an instruction without UPSC")
    parts = [PolicyPart(_PART_TYPES.get(each[0] & 15, each[0] & 15), each[1:]) for each in pieces(b[2:], 2)]
    return Instruction(b[0] << 8 | b[1], tuple(parts))


def _sublist_octets(sublist: PolicySublist) -> bytes:
    instructions = (
        each.upsc.to_bytes(2, "big") + b"".join(piece(bytes((p.kind,)) + p.contents, 2) for p in each.parts)
        for each in sublist.instructions
    )
    return plmn_octets(sublist.plmn) + b"".join(piece(each, 2) for each in instructions)


_management_list: Codec[list[PolicySublist]] = Codec(
    lambda b: [_sublist(each) for each in pieces(b, 2)],
    lambda sublists: b"".join(piece(_sublist_octets(each), 2) for each in sublists),
    9,
)


class PolicyResult(Struct, frozen=True):
    """An instruction that was not carried out. order: its place in the sublist, from 1."""

    upsc: int
    order: int
    cause: int = PROTOCOL_ERROR


class PolicySubresult(Struct, frozen=True):
    """The results of one PLMN, §D.6.3."""

    plmn: PlmnId
    results: tuple[PolicyResult, ...]


def _subresults(b: bytes) -> list[PolicySubresult]:
    found, position = [], 0
    while position < len(b):
        begin = position + 4
        after = begin + 5 * b[position]
        if after > len(b):
            raise ValueError("the last subresult is cut")
        results = [
            PolicyResult(
                int.from_bytes(b[i : i + 2], "big"), int.from_bytes(b[i + 2 : i + 4], "big"), b[i + 4]
            )
            for i in range(begin, after, 5)
        ]
        found.append(PolicySubresult(plmn_of(b[position + 1 : begin]), tuple(results)))
        position = after
    return found


def _subresults_octets(values: list[PolicySubresult]) -> bytes:
    out = b""
    for value in values:
        out += bytes((len(value.results),)) + plmn_octets(value.plmn)
        for each in value.results:
            out += each.upsc.to_bytes(2, "big") + each.order.to_bytes(2, "big") + bytes((each.cause,))
    return out


class UpsiSublist(Struct, frozen=True):
    """The policy sections of a PLMN that the UE has, §D.6.4."""

    plmn: PlmnId
    upscs: tuple[int, ...]


def _upsis(b: bytes) -> UpsiSublist:
    if len(b) % 2 == 0:
        raise ValueError("a UPSC has 2 octets")
    upscs = tuple(int.from_bytes(b[i : i + 2], "big") for i in range(3, len(b), 2))
    return UpsiSublist(plmn_of(b[:3]), upscs)


def _upsis_octets(value: UpsiSublist) -> bytes:
    return plmn_octets(value.plmn) + b"".join(upsc.to_bytes(2, "big") for upsc in value.upscs)


def _os_ids(b: bytes) -> list[bytes]:
    if len(b) % 16:
        raise ValueError("an OS identity has 16 octets")
    return [b[i : i + 16] for i in range(0, len(b), 16)]


_result_list: Codec[list[PolicySubresult]] = Codec(_subresults, _subresults_octets, 9)
_upsi_list: Codec[list[UpsiSublist]] = Codec(
    lambda b: [_upsis(each) for each in pieces(b, 2)],
    lambda values: b"".join(piece(_upsis_octets(each), 2) for each in values),
    7,
)
_flag = flag_octet()
_classmark: Codec[bool] = Codec(_flag.decode, _flag.encode, 1, 3)
_os_id_list: Codec[list[bytes]] = Codec(_os_ids, b"".join, 16, 240)


class PolicyMessage(NasMessage):
    """A message of the UE policy delivery service: PTI, message type, elements."""

    HEADER = ("pti",)
    pti: int


class ManageUEPolicyCommand(PolicyMessage, name="MANAGE UE POLICY COMMAND", type=0x01, clause="D.5.1"):
    """PCF to UE. network_classmark: the UE may not accept URSP of SNPNs to which it is not subscribed."""

    section_management_list: list[PolicySublist] = lve(_management_list)
    network_classmark: bool | None = tlv(0x42, _classmark)


class ManageUEPolicyComplete(PolicyMessage, name="MANAGE UE POLICY COMPLETE", type=0x02, clause="D.5.2"):
    """UE to PCF."""


class ManageUEPolicyCommandReject(
    PolicyMessage, name="MANAGE UE POLICY COMMAND REJECT", type=0x03, clause="D.5.3"
):
    """UE to PCF."""

    section_management_result: list[PolicySubresult] = lve(_result_list)


class UEStateIndication(PolicyMessage, name="UE STATE INDICATION", type=0x04, clause="D.5.4"):
    """UE to PCF. classmark: ANDSP is supported."""

    upsi_list: list[UpsiSublist] = lve(_upsi_list)
    classmark: bool = lv(_classmark)
    os_ids: list[bytes] | None = tlv(0x41, _os_id_list)


MESSAGES: dict[int, type[PolicyMessage]] = {
    kind.TYPE: kind
    for kind in (
        ManageUEPolicyCommand,
        ManageUEPolicyComplete,
        ManageUEPolicyCommandReject,
        UEStateIndication,
    )
}


def decode(octets: bytes) -> PolicyMessage:
    """NasError without a cause whatever is wrong: such a message is ignored (§D.8)."""
    if len(octets) < 2:
        raise NasError(len(octets), "too short for a message type", "TS 24.501 §D.8.2.1")
    kind = MESSAGES.get(octets[1])
    if kind is None:
        raise NasError(1, f"UE policy delivery message type {octets[1]:#04x}", "TS 24.501 §D.8.4")
    try:
        return careful.decode(kind, octets, 2, {"pti": octets[0]})
    except NasError as error:
        error.cause, error.message_type, error.pti = None, octets[1], octets[0]
        raise


def encode(message: PolicyMessage) -> bytes:
    """NasError when a value has no encoding."""
    if not 0 <= message.pti <= 255:
        raise NasError(None, f"PTI {message.pti}", "TS 24.501 §9.6")
    return bytes((message.pti, message.TYPE)) + careful.encode(message)
