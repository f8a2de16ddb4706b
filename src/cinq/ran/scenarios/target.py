"""A core under test, described by one TOML file: where it is, whom it serves, and what its operator can make it do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from cinq.numbering import PlmnId, SNssai
from cinq.ran.ue.settings import UeSettings
from cinq.settings import HexOctets, setting

Scheme = Literal["null", "A", "B"]
Knob = Literal[
    "subscriber_remove",
    "subscriber_add",
    "policy_change",
    "equipment_bar",
    "equipment_admit",
    "warn",
    "warn_primary",
    "warn_cancel",
    "locate",
    "trace",
    "trace_stop",
    "radio_check",
    "unbind",
    "restart",
]


@dataclass(frozen=True, slots=True)
class Core:
    """Where the core is, and what it serves."""

    amf_address: IPv4Address = setting("Address of the AMF on N2.", IPv4Address("127.0.0.5"))
    amf_port: int = setting("SCTP port of the AMF.", 38412)
    plmn: PlmnId = setting("PLMN that the core serves.", PlmnId("999", "70"))
    tacs: tuple[int, ...] = setting(
        "Tracking area codes that it serves; scenarios of mobility need two.", (1,)
    )
    slices: tuple[SNssai, ...] = setting(
        "Slices that it serves, and that the subscribers have.", (SNssai(1),)
    )
    dnns: tuple[str, ...] = setting("DNNs that the subscribers have, the default first.", ("internet",))
    home_network_key: HexOctets = setting(
        "Public key that conceals SUPIs; empty: the null scheme.", HexOctets(b"")
    )
    home_network_key_id: int = setting("Identifier of that key.", 0)
    scheme: Scheme = setting("Protection scheme of SUCIs.", "null")

    def __post_init__(self) -> None:
        if not self.tacs or not self.slices or not self.dnns:
            raise ValueError("tacs, slices and dnns: wanted one or more of each")
        if (self.scheme == "null") != (not self.home_network_key):
            raise ValueError("scheme: null goes without a home_network_key, A and B with one")


@dataclass(frozen=True, slots=True)
class Radio:
    """The addresses of the emulated gNBs: with `address` the first, counting up."""

    n2_address: str = setting("Own address on N2; empty: the one that routing chooses.", "")
    n3_address: IPv4Address | IPv6Address = setting(
        "Own address on N3, told to the core; of IPv4 or IPv6.", IPv4Address("127.0.0.8")
    )


@dataclass(frozen=True, slots=True)
class Subscribers:
    """Test subscribers with consecutive IMSIs and the same keys. Nobody else uses them meanwhile."""

    imsi: str = setting("IMSI of the first.", "999700000000001")
    count: int = setting("How many.", 1)
    k: HexOctets = setting("Key K.", HexOctets(b""), secret=True)
    opc: HexOctets = setting("OPc (or TOPc).", HexOctets(b""), secret=True)
    op: HexOctets = setting("OP (or TOP) in place of OPc.", HexOctets(b""), secret=True)
    algorithm: Literal["milenage", "tuak"] = setting("Authentication functions.", "milenage")
    authentication: Literal["5G AKA", "EAP-AKA'"] = setting(
        "Authentication method of these subscribers.", "5G AKA"
    )

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 100_000:
            raise ValueError(f"count: found {self.count}, wanted 1 to 100000")


@dataclass(frozen=True, slots=True)
class Knobs:
    """Commands that make the core do something; {supi}, {imsi} and other names in braces are put in. Empty: cannot."""

    subscriber_remove: str = setting("Removes the subscriber {supi}.", "")
    subscriber_add: str = setting("Adds the subscriber {imsi} with {k} and {opc} again.", "")
    policy_change: str = setting("Changes the session AMBR of {supi} to {uplink} and {downlink}.", "")
    equipment_bar: str = setting("Puts the equipment {imei} on the prohibited list of the 5G-EIR.", "")
    equipment_admit: str = setting("Takes the equipment {imei} from that list.", "")
    warn: str = setting("Broadcasts the warning {text} in tracking area {tac}.", "")
    warn_primary: str = setting(
        "Broadcasts the primary notification of an earthquake in tracking area {tac}.", ""
    )
    warn_cancel: str = setting("Ends all warnings.", "")
    locate: str = setting("Asks where {supi} is now.", "")
    trace: str = setting("Starts a trace of {supi}.", "")
    trace_stop: str = setting("Ends the trace of {supi}.", "")
    radio_check: str = setting("Asks whether the radio of {supi} suits IMS voice.", "")
    unbind: str = setting("Releases the binding of {supi} to its TNL association.", "")
    restart: str = setting("Restarts the core; returns when it serves again.", "")


def _subscribers(target: Target, method: str) -> int:
    return sum(group.count for group in target.subscribers if group.authentication == method)


_NEEDS: dict[str, tuple[str, Callable[[Target], bool]]] = {
    "two subscribers": ("a second test subscriber", lambda t: _subscribers(t, "5G AKA") >= 2),
    "ten subscribers": ("ten test subscribers", lambda t: _subscribers(t, "5G AKA") >= 10),
    "EAP-AKA'": (
        "a test subscriber that authenticates by EAP-AKA'",
        lambda t: _subscribers(t, "EAP-AKA'") >= 1,
    ),
    "two tracking areas": ("a second tracking area", lambda t: len(t.core.tacs) >= 2),
    "two slices": ("a second slice", lambda t: len(t.core.slices) >= 2),
    "two DNNs": ("a second DNN", lambda t: len(t.core.dnns) >= 2),
    "a concealed SUPI": ("a home network key", lambda t: t.core.scheme != "null"),
    "subscriber_remove": ("the knob subscriber_remove", lambda t: bool(t.knobs.subscriber_remove)),
    "subscriber_add": ("the knob subscriber_add", lambda t: bool(t.knobs.subscriber_add)),
    "policy_change": ("the knob policy_change", lambda t: bool(t.knobs.policy_change)),
    "equipment_bar": ("the knob equipment_bar", lambda t: bool(t.knobs.equipment_bar)),
    "equipment_admit": ("the knob equipment_admit", lambda t: bool(t.knobs.equipment_admit)),
    "warn": ("the knob warn", lambda t: bool(t.knobs.warn)),
    "warn_primary": ("the knob warn_primary", lambda t: bool(t.knobs.warn_primary)),
    "warn_cancel": ("the knob warn_cancel", lambda t: bool(t.knobs.warn_cancel)),
    "locate": ("the knob locate", lambda t: bool(t.knobs.locate)),
    "trace": ("the knob trace", lambda t: bool(t.knobs.trace)),
    "trace_stop": ("the knob trace_stop", lambda t: bool(t.knobs.trace_stop)),
    "radio_check": ("the knob radio_check", lambda t: bool(t.knobs.radio_check)),
    "unbind": ("the knob unbind", lambda t: bool(t.knobs.unbind)),
    "restart": ("the knob restart", lambda t: bool(t.knobs.restart)),
}
"""What a scenario may need of a target: in words, and whether it is there."""
NEEDS = frozenset(_NEEDS)


@dataclass(frozen=True, slots=True)
class Target:
    """One core under test."""

    name: str = setting("What reports call it.", "core under test")
    core: Core = setting("Where the core is, and what it serves.", factory=Core)
    radio: Radio = setting("Addresses of the emulated gNBs.", factory=Radio)
    subscribers: tuple[Subscribers, ...] = setting("Test subscribers.", ())
    knobs: Knobs = setting("Commands that make the core do something.", factory=Knobs)

    def __post_init__(self) -> None:
        if not self.subscribers:
            raise ValueError("subscribers: wanted at least one [[subscribers]]")

    def lacks(self, needs: tuple[str, ...]) -> str:
        """What of a scenario's needs the target does not have, in words; "" when it has all."""
        missing = [what for what, there in (_NEEDS[need] for need in needs) if not there(self)]
        return ", ".join(missing)

    def ues(self, method: str = "5G AKA") -> list[UeSettings]:
        """The settings of a UE for each test subscriber of that authentication method."""
        core, found = self.core, []
        for group in self.subscribers:
            if group.authentication != method:
                continue
            first = UeSettings(
                imsi=group.imsi,
                plmn=core.plmn,
                k=group.k,
                opc=group.opc,
                op=group.op,
                algorithm=group.algorithm,
                suci=core.scheme,
                home_network_key=core.home_network_key,
                home_network_key_id=core.home_network_key_id,
                slices=core.slices[:1],
                sessions=(),
            )
            found += [first.numbered(i) for i in range(min(group.count, 64))]
        return found
