"""The settings of the AMF: tables [amf] and those below it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

from cinq.numbering import SNssai
from cinq.operator_identifier import network_identifier
from cinq.settings import check
from cinq.settings.toml import setting

Integrity = Literal["NIA1", "NIA2", "NIA3"]  # NIA0 is for emergency sessions alone (TS 33.501 §5.5.2)
Ciphering = Literal["NEA0", "NEA1", "NEA2", "NEA3"]
Radio = Literal["none", "nr", "eutra", "both"]


@dataclass(frozen=True, slots=True)
class TrackingAreaGroup:
    """Tracking areas that make one registration area."""

    tacs: tuple[int, ...] = setting("Tracking area codes, at most 16.")

    def __post_init__(self) -> None:
        check.at_least_one("tacs", self.tacs)
        check.tacs("tacs", self.tacs)
        check.at_most("tacs", self.tacs, 16)


@dataclass(frozen=True, slots=True)
class AccessCategory:
    """An operator-defined access category: what UEs go by when a cell bars some of what they do (TS 24.501 §4.5.3)."""

    number: int = setting("Its number, 32 to 63.")
    precedence: int = setting("UEs try the definitions in this order, the lowest first, 0 to 255.")
    dnns: tuple[str, ...] = setting("DNNs that it is for; empty: all.", ())
    slices: tuple[SNssai, ...] = setting("Slices that it is for; empty: all.", ())
    standardized: int = setting(
        "Access category that decides how the connection is asked for: 0 to 7, 9 or 10 (TS 24.501 table 4.5.6.1).",
        7,
    )

    def __post_init__(self) -> None:
        check.within("number", self.number, 32, 63)
        check.within("precedence", self.precedence, 0, 255)
        if not self.dnns and not self.slices:
            raise ValueError("dnns, slices: found none, wanted one or more of either")
        check.at_most("dnns", self.dnns, 32)
        check.slices("slices", self.slices)
        check.each_once("dnns", [name.lower() for name in self.dnns])
        for name in self.dnns:
            network_identifier(name)
        if self.standardized not in (*range(8), 9, 10):
            raise ValueError(f"standardized: found {self.standardized}, wanted 0 to 7, 9 or 10")


@dataclass(frozen=True, slots=True)
class Amf:
    """Access and mobility: N2 and NAS."""

    n2_address: IPv4Address = setting("Address on which gNBs find the AMF.", IPv4Address("127.0.0.5"))
    n2_port: int = setting("SCTP port of N2.", 38412)
    n2_max_associations: int = setting(
        "SCTP associations that may be open on N2; further gNBs are refused with ABORT, 1 to 65535.", 512
    )
    n2_max_associations_per_address: int = setting(
        "SCTP associations that may be open from one address, 1 to 65535.", 256
    )
    ng_setup_within_s: int = setting(
        "Seconds within which a new association must be set up by NG SETUP REQUEST; else it is ended.", 10
    )
    region: int = setting("AMF region identifier, 0 to 255.", 1)
    set: int = setting("AMF set identifier, 0 to 1023.", 1)
    pointer: int = setting("AMF pointer, 0 to 63.", 0)
    integrity: tuple[Integrity, ...] = setting(
        "Integrity algorithms in order of preference.",
        ("NIA2", "NIA1", "NIA3"),
    )
    ciphering: tuple[Ciphering, ...] = setting(
        "Ciphering algorithms in order of preference.", ("NEA2", "NEA1", "NEA3", "NEA0")
    )
    t3512_s: int = setting("Periodic registration timer given to UEs, seconds; 0: no periodic update.", 3240)
    t3502_s: int = setting("Seconds until a UE that failed five times to register tries again.", 720)
    t3346_s: int = setting("Back-off in congestion, seconds; UEs get it with up to half as much more.", 60)
    relative_capacity: int = setting("Relative AMF capacity told to gNBs, 0 to 255.", 255)
    registration_area: Literal["own", "all"] = setting(
        "Tracking areas in which a UE may move without a word: own, the one it is in; all, up to 16 of the network.",
        "all",
    )
    tracking_area_group: tuple[TrackingAreaGroup, ...] = setting(
        "Registration areas: a UE in one of these tracking areas gets the whole group.", ()
    )
    allowed_tacs: tuple[int, ...] = setting(
        "Tracking areas with service; empty: all (TS 23.501 §5.3.4.1).", ()
    )
    non_allowed_tacs: tuple[int, ...] = setting("Tracking areas without service for normal UEs.", ())
    forbidden_tacs: tuple[int, ...] = setting("Tracking areas in which no UE may register.", ())
    ims_voice: bool = setting(
        "Whether UEs are told that IMS voice over PS works (there must be an IMS).", False
    )
    emergency: Radio = setting("Where UEs are told that emergency services work.", "none")
    emergency_fallback: Radio = setting("Where UEs are told that emergency services fallback works.", "none")
    mico: bool = setting(
        "Whether a UE that asks for MICO mode (mobile initiated connections only) gets it.", False
    )
    edrx: bool = setting("Whether a UE that asks for extended DRX gets it.", False)
    access_category: tuple[AccessCategory, ...] = setting("Operator-defined access categories.", ())
    new_kamf_at_handover: bool = setting(
        "Whether every N2 handover gives the UE another K_AMF; else only one whose NAS COUNTs come to their end.",
        False,
    )
    accept_any_order: bool = setting(
        "Whether NGAP messages are taken whose IEs are not in the order of their tables, which TS 38.413 has refused; "
        "for gNBs and testers that cannot do otherwise.",
        False,
    )

    def __post_init__(self) -> None:
        check.port("n2_port", self.n2_port)
        for name, low, high in (
            ("region", 0, 255),
            ("set", 0, 1023),
            ("pointer", 0, 63),
            ("relative_capacity", 0, 255),
            ("n2_max_associations", 1, 65535),
            ("n2_max_associations_per_address", 1, 65535),
            ("ng_setup_within_s", 1, 3600),
            ("t3512_s", 0, 31 * 320 * 3600),
            ("t3502_s", 0, 31 * 360),
            ("t3346_s", 2, 31 * 360),
        ):
            check.within(name, getattr(self, name), low, high)
        if not self.integrity or not self.ciphering:
            raise ValueError("integrity and ciphering: wanted at least one algorithm each")
        for name in ("allowed_tacs", "non_allowed_tacs", "forbidden_tacs"):
            check.tacs(name, getattr(self, name))
            check.at_most(name, getattr(self, name), 16)
        if self.allowed_tacs and self.non_allowed_tacs:
            raise ValueError("non_allowed_tacs: wanted nothing where allowed_tacs are given")
        check.at_most("access_category", self.access_category, 32)
        check.each_once("access_category", [one.number for one in self.access_category])
        check.each_once("access_category", [one.precedence for one in self.access_category])
        check.at_most("tracking_area_group", self.tracking_area_group, 1024)
        grouped = [tac for group in self.tracking_area_group for tac in group.tacs]
        check.each_once("tracking_area_group", grouped)
