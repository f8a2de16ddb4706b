"""A UPF's own settings, and UPFs beside the core's own: where they are, and what they serve."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

from cinq.numbering import NumberingError, SNssai
from cinq.operator_identifier import network_identifier
from cinq.settings import check
from cinq.settings.toml import setting
from cinq.transport_address import TransportAddress


@dataclass(frozen=True, slots=True)
class Upf:
    """User plane: N3, N4 and N6."""

    start: bool = setting(
        "Whether `cinq up` has a UPF of its own; else those of [[user_plane]] are all there are.", True
    )
    n3_address: IPv4Address | IPv6Address = setting(
        "Address to which gNBs send user traffic, of IPv4 or IPv6.", IPv4Address("127.0.0.7")
    )
    n3_ipv6_address: IPv6Address | None = setting(
        "IPv6 address beside an n3_address of IPv4, on the same interface, for gNBs of either; none without it.",
        None,
    )
    n4_address: IPv4Address = setting("Address of the UPF on N4.", IPv4Address("127.0.0.7"))
    n4_port: int = setting("PFCP port of the UPF.", 8805)
    smf_addresses: tuple[IPv4Address, ...] = setting(
        "Addresses of further SMFs that may set up an association on N4, such as a test bench's.", ()
    )
    gnb_networks: tuple[IPv4Network | IPv6Network, ...] = setting(
        "Networks of which each is one gNB that sends user packets from several addresses; '0.0.0.0/0': user packets "
        "are taken from anywhere. Else a session's come from where its packets go to.",
        (),
    )
    data_plane: Literal["auto", "ebpf", "tun"] = setting(
        "Which data plane: auto takes eBPF where the host allows it, else TUN.", "auto"
    )
    n3_mtu: int = setting("MTU of the N3 link, where it is less than the interface's; 0: the interface's.", 0)
    n9_interface: str = setting(
        "Interface towards other UPFs (N9); empty: that of N3. The tunnel ends are those of N3.", ""
    )
    n6_interface: str = setting("Interface towards the data network; empty: the default route's.", "")
    ue_to_ue: bool = setting("Whether one UE may reach another directly.", False)
    protect: tuple[IPv4Network, ...] = setting("Networks that no UE may reach through N6.", ())
    reach_host: bool = setting(
        "Whether UEs reach services on addresses of this host; N2, N3 and N4 stay out of their reach.", False
    )
    ipv6_protect: tuple[IPv6Network, ...] = setting("IPv6 networks that no UE may reach through N6.", ())
    metrics_address: IPv4Address | None = setting(
        "Address at which Prometheus finds counters, at /metrics; none: nowhere. Whoever reaches it reads them.",
        None,
    )
    metrics_port: int = setting("Port of the counters for Prometheus.", 9464)
    max_sessions: int = setting("PDU sessions for which the data plane has room.", 65536)

    def __post_init__(self) -> None:
        check.n3_addresses(self.n3_address, self.n3_ipv6_address)
        check.port("n4_port", self.n4_port)
        check.port("metrics_port", self.metrics_port)
        if self.n3_mtu and not 576 <= self.n3_mtu <= 65535:
            raise ValueError(f"n3_mtu: found {self.n3_mtu}, wanted 0, or 576 to 65535")
        check.within("max_sessions", self.max_sessions, 1, 1 << 20)
        check.interface("n9_interface", self.n9_interface)
        if len(self.n6_interface) > 15 or (self.n6_interface and not self.n6_interface.isprintable()):
            raise ValueError(f"n6_interface: found {self.n6_interface[:40]!r}, wanted at most 15 characters")

    @property
    def n3(self) -> TransportAddress:
        """Our ends of N3."""
        return TransportAddress.of_both(self.n3_address, self.n3_ipv6_address)


@dataclass(frozen=True, slots=True)
class UserPlane:
    """A UPF that is not part of this core (`cinq upf`, or another maker's)."""

    n4_address: IPv4Address = setting("Address of the UPF on N4.")
    n4_port: int = setting("PFCP port of the UPF.", 8805)
    dnns: tuple[str, ...] = setting("Data networks that it serves; empty: all.", ())
    slices: tuple[SNssai, ...] = setting("Slices that it serves; empty: all.", ())
    tacs: tuple[int, ...] = setting(
        "Tracking areas whose UEs it serves, before those that serve everywhere; empty: everywhere.", ()
    )
    capacity: int = setting("Its share of the sessions beside UPFs that serve the same.", 1)
    anchors: bool = setting(
        "Whether sessions may be anchored there; else it only stands between gNBs and the UPFs of linked_to.",
        True,
    )
    linked_to: tuple[IPv4Address, ...] = setting(
        "N4 addresses of the UPFs that it reaches on N9: for UEs in its tracking areas it stands before them.",
        (),
    )
    dnais: tuple[str, ...] = setting(
        "What its own N6 leads to (DNAI): packets of a [[policy]] with one of them leave there.", ()
    )
    n3_ipv4: bool = setting("Whether its N3 has IPv4.", True)
    n3_ipv6: bool = setting("Whether its N3 has IPv6.", False)
    n3_loopback: bool = setting("Whether its N3 may be a loopback address, for gNBs on its host.", False)

    def __post_init__(self) -> None:
        check.host("n4_address", self.n4_address)
        check.port("n4_port", self.n4_port)
        check.slices("slices", self.slices)
        check.tacs("tacs", self.tacs)
        check.within("capacity", self.capacity, 1, 1000)
        check.dnais("dnais", self.dnais)
        check.each_once("linked_to", self.linked_to)
        if self.n4_address in self.linked_to:
            raise ValueError(f"linked_to: found {self.n4_address}, wanted another UPF than itself")
        if self.linked_to and not self.tacs:
            raise ValueError("tacs: found none, wanted those where this UPF stands before others (linked_to)")
        if not self.linked_to and (self.dnais or not self.anchors):
            raise ValueError("linked_to: found none, wanted the UPF that sessions are anchored at")
        check.each_once("dnns", self.identifiers)
        if not (self.n3_ipv4 or self.n3_ipv6):
            raise ValueError("n3_ipv4: found false beside n3_ipv6 = false, wanted one of them")

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Of its data networks, in small letters. ValueError: no such name."""
        try:
            return tuple(network_identifier(name) for name in self.dnns)
        except NumberingError as error:
            raise ValueError(f"dnns: {error}") from None
