"""What NAS transport carries and says about it: payloads (§9.11.3.39), CIoT data, SOR, service-level AA containers."""

from __future__ import annotations

from contextlib import suppress
from enum import IntEnum
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from cinq.numbering import SNssai
from cinq.wire.nas.ie.basic import dnn, gmm_cause, gprs_timer_3, named, named_half, octet, octets
from cinq.wire.nas.ie.lists import first, piece
from cinq.wire.nas.ie.registration import PayloadContainerType, RequestType
from cinq.wire.nas.ie.service_area import (
    ExtendedLadn,
    PartialSNssai,
    extended_ladn_information,
    partial_nssai,
)
from cinq.wire.nas.ie.slice_information import SliceCells, s_nssai_location_validity
from cinq.wire.nas.ie.slices import s_nssai
from cinq.wire.nas.row import Codec, Format, Nibble, Row

T = TypeVar("T")
PAYLOAD_KINDS: dict[int, int] = {int(kind): kind for kind in PayloadContainerType}


class MaPduSessionInformation(IntEnum):
    """§9.11.3.31A."""

    NO_INFORMATION = 0
    NETWORK_UPGRADE_ALLOWED = 1


class ReleaseAssistance(IntEnum):
    """Downlink data expected, TS 24.301 §9.9.4.25."""

    NO_INFORMATION = 0
    NO_FURTHER_DATA = 1
    ONE_DOWNLINK_MESSAGE = 2


ma_pdu_session_information: Nibble[int] = named_half(MaPduSessionInformation)
release_assistance_indication: Nibble[int] = named_half(ReleaseAssistance, 3)


# -- several payloads in one container -----------------------------------------------------------------------


class Payload(Struct, frozen=True):
    """An entry of a payload container of type 'multiple payloads'; its elements are those of the transport message.

    kind: a PayloadContainerType. unknown: optional elements that are ignored, as (IEI, value).
    """

    kind: int
    contents: bytes
    pdu_session_id: int | None = None
    additional_information: bytes | None = None
    cause: int | None = None
    back_off_timer: int | None = None
    old_pdu_session_id: int | None = None
    request_type: int | None = None
    s_nssai: SNssai | None = None
    dnn: str | None = None
    release_assistance_indication: int | None = None
    ma_pdu_session_information: int | None = None
    unknown: tuple[tuple[int, bytes], ...] = ()


def _row(name: str, tag: int, codec: Codec[T]) -> Row:
    row = Row(Format.TLV, tag, codec, strict=False)
    row.name = name
    return row


_ROWS = (
    _row("pdu_session_id", 0x12, octet),
    _row("additional_information", 0x24, octets(1)),
    _row("cause", 0x58, gmm_cause),
    _row("back_off_timer", 0x37, gprs_timer_3),
    _row("old_pdu_session_id", 0x59, octet),
    _row("request_type", 0x80, named(RequestType)),
    _row("s_nssai", 0x22, s_nssai),
    _row("dnn", 0x25, dnn),
    _row("release_assistance_indication", 0xF0, named(ReleaseAssistance)),
    _row("ma_pdu_session_information", 0xA0, named(MaPduSessionInformation)),
)
_BY_TAG = {row.iei: row for row in _ROWS}


def payloads(contents: bytes) -> list[Payload]:
    """The entries of a payload container of type 'multiple payloads'. ValueError when it is cut.

    An optional element that is wrong, or comes again, counts as absent (§7.6.3, §7.7.1).
    """
    if not contents:
        raise ValueError("no number of entries")
    found, position = [], 1
    for number in range(1, contents[0] + 1):
        begin = position + 2
        after = begin + int.from_bytes(contents[position:begin], "big")
        if after > len(contents) or after <= begin:
            raise ValueError(f"payload {number} is cut")
        found.append(_payload(contents[begin:after], number))
        position = after
    return found


def _payload(b: bytes, number: int) -> Payload:
    fields: dict[str, object] = {}
    unknown: list[tuple[int, bytes]] = []
    seen: set[int] = set()
    position = 1
    for _ in range(b[0] >> 4):
        value, rest = first(b[position + 1 :])
        tag, position = b[position], len(b) - len(rest)
        row = _BY_TAG.get(tag)
        if row is None:
            unknown.append((tag, value))
        elif (
            tag not in seen and isinstance(row.codec, Codec) and row.codec.low <= len(value) <= row.codec.high
        ):
            with suppress(ValueError, IndexError):
                fields[row.name] = row.codec.decode(value)
        seen.add(tag)
    kind = PAYLOAD_KINDS.get(b[0] & 15, b[0] & 15)
    return replace(Payload(kind, b[position:], unknown=tuple(unknown)), **fields)


def payloads_octets(values: list[Payload]) -> bytes:
    """The contents of a payload container of type 'multiple payloads'."""
    return bytes((len(values),)) + b"".join(piece(_payload_octets(value), 2) for value in values)


def _payload_octets(payload: Payload) -> bytes:
    out, count = b"", 0
    for row in _ROWS:
        value = getattr(payload, row.name)
        if value is not None and isinstance(row.codec, Codec):
            out += bytes((row.iei or 0,)) + piece(row.codec.encode(value))
            count += 1
    if not (0 <= payload.kind <= 15 and count <= 15):
        raise ValueError(f"payload of type {payload.kind} with {count} elements")
    return bytes((count << 4 | payload.kind,)) + out + payload.contents


# -- CIoT small data -----------------------------------------------------------------------------------------


class SmallDataType(IntEnum):
    """§9.11.3.18B."""

    CONTROL_PLANE_USER_DATA = 0
    SMS = 1
    LOCATION_SERVICES = 2


class SmallData(Struct, frozen=True):
    """CIoT small data container. pdu_session_id: 0 to 7, of user data. additional_information: of location services."""

    kind: int
    contents: bytes
    pdu_session_id: int = 0
    downlink_data_expected: int = 0
    additional_information: bytes = b""


_DATA_TYPES: dict[int, int] = {int(kind): kind for kind in SmallDataType}


def _small_data(b: bytes) -> SmallData:
    kind = _DATA_TYPES.get(b[0] >> 5, b[0] >> 5)
    if kind == SmallDataType.LOCATION_SERVICES:
        additional, contents = first(b[1:])
        return SmallData(kind, contents, 0, b[0] >> 3 & 3, additional)
    if kind == SmallDataType.CONTROL_PLANE_USER_DATA:
        return SmallData(kind, b[1:], b[0] & 7, b[0] >> 3 & 3)
    return SmallData(kind, b[1:])


def _small_data_octets(data: SmallData) -> bytes:
    if not (data.kind <= 7 and data.pdu_session_id <= 7 and data.downlink_data_expected <= 3):
        raise ValueError("data type and PDU session identity have 3 bits, DDX has 2")
    head = bytes((data.kind << 5 | data.downlink_data_expected << 3 | data.pdu_session_id,))
    if data.kind == SmallDataType.LOCATION_SERVICES:
        return head + piece(data.additional_information) + data.contents
    return head + data.contents


ciot_small_data: Codec[SmallData] = Codec(_small_data, _small_data_octets, 2, 255)


# -- containers for others -----------------------------------------------------------------------------------


class SorContainer(Struct, frozen=True):
    """SOR transparent container, §9.11.3.51. mac: SOR-MAC of 16 octets (TS 33.501 §6.14).

    header: bit 1 is the data type (0: steering information, 1: acknowledgement), the others are named below.
    counter: CounterSOR, None in an acknowledgement. contents: the list or secured packet, not looked at.
    """

    header: int
    mac: bytes
    counter: int | None = None
    contents: bytes = b""

    @property
    def is_acknowledgement(self) -> bool:
        return self.header & 1 == 1

    @property
    def list_is_there(self) -> bool:
        return self.header & 2 == 2

    @property
    def list_is_of_plmns(self) -> bool:
        """Else it is a secured packet."""
        return self.header & 4 == 4

    @property
    def acknowledgement_requested(self) -> bool:
        return self.header & 8 == 8


_MAC = 16


def _sor(b: bytes) -> SorContainer:
    head, mac, rest = b[0], b[1 : 1 + _MAC], b[1 + _MAC :]
    if head & 1:
        return SorContainer(head, mac, None, rest)
    if len(rest) < 2:
        raise ValueError("CounterSOR is missing")
    return SorContainer(head, mac, rest[0] << 8 | rest[1], rest[2:])


def _sor_octets(sor: SorContainer) -> bytes:
    if len(sor.mac) != _MAC or (sor.counter is None) != sor.is_acknowledgement:
        raise ValueError("SOR-MAC has 16 octets, an acknowledgement no counter")
    counter = b"" if sor.counter is None else sor.counter.to_bytes(2, "big")
    return bytes((sor.header,)) + sor.mac + counter + sor.contents


sor_container: Codec[SorContainer] = Codec(_sor, _sor_octets, 17)
sor_acknowledgement: Codec[SorContainer] = Codec(_sor, _sor_octets, 17, 17)


class ServiceLevelParameter(IntEnum):
    """Parameters of the service-level-AA container, §9.11.2.10."""

    DEVICE_ID = 0x10
    SERVER_ADDRESS = 0x20
    RESPONSE = 0x30
    PAYLOAD_TYPE = 0x40
    SERVICE_STATUS = 0x50
    PAYLOAD = 0x70
    PENDING = 0xA0


ServiceLevelAa = list[tuple[int, bytes]]
"""(ServiceLevelParameter, value) in the order sent; PENDING has one octet, its lower half."""
_PARAMETERS: dict[int, int] = {int(parameter): parameter for parameter in ServiceLevelParameter}
_ONE_OCTET, _LONG = 0x80, 0x70


def _service_level(b: bytes) -> ServiceLevelAa:
    found, position = [], 0
    while position < len(b):
        tag = b[position]
        if tag >= _ONE_OCTET:
            found.append((_PARAMETERS.get(tag & 0xF0, tag & 0xF0), bytes((tag & 15,))))
            position += 1
            continue
        begin = position + (3 if tag >= _LONG else 2)
        after = begin + int.from_bytes(b[position + 1 : begin], "big")
        if begin > len(b) or after > len(b):
            raise ValueError(f"service-level-AA parameter {tag:#04x} is cut")
        found.append((_PARAMETERS.get(tag, tag), b[begin:after]))
        position = after
    return found


def _service_level_octets(parameters: ServiceLevelAa) -> bytes:
    out = bytearray()
    for tag, value in parameters:
        if tag >= _ONE_OCTET:
            if len(value) != 1 or value[0] > 15 or tag & 15:
                raise ValueError(f"service-level-AA parameter {tag:#04x} has half an octet")
            out.append(tag | value[0])
        else:
            out += bytes((tag,)) + piece(value, 2 if tag >= _LONG else 1)
    return bytes(out)


service_level_aa: Codec[ServiceLevelAa] = Codec(_service_level, _service_level_octets, 1)
service_level_aa_mandatory: Codec[ServiceLevelAa] = Codec(_service_level, _service_level_octets, 3)


class Type6Elements(Struct, frozen=True):
    """Registration accept type 6 IE container (§9.11.3.98): elements of release 18. unknown: (IEI, value)."""

    extended_ladn_information: list[ExtendedLadn] | None = None
    s_nssai_location_validity_information: list[SliceCells] | None = None
    partially_allowed_nssai: list[PartialSNssai] | None = None
    partially_rejected_nssai: list[PartialSNssai] | None = None
    unknown: tuple[tuple[int, bytes], ...] = ()


_TYPE_6 = (
    _row("extended_ladn_information", 1, extended_ladn_information),
    _row("s_nssai_location_validity_information", 2, s_nssai_location_validity),
    _row("partially_allowed_nssai", 3, partial_nssai),
    _row("partially_rejected_nssai", 4, partial_nssai),
)
_TYPE_6_BY_TAG = {row.iei: row for row in _TYPE_6}


def _type_6(b: bytes) -> Type6Elements:
    fields: dict[str, object] = {}
    unknown: list[tuple[int, bytes]] = []
    position = 0
    while position < len(b):
        begin = position + 3
        after = begin + int.from_bytes(b[position + 1 : begin], "big")
        if begin > len(b) or after > len(b):
            break  # octets that hold no whole element are ignored, §7.7.3.1
        row, value = _TYPE_6_BY_TAG.get(b[position]), b[begin:after]
        if row is None:
            unknown.append((b[position], value))
        elif row.name not in fields and isinstance(row.codec, Codec):
            with suppress(ValueError, IndexError):
                fields[row.name] = row.codec.decode(value)
        position = after
    if not fields and not unknown:
        raise ValueError("no whole element")
    return replace(Type6Elements(unknown=tuple(unknown)), **fields)


def _type_6_octets(elements: Type6Elements) -> bytes:
    out = b""
    for row in _TYPE_6:
        value = getattr(elements, row.name)
        if value is not None and isinstance(row.codec, Codec):
            out += bytes((row.iei or 0,)) + piece(row.codec.encode(value), 2)
    return out + b"".join(bytes((tag,)) + piece(value, 2) for tag, value in elements.unknown)


type_6_container: Codec[Type6Elements] = Codec(_type_6, _type_6_octets, 3)
