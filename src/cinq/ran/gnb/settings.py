"""The settings of `cinq gnb`: one emulated gNB with its cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from cinq.numbering import MAX_GNB_ID_BITS, MIN_GNB_ID_BITS, NR_CELL_BITS, GnbId, PlmnId, SNssai
from cinq.settings import HexOctets, check, setting
from cinq.transport_address import TransportAddress

N2_PORT = 38412
XN_PORT = 38422
"""TS 38.422 §7: SCTP destination port of XnAP."""
_MOST_NEIGHBOURS = 32


@dataclass(frozen=True, slots=True)
class CellSettings:
    """One NR cell."""

    cell: int = setting("Cell number: the rest of the 36 bits of the NR cell identity.", 0)
    tac: int = setting("Tracking area code of the cell.", 1)
    pci: int | None = setting(
        "Physical cell identity, 0 to 1007; without it the NR cell identity modulo 1008.", None
    )
    arfcn: int = setting("Downlink frequency (ARFCN) of the cell, 0 to 3279165.", 632628)

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("cell", self.cell, 0, (1 << NR_CELL_BITS - MIN_GNB_ID_BITS) - 1),
            ("tac", self.tac, 0, (1 << 24) - 1),
            ("pci", self.pci or 0, 0, 1007),
            ("arfcn", self.arfcn, 0, 3279165),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name}: found {value}, wanted {low} to {high}")


@dataclass(frozen=True, slots=True)
class GnbSettings:
    """An emulated gNB, TS 38.413 §9.2.6.1. Of one cell, `cell` and `tac` say all; of several, `cells` does."""

    name: str = setting("Name, shown by the AMF.", "demo-cell")
    gnb_id: int = setting("gNB identity, a number of gnb_id_bits.", 1)
    gnb_id_bits: int = setting("Length of the gNB identity, 22 to 32.", 32)
    cell: int = setting("Cell number: the rest of the 36 bits of the NR cell identity.", 0)
    plmn: PlmnId = setting("PLMN that the cells broadcast.", PlmnId("999", "70"))
    tac: int = setting("Tracking area code of the cell.", 1)
    cells: tuple[CellSettings, ...] = setting(
        "The cells, where there are several; then the keys cell and tac of the gNB count for nothing.", ()
    )
    slices: tuple[SNssai, ...] = setting("Slices supported in the tracking areas.", (SNssai(1),))
    amf_address: IPv4Address = setting("Address of the AMF.", IPv4Address("127.0.0.5"))
    amf_port: int = setting("SCTP port of the AMF.", N2_PORT)
    n2_address: str = setting("Own address on N2; empty for the one that routing chooses.", "")
    n2_streams: int = setting("SCTP streams that the gNB offers on N2, in either direction.", 32)
    n3_address: IPv4Address | IPv6Address = setting(
        "Own address for user traffic (GTP-U), of IPv4 or IPv6.", IPv4Address("127.0.0.8")
    )
    n3_ipv6_address: IPv6Address | None = setting(
        "IPv6 address beside an n3_address of IPv4, on the same interface; none without it.", None
    )
    default_paging_drx: Literal[32, 64, 128, 256] = setting("Default paging cycle, radio frames.", 128)
    radio: str = setting("Path of the socket where UEs attach.", "/run/cinq/radio")
    data_plane: Literal["auto", "ebpf", "tun", "none"] = setting(
        "Which data plane; none does signalling only.", "auto"
    )
    ng_setup_retry_s: float = setting(
        "Seconds until the AMF is tried again, where it does not say itself.", 5.0
    )
    inactivity_s: float = setting("Seconds without user data after which a UE goes idle; 0: never.", 0.0)
    ue_radio_capability: HexOctets = setting(
        "Reported to the AMF for each UE (UERadioAccessCapabilityInformation); empty reports nothing.",
        HexOctets(b""),
    )
    ue_radio_capability_id: HexOctets = setting(
        "UE radio capability ID (RACS) that the gNB knows ue_radio_capability by; empty: none.",
        HexOctets(b""),
    )
    gbr_capacity_mbps: int = setting(
        "Guaranteed bit rate that the gNB can promise, each way, Mbit/s; 0: without end.", 0
    )
    barred_access_categories: tuple[int, ...] = setting(
        "Access categories that the cells bar, 1 to 63 (32 to 63 are operator-defined).", ()
    )
    up_integrity: bool = setting("Whether the gNB can protect the integrity of user data.", True)
    up_ciphering: bool = setting("Whether the gNB can cipher user data.", True)
    xn_address: str = setting(
        "Own address on Xn, for gNBs of other processes; empty: no Xn but within the process.", ""
    )
    xn_port: int = setting("SCTP port on which neighbours come.", XN_PORT)
    xn_neighbours: tuple[str, ...] = setting(
        "Neighbours that are sought: address, or address:port ([address]:port for IPv6).", ()
    )
    t_xn_reloc_prep_s: float = setting(
        "TXnRELOCprep: seconds until a handover in preparation at a neighbour is cancelled.", 5.0
    )
    t_ng_reloc_prep_s: float = setting(
        "TNGRELOCprep: seconds until a handover in preparation is cancelled.", 5.0
    )
    t_ng_reloc_overall_s: float = setting(
        "TNGRELOCoverall and TXnRELOCOverall: seconds until a UE that left is asked to be released.", 10.0
    )

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("gnb_id_bits", self.gnb_id_bits, MIN_GNB_ID_BITS, MAX_GNB_ID_BITS),
            ("gnb_id", self.gnb_id, 0, (1 << self.gnb_id_bits) - 1),
            ("tac", self.tac, 0, (1 << 24) - 1),
            ("amf_port", self.amf_port, 1, 65535),
            ("xn_port", self.xn_port, 1, 65535),
            ("xn_neighbours", len(self.xn_neighbours), 0, _MOST_NEIGHBOURS),
            ("slices", len(self.slices), 1, 1024),
            ("name", len(self.name), 1, 150),
            ("ue_radio_capability_id", len(self.ue_radio_capability_id), 0, 64),
            ("gbr_capacity_mbps", self.gbr_capacity_mbps, 0, 4_000_000),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name}: found {value}, wanted {low} to {high}")
        for category in self.barred_access_categories:
            check.within("barred_access_categories", category, 1, 63)
        check.n3_addresses(self.n3_address, self.n3_ipv6_address)
        self._check_cells()
        for name, text in (("n2_address", self.n2_address), ("xn_address", self.xn_address)):
            try:
                _ = text and ip_address(text)
            except ValueError:
                raise ValueError(f"{name}: found {text!r}, wanted an IP address, or nothing") from None
        self._check_neighbours()
        if not 1 <= self.n2_streams <= 1024:
            raise ValueError(f"n2_streams: found {self.n2_streams}, wanted 1 to 1024")
        if not (self.inactivity_s == 0 or 1 <= self.inactivity_s <= 86400):
            raise ValueError(f"inactivity_s: found {self.inactivity_s}, wanted 0, or 1 to 86400")
        if not 0.1 <= self.ng_setup_retry_s <= 3600:
            raise ValueError(f"ng_setup_retry_s: found {self.ng_setup_retry_s}, wanted 0.1 to 3600")

    def _check_cells(self) -> None:
        cells, bits = self.every_cell, NR_CELL_BITS - min(self.gnb_id_bits, NR_CELL_BITS)
        for one in cells:
            if one.cell >> bits:
                raise ValueError(f"cell: found {one.cell}, wanted 0 to {(1 << bits) - 1}")
        if len({one.cell for one in cells}) != len(cells):
            raise ValueError("cells: found one cell number twice, wanted each once")
        for name, value in (
            ("t_xn_reloc_prep_s", self.t_xn_reloc_prep_s),
            ("t_ng_reloc_prep_s", self.t_ng_reloc_prep_s),
            ("t_ng_reloc_overall_s", self.t_ng_reloc_overall_s),
        ):
            if not 0.1 <= value <= 600:
                raise ValueError(f"{name}: found {value}, wanted 0.1 to 600")

    def _check_neighbours(self) -> None:
        own = (self.xn_address, self.xn_port)
        if self.xn_neighbours and not self.xn_address:
            raise ValueError("xn_neighbours: found some, wanted xn_address beside them")
        if len(set(self.xn_endpoints)) != len(self.xn_endpoints):
            raise ValueError("xn_neighbours: found one twice, wanted each once")
        if own in self.xn_endpoints:
            raise ValueError("xn_neighbours: found the own xn_address and xn_port, wanted those of others")

    @property
    def xn_endpoints(self) -> tuple[tuple[str, int], ...]:
        """Addresses and ports of the neighbours. ValueError: one is none."""
        return tuple(map(_endpoint, self.xn_neighbours))

    @property
    def n3(self) -> TransportAddress:
        """Our ends of N3."""
        return TransportAddress.of_both(self.n3_address, self.n3_ipv6_address)

    @property
    def every_cell(self) -> tuple[CellSettings, ...]:
        return self.cells or (CellSettings(self.cell, self.tac),)

    @property
    def identity(self) -> GnbId:
        return GnbId(self.plmn, self.gnb_id, self.gnb_id_bits)

    def nci(self, cell: CellSettings) -> int:
        """NR cell identity, 36 bits: gNB identity and cell, TS 38.413 §9.3.1.7."""
        return self.gnb_id << NR_CELL_BITS - self.gnb_id_bits | cell.cell

    def numbered(self, index: int) -> GnbSettings:
        """The settings of the gNB with this index, from 0: its identity counts up, its name and its socket say so."""
        if index == 0:
            return self
        radio = self.radio and f"{self.radio}-{index + 1}"
        name, port = f"{self.name}-{index + 1}", self.xn_port + (index if self.xn_address else 0)
        return replace(self, gnb_id=self.gnb_id + index, name=name, radio=radio, xn_port=port)


def _endpoint(text: str) -> tuple[str, int]:
    """ValueError: it is no address, or address and port."""
    host, separator, port = text.rpartition("]:") if text.startswith("[") else text.rpartition(":")
    if not separator or (text.count(":") > 1 and not text.startswith("[")):
        host, port = text, str(XN_PORT)
    try:
        found = str(ip_address(host.strip("[]")))
        if not (port.isdecimal() and port.isascii() and 1 <= int(port[:6]) <= 65535):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"xn_neighbours: found {text[:60]!r}, wanted an IP address, or address:port"
        ) from None
    return found, int(port)
