"""The settings of `cinq ue`: a USIM, what the UE can do, and the sessions it asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from cinq.crypto import milenage, tuak
from cinq.numbering import Imei, Imeisv, NumberingError, PlmnId, SNssai, Supi, dnn
from cinq.ran import traffic
from cinq.settings import BitRate, HexOctets, rate_text, setting
from cinq.wire.nas import GmmFeature

ConcealmentScheme = Literal["null", "A", "B"]
SCHEMES: dict[ConcealmentScheme, int] = {"null": 0, "A": 1, "B": 2}  # TS 33.501 annex C
_HOME_NETWORK_KEY_OCTETS: dict[ConcealmentScheme, tuple[int, ...]] = {
    "null": (0, 32, 33),
    "A": (32,),
    "B": (33,),
}
PcoItem = Literal["nas_address", "dns", "dns6", "mtu", "p_cscf", "p_cscf6", "bearer_control", "ipcp"]
Integrity = Literal["NIA0", "NIA1", "NIA2", "NIA3"]
Ciphering = Literal["NEA0", "NEA1", "NEA2", "NEA3"]


def _octets(name: str, octets: bytes, *sizes: int) -> None:
    if len(octets) not in sizes:
        wanted = " or ".join(str(2 * size) for size in sizes)
        raise ValueError(f"{name}: found {2 * len(octets)} hexadecimal digits, wanted {wanted}")


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """A PDU session that the UE asks for, TS 24.501 §6.4.1."""

    dnn: str = setting("Data network name; empty leaves the choice to the network.", "internet")
    s_nssai: SNssai | None = setting("Slice; without it the network chooses.", SNssai(1))
    kind: Literal["IPv4", "IPv6", "IPv4v6", "Ethernet"] = setting("PDU session type.", "IPv4")
    ssc_mode: Literal[1, 2, 3] = setting("Session and service continuity mode asked for.", 1)
    always_on: bool = setting("Whether an always-on session is asked for.", False)
    packet_filters: int = setting("Packet filters that the UE says it supports, 17 to 1024; 0: not said.", 0)
    integrity_rate: Literal["full", "64k"] = setting(
        "Rate up to which the UE can protect the integrity of user data.", "full"
    )
    reflective_qos: bool = setting("Whether the UE says that it supports reflective QoS.", False)
    ask: tuple[PcoItem, ...] = setting(
        "What is asked for in protocol configuration options.", ("nas_address", "dns", "dns6", "mtu")
    )
    behind: tuple[IPv4Network | IPv6Network, ...] = setting(
        "Networks behind the UE, whose addresses its interface answers for (framed routes of its subscription).",
        (),
    )
    traffic: Literal["none", "constant", "voice", "web", "video"] = setting(
        "Traffic that the UE makes in it, with a responder (`cinq respond`); `cinq ue` shows loss, delay and jitter.",
        "none",
    )
    traffic_peer: str = setting("The responder, as 10.6.0.2:5600 or [2001:db8::1]:5600.", "")
    traffic_rate: BitRate = setting("Rate of constant traffic, each way.", BitRate(10**6))
    emergency: bool = setting("Whether it is an emergency session: it names neither DNN nor slice.", False)

    def __post_init__(self) -> None:
        if self.packet_filters and not 17 <= self.packet_filters <= 1024:
            raise ValueError(f"packet_filters: found {self.packet_filters}, wanted 17 to 1024, or 0")
        if self.traffic != "none":
            self._check_traffic()
        if self.dnn:
            try:
                dnn(self.dnn)
            except NumberingError as error:
                raise ValueError(f"dnn: {error}") from None

    def _check_traffic(self) -> None:
        if self.kind == "Ethernet":
            raise ValueError(f"traffic: found {self.traffic!r} in an Ethernet session, wanted one of IP")
        if not 1000 <= self.traffic_rate <= 10**9:
            raise ValueError(f"traffic_rate: found {rate_text(self.traffic_rate)}, wanted 1 Kbps to 1 Gbps")
        try:
            traffic.peer_of(self.traffic_peer)
        except ValueError as error:
            raise ValueError(f"traffic_peer: {error}") from None


@dataclass(frozen=True, slots=True)
class RegistrationSettings:
    """What the UE says and asks for in REGISTRATION REQUEST, TS 24.501 §8.2.6."""

    capability: tuple[str, ...] = setting(
        "Bits of the 5GMM capability that are set, by name: nssaa, racs, lpp, extended_rejected_nssai ...", ()
    )
    default_configured_nssai: bool = setting(
        "Whether the slices are those of the default configured NSSAI, and the UE says so.", False
    )
    mico: bool = setting("Whether MICO mode is asked for: the UE is reached when it wants.", False)
    active_time_s: int = setting("T3324 asked for, seconds; 0: not asked for.", 0)
    periodic_s: int = setting("T3512 asked for, seconds; 0: not asked for.", 0)
    drx: Literal["", "32", "64", "128", "256"] = setting("DRX cycle asked for, in frames of 10 ms.", "")
    edrx: int = setting("Extended DRX value asked for, 0 to 15; -1: not asked for.", -1)
    paging_time_window: int = setting("Paging time window asked for with it, 0 to 15.", 0)
    usage: Literal["", "voice", "data"] = setting("UE's usage setting: what it is centred on.", "")
    sms: bool = setting("Whether SMS over NAS is asked for.", False)
    ladn: tuple[str, ...] = setting("Local area DNNs of which the UE wants to know where they are.", ())
    radio_capability_id: str = setting("Identity of the UE's radio capability, hexadecimal; empty: none.", "")

    def __post_init__(self) -> None:
        for name in self.capability:
            if name.upper() not in GmmFeature.__members__:
                known = ", ".join(sorted(each.lower() for each in GmmFeature.__members__))
                raise ValueError(f"capability: found '{name}', wanted one of {known}")
        for name, value, low, high in (
            ("active_time_s", self.active_time_s, 0, 31 * 320 * 3600),
            ("periodic_s", self.periodic_s, 0, 31 * 320 * 3600),
            ("edrx", self.edrx, -1, 15),
            ("paging_time_window", self.paging_time_window, 0, 15),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name}: found {value}, wanted {low} to {high}")


@dataclass(frozen=True, slots=True)
class UeSettings:
    """One emulated UE, or `count` of them with consecutive IMSIs."""

    imsi: str = setting("IMSI, 6 to 15 digits.", "999700000000001")
    plmn: PlmnId = setting("Home PLMN, which the IMSI begins with.", PlmnId("999", "70"))
    count: int = setting("How many UEs, with consecutive IMSIs and the same keys.", 1)
    k: HexOctets = setting(
        "Key K, 32 digits (TUAK also 64).",
        HexOctets(bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc")),
        secret=True,
    )
    opc: HexOctets = setting(
        "OPc of 32 digits, or TOPc of 64 for TUAK.",
        HexOctets(bytes.fromhex("e8ed289deba952e4283b54e88e6183ca")),
        secret=True,
    )
    op: HexOctets = setting(
        "OP, or TOP for TUAK; where it is given OPc is derived from it.", HexOctets(b""), secret=True
    )
    algorithm: Literal["milenage", "tuak"] = setting("Authentication functions of the USIM.", "milenage")
    sqn: int = setting("Highest sequence number that the USIM has accepted.", 0)
    routing_indicator: str = setting("Routing indicator of the SUCI, 1 to 4 digits.", "0")
    suci: ConcealmentScheme = setting("Concealment of the SUPI: null scheme, profile A or B.", "null")
    home_network_key: HexOctets = setting(
        "Public key of the home network: X25519 (64 digits) for A, compressed P-256 (66) for B.",
        HexOctets(b""),
    )
    home_network_key_id: int = setting("Identifier of that key, 0 to 255.", 0)
    imei: str = setting("IMEI of 15 digits; empty for none.", "")
    imeisv: str = setting("IMEISV of 16 digits; empty for none.", "4370816125816151")
    integrity: tuple[Integrity, ...] = setting("Integrity algorithms supported.", ("NIA1", "NIA2", "NIA3"))
    ciphering: tuple[Ciphering, ...] = setting(
        "Ciphering algorithms supported.", ("NEA0", "NEA1", "NEA2", "NEA3")
    )
    slices: tuple[SNssai, ...] = setting("Slices asked for at registration, at most 8.", (SNssai(1),))
    sessions: tuple[SessionSettings, ...] = setting(
        "PDU sessions, asked for after registration with the identities 1, 2, ...", (SessionSettings(),)
    )
    registration: RegistrationSettings = setting(
        "What the UE says and asks for at registration.", RegistrationSettings()
    )
    netns: str = setting(
        "Network namespace of the UE's interfaces: a process id, a path, or a name, made where there is none. Empty: "
        "where the gNB runs, or cinq-ue where the UPF runs there as well.",
        "",
    )
    radio: str = setting("Path of the gNB's radio socket.", "/run/cinq/radio")
    radios_in_reach: tuple[str, ...] = setting(
        "Radio sockets of other gNB processes to which a handover may send the UE.", ()
    )

    def __post_init__(self) -> None:
        self._check_keys()
        try:
            self.supi.msin(self.plmn)
            _ = self.imei and Imei(self.imei), self.imeisv and Imeisv(self.imeisv)
        except NumberingError as error:
            raise ValueError(f"imsi: {error}" if "IMSI" in str(error) else str(error)) from None
        for name, value, low, high in (
            ("sqn", self.sqn, 0, (1 << 48) - 1),
            ("count", self.count, 1, 1_000_000),
            ("home_network_key_id", self.home_network_key_id, 0, 255),
            ("slices", len(self.slices), 0, 8),
            ("sessions", len(self.sessions), 0, 15),
            ("integrity", len(self.integrity), 1, 4),
            ("ciphering", len(self.ciphering), 1, 4),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name}: found {value}, wanted {low} to {high}")

    def _check_keys(self) -> None:
        tuak_keys = self.algorithm == "tuak"
        size = 32 if tuak_keys else 16
        _octets("k", self.k, *((16, 32) if tuak_keys else (16,)))
        if not self.op and not self.opc:
            raise ValueError("opc: wanted one of op and opc")
        _octets("opc", self.opc, 0, size)
        _octets("op", self.op, 0, size)
        _octets("home_network_key", self.home_network_key, *_HOME_NETWORK_KEY_OCTETS[self.suci])

    @property
    def supi(self) -> Supi:
        return Supi(self.imsi)

    @property
    def pei(self) -> Imei | Imeisv | None:
        """The IMEISV where there is one, else the IMEI."""
        if self.imeisv:
            return Imeisv(self.imeisv)
        return Imei(self.imei) if self.imei else None

    @property
    def operator_code(self) -> bytes:
        """OPc or TOPc."""
        if not self.op:
            return self.opc
        return (tuak.compute_opc if self.algorithm == "tuak" else milenage.compute_opc)(self.k, self.op)

    def numbered(self, index: int) -> UeSettings:
        """The settings of the UE with this index, from 0: its IMSI counts up."""
        if index == 0:
            return self
        return replace(self, imsi=f"{int(self.imsi) + index:0{len(self.imsi)}d}")
