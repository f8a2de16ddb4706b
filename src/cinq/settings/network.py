"""The settings of `cinq up`: one network. Every key has a default; the file may be empty or absent."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import product
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote

from cinq.home_domain import function_name
from cinq.numbering import NumberingError, PlmnId, SNssai
from cinq.operator_identifier import network_identifier
from cinq.settings import check
from cinq.settings.access import Amf
from cinq.settings.charging import Charging, Counter, Limit, Partner, Rate, Tariff, check_tariffs
from cinq.settings.eligibility import Eligibility
from cinq.settings.exposure import PROFILES, Application, Nef, QosProfile
from cinq.settings.ipsec import Ipsec
from cinq.settings.policy import Rule
from cinq.settings.roaming import RoamingPartner, Sepp, check_partners
from cinq.settings.service_based import Nrf, Sbi
from cinq.settings.toml import BitRate, HexOctets, setting
from cinq.settings.user_plane import Upf, UserPlane

Security = Literal["not-needed", "preferred", "required"]
N = TypeVar("N", IPv4Network, IPv6Network)
SOCKET_PATH = 107  # octets of a Unix socket's path, unix(7)
SOCKET_NAME = 60


def _default_state() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/cinq")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "cinq"


def _default_run() -> Path:
    if os.geteuid() == 0:
        return Path("/run/cinq")
    return Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp") / "cinq"


@dataclass(frozen=True, slots=True)
class SharedPlmn:
    """One more PLMN of a core that several operators share (MOCN, TS 23.501 §5.18)."""

    plmn: PlmnId = setting("PLMN: MCC and MNC.")
    tacs: tuple[int, ...] = setting("Tracking area codes served for it; empty: those of the network.", ())
    slices: tuple[SNssai, ...] = setting("Slices served for it; empty: those of the network.", ())

    def __post_init__(self) -> None:
        check.tacs("tacs", self.tacs)
        check.slices("slices", self.slices)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this network is."""

    name: str = setting("Name of the AMF, shown to gNBs, 1 to 150 characters.", "cinq")
    plmn: PlmnId = setting("PLMN of the network: MCC and MNC.", PlmnId("999", "70"))
    tacs: tuple[int, ...] = setting("Tracking area codes served.", (1,))
    slices: tuple[SNssai, ...] = setting("Slices served: SST, or SST-SD with SD hexadecimal.", (SNssai(1),))
    shared: tuple[SharedPlmn, ...] = setting("Further PLMNs that this core serves (MOCN).", ())
    equivalent_plmns: tuple[PlmnId, ...] = setting("PLMNs told to UEs as equivalent, at most 15.", ())
    full_name: str = setting("Full name of the network, told to UEs; empty: not told.", "")
    short_name: str = setting("Short name of the network, told to UEs; empty: not told.", "")
    time_zone: str = setting(
        "Time zone told to UEs with the time: a name such as 'Europe/Berlin', or 'UTC'; empty: not told.", ""
    )

    def __post_init__(self) -> None:
        check.at_least_one("tacs", self.tacs)
        check.tacs("tacs", self.tacs)
        check.at_least_one("slices", self.slices)
        check.slices("slices", self.slices)
        check.name("name", self.name, 150)
        if not self.name:
            raise ValueError("name: found nothing, wanted 1 to 150 characters")
        check.name("full_name", self.full_name, 60)
        check.name("short_name", self.short_name, 60)
        check.time_zone("time_zone", self.time_zone)
        check.at_most("shared", self.shared, 11)
        plmns = [self.plmn, *(s.plmn for s in self.shared)]
        check.each_once("shared", plmns)
        check.each_once("equivalent_plmns", self.equivalent_plmns)
        check.at_most("equivalent_plmns", self.equivalent_plmns, 15)


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
        check.port("n4_port", self.n4_port)


@dataclass(frozen=True, slots=True)
class DataNetwork:
    """One DNN."""

    name: str = setting("Name of the data network (DNN).", "internet")
    pool: IPv4Network = setting("Addresses given to UEs.", IPv4Network("10.45.0.0/16"))
    ipv6_pool: tuple[IPv6Network, ...] = setting(
        "Prefixes of which UEs are given 64 bits, for sessions of IPv6 and IPv4v6: one network, or none.", ()
    )
    ipv6_dns: tuple[IPv6Address, ...] = setting(
        "DNS servers told to UEs with IPv6.",
        (IPv6Address("2606:4700:4700::1111"), IPv6Address("2001:4860:4860::8888")),
    )
    dns: tuple[IPv4Address, ...] = setting(
        "DNS servers told to UEs.", (IPv4Address("1.1.1.1"), IPv4Address("8.8.8.8"))
    )
    mtu: int = setting("IPv4 link MTU told to UEs.", 1400)
    nat: bool = setting("Whether UE addresses are translated on the way out of N6.", True)
    n6_interface: str = setting("Interface towards this data network; empty: that of [upf].", "")
    n6_gateway: IPv4Address | None = setting(
        "The router on n6_interface; without it everybody is on the link.", None
    )
    n6_ipv6_gateway: IPv6Address | None = setting("The same for IPv6.", None)
    slices: tuple[SNssai, ...] = setting("Slices in which it is offered; empty: all of the network.", ())
    session_ambr_uplink: BitRate = setting("Default session AMBR, uplink.", BitRate(10**9))
    session_ambr_downlink: BitRate = setting("Default session AMBR, downlink.", BitRate(10**9))
    p_cscf: tuple[IPv4Address, ...] = setting(
        "P-CSCF addresses told to UEs that ask, for IMS; at most 8.", ()
    )
    ladn_tacs: tuple[int, ...] = setting(
        "Tracking areas of a local area data network; empty: the DNN is served everywhere.", ()
    )
    five_qi: int = setting("5QI of the default QoS flow of a subscription that has none, 1 to 254.", 9)
    arp: int = setting("ARP priority level of a subscription that has none, 1 to 15.", 8)
    always_on: bool = setting("Whether its PDU sessions are always-on.", False)
    rating_group: int = setting("Rating group of what is used in it, for charging.", 1)
    up_integrity: Security = setting("User plane integrity that gNBs are asked for.", "not-needed")
    up_ciphering: Security = setting("User plane ciphering that gNBs are asked for.", "preferred")
    ethernet_interface: str = setting(
        "Name of the interface that is made for its Ethernet sessions; empty: there are none.", ""
    )

    def __post_init__(self) -> None:
        try:
            network_identifier(self.name)
        except NumberingError as error:
            raise ValueError(f"name: {error}") from None
        if self.pool.prefixlen > 30:
            raise ValueError(f"pool: found {self.pool}, wanted a network of at least 4 addresses")
        check.within("rating_group", self.rating_group, 1, 2**32 - 1)
        check.at_most("ipv6_pool", self.ipv6_pool, 1)
        for pool in self.ipv6_pool:
            if not 16 <= pool.prefixlen <= 62:
                raise ValueError(f"ipv6_pool: found {pool}, wanted a prefix of 16 to 62 bits")
        check.interface("ethernet_interface", self.ethernet_interface)
        check.interface("n6_interface", self.n6_interface)
        if not self.n6_interface and (self.n6_gateway or self.n6_ipv6_gateway):
            raise ValueError("n6_interface: found nothing, wanted the interface of its gateway")
        check.within("mtu", self.mtu, 1280 if self.ipv6_pool else 576, 9000)
        check.at_most("ipv6_dns", self.ipv6_dns, 8)
        check.within("five_qi", self.five_qi, 1, 254)
        check.within("arp", self.arp, 1, 15)
        check.at_most("dns", self.dns, 8)
        check.at_most("p_cscf", self.p_cscf, 8)
        check.slices("slices", self.slices)
        check.tacs("ladn_tacs", self.ladn_tacs)
        check.at_most("ladn_tacs", self.ladn_tacs, 16)

    @property
    def pools(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """What its UEs have addresses of."""
        return (self.pool, *self.ipv6_pool)

    @property
    def identifier(self) -> str:
        """The network identifier, in small letters: 'internet' of 'Internet.mnc070.mcc999.gprs'."""
        return network_identifier(self.name)


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
class Pcf:
    """Policy: what a UE may ask for of its own."""

    ue_five_qis: tuple[int, ...] = setting("5QIs that a UE may ask for.", (5, 6, 7, 8, 9))
    ue_max_gbr: BitRate = setting("Guaranteed bit rate that a UE may ask for, each way; 0: none.", BitRate(0))

    def __post_init__(self) -> None:
        for five_qi in self.ue_five_qis:
            check.within("ue_five_qis", five_qi, 1, 254)
        check.each_once("ue_five_qis", self.ue_five_qis)


@dataclass(frozen=True, slots=True)
class Eir:
    """5G-EIR: which equipment may be used, by its PEI (IMEI or IMEISV)."""

    check: Literal["off", "fail-open", "fail-closed"] = setting(
        "Whether the AMF asks it at registration, and what follows where it gets no answer or no PEI.", "off"
    )
    unlisted: Literal["WHITELISTED", "GREYLISTED", "BLACKLISTED"] = setting(
        "What is said of equipment that is on no list.", "WHITELISTED"
    )


@dataclass(frozen=True, slots=True)
class State:
    """What is kept on this host."""

    folder: Path = setting(
        "Folder of the store (subscribers, UE contexts, sessions).", factory=_default_state
    )
    run: Path = setting("Folder of the control socket.", factory=_default_run)
    database: str = setting(
        "PostgreSQL database of the store, postgresql://user@host:port/name; empty: SQLite in the folder.", ""
    )

    def __post_init__(self) -> None:
        check.database("database", self.database)


@dataclass(frozen=True, slots=True)
class AmfSet:
    """Another AMF set of this network, with an AMF that is not part of this core."""

    set: int = setting("AMF set, 0 to 1023.", 0)
    slices: tuple[SNssai, ...] = setting("Slices that it serves, and this core does not.", ())

    def __post_init__(self) -> None:
        check.within("set", self.set, 0, 1023)
        check.at_least_one("slices", self.slices)
        check.slices("slices", self.slices)


def check_networks(dnns: tuple[DataNetwork, ...]) -> list[str]:
    """Their identifiers. ValueError: names or pools that are not apart."""
    names = [d.identifier for d in dnns]
    check.at_least_one("dnn", names)
    check.at_most("dnn", names, 256)
    check.each_once("dnn", names)
    for i, one in enumerate(dnns):
        for other in dnns[i + 1 :]:
            pools = _overlaps((one.pool,), (other.pool,)) + _overlaps(one.ipv6_pool, other.ipv6_pool)
            if pools:
                pool, another = pools[0]
                raise ValueError(
                    f"dnn: found pool {pool} of {one.name} and {another} of {other.name}, which overlap, wanted "
                    "each address in one of them"
                )
    return names


def _overlaps(these: Sequence[N], those: Sequence[N]) -> list[tuple[str, str]]:
    """As texts."""
    return [(str(one), str(other)) for one, other in product(these, those) if one.overlaps(other)]


def control_of(run: Path, text: str) -> Path:
    """A socket named after a network or a UPF, with what no file name has spelt otherwise."""
    name = quote(text, safe=" '()+,:=?")
    if len(name) > SOCKET_NAME:
        name = f"{name[: SOCKET_NAME - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return run / f"{name}.sock"


def check_control(control: Path) -> None:
    if len(os.fsencode(control)) > SOCKET_PATH:
        raise ValueError(f"state: the control socket {control} has too long a path: a shorter run folder")


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """One network: core and user plane."""

    network: Identity = setting("Who this network is.", factory=Identity)
    amf: Amf = setting("Access and mobility: N2 and NAS.", factory=Amf)
    smf: Smf = setting("Session management: N4.", factory=Smf)
    upf: Upf = setting("User plane: N3, N4 and N6.", factory=Upf)
    pcf: Pcf = setting("Policy: what a UE may ask for of its own.", factory=Pcf)
    policy: tuple[Rule, ...] = setting("Rules of the PCF for all subscribers; see `cinq policy` for one.", ())
    nef: Nef = setting("Network exposure: APIs for applications, over HTTP/2.", factory=Nef)
    af: tuple[Application, ...] = setting("Applications that may ask the NEF.", ())
    qos_profile: tuple[QosProfile, ...] = setting("Qualities that applications ask for by name.", PROFILES)
    charging: Charging = setting("Charging of PDU sessions.", factory=Charging)
    tariff: tuple[Tariff, ...] = setting("Price lists of the CHF.", ())
    rate: tuple[Rate, ...] = setting("What use costs in a tariff.", ())
    partner: tuple[Partner, ...] = setting("Operators that this one settles roaming with.", ())
    counter: tuple[Counter, ...] = setting("Policy counters of the CHF.", ())
    limit: tuple[Limit, ...] = setting("What UEs get while a policy counter has a status.", ())
    nrf: Nrf = setting("Registration of network functions.", factory=Nrf)
    eir: Eir = setting("Which equipment may be used, by its PEI.", factory=Eir)
    eligibility: Eligibility = setting("Whom policies keep out, and what follows.", factory=Eligibility)
    sbi: Sbi = setting("How network functions meet.", factory=Sbi)
    ipsec: Ipsec = setting("Where nothing is in clear.", factory=Ipsec)
    state: State = setting("What is kept on this host.", factory=State)
    dnn: tuple[DataNetwork, ...] = setting("The data networks.", factory=lambda: (DataNetwork(),))
    home_network_key: tuple[HomeNetworkKey, ...] = setting("Keys that de-conceal SUCIs.", ())
    user_plane: tuple[UserPlane, ...] = setting("UPFs that are not part of this core.", ())
    sepp: Sepp = setting("Where other networks meet this one.", factory=Sepp)
    roaming_partner: tuple[RoamingPartner, ...] = setting("Networks with a roaming agreement.", ())
    amf_set: tuple[AmfSet, ...] = setting("AMF sets that UEs of other slices are rerouted to.", ())

    def __post_init__(self) -> None:
        names = check_networks(self.dnn)
        check.each_once("dnn", [d.ethernet_interface for d in self.dnn if d.ethernet_interface])
        check.each_once("policy", [rule.name for rule in self.policy])
        for rule in self.policy:
            if rule.dnn and network_identifier(rule.dnn) not in names:
                raise ValueError(
                    f"policy: {rule.name} is for DNN {rule.dnn}, wanted one of {', '.join(names)}"
                )
        check.each_once("af", [one.id for one in self.af])
        check.each_once("qos_profile", [one.name for one in self.qos_profile])
        check_tariffs(self.tariff, self.rate)
        check.each_once("counter", [one.name for one in self.counter])
        check.each_once("partner", [one.plmn for one in self.partner])
        if not self.charging.tariff_files:
            self.check_names([one.name for one in self.tariff])
        check.each_once("amf_set", [one.set for one in self.amf_set])
        for one_set in self.amf_set:
            if one_set.set == self.amf.set:
                raise ValueError(f"amf_set: {one_set.set} is this core's own, wanted another")
        check.at_most("home_network_key", self.home_network_key, 255)
        check.each_once("home_network_key", [k.id for k in self.home_network_key])
        if not self.upf.start and not self.user_plane:
            raise ValueError("upf: start: found false and no [[user_plane]], wanted a UPF at least")
        check.each_once("user_plane", [each.n4_address for each in self.user_plane])
        for upf in self.user_plane:
            for name in upf.identifiers:
                if name not in names:
                    what = f"user_plane: {upf.n4_address} is for DNN {name}, wanted one of {', '.join(names)}"
                    raise ValueError(what)
        check_partners(self.roaming_partner, self.plmns, self.sepp, self.sbi)
        check_control(self.control)

    def check_names(self, tariffs: Sequence[str]) -> None:
        """ValueError: a tariff is wanted that is not there. tariffs: those of this file and of the tariff files."""
        wanted = ", ".join(tariffs) or "a [[tariff]]"
        if self.charging.without_account == "postpaid" and self.charging.tariff not in tariffs:
            raise ValueError(
                f"charging: found tariff {self.charging.tariff or 'nothing'}, wanted one of {wanted}"
            )
        for one in self.partner:
            if one.tariff not in tariffs:
                raise ValueError(f"partner: {one.plmn}: found tariff {one.tariff}, wanted one of {wanted}")

    @property
    def partner_plmns(self) -> tuple[PlmnId, ...]:
        """Of all roaming partners."""
        return tuple(plmn for one in self.roaming_partner for plmn in one.plmns)

    @property
    def sepp_fqdn(self) -> str:
        return self.sepp.fqdn or function_name("sepp", self.network.plmn)

    @property
    def control(self) -> Path:
        """The socket of the event stream."""
        return control_of(self.state.run, self.network.name)

    @property
    def plmns(self) -> tuple[PlmnId, ...]:
        """The PLMN of the network, and those it serves beside."""
        return (self.network.plmn, *(shared.plmn for shared in self.network.shared))
