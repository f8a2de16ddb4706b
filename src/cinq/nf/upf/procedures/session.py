"""PFCP sessions, TS 29.244 §6.3: establishment, modification, deletion. A refused request changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cinq.nf.upf.compiled import compile_rules, core_senders, senders
from cinq.nf.upf.context import FAR, PDR, URR, Rejected, SessionContext, failed
from cinq.nf.upf.dataplane import DataPlane
from cinq.nf.upf.draft import F_TEID, UE_IP_ADDRESS, Draft
from cinq.nf.upf.ends import Ends
from cinq.nf.upf.measures import Measures
from cinq.nf.upf.n4 import N4, Peer
from cinq.nf.upf.registry import Registry
from cinq.nf.upf.settings import Settings
from cinq.nf.upf.strangers import Strangers
from cinq.nf.upf.usage import Meters
from cinq.transport_address import Address
from cinq.userplane.rules import NoRoom, RuleError, SessionRules
from cinq.wire import gtpu, pfcp
from cinq.wire.pfcp import Cause, SmReqFlags

IP_TYPES = (pfcp.PdnType.IPV4, pfcp.PdnType.IPV6, pfcp.PdnType.IPV4V6)
MOST_CSIDS = 8  # sets that one session is of
PDN_TYPE, F_SEID, TRAFFIC_ENDPOINT, QUERY_URR, FQ_CSID = 113, 57, 131, 77, 65


class Sessions:
    """Establishes, modifies and deletes; every method returns the response or raises Rejected.

    advertise: called when the downlink of a session takes another way, that UEs of IPv6 hear their router.
    """

    def __init__(
        self, settings: Settings, registry: Registry, plane: DataPlane, n4: N4, meters: Meters
    ) -> None:
        self._node_id, self._ends = settings.node_id, Ends.of(settings)
        self._registry, self._plane, self._n4, self._meters = registry, plane, n4, meters
        self._pdn_types = (*IP_TYPES,) if settings.prefixes else IP_TYPES[:1]
        if settings.links:
            self._pdn_types = (*self._pdn_types, pfcp.PdnType.ETHERNET)
        self.strangers, self.measures = Strangers(), Measures()
        self.advertise: Callable[[SessionContext], None] = lambda _: None

    def establish(
        self, request: pfcp.SessionEstablishmentRequest, peer: Peer
    ) -> pfcp.SessionEstablishmentResponse:
        """§6.3.2."""
        association = self._registry.association_of(peer[0])
        if association is None:
            raise Rejected(Cause.NO_ESTABLISHED_PFCP_ASSOCIATION, f"no association with {peer[0]}")
        if request.pdn_type not in (None, *self._pdn_types):
            raise Rejected(Cause.SERVICE_NOT_SUPPORTED, f"PDN type {request.pdn_type}", PDN_TYPE)
        _check_f_seid(request.cp_f_seid, peer)
        _no_endpoints(request)
        blank = SessionContext(
            self._registry.new_seid(),
            request.cp_f_seid.seid,
            peer[0],
            csids=tuple(request.fq_csids[:MOST_CSIDS]),
            dnn=request.dnn or "",
            s_nssai="" if request.s_nssai is None else str(request.s_nssai),
        )
        draft = Draft(blank, self._ends, self._registry.new_teid)
        draft.create(request)
        session = draft.context()
        earlier = self._registry.of_cp(session.smf, session.cp_seid)
        if earlier is not None:
            self.end(earlier)  # the SMF has no other of this F-SEID (§6.3.2.2): it never heard of this one
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
        if request.cp_f_seid is not None:
            _check_f_seid(request.cp_f_seid, peer)
        _no_endpoints(request)
        draft = Draft(before, self._ends, self._registry.new_teid)
        draft.remove(request)
        draft.create(request)
        draft.update(request)
        session = draft.context(request.cp_f_seid.seid if request.cp_f_seid else None)
        drop = request.smreq_flags is not None and request.smreq_flags.has(SmReqFlags.DROBU)
        asked = [each.urr_id for each in request.query_urrs]
        for number in asked:
            if number not in {urr.urr_id for urr in session.urrs}:
                cause, what = Cause.RULE_CREATION_MODIFICATION_FAILURE, f"URR {number} is not there"
                raise failed(cause, what, URR, number, QUERY_URR)
        given = [each.urr_id for each in request.update_urrs if each.volume_quota or each.time_quota]
        reports = self._put(session, before, drop_buffered=drop, given=given)
        self._end_markers(request, before, session)
        if session.downlink_ends != before.downlink_ends:
            self.advertise(session)
        return pfcp.SessionModificationResponse(
            cause=Cause.REQUEST_ACCEPTED,
            created_pdrs=draft.created,
            usage_reports=[*reports, *self._meters.queried(session.seid, asked)],
            seid=session.cp_seid,
        )

    def delete(self, request: pfcp.SessionDeletionRequest, peer: Peer) -> pfcp.SessionDeletionResponse:
        """§6.3.4."""
        session = self._registry.session(request.seid, peer[0])
        if session is None:
            raise Rejected(Cause.SESSION_CONTEXT_NOT_FOUND, "no such session")
        reports = self.end(session)
        return pfcp.SessionDeletionResponse(
            cause=Cause.REQUEST_ACCEPTED, usage_reports=reports, seid=session.cp_seid
        )

    def delete_set(
        self, request: pfcp.SessionSetDeletionRequest, peer: Peer
    ) -> pfcp.SessionSetDeletionResponse:
        """§6.2.10, TS 23.007 §23: a part of the SMF has failed, and its sessions end. Without usage reports."""
        gone = set(request.fq_csids)
        if not gone:
            raise Rejected(Cause.CONDITIONAL_IE_MISSING, "no FQ-CSID", FQ_CSID)
        for session in self._registry.of_association(peer[0]):
            if gone.intersection(session.csids):
                self.end(session)
        return pfcp.SessionSetDeletionResponse(node_id=self._n4.node_id, cause=Cause.REQUEST_ACCEPTED)

    def end(self, session: SessionContext) -> list[pfcp.UsageReportInDeletion]:
        """The last usage reports."""
        reports = self._meters.end(session.seid)
        self.measures.ended(session, self._plane.usage(session.seid))
        self.strangers.forget(session.seid)
        self._plane.remove(session.seid)
        self._registry.pop(session.seid)
        return reports

    def has_tunnel(self, session: SessionContext, peer: Address) -> bool:
        """Whether uplink packets of the session may come from there."""
        owners = senders(session, self._ends)
        return not owners or any(peer in owner for owner in owners)

    def has_core_tunnel(self, session: SessionContext, peer: Address) -> bool:
        """Whether packets of the session's N9 may come from there."""
        return any(peer in owner for owner in core_senders(session, self._ends))

    def taken_up(self, sessions: Iterable[SessionContext]) -> list[SessionRules]:
        """The rules of a former process's sessions; one that settings do not allow any more ends."""
        found: list[SessionRules] = []
        for session in sessions:
            try:
                found.append(compile_rules(session, self._ends))
            except Rejected:
                self._registry.pop(session.seid)
        return found

    def follow(self, sessions: Iterable[SessionContext]) -> None:
        """Their usage is measured on."""
        for session in sessions:
            self._meters.take_up(session)

    def close_quotas(self, session: SessionContext) -> None:
        """Packets of URRs whose quota is used up are dropped from now on (§5.2.2.3.1)."""
        self._plane.install(compile_rules(session, self._ends, self._meters.exhausted(session.seid)))

    def _put(
        self,
        session: SessionContext,
        before: SessionContext,
        *,
        drop_buffered: bool = False,
        given: Sequence[int] = (),
    ) -> list[pfcp.UsageReportInModification]:
        """Into the plane, then into the registry; Rejected when the plane does not take it.

        given: the URRs that have a new quota. Returns the last reports of URRs that the session has no more.
        """
        if session.pdrs != before.pdrs:
            self._check_owners(session)
        rules = compile_rules(session, self._ends, self._meters.exhausted(session.seid, given))
        self._meters.settle(session.seid)
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
        if session.downlink_ends != before.downlink_ends:
            for octets, peer in self.strangers.take(session.seid, senders(session, self._ends)):
                self._plane.receive(octets, peer)
        return self._meters.closed(self._meters.follow(session, given))

    def _check_owners(self, session: SessionContext) -> None:
        """TEIDs and UE addresses are of one session each (DEV-065, DEV-066)."""
        own, cause = (None, session.seid), Cause.RULE_CREATION_MODIFICATION_FAILURE
        for pdr in session.pdrs:
            if pdr.teid is not None and self._registry.owner(pdr.teid) not in own:
                raise failed(cause, "the TEID belongs to another session", PDR, pdr.pdr_id, F_TEID)
            for end in pdr.ends:
                if self._registry.owner_of(end) not in own:
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

    def _send_end_marker(self, teid: int, peer: Address) -> None:
        self._plane.send(gtpu.encode(gtpu.EndMarker(teid=teid)), (str(peer), gtpu.PORT))


def _check_f_seid(given: pfcp.FSeid, peer: Peer) -> None:
    """§8.2.37: what the SMF calls the session, at the address of its association, where reports of it go."""
    if not given.seid:
        raise Rejected(Cause.MANDATORY_IE_INCORRECT, "a SEID of 0 names no session", F_SEID)
    if str(given.ipv4) != peer[0]:
        what = f"an F-SEID at {given.ipv4 or given.ipv6}, which is not where the association is"
        raise Rejected(Cause.MANDATORY_IE_INCORRECT, what, F_SEID)


def _no_endpoints(request: pfcp.SessionEstablishmentRequest | pfcp.SessionModificationRequest) -> None:
    if request.create_traffic_endpoints:
        what = "traffic endpoints are not offered"
        raise Rejected(Cause.SERVICE_NOT_SUPPORTED, what, TRAFFIC_ENDPOINT)
