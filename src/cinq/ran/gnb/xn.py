"""Xn between two gNBs of one process (TS 38.423): an object that both ends share, and the messages on it.

A message is data, and its answer comes at once. What would stand in octets on a wire is in the journal by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from cinq.numbering import GnbId
from cinq.procedure import Event, Runtime
from cinq.ran.gnb.context import CellId, PdcpCounts, PduSession, TunnelEnd, UeState
from cinq.wire import ngap


class XnMessage(msgspec.Struct, frozen=True):
    """Any message. source_ue, target_ue: the RAN-UE-NGAP-IDs of the two gNBs, which stand for the XnAP identities."""


class UeContextInformation(XnMessage, frozen=True):
    """What one gNB tells the other of a UE (§9.1.1.1). state: with K_NG-RAN* and its NCC as keys."""

    amf_ue_ngap_id: int
    state: UeState
    sessions: dict[int, PduSession]


class HandoverRequest(XnMessage, frozen=True):
    """HANDOVER REQUEST, §8.2.1. rrc_container: HandoverPreparationInformation."""

    source_ue: int
    target: CellId
    cause: ngap.Cause
    ue: UeContextInformation
    rrc_container: bytes


class HandoverRequestAcknowledge(XnMessage, frozen=True):
    """failed: sessions that the target does not admit, and why. admitted: those that it does, with their flows.

    forwarding: where it takes the downlink packets of each. rrc_container: the HandoverCommand for the UE.
    """

    source_ue: int
    target_ue: int
    admitted: dict[int, tuple[int, ...]]
    failed: dict[int, ngap.Cause]
    forwarding: dict[int, TunnelEnd]
    rrc_container: bytes


class HandoverPreparationFailure(XnMessage, frozen=True):
    source_ue: int
    cause: ngap.Cause


class SNStatusTransfer(XnMessage, frozen=True):
    """§8.2.2. counts: of the DRB of each session."""

    target_ue: int
    counts: dict[int, PdcpCounts]


class HandoverCancel(XnMessage, frozen=True):
    """§8.2.3."""

    target_ue: int
    cause: ngap.Cause


class RetrieveUEContextRequest(XnMessage, frozen=True):
    """§8.2.4: a UE wants to be re-established in `cell`; it was known as source_ue."""

    source_ue: int
    cell: CellId


class RetrieveUEContextResponse(XnMessage, frozen=True):
    ue: UeContextInformation


class RetrieveUEContextFailure(XnMessage, frozen=True):
    cause: ngap.Cause


class UEContextRelease(XnMessage, frozen=True):
    """§8.2.7: the target has taken the UE over."""

    source_ue: int


class XnNode(Protocol):
    """A gNB as its Xn sees it."""

    runtime: Runtime

    @property
    def identity(self) -> GnbId: ...

    def xn_received(self, message: XnMessage, sender: GnbId) -> XnMessage | None:
        """A message of a neighbour; what is returned is its answer."""


class Xn:
    """The interface between two gNBs. `up` is set to False by who wants it to fail: nothing is carried then."""

    def __init__(self, one: XnNode, other: XnNode) -> None:
        self.up = True
        self.on_message: Callable[[XnMessage], None] | None = None
        self._ends = {one.identity: one, other.identity: other}

    def connects(self, one: GnbId, other: GnbId) -> bool:
        return one in self._ends and other in self._ends

    def send(self, sender: GnbId, message: XnMessage) -> XnMessage | None:
        """To the other end. Returns its answer; None where there is none, or the interface is down."""
        if not self.up:
            return None
        receiver = next(node for identity, node in self._ends.items() if identity != sender)
        self._note(self._ends[sender], receiver, message)
        answer = receiver.xn_received(message, sender)
        if answer is not None:
            self._note(receiver, self._ends[sender], answer)
        return answer

    def _note(self, sender: XnNode, receiver: XnNode, message: XnMessage) -> None:
        if self.on_message is not None:
            self.on_message(message)
        runtime = sender.runtime
        if runtime.journal.listening:
            name = f"Xn {type(message).__name__}"
            label, peer = f"gNB {sender.identity.value}", f"gNB {receiver.identity.value}"
            # a note: both ends are of one process, and a ladder has one line for gNBs
            runtime.journal.emit(Event(runtime.clock.now(), "gNB", label, "", "none", "Xn", name, peer=peer))
