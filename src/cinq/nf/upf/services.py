"""What the UPF serves: N4, and signalling on N3. It has no service of its own on the SBI here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from cinq.eligibility.gate import OPEN, Gate
from cinq.nf.upf import stored
from cinq.nf.upf.context import Rejected
from cinq.nf.upf.dataplane import DataPlane
from cinq.nf.upf.n4 import N4, N4Port, Peer
from cinq.nf.upf.procedures.association import Associations
from cinq.nf.upf.procedures.report import Reports
from cinq.nf.upf.procedures.router import Router
from cinq.nf.upf.procedures.session import Sessions
from cinq.nf.upf.procedures.tunnel import Tunnels
from cinq.nf.upf.registry import Registry
from cinq.nf.upf.settings import Settings
from cinq.nf.upf.shown import ShownDrops, ShownSession, drops_of, session_of
from cinq.nf.upf.usage import LOOKS_EVERY_S, Meters
from cinq.procedure import Clock, Inside, Journal, Runtime
from cinq.procedure.store import Store
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause

log = logging.getLogger(__name__)

M = TypeVar("M", bound=pfcp.Message)
LEAVING_S = 0.05  # between looks at whether the SMFs have let us go
WITH_LOAD = (
    pfcp.SessionEstablishmentResponse,
    pfcp.SessionModificationResponse,
    pfcp.SessionDeletionResponse,
)


class UPF:
    """The user plane function (userplane.rules.PlaneEvents). It answers once `start` has given it its data plane.

    entropy(n) gives n random octets. gate: whom policies of eligibility keep out. store: by which its sessions outlive
    its process.
    """

    def __init__(
        self,
        settings: Settings,
        n4: N4Port,
        clock: Clock,
        entropy: Callable[[int], bytes],
        journal: Journal,
        gate: Gate = OPEN,
        store: Store | None = None,
    ) -> None:
        self._gate, self._entropy, self._store = gate, entropy, store
        self.runtime = Runtime("UPF", journal, clock)
        self._settings = settings
        self._n4 = N4(settings, n4, self.runtime, self._handle, self._cp_seid)
        self._registry = Registry(entropy, store)
        self._plane: DataPlane | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._load = int(clock.now()), -1
        """Load Control Sequence Number and metric. It begins where no former run of ours has been (§6.2.3.3.2)."""

    def start(self, plane: DataPlane) -> None:
        self._plane = plane
        registry, n4 = self._registry, self._n4
        self._meters = Meters(plane, self.runtime.clock.now, self._store)
        self._sessions = Sessions(self._settings, registry, plane, n4, self._meters)
        router = Router(self._settings, plane)
        self._sessions.advertise = router.advertise
        self._associations = Associations(
            self._settings, registry, self._sessions, n4, self.runtime, self._gate
        )
        self._reports = Reports(registry, self._sessions, n4, self._meters.unheard)
        self._take_up(plane)
        if self._settings.heartbeat_s:
            self._associations.tick()
            self.runtime.every(self._settings.heartbeat_s, self._associations.tick, "heartbeat")
        self._tunnels = Tunnels(
            self._settings, registry, plane, self._reports, self._sessions, self.runtime, router
        )

    def _take_up(self, plane: DataPlane) -> None:
        """The sessions of a former process, which the data plane may still have."""
        store = self._store
        if store is None:
            return
        wrong = self._registry.take_up(store, lambda address: self._n4.is_smf((address, pfcp.PORT)))
        began = store.get(stored.OWN, stored.RECOVERY)
        if began is not None and self._registry.associations and not wrong:
            self._n4.resume(int(began), int.from_bytes(self._entropy(3), "big"))
        else:
            for session in list(self._registry.sessions):
                self._registry.pop(session)
            for association in list(self._registry.associations.values()):
                self._registry.dissociate(association)
            store.put(stored.OWN, stored.RECOVERY, str(self._n4.recovery_time_stamp).encode())
        for what in wrong:
            log.warning("UPF: sessions of the former process are not taken up: %s", what)
        sessions = list(self._registry.sessions.values())
        went_on = plane.take_up(self._sessions.taken_up(sessions))
        self._sessions.follow(self._registry.sessions.values())
        self._look_soon()
        if sessions:
            log.info("UPF: %d sessions taken up, %d of them without a pause", len(sessions), went_on)

    # -- looked at -----------------------------------------------------------------------------------------

    def shown(self, wanted: str = "") -> list[ShownSession]:
        """All sessions, or those of a SEID or a UE's address."""
        plane = self._plane
        if plane is None:
            return []
        found = (session_of(session, plane) for session in list(self._registry.sessions.values()))
        return [each for each in found if not wanted or wanted == each.seid or _has(each, wanted)]

    def drops(self) -> list[ShownDrops]:
        return [] if self._plane is None else drops_of(self._plane)

    def metrics(self) -> str:
        """For Prometheus."""
        plane = self._plane
        if plane is None:
            return ""
        counted = {reason: sum(counts) for reason, counts in plane.counted().items()}
        sessions = list(self._registry.sessions.values())
        return self._sessions.measures.text(sessions, plane.usage, counted)

    async def leave(self, within_s: float) -> None:
        """The SMFs are asked to release their associations; returns when they did, or after so many seconds."""
        if self._plane is None or not self._registry.associations:
            return
        self._associations.leave()
        for _ in range(round(within_s / LEAVING_S)):
            if not self._registry.associations:
                break
            await asyncio.sleep(LEAVING_S)

    async def stop(self) -> None:
        """No more reports; the plane is its owner's to close. Idempotent."""
        self._plane = None
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        self._n4.stop()
        await self.runtime.stop()

    def __len__(self) -> int:
        """Sessions."""
        return len(self._registry.sessions)

    def day_has_come(self) -> None:
        """A rule of eligibility may begin to hold, or end: what it says of the SMFs that are there is told."""
        if self._plane is not None:
            self._associations.day_has_come()

    def n4_received(self, octets: bytes, peer: Peer) -> None:
        """A datagram from N4. Never raises, whatever the octets."""
        if self._plane is not None:
            self._n4.received(octets, peer)

    def n4_inside(self, smf: Peer, way: Inside[pfcp.Message]) -> None:
        """This SMF is of the same process: what is for it goes that way."""
        self._n4.inside[smf] = way

    def n4_handed(self, message: pfcp.Message, peer: Peer) -> None:
        """A message of such an SMF."""
        if self._plane is not None:
            self._n4.handed(message, peer)

    def gtpu_received(self, octets: bytes, peer: Peer) -> None:
        """A GTP-U message that the data plane does not handle."""
        if self._plane is not None:
            self._tunnels.received(octets, peer)

    def buffered(self, session: int) -> None:
        """The first packet of an idle session waits."""
        if self._plane is not None:
            self._reports.downlink_data(session)

    def _look_soon(self) -> None:
        """At the sessions' usage, once a second while any is measured."""
        if self._looking is None and len(self._meters):
            loop = asyncio.get_running_loop()
            self._looking = loop.call_later(LOOKS_EVERY_S, self._look)

    def _look(self) -> None:
        self._looking = None
        for session, is_over in self._meters.look():
            if is_over:
                self._sessions.close_quotas(session)
        for session in self._meters.unheard.sessions(self._registry.sessions):
            self._reports.usage(session)
        self._look_soon()

    # -- N4 ------------------------------------------------------------------------------------------------

    def _handle(self, request: pfcp.Message, peer: Peer) -> pfcp.Message | None:
        try:
            answer = self._answer(request, peer)
            if request.SESSION:
                self._look_soon()
                self._say_load(answer, peer)
                self._sessions.measures.established(answer)
            return answer
        except Rejected as rejected:
            refusal = self._rejection(request, rejected)
            self._sessions.measures.established(refusal)
            return refusal

    def _say_load(self, answer: pfcp.Message | None, peer: Peer) -> None:
        """§6.2.3.3: how full we are, to an SMF that takes it."""
        association = self._registry.association_of(peer[0])
        if association is None or not association.takes_load or not isinstance(answer, WITH_LOAD):
            return
        metric = min(100, 100 * len(self) // self._settings.max_sessions)
        if metric != self._load[1]:
            self._load = self._load[0] + 1, metric
        answer.load_control_information = pfcp.LoadControlInformation(
            sequence_number=self._load[0], metric=metric
        )

    def _answer(self, request: pfcp.Message, peer: Peer) -> pfcp.Message | None:
        match request:
            case pfcp.AssociationSetupRequest():
                return self._associations.setup(request, peer)
            case _ if not self._n4.is_smf(peer):
                return None
            case _ if request.SESSION:
                return self._answer_session(request, peer)
            case pfcp.HeartbeatRequest():
                return self._associations.heartbeat(request, peer)
            case pfcp.AssociationUpdateRequest():
                return self._associations.update(request, peer)
            case pfcp.AssociationReleaseRequest():
                return self._associations.release(request, peer)
            case pfcp.SessionSetDeletionRequest():
                self._associations.check_owner(request.node_id, peer)
                return self._sessions.delete_set(request, peer)
        return self._n4.refusal(type(request), Cause.SERVICE_NOT_SUPPORTED, None)

    def _cp_seid(self, seid: int | None, peer: Peer) -> int:
        session = self._registry.session(seid, peer[0])
        return 0 if session is None else session.cp_seid

    def _answer_session(self, request: pfcp.Message, peer: Peer) -> pfcp.Message | None:
        match request:
            case pfcp.SessionEstablishmentRequest():
                self._associations.check_open(peer)
                return self._sessions.establish(request, peer)
            case pfcp.SessionModificationRequest():
                return self._sessions.modify(request, peer)
            case pfcp.SessionDeletionRequest():
                return self._sessions.delete(request, peer)
        return self._n4.refusal(type(request), Cause.SERVICE_NOT_SUPPORTED, None)

    def _rejection(self, request: pfcp.Message, rejected: Rejected) -> pfcp.Message | None:
        """The response with the cause; its SEID is the SMF's where we know it to be the sender's."""
        seid = 0
        if isinstance(request, pfcp.SessionEstablishmentRequest):
            seid = request.cp_f_seid.seid
        elif isinstance(request, pfcp.SessionModificationRequest) and rejected.cause != (
            Cause.SESSION_CONTEXT_NOT_FOUND
        ):
            session = self._registry.sessions.get(request.seid or 0)
            seid = session.cp_seid if session else 0
        answer = self._n4.refusal(type(request), rejected.cause, rejected.offending_ie, seid)
        if rejected.rule is not None and isinstance(
            answer, pfcp.SessionEstablishmentResponse | pfcp.SessionModificationResponse
        ):
            answer.failed_rule_id = rejected.rule
        return answer


def _has(session: ShownSession, address: str) -> bool:
    return any(address == end or end.startswith(f"{address}/") for end in session.ues)
