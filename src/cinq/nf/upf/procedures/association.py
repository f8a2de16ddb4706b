"""PFCP association, TS 29.244 §6.2.6 to §6.2.8, and heartbeat, §6.2.2; TS 23.527 §4.2 for an SMF that restarted."""

from __future__ import annotations

from cinq.eligibility.gate import OPEN, Gate, Ruling
from cinq.nf.upf.context import Association, Rejected
from cinq.nf.upf.n4 import N4, Peer
from cinq.nf.upf.procedures.session import Sessions
from cinq.nf.upf.registry import MOST_ASSOCIATIONS, Registry
from cinq.procedure import Runtime
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause, UpFunctionFeatures

FEATURES = UpFunctionFeatures(UpFunctionFeatures.FTUP | UpFunctionFeatures.EMPU)
"""F-TEIDs are of our choice, End Markers are made here."""


class Associations:
    """The SMFs that may ask."""

    def __init__(
        self,
        registry: Registry,
        sessions: Sessions,
        n4: N4,
        gate: Gate = OPEN,
        runtime: Runtime | None = None,
    ) -> None:
        self._registry, self._sessions, self._n4 = registry, sessions, n4
        self._gate, self._runtime = gate, runtime or Runtime("UPF")

    def _ruling(self, address: str) -> Ruling:
        """What policies of eligibility say of an SMF; told where that is not that it is let in."""
        ruling = self._gate.peer(address)
        self._gate.tell(ruling, "UPF", f"SMF {address}", self._runtime.journal, self._runtime.clock)
        return ruling

    def check_open(self, peer: Peer) -> None:
        """An SMF that is kept out, and had an association before, keeps the sessions that it has and gets no more."""
        ruling = self._gate.peer(peer[0])
        if ruling.action != "admit":
            raise Rejected(Cause.REQUEST_REJECTED, ruling.reason)

    def day_has_come(self) -> None:
        for association in self._registry.associations.values():
            self._ruling(association.address)

    def heartbeat(self, request: pfcp.HeartbeatRequest, peer: Peer) -> pfcp.HeartbeatResponse:
        known = self._registry.association_of(peer[0])
        if known is not None and request.recovery_time_stamp > known.recovery_time_stamp:
            self._end(known)  # it has forgotten its sessions; it will set up anew
        return pfcp.HeartbeatResponse(recovery_time_stamp=self._n4.recovery_time_stamp)

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
        if known is not None and request.session_retention_information is None:
            self._end(known)
        self._n4.forget(peer[0])
        association = Association(request.node_id, peer[0], request.recovery_time_stamp)
        registry.associations[request.node_id] = association
        return pfcp.AssociationSetupResponse(
            node_id=self._n4.node_id,
            cause=Cause.REQUEST_ACCEPTED,
            recovery_time_stamp=self._n4.recovery_time_stamp,
            up_function_features=FEATURES,
        )

    def update(self, request: pfcp.AssociationUpdateRequest, peer: Peer) -> pfcp.AssociationUpdateResponse:
        self._own(request.node_id, peer)
        return pfcp.AssociationUpdateResponse(node_id=self._n4.node_id, cause=Cause.REQUEST_ACCEPTED)

    def release(self, request: pfcp.AssociationReleaseRequest, peer: Peer) -> pfcp.AssociationReleaseResponse:
        self._end(self._own(request.node_id, peer))
        return pfcp.AssociationReleaseResponse(node_id=self._n4.node_id, cause=Cause.REQUEST_ACCEPTED)

    def _own(self, node_id: pfcp.NodeId, peer: Peer) -> Association:
        known = self._registry.associations.get(node_id)
        if known is None or known.address != peer[0]:
            raise Rejected(Cause.NO_ESTABLISHED_PFCP_ASSOCIATION, "no such association")
        return known

    def _end(self, association: Association) -> None:
        """With its sessions, unless another association shares the address."""
        self._registry.associations.pop(association.node_id, None)
        if self._registry.association_of(association.address) is None:
            for session in self._registry.of_association(association.address):
                self._sessions.end(session)
