"""What the N2 end of a gNB stands on: its settings, its user plane, its radio side by a Protocol, what it takes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from cinq.numbering import STmsi
from cinq.ran.gnb.bearers import Bearers
from cinq.ran.gnb.context import CellId, Flow, PduSession
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.radio.port import Warning
from cinq.transport.sctp.association import Association, AssociationHandler
from cinq.wire import ngap

Refusal = ngap.Cause | None


class Radio(Protocol):
    """The cells of the gNB."""

    def page(self, s_tmsi: STmsi, cells: tuple[CellId, ...]) -> None:
        """On the paging channel of these cells."""

    def broadcast(self, cells: tuple[CellId, ...], warning: Warning) -> None:
        """To every UE in these cells."""

    def on_n2(self, up: bool, reason: str = "") -> None:
        """NG Setup succeeded, or the association is lost."""


@dataclass(slots=True)
class Admission:
    """What a bench makes the gNB refuse, beside what it has no means for. Each returns the cause, or None."""

    handover: Callable[[CellId], Refusal] = lambda cell: None
    session: Callable[[int, PduSession], Refusal] = lambda pdu_session_id, session: None
    flow: Callable[[int, Flow], Refusal] = lambda pdu_session_id, flow: None


Further = Callable[[tuple[str, int], AssociationHandler], Awaitable[Association]]
"""Opens an association at another address and port of the AMF. OSError: it cannot be."""


@dataclass(frozen=True, slots=True)
class Ports:
    """further: None where the gNB keeps to one association."""

    settings: GnbSettings
    bearers: Bearers
    radio: Radio
    admission: Admission = field(default_factory=Admission)
    further: Further | None = None
