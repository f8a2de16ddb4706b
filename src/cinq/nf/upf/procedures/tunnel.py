"""Signalling on N3, TS 29.281 §7: path management and tunnel management. Answers are bounded (DEV-082, DEV-089)."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import ip_address

from cinq.nf.upf.context import SessionContext
from cinq.nf.upf.dataplane import DataPlane
from cinq.nf.upf.n4 import Peer
from cinq.nf.upf.procedures.report import Reports
from cinq.nf.upf.procedures.router import Router
from cinq.nf.upf.procedures.session import Sessions
from cinq.nf.upf.registry import Registry
from cinq.nf.upf.settings import Settings
from cinq.procedure import Event, Runtime
from cinq.wire import gtpu
from cinq.wire.pfcp import ApplyAction

UNDERSTOOD = (0x85,)  # PDU Session Container
PEERS = 1024  # whose answers are counted; the longest silent one is forgotten


class Tunnels:
    """Messages that the data plane hands over."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        plane: DataPlane,
        reports: Reports,
        sessions: Sessions,
        runtime: Runtime,
        router: Router,
    ) -> None:
        self._settings, self._registry, self._plane = settings, registry, plane
        self._reports, self._runtime, self._router = reports, runtime, router
        self._sessions = sessions
        self._spent: OrderedDict[tuple[str, type], tuple[float, int]] = OrderedDict()

    def received(self, octets: bytes, peer: Peer) -> None:
        """Never raises, whatever the octets."""
        try:
            message = gtpu.decode(octets)
        except gtpu.GtpuError as error:
            if error.unknown_extension is not None:
                self._answer_extension(peer)
            return
        match message:
            case gtpu.EchoRequest():
                self._answer(gtpu.EchoResponse(sequence=message.sequence or 0), peer)
            case gtpu.GPdu() if (session := self._session_of(message.teid)) is not None:
                source, of_core = ip_address(peer[0]), self._is_of_core(session, message.teid)
                if of_core and not self._sessions.has_core_tunnel(session, source):
                    return  # no UE is on its way to another UPF
                if not of_core and not self._sessions.has_tunnel(session, source):
                    self._sessions.strangers.keep(session.seid, octets, peer)
                    return
                if not self._may_answer((peer[0], gtpu.GPdu)) or self._router.solicited(
                    session, message.payload
                ):
                    return
                self._answer_extension(peer)
            case gtpu.GPdu():
                self._answer_unknown(message, peer)
            case gtpu.EndMarker() if (session := self._session_of(message.teid)) is not None:
                self._end_marker(session, message, octets, peer)
            case gtpu.ErrorIndication(peer=end) if str(end) == peer[0]:
                session = self._registry.behind(message.tunnel, end)
                self._emit("in", message, octets, peer, "" if session is None else session.label)
                self._reports.tunnel_gone(message.tunnel, end)
            case _:
                return

    def _session_of(self, teid: int) -> SessionContext | None:
        return self._registry.sessions.get(self._registry.owner(teid) or 0)

    @staticmethod
    def _is_of_core(session: SessionContext, teid: int) -> bool:
        return any(pdr.teid == teid and pdr.from_core for pdr in session.pdrs)

    def _end_marker(self, session: SessionContext, marker: gtpu.EndMarker, octets: bytes, peer: Peer) -> None:
        """TS 23.501 §5.8.2.9, TS 29.281 §7.3.2: it follows the last packet of its tunnel to where these went."""
        source, sessions = ip_address(peer[0]), self._sessions
        for pdr in session.pdrs:
            if pdr.teid != marker.teid or not pdr.leads_back:
                continue
            has = sessions.has_core_tunnel if pdr.from_core else sessions.has_tunnel
            far = session.far(pdr.far_id)
            if not has(session, source) or far.peer is None or not far.actions & ApplyAction.FORW:
                return
            self._emit("in", marker, octets, peer, session.label)
            onward = gtpu.EndMarker(teid=far.teid, extensions=marker.extensions)
            octets, peer = gtpu.encode(onward), (str(far.peer), gtpu.PORT)
            self._emit("out", onward, octets, peer, session.label)
            self._plane.send(octets, peer)
            return

    def _answer_extension(self, peer: Peer) -> None:
        """§5.2.1: an extension header that must be understood, and is not."""
        self._answer(
            gtpu.SupportedExtensionHeadersNotification(supported=UNDERSTOOD, sequence=0), (peer[0], gtpu.PORT)
        )

    def _answer_unknown(self, packet: gtpu.GPdu, peer: Peer) -> None:
        """§7.3.1: no session has the TEID."""
        ours = self._settings.n3.beside(peer[0])
        if ours is not None:
            indication = gtpu.ErrorIndication(tunnel=packet.teid, peer=ours, sequence=0)
            self._answer(indication, (peer[0], gtpu.PORT))

    def _answer(self, message: gtpu.GtpuMessage, peer: Peer) -> None:
        if not self._may_answer((peer[0], type(message))):
            return
        octets = gtpu.encode(message)
        self._emit("out", message, octets, peer)
        self._plane.send(octets, peer)

    def _may_answer(self, peer: tuple[str, type]) -> bool:
        """At most echo_per_s of each kind in each second of the clock: unknown TEIDs leave Echo its share."""
        second = float(int(self._runtime.clock.now()))
        since, spent = self._spent.pop(peer, (second, 0))
        spent = spent + 1 if since == second else 1
        self._spent[peer] = second, spent
        if len(self._spent) > PEERS:
            self._spent.popitem(last=False)
        return spent <= self._settings.echo_per_s

    def _emit(
        self, direction: str, message: gtpu.GtpuMessage, octets: bytes, peer: Peer, subject: str = ""
    ) -> None:
        if not self._runtime.journal.listening:
            return
        self._runtime.journal.emit(
            Event(
                time=self._runtime.clock.now(),
                nf="UPF",
                subject=subject,
                procedure="",
                direction="in" if direction == "in" else "out",
                interface="N3",
                message=type(message).__name__,
                octets=octets,
                content=message,
                peer=peer[0],
            )
        )
