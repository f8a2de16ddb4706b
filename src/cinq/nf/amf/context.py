"""What the AMF knows of a UE and of a gNB. The UE context is stored at commit points, the rest is transient."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Literal, TypeVar, cast

import msgspec
from msgspec import Struct

from cinq.crypto.nas_security import NasSecurity
from cinq.numbering import Guti, SNssai, Supi, Tai
from cinq.wire import nas

T = TypeVar("T")
DL_COUNT_MARGIN = 128  # downlink NAS messages that may have left since the context was stored


class SecurityContext(Struct, frozen=True, repr_omit_defaults=True, gc=False):
    """5G NAS security context as stored, TS 33.501 §6.4. kamf: 32 octets. Counts: those that come next.

    nh, ncc: next hop and its chaining count since a KgNB was derived from kamf (§6.9.2.1.1); nh b"" before.
    """

    ksi: int
    kamf: bytes
    integrity: int
    ciphering: int
    ul_count: int = 0
    dl_count: int = 0
    nh: bytes = b""
    ncc: int = 0

    def live(self) -> NasSecurity:
        """The working form, with its keys derived."""
        security = NasSecurity.from_kamf(self.kamf, self.integrity, self.ciphering)
        security.ul_count, security.dl_count = self.ul_count, self.dl_count
        return security

    def __repr__(self) -> str:
        return f"SecurityContext(ksi={self.ksi}, NIA{self.integrity}, NEA{self.ciphering})"


class SmContext(Struct, frozen=True, gc=False):
    """A PDU session as the AMF routes it. ref: what the SMF called the SM context."""

    pdu_session_id: int
    ref: str
    s_nssai: SNssai
    dnn: str


class SubscribedDnn(Struct, frozen=True, gc=False):
    s_nssai: SNssai
    dnn: str
    default: bool = False


class Ambr(Struct, frozen=True, gc=False):
    """Bits per second."""

    uplink: int
    downlink: int


class Leaving(Struct, frozen=True, gc=False):
    """The network has decided to deregister the UE, TS 24.501 §5.5.2.3. cause: 5GMM cause, None to register again.

    text, mend: why, for a person.
    """

    cause: int | None
    text: str
    mend: str = ""


Content = Literal["guti", "area", "slices", "service area", "ladn", "names", "mico", "registration", "access"]
"""What a UE may be told of by a generic UE configuration update (TS 24.501 §5.4.4.2)."""


class ServiceRestriction(Struct, frozen=True, gc=False):
    """Service area restriction, TS 23.501 §5.3.4.1. allowed: the TACs are the allowed area, else the non-allowed."""

    allowed: bool
    tacs: tuple[int, ...]

    def allows(self, tac: int) -> bool:
        return (tac in self.tacs) == self.allowed


class UeContext(Struct, frozen=True, gc=False):
    """UE context in AMF, TS 23.502 table 5.2.2.2.2-1, as far as it is used.

    security_capability: the octets that the UE sent. idle_since: seconds since 1970, of the last change of CM state.
    former_guti: valid beside guti while the UE has not shown which of the two it has (TS 24.501 §5.4.4.6).
    sdm_subscription: what the UDM calls the subscription to changes of the UE's data.
    due: what the UE is still to be told of. configured_nssai: as last told.
    leaving: it is to be deregistered, and that has not come to its end.
    last_gnb: the one that served it last, where paging begins.
    drx: negotiated UE specific DRX value, 0 for none. edrx: negotiated eDRX value and paging time window.
    paging_capability: UE radio capability for paging, as its gNB sent it.
    mico, t3512, t3324: MICO mode, periodic registration and active timer in seconds, as told; 0 for none.
    service_area: None without restriction. ladns: DNNs of which it was told where they are.
    forbidden_tacs: by subscription. capability_5gmm: the octets that the UE sent. radio_capability_id: of RACS.
    default_slices: of the allowed NSSAI, the defaults of the subscription. mico_allowed: by the subscription.
    absent_slices: requested, and rejected since its registration area has them not.
    access_categories: the operator-defined ones that it was told of last (TS 24.501 §4.5.3).
    voice_match: whether its radio suits IMS voice here (TS 23.502 §4.2.8a); None where no gNB was asked.
    """

    rm_state: Literal["RM-DEREGISTERED", "RM-REGISTERED"] = "RM-DEREGISTERED"
    cm_state: Literal["CM-IDLE", "CM-CONNECTED"] = "CM-CONNECTED"
    supi: Supi | None = None
    pei: str | None = None
    guti: Guti | None = None
    security: SecurityContext | None = None
    security_capability: bytes = b""
    allowed_nssai: tuple[SNssai, ...] = ()
    registration_area: tuple[Tai, ...] = ()
    subscribed_dnns: tuple[SubscribedDnn, ...] = ()
    ue_ambr: Ambr | None = None
    rfsp: int | None = None
    am_policy: str | None = None
    sm_contexts: tuple[SmContext, ...] = ()
    radio_capability: bytes = b""
    idle_since: float = 0.0
    former_guti: Guti | None = None
    sdm_subscription: str | None = None
    leaving: Leaving | None = None
    due: tuple[Content, ...] = ()
    configured_nssai: tuple[SNssai, ...] = ()
    last_gnb: str = ""
    drx: int = 0
    edrx: tuple[int, int] | None = None
    paging_capability: bytes = b""
    mico: bool = False
    t3512: int = 0
    t3324: int = 0
    service_area: ServiceRestriction | None = None
    ladns: tuple[str, ...] = ()
    forbidden_tacs: tuple[int, ...] = ()
    capability_5gmm: bytes = b""
    radio_capability_id: bytes = b""
    voice_match: bool | None = None
    default_slices: tuple[SNssai, ...] = ()
    mico_allowed: bool = True
    access_categories: tuple[nas.AccessCategory, ...] = ()
    absent_slices: tuple[SNssai, ...] = ()

    def sm_context(self, pdu_session_id: int) -> SmContext | None:
        for sm in self.sm_contexts:
            if sm.pdu_session_id == pdu_session_id:
                return sm
        return None

    @property
    def pdu_session_status(self) -> frozenset[int]:
        return frozenset(sm.pdu_session_id for sm in self.sm_contexts)


@lru_cache(4096)
def _first(value: Hashable) -> object:
    return value


def shared(value: T) -> T:
    """The first value that was equal to this one: what UEs have in common is kept once."""
    return cast("T", _first(value))


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(UeContext)


def encoded(context: UeContext) -> bytes:
    return _ENCODER.encode(context)


def decoded(octets: bytes) -> UeContext:
    """A stored context, safe to go on with: no downlink COUNT is used twice.

    msgspec.ValidationError when the octets are no UE context.
    """
    context = _DECODER.decode(octets)
    security = context.security
    if security is not None:
        count = security.dl_count + DL_COUNT_MARGIN
        context = msgspec.structs.replace(context, security=msgspec.structs.replace(security, dl_count=count))
    return context


class RanContext(Struct, frozen=True, gc=False):
    """A gNB behind its association. node_id: a GnbId as text. tais: with the slices it supports in each."""

    node_id: str = ""
    name: str = ""
    tais: tuple[tuple[Tai, tuple[SNssai, ...]], ...] = ()
    is_set_up: bool = False
