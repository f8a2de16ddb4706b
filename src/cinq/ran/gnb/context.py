"""What a gNB remembers: of its AMF, of a UE on one NG connection, and of a PDU session's tunnel."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import msgspec

from cinq.numbering import AmfId, PlmnId

if TYPE_CHECKING:
    from cinq.ran.gnb.cell import CellLink


class N2Context(msgspec.Struct, frozen=True):
    """One NG-C association. amf_name, guamis, relative_capacity: as the AMF announced them.

    state: "down" without association, "setup" while NG Setup runs, "up". overload: OVERLOAD START is in force.
    """

    state: str = "down"
    amf_name: str = ""
    guamis: tuple[tuple[PlmnId, AmfId], ...] = ()
    relative_capacity: int = 0
    overload: bool = False


class Tunnel(msgspec.Struct, frozen=True):
    """N3 of a PDU session. Uplink goes to upf and ul_teid with QFI qfi, downlink comes in on dl_teid."""

    upf: IPv4Address
    ul_teid: int
    dl_teid: int
    qfis: tuple[int, ...]

    @property
    def qfi(self) -> int:
        """The QoS flow that uplink packets take: the first of the list."""
        return self.qfis[0] if self.qfis else 0


@dataclass(slots=True)
class UeContext:
    """A UE-associated logical NG connection, TS 38.413 §9.3.3.1 and §9.3.3.2.

    sessions: tunnels by PDU session identity. kgnb: the security key of the initial context, 32 octets.
    """

    ran_ue_ngap_id: int
    link: CellLink
    stream: int = 0
    amf_ue_ngap_id: int | None = None
    kgnb: bytes = field(default=b"", repr=False)
    nr_integrity: int = 0
    nr_ciphering: int = 0
    has_context: bool = False
    sessions: dict[int, Tunnel] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        """Whether this connection still has its RRC connection; the UE may be back on another."""
        return self.link.context is self

    def deliver(self, nas: bytes) -> None:
        """A NAS message to the UE; lost where the radio link is gone."""
        if self.link.context is self:
            self.link.mobile.on_downlink(nas)
