"""What a gNB remembers: of its AMF, of its cells, of a UE on one NG connection, and of a PDU session."""

from __future__ import annotations

from typing import Literal

import msgspec

from cinq.crypto import kdf
from cinq.numbering import AmfId, GnbId, PlmnId, SNssai, Tai
from cinq.transport_address import Address, TransportAddress
from cinq.wire import ngap

Guami = tuple[PlmnId, AmfId]


class Overload(msgspec.Struct, frozen=True):
    """OVERLOAD START, TS 38.413 §8.7.7: what the AMF wants fewer of. action: None for all traffic but emergency.

    reduction: per cent of the traffic concerned that is to be rejected.
    """

    action: ngap.OverloadAction | None = None
    reduction: int = 100


class N2Context(msgspec.Struct, frozen=True):
    """One NG-C association. amf_name, guamis, relative_capacity, slices: as the AMF announced them.

    state: "down" without association, "setup" while NG Setup runs, "up". overload: OVERLOAD START is in force, and
    for which slices. unavailable: GUAMIs of the last AMF STATUS INDICATION.
    """

    state: Literal["down", "setup", "up"] = "down"
    amf_name: str = ""
    guamis: tuple[Guami, ...] = ()
    relative_capacity: int = 0
    slices: tuple[tuple[PlmnId, SNssai], ...] = ()
    overload: Overload | None = None
    slice_overload: tuple[tuple[SNssai, Overload], ...] = ()
    unavailable: tuple[Guami, ...] = ()


class CellId(msgspec.Struct, frozen=True, cache_hash=True):
    """An NR cell as other nodes name it. nci: 36 bits, TS 38.413 §9.3.1.7. pci and arfcn: what keys depend on."""

    gnb: GnbId
    nci: int
    tac: int
    pci: int = 0
    arfcn: int = 632628

    @property
    def tai(self) -> Tai:
        return Tai(self.gnb.plmn, self.tac)

    def __str__(self) -> str:
        return f"cell {self.nci:09x} of gNB {self.gnb}"


class AsKeys(msgspec.Struct, frozen=True):
    """The key chain of a UE, TS 33.501 §6.9.2.1. kgnb: in use, 32 octets. nh, ncc: the pair not used yet, or none.

    used_ncc: of the key in use. new_key: the pair begins a chain (New Security Context Indicator); used_new_key: the
    key in use did, which the UE hears of when it takes it into use (keySetChangeIndicator). A key is never shown.
    """

    kgnb: bytes = b""
    used_ncc: int = 0
    nh: bytes = b""
    ncc: int = 0
    new_key: bool = False
    used_new_key: bool = False

    def for_target(self, pci: int, arfcn: int) -> AsKeys:
        """K_NG-RAN* for a cell: vertical where an NH is unused, else horizontal (§6.9.2.3.2, A.11)."""
        if self.nh:
            return AsKeys(kdf.kgnb_star(self.nh, pci, arfcn), self.ncc, used_new_key=self.new_key)
        return AsKeys(kdf.kgnb_star(self.kgnb, pci, arfcn), self.used_ncc)

    def with_next(self, nh: bytes, ncc: int, new_key: bool = False) -> AsKeys:
        """The AMF has handed out a new pair (§6.9.2.3.2)."""
        return AsKeys(self.kgnb, self.used_ncc, nh, ncc, new_key)

    def __repr__(self) -> str:
        return f"AsKeys(used_ncc={self.used_ncc}, ncc={self.ncc}, nh={'unused' if self.nh else 'none'})"


class TunnelEnd(msgspec.Struct, frozen=True):
    """Where GTP-U goes."""

    ends: TransportAddress
    teid: int


class PdcpCounts(msgspec.Struct, frozen=True):
    """The COUNT of the next uplink and of the next downlink packet of a DRB (TS 38.323 §6.3.5), 32 bits."""

    uplink: int = 0
    downlink: int = 0


class Tunnel(msgspec.Struct, frozen=True):
    """N3 of a PDU session. Uplink goes to upf and ul_teid with QFI qfi, downlink comes in on dl_teid.

    forwarding: the TEID on which a source gNB's packets come in while a handover runs, 0 for none.
    """

    upf: Address
    ul_teid: int
    dl_teid: int
    qfis: tuple[int, ...]
    forwarding: int = 0

    @property
    def qfi(self) -> int:
        """The QoS flow that uplink packets take: the first of the list."""
        return self.qfis[0] if self.qfis else 0


class Flow(msgspec.Struct, frozen=True):
    """A QoS flow that was admitted. qos: as the SMF gave it, None where a test gave none."""

    qfi: int
    qos: ngap.QosFlowLevelQosParameters | None = None

    @property
    def guaranteed(self) -> tuple[int, int]:
        """Guaranteed bit rate, downlink and uplink; 0 for a non-GBR flow."""
        gbr = None if self.qos is None else self.qos.gbr_qos_information
        return (0, 0) if gbr is None else (gbr.guaranteed_flow_bit_rate_dl, gbr.guaranteed_flow_bit_rate_ul)


class UpSecurity(msgspec.Struct, frozen=True):
    """Protection of a session's user plane: what the SMF wants (§9.3.1.27), and what the gNB does."""

    wanted: ngap.SecurityIndication
    integrity: bool
    ciphering: bool

    @property
    def result(self) -> ngap.SecurityResult:
        """§9.3.1.59."""
        return ngap.SecurityResult(
            integrity_protection_result="performed" if self.integrity else "not-performed",
            confidentiality_protection_result="performed" if self.ciphering else "not-performed",
        )


class PduSession(msgspec.Struct, frozen=True):
    """Resources of a PDU session. security: None where the SMF said nothing. ambr: downlink and uplink, 0 for none."""

    tunnel: Tunnel
    flows: tuple[Flow, ...]
    s_nssai: SNssai | None = None
    kind: str = "ipv4"
    ambr: tuple[int, int] = (0, 0)
    security: UpSecurity | None = None

    @property
    def qfis(self) -> tuple[int, ...]:
        return self.tunnel.qfis


class UeState(msgspec.Struct, frozen=True):
    """What the AMF said of a UE on one NG connection, and how far the connection is.

    amf_ue_ngap_id: None before its first answer. has_context: Initial Context Setup, or a handover, is done.
    nr_integrity, nr_ciphering: the algorithms chosen. leaving: why its sessions are not to be touched, while a
    handover runs. inactive: RRC_INACTIVE. report_rrc: the RRC Inactive Transition Report Request in force.
    history: cells before this one. status, early_status: RAN status transfers for a UE that is to come.
    succeeded: HANDOVER SUCCESS came.
    """

    amf_ue_ngap_id: int | None = None
    has_context: bool = False
    guami: Guami | None = None
    keys: AsKeys = AsKeys()
    capabilities: ngap.UESecurityCapabilities | None = None
    nr_integrity: int = 0
    nr_ciphering: int = 0
    ambr: ngap.UEAggregateMaximumBitRate | None = None
    allowed_nssai: tuple[SNssai, ...] = ()
    mobility_restriction: ngap.MobilityRestrictionList | None = None
    inactive_assistance: ngap.CoreNetworkAssistanceInformationForInactive | None = None
    radio_capability: bytes = b""
    leaving: ngap.CauseRadioNetwork | None = None
    inactive: bool = False
    report_rrc: ngap.RRCInactiveTransitionReportRequest | None = None
    location_reports: tuple[ngap.LocationReportingRequestType, ...] = ()
    traces: tuple[ngap.TraceActivation, ...] = ()
    history: tuple[ngap.LastVisitedCellItem, ...] = ()
    status: ngap.RANStatusTransferTransparentContainer | None = None
    early_status: ngap.EarlyStatusTransferTransparentContainer | None = None
    succeeded: bool = False
