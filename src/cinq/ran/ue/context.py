"""What a UE remembers (frozen), and the messages that it meets inside itself."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

import msgspec

from cinq.numbering import Guti, PlmnId, SNssai, Tai
from cinq.ran.radio.port import EstablishmentCause
from cinq.wire import nas

UNASSIGNED_PTI, RESERVED_PTI = 0, 255  # TS 24.007 §11.2.3.1a


UpdateStatus = Literal["5U1 UPDATED", "5U2 NOT UPDATED", "5U3 ROAMING NOT ALLOWED"]
"""5GS update status, TS 24.501 §5.1.3.2.2."""


class UeContext(msgspec.Struct, frozen=True):
    """5GMM context of a UE, TS 24.501 §5.1.3.

    What the network gave is of the last REGISTRATION ACCEPT or CONFIGURATION UPDATE COMMAND; access_categories_of: the
    PLMN that defined them. barred: why USIM or N1 mode are of no use until the UE is switched off, or "". forbidden_*:
    lists of §5.3.13 and §5.3.13A.
    """

    registered: bool = False
    update_status: UpdateStatus = "5U2 NOT UPDATED"
    guti: Guti | None = None
    tai_list: tuple[Tai, ...] = ()
    last_visited_tai: Tai | None = None
    allowed_nssai: tuple[SNssai, ...] = ()
    configured_nssai: tuple[SNssai, ...] = ()
    t3512_s: int = 54 * 60
    t3502_s: int = 12 * 60
    network_name: str = ""
    barred: str = ""
    rejected_nssai: tuple[nas.RejectedSNssai, ...] = ()
    pending_nssai: tuple[SNssai, ...] = ()
    equivalent_plmns: tuple[PlmnId, ...] = ()
    forbidden_plmns: frozenset[PlmnId] = frozenset()
    forbidden_tais_roaming: frozenset[Tai] = frozenset()
    forbidden_tais_regional: frozenset[Tai] = frozenset()
    t3447_s: int = 0
    t3324_s: int = 0
    mico: nas.MicoIndication | None = None
    drx: int = nas.Drx.NOT_SPECIFIED
    edrx: nas.ExtendedDrx | None = None
    features: nas.NetworkFeatureSupport | None = None
    service_area: nas.ServiceArea | None = None
    ladn: tuple[nas.Ladn, ...] = ()
    nssai_inclusion_mode: int | None = None
    access_categories: tuple[nas.AccessCategory, ...] = ()
    access_categories_of: PlmnId | None = None
    emergency_numbers: tuple[nas.EmergencyNumber, ...] = ()
    cag: tuple[nas.Cag, ...] = ()
    radio_capability_id: str = ""
    sms_allowed: bool = False
    emergency: bool = False
    short_network_name: str = ""
    local_time_zone: timedelta | None = None
    universal_time: nas.UniversalTime | None = None
    daylight_saving: int | None = None


class SessionContext(msgspec.Struct, frozen=True):
    """5GSM context of a PDU session, TS 24.501 §6.1.3.

    state: INACTIVE, ACTIVE_PENDING, ACTIVE or INACTIVE_PENDING. address: IPv4 of the UE; interface_identifier: 8 octets
    of the IPv6 link local address; address6: made with them, once the router has advertised the prefix.
    mtu: octets. interface: its name once programs can use it, in namespace netns ("": the gNB's own). bearer: whether
    user-plane resources are up. rules, flows: as authorized, by operations applied.
    cause: of an accept that gave another type than was asked for. rq_timer_s: 0 where reflective QoS is not applied.
    pco: what the network put into protocol configuration options.
    """

    pdu_session_id: int
    state: Literal["INACTIVE", "ACTIVE_PENDING", "ACTIVE", "INACTIVE_PENDING"] = "INACTIVE"
    address: IPv4Address | None = None
    address6: IPv6Address | None = None
    dnn: str = ""
    s_nssai: SNssai | None = None
    mtu: int = 1400
    dns: tuple[IPv4Address | IPv6Address, ...] = ()
    uplink_bps: int = 0
    downlink_bps: int = 0
    interface: str = ""
    netns: str = ""
    bearer: bool = False
    kind: int = nas.PduSessionType.IPV4
    interface_identifier: bytes = b""
    ssc_mode: int = nas.SscMode.SSC_MODE_1
    always_on: bool = False
    rules: tuple[nas.QosRule, ...] = ()
    flows: tuple[nas.QosFlowDescription, ...] = ()
    cause: int = 0
    rq_timer_s: int = 0
    p_cscf: tuple[IPv4Address, ...] = ()
    pco: tuple[tuple[int, bytes], ...] = ()

    @property
    def is_ethernet(self) -> bool:
        return self.kind == nas.PduSessionType.ETHERNET

    @property
    def has_interface(self) -> bool:
        """Whether there is something that programs could use: an address, or whole frames."""
        frames = self.is_ethernet and self.state != "INACTIVE"
        return self.address is not None or bool(self.interface_identifier) or frames


class Received(msgspec.Struct, frozen=True):
    """A NAS message of the network. octets: plain. checked: its integrity was, and it held."""

    message: nas.NasMessage
    octets: bytes
    checked: bool


class Ended(msgspec.Struct, frozen=True):
    """The N1 connection is over, or the network has refused the subscription. answer: the message that said so."""

    reason: str
    answer: nas.NasMessage | None = None


class Initial(msgspec.Struct, frozen=True):
    """An initial NAS message, TS 24.501 §4.4.6: sent with the establishment of the RRC connection (cause: §4.5.6)."""

    message: nas.RegistrationRequest | nas.ServiceRequest | nas.DeregistrationRequestUEOriginating
    cause: EstablishmentCause = "mo-Signalling"


class NoAnswer(msgspec.Struct, frozen=True):
    """Nothing more comes to a 5GSM request: the AMF gave it back (TS 24.501 §5.4.5.3.1 e) to i)), the network said
    5GSM STATUS (§6.5.3), or its answer cannot be read. release: the cause with which the session is to be released.
    cause, back_off_s: the 5GMM cause of what was given back, and its back-off timer."""

    reason: str
    release: int | None = None
    cause: int = 0
    back_off_s: int | None = None
