"""NGAP: which UE a message concerns, which way it went, the transfers and the NAS inside it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial

from cinq.numbering import NumberingError, PlmnId, STmsi
from cinq.trace.bounded import Bounded
from cinq.trace.detail import cause
from cinq.trace.inside import Inside, Transfers
from cinq.trace.message import Arrival, Subject, TracedMessage
from cinq.trace.n1 import N1, Connection
from cinq.trace.n3 import N3
from cinq.wire import ngap
from cinq.wire.ngap import Pdu, Sequence

PORT = 38412
PPID = 60

_End = tuple[str, int]
# Procedures that the AMF begins (TS 38.413 §8); the NG-RAN node begins the others, and either of them these.
_EITHER = ("NGReset", "ErrorIndication", "PrivateMessage")
_BY_AMF = (
    *(
        "AMFCPRelocationIndication",
        "AMFConfigurationUpdate",
        "AMFStatusIndication",
        "BroadcastSessionModification",
    ),
    *(
        "BroadcastSessionRelease",
        "BroadcastSessionSetup",
        "ConnectionEstablishmentIndication",
        "DeactivateTrace",
    ),
    *("HandoverResourceAllocation", "HandoverSuccess", "InitialContextSetup", "LocationReportingControl"),
    *("MTCommunicationHandling", "MulticastGroupPaging", "MulticastSessionActivation", "OverloadStart"),
    *("MulticastSessionDeactivation", "MulticastSessionUpdate", "OverloadStop", "PDUSessionResourceModify"),
    *("PDUSessionResourceRelease", "PDUSessionResourceSetup", "PWSCancel", "Paging", "RerouteNASRequest"),
    *("TimingSynchronisationStatus", "TraceStart", "UEContextModification", "UEContextRelease"),
    *("UEInformationTransfer", "UERadioCapabilityCheck", "UETNLABindingRelease", "WriteReplaceWarning"),
)


class N2:
    """All NGAP associations of a capture."""

    def __init__(self, n1: N1, n3: N3) -> None:
        self.shows_nas = True
        self._n1 = n1
        self._n3 = n3.ends
        self._by_ran_id: Bounded[tuple[_End, _End, int], Connection] = Bounded()
        self._by_amf_id: Bounded[tuple[str, int], Connection] = Bounded()
        self._amfs: Bounded[_End, None] = Bounded()
        self._plmns: Bounded[_End, list[PlmnId]] = Bounded()
        self._named: Bounded[str, int] = Bounded()

    def read(self, at: Arrival, octets: bytes) -> list[TracedMessage]:
        """The message in an SCTP user message of PPID 60, then the NAS messages it carries."""
        examined = ngap.examine(octets)
        message = examined.message
        uplink = self._uplink(at, message)
        ends = ("gNB", "AMF") if uplink else ("AMF", "gNB")
        if message is None:
            return [TracedMessage(at, "n2", *ends, "NGAP", octets, fault="; ".join(examined.faults))]
        inside = Inside()
        inside.look(message)
        gnb, amf = (at.source, at.destination) if uplink else (at.destination, at.source)
        ue = self._connection(gnb, amf, message)
        self._serving_networks(amf, ue, inside.plmns)
        for name, tunnel in inside.tunnels:
            self._tunnel(uplink, name, tunnel)
        shown = TracedMessage(
            at,
            "n2",
            *ends,
            type(message).__name__,
            octets,
            partial(_facts, message, examined.raw, inside.transfers),
            message if examined.whole else None,
            cause(message),
        )
        if examined.faults or inside.transfers:
            shown.fault = "; ".join((*examined.faults, *inside.faults()))
        if ue is None:
            return [shown]
        shown.subject = ue.subject
        found = [shown]
        for pdu in inside.nas:
            inner = self._n1.read(at, pdu, uplink, ue)
            if self.shows_nas:
                found += inner
        return found

    def _uplink(self, at: Arrival, message: Pdu | None) -> bool:
        """By the AMF's port, else by who begins the procedure, else by which end was seen to be an AMF."""
        if (at.source[1] == PORT) != (at.destination[1] == PORT):
            return at.destination[1] == PORT
        if message is None or message.PROCEDURE in _EITHER:
            return at.source not in self._amfs
        by_amf = message.PROCEDURE.startswith("Downlink") or message.PROCEDURE in _BY_AMF
        uplink = by_amf != (message.KIND == "initiatingMessage")
        self._amfs[at.destination if uplink else at.source] = None
        return uplink

    def _connection(self, gnb: _End, amf: _End, message: Pdu) -> Connection | None:
        """The connection that the AMF UE NGAP ID and the RAN UE NGAP ID name, TS 38.413 §8.6 and §9.3.3."""
        ran_id, amf_id = _ue_ids(message)
        if ran_id is None and amf_id is None:
            return self._paged(message)
        by_ran = None if ran_id is None else self._by_ran_id.get((gnb, amf, ran_id))
        by_amf = None if amf_id is None else self._by_amf_id.get((amf[0], amf_id))
        found = None if isinstance(message, ngap.InitialUEMessage) else by_ran or by_amf
        if found is None:
            found = Connection(Subject(self._name(ran_id, amf_id)))
        if isinstance(message, ngap.InitialUEMessage) and message.five_g_s_tmsi is not None:
            self._n1.temporary(_s_tmsi(message.five_g_s_tmsi), found)
        if ran_id is not None and found is not by_ran:
            self._by_ran_id[gnb, amf, ran_id] = found
        if amf_id is not None and found is not by_amf:
            self._by_amf_id[amf[0], amf_id] = found
        return found

    def named(self, amf: str, amf_id: int) -> Subject | None:
        """Whom the AMF at this address calls so."""
        found = self._by_amf_id.get((amf, amf_id))
        return None if found is None else found.subject

    @staticmethod
    def address(bits: int, size: int) -> str:
        """A transport layer address, the first of two, as arrivals have it; empty where it is none."""
        return next(_of_bits(bits, size), "")

    def _name(self, ran_id: int | None, amf_id: int | None) -> str:
        """What to call a UE that nothing else names. Identities are used again, by another gNB or later: numbered."""
        name = f"RAN UE NGAP ID {ran_id}" if ran_id is not None else f"AMF UE NGAP ID {amf_id}"
        times = self._named[name] = self._named.get(name, 0) + 1
        return name if times == 1 else f"{name} ({times})"

    def _paged(self, message: Pdu) -> Connection | None:
        """Whom a Paging message calls, TS 38.413 §8.5.1; None for messages of no single UE."""
        identity: object = getattr(message, "ue_paging_identity", None)
        if not isinstance(identity, tuple) or not isinstance(identity[1], ngap.FiveGSTMSI):
            return None
        ue = Connection(Subject("UE"))
        self._n1.temporary(_s_tmsi(identity[1]), ue)
        return ue

    def _serving_networks(self, amf: _End, ue: Connection | None, named: set[bytes]) -> None:
        """PLMNs that a message names: first those of the UE's own messages, then those of the AMF."""
        served = self._plmns.get(amf)
        if served is None:
            served = self._plmns[amf] = []
        mine = served if ue is None else ue.plmns
        for octets in named:
            plmn = _plmn(octets)
            if plmn is not None and plmn not in mine and len(mine) < _PLMNS:
                mine.append(plmn)
        if ue is not None:
            for plmn in served:
                if plmn not in mine:
                    mine.append(plmn)

    def _tunnel(self, uplink: bool, name: str, tunnel: ngap.GTPTunnel) -> None:
        """The addresses on N3 of the gNB, which speaks of its own, and of the UPF, which the AMF tells of."""
        if ("ul_ng" in name) != uplink:
            for address in _addresses(tunnel):
                self._n3.learn(address, "gNB" if uplink else "UPF")


_PLMNS = 16  # serving networks of one UE or AMF that are tried


def _s_tmsi(value: ngap.FiveGSTMSI) -> STmsi:
    return STmsi(value.amf_set_id, value.amf_pointer, int.from_bytes(value.five_g_tmsi, "big"))


def _ue_ids(message: Pdu) -> tuple[int | None, int | None]:
    """RAN and AMF UE NGAP ID. A message that could be read in part may lack either."""
    ran_id: object = getattr(message, "ran_ue_ngap_id", None)
    amf_id: object = getattr(message, "amf_ue_ngap_id", None)
    if isinstance(message, ngap.UEContextReleaseCommand):
        ids: object = message.ue_ngap_ids
        amf_id = ids[1] if isinstance(ids, tuple) else None
        if isinstance(amf_id, ngap.UENGAPIDpair):
            ran_id, amf_id = amf_id.ran_ue_ngap_id, amf_id.amf_ue_ngap_id
    elif isinstance(message, ngap.PathSwitchRequest):
        amf_id = message.source_amf_ue_ngap_id
    return (ran_id if isinstance(ran_id, int) else None, amf_id if isinstance(amf_id, int) else None)


def _addresses(tunnel: ngap.GTPTunnel) -> Iterator[str]:
    """TS 38.414 §5.1: an IPv4 address, an IPv6 address, or the one and then the other."""
    yield from _of_bits(*tunnel.transport_layer_address)


def _of_bits(bits: int, size: int) -> Iterator[str]:
    if size in (32, 160):
        yield str(ipaddress.IPv4Address(bits >> size - 32))
    if size in (128, 160):
        yield str(ipaddress.IPv6Address(bits & (1 << 128) - 1))


def _facts(message: Pdu, raw: dict[str, str], transfers: Transfers) -> Mapping[str, object]:
    """A message for programs."""
    facts = {"message": type(message).__name__, **_members(message, transfers)}
    return facts | {"not_read": raw} if raw else facts


@lru_cache(1024)
def _plmn(octets: bytes) -> PlmnId | None:
    try:
        return PlmnId.from_octets(octets)
    except NumberingError:
        return None


def _members(value: Sequence, transfers: Transfers) -> dict[str, object]:
    return {name: _shown(name, member, transfers) for name, member in value.items()}


def _shown(name: str, value: object, transfers: Transfers) -> object:
    """As ngap.plain, with the transfers decoded in their places."""
    match value:
        case Sequence():
            return _members(value, transfers)
        case list():
            return [_shown(name, each, transfers) for each in value]
        case (str() as alternative, chosen):
            return {alternative: _shown(name, chosen, transfers)}
        case bytes() if (found := transfers.get((name, value))) is not None and found.message is not None:
            return _members(found.message, transfers) | ({"not_read": found.raw} if found.raw else {})
    return ngap.plain(value)
