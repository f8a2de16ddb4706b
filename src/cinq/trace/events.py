"""Live events to the arrows of a ladder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cinq.procedure import Event
from cinq.trace.bounded import Bounded
from cinq.trace.detail import cause, decoded, detail, inner
from cinq.trace.ladder import COLUMNS, Step
from cinq.trace.message import ue_label
from cinq.trace.names import supis
from cinq.wire import nas, ngap, pfcp

_SAME_MESSAGE_S = 5.0
_REMEMBERED = 10_000


class StepReader:
    """Events to steps, one by one. A message that both its sender and its receiver report is one step."""

    def __init__(self) -> None:
        self.names: Bounded[str, str] = Bounded()
        self._seen: dict[tuple[str, bytes], tuple[float, str, str]] = {}

    def step(self, event: Event) -> Step | None:
        """None for the second report of a message, and for an answer on the SBI that refuses nothing."""
        octets = _innermost(event)
        if octets:
            key = (event.interface, octets)
            then, *reported = self._seen.get(key, (-_SAME_MESSAGE_S, event.nf, event.message))
            self._seen[key] = (event.time, event.nf, event.message)
            if reported != [event.nf, event.message] and event.time - then < _SAME_MESSAGE_S:
                return None
            if len(self._seen) > _REMEMBERED:
                del self._seen[next(iter(self._seen))]
        return _event_step(event, self.names)


def steps_of_events(events: Iterable[Event]) -> list[Step]:
    """The steps of a live event stream. A UE that got its name late has it from its first step on."""
    reader = StepReader()
    steps = [step for event in events if (step := reader.step(event)) is not None]
    return [replace(step, ue=reader.names.get(step.ue, step.ue)) for step in steps]


def _innermost(event: Event) -> bytes:
    """What tells an event from a second report of the same message: its octets, of 5GSM without the transport."""
    if event.direction == "none":
        return b""
    if event.interface == "N1" and event.octets[:1] == b"\x7e":
        message = event.decoded() or decoded("N1", event.octets)
        if inner(message) is not message and isinstance(message, nas.ULNASTransport | nas.DLNASTransport):
            return message.payload_container
    return event.octets


def _event_step(event: Event, names: Bounded[str, str]) -> Step | None:
    ue = ue_label(event.subject)
    ue = names.get(ue or event.subject, ue)
    if event.behalf.startswith("UE ") and supis(ue):
        names[event.behalf] = ue
    if event.direction == "none":
        name = event.message or event.procedure
        return Step(event.time, event.nf, event.nf, name, ue, "", "", event.cause, mend=event.mend)
    interface = event.interface.lower()
    if interface not in ("n1", "n2", "n3", "n4"):
        return _sbi_step(event, ue)
    if interface == "n4" and event.octets:
        ue = _session_ue(event, ue, names)
    content = event.decoded() or decoded(event.interface, event.octets)
    if isinstance(content, ngap.Pdu):
        number: object = getattr(content, "amf_ue_ngap_id", None)
        if number is not None and ue.startswith("imsi"):
            names[f"UE {number}"] = ue
    else:
        content = inner(content)
    name = event.message if content is None else type(content).__name__
    sender, receiver = _ends(event)
    said = event.cause or cause(content)
    return Step(event.time, sender, receiver, name, ue, interface, detail(content), said, mend=event.mend)


def _session_ue(event: Event, ue: str, names: Bounded[str, str]) -> str:
    """A PFCP response may not say whose it is: it is its request's, by the sequence number (TS 29.244 §7.2.2.1)."""
    with_seid = event.octets[0] & 1
    sequence = event.octets[12:15] if with_seid else b""
    key = f"N4 {sequence.hex()}"
    if ue:
        names[key] = ue
    ue = ue or (names.get(key, "") if with_seid else "")
    content = event.decoded() or decoded("N4", event.octets)
    if isinstance(content, pfcp.SessionEstablishmentResponse) and content.up_f_seid is not None and ue:
        names[f"SEID {content.up_f_seid.seid:#x}"] = ue  # what the UPF calls it
    return ue


def _ends(event: Event) -> tuple[str, str]:
    """Sender and receiver of an event of N1 to N4: the function itself, and who is at the other end there."""
    pairs = {"N1": ("UE", "AMF"), "N2": ("gNB", "AMF"), "N3": ("gNB", "UPF"), "N4": ("SMF", "UPF")}
    left, right = pairs[event.interface.upper()]
    near = event.nf if event.nf in COLUMNS else right
    far = left if near != left else right
    return (near, far) if event.direction == "out" else (far, near)


def _sbi_step(event: Event, ue: str) -> Step | None:
    if event.message.endswith(" response") and not event.cause:
        return None
    name = event.message.removesuffix(" request").removesuffix(" response")
    peer = event.peer or event.nf
    return Step(event.time, event.nf, peer, name, ue, "sbi", "", event.cause, mend=event.mend)
