"""What the N2 end of a gNB stands on: its settings, its user plane, and its radio side by a Protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cinq.numbering import STmsi
from cinq.ran.gnb.bearers import Bearers
from cinq.ran.gnb.settings import GnbSettings
from cinq.wire import ngap


class Radio(Protocol):
    """The cells of the gNB."""

    @property
    def location(self) -> ngap.UserLocationInformation:
        """User location of every UE in the cell."""

    def page(self, s_tmsi: STmsi) -> None: ...

    def on_n2(self, up: bool, reason: str = "") -> None:
        """NG Setup succeeded, or the association is lost."""


@dataclass(frozen=True, slots=True)
class Ports:
    settings: GnbSettings
    bearers: Bearers
    radio: Radio
