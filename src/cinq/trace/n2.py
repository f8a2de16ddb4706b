"""NGAP: which UE a message concerns, which way it went, the transfers and the NAS inside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from cinq.numbering import NumberingError, PlmnId, STmsi
from cinq.trace.detail import cause
from cinq.trace.message import Arrival, Subject, TracedMessage, traced
from cinq.trace.n1 import N1, Connection
from cinq.wire import ngap
from cinq.wire.ngap import NgapError, Pdu, Sequence

PORT = 38412
PPID = 60

_End = tuple[str, int]

_TRANSFERS: Mapping[str, type[Sequence]] = {
    name.lower(): cls
    for name, cls in vars(ngap).items()
    if isinstance(cls, type) and issubclass(cls, Sequence) and name.endswith("Transfer")
} | {"handoverrequesttransfer": ngap.PDUSessionResourceSetupRequestTransfer}

# Initiating messages of the NG-RAN node and of the AMF, where no port tells which end is which.
_UPLINK = (
    *("NGSetupRequest", "InitialUEMessage", "UplinkNASTransport", "NASNonDeliveryIndication"),
    *("UEContextReleaseRequest", "RANConfigurationUpdate", "PathSwitchRequest", "HandoverRequired"),
    *("HandoverNotify", "UERadioCapabilityInfoIndication", "PDUSessionResourceNotify"),
)
_DOWNLINK = (
    *("DownlinkNASTransport", "InitialContextSetupRequest", "PDUSessionResourceSetupRequest"),
    *("PDUSessionResourceReleaseCommand", "PDUSessionResourceModifyRequest", "UEContextReleaseCommand"),
    *("Paging", "HandoverRequest", "AMFConfigurationUpdate", "AMFStatusIndication"),
)


class N2:
    """All NGAP associations of a capture."""

    def __init__(self, n1: N1) -> None:
        self.shows_nas = True
        self._n1 = n1
        self._by_ran_id: dict[tuple[_End, _End, int], Connection] = {}
        self._by_amf_id: dict[tuple[str, int], Connection] = {}
        self._amfs: set[_End] = set()
        self._plmns: dict[_End, list[PlmnId]] = {}
        self._named: Counter[str] = Counter()

    def read(self, at: Arrival, octets: bytes) -> Iterator[TracedMessage]:
        """The message in an SCTP user message of PPID 60, then the NAS messages it carries."""
        fault = ""
        message: Pdu | None
        try:
            message = ngap.decode(octets)
        except NgapError as error:
            message, fault = (error.partial if error.tolerable else None), str(error)
        uplink = self._uplink(at, message)
        ends = ("gNB", "AMF") if uplink else ("AMF", "gNB")
        if message is None:
            shown = traced(at, "n2", *ends, "NGAP", octets)
            shown.fault = fault
            yield shown
            return
        shown = traced(at, "n2", *ends, type(message).__name__, octets)
        gnb, amf = (at.source, at.destination) if uplink else (at.destination, at.source)
        ue = self._connection(gnb, amf, message)
        self._serving_networks(amf, ue, message)
        shown.cause = cause(message)
        faults: list[str] = []
        shown.decoded = {"message": shown.message, **_members(message, faults)}
        if fault:
            faults.append(fault)
        shown.fault = "; ".join(faults)
        if ue is not None:
            shown.subject = ue.subject
        nas = [value for name, value in _leaves(message) if name.endswith("nas_pdu")] if ue else []
        inner = [each for pdu in nas if ue for each in self._n1.read(at, pdu, uplink, ue)]
        yield shown
        if self.shows_nas:
            yield from inner

    def _uplink(self, at: Arrival, message: Pdu | None) -> bool:
        if (at.source[1] == PORT) != (at.destination[1] == PORT):
            return at.destination[1] == PORT
        name = "" if message is None else type(message).__name__
        if name in _UPLINK or name in _DOWNLINK:
            self._amfs.add(at.destination if name in _UPLINK else at.source)
            return name in _UPLINK
        return at.source not in self._amfs

    def _connection(self, gnb: _End, amf: _End, message: Pdu) -> Connection | None:
        """The connection that the AMF UE NGAP ID and the RAN UE NGAP ID name, TS 38.413 §8.6 and §9.3.3."""
        ran_id, amf_id = _ue_ids(message)
        if ran_id is None and amf_id is None:
            return self._paged(message)
        found: Connection | None = None
        if not isinstance(message, ngap.InitialUEMessage):
            if ran_id is not None:
                found = self._by_ran_id.get((gnb, amf, ran_id))
            if found is None and amf_id is not None:
                found = self._by_amf_id.get((amf[0], amf_id))
        if found is None:
            found = Connection(Subject(self._name(ran_id, amf_id)))
        if isinstance(message, ngap.InitialUEMessage) and message.five_g_s_tmsi is not None:
            self._n1.temporary(_s_tmsi(message.five_g_s_tmsi), found)
        if ran_id is not None:
            self._by_ran_id[gnb, amf, ran_id] = found
        if amf_id is not None:
            self._by_amf_id[amf[0], amf_id] = found
        return found

    def _name(self, ran_id: int | None, amf_id: int | None) -> str:
        """What to call a UE that nothing else names. Identities are used again, by another gNB or later: numbered."""
        name = f"RAN UE NGAP ID {ran_id}" if ran_id is not None else f"AMF UE NGAP ID {amf_id}"
        self._named[name] += 1
        return name if self._named[name] == 1 else f"{name} ({self._named[name]})"

    def _paged(self, message: Pdu) -> Connection | None:
        """Whom a Paging message calls, TS 38.413 §8.5.1; None for messages of no single UE."""
        if not isinstance(message, ngap.Paging) or message.ue_paging_identity[0] != "fiveG-S-TMSI":
            return None
        ue = Connection(Subject("UE"))
        self._n1.temporary(_s_tmsi(message.ue_paging_identity[1]), ue)
        return ue

    def _serving_networks(self, amf: _End, ue: Connection | None, message: Pdu) -> None:
        """PLMNs that a message names: first those of the UE's own messages, then those of the AMF."""
        named = []
        for name, value in _leaves(message):
            if name == "plmn_identity":
                try:
                    named.append(PlmnId.from_octets(value))
                except NumberingError:
                    continue
        served = self._plmns.setdefault(amf, [])
        mine = served if ue is None else ue.plmns
        mine += [plmn for plmn in dict.fromkeys(named) if plmn not in mine]
        if ue is not None:
            ue.plmns += [plmn for plmn in served if plmn not in ue.plmns]


def _s_tmsi(value: ngap.FiveGSTMSI) -> STmsi:
    return STmsi(value.amf_set_id, value.amf_pointer, int.from_bytes(value.five_g_tmsi, "big"))


def _ue_ids(message: Pdu) -> tuple[int | None, int | None]:
    members = dict(message.items())
    ran_id, amf_id = members.get("ran_ue_ngap_id"), members.get("amf_ue_ngap_id")
    if isinstance(message, ngap.UEContextReleaseCommand):
        ids = message.ue_ngap_ids
        if ids[0] == "uE-NGAP-ID-pair":
            ran_id, amf_id = ids[1].ran_ue_ngap_id, ids[1].amf_ue_ngap_id
        else:
            amf_id = ids[1]
    elif isinstance(message, ngap.PathSwitchRequest):
        amf_id = message.source_amf_ue_ngap_id
    return (ran_id if isinstance(ran_id, int) else None, amf_id if isinstance(amf_id, int) else None)


def _leaves(value: object) -> Iterator[tuple[str, bytes]]:
    """The attributes that are octets, wherever they stand in a value."""
    if isinstance(value, Sequence):
        for name, member in value.items():
            if isinstance(member, bytes):
                yield name, member
            else:
                yield from _leaves(member)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)


def _members(value: Sequence, faults: list[str]) -> dict[str, object]:
    return {name: _shown(name, member, faults) for name, member in value.items()}


def _shown(name: str, value: object, faults: list[str]) -> object:
    """As ngap.plain, with the transfers decoded in their places."""
    match value:
        case Sequence():
            return _members(value, faults)
        case list():
            return [_shown(name, each, faults) for each in value]
        case (str() as alternative, chosen):
            return {alternative: _shown(name, chosen, faults)}
        case bytes() if (cls := _TRANSFERS.get(name.replace("_", ""))) is not None:
            try:
                return _members(ngap.decode_value(cls, value), faults)
            except NgapError as error:
                faults.append(f"{cls.__name__}: {error}")
    return ngap.plain(value)
