"""The PFCP association with a UPF: set up, watched by heartbeats, and what its loss means for the sessions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address

from cinq.eligibility.gate import OPEN, Gate, Ruling
from cinq.nf.smf import path
from cinq.nf.smf.n4 import N4, N4Error, Peer
from cinq.nf.smf.session import PduSession, Sessions
from cinq.nf.smf.signals import PathWanted, Restoration
from cinq.procedure import Aborted, Procedure, Refused, Runtime, Subject, TimerExpired, procedure
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause, UpFunctionFeatures

FEATURES = pfcp.CpFunctionFeatures(pfcp.CpFunctionFeatures.LOAD)
"""A UPF may say how loaded it is."""
RETAIN = pfcp.SessionRetentionInformation()
"""All sessions, where the UPF still has an association with us (§6.2.6.2.2): it was the way that was cut."""
PSREI = 1  # of the PFCPASRsp-Flags, §8.2.134
WORKERS = 32  # sessions that are restored at the same time


@dataclass(frozen=True, slots=True)
class AssociationContext:
    """epoch: counts the associations with this UPF; the sessions of an earlier one are not there any more.

    recovery_time_stamp: of the UPF, NTP seconds. load: per cent, as it last said, in the order of load_sequence.
    """

    address: IPv4Address
    is_established: bool = False
    epoch: int = 0
    recovery_time_stamp: int = 0
    features: int = 0
    load: int | None = None
    load_sequence: int = 0


class Association(Subject[AssociationContext]):
    """One UPF."""

    def __init__(
        self,
        address: IPv4Address,
        port: int,
        n4: N4,
        sessions: Sessions,
        runtime: Runtime,
        gate: Gate = OPEN,
    ) -> None:
        super().__init__(AssociationContext(address), runtime)
        self.gate = gate
        self.peer: Peer = str(address), port
        self.n4 = n4
        self.sessions = sessions

    @property
    def label(self) -> str:
        return f"UPF {self.context.address}"

    @property
    def is_usable(self) -> bool:
        """Sessions can be set up: the UPF has to choose the F-TEIDs (FTUP), we do not."""
        return self.context.is_established and bool(self.context.features & UpFunctionFeatures.FTUP)

    @property
    def takes_more(self) -> bool:
        """It is usable, and no policy keeps it from sessions that it does not have yet."""
        return self.is_usable and self.gate.peer(str(self.context.address)).action == "admit"

    def ruling(self, *, is_there: bool = False) -> Ruling:
        """What policies of eligibility say of the UPF; told where that is not that it is let in."""
        ruling = self.gate.peer(str(self.context.address))
        ruling = ruling.of_one_there if is_there else ruling
        self.gate.tell(ruling, "SMF", self.label, self.runtime.journal, self.runtime.clock)
        return ruling

    @property
    def epoch(self) -> int:
        return self.context.epoch

    @property
    def load(self) -> int | None:
        return self.context.load

    @property
    def sessions_here(self) -> int:
        return self.sessions.at_upf[self.peer[0]]

    def loaded(self, said: pfcp.LoadControlInformation | None) -> None:
        """TS 29.244 §6.2.3.3.2: what has a lower sequence number is older."""
        known = self.context
        if said is not None and (known.load is None or said.sequence_number > known.load_sequence):
            self.commit(load=min(said.metric, 100), load_sequence=said.sequence_number)

    def tick(self) -> None:
        """The heartbeat period has passed."""
        if self.is_idle:
            due = heartbeat if self.context.is_established else association_setup
            self.runtime.spawn(partial(self._perform, due), due.name)

    def begin(self) -> None:
        self.runtime.spawn(partial(self._perform, association_setup), "association_setup")

    async def _perform(self, due: Procedure[Association, str, None]) -> None:
        try:
            await self.perform(due, "")
        except (Refused, Aborted, TimerExpired) as ended:
            self.runtime.report(self, due.name, self.context, str(ended))

    def established(
        self, recovery_time_stamp: int, features: pfcp.UpFunctionFeatures | None, *, retained: bool = False
    ) -> None:
        """A new association: the UPF keeps nothing of an earlier one (TS 29.244 §6.2.6.2), unless it says that it
        retained the sessions and its recovery time is what it was."""
        known = self.context
        self.n4.forget(self.peer)
        retained = retained and known.epoch > 0 and recovery_time_stamp == known.recovery_time_stamp
        self.commit(
            is_established=True,
            epoch=known.epoch if retained else known.epoch + 1,
            recovery_time_stamp=recovery_time_stamp,
            features=0 if features is None else features.value,
            load=None,
        )
        if retained:
            return
        self._tell_paths(here=False)
        left = [s for s in self.sessions.by_ref.values() if self.owns(s)]
        for _ in range(min(WORKERS, len(left))):
            self.runtime.spawn(partial(self._restore, left), "restoration")

    def _tell_paths(self, *, here: bool) -> None:
        """Sessions take another path, TS 23.501 §5.6.4.2: those that have this UPF before their anchor, or those that
        might have it."""
        address = str(self.context.address)
        for session in list(self.sessions.by_ref.values()):
            context, branch = session.context, session.context.branch
            is_here = branch is not None and branch.upf == address
            if context.state != "ACTIVE" or context.upf == address or is_here != here:
                continue
            if not path.stays(session, path.wanted(session, session.tac), session.tac):
                session.want(PathWanted())

    def owns(self, session: PduSession) -> bool:
        context, branch = session.context, session.context.branch
        upfs = (context.upf, "" if branch is None else branch.upf)
        return context.state == "ACTIVE" and str(self.context.address) in upfs

    async def _restore(self, left: list[PduSession]) -> None:
        while left:
            session = left.pop()
            try:
                await session.demand(Restoration())
            except (Refused, Aborted, TimerExpired) as ended:
                self.runtime.report(session, "restoration", session.context, str(ended))

    def heard(self, recovery_time_stamp: int) -> None:
        """A heartbeat told when the UPF began. Another time than before: it has forgotten everything."""
        if self.context.is_established and recovery_time_stamp != self.context.recovery_time_stamp:
            self.lost("the UPF was restarted")
            self.begin()

    def lost(self, reason: str) -> None:
        self.commit(is_established=False)
        self.runtime.report(self, "", self.context, f"association lost: {reason}")

    def silent(self, reason: str) -> None:
        """It does not answer: lost, and sessions that go by it to another anchor go another way."""
        self.lost(reason)
        self._tell_paths(here=True)

    # what the UPF asks

    def setup_requested(self, request: pfcp.AssociationSetupRequest) -> pfcp.AssociationSetupResponse:
        """TS 29.244 §6.2.6.3: the UPF sets the association up. One that asks while there is one has begun anew."""
        if self.ruling().refuses:
            return pfcp.AssociationSetupResponse(
                node_id=self.n4.node_id,
                cause=Cause.REQUEST_REJECTED,
                recovery_time_stamp=self.n4.recovery_time_stamp,
            )
        self.established(request.recovery_time_stamp, request.up_function_features)
        return pfcp.AssociationSetupResponse(
            node_id=self.n4.node_id,
            cause=Cause.REQUEST_ACCEPTED,
            recovery_time_stamp=self.n4.recovery_time_stamp,
            cp_function_features=FEATURES,
        )

    def update_requested(self, request: pfcp.AssociationUpdateRequest) -> pfcp.AssociationUpdateResponse:
        """TS 29.244 §6.2.7: other features, or the wish that the association ends."""
        if request.up_function_features is not None:
            self.commit(features=request.up_function_features.value)
        wish = request.association_release_request
        if wish is not None and wish.has(pfcp.AssociationReleaseRequestFlags.SARR):
            self.runtime.spawn(partial(self._perform, association_release), "association_release")
        return pfcp.AssociationUpdateResponse(node_id=self.n4.node_id, cause=Cause.REQUEST_ACCEPTED)


@procedure()
async def association_setup(association: Association, _: str) -> None:
    """TS 29.244 §6.2.6.2, TS 23.502 §4.4.3.1."""
    if (ruling := association.ruling()).refuses:
        raise Refused(None, ruling.reason)
    n4 = association.n4
    request = pfcp.AssociationSetupRequest(
        node_id=n4.node_id,
        recovery_time_stamp=n4.recovery_time_stamp,
        cp_function_features=FEATURES,
        session_retention_information=RETAIN if association.context.epoch else None,
    )
    epoch = association.context.epoch
    try:
        response = await n4.request(
            request, pfcp.AssociationSetupResponse, association.peer, label=association.label
        )
    except N4Error as error:
        raise Refused(None, str(error)) from None
    if response.cause != Cause.REQUEST_ACCEPTED:
        raise Refused(None, f"association setup: cause {response.cause}")
    if association.context.epoch == epoch:  # else the UPF's own request came first
        flags = response.asrsp_flags
        association.established(
            response.recovery_time_stamp,
            response.up_function_features,
            retained=flags is not None and flags.has(PSREI),
        )


@procedure()
async def heartbeat(association: Association, _: str) -> None:
    """TS 29.244 §6.2.2. No answer after N1 attempts: the UPF is not there."""
    n4 = association.n4
    request = pfcp.HeartbeatRequest(recovery_time_stamp=n4.recovery_time_stamp)
    try:
        response = await n4.request(
            request, pfcp.HeartbeatResponse, association.peer, label=association.label
        )
    except N4Error as error:
        association.silent(str(error))
        return
    association.heard(response.recovery_time_stamp)


@procedure()
async def association_release(association: Association, _: str) -> None:
    """TS 29.244 §6.2.8: its sessions end there with it; they are restored when it comes back."""
    n4 = association.n4
    request = pfcp.AssociationReleaseRequest(node_id=n4.node_id)
    association.lost("released")
    try:
        await n4.request(request, pfcp.AssociationReleaseResponse, association.peer, label=association.label)
    except N4Error as error:
        raise Refused(None, str(error)) from None
