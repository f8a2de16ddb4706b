"""Call-flow ladders as text: one for each UE, columns UE, gNB, AMF, AUSF/UDM, SMF, UPF as far as they take part.

Rows keep the step they were drawn from, so that a terminal can colour them; the text alone says the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass, replace

from cinq.procedure import Event
from cinq.trace.detail import cause, decoded, detail, inner, words
from cinq.trace.message import ue_label
from cinq.trace.names import ShortNames
from cinq.wire import nas, ngap

COLUMNS = ("UE", "gNB", "AMF", "AUSF/UDM", "SMF", "UPF")
NETWORK = "network"

_SBI = "AUSF/UDM"
_SUBSCRIPTION = ("AUSF", "UDM", "UDR")
_CARRIERS = ("InitialUEMessage", "UplinkNASTransport", "DownlinkNASTransport")
_TRANSPORTS = ("ULNASTransport", "DLNASTransport")
_REFUSAL = re.compile("Reject|Failure|Error|Status|Unsuccessful")
_MARGIN = 3
_TIME = 11
_NARROWEST = 60
_SAME_MESSAGE_S = 5.0
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow of a ladder. sender, receiver: function names; equal for something that happened inside one.

    name: of the message, as its class. detail: a few words. cause: what went wrong, empty when nothing did.
    interface: n1, n2, n3, n4 or sbi, empty for a note. ue: its SUPI or other name, empty for what concerns no UE.
    fault: the cause is not in the message but wrong with it: not decoded, or its integrity does not hold.
    """

    time: float
    sender: str
    receiver: str
    name: str
    ue: str
    interface: str
    detail: str = ""
    cause: str = ""
    fault: bool = False

    @property
    def text(self) -> str:
        """The label of the arrow; identities in it are whole."""
        text = words(self.name) if self.interface != "sbi" else self.name
        if self.detail:
            text += f" ({self.detail})"
        if not self.cause:
            return text
        return f"{text} {'✗' if self.failed else '·'} {self.cause}"

    @property
    def failed(self) -> bool:
        """Whether this is a refusal or a fault, and not just a message that gives a reason."""
        expected = self.interface in ("n1", "n2") and not self.fault
        return bool(self.cause) and not (expected and not _REFUSAL.search(self.name))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a ladder. step: None for headings and blank lines."""

    text: str
    step: Step | None = None


class StepReader:
    """Events to steps, one by one. A message that both its sender and its receiver report is one step."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
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


def _event_step(event: Event, names: dict[str, str]) -> Step | None:
    ue = ue_label(event.subject)
    if event.direction == "none":
        return Step(event.time, event.nf, event.nf, event.message or event.procedure, ue, "", "", event.cause)
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
    return Step(
        event.time, sender, receiver, name, ue, interface, detail(content), event.cause or cause(content)
    )


def _session_ue(event: Event, ue: str, names: dict[str, str]) -> str:
    """A PFCP response may not say whose it is: it is its request's, by the sequence number (TS 29.244 §7.2.2.1)."""
    with_seid = event.octets[0] & 1
    sequence = event.octets[12:15] if with_seid else b""
    key = f"N4 {sequence.hex()}"
    if ue:
        names[key] = ue
    return ue or (names.get(key, "") if with_seid else "")


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
    return Step(event.time, event.nf, event.peer or event.nf, name, ue, "sbi", "", event.cause)


def _column(function: str) -> str:
    return function if function in COLUMNS else _SBI


def _without_carriers(steps: Sequence[Step]) -> list[Step]:
    """Drops what only carries the step beside it: NGAP transports of NAS, NAS transports of 5GSM."""
    kept = []
    for n, step in enumerate(steps):
        beside = [*steps[max(0, n - 2) : n], *steps[n + 1 : n + 3]]
        with_it = [each for each in beside if each.interface == "n1" and _upward(each) == _upward(step)]
        carried = step.name in _CARRIERS and bool(with_it)
        carried |= (
            step.name in _TRANSPORTS
            and not step.cause
            and any("SMF" in (e.sender, e.receiver) for e in with_it)
        )
        if not carried or step.cause:
            kept.append(step)
    return kept


def _upward(step: Step) -> bool:
    return COLUMNS.index(_column(step.sender)) < COLUMNS.index(_column(step.receiver))


class _Paper:
    """Where the columns of one ladder stand, and how a step is drawn between them."""

    def __init__(self, steps: Sequence[Step], width: int, ues: ShortNames) -> None:
        self._ues = ues
        functions = {end for step in steps for end in (step.sender, step.receiver)}
        used = {_column(function) for function in functions}
        if used & {"UE", "gNB"}:
            used |= {"gNB", "AMF"}
        self.columns = [column for column in COLUMNS if column in used]
        self.width = max(width, _NARROWEST) - _TIME
        room = self.width - 2 * _MARGIN - 1
        last = max(1, len(self.columns) - 1)
        self.places = {column: _MARGIN + room * n // last for n, column in enumerate(self.columns)}
        others = functions - set(COLUMNS) - set(_SUBSCRIPTION)
        self._names = {_SBI: "SBI" if others else _SBI}

    def heading(self) -> str:
        line = [" "] * (self.width + _TIME)
        for column, place in self.places.items():
            name = self._names.get(column, column)
            start = max(0, min(place - len(name) // 2, len(line) - len(name)))
            line[start : start + len(name)] = name
        return "".join(line).rstrip()

    def _lifelines(self) -> list[str]:
        line = [" "] * self.width
        for place in self.places.values():
            line[place] = "│"
        return line

    def _write(self, line: list[str], start: int, text: str) -> None:
        room = self.width - start - 1
        text = text if len(text) <= room else text[: room - 1] + "…"
        line[start : start + len(text)] = text

    def draw(self, step: Step, since: str) -> list[str]:
        sender, receiver = (self.places[_column(each)] for each in (step.sender, step.receiver))
        if sender == receiver:
            return [self._timed(self._note(step, sender), since)]
        line = self._lifelines()
        left, right = min(sender, receiver), max(sender, receiver)
        text = self._ues.shorten(step.text)
        arrow = self._arrow(left, right, sender < receiver)
        if len(text) + 6 <= right - left:
            start = left + 3
            arrow[start - 1 : start + len(text) + 1] = f" {text} "
            return [self._timed(arrow, since)]
        self._write(line, self._start(left, text), text)
        return [self._timed(line, since), "".join(arrow).rstrip()]

    def _note(self, step: Step, place: int) -> list[str]:
        """Something inside one column: a verdict, or a call between functions that share it."""
        line = self._lifelines()
        who = "" if step.sender in self.columns else f"{step.sender}: "
        if step.receiver != step.sender:
            who = f"{step.sender} ▸ {step.receiver}: "
        text = f"● {who}{self._ues.shorten(step.text)}"
        self._write(line, self._start(place - 2, text), text)
        return line

    def _start(self, place: int, text: str) -> int:
        """Right of a lifeline; further left where the text would not fit."""
        return max(_MARGIN, min(place, self.width - len(text) - 3)) + 2

    def _arrow(self, left: int, right: int, rightward: bool) -> list[str]:
        line = self._lifelines()
        for place in range(left + 1, right):
            line[place] = "┼" if line[place] == "│" else "─"
        line[left] = "├" if rightward else "│"
        line[right] = "│" if rightward else "┤"
        line[right - 1 if rightward else left + 1] = "▶" if rightward else "◀"
        return line

    def _timed(self, line: list[str], since: str) -> str:
        return "".join(line) + f"{since:>{_TIME}}"


def _since(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if abs(seconds) < 10 else f"{seconds:.2f} s"


def ladder_rows(
    steps: Iterable[Step],
    width: int = 100,
    ue: str | None = None,
    *,
    inside: bool = False,
    begun: MutableMapping[str, float] | None = None,
) -> list[Row]:
    """The ladders of all UEs, or of one, by rows: first what concerns the network, then each UE in turn.

    SUPIs are shortened as far as they stay apart. width: columns of the terminal, at least 60. ue: as in Step.ue, or
    as it is shown. inside: also calls between functions that share a column (UDM and UDR); a refusal shows in any case.
    begun: when the ladders on earlier sheets began, by UE: those go on.
    """
    steps = list(steps)
    ues = ShortNames(text for step in steps for text in (step.ue, step.cause))
    by_ue: dict[str, list[Step]] = {}
    for step in steps:
        within = step.interface == "sbi" and _column(step.sender) == _column(step.receiver)
        if within and not inside and not step.cause:
            continue
        by_ue.setdefault(step.ue or NETWORK, []).append(step)
    rows: list[Row] = []
    for label in sorted(by_ue, key=lambda each: each != NETWORK):
        if ue is not None and ue not in (label, ues.shorten(label)):
            continue
        if rows:
            rows.append(Row(""))
        start, goes_on = by_ue[label][0].time, ""
        if begun is not None:
            goes_on = " (goes on)" if label in begun else ""
            start = begun.setdefault(label, start)
        heading = f" {ues.shorten(label)}{goes_on}"
        rows += _section(heading, _without_carriers(by_ue[label]), start, width, ues)
    return rows


def _section(heading: str, steps: Sequence[Step], start: float, width: int, ues: ShortNames) -> list[Row]:
    paper = _Paper(steps, width, ues)
    rows = [Row(heading), Row(paper.heading())]
    for step in steps:
        drawn = paper.draw(step, _since(step.time - start))
        rows += [Row(line, step) for line in drawn]
    return rows


def ladder_text(
    steps: Iterable[Step], width: int = 100, ue: str | None = None, *, inside: bool = False
) -> str:
    """The ladders as text, without colour."""
    return "\n".join(row.text for row in ladder_rows(steps, width, ue, inside=inside))
