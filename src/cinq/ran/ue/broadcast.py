"""Public warnings at a UE, TS 23.041 §8.2, §9.4: each is shown once, however often and wherever it is broadcast."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.ran.radio.port import Warning
from cinq.wire import cbs

KEPT = 64  # the oldest are forgotten
_KINDS = {6: "ETWS primary notification", 7: "ETWS", 8: "CMAS"}
_TYPES = ("earthquake", "tsunami", "earthquake and tsunami", "test", "other")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the UE shows. is_loud: emergency user alert is asked for; is_popup: a message on the display.

    text: of SIB6 the type of danger, of the others what the sender wrote.
    """

    kind: str
    text: str
    message_identifier: int
    serial_number: int
    is_loud: bool = False
    is_popup: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.message_identifier}: {self.text}"


class Warnings:
    """shown: in the order in which they came."""

    __slots__ = ("_seen", "shown")

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self._seen: dict[tuple[int, int, int], None] = {}

    def heard(self, warning: Warning) -> Shown | None:
        """None: it was shown already, or cannot be read."""
        key = warning.sib, warning.message_identifier, warning.serial_number
        if warning.sib not in _KINDS or key in self._seen:
            return None
        self._seen[key] = None
        if len(self._seen) > KEPT:
            del self._seen[next(iter(self._seen))]
        try:
            shown = _shown(warning)
        except cbs.CbsError:
            return None
        self.shown = [*self.shown[1 - KEPT :], shown]
        return shown


def _shown(warning: Warning) -> Shown:
    kind = _KINDS[warning.sib]
    identifier, serial = warning.message_identifier, warning.serial_number
    if warning.sib != 6:
        return Shown(kind, cbs.decode(cbs.Contents(warning.coding, warning.contents)), identifier, serial)
    value = warning.warning_type >> 9  # TS 23.041 §9.3.24
    text = _TYPES[value] if value < len(_TYPES) else f"type {value}"
    loud, popup = bool(warning.warning_type & 0x100), bool(warning.warning_type & 0x80)
    return Shown(kind, text, identifier, serial, loud, popup)
