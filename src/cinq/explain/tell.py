"""What `cinq explain` prints of the incidents that are kept."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence

import msgspec

from cinq.explain.incident import Incident

_LAST = 10


def chosen(incidents: Iterable[Incident], whom: str) -> list[Incident]:
    """Those of a UE (IMSI or SUPI) or of a gNB (its name), or the last one, the latest last; all of late for ''."""
    listed = sorted(incidents, key=lambda each: each.last)
    if whom in ("", "last"):
        return listed[-1:] if whom else listed[-_LAST:]
    if re.fullmatch(r"(imsi-)?\d{5,15}", whom):
        supi = whom if whom.startswith("imsi-") else f"imsi-{whom}"
        return [each for each in listed if each.ue == supi]
    exact = [each for each in listed if whom in (each.gnb, each.ue)]
    return exact or [each for each in listed if whom.lower() in each.gnb.lower()]


def facts(incident: Incident) -> dict[str, object]:
    """One for programs."""
    found: dict[str, object] = msgspec.to_builtins(incident)
    return found


def text(incident: Incident) -> list[tuple[str, str]]:
    """One for people: lines of a label and what it says; the label of the first is the time."""
    lines = [(clock(incident.last), incident.title)]
    if incident.ue:
        lines.append(("who", incident.ue))
    if incident.because:
        lines.append(("because", incident.because))
    if incident.mend:
        lines.append(("mend", incident.mend))
    times = "once" if incident.count == 1 else f"{incident.count:,} times since {clock(incident.first)}"
    gnb = incident.gnb if incident.gnb.startswith("gNB") else f"gNB {incident.gnb}"
    lines.append(("seen", f"{times}, from {gnb}" if incident.gnb else times))
    return lines


def clock(seconds: float) -> str:
    """The time of today, or the day as well."""
    then, today = time.localtime(seconds), time.localtime()
    same = then[:3] == today[:3]
    return time.strftime("%H:%M:%S" if same else "%Y-%m-%d %H:%M:%S", then)


def names(incidents: Iterable[Incident], most: int = 10) -> Sequence[str]:
    """Whom one may ask for."""
    found = dict.fromkeys(each.ue or each.gnb for each in sorted(incidents, key=lambda each: -each.last))
    return [name for name in found if name][:most]
