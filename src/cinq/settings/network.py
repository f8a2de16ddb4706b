"""The settings of `cinq up`: one network. Every key has a default; the file may be empty or absent."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

from cinq.numbering import NumberingError, PlmnId, SNssai, dnn
from cinq.settings.toml import BitRate, HexOctets, setting

Integrity = Literal["NIA1", "NIA2", "NIA3"]  # NIA0 is for emergency sessions alone (TS 33.501 §5.5.2)
Ciphering = Literal["NEA0", "NEA1", "NEA2", "NEA3"]


def _default_state() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/cinq")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "cinq"


def _default_run() -> Path:
    if os.geteuid() == 0:
        return Path("/run/cinq")
    return Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp") / "cinq"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this network is."""

    name: str = setting("Name of the AMF, shown to gNBs.", "cinq")
    plmn: PlmnId = setting("PLMN of the network: MCC and MNC.", PlmnId("999", "70"))
    tacs: tuple[int, ...] = setting("Tracking area codes served.", (1,))
    slices: tuple[SNssai, ...] = setting("Slices served: SST, or SST-SD with SD hexadecimal.", (SNssai(1),))

    def __post_init__(self) -> None:
        if not self.tacs or any(not 0 < tac < 1 << 24 for tac in self.tacs):
            raise ValueError("tacs: wanted one or more codes of 1 to 16777215")
        if not 0 < len(self.slices) <= 8:
            raise ValueError("slices: wanted 1 to 8")
        if not 0 < len(self.name) <= 150 or not self.name.isascii():
            raise ValueError("name: wanted 1 to 150 printable characters")


@dataclass(frozen=True, slots=True)
class Amf:
    """Access and mobility: N2 and NAS."""

    n2_address: IPv4Address = setting("Address on which gNBs find the AMF.", IPv4Address("127.0.0.5"))
    n2_port: int = setting("SCTP port of N2.", 38412)
    n2_max_associations: int = setting(
        "SCTP associations that may be open on N2; further gNBs are refused with ABORT, 1 to 65535.", 512
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
    t3512_s: int = setting("Periodic registration timer given to UEs, seconds.", 3240)
    relative_capacity: int = setting("Relative AMF capacity told to gNBs, 0 to 255.", 255)

    def __post_init__(self) -> None:
        _port("n2_port", self.n2_port)
        for name, limit in (("region", 255), ("set", 1023), ("pointer", 63), ("relative_capacity", 255)):
            if not 0 <= getattr(self, name) <= limit:
                raise ValueError(f"{name}: found {getattr(self, name)}, wanted 0 to {limit}")
        if not 0 < self.n2_max_associations < 65536:
            raise ValueError(f"n2_max_associations: found {self.n2_max_associations}, wanted 1 to 65535")
        if not self.integrity or not self.ciphering:
            raise ValueError("integrity and ciphering: wanted at least one algorithm each")
        if not 0 <= self.t3512_s <= 31 * 320 * 3600:
            raise ValueError(f"t3512_s: found {self.t3512_s}, wanted 0 to 35712000")


@dataclass(frozen=True, slots=True)
class Smf:
    """Session management: N4."""

    n4_address: IPv4Address = setting("Address of the SMF on N4.", IPv4Address("127.0.0.6"))
    n4_port: int = setting("PFCP port of the SMF.", 8805)
    n4_path: Literal["direct", "udp"] = setting(
        "How PFCP reaches the UPF of the same process: direct hands it over, udp sends it through the host.",
        "direct",
    )

    def __post_init__(self) -> None:
        _port("n4_port", self.n4_port)


@dataclass(frozen=True, slots=True)
class Upf:
    """User plane: N3, N4 and N6."""

    n3_address: IPv4Address = setting("Address to which gNBs send user traffic.", IPv4Address("127.0.0.7"))
    n4_address: IPv4Address = setting("Address of the UPF on N4.", IPv4Address("127.0.0.7"))
    n4_port: int = setting("PFCP port of the UPF.", 8805)
    data_plane: Literal["auto", "ebpf", "tun"] = setting(
        "Which data plane: auto takes eBPF where the host allows it, else TUN.", "auto"
    )
    n3_mtu: int = setting("MTU of the N3 link, where it is less than the interface's; 0: the interface's.", 0)
    n6_interface: str = setting("Interface towards the data network; empty: the default route's.", "")
    ue_to_ue: bool = setting("Whether one UE may reach another directly.", False)
    protect: tuple[IPv4Network, ...] = setting("Networks that no UE may reach through N6.", ())
    max_sessions: int = setting("PDU sessions for which the data plane has room.", 65536)

    def __post_init__(self) -> None:
        _port("n4_port", self.n4_port)
        if self.n3_mtu and not 576 <= self.n3_mtu <= 65535:
            raise ValueError(f"n3_mtu: found {self.n3_mtu}, wanted 0, or 576 to 65535")


@dataclass(frozen=True, slots=True)
class DataNetwork:
    """One DNN."""

    name: str = setting("Name of the data network (DNN).", "internet")
    pool: IPv4Network = setting("Addresses given to UEs.", IPv4Network("10.45.0.0/16"))
    dns: tuple[IPv4Address, ...] = setting(
        "DNS servers told to UEs.", (IPv4Address("1.1.1.1"), IPv4Address("8.8.8.8"))
    )
    mtu: int = setting("IPv4 link MTU told to UEs.", 1400)
    nat: bool = setting("Whether UE addresses are translated on the way out of N6.", True)
    slices: tuple[SNssai, ...] = setting("Slices in which it is offered; empty: all of the network.", ())
    session_ambr_uplink: BitRate = setting("Default session AMBR, uplink.", BitRate(10**9))
    session_ambr_downlink: BitRate = setting("Default session AMBR, downlink.", BitRate(10**9))

    def __post_init__(self) -> None:
        try:
            dnn(self.name)
        except NumberingError as error:
            raise ValueError(f"name: {error}") from None
        if self.pool.prefixlen > 30:
            raise ValueError(f"pool: found {self.pool}, wanted a network of at least 4 addresses")


@dataclass(frozen=True, slots=True)
class HomeNetworkKey:
    """A private key that de-conceals SUCIs (TS 33.501 annex C)."""

    id: int = setting("Home network public key identifier, 1 to 255.")
    private_key: HexOctets = setting("Private key, 64 hexadecimal digits.", secret=True)
    profile: Literal["A", "B"] = setting("Protection scheme: A (X25519) or B (P-256).", "A")

    def __post_init__(self) -> None:
        if not 1 <= self.id <= 255:
            raise ValueError(f"id: found {self.id}, wanted 1 to 255")
        if len(self.private_key) != 32:
            raise ValueError(f"private_key: found {len(self.private_key)} octets, wanted 32")


@dataclass(frozen=True, slots=True)
class Nrf:
    """Registration of network functions."""

    heart_beat_timer_s: int = setting("Seconds between heartbeats of a network function.", 10)


@dataclass(frozen=True, slots=True)
class Sbi:
    """How network functions meet."""

    transport: Literal["direct", "checked"] = setting(
        "direct passes objects; checked takes every call through JSON and its schema.", "direct"
    )


@dataclass(frozen=True, slots=True)
class State:
    """What is kept on this host."""

    folder: Path = setting(
        "Folder of the store (subscribers, UE contexts, sessions).", factory=_default_state
    )
    run: Path = setting("Folder of the control socket.", factory=_default_run)


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """One network: core and user plane."""

    network: Identity = setting("Who this network is.", factory=Identity)
    amf: Amf = setting("Access and mobility: N2 and NAS.", factory=Amf)
    smf: Smf = setting("Session management: N4.", factory=Smf)
    upf: Upf = setting("User plane: N3, N4 and N6.", factory=Upf)
    nrf: Nrf = setting("Registration of network functions.", factory=Nrf)
    sbi: Sbi = setting("How network functions meet.", factory=Sbi)
    state: State = setting("What is kept on this host.", factory=State)
    dnn: tuple[DataNetwork, ...] = setting("The data networks.", factory=lambda: (DataNetwork(),))
    home_network_key: tuple[HomeNetworkKey, ...] = setting("Keys that de-conceal SUCIs.", ())

    def __post_init__(self) -> None:
        names = [d.name for d in self.dnn]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"dnn: found names {names}, wanted one or more, each once")
        for i, one in enumerate(self.dnn):
            for other in self.dnn[i + 1 :]:
                if one.pool.overlaps(other.pool):
                    raise ValueError(f"dnn: pools {one.pool} and {other.pool} overlap")
        ids = [k.id for k in self.home_network_key]
        if len(set(ids)) != len(ids):
            raise ValueError(f"home_network_key: found ids {ids}, wanted each once")


def _port(name: str, port: int) -> None:
    if not 0 < port < 65536:
        raise ValueError(f"{name}: found {port}, wanted 1 to 65535")
