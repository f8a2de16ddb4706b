"""The SM context, TS 23.502 §5.2.8.2: what is stored of a PDU session."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Literal

import msgspec
from msgspec import Struct

from cinq.numbering import SNssai

COLLECTION = "sm-contexts"


class Qos(Struct, frozen=True, gc=False):
    """The QoS of the default QoS flow and the session AMBR (bits per second). arp_priority: 1 to 15."""

    five_qi: int
    arp_priority: int
    may_preempt: bool
    preemptable: bool
    ambr_uplink_bps: int
    ambr_downlink_bps: int


class SmContext(Struct, frozen=True, gc=False):
    """state: of the PDU session in the network, TS 24.501 §6.1.3.3 (active from the accept on).

    ref: the name of the SM context on Nsmf. address: IPv4 address as a number, 0 before one is assigned.
    upf: its dotted address on N4. seid: ours on N4. up_seid, teid, n3_address: what the UPF chose.
    policy: the SM policy association at the PCF.
    """

    ref: str
    supi: str
    pdu_session_id: int
    dnn: str
    s_nssai: SNssai
    ssc_mode: int
    qos: Qos
    is_static: bool = False
    state: Literal["INACTIVE", "ACTIVE"] = "INACTIVE"
    address: int = 0
    policy: str = ""
    upf: str = ""
    seid: int = 0
    up_seid: int = 0
    teid: int = 0
    n3_address: int = 0

    @property
    def ipv4(self) -> IPv4Address:
        return IPv4Address(self.address)

    @property
    def n3_ipv4(self) -> IPv4Address:
        return IPv4Address(self.n3_address)

    @property
    def label(self) -> str:
        """For journals: the SUPI and the PDU session identity."""
        return f"{self.supi}/{self.pdu_session_id}"


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(SmContext)


def encoded(context: SmContext) -> bytes:
    return _ENCODER.encode(context)


def decoded(octets: bytes) -> SmContext:
    """msgspec.ValidationError when the octets are no SM context."""
    return _DECODER.decode(octets)
