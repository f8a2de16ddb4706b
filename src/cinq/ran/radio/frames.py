"""The frames of the radio link between `cinq gnb` and `cinq ue`.

A Unix stream socket at the path of the gNB's setting `radio` carries frames: length in 4 octets, big endian, then a
MessagePack array. Its first element names the frame, its second (but for `hello`) is the UE's number on this
connection, chosen by the UE side from 1.

| frame | way | fields | is |
|---|---|---|---|
| hello | UE > gNB | version | opens the connection |
| attach, detach | UE > gNB | ue | the UE camps on the cell, leaves it |
| arrive | UE > gNB | ue, pci, arfcn, c_rnti | RRCReconfigurationComplete of a UE that comes from another process |
| leave, stay | UE > gNB | ue | sent to another process, it has come there, or stays |
| setup | UE > gNB | ue, nas, cause, plmn, s_tmsi | RRCSetupRequest and RRCSetupComplete |
| uplink | UE > gNB | ue, nas | ULInformationTransfer |
| listen | UE > gNB | ue, s_tmsi | the paging identity, empty for none |
| open | UE > gNB | ue, psi, address, mtu, netns, name, rules, identifier | the interface of a PDU session |
| close | UE > gNB | ue, psi | it is not wanted any more |
| fail | UE > gNB | ue | radio link failure |
| measure, reselect, establish | UE > gNB | ue, nci | a cell is heard better; camps there; is re-established there |
| cell | gNB > UE | ue, name, plmn, tac, nci, barred, categories | system information |
| downlink | gNB > UE | ue, nas | DLInformationTransfer |
| released | gNB > UE | ue, cause | RRCRelease or RRCReject |
| cells | gNB > UE | 0, (pci, arfcn) ... | cells that a UE in reach of this socket can be handed over to |
| handover | gNB > UE | ue, pci, arfcn, ncc, new_key, nas, c_rnti | RRCReconfiguration with sync |
| bearer | gNB > UE | ue, psi, up | data radio bearers |
| interface | gNB > UE | ue, psi, address, mtu, netns, name, error, address6 | answer to `open`, and its IPv6 address |
| paging | gNB > UE | ue | paged |
| warning | gNB > UE | ue, sib, identifier, serial, kind, coding, contents | SIB6, SIB7 or SIB8 |
| data | gNB > UE | ue, psi | a program sends without bearers |
"""

from __future__ import annotations

import msgspec

from cinq.ran.radio.port import EstablishmentCause, UplinkRule

VERSION = 7


class Frame(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Any frame."""


class Hello(Frame, frozen=True, tag="hello"):
    version: int = VERSION


class Attach(Frame, frozen=True, tag="attach"):
    ue: int


class Arrive(Frame, frozen=True, tag="arrive"):
    ue: int
    pci: int
    arfcn: int
    c_rnti: int


class Leave(Frame, frozen=True, tag="leave"):
    ue: int


class Stay(Frame, frozen=True, tag="stay"):
    ue: int


class Detach(Frame, frozen=True, tag="detach"):
    ue: int


class Setup(Frame, frozen=True, tag="setup"):
    ue: int
    nas: bytes
    cause: EstablishmentCause
    plmn: bytes
    s_tmsi: bytes


class Uplink(Frame, frozen=True, tag="uplink"):
    ue: int
    nas: bytes


class Listen(Frame, frozen=True, tag="listen"):
    ue: int
    s_tmsi: bytes


class Open(Frame, frozen=True, tag="open"):
    ue: int
    psi: int
    address: str
    mtu: int
    netns: str
    name: str
    rules: tuple[UplinkRule, ...] = ()
    identifier: bytes = b""
    behind: tuple[str, ...] = ()
    frames: bool = False


class Close(Frame, frozen=True, tag="close"):
    ue: int
    psi: int


class Fail(Frame, frozen=True, tag="fail"):
    ue: int


class Measure(Frame, frozen=True, tag="measure"):
    ue: int
    nci: int


class Reselect(Frame, frozen=True, tag="reselect"):
    ue: int
    nci: int


class ReEstablish(Frame, frozen=True, tag="establish"):
    ue: int
    nci: int


class CellInformation(Frame, frozen=True, tag="cell"):
    ue: int
    name: str
    plmn: bytes
    tac: int
    nci: int
    barred: bool
    categories: tuple[int, ...] = ()


class Downlink(Frame, frozen=True, tag="downlink"):
    ue: int
    nas: bytes


class Released(Frame, frozen=True, tag="released"):
    ue: int
    cause: str


class Handover(Frame, frozen=True, tag="handover"):
    ue: int
    pci: int
    arfcn: int
    ncc: int
    new_key: bool = False
    nas: bytes = b""
    c_rnti: int = 0


class Cells(Frame, frozen=True, tag="cells"):
    ue: int
    cells: tuple[tuple[int, int], ...]


class Bearer(Frame, frozen=True, tag="bearer"):
    ue: int
    psi: int
    up: bool


class InterfaceUp(Frame, frozen=True, tag="interface"):
    ue: int
    psi: int
    address: str
    mtu: int
    netns: str
    name: str
    error: str
    address6: str = ""


class Paging(Frame, frozen=True, tag="paging"):
    ue: int


class Warning(Frame, frozen=True, tag="warning"):
    ue: int
    sib: int
    identifier: int
    serial: int
    kind: int
    coding: int
    contents: bytes


class Data(Frame, frozen=True, tag="data"):
    ue: int
    psi: int


FromUe = (
    Hello
    | Attach
    | Arrive
    | Leave
    | Stay
    | Detach
    | Setup
    | Uplink
    | Listen
    | Open
    | Close
    | Fail
    | Measure
    | Reselect
    | ReEstablish
)
FromGnb = (
    Cells | CellInformation | Downlink | Released | Handover | Bearer | InterfaceUp | Paging | Warning | Data
)

encode = msgspec.msgpack.Encoder().encode
decode_from_ue = msgspec.msgpack.Decoder(FromUe).decode
decode_from_gnb = msgspec.msgpack.Decoder(FromGnb).decode
