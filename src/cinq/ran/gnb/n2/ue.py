"""A UE-associated logical NG connection, as the gNB has it."""

from __future__ import annotations

from typing import Protocol

from cinq.procedure import Runtime, Subject
from cinq.ran.gnb.context import Tunnel, UeState
from cinq.wire import ngap


class RadioLink(Protocol):
    """The radio side of a UE. It outlives a connection; `ue` says for which one something is done."""

    def serves(self, ue: UeContext) -> bool:
        """Whether this connection still has its RRC connection; the UE may be back on another."""

    def deliver(self, nas: bytes) -> None:
        """A NAS message to the UE."""

    def connect(self, ue: UeContext, pdu_session_id: int, tunnel: Tunnel) -> None:
        """Radio bearers and tunnel of a session. RuleError: the user plane refuses."""

    def disconnect(self, ue: UeContext, pdu_session_id: int) -> None:
        """Radio bearers and tunnel of a session go, its interface stays."""

    def released(self, ue: UeContext, cause: str) -> None:
        """The connection is over."""

    def packets(self, ue: UeContext) -> int:
        """How many packets the bearers of this connection have carried."""


class Outlet(Protocol):
    """The association, as a connection sees it."""

    @property
    def label(self) -> str: ...

    def transmit(self, message: ngap.Pdu, stream: int) -> None: ...


class UeContext(Subject[UeState]):
    """A UE on one NG connection, TS 38.413 §9.3.3.1 and §9.3.3.2; the subject of the procedures that a gNB begins
    for one UE. What the AMF begins is answered at once, by inbound.py.

    sessions: tunnels by PDU session identity.
    """

    __slots__ = ("link", "n2", "ran_ue_ngap_id", "sessions", "stream")

    def __init__(
        self, ran_ue_ngap_id: int, link: RadioLink, n2: Outlet, runtime: Runtime, stream: int = 0
    ) -> None:
        super().__init__(UeState(), runtime)
        self.ran_ue_ngap_id = ran_ue_ngap_id
        self.link = link
        self.n2 = n2
        self.stream = stream
        self.sessions: dict[int, Tunnel] = {}

    @property
    def amf_ue_ngap_id(self) -> int | None:
        """None before the AMF has answered."""
        return self.context.amf_ue_ngap_id

    @property
    def kgnb(self) -> bytes:
        return self.context.kgnb

    @property
    def reached(self) -> bool:
        """Whether this connection still has its RRC connection."""
        return self.link.serves(self)

    def deliver(self, nas: bytes) -> None:
        """A NAS message to the UE; lost where the radio link is gone."""
        if self.reached:
            self.link.deliver(nas)

    def send(self, message: object) -> None:
        assert isinstance(message, ngap.Pdu)
        self.n2.transmit(message, self.stream)

    def describe(self, message: object) -> tuple[str, str]:
        return "N2", type(message).__name__

    @property
    def label(self) -> str:
        return f"{self.n2.label} UE {self.ran_ue_ngap_id}"
