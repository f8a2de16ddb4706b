"""What a gNB remembers: of its AMF, of a UE on one NG connection, and of a PDU session's tunnel."""

from __future__ import annotations

from ipaddress import IPv4Address

import msgspec

from cinq.numbering import AmfId, PlmnId


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


class UeState(msgspec.Struct, frozen=True):
    """What the AMF said of a UE on one NG connection.

    amf_ue_ngap_id: None before its first answer. kgnb: the security key of the initial context, 32 octets.
    has_context: Initial Context Setup is done. nr_integrity, nr_ciphering: the algorithms chosen.
    """

    amf_ue_ngap_id: int | None = None
    kgnb: bytes = b""
    nr_integrity: int = 0
    nr_ciphering: int = 0
    has_context: bool = False

    def __repr__(self) -> str:
        return f"UeState(amf_ue_ngap_id={self.amf_ue_ngap_id}, has_context={self.has_context})"
