"""The SM context, TS 23.502 §5.2.8.2: what is stored of a PDU session."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Literal

import msgspec
from msgspec import Struct

from cinq.nf.smf.flows import NOTHING, SessionQos, same
from cinq.numbering import SNssai
from cinq.sbi.services.nchf_convergedcharging import FailureHandling, FinalUnitAction, TriggerType
from cinq.sbi.services.npcf_smpolicycontrol import SmPolicyDecision
from cinq.transport_address import TransportAddress

COLLECTION = "sm-contexts"

Protection = Literal["REQUIRED", "PREFERRED", "NOT_NEEDED"]
IntegrityRate = Literal["64kbps", "full"]


class Ipv4(Struct, frozen=True, gc=False, tag="ipv4"):
    """A PDU session of type IPv4. number: the address as a number."""

    number: int

    @property
    def ipv4(self) -> IPv4Address:
        return _ipv4(self.number)


class Ipv6(Struct, frozen=True, gc=False, tag="ipv6"):
    """A PDU session of type IPv6: the 64 bits of its prefix as a number, and the interface identifier of the UE's link
    local address."""

    prefix: int
    interface_identifier: int


class Ipv4v6(Struct, frozen=True, gc=False, tag="ipv4v6"):
    """A PDU session of type IPv4v6."""

    number: int
    prefix: int
    interface_identifier: int

    @property
    def ipv4(self) -> IPv4Address:
        return _ipv4(self.number)


@lru_cache(256)
def _ipv4(number: int) -> IPv4Address:
    """In one procedure it is asked for several times."""
    return IPv4Address(number)


Address = Ipv4 | Ipv6 | Ipv4v6
"""What a PDU session of an IP type has."""

SessionType = Literal["IPV4", "IPV6", "IPV4V6", "ETHERNET"]


class AnTunnel(Struct, frozen=True, gc=False):
    """The gNB's end of N3. ipv6: instead of its IPv4 address, or beside it."""

    teid: int
    address: IPv4Address | None = None
    ipv6: IPv6Address | None = None

    @property
    def ends(self) -> TransportAddress:
        return TransportAddress(self.address, self.ipv6)


class UserPlaneSecurity(Struct, frozen=True, gc=False):
    """User plane security policy (TS 23.501 §5.10.3), and the UE's maximum data rate for integrity protection."""

    integrity: Protection = "NOT_NEEDED"
    confidentiality: Protection = "NOT_NEEDED"
    rate_uplink: IntegrityRate = "full"
    rate_downlink: IntegrityRate = "full"


class UeSupport(Struct, frozen=True, gc=False):
    """What the UE said of itself for this session: how many packet filters it takes, whether it does reflective QoS."""

    packet_filters: int = 16
    reflective_qos: bool = False


class Wanted(Struct, frozen=True, gc=False):
    """What a session is to become. decision: all that the PCF decided. subscribed: session AMBR and default flow."""

    subscribed: SessionQos
    decision: SmPolicyDecision


class Quota(Struct, frozen=True, gc=False):
    """What the CHF granted: octets, or seconds; 0: without a bound of this kind. volume_left: of it when more is asked
    for. validity_s: for so long. holding_s: it is given back when nothing was used for so long; 0: never.
    is_last: there will be no other one; action: what becomes of the service when it is used up, filters: what may be
    used all the same then, as IPFilterRules.
    """

    volume: int = 0
    seconds: int = 0
    volume_left: int = 0
    validity_s: int = 0
    is_last: bool = False
    holding_s: int = 0
    action: FinalUnitAction = "TERMINATE"
    filters: tuple[str, ...] = ()


class Used(Struct, frozen=True, gc=False):
    """What the UPF reported once. number: unlike all others of the session. at: seconds since 1970. why: a trigger.

    group: the rating group; 0: that of the session. is_managed: it was used by a quota that the CHF gave.
    """

    number: int
    at: float
    uplink: int
    downlink: int
    seconds: int = 0
    why: TriggerType | None = None
    group: int = 0
    is_managed: bool = True


class Asked(Struct, frozen=True, gc=False):
    """A request to the CHF whose answer is not here: until it is, the same is asked again, and nothing else.

    upto: number of the last container in it. at: seconds since 1970. wants: rating groups that are to get quota.
    """

    sequence: int
    upto: int
    at: float
    wants: tuple[int, ...] = ()
    tries: int = 0


class Charged(Struct, frozen=True, gc=False):
    """A charging session. ref: its name at the CHF. sequence: of the last request. container: number of the last one.

    rating_group: of what no PCC rule has in another one; groups: the others that rules have had, in the order of their
    URRs. quotas: by group. lacking: groups that are to get quota. waiting: what was used and not told. begun: seconds
    since 1970. seen: by URR by what its last usage report is known again, UR-SEQN and amounts. asked: what waits for
    its answer. restricted: filters of what may be used when quota is not. immediate: what the CHF is to be told of.
    handling: what the CHF wants where it does not answer.
    """

    rating_group: int
    begun: float
    ref: str = ""
    sequence: int = 0
    container: int = 0
    quotas: dict[int, Quota] = {}
    groups: tuple[int, ...] = ()
    lacking: tuple[int, ...] = ()
    waiting: tuple[Used, ...] = ()
    seen: dict[int, tuple[int, int, int, int]] = {}
    asked: Asked | None = None
    restricted: tuple[str, ...] = ()
    immediate: tuple[TriggerType, ...] = ()
    handling: FailureHandling | None = None

    def urr(self, group: int) -> int:
        """The number of the group's URR: 1 is the session's own."""
        return 1 if group in (0, self.rating_group) else 2 + self.groups.index(group)

    def group(self, urr: int) -> int:
        """Of a URR; one that nobody knows counts for the session."""
        return self.groups[urr - 2] if 0 <= urr - 2 < len(self.groups) else self.rating_group


class SmContext(Struct, frozen=True, gc=False):
    """state: of the PDU session in the network, TS 24.501 §6.1.3.3 (active from the accept on).

    ref: the name of the SM context on Nsmf. address: None before one is assigned. is_static: its IPv4 address is that
    of the subscription; static_prefix: the 64 bits of the subscription, 0 for none. upf: its dotted address on N4.
    seid: ours on N4. up_seid, teid, n3_address, n3_ipv6: what the UPF chose. subscribed: session AMBR and default QoS
    flow of the subscription. decision: what the PCF decided, qos: what of it is in force. policy, sdm_subscription:
    the names of the SM policy association at the PCF and of the subscription at the UDM. security: None without a
    policy. pending: what it is to become, while that is not brought about. expires: seconds since 1970, when it is to
    end for another anchor (T3593), 0 for never. charging: None where nobody charges. amf: the instance that serves
    the UE; status_uri: where it hears of the session. framed_routes: networks behind the UE, as in the subscription.
    """

    ref: str
    supi: str
    pdu_session_id: int
    dnn: str
    s_nssai: SNssai
    ssc_mode: int
    subscribed: SessionQos
    qos: SessionQos = NOTHING
    decision: SmPolicyDecision = SmPolicyDecision()
    session_type: SessionType = "IPV4"
    is_static: bool = False
    static_prefix: int = 0
    always_on: bool = False
    security: UserPlaneSecurity | None = None
    ue: UeSupport = UeSupport()
    state: Literal["INACTIVE", "ACTIVE"] = "INACTIVE"
    address: Address | None = None
    policy: str = ""
    sdm_subscription: str = ""
    upf: str = ""
    seid: int = 0
    up_seid: int = 0
    teid: int = 0
    n3_address: int = 0
    n3_ipv6: bytes = b""
    pending: Wanted | None = None
    expires: float = 0.0
    charging: Charged | None = None
    amf: str = ""
    status_uri: str = ""
    framed_routes: tuple[str, ...] = ()

    @property
    def n3(self) -> TransportAddress:
        """The UPF's ends of N3."""
        return n3_ends(self.n3_address, self.n3_ipv6)

    @property
    def label(self) -> str:
        """For journals: the SUPI and the PDU session identity."""
        return f"{self.supi}/{self.pdu_session_id}"

    @property
    def prefix(self) -> IPv6Network | None:
        """None where the session is not of IPv6, or has none yet."""
        address = self.address
        if not isinstance(address, Ipv6 | Ipv4v6):
            return None
        return IPv6Network((address.prefix << 64, 64))

    @property
    def ipv4(self) -> IPv4Address:
        """IPv4Address(0) of a session of IPv6, and before one is assigned."""
        address = self.address
        return address.ipv4 if isinstance(address, Ipv4 | Ipv4v6) else IPv4Address(0)


@lru_cache(256)
def n3_ends(ipv4: int, ipv6: bytes) -> TransportAddress:
    """As a context stores them: 0 and b"" for none."""
    return TransportAddress(IPv4Address(ipv4) if ipv4 else None, IPv6Address(ipv6) if ipv6 else None)


def same_decision(decision: SmPolicyDecision) -> SmPolicyDecision:
    """The first that was equal: sessions of one kind have one. Nobody changes it."""
    return _decision(_ENCODER.encode(decision))


@lru_cache(256)
def _decision(octets: bytes) -> SmPolicyDecision:
    return msgspec.msgpack.decode(octets, type=SmPolicyDecision)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(SmContext)


def encoded(context: SmContext) -> bytes:
    return _ENCODER.encode(context)


def decoded(octets: bytes) -> SmContext:
    """msgspec.ValidationError when the octets are no SM context."""
    found = _DECODER.decode(octets)
    return msgspec.structs.replace(
        found, subscribed=same(found.subscribed), qos=same(found.qos), decision=same_decision(found.decision)
    )
