"""The radio side of a gNB: its one cell, and what it does for each UE that camps there."""

from __future__ import annotations

import logging
from typing import Protocol

from cinq.numbering import STmsi
from cinq.ran.gnb.bearers import Bearer, Bearers
from cinq.ran.gnb.context import Tunnel
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.procedures import nas_transport, release
from cinq.ran.radio.port import Interface, Mobile, RrcSetup
from cinq.userplane.rules import RuleError

log = logging.getLogger("cinq.ran.gnb")


class Site(Protocol):
    """The gNB, as the links of its cell see it."""

    bearers: Bearers
    links: set[CellLink]

    @property
    def n2(self) -> N2: ...

    def listen(self, link: CellLink, s_tmsi: STmsi | None) -> None: ...


class CellLink:
    """What the cell keeps for one UE (radio.port.Link). context: its NG connection while it has an RRC connection.

    bearers: by PDU session identity; they last from the first tunnel or interface to the release of the session.
    """

    __slots__ = ("bearers", "context", "gnb", "mobile", "s_tmsi")

    def __init__(self, gnb: Site, mobile: Mobile) -> None:
        self.gnb = gnb
        self.mobile = mobile
        self.context: UeContext | None = None
        self.s_tmsi: STmsi | None = None
        self.bearers: dict[int, Bearer] = {}

    # what the UE asks for

    @property
    def connected(self) -> bool:
        return self.context is not None

    def setup(self, setup: RrcSetup) -> None:
        n2 = self.gnb.n2
        if n2.context.state != "up":
            self.mobile.on_released("no AMF")
            return
        if n2.context.overload and setup.cause not in ("emergency", "highPriorityAccess", "mt-Access"):
            self.mobile.on_released("AMF overload")
            return
        if self.context is not None:
            self.fail()
        ue = self.context = n2.new_ue(self)
        nas_transport.initial_ue_message(n2, ue, setup)

    def uplink(self, nas: bytes) -> None:
        if self.context is not None:
            nas_transport.uplink(self.gnb.n2, self.context, nas)

    def listen(self, s_tmsi: STmsi | None) -> None:
        self.gnb.listen(self, s_tmsi)

    def open_interface(self, interface: Interface) -> None:
        """Whatever goes wrong, the UE hears why."""
        made, error = interface, ""
        try:
            made = self.gnb.bearers.open(self._bearer(interface.pdu_session_id), interface)
        except (OSError, RuleError, ValueError) as found:
            error = str(found)
            log.debug("interface for %s: %s", interface.address, error)
        self.mobile.on_interface(made, error)

    def close_interface(self, pdu_session_id: int) -> None:
        bearer = self.bearers.get(pdu_session_id)
        if bearer is None:
            return
        if bearer.tunnel is None:
            self._drop(pdu_session_id)
        else:
            self.gnb.bearers.close(bearer)

    def fail(self) -> None:
        """Radio connection lost: the AMF is asked to release the UE, TS 38.413 §8.3.2."""
        ue, self.context = self.context, None
        if ue is not None:
            self._disconnect(ue)
            release.request(self.gnb.n2, ue, ("radioNetwork", "radio-connection-with-ue-lost"))

    def detach(self) -> None:
        self.fail()
        self.listen(None)
        for pdu_session_id in list(self.bearers):
            self._drop(pdu_session_id)
        self.gnb.links.discard(self)

    # what the gNB does for the UE (n2.RadioLink)

    def serves(self, ue: UeContext) -> bool:
        return self.context is ue

    def deliver(self, nas: bytes) -> None:
        self.mobile.on_downlink(nas)

    def packets(self, ue: UeContext) -> int:
        return sum(self.gnb.bearers.packets(self.bearers[psi]) for psi in ue.sessions)

    def released(self, ue: UeContext, cause: str) -> None:
        """Called when the NG connection of `ue` is over."""
        self._disconnect(ue)
        if self.context is ue:
            self.context = None
            self.mobile.on_released(cause)

    def connect(self, ue: UeContext, pdu_session_id: int, tunnel: Tunnel) -> None:
        """Radio bearers and tunnel of a session. RuleError: the user plane refuses."""
        self.gnb.bearers.connect(self._bearer(pdu_session_id), tunnel)
        ue.sessions[pdu_session_id] = tunnel
        self.mobile.on_bearer(pdu_session_id, True)

    def disconnect(self, ue: UeContext, pdu_session_id: int) -> None:
        """The session's resources go while the UE stays connected; its interface goes when the UE says so."""
        if ue.sessions.pop(pdu_session_id, None) is not None:
            self._lose_tunnel(pdu_session_id)
            self.mobile.on_bearer(pdu_session_id, False)

    def _disconnect(self, ue: UeContext) -> None:
        for pdu_session_id in list(ue.sessions):
            self._lose_tunnel(pdu_session_id)
        ue.sessions.clear()

    def _lose_tunnel(self, pdu_session_id: int) -> None:
        bearer = self.bearers.get(pdu_session_id)
        if bearer is None:
            return
        if bearer.side is None:
            self._drop(pdu_session_id)
        else:
            self.gnb.bearers.disconnect(bearer)

    def _bearer(self, pdu_session_id: int) -> Bearer:
        bearer = self.bearers.get(pdu_session_id)
        if bearer is None:
            bearer = self.gnb.bearers.bearer(
                lambda: self.mobile.on_uplink_data(pdu_session_id), self._tunnel_failed
            )
            self.bearers[pdu_session_id] = bearer
        return bearer

    def _tunnel_failed(self) -> None:
        """ERROR INDICATION on N3: the AMF is asked to release the UE, TS 23.527 §5.3.3.1."""
        if self.context is not None:
            release.request(
                self.gnb.n2, self.context, ("radioNetwork", "release-due-to-ngran-generated-reason")
            )

    def _drop(self, pdu_session_id: int) -> None:
        bearer = self.bearers.pop(pdu_session_id, None)
        if bearer is not None:
            self.gnb.bearers.remove(bearer)
