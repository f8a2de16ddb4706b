"""The settings of `cinq gnb`: one emulated gNB with one cell."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Literal

from cinq.numbering import PlmnId, SNssai
from cinq.settings import HexOctets, setting

N2_PORT = 38412


@dataclass(frozen=True, slots=True)
class GnbSettings:
    """An emulated gNB with one cell, TS 38.413 §9.2.6.1."""

    name: str = setting("Name, shown by the AMF.", "demo-cell")
    gnb_id: int = setting("gNB identity, a number of gnb_id_bits.", 1)
    gnb_id_bits: int = setting("Length of the gNB identity, 22 to 32.", 32)
    cell: int = setting("Cell number: the rest of the 36 bits of the NR cell identity.", 0)
    plmn: PlmnId = setting("PLMN that the cell broadcasts.", PlmnId("999", "70"))
    tac: int = setting("Tracking area code of the cell.", 1)
    slices: tuple[SNssai, ...] = setting("Slices supported in the tracking area.", (SNssai(1),))
    amf_address: IPv4Address = setting("Address of the AMF.", IPv4Address("127.0.0.5"))
    amf_port: int = setting("SCTP port of the AMF.", N2_PORT)
    n2_address: str = setting("Own address on N2; empty for the one that routing chooses.", "")
    n3_address: IPv4Address = setting("Own address for user traffic (GTP-U).", IPv4Address("127.0.0.8"))
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

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("gnb_id_bits", self.gnb_id_bits, 22, 32),
            ("gnb_id", self.gnb_id, 0, (1 << self.gnb_id_bits) - 1),
            ("cell", self.cell, 0, (1 << 36 - min(self.gnb_id_bits, 36)) - 1),
            ("tac", self.tac, 0, (1 << 24) - 1),
            ("amf_port", self.amf_port, 1, 65535),
            ("slices", len(self.slices), 1, 1024),
            ("name", len(self.name), 1, 150),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name}: found {value}, wanted {low} to {high}")
        try:
            _ = self.n2_address and ip_address(self.n2_address)
        except ValueError:
            raise ValueError(
                f"n2_address: found {self.n2_address!r}, wanted an IP address, or nothing"
            ) from None
        if not (self.inactivity_s == 0 or 1 <= self.inactivity_s <= 86400):
            raise ValueError(f"inactivity_s: found {self.inactivity_s}, wanted 0, or 1 to 86400")
        if not 0.1 <= self.ng_setup_retry_s <= 3600:
            raise ValueError(f"ng_setup_retry_s: found {self.ng_setup_retry_s}, wanted 0.1 to 3600")

    @property
    def nr_cell_identity(self) -> int:
        """36 bits: gNB identity and cell, TS 38.413 §9.3.1.7."""
        return self.gnb_id << 36 - self.gnb_id_bits | self.cell
