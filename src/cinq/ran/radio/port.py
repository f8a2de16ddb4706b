"""The radio interface between an emulated UE and an emulated gNB: what RRC and the bearers would carry, no more.

In one process UE and gNB hold each other's objects by these Protocols; between processes link.py carries the same
calls over a socket. Times, radio quality and access stratum security are not emulated.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from cinq.numbering import PlmnId, STmsi


class SystemInformation(msgspec.Struct, frozen=True):
    """What a cell broadcasts, TS 38.331 §6.2.2 (SIB1). barred: no access, as while the gNB has no AMF.

    barred_access_categories: those with a uac-BarringFactor of 0, of access identity 0.
    """

    name: str
    plmn: PlmnId
    tac: int
    nr_cell_identity: int
    barred: bool = False
    barred_access_categories: tuple[int, ...] = ()


class Reconfiguration(msgspec.Struct, frozen=True):
    """RRCReconfiguration with sync, or RRCReestablishment: what the UE's key in a cell is derived from.

    pci, arfcn: of the cell. ncc: next hop chaining count. new_key: keySetChangeIndicator, K_gNB comes of K_AMF anew.
    nas: NAS container, b"" without one (TS 33.501 §6.9.2.3). c_rnti: in the cell, where that is of another process; 0
    where the network moves the UE itself.
    """

    pci: int
    arfcn: int
    ncc: int
    new_key: bool = False
    nas: bytes = b""
    c_rnti: int = 0


EstablishmentCause = Literal[
    "emergency",
    "highPriorityAccess",
    "mt-Access",
    "mo-Signalling",
    "mo-Data",
    "mo-VoiceCall",
    "mo-VideoCall",
    "mo-SMS",
    "mps-PriorityAccess",
    "mcs-PriorityAccess",
]
"""TS 38.331 §6.2.2, EstablishmentCause."""


class RrcSetup(msgspec.Struct, frozen=True):
    """RRCSetupRequest and RRCSetupComplete in one, TS 38.331 §5.3.3: an RRC connection with its first NAS message.

    nas: the initial NAS message. s_tmsi: 5G-S-TMSI of a UE that has one.
    """

    nas: bytes
    cause: EstablishmentCause
    plmn: PlmnId
    s_tmsi: STmsi | None = None


Components = tuple[tuple[int, bytes], ...]
"""Of a packet filter: kind and value, TS 24.501 §9.11.4.13."""


class UplinkRule(msgspec.Struct, frozen=True):
    """A QoS rule of the UE, as it matters to uplink packets. filters: a packet that fits one of them is of flow qfi."""

    qfi: int
    filters: tuple[Components, ...]


class Interface(msgspec.Struct, frozen=True):
    """The UE's end of a PDU session as ordinary programs see it.

    address: IPv4 dotted, "" without one. interface_identifier: 8 octets of the link local address of an IPv6 session,
    whose address6 is made with them and the prefix that the router advertises. mtu: octets. netns: a process id, a
    path, or a name under /run/netns; empty for the namespace of the gNB process. name: of the network interface, empty
    for one that the gNB chooses. behind: networks that are reached by the UE. frames: it
    carries Ethernet frames. rules: in the order in which uplink
    packets are matched with them.
    """

    pdu_session_id: int
    address: str
    mtu: int = 1400
    netns: str = ""
    name: str = ""
    rules: tuple[UplinkRule, ...] = ()
    interface_identifier: bytes = b""
    address6: str = ""
    behind: tuple[str, ...] = ()
    frames: bool = False


class Warning(msgspec.Struct, frozen=True):
    """What a cell broadcasts of a public warning in one system information block, TS 38.331 §6.3.1, TS 23.041 §9.4.

    sib: 6 for the primary notification of ETWS, 7 for the secondary one, 8 for CMAS. message_identifier, serial_number:
    16 bits each. warning_type: 16 bits, in SIB6 only. coding, contents: data coding scheme and pages, in the others.
    """

    sib: int
    message_identifier: int
    serial_number: int
    warning_type: int = 0
    coding: int = 0
    contents: bytes = b""


class Mobile(Protocol):
    """A UE as its cell sees it."""

    def on_system_information(self, information: SystemInformation) -> None:
        """The cell began to broadcast this, or changed it."""

    def on_downlink(self, nas: bytes) -> None: ...

    def on_released(self, cause: str) -> None:
        """The RRC connection is over: RRCRelease, or the setup was rejected."""

    def on_handover(self, told: Reconfiguration) -> bool:
        """The UE is to go to another cell, or is there, and derives its key.

        False: it stays, since the NAS container does not hold (TS 33.501 §6.9.2.3.4). A UE of another process goes in
        any case; then its radio connection fails.
        """

    def on_bearer(self, pdu_session_id: int, up: bool) -> None:
        """Radio bearers of a PDU session were set up or released."""

    def on_interface(self, interface: Interface, error: str) -> None:
        """The interface asked for is there, with its name; or `error` says why it is not.

        Again when it has got its IPv6 address.
        """

    def on_paging(self) -> None:
        """Paged by the 5G-S-TMSI it listens for."""

    def on_warning(self, warning: Warning) -> None:
        """The cell broadcasts this, to idle and connected UEs alike (TS 38.304 §7.1, short message)."""

    def on_uplink_data(self, pdu_session_id: int) -> None:
        """A program sent on an interface without bearers: a reason for a service request."""


class Link(Protocol):
    """What a cell does for one UE, from `attach` to `detach`, over many RRC connections."""

    @property
    def connected(self) -> bool:
        """Whether there is an RRC connection."""
        ...

    def setup(self, setup: RrcSetup) -> None:
        """Open an RRC connection. When the cell refuses, on_released follows."""

    def uplink(self, nas: bytes) -> None:
        """A NAS message on the RRC connection; lost without one."""

    def listen(self, s_tmsi: STmsi | None) -> None:
        """Listen to the paging channel for this identity only."""

    def open_interface(self, interface: Interface) -> None:
        """Ask for a network interface for a PDU session; it stays while bearers come and go. Again: it has changed."""

    def close_interface(self, pdu_session_id: int) -> None: ...

    def measure(self, nr_cell_identity: int) -> None:
        """Measurement report: that cell is heard better. The gNB may hand the UE over to it."""

    def reselect(self, nr_cell_identity: int) -> bool:
        """Camp on another cell while idle. False: there is no such cell here, or the UE is connected."""
        ...

    def re_establish(self, nr_cell_identity: int) -> bool:
        """RRC re-establishment in a cell after a radio link failure. False: it failed, on_released has followed."""
        ...

    def leave(self) -> None:
        """Sent away by a handover, the UE has come to the cell of another process: nothing here is needed any more."""

    def stay(self) -> None:
        """Sent away by a handover, the UE finds no such cell, and stays."""

    def fail(self) -> None:
        """Radio link failure: the RRC connection ends without a word of the UE."""

    def detach(self) -> None:
        """The UE leaves the cell: connection, interfaces and paging end."""


class Cell(Protocol):
    """A cell as UEs see it."""

    def attach(self, mobile: Mobile) -> Link:
        """The UE camps on the cell. It hears the system information at once."""
        ...


class Site(Cell, Protocol):
    """A cell with the NG-RAN behind it, as its socket has it."""

    def arrive(self, mobile: Mobile, pci: int, arfcn: int, c_rnti: int) -> Link | None:
        """The UE comes by a handover, to this cell or another of its NG-RAN. None: nobody of that C-RNTI is awaited."""
        ...

    @property
    def in_reach(self) -> tuple[tuple[int, int], ...]:
        """PCI and ARFCN of the cells of its NG-RAN."""
        ...
