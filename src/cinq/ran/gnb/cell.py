"""The radio side of a gNB: its one cell, and what it does for each UE that camps there."""

from __future__ import annotations

import logging
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from cinq.numbering import STmsi
from cinq.ran.gnb.bearers import Bearer
from cinq.ran.gnb.context import Tunnel, UeContext
from cinq.ran.gnb.procedures import nas_transport, release
from cinq.ran.radio.port import Interface, Mobile, RrcSetup
from cinq.userplane.rules import RuleError

if TYPE_CHECKING:
    from cinq.ran.gnb.gnb import Gnb

log = logging.getLogger("cinq.ran.gnb")


class CellLink:
    """What the cell keeps for one UE. context: its NG connection while it has an RRC connection.

    bearers: by PDU session identity; they last from the first tunnel or interface to the release of the session.
    """

    __slots__ = ("bearers", "context", "gnb", "mobile", "s_tmsi")

    def __init__(self, gnb: Gnb, mobile: Mobile) -> None:
        self.gnb = gnb
        self.mobile = mobile
        self.context: UeContext | None = None
        self.s_tmsi: STmsi | None = None
        self.bearers: dict[int, Bearer] = {}

    # what the UE asks for: radio.port.Link

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
        ran_ue_ngap_id = n2.allocate_ran_ue_ngap_id()
        ue = self.context = UeContext(ran_ue_ngap_id, self, n2.stream_of(ran_ue_ngap_id))
        n2.new_ue(ue)
        nas_transport.initial_ue_message(n2, ue, setup)

    def uplink(self, nas: bytes) -> None:
        if self.context is not None:
            nas_transport.uplink(self.gnb.n2, self.context, nas)

    def listen(self, s_tmsi: STmsi | None) -> None:
        self.gnb.listen(self, s_tmsi)

    def open_interface(self, interface: Interface) -> None:
        self.gnb.runtime.spawn(lambda: self._open(interface), "interface of a UE")

    def close_interface(self, pdu_session_id: int) -> None:
        bearer = self.bearers.get(pdu_session_id)
        if bearer is None:
            return
        if bearer.tunnel is None:
            self._drop(pdu_session_id)
        elif bearer.side:
            self._close_side(bearer)

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

    # what the gNB does for the UE

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
        """The session's resources are released while the UE stays connected; its interface goes when the UE says so."""
        ue.sessions.pop(pdu_session_id, None)
        bearer = self.bearers.get(pdu_session_id)
        if bearer is None:
            return
        if bearer.side:
            self.gnb.bearers.disconnect(bearer)
        else:
            self._drop(pdu_session_id)
        self.mobile.on_bearer(pdu_session_id, False)

    def _disconnect(self, ue: UeContext) -> None:
        for pdu_session_id in list(ue.sessions):
            bearer = self.bearers.get(pdu_session_id)
            if bearer is not None and not bearer.side:
                self._drop(pdu_session_id)
            elif bearer is not None:
                self.gnb.bearers.disconnect(bearer)
        ue.sessions.clear()

    def _bearer(self, pdu_session_id: int) -> Bearer:
        bearer = self.bearers.get(pdu_session_id)
        if bearer is None:
            bearer = self.bearers[pdu_session_id] = self.gnb.bearers.bearer()
            bearer.notify = lambda: self.mobile.on_uplink_data(pdu_session_id)
        return bearer

    def _drop(self, pdu_session_id: int) -> None:
        bearer = self.bearers.pop(pdu_session_id, None)
        if bearer is not None:
            self.gnb.bearers.remove(bearer)
            self._close_side(bearer)

    def _close_side(self, bearer: Bearer) -> None:
        side, bearer.side = bearer.side, ""
        user_side = self.gnb.user_side
        if side and user_side is not None:
            self.gnb.runtime.spawn(lambda: user_side.close(side), "interface of a UE")

    async def _open(self, interface: Interface) -> None:
        """Make the interface, then tell the plane of it; whatever goes wrong the UE hears why."""
        made, error = interface, ""
        side = self.gnb.user_side
        try:
            if side is None:
                raise OSError("this gNB has no user plane")
            name = await side.open(interface)
            made = Interface(
                interface.pdu_session_id, interface.address, interface.mtu, interface.netns, name
            )
            bearer = self._bearer(interface.pdu_session_id)
            self.gnb.bearers.address(bearer, IPv4Address(interface.address), name)
        except (OSError, RuleError, ValueError) as found:
            error = str(found)
            log.warning("interface for %s: %s", interface.address, error)
        self.mobile.on_interface(made, error)
