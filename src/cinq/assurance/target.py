"""A core under test, described by one TOML file: whose it is, where, whom it serves, what the lab may do to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path
from typing import Literal, get_args

from cinq.assurance.credentials import Sbi
from cinq.ran.scenarios import target as ran
from cinq.ran.scenarios.target import Core, Radio, Subscribers
from cinq.settings import setting

KnobName = Literal[
    "algorithm_order", "restart", "log", "downlink_data", "redirect_to_eps", "packet_filter", "personal_data"
]
KNOBS: tuple[KnobName, ...] = get_args(KnobName)
ASK = "ask"
"""What stands in place of a command where the operator of the bench turns the knob by hand."""
Feature = Literal[
    "emergency",
    "ciot",
    "nssaa",
    "ipups",
    "gtpc",
    "ipsec_n3",
    "ipsec_n4",
    "ipsec_n9",
    "tsc",
    "lan",
    "charging",
    "assertions",
    "web",
    "hardware",
]


def endpoint(name: str, place: str) -> tuple[str, int]:
    """'address:port' as both. ValueError: it is not of that form."""
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{name}: found {place!r}, wanted address:port")
    return host, int(port)


@dataclass(frozen=True, slots=True)
class Product:
    """What its vendor says that it is. What it shows of itself is recorded beside this."""

    name: str = setting("Name of the product, as declared.", "")
    vendor: str = setting("Its vendor, as declared.", "")
    version: str = setting("Its version, as declared: one that names one build.", "")
    digest: str = setting("Digest of the image or package, where it is known.", "")


@dataclass(frozen=True, slots=True)
class Interfaces:
    """Where the target can be reached beside N2. None: its cases are not tested."""

    n3: IPv4Address | IPv6Address | None = setting("Address of the UPF on N3.", None)
    n4: IPv4Address | None = setting("Address of the UPF on N4, for a bench SMF.", None)
    smf: IPv4Address | None = setting("Own address of the bench SMF, which the UPF lets in on N4.", None)
    pool: IPv4Network | None = setting(
        "UE addresses that the bench SMF may use: of the UPF's own, and given to nobody else.", None
    )
    n6: IPv4Address | None = setting(
        "An address in the data network that answers a ping of a UE: the traffic of the golden UE.", None
    )
    ipsec: tuple[Literal["N2", "N3", "N4", "N9"], ...] = setting(
        "Interfaces that the target claims to protect by IPsec itself; cleartext is to be refused there.", ()
    )
    broadcast: IPv4Address | None = setting(
        "Broadcast address of a link that the target and the bench share.", None
    )
    tls: tuple[str, ...] = setting("Where the target speaks TLS for its SBI, each as 'address:port'.", ())
    https: tuple[str, ...] = setting(
        "Where the target speaks TLS for a web server, each as 'address:port'.", ()
    )
    flood: IPv4Network = setting(
        "Sources of a flood: addresses that nobody has, and to which the target has a route.",
        IPv4Network("198.51.100.0/24"),
    )
    ipv6: IPv6Address | None = setting(
        "An IPv6 address of the target on a link that the bench shares, and that its routers are on.", None
    )
    link: str = setting("The bench's own interface on that link.", "")
    tcp: tuple[int, ...] = setting("TCP ports that the target declares, of any of its addresses.", ())
    udp: tuple[int, ...] = setting("UDP ports that the target declares.", (2152, 8805))
    sctp: tuple[int, ...] = setting("SCTP ports that the target declares.", (38412,))

    def __post_init__(self) -> None:
        for name in ("tls", "https"):
            for place in getattr(self, name):
                endpoint(name, place)


@dataclass(frozen=True, slots=True)
class Algorithms:
    """The order in which the target is set up, best first: what a choice is judged by."""

    integrity: tuple[Literal["NIA0", "NIA1", "NIA2", "NIA3"], ...] = setting(
        "Integrity algorithms of the AMF, the highest priority first.", ("NIA2", "NIA1")
    )
    ciphering: tuple[Literal["NEA0", "NEA1", "NEA2", "NEA3"], ...] = setting(
        "Ciphering algorithms of the AMF, the highest priority first.", ("NEA2", "NEA1", "NEA0")
    )

    def __post_init__(self) -> None:
        if not self.integrity or not self.ciphering:
            raise ValueError("integrity and ciphering: wanted the order of each")


@dataclass(frozen=True, slots=True)
class Features:
    """What the product has. A case of a feature that it has not is NOT-APPLICABLE."""

    emergency: bool = setting("Whether it serves emergency registrations (TS 23.501 §5.16.4).", False)
    ciot: bool = setting("Whether it has the CIoT 5GS optimisations (TS 23.501 §5.31).", False)
    nssaa: bool = setting("Whether it has slice-specific authentication (TS 23.501 §5.15.10).", False)
    gtpc: bool = setting("Whether it speaks GTP-C (TS 29.274), as one that interworks with EPS does.", False)
    tsc: bool = setting("Whether it serves time sensitive communication (TS 23.501 §5.27).", False)
    lan: bool = setting("Whether it serves groups of 5G LAN type (TS 23.501 §5.29).", False)
    charging: bool = setting("Whether its SMF charges at a CHF (N40, TS 32.255).", False)
    assertions: bool = setting(
        "Whether its functions verify client credentials assertions (TS 33.501 §13.3.8).", False
    )
    ipups: bool = setting(
        "Whether its UPF is an inter-PLMN user plane security point (TS 33.501 §5.9.3.4).", False
    )
    web: bool = setting("Whether it has a web server for management (TS 33.117 §4.3.4).", False)
    hardware: bool = setting(
        "Whether it comes with hardware that boots; software for the operator's hosts does not.", False
    )


@dataclass(frozen=True, slots=True)
class Access:
    """What the lab has beside the network."""

    documents: tuple[str, ...] = setting("Documents of the vendor that the lab has, by name.", ())


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the target, and what its vendor declares of it. The cases only read there."""

    prefix: tuple[str, ...] = setting(
        'Words that make a command run there: ["ip", "netns", "exec", "core"] or ["docker", "exec", "amf"]; ["env"] '
        "where it is the bench's own. Empty: no such access.",
        (),
    )
    processes: tuple[str, ...] = setting(
        "The product's processes: words that their command lines hold, each of one.", ()
    )
    users: tuple[str, ...] = setting("Users that these run as, as declared.", ("root",))
    private: tuple[str, ...] = setting("Files and folders that hold keys or subscribers' data.", ())
    configuration: tuple[str, ...] = setting("Its configuration files.", ())
    logs: tuple[str, ...] = setting("Its log files.", ())
    lends: tuple[str, ...] = setting("Programs with set-uid or set-gid rights that are declared.", ())
    accounts: tuple[str, ...] = setting("Accounts that people log in with, as declared.", ())
    defaults: tuple[str, ...] = setting("Passwords that the product or its system is delivered with.", ())
    services: tuple[str, ...] = setting(
        "Units that the host starts by itself, as declared, 'ssh.service'.", ()
    )
    packages: Path | None = setting("File of the bench with the declared packages, one a line.", None)
    supported: Path | None = setting(
        "CSV file of the bench with columns 'name' and 'until': until when the vendor mends each component.",
        None,
    )
    forwards: bool = setting(
        "Whether it is to forward IP packets between its interfaces, as a UPF does.", True
    )
    web_processes: tuple[str, ...] = setting("Processes of its web server, as in host.processes.", ())
    web_users: tuple[str, ...] = setting("Users that these run as, as declared.", ("www-data",))
    web_configuration: tuple[str, ...] = setting("Configuration files and folders of its web server.", ())
    web_content: tuple[str, ...] = setting("Folders whose files the web server hands out.", ())
    web_uploads: tuple[str, ...] = setting("Folders that the web server writes what it is sent to.", ())
    web_modules: tuple[str, ...] = setting("Modules of the web server that are needed, as declared.", ())


@dataclass(frozen=True, slots=True)
class Knobs:
    """A command that sets the target up, "ask" for the operator to do it by hand, or empty: its cases are not tested.

    Names in braces are put in.
    """

    algorithm_order: str = setting(
        "Sets the AMF to the order {integrity} and {ciphering}, such as 'NIA1,NIA2'. UEs register afterwards.",
        "",
    )
    restart: str = setting("Restarts the target; returns when it serves again.", "")
    log: str = setting("Prints what the target has logged since the time {since}, seconds since 1970.", "")
    downlink_data: str = setting("Sends a packet to the address {address} of a UE from the data network.", "")
    packet_filter: str = setting(
        "Sets the target's packet filter to {rule}: none, options (drop IPv4 packets with options), icmp-from (echo "
        "requests of {address} alone), udp-from (to UDP {port} from {address} alone), gtpu-echo (to UDP {port} GTP-U "
        "Echo Requests alone). Prints what the rule before has counted.",
        "",
    )
    personal_data: str = setting(
        "Shows the data of the subscriber {supi} ('999700000000001') in the way that administrators see it.",
        "",
    )
    redirect_to_eps: str = setting(
        "Makes the AMF send all UEs that register to EPC while {state} is on, and none while it is off.", ""
    )


ROW = re.compile(r"33\.\d{3} [\d.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document of the vendor about a row of the catalogue. Its digest stands in the report; a person reads it."""

    row: str = setting("Specification and clause of the row, '33.117 4.3.3.1.5'.")
    file: Path = setting("The file.")

    def __post_init__(self) -> None:
        if not ROW.fullmatch(self.row):
            raise ValueError(
                f"row: found {self.row[:40]!r}, wanted specification and clause, '33.117 4.3.3.1.5'"
            )


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried where there is no end: whichever is reached first."""

    inputs: int = setting(
        "Most unexpected inputs of each actor of the robustness suite; the first cover every message and element.",
        3000,
    )
    seconds: float = setting("Most seconds for these, findings not counted.", 120.0)
    findings: int = setting("After so many findings an actor of the robustness suite stops.", 3)

    def __post_init__(self) -> None:
        if self.inputs < 1 or self.seconds <= 0 or self.findings < 1:
            raise ValueError("inputs, seconds and findings: wanted more than 0")


_FEATURE_CLAUSES: dict[Feature, str] = {
    "emergency": "TS 23.501 §5.16.4",
    "ciot": "TS 23.501 §5.31",
    "nssaa": "TS 23.501 §5.15.10",
    "ipups": "TS 33.501 §5.9.3.4",
    "gtpc": "TS 29.274",
    "tsc": "TS 23.501 §5.27",
    "lan": "TS 23.501 §5.29",
    "charging": "TS 32.255",
    "assertions": "TS 33.501 §13.3.8",
    "web": "TS 33.117 §4.3.4",
    "hardware": "TS 33.117 §4.2.3.3.2",
}


@dataclass(frozen=True, slots=True)
class Target:
    """One product under test."""

    product: Product = setting("What its vendor says that it is.", factory=Product)
    core: Core = setting("Where N2 is, and what the core serves.", factory=Core)
    interfaces: Interfaces = setting("Where it can be reached beside N2.", factory=Interfaces)
    algorithms: Algorithms = setting("The order in which the AMF prefers algorithms.", factory=Algorithms)
    features: Features = setting("What the product has.", factory=Features)
    sbi: Sbi = setting("The bench on the service-based interface.", factory=Sbi)
    access: Access = setting("What the lab has beside the network.", factory=Access)
    host: Host = setting("A host of the target.", factory=Host)
    radio: Radio = setting("Addresses of the emulated gNBs.", factory=Radio)
    subscribers: tuple[Subscribers, ...] = setting("Test subscribers.", ())
    document: tuple[Document, ...] = setting("Documents of the vendor that the lab has.", ())
    knobs: Knobs = setting("What sets the target up.", factory=Knobs)
    effort: Effort = setting("How much is tried where there is no end.", factory=Effort)

    def __post_init__(self) -> None:
        if self.five_g_aka < FEWEST:
            raise ValueError(
                f"subscribers: wanted at least {FEWEST} that authenticate by 5G AKA "
                "(the one under test, the golden UE and the bystander)"
            )

    @property
    def five_g_aka(self) -> int:
        """Test subscribers that authenticate by 5G AKA."""
        return sum(group.count for group in self.subscribers if group.authentication == "5G AKA")

    @property
    def name(self) -> str:
        """A product that is called as its vendor is named once."""
        words = (self.product.vendor, self.product.name, self.product.version)
        return " ".join(dict.fromkeys(word for word in words if word)) or "core under test"

    def scenario(self) -> ran.Target:
        """The same core as the scenario engine knows it."""
        return ran.Target(self.name, self.core, self.radio, self.subscribers, ran.Knobs())

    def lacks_feature(self, feature: Feature) -> str:
        """Why a case of this feature does not apply, "" when the product has it."""
        if feature.startswith("ipsec_"):
            interface = feature.removeprefix("ipsec_").upper()
            if interface in self.interfaces.ipsec:
                return ""
            return f"the product does not claim to end IPsec on {interface} itself (interfaces.ipsec; TS 33.501 §9.3)"
        if getattr(self.features, feature):
            return ""
        return f"the product is declared without {feature} (features.{feature} = false; {_FEATURE_CLAUSES[feature]})"

    def lacks(self, needs: tuple[str, ...]) -> str:
        """What the lab does not have of a case's needs, in words; "" when it has all."""
        return ", ".join(words for words, there in map(self._need, needs) if not there)

    def _need(self, need: str) -> tuple[str, bool]:
        """A need in words, and whether it is met. KeyError: there is no such need."""
        if need in KNOBS:
            return f"the knob {need} (knobs.{need})", bool(getattr(self.knobs, need))
        if need == "n4":
            where = self.interfaces
            words = "a bench SMF's place on N4 (interfaces.n4, interfaces.smf and interfaces.pool)"
            return words, None not in (where.n4, where.smf, where.pool)
        if need in ON_THE_SBI:
            there = getattr(self.sbi, need.removeprefix("sbi ").replace(" ", "_"))
            return f"{ON_THE_SBI[need]} (sbi.{need.removeprefix('sbi ').replace(' ', '_')})", bool(there)
        if need in INTERFACES:
            there = getattr(self.interfaces, need) not in (None, (), "")
            return f"{INTERFACES[need]} (interfaces.{need})", there
        if need == "sixteen subscribers":
            return "sixteen test subscribers ([[subscribers]] count)", self.five_g_aka >= 16
        if need in DECLARED:
            return f"{DECLARED[need]} (host.{need})", getattr(self.host, need) not in (None, ())
        if need == "host":
            return "access to a host of the target (host.prefix)", bool(self.host.prefix)
        return PEERS[need], False


FEWEST = 3
INTERFACES = {
    "n3": "the address of N3",
    "n6": "the address of N6",
    "broadcast": "a broadcast address of the target's link",
    "tls": "a place where the target speaks TLS for its SBI",
    "https": "a place where the target speaks TLS for a web server",
    "tcp": "a TCP port that the target declares",
    "ipv6": "an IPv6 address of the target on a link that the bench shares",
    "link": "the bench's own interface on that link",
}
DECLARED = {
    "logs": "its log files",
    "packages": "the list of declared packages",
    "supported": "until when each component is mended",
    "web_processes": "the processes of its web server",
    "web_configuration": "the configuration of its web server",
    "web_content": "the folders whose files the web server hands out",
}
ON_THE_SBI = {
    "sbi nrf": "the target's NRF",
    "sbi address": "an own address for network functions of the bench",
    "sbi token key": "a key whose access tokens the target takes",
    "sbi certificate": "a certificate for the bench",
    "sbi status callback": "where a function of the target takes the NRF's notifications",
    "sbi profile a": "the home network's public key of profile A",
    "sbi profile b": "the home network's public key of profile B",
}
PEERS = {
    "bench TLS server": "a bench server that speaks TLS as nobody should, which this bench does not have yet",
    "bench AMF": "a bench AMF that hands a UE over by N14, which this bench does not have yet",
    "bench NSSAAF": "a bench NSSAAF at the target's SBI, which this bench does not have yet",
    "bench SEPP": "a bench SEPP and a second network, which this bench does not have yet",
    "bench UPF": "a bench UPF at the target's SMF, which this bench does not have yet",
    "host of IPv6": "a host of IPv6 in the data network that the bench can ping, which it cannot yet",
    "bench H-UPF": "a bench UPF of another PLMN on N9, which this bench does not have yet",
    "bench IKEv2": "an IKEv2 and ESP peer, which this bench does not have yet",
    "second leg": "a second way to the target on another of its links, which this bench does not have yet",
    "OAM client": "a client of the target's management interface with an account, which this bench does not have yet",
    "documents": "documents of the vendor, which a person reads",
    "vulnerability scanner": "a scanner of known vulnerabilities with its data, which this bench does not have",
    "bench ng-eNB": "an emulated ng-eNB, which this bench does not have yet",
}
"""Peers that no target can make up for: the sub-cases stand in every report as NOT-TESTED."""
NEEDS = frozenset((*KNOBS, *INTERFACES, *DECLARED, *ON_THE_SBI, "n4", "host", "sixteen subscribers", *PEERS))
