"""IEs that are octets of flags. Octet 5, bit 1 is the value 1; octet 6, bit 1 is 256. TS 29.244 §8.2.

An instance remembers how many octets it had (`width`): later releases append octets, receivers take fewer.
"""

from __future__ import annotations

from typing import ClassVar, Self

from cinq.wire.pfcp.error import Truncated
from cinq.wire.pfcp.row import Element


class Flags(Element, frozen=True):
    """value: the flags as one number. width: octets on the wire."""

    COMMON: ClassVar[bool] = True

    value: int = 0
    width: int = 1

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        if not octets:
            raise Truncated("no octets, wanted at least 1")
        return cls(int.from_bytes(octets, "little"), len(octets))

    def octets(self) -> bytes:
        return self.value.to_bytes(self.width, "little")

    def has(self, flag: int) -> bool:
        return bool(self.value & flag)

    def names(self) -> list[str]:
        """The flags that are set, by name; unnamed ones by their value."""
        named = {v: k for k, v in type(self).__dict__.items() if k.isupper() and isinstance(v, int)}
        bits = (1 << n for n in range(self.value.bit_length()))
        return [named.get(bit, hex(bit)) for bit in bits if self.value & bit]


class ReportingTriggers(Flags, frozen=True):
    """§8.2.19."""

    width: int = 3
    PERIO: ClassVar[int] = 1
    VOLTH: ClassVar[int] = 1 << 1
    TIMTH: ClassVar[int] = 1 << 2
    QUHTI: ClassVar[int] = 1 << 3
    START: ClassVar[int] = 1 << 4
    STOPT: ClassVar[int] = 1 << 5
    DROTH: ClassVar[int] = 1 << 6
    LIUSA: ClassVar[int] = 1 << 7
    VOLQU: ClassVar[int] = 1 << 8
    TIMQU: ClassVar[int] = 1 << 9
    ENVCL: ClassVar[int] = 1 << 10
    MACAR: ClassVar[int] = 1 << 11
    EVETH: ClassVar[int] = 1 << 12
    EVEQU: ClassVar[int] = 1 << 13
    IPMJL: ClassVar[int] = 1 << 14
    QUVTI: ClassVar[int] = 1 << 15
    REEMR: ClassVar[int] = 1 << 16
    UPINT: ClassVar[int] = 1 << 17


class UsageReportTrigger(Flags, frozen=True):
    """§8.2.41."""

    width: int = 3
    PERIO: ClassVar[int] = 1
    VOLTH: ClassVar[int] = 1 << 1
    TIMTH: ClassVar[int] = 1 << 2
    QUHTI: ClassVar[int] = 1 << 3
    START: ClassVar[int] = 1 << 4
    STOPT: ClassVar[int] = 1 << 5
    DROTH: ClassVar[int] = 1 << 6
    IMMER: ClassVar[int] = 1 << 7
    VOLQU: ClassVar[int] = 1 << 8
    TIMQU: ClassVar[int] = 1 << 9
    LIUSA: ClassVar[int] = 1 << 10
    TERMR: ClassVar[int] = 1 << 11
    MONIT: ClassVar[int] = 1 << 12
    ENVCL: ClassVar[int] = 1 << 13
    MACAR: ClassVar[int] = 1 << 14
    EVETH: ClassVar[int] = 1 << 15
    EVEQU: ClassVar[int] = 1 << 16
    TEBUR: ClassVar[int] = 1 << 17
    IPMJL: ClassVar[int] = 1 << 18
    QUVTI: ClassVar[int] = 1 << 19
    EMRRE: ClassVar[int] = 1 << 20
    UPINT: ClassVar[int] = 1 << 21


class ReportType(Flags, frozen=True):
    """§8.2.21."""

    DLDR: ClassVar[int] = 1
    USAR: ClassVar[int] = 1 << 1
    ERIR: ClassVar[int] = 1 << 2
    UPIR: ClassVar[int] = 1 << 3
    TMIR: ClassVar[int] = 1 << 4
    SESR: ClassVar[int] = 1 << 5
    UISR: ClassVar[int] = 1 << 6


class ApplyAction(Flags, frozen=True):
    """§8.2.26."""

    width: int = 2
    DROP: ClassVar[int] = 1
    FORW: ClassVar[int] = 1 << 1
    BUFF: ClassVar[int] = 1 << 2
    NOCP: ClassVar[int] = 1 << 3
    DUPL: ClassVar[int] = 1 << 4
    IPMA: ClassVar[int] = 1 << 5
    IPMD: ClassVar[int] = 1 << 6
    DFRT: ClassVar[int] = 1 << 7
    EDRT: ClassVar[int] = 1 << 8
    BDPN: ClassVar[int] = 1 << 9
    DDPN: ClassVar[int] = 1 << 10
    FSSM: ClassVar[int] = 1 << 11
    MBSU: ClassVar[int] = 1 << 12


class UpFunctionFeatures(Flags, frozen=True):
    """§8.2.25 (those of octets 5 to 9 that have a name here)."""

    width: int = 4
    BUCP: ClassVar[int] = 1
    DDND: ClassVar[int] = 1 << 1
    DLBD: ClassVar[int] = 1 << 2
    TRST: ClassVar[int] = 1 << 3
    FTUP: ClassVar[int] = 1 << 4
    PFDM: ClassVar[int] = 1 << 5
    HEEU: ClassVar[int] = 1 << 6
    TREU: ClassVar[int] = 1 << 7
    EMPU: ClassVar[int] = 1 << 8
    PDIU: ClassVar[int] = 1 << 9
    UDBC: ClassVar[int] = 1 << 10
    QUOAC: ClassVar[int] = 1 << 11
    TRACE: ClassVar[int] = 1 << 12
    FRRT: ClassVar[int] = 1 << 13
    PFDE: ClassVar[int] = 1 << 14
    EPFAR: ClassVar[int] = 1 << 15
    DPDRA: ClassVar[int] = 1 << 16
    ADPDP: ClassVar[int] = 1 << 17
    UEIP: ClassVar[int] = 1 << 18
    SSET: ClassVar[int] = 1 << 19
    MNOP: ClassVar[int] = 1 << 20
    MTE: ClassVar[int] = 1 << 21
    BUNDL: ClassVar[int] = 1 << 22
    GCOM: ClassVar[int] = 1 << 23
    MPAS: ClassVar[int] = 1 << 24
    RTTL: ClassVar[int] = 1 << 25
    VTIME: ClassVar[int] = 1 << 26
    NORP: ClassVar[int] = 1 << 27
    IPTV: ClassVar[int] = 1 << 28
    IP6PL: ClassVar[int] = 1 << 29
    TSCU: ClassVar[int] = 1 << 30
    MPTCP: ClassVar[int] = 1 << 31


class CpFunctionFeatures(Flags, frozen=True):
    """§8.2.58."""

    LOAD: ClassVar[int] = 1
    OVRL: ClassVar[int] = 1 << 1
    EPFAR: ClassVar[int] = 1 << 2
    SSET: ClassVar[int] = 1 << 3
    BUNDL: ClassVar[int] = 1 << 4
    MPAS: ClassVar[int] = 1 << 5
    ARDR: ClassVar[int] = 1 << 6
    UIAUR: ClassVar[int] = 1 << 7
    PSUCC: ClassVar[int] = 1 << 8


class MeasurementMethod(Flags, frozen=True):
    """§8.2.40."""

    DURAT: ClassVar[int] = 1
    VOLUM: ClassVar[int] = 1 << 1
    EVENT: ClassVar[int] = 1 << 2


class SmReqFlags(Flags, frozen=True):
    """PFCPSMReq-Flags, §8.2.31."""

    DROBU: ClassVar[int] = 1
    SNDEM: ClassVar[int] = 1 << 1
    QAURR: ClassVar[int] = 1 << 2
    SUMPC: ClassVar[int] = 1 << 3
    RUMUC: ClassVar[int] = 1 << 4
    DETEID: ClassVar[int] = 1 << 5


class SrRspFlags(Flags, frozen=True):
    """PFCPSRRsp-Flags, §8.2.32."""

    DROBU: ClassVar[int] = 1


class SrReqFlags(Flags, frozen=True):
    """PFCPSRReq-Flags, §8.2.111: the UPF deleted the session itself."""

    PSDBU: ClassVar[int] = 1


class NodeReportType(Flags, frozen=True):
    """§8.2.69."""

    UPFR: ClassVar[int] = 1
    UPRR: ClassVar[int] = 1 << 1
    CKDR: ClassVar[int] = 1 << 2
    GPQR: ClassVar[int] = 1 << 3


class AssociationReleaseRequestFlags(Flags, frozen=True):
    """PFCP Association Release Request (the IE), §8.2.74."""

    SARR: ClassVar[int] = 1
    URSS: ClassVar[int] = 1 << 1


class PfcpFlags(Flags, frozen=True):
    """Flag IEs that nobody reads yet: PFCPASReq, PFCPASRsp, PFCPAUReq, PFCPSEReq, OCI, Data Status, ..."""
