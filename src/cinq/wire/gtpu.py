"""GTP-U: TS 29.281, with the PDU Session Container of TS 38.415.

`decode(octets) -> GtpuMessage` raises GtpuError only; `encode(message)` writes the same octets again. `examine(octets)`
never raises: for traces, which show what is there and name the fault.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from struct import pack
from typing import ClassVar, Self

from msgspec import Struct

from cinq.wire.error import WireError
from cinq.wire.examined import Examined

PORT = 2152
_E, _S, _PN = 4, 2, 1

Plain = dict[str, "Plain"] | list["Plain"] | str | int | bool | None


class GtpuError(WireError):
    """Octets that are not the GTP-U message they claim to be.

    unknown_extension: the type of an extension header that the receiver must understand and does not
    (answer: Supported Extension Headers Notification, TS 29.281 §5.2.1), else None.
    """

    def __init__(
        self, offset: int | None, what: str, clause: str, unknown_extension: int | None = None
    ) -> None:
        super().__init__(offset, what, clause)
        self.unknown_extension = unknown_extension


class ExtensionHeader(Struct, frozen=True):
    """An extension header as octets, TS 29.281 §5.2.1: content is a multiple of 4, less 2 octets."""

    kind: int
    content: bytes


class DlPduSessionInformation(Struct, frozen=True):
    """PDU type 0, TS 38.415 §5.5.2.1. reflective_qos: RQI. rest: octets after the fields named here."""

    KIND: ClassVar[int] = 0x85
    qfi: int
    reflective_qos: bool = False
    paging_policy_indication: int | None = None
    flags: int = 0
    """The low nibble of octet 1: QMP 8, SNP 4, MSNP 2, whose fields are in `rest`."""
    rest: bytes = b""

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        second = octets[1]
        ppi = octets[2] >> 5 if second & 0x80 else None
        rest = octets[3:] if second & 0x80 else octets[2:]
        return cls(second & 0x3F, bool(second & 0x40), ppi, octets[0] & 0x0F, rest)

    def octets(self) -> bytes:
        ppi = self.paging_policy_indication
        second = self.qfi | self.reflective_qos << 6 | (ppi is not None) << 7
        return bytes((self.flags, second)) + (b"" if ppi is None else bytes((ppi << 5,))) + self.rest


class UlPduSessionInformation(Struct, frozen=True):
    """PDU type 1, TS 38.415 §5.5.2.2. rest: octets after the QFI."""

    KIND: ClassVar[int] = 0x85
    qfi: int
    flags: int = 0
    """The low nibble of octet 1: QMP 8, DL delay 4, UL delay 2, SNP 1, whose fields are in `rest`."""
    flags2: int = 0
    """The two high bits of octet 2: N3/N9 delay 2, new IE 1."""
    rest: bytes = b""

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        return cls(octets[1] & 0x3F, octets[0] & 0x0F, octets[1] >> 6, octets[2:])

    def octets(self) -> bytes:
        return bytes((0x10 | self.flags, self.flags2 << 6 | self.qfi)) + self.rest


PduSessionContainer = DlPduSessionInformation | UlPduSessionInformation
Extension = ExtensionHeader | DlPduSessionInformation | UlPduSessionInformation


class GtpuMessage(Struct, kw_only=True):
    """What every message has, TS 29.281 §5.1.

    sequence: None when the S flag is 0. npdu: None when the PN flag is 0. extensions: in order of arrival.
    """

    TYPE: ClassVar[int] = 0
    teid: int = 0
    sequence: int | None = None
    npdu: int | None = None
    extensions: tuple[Extension, ...] = ()


class _Signalling(GtpuMessage, kw_only=True):
    """unknown: (IE type, contents) of IEs that the message has no member for, in order."""

    unknown: tuple[tuple[int, bytes], ...] = ()


class EchoRequest(_Signalling, kw_only=True):
    """§7.2.1."""

    TYPE: ClassVar[int] = 1


class EchoResponse(_Signalling, kw_only=True):
    """§7.2.2. restart_counter: sent as 0, ignored by the receiver."""

    TYPE: ClassVar[int] = 2
    restart_counter: int = 0


class ErrorIndication(_Signalling, kw_only=True):
    """§7.3.1. tunnel: the TEID of the packet that met no context. peer: the address it was sent to."""

    TYPE: ClassVar[int] = 26
    tunnel: int
    peer: IPv4Address | IPv6Address


class SupportedExtensionHeadersNotification(_Signalling, kw_only=True):
    """§7.2.3."""

    TYPE: ClassVar[int] = 31
    supported: tuple[int, ...]


class EndMarker(_Signalling, kw_only=True):
    """§7.3.2."""

    TYPE: ClassVar[int] = 254


class GPdu(GtpuMessage, kw_only=True):
    """§7.1: a T-PDU, the user's packet."""

    TYPE: ClassVar[int] = 255
    payload: bytes

    @property
    def container(self) -> PduSessionContainer | None:
        for extension in self.extensions:
            if not isinstance(extension, ExtensionHeader):
                return extension
        return None


_SIGNALLING: dict[int, type[_Signalling]] = {
    cls.TYPE: cls
    for cls in (EchoRequest, EchoResponse, ErrorIndication, SupportedExtensionHeadersNotification, EndMarker)
}
_RECOVERY, _TEID_DATA, _PEER, _EXTENSION_LIST = 14, 16, 133, 141
_TV_OCTETS = {14: 1, 15: 1, 16: 4}
"""IEs below 128 have no length field, TS 29.281 §8.1: their octets are known from the table."""


_UNDERSTOOD = frozenset((0x81, 0x82, 0x83, 0x84, 0xC0, 0xC1, 0xC2))
"""Extension headers of the kinds 10 and 11, which the endpoint must understand (§5.2.1); they stay octets."""


def decode(octets: bytes) -> GtpuMessage:
    """Raises GtpuError only, whatever the octets."""
    if len(octets) < 8:
        raise GtpuError(0, f"{len(octets)} octets, wanted at least 8", "TS 29.281 §5.1")
    flags, kind = octets[0], octets[1]
    if flags >> 4 != 3:
        raise GtpuError(0, f"version {flags >> 5}, PT {flags >> 4 & 1}, wanted 1 and 1", "TS 29.281 §5.1")
    length = octets[2] << 8 | octets[3]
    if length + 8 != len(octets):
        what = f"length {length}, datagram has {len(octets) - 8} octets after the header"
        raise GtpuError(2, what, "TS 29.281 §5.1")
    teid = int.from_bytes(octets[4:8], "big")
    sequence = npdu = None
    extensions: tuple[Extension, ...] = ()
    at = 8
    if flags & 7:
        if len(octets) < 12:
            raise GtpuError(8, "the optional part of the header is cut short", "TS 29.281 §5.1")
        sequence = octets[8] << 8 | octets[9] if flags & _S else None
        npdu = octets[10] if flags & _PN else None
        at = 12
        if flags & _E:
            extensions, at = _extensions(octets)
    if kind == GPdu.TYPE:
        return GPdu(payload=octets[at:], teid=teid, sequence=sequence, npdu=npdu, extensions=extensions)
    message = _signalling(kind, octets, at)
    message.teid, message.sequence, message.npdu, message.extensions = teid, sequence, npdu, extensions
    return message


def examine(octets: bytes) -> Examined[GtpuMessage]:
    """The message that the octets begin with, and what is wrong with it."""
    try:
        return Examined(decode(octets))
    except GtpuError as error:
        cls = _SIGNALLING.get(octets[1]) if len(octets) >= 8 and octets[0] >> 4 == 3 else None
        if cls is None:
            return Examined(None, (error.what,), whole=False)
        known = error.what
    faults: list[str] = []
    end, at = 8 + int.from_bytes(octets[2:4], "big"), 8
    if end > len(octets):
        faults.append(f"cut off: {end} octets are announced, {len(octets)} are there")
    elif end < len(octets):
        faults.append(f"{len(octets) - end} octets behind the end of the message")
    octets = octets[:end]
    ies: list[tuple[int, bytes]] = []
    try:
        if octets[0] & 7:
            at = _extensions(octets)[1] if octets[0] & _E and len(octets) >= 12 else 12
        _information_elements(octets, at, ies)
    except GtpuError as error:
        faults.append(error.what)
    message, missing = _in_part(cls, ies)
    message.teid = int.from_bytes(octets[4:8], "big")
    message.sequence = int.from_bytes(octets[8:10], "big") if octets[0] & _S and len(octets) >= 10 else None
    faults += missing
    return Examined(message, tuple(faults or [known]), whole=not missing)


def _in_part(cls: type[_Signalling], ies: list[tuple[int, bytes]]) -> tuple[_Signalling, list[str]]:
    """A message of those IEs that are there, and what is missing."""
    if cls is EchoResponse:
        recovery = _first(ies, _RECOVERY)
        return EchoResponse(restart_counter=recovery[0] if recovery else 0, unknown=tuple(ies)), []
    if cls is SupportedExtensionHeadersNotification:
        listed = _first(ies, _EXTENSION_LIST)
        said = [] if listed is not None else ["Extension Header Type List is missing"]
        return SupportedExtensionHeadersNotification(supported=tuple(listed or b""), unknown=tuple(ies)), said
    if cls is ErrorIndication:
        try:
            return _error_indication(list(ies)), []
        except GtpuError as error:
            message = ErrorIndication(tunnel=0, peer=IPv4Address(0), unknown=tuple(ies))
            for name in ("tunnel", "peer"):
                setattr(message, name, None)  # not known: what there is stands in `unknown`
            return message, [error.what]
    return cls(unknown=tuple(ies)), []


def _extensions(octets: bytes) -> tuple[tuple[Extension, ...], int]:
    """The chain of extension headers that octet 12 opens, and where it ends."""
    found: list[Extension] = []
    kind, at = octets[11], 12
    while kind:
        length = octets[at] * 4 if at < len(octets) else 0
        end = at + length
        if not length or end > len(octets):
            raise GtpuError(
                at, f"extension header {kind:#x} of {length} octets does not fit", "TS 29.281 §5.2.1"
            )
        found.append(_extension(kind, octets[at + 1 : end - 1], at))
        kind, at = octets[end - 1], end
    return tuple(found), at


def _extension(kind: int, content: bytes, at: int) -> Extension:
    if kind == 0x85:
        form = content[0] >> 4
        if form == 0:
            short = content[1] & 0x80 and len(content) < 3
            if not short:
                return DlPduSessionInformation.from_octets(content)
            raise GtpuError(at, "PDU Session Container cut short", "TS 38.415 §5.5.2.1")
        if form == 1:
            return UlPduSessionInformation.from_octets(content)
    elif kind & 0x80 and kind not in _UNDERSTOOD:
        what = f"extension header {kind:#x} must be understood and is not"
        raise GtpuError(at, what, "TS 29.281 §5.2.1", kind)
    return ExtensionHeader(kind, content)


def _signalling(kind: int, octets: bytes, at: int) -> _Signalling:
    cls = _SIGNALLING.get(kind)
    if cls is None:
        raise GtpuError(1, f"message type {kind} is unknown", "TS 29.281 §7.1")
    ies = _information_elements(octets, at)
    if cls is EchoResponse:
        recovery = _first(ies, _RECOVERY)
        return EchoResponse(restart_counter=recovery[0] if recovery else 0, unknown=tuple(ies))
    if cls is ErrorIndication:
        return _error_indication(ies)
    if cls is SupportedExtensionHeadersNotification:
        listed = _first(ies, _EXTENSION_LIST)
        if listed is None:
            raise GtpuError(at, "Extension Header Type List is missing", "TS 29.281 §7.2.3")
        return SupportedExtensionHeadersNotification(supported=tuple(listed), unknown=tuple(ies))
    return cls(unknown=tuple(ies))


def _error_indication(ies: list[tuple[int, bytes]]) -> ErrorIndication:
    tunnel, peer = _first(ies, _TEID_DATA), _first(ies, _PEER)
    if tunnel is None or peer is None:
        raise GtpuError(None, "Error Indication without TEID or peer address", "TS 29.281 §7.3.1")
    if len(peer) not in (4, 16):
        raise GtpuError(None, f"GTP-U Peer Address of {len(peer)} octets, wanted 4 or 16", "TS 29.281 §8.4")
    address = IPv4Address(peer) if len(peer) == 4 else IPv6Address(peer)
    return ErrorIndication(tunnel=int.from_bytes(tunnel, "big"), peer=address, unknown=tuple(ies))


def _first(ies: list[tuple[int, bytes]], kind: int) -> bytes | None:
    """Takes the first IE of this type out of the list."""
    for n, (each, content) in enumerate(ies):
        if each == kind:
            del ies[n]
            return content
    return None


def _information_elements(
    octets: bytes, at: int, found: list[tuple[int, bytes]] | None = None
) -> list[tuple[int, bytes]]:
    """TS 29.281 §8.1. Extension Header Type List has a length of one octet, the other TLVs of two.

    found: what was read before a fault stays in it.
    """
    found = [] if found is None else found
    while at < len(octets):
        kind = octets[at]
        at += 1
        if kind < 128:
            if kind not in _TV_OCTETS:
                raise GtpuError(at - 1, f"IE {kind} has no length and is unknown", "TS 29.281 §8.1")
            length = _TV_OCTETS[kind]
        else:
            width = 1 if kind == _EXTENSION_LIST else 2
            length = int.from_bytes(octets[at : at + width], "big")
            at += width
        if at + length > len(octets):
            raise GtpuError(
                at, f"IE {kind}: {length} octets announced, {len(octets) - at} left", "TS 29.281 §8.1"
            )
        found.append((kind, octets[at : at + length]))
        at += length
    return found


def encode(message: GtpuMessage) -> bytes:
    """The octets of a message. Raises GtpuError for values that have no encoding."""
    try:
        body = message.payload if isinstance(message, GPdu) else _signalling_octets(message)
        optional = b""
        flags = 0x30
        if message.sequence is not None or message.npdu is not None or message.extensions:
            flags |= _S * (message.sequence is not None) | _PN * (message.npdu is not None)
            first = 0
            if message.extensions:
                flags |= _E
                first = _kind(message.extensions[0])
            optional = pack(">HBB", message.sequence or 0, message.npdu or 0, first)
            optional += _extension_octets(message.extensions)
        return pack(">BBHI", flags, message.TYPE, len(optional) + len(body), message.teid) + optional + body
    except GtpuError:
        raise
    except Exception as error:  # whatever a wrong value makes fail: it has no encoding
        raise GtpuError(None, f"{message!r}: {error}", "TS 29.281 §5.1") from error


def _kind(extension: Extension) -> int:
    return extension.kind if isinstance(extension, ExtensionHeader) else extension.KIND


def _extension_octets(extensions: tuple[Extension, ...]) -> bytes:
    out = b""
    for n, extension in enumerate(extensions, 1):
        following = _kind(extensions[n]) if n < len(extensions) else 0
        content = extension.content if isinstance(extension, ExtensionHeader) else extension.octets()
        content += bytes(-(len(content) + 2) % 4)
        out += bytes(((len(content) + 2) // 4,)) + content + bytes((following,))
    return out


def _signalling_octets(message: GtpuMessage) -> bytes:
    ies: list[tuple[int, bytes]] = []
    if isinstance(message, EchoResponse):
        ies = [(_RECOVERY, bytes((message.restart_counter,)))]
    elif isinstance(message, ErrorIndication):
        ies = [(_TEID_DATA, message.tunnel.to_bytes(4, "big")), (_PEER, message.peer.packed)]
    elif isinstance(message, SupportedExtensionHeadersNotification):
        ies = [(_EXTENSION_LIST, bytes(message.supported))]
    if isinstance(message, _Signalling):
        ies += message.unknown
    out = b""
    for kind, content in ies:
        width = 0 if kind < 128 else 1 if kind == _EXTENSION_LIST else 2
        out += bytes((kind,)) + (len(content).to_bytes(width, "big") if width else b"") + content
    return out


def plain(value: object) -> Plain:
    """A message or value as dict, list, str and numbers, for traces and JSON. Octets as hexadecimal."""
    if isinstance(value, Struct):
        result: dict[str, Plain] = (
            {} if not isinstance(value, GtpuMessage) else {"message": type(value).__name__}
        )
        for name in value.__struct_fields__:
            member = getattr(value, name)
            if member is not None and member not in ((), b""):
                result[name] = plain(member)
        return result
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, IPv4Address | IPv6Address):
        return str(value)
    return value if isinstance(value, str | int) else None
