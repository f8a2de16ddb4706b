"""PFCP sessions, TS 29.244 §6.3: establishment, modification, deletion. A refused request changes nothing."""

from __future__ import annotations

from ipaddress import IPv4Address

from cinq.nf.upf.context import FAR, PDR, Rejected, SessionContext
from cinq.nf.upf.dataplane import DataPlane
from cinq.nf.upf.n4 import N4, Peer
from cinq.nf.upf.registry import Registry
from cinq.nf.upf.rules import UE_IP_ADDRESS, URR_ID, Draft, Ends, compile_rules, failed
from cinq.nf.upf.settings import Settings
from cinq.userplane.rules import NoRoom, RuleError
from cinq.wire import gtpu, pfcp
from cinq.wire.pfcp import Cause, SmReqFlags

PDN_TYPE, F_TEID = 113, 21


class Sessions:
    """Establishes, modifies and deletes; every method returns the response or raises Rejected."""

    def __init__(self, settings: Settings, registry: Registry, plane: DataPlane, n4: N4) -> None:
        self._node_id, self._ends = settings.node_id, Ends.of(settings)
        self._registry, self._plane, self._n4 = registry, plane, n4

    def establish(
        self, request: pfcp.SessionEstablishmentRequest, peer: Peer
    ) -> pfcp.SessionEstablishmentResponse:
        """§6.3.2."""
        association = self._registry.association_of(peer[0])
        if association is None:
            raise Rejected(Cause.NO_ESTABLISHED_PFCP_ASSOCIATION, f"no association with {peer[0]}")
        if request.pdn_type not in (None, pfcp.PdnType.IPV4):
            raise Rejected(Cause.SERVICE_NOT_SUPPORTED, f"PDN type {request.pdn_type}", PDN_TYPE)
        if request.create_urrs or request.create_traffic_endpoints:
            what = "usage reports and traffic endpoints are not offered"
            raise Rejected(Cause.SERVICE_NOT_SUPPORTED, what, URR_ID)
        blank = SessionContext(self._registry.new_seid(), request.cp_f_seid.seid, peer[0])
        draft = Draft(blank, self._ends, self._registry.new_teid)
        draft.create(request.create_pdrs, request.create_fars, request.create_qers)
        session = draft.context()
        self._put(session, blank)
        return pfcp.SessionEstablishmentResponse(
            node_id=self._n4.node_id,
            cause=Cause.REQUEST_ACCEPTED,
            up_f_seid=pfcp.FSeid(session.seid, self._node_id),
            created_pdrs=draft.created,
            seid=session.cp_seid,
        )

    def modify(
        self, request: pfcp.SessionModificationRequest, peer: Peer
    ) -> pfcp.SessionModificationResponse:
        """§6.3.3. The whole request is judged before anything of it is in force (DEV-064)."""
        before = self._registry.session(request.seid, peer[0])
        if before is None:
            raise Rejected(Cause.SESSION_CONTEXT_NOT_FOUND, "no such session")
        if request.create_urrs or request.update_urrs or request.create_traffic_endpoints:
            what = "usage reports and traffic endpoints are not offered"
            raise Rejected(Cause.SERVICE_NOT_SUPPORTED, what, URR_ID)
        draft = Draft(before, self._ends, self._registry.new_teid)
        draft.remove(
            [each.pdr_id for each in request.remove_pdrs],
            [each.far_id for each in request.remove_fars],
            [each.qer_id for each in request.remove_qers],
        )
        draft.create(request.create_pdrs, request.create_fars, request.create_qers)
        draft.update(request.update_pdrs, request.update_fars, request.update_qers)
        session = draft.context(request.cp_f_seid.seid if request.cp_f_seid else None)
        drop = request.smreq_flags is not None and request.smreq_flags.has(SmReqFlags.DROBU)
        self._put(session, before, drop_buffered=drop)
        self._end_markers(request, before, session)
        return pfcp.SessionModificationResponse(
            cause=Cause.REQUEST_ACCEPTED, created_pdrs=draft.created, seid=session.cp_seid
        )

    def delete(self, request: pfcp.SessionDeletionRequest, peer: Peer) -> pfcp.SessionDeletionResponse:
        """§6.3.4."""
        session = self._registry.session(request.seid, peer[0])
        if session is None:
            raise Rejected(Cause.SESSION_CONTEXT_NOT_FOUND, "no such session")
        self.end(session)
        return pfcp.SessionDeletionResponse(cause=Cause.REQUEST_ACCEPTED, seid=session.cp_seid)

    def end(self, session: SessionContext) -> None:
        self._plane.remove(session.seid)
        self._registry.pop(session.seid)

    def _put(self, session: SessionContext, before: SessionContext, *, drop_buffered: bool = False) -> None:
        """Into the plane, then into the registry; Rejected when the plane does not take it."""
        if session.pdrs != before.pdrs:
            self._check_owners(session)
        rules = compile_rules(session, self._ends.n3)
        try:
            if drop_buffered:
                self._plane.discard(session.seid)
            self._plane.install(rules)
        except NoRoom as error:
            raise Rejected(Cause.NO_RESOURCES_AVAILABLE, str(error)) from error
        except RuleError as error:
            first = session.fars[0].far_id if session.fars else 0
            raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, str(error), FAR, first) from error
        self._registry.put(session)

    def _check_owners(self, session: SessionContext) -> None:
        """TEIDs and UE addresses are of one session each (DEV-065, DEV-066)."""
        own, cause = (None, session.seid), Cause.RULE_CREATION_MODIFICATION_FAILURE
        for pdr in session.pdrs:
            if pdr.teid is not None and self._registry.owner(pdr.teid) not in own:
                raise failed(cause, "the TEID belongs to another session", PDR, pdr.pdr_id, F_TEID)
            if pdr.ue is not None and self._registry.owner_of(pdr.ue) not in own:
                what = "the UE address belongs to another session"
                raise failed(cause, what, PDR, pdr.pdr_id, UE_IP_ADDRESS)

    def _end_markers(
        self, request: pfcp.SessionModificationRequest, before: SessionContext, after: SessionContext
    ) -> None:
        """§5.2.2.2.2: to the end that downlink packets no longer go to, when the SMF asks (SNDEM)."""
        for update in request.update_fars:
            parameters = update.forwarding_parameters
            flags = None if parameters is None else parameters.sm_req_flags
            if flags is None or not flags.has(SmReqFlags.SNDEM):
                continue
            new = after.far(update.far_id)
            old = next((far for far in before.fars if far.far_id == new.far_id), new)
            if old.peer is not None and (old.teid, old.peer) != (new.teid, new.peer):
                self._send_end_marker(old.teid, old.peer)

    def _send_end_marker(self, teid: int, peer: IPv4Address) -> None:
        self._plane.send(gtpu.encode(gtpu.EndMarker(teid=teid)), (str(peer), gtpu.PORT))
