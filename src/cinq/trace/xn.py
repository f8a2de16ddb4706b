"""XnAP: what gNBs say to each other, and of which UE (TS 38.423)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from cinq.trace.bounded import Bounded
from cinq.trace.message import Arrival, Subject, TracedMessage, end
from cinq.trace.n2 import N2
from cinq.wire.per.base import Pdu
from cinq.wire.per.plain import plain

PORT = 38422
PPID = 61

_NAMES = ("new_ng_ran_node_ue_xnap_id", "old_ng_ran_node_ue_xnap_id")
_SOURCE, _TARGET = "source_ng_ran_node_ue_xnap_id", "target_ng_ran_node_ue_xnap_id"


class Xn:
    """All XnAP associations of a capture. UEs are those of N2, by the AMF UE NGAP ID that a source tells."""

    def __init__(self, n2: N2) -> None:
        self._n2 = n2
        self._by_id: Bounded[tuple[str, int], Subject] = Bounded()

    def read(self, at: Arrival, octets: bytes) -> TracedMessage:
        """The message in an SCTP user message of PPID 61."""
        from cinq.wire import xnap  # only a capture that has Xn pays for it

        examined = xnap.examine(octets)
        message = examined.message
        if message is None:
            return TracedMessage(at, "xn", "gNB", "gNB", "XnAP", octets, fault="; ".join(examined.faults))
        shown = TracedMessage(
            at,
            "xn",
            "gNB",
            "gNB",
            type(message).__name__,
            octets,
            partial(_facts, message, examined.raw),
            message if examined.whole else None,
            _cause(message),
            fault="; ".join(examined.faults),
        )
        shown.subject = self._subject(at, message)
        return shown

    def _subject(self, at: Arrival, message: Pdu) -> Subject | None:
        """The UE: a gNB's own identity of it is known by that gNB's address."""
        mine, theirs = _ids(message)
        here, there = at.source[0], at.destination[0]
        keys = [(host, number) for host, number in ((here, mine), (there, theirs)) if number is not None]
        if not keys:
            return None
        known = next((found for key in keys if (found := self._by_id.get(key)) is not None), None)
        told = _reference(message)
        if told is not None:
            known = self._n2.named(*told) or known
        known = known or Subject(f"UE XnAP ID {keys[0][1]}")
        for key in keys:
            self._by_id[key] = known
        return known


def _ids(message: Pdu) -> tuple[int | None, int | None]:
    """The identities of the sender and of the receiver. The source of a handover sends and hears both as source."""
    source, target = getattr(message, _SOURCE, None), getattr(message, _TARGET, None)
    new, old = (getattr(message, name, None) for name in _NAMES)
    mine, theirs = (source, target) if source is not None or target is not None else (new, old)
    name = type(message).__name__
    from_target = ("HandoverRequestAcknowledge", "HandoverPreparationFailure", "UEContextRelease")
    if name in (*from_target, "RetrieveUEContextResponse", "RetrieveUEContextFailure"):
        mine, theirs = theirs, mine
    return mine if isinstance(mine, int) else None, theirs if isinstance(theirs, int) else None


def _reference(message: Pdu) -> tuple[str, int] | None:
    """The AMF's address and its UE NGAP ID, in a HANDOVER REQUEST (§9.1.1.1)."""
    told: object = getattr(message, "ue_context_info_ho_request", None)
    number: object = getattr(told, "ng_c_ue_reference", None)
    place: object = getattr(told, "cp_tnl_info_source", None)
    if isinstance(number, int) and isinstance(place, tuple) and place[0] == "endpointIPAddress":
        bits, size = place[1]
        return N2.address(bits, size), number
    return None


def _cause(message: Pdu) -> str:
    cause: object = getattr(message, "cause", None)
    return ": ".join(map(str, cause)) if isinstance(cause, tuple) else ""


def _facts(message: Pdu, raw: dict[str, str]) -> Mapping[str, object]:
    """A message for programs; a key is not shown."""
    facts = plain(message)
    assert isinstance(facts, dict)
    _hide(facts)
    return {**facts, "not_read": raw} if raw else facts


def _hide(facts: object) -> None:
    if isinstance(facts, dict):
        if "key_ng_ran_star" in facts:
            facts["key_ng_ran_star"] = "hidden"
        for each in facts.values():
            _hide(each)


def ends(message: TracedMessage) -> str:
    """Which gNB speaks to which, as a ladder has one line for all."""
    return f"{end(message.at.source).rpartition(':')[0]} ▸ {end(message.at.destination).rpartition(':')[0]}"
