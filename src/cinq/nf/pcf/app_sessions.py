"""Npcf_PolicyAuthorization, TS 29.514: what application functions ask for is bound to a PDU session by its address."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address

from msgspec.structs import replace

from cinq.nf.pcf import media
from cinq.nf.pcf.context import AppSession, Associations, SmAssociation, UeRule
from cinq.nf.pcf.sessions import SMPolicies
from cinq.nf.pcf.settings import Settings
from cinq.procedure import Why
from cinq.procedure.store import Store
from cinq.sbi import Bus, Created, InvalidParam, Problem
from cinq.sbi.callback import notify
from cinq.sbi.services.npcf_policyauthorization import (
    AfEvent,
    AfEventNotification,
    AppSessionContext,
    AppSessionContextReqData,
    AppSessionContextRespData,
    AppSessionContextUpdateDataPatch,
    EventsNotification,
    EventsSubscReqData,
    Flows,
    MediaComponent,
    ResourcesAllocationInfo,
    TerminationInfo,
    UeIdentityInfo,
)
from cinq.sbi.services.npcf_smpolicycontrol import RuleReport

log = logging.getLogger("cinq.pcf")

COLLECTION = "app-sessions"
ROUTE = "/npcf-policyauthorization/v1/app-sessions"
MOST_OF_A_SESSION = 16  # application sessions of one PDU session
MOST = 100_000  # in all
MOST_WAITING = 10_000  # notifications that are to be sent


class AppSessions:
    """Each has an identifier of its own; its rules are among those of the SM policy association that it is bound to."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        sm: SMPolicies,
        sbi: Bus | None,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._settings = settings
        self._sessions = Associations(store, COLLECTION, AppSession)
        self._sm = sm
        self._sbi = sbi
        self._entropy = entropy
        self._count = sum(1 for _ in self._sessions)
        self._waiting: deque[tuple[str, str, EventsNotification | TerminationInfo]] = deque(
            maxlen=MOST_WAITING
        )
        sm.heard, sm.ended = self._reported, self._ended

    async def create(self, body: AppSessionContext) -> Created[AppSessionContext]:
        """§4.2.2. The SMF has taken the rules when this is answered; that UE and gNB have them is an event."""
        request = body.asc_req_data
        if request is None:
            raise _missing("/ascReqData")
        association, bound = self._binding(request)
        if self._count >= MOST or len(_sessions_of(bound)) >= MOST_OF_A_SESSION:
            raise Problem(403, "REQUESTED_SERVICE_NOT_AUTHORIZED", Why("too many application sessions"))
        name = self._entropy(12).hex()
        session = AppSession(association, request)
        await self._put_in_force(name, session, bound)
        self._sessions.put(name, session)
        self._count += 1
        answer = AppSessionContextRespData(supp_feat="0", ue_ids=[UeIdentityInfo(supi=bound.request.supi)])
        return Created(f"/app-sessions/{name}", AppSessionContext(asc_req_data=request, asc_resp_data=answer))

    async def get(self, app_session_id: str) -> AppSessionContext:
        return AppSessionContext(asc_req_data=self._known(app_session_id).request)

    async def update(self, app_session_id: str, body: AppSessionContextUpdateDataPatch) -> AppSessionContext:
        """§4.2.3: components by their numbers; what is not named stays."""
        session, change = self._known(app_session_id), body.asc_req_data
        if change is None:
            return AppSessionContext(asc_req_data=session.request)
        merged: dict[str, MediaComponent | None] = {**session.request.med_components, **change.med_components}
        request = replace(
            session.request,
            med_components={key: one for key, one in merged.items() if one is not None},
            ev_subsc=change.ev_subsc or session.request.ev_subsc,
            af_app_id=change.af_app_id or session.request.af_app_id,
        )
        made = replace(session, request=request)
        bound = self._sm.get(session.association)
        if bound is None:
            raise _unknown(app_session_id)
        if change.med_components:
            await self._put_in_force(app_session_id, made, bound)
        self._sessions.put(app_session_id, made)
        return AppSessionContext(asc_req_data=request)

    async def delete(self, app_session_id: str, body: EventsSubscReqData | None) -> None:
        """§4.2.4. Gone, whatever the SMF says: the next decision tells it so."""
        session = self._known(app_session_id)
        self._remove(app_session_id)
        bound = self._sm.get(session.association)
        if bound is not None:
            await self._sm.af_rules(session.association, _without(bound, app_session_id))

    async def subscribe(self, app_session_id: str, body: EventsSubscReqData) -> Created[EventsSubscReqData]:
        """§4.2.6."""
        session = self._known(app_session_id)
        self._sessions.put(app_session_id, replace(session, request=replace(session.request, ev_subsc=body)))
        return Created(f"/app-sessions/{app_session_id}/events-subscription", body)

    async def unsubscribe(self, app_session_id: str) -> None:
        """§4.2.7."""
        session = self._known(app_session_id)
        self._sessions.put(app_session_id, replace(session, request=replace(session.request, ev_subsc=None)))

    async def tell(self) -> None:
        """What waits to be told is told; who does not answer hears of it no more."""
        while self._waiting and self._sbi is not None:
            name, uri, body = self._waiting.popleft()
            try:
                await notify(self._sbi, "PCF", uri, body)
            except Problem as problem:
                log.warning("an application function is not told: %s", problem)
                if problem.status == 404 and self._sessions.get(name) is not None:
                    await self.delete(name, None)  # whose it was does not know it

    # binding, TS 29.513 §6.1

    def _binding(self, request: AppSessionContextReqData) -> tuple[str, SmAssociation]:
        """The SM policy association of the address. Problem 500 PDU_SESSION_NOT_AVAILABLE, as the API has it."""
        address = _address(request)
        for name in self._sm.with_address(address):
            bound = self._sm.get(name)
            if bound is not None and _same(bound, request):
                return name, bound
        why = Why(f"no PDU session has the address {address}", "cinq session list")
        raise Problem(500, "PDU_SESSION_NOT_AVAILABLE", why)

    async def _put_in_force(self, name: str, session: AppSession, bound: SmAssociation) -> None:
        """Problem 403: the SMF does not take one of the rules; all is as it was then."""
        address = _address(session.request)
        new = media.rules_of(name, session, address, self._settings)
        before = bound.af_rules
        refused = await self._sm.af_rules(session.association, {**_without(bound, name), **new}, confirm=new)
        if refused & new.keys():
            now = self._sm.get(session.association)
            if now is not None:
                kept = {rule: one for rule, one in before.items() if _of(rule) == name}
                await self._sm.af_rules(session.association, {**_without(now, name), **kept})
            raise Problem(403, "REQUESTED_SERVICE_NOT_AUTHORIZED", Why("the session cannot have such a flow"))

    def _known(self, name: str) -> AppSession:
        found = self._sessions.get(name)
        if found is None:
            raise _unknown(name)
        return found

    def _remove(self, name: str) -> None:
        if self._sessions.remove(name):
            self._count -= 1

    # what the SMF says

    def _reported(self, reports: Iterable[RuleReport]) -> None:
        """§4.2.5.5, §4.2.5.8: rules that UE and gNB have, or could not get."""
        for report in reports:
            by_session: dict[str, list[Flows]] = {}
            for rule in report.pcc_rule_ids:
                found = media.session_of(rule)
                if found is not None:
                    by_session.setdefault(found[0], []).append(found[1])
            for name, flows in by_session.items():
                self._event(name, flows, active=report.rule_status == "ACTIVE")

    def _event(self, name: str, flows: list[Flows], *, active: bool) -> None:
        event: AfEvent = "SUCCESSFUL_RESOURCES_ALLOCATION" if active else "FAILED_RESOURCES_ALLOCATION"
        session = self._sessions.get(name)
        wanted = None if session is None else session.request.ev_subsc
        if session is None or wanted is None or event not in [each.event for each in wanted.events]:
            return
        info = ResourcesAllocationInfo(mc_resourc_status="ACTIVE" if active else "INACTIVE", flows=flows)
        body = EventsNotification(
            ev_subs_uri=self._uri(f"{name}/events-subscription"),
            ev_notifs=[AfEventNotification(event=event, flows=flows)],
            failed_resourc_alloc_reports=[] if active else [info],
            succ_resourc_alloc_reports=[info] if active else [],
        )
        self._waiting.append((name, f"{wanted.notif_uri or session.request.notif_uri}/notify", body))

    def _ended(self, association: SmAssociation) -> None:
        """§4.2.5.3: the PDU session is gone, and what was bound to it."""
        for name in _sessions_of(association):
            session = self._sessions.get(name)
            if session is not None:
                self._remove(name)
                body = TerminationInfo(term_cause="PDU_SESSION_TERMINATION", res_uri=self._uri(name))
                self._waiting.append((name, f"{session.request.notif_uri}/terminate", body))

    def _uri(self, name: str) -> str:
        return f"{ROUTE}/{name}" if self._sbi is None else self._sbi.uri(f"{ROUTE}/{name}")


def _address(request: AppSessionContextReqData) -> str:
    """Of the UE, as it is written. Problem 400: none, two, or none that is one; a MAC address."""
    given = [each for each in (request.ue_ipv4, request.ue_ipv6, request.ue_mac) if each is not None]
    if len(given) != 1:
        raise _missing("/ascReqData/ueIpv4", "wanted one of ueIpv4 and ueIpv6")
    try:
        if request.ue_ipv4 is not None:
            return str(IPv4Address(request.ue_ipv4))
        if request.ue_ipv6 is not None:
            return str(IPv6Address(request.ue_ipv6))
    except ValueError:
        raise _missing("/ascReqData", f"{given[0][:50]!r} is no address") from None
    raise _missing("/ascReqData/ueMac", "sessions are found by IP addresses")


def _same(bound: SmAssociation, request: AppSessionContextReqData) -> bool:
    of = bound.request
    return (
        request.dnn in (None, of.dnn)
        and request.supi in (None, of.supi)
        and (request.slice_info is None or request.slice_info.numbering() == of.slice_info.numbering())
    )


def _of(rule: str) -> str | None:
    found = media.session_of(rule)
    return None if found is None else found[0]


def _sessions_of(bound: SmAssociation) -> set[str]:
    return {name for rule in bound.af_rules if (name := _of(rule)) is not None}


def _without(bound: SmAssociation, session: str) -> dict[str, UeRule]:
    return {rule: one for rule, one in bound.af_rules.items() if _of(rule) != session}


def _missing(path: str, why: str = "missing") -> Problem:
    return Problem(400, "MANDATORY_IE_MISSING", Why(f"{path}: {why}"), InvalidParam(param=path, reason=why))


def _unknown(name: str) -> Problem:
    why = Why(f"no application session {name[:60]}")
    return Problem(404, "APPLICATION_SESSION_CONTEXT_NOT_FOUND", why)
