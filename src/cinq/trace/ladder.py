"""Call-flow ladders as text: one for each UE, columns UE, gNB, AMF, AUSF/UDM, SMF, UPF as far as they take part.

Rows keep the step they were drawn from, so that a terminal can colour them; the text alone says the same.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from cinq.trace.detail import words
from cinq.trace.names import ShortNames

EDGE, ABROAD = "SEPP abroad", "abroad"
COLUMNS = ("UE", "gNB", "AMF", "AUSF/UDM", "SMF", "UPF", "SEPP", EDGE, ABROAD)
NETWORK = "network"

_SBI = "AUSF/UDM"
_SUBSCRIPTION = ("AUSF", "UDM", "UDR")
_CARRIERS = ("InitialUEMessage", "UplinkNASTransport", "DownlinkNASTransport")
_TRANSPORTS = ("ULNASTransport", "DLNASTransport")
_REFUSAL = re.compile("Reject|Failure|Error|Status|Unsuccessful")
_MARGIN = 3
_TIME = 11
_NARROWEST = 60
_SOON = 8  # steps in which a refusal is handed on


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow of a ladder. sender, receiver: function names; equal for something that happened inside one.

    name: of the message, as its class. detail: a few words. cause: what went wrong, empty when nothing did.
    interface: n1, n2, n3, n4, xn or sbi, empty for a note. ue: its SUPI or other name, empty for what concerns no UE.
    fault: the cause is not in the message but wrong with it: not decoded, or its integrity does not hold.
    mend: the command or the setting that mends the cause.
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
    mend: str = ""

    def __post_init__(self) -> None:
        """What peers wrote is drawn on a terminal: none of it is an order to the terminal."""
        if not f"{self.name}{self.ue}{self.detail}{self.cause}{self.mend}".isprintable():
            for name in ("name", "ue", "detail", "cause", "mend"):
                object.__setattr__(self, name, _printable(getattr(self, name)))

    @property
    def text(self) -> str:
        """The label of the arrow; identities in it are whole."""
        return self.title + self.reason

    @property
    def title(self) -> str:
        """What it is."""
        text = words(self.name) if self.interface != "sbi" else self.name
        return f"{text} ({self.detail})" if self.detail else text

    @property
    def reason(self) -> str:
        """Why, and what mends it; empty where there is nothing to say."""
        if not self.cause:
            return ""
        mend = f" → {self.mend}" if self.mend else ""
        return f" {'✗' if self.failed else '·'} {self.cause}{mend}"

    @property
    def failed(self) -> bool:
        """Whether this is a refusal or a fault, and not just a message that gives a reason."""
        if not self.interface and self.cause.startswith("ended: "):
            return False
        expected = self.interface in ("n1", "n2", "xn") and not self.fault
        return bool(self.cause) and not (expected and not _REFUSAL.search(self.name))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a ladder. step: None for headings and blank lines."""

    text: str
    step: Step | None = None


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _column(function: str) -> str:
    if function in COLUMNS:
        return function
    if function.startswith("SEPP of "):
        return EDGE
    return ABROAD if function.endswith(f" {ABROAD}") else _SBI


def _without_carriers(steps: Sequence[Step]) -> list[Step]:
    """Drops what only carries the step beside it: NGAP transports of NAS, NAS transports of 5GSM."""
    kept = []
    for n, step in enumerate(steps):
        carrier, transport = step.name in _CARRIERS, step.name in _TRANSPORTS
        if step.cause or not (carrier or transport):
            kept.append(step)
            continue
        up = _upward(step)
        beside = [*steps[max(0, n - 2) : n], *steps[n + 1 : n + 3]]
        with_it = [each for each in beside if each.interface == "n1" and _upward(each) == up]
        if carrier and with_it:
            continue
        if transport and any("SMF" in (each.sender, each.receiver) for each in with_it):
            continue
        kept.append(step)
    return kept


_PLACES = {column: place for place, column in enumerate(COLUMNS)}


def _upward(step: Step) -> bool:
    return _PLACES[_column(step.sender)] < _PLACES[_column(step.receiver)]


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
        others = {each for each in functions if _column(each) == _SBI} - {_SBI, *_SUBSCRIPTION}
        self._names = {_SBI: "SBI" if others else _SBI}
        self._arrows: dict[tuple[int, int], str] = {}

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

    def draw(self, step: Step, since: str, times: int = 1) -> list[str]:
        sender, receiver = (self.places[_column(each)] for each in (step.sender, step.receiver))
        # Who it was is short, as all names are; in a reason the identity is often the point.
        text = self._ues.shorten(step.title) + step.reason
        if times > 1:
            text += f" (×{times})"
        if sender == receiver:
            who = "" if step.sender in self.columns else f"{step.sender}: "
            if step.receiver != step.sender:
                who = f"{step.sender} ▸ {step.receiver}: "
            return self._label(f"● {who}{text}", sender - 2, since)
        left, right = min(sender, receiver), max(sender, receiver)
        arrow = self._arrows.get((sender, receiver))
        if arrow is None:
            drawn = "".join(self._arrow(left, right, sender < receiver))
            arrow = self._arrows[sender, receiver] = drawn
        if len(text) + 6 <= right - left:
            line = f"{arrow[: left + 2]} {text} {arrow[left + 4 + len(text) :]}"
            return [f"{line}{since:>{_TIME}}"]
        return [*self._label(text, left, since), arrow.rstrip()]

    def _label(self, text: str, place: int, since: str) -> list[str]:
        """Text right of a lifeline; further left where it would not fit, and on more lines where it is too long."""
        room = self.width - _MARGIN - 4
        lines = [text] if len(text) <= room else textwrap.wrap(text, room, break_on_hyphens=False)
        start = max(_MARGIN, min(place, self.width - max(map(len, lines)) - 3)) + 2
        drawn: list[str] = []
        for each in lines:
            line = self._lifelines()
            line[start : start + len(each)] = each
            drawn.append("".join(line).rstrip() if drawn else self._timed(line, since))
        return drawn

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
    as it is shown. inside: also calls between functions that share a column (UDM and UDR); a refusal that goes no
    further shows in any case.
    begun: when the ladders on earlier sheets began, by UE: those go on.
    """
    steps = list(steps)
    ues = ShortNames(text for step in steps for text in (step.ue, step.cause))
    by_ue: dict[str, list[Step]] = {}
    for number, step in enumerate(steps):
        if (
            not inside
            and _is_within(step)
            and not (step.cause and _is_news(step, steps[number + 1 :][:_SOON]))
        ):
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


def _is_within(step: Step) -> bool:
    return step.interface == "sbi" and _column(step.sender) == _column(step.receiver)


def _is_news(refusal: Step, later: Sequence[Step]) -> bool:
    """Whether a refusal inside a column is not told again by an arrow that leaves it."""
    return not any(step.cause == refusal.cause and not _is_within(step) for step in later)


def _section(heading: str, steps: Sequence[Step], start: float, width: int, ues: ShortNames) -> list[Row]:
    paper = _Paper(steps, width, ues)
    rows = [Row(heading), Row(paper.heading())]
    for _, alike in groupby(enumerate(steps), _repeats):
        same = [step for _, step in alike]
        step = same[0]
        drawn = paper.draw(step, _since(step.time - start), len(same))
        rows += [Row(line, step) for line in drawn]
    return rows


def _repeats(numbered: tuple[int, Step]) -> tuple[object, ...]:
    """What messages of N3 that follow on each other and are drawn once have in common; others stand alone."""
    number, step = numbered
    if step.interface != "n3":
        return (number,)
    return (step.sender, step.receiver, step.title, step.reason)


def ladder_text(
    steps: Iterable[Step], width: int = 100, ue: str | None = None, *, inside: bool = False
) -> str:
    """The ladders as text, without colour."""
    return "\n".join(row.text for row in ladder_rows(steps, width, ue, inside=inside))
