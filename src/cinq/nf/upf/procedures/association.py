"""PFCP association, TS 29.244 §6.2.6 to §6.2.8, and heartbeat, §6.2.2; TS 23.527 §4.2 for an SMF that restarted."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial

from cinq.eligibility.gate import OPEN, Gate, Ruling
from cinq.nf.upf.context import Association, Rejected
from cinq.nf.upf.n4 import N4, Peer
from cinq.nf.upf.procedures.session import Sessions
from cinq.nf.upf.registry import MOST_ASSOCIATIONS, Registry
from cinq.nf.upf.settings import Settings
from cinq.procedure import Event, Runtime
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause, CpFunctionFeatures, UpFunctionFeatures

log = logging.getLogger(__name__)

FEATURES = UpFunctionFeatures(UpFunctionFeatures.FTUP | UpFunctionFeatures.EMPU | UpFunctionFeatures.FRRT)
"""F-TEIDs are of our choice, End Markers are made here."""
SARR = pfcp.AssociationReleaseRequestFlags(pfcp.AssociationReleaseRequestFlags.SARR)
RETAINED = pfcp.PfcpFlags(1)
"""PSREI of the PFCPASRsp-Flags, §8.2.134: the sessions are still there."""


class Associations:
    """The SMFs that may ask."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        sessions: Sessions,
        n4: N4,
        runtime: Runtime,
        gate: Gate = OPEN,
    ) -> None:
        self._settings, self._registry, self._sessions, self._n4 = settings, registry, sessions, n4
        self._runtime, self._gate = runtime, gate

    def _ruling(self, address: str, *, is_there: bool = False) -> Ruling:
        """What policies of eligibility say of an SMF; told where that is not that it is let in."""
        ruling = self._gate.peer(address)
        ruling = ruling.of_one_there if is_there else ruling
        self._gate.tell(ruling, "UPF", f"SMF {address}", self._runtime.journal, self._runtime.clock)
        return ruling

    def check_open(self, peer: Peer) -> None:
        """An SMF that is kept out, and had an association before, keeps the sessions that it has and gets no more."""
        ruling = self._gate.peer(peer[0])
        if ruling.action != "admit":
            raise Rejected(Cause.REQUEST_REJECTED, ruling.reason)

    def day_has_come(self) -> None:
        for association in self._registry.associations.values():
            self._ruling(association.address, is_there=True)

    def heartbeat(self, request: pfcp.HeartbeatRequest, peer: Peer) -> pfcp.HeartbeatResponse:
        self._heard(peer[0], request.recovery_time_stamp)
        return pfcp.HeartbeatResponse(recovery_time_stamp=self._n4.recovery_time_stamp)

    def _heard(self, address: str, recovery_time_stamp: int) -> None:
        known = self._registry.association_of(address)
        if known is None:
            return
        if recovery_time_stamp > known.recovery_time_stamp:
            self._end(known)  # it has forgotten its sessions; it will set up anew
        elif known.silent_since is not None:
            self._registry.associate(replace(known, silent_since=None))

    def setup(self, request: pfcp.AssociationSetupRequest, peer: Peer) -> pfcp.AssociationSetupResponse:
        """A Node ID in use at another address is refused, so that its sessions survive (DEV-061)."""
        if not self._n4.is_smf(peer):
            raise Rejected(Cause.REQUEST_REJECTED, f"{peer[0]} is no SMF of ours")
        if (ruling := self._ruling(peer[0])).refuses:
            raise Rejected(Cause.REQUEST_REJECTED, ruling.reason)
        registry = self._registry
        known = registry.associations.get(request.node_id)
        if known is not None and known.address != peer[0]:
            raise Rejected(Cause.REQUEST_REJECTED, "the Node ID is in use at another address")
        if known is None and len(registry.associations) >= MOST_ASSOCIATIONS:
            raise Rejected(Cause.NO_RESOURCES_AVAILABLE, "no room for another association")
        retained = known is not None and request.session_retention_information is not None
        if known is not None and not retained:
            self._end(known)
        self._n4.forget(peer[0])
        self._associated(request, peer[0])
        return pfcp.AssociationSetupResponse(
            node_id=self._n4.node_id,
            cause=Cause.REQUEST_ACCEPTED,
            recovery_time_stamp=self._n4.recovery_time_stamp,
            up_function_features=FEATURES,
            asrsp_flags=RETAINED if retained else None,
        )

    def _associated(
        self, said: pfcp.AssociationSetupRequest | pfcp.AssociationSetupResponse, address: str
    ) -> None:
        features = said.cp_function_features
        takes_load = features is not None and features.has(CpFunctionFeatures.LOAD)
        self._registry.associate(Association(said.node_id, address, said.recovery_time_stamp, takes_load))

    def update(self, request: pfcp.AssociationUpdateRequest, peer: Peer) -> pfcp.AssociationUpdateResponse:
        self._own(request.node_id, peer)
        return pfcp.AssociationUpdateResponse(node_id=self._n4.node_id, cause=Cause.REQUEST_ACCEPTED)

    def release(self, request: pfcp.AssociationReleaseRequest, peer: Peer) -> pfcp.AssociationReleaseResponse:
        self._end(self._own(request.node_id, peer))
        return pfcp.AssociationReleaseResponse(node_id=self._n4.node_id, cause=Cause.REQUEST_ACCEPTED)

    def check_owner(self, node_id: pfcp.NodeId, peer: Peer) -> None:
        """Rejected where there is no such association with this SMF."""
        self._own(node_id, peer)

    def _own(self, node_id: pfcp.NodeId, peer: Peer) -> Association:
        known = self._registry.associations.get(node_id)
        if known is None or known.address != peer[0]:
            raise Rejected(Cause.NO_ESTABLISHED_PFCP_ASSOCIATION, "no such association")
        return known

    def _end(self, association: Association) -> int:
        """With its sessions, unless another association shares the address. How many sessions."""
        self._registry.dissociate(association)
        if self._registry.association_of(association.address) is not None:
            return 0
        left = self._registry.of_association(association.address)
        for session in left:
            self._sessions.end(session)
        return len(left)

    # -- what we begin -----------------------------------------------------------------------------------

    def tick(self) -> None:
        """The heartbeat period has passed: who is there? Who has been silent for too long?"""
        now = self._runtime.clock.now()
        for association in list(self._registry.associations.values()):
            since = association.silent_since
            if since is not None and now - since >= self._settings.grace_s:
                self._abandoned(association)
                continue
            self._n4.ask(
                pfcp.HeartbeatRequest(recovery_time_stamp=self._n4.recovery_time_stamp),
                (association.address, pfcp.PORT),
                partial(self._alive, association.address),
                failed=partial(self._silent, association.node_id),
            )
        if self._settings.associates:
            for address in map(str, self._settings.smf_addresses):
                if self._registry.association_of(address) is None:
                    self._set_up(address)

    def leave(self) -> None:
        """§6.2.7.3: we go; each SMF is asked to release its association."""
        for association in self._registry.associations.values():
            request = pfcp.AssociationUpdateRequest(
                node_id=self._n4.node_id, association_release_request=SARR
            )
            self._n4.ask(request, (association.address, pfcp.PORT), lambda _: None)

    def _alive(self, address: str, response: pfcp.Message) -> None:
        if isinstance(response, pfcp.HeartbeatResponse):
            self._heard(address, response.recovery_time_stamp)

    def _silent(self, node_id: pfcp.NodeId) -> None:
        """§6.2.2: the path to the SMF has failed. Its sessions go on for a time (TS 23.527 §4.3)."""
        known = self._registry.associations.get(node_id)
        if known is not None and known.silent_since is None:
            self._registry.associate(replace(known, silent_since=self._runtime.clock.now()))
            self._say(
                known.address, f"no answer to heartbeats; its sessions stay for {self._settings.grace_s:g} s"
            )

    def _abandoned(self, association: Association) -> None:
        count = self._end(association)
        self._say(association.address, f"{count} sessions without owner removed, silent for too long")

    def _set_up(self, address: str) -> None:
        """§6.2.6.3: we set the association up, with those whom policies let in."""
        if self._ruling(address).refuses:
            return
        request = pfcp.AssociationSetupRequest(
            node_id=self._n4.node_id,
            recovery_time_stamp=self._n4.recovery_time_stamp,
            up_function_features=FEATURES,
        )
        self._n4.ask(request, (address, pfcp.PORT), partial(self._is_set_up, address))

    def _is_set_up(self, address: str, response: pfcp.Message) -> None:
        """What an SMF answers is of the address that was asked; one that set up meanwhile has it already."""
        if not isinstance(response, pfcp.AssociationSetupResponse):
            return
        if response.cause != Cause.REQUEST_ACCEPTED:
            self._say(address, f"association setup: {pfcp.cause_name(response.cause)}")
            return
        known = self._registry.associations.get(response.node_id)
        room = len(self._registry.associations) < MOST_ASSOCIATIONS
        if self._registry.association_of(address) is None and known is None and room:
            self._associated(response, address)

    def _say(self, address: str, what: str) -> None:
        """To the log and the journal."""
        log.warning("UPF: SMF %s: %s", address, what)
        if self._runtime.journal.heeding:
            now = self._runtime.clock.now()
            self._runtime.journal.emit(Event(now, "UPF", "", "", "none", "N4", "", what, peer=address))
