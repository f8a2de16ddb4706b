"""Npcf_SMPolicyControl, TS 29.512: session AMBR, default QoS and PCC rules of a PDU session."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from ipaddress import IPv6Network

from msgspec.structs import replace

from cinq.nf.pcf.context import SESSIONS, Associations, SmAssociation, UeRule
from cinq.nf.pcf.decision import decide, denied, difference, without
from cinq.nf.pcf.elements import Elements
from cinq.nf.pcf.settings import Settings
from cinq.nf.pcf.ue_request import asked
from cinq.procedure import Why
from cinq.procedure.store import Store
from cinq.sbi import Bus, Created, Problem
from cinq.sbi.callback import notify
from cinq.sbi.services.npcf_smpolicycontrol import (
    PartialSuccessReport,
    RequestedRuleData,
    RuleReport,
    SmPolicyContextData,
    SmPolicyDecision,
    SmPolicyDeleteData,
    SmPolicyNotification,
    SmPolicyUpdateContextData,
    TerminationNotification,
)

log = logging.getLogger("cinq.pcf")

COLLECTION = "sm-policies"
ROUTE = "/npcf-smpolicycontrol/v1/sm-policies"


class SMPolicies:
    """One association for each PDU session, so that a second create replaces the first."""

    def __init__(self, settings: Settings, store: Store, elements: Elements, sbi: Bus | None) -> None:
        self._settings = settings
        self._associations = Associations(store, COLLECTION, SmAssociation)
        self._elements = elements
        self._sbi = sbi
        self._by_address: dict[str, set[str]] = {}
        for identifier in self._associations:
            known = self._associations.get(identifier)
            if known is not None:
                self._index(identifier, known)
        self.heard: Callable[[Iterable[RuleReport]], None] = lambda reports: None
        """Hears what the SMF says of rules."""
        self.ended: Callable[[SmAssociation], None] = lambda association: None
        self.changed: Callable[[str], None] = lambda identifier: None
        """Hears which association has come or gone."""

    def get(self, identifier: str) -> SmAssociation | None:
        return self._associations.get(identifier)

    def identifiers(self) -> list[str]:
        return list(self._associations)

    def with_address(self, address: str) -> list[str]:
        """The associations of the sessions that have it. An IPv6 address: those that have its prefix."""
        key = str(IPv6Network(f"{address}/64", strict=False)) if ":" in address else address
        return sorted(self._by_address.get(key, ()))

    async def af_rules(
        self, identifier: str, rules: dict[str, UeRule], confirm: Iterable[str] = ()
    ) -> frozenset[str]:
        """Those of application functions are to be these; the SMF hears of it. Which of them it does not take.

        confirm: of which it is to tell when UE and gNB have them. Problem 5xx: it cannot be reached now.
        """
        found = self._associations.get(identifier)
        if found is None or self._sbi is None:
            return frozenset(rules)
        kept = tuple(name for name in found.failed if name not in rules or name in found.af_rules)
        self._associations.put(identifier, replace(found, af_rules=rules, failed=kept))
        try:
            await self._notify(
                self._sbi, identifier, replace(found, af_rules=rules, failed=kept), tuple(confirm)
            )
        except Problem:
            current = self._associations.get(identifier)
            if current is not None:
                self._associations.put(identifier, replace(current, af_rules=found.af_rules))
            raise
        current = self._associations.get(identifier)
        if current is None:
            return frozenset(rules)
        return frozenset(name for name in rules if name not in current.decided.pcc_rules)

    def _index(self, identifier: str, association: SmAssociation, *, there: bool = True) -> None:
        request = association.request
        for address in (request.ipv4_address, request.ipv6_address_prefix):
            if address and there:
                self._by_address.setdefault(address, set()).add(identifier)
            elif address and (found := self._by_address.get(address)) is not None:
                found.discard(identifier)
                if not found:
                    del self._by_address[address]

    def _removed(self, identifier: str) -> bool:
        """Its application sessions hear of it."""
        found = self._associations.get(identifier)
        if found is None:
            return False
        self._associations.remove(identifier)
        self._index(identifier, found, there=False)
        self.ended(found)
        self.changed(identifier)
        return True

    async def create(self, body: SmPolicyContextData) -> Created[SmPolicyDecision]:
        """§4.2.2."""
        identifier = _identifier(body.supi, body.pdu_session_id)
        await self._elements.limits.watch(body.supi)
        elements = await self._elements.of(body.supi)
        if denied(body, elements):
            mend = f"cinq policy list {body.supi}, then cinq policy remove"
            why = Why(f"the operator denies {body.supi} sessions of DNN {body.dnn}", mend)
            raise Problem(403, "POLICY_CONTEXT_DENIED", why)
        decided = decide(SmAssociation(body, SmPolicyDecision()), elements)
        self._removed(identifier)
        made = SmAssociation(body, decided)
        self._associations.put(identifier, made)
        self._index(identifier, made)
        self.changed(identifier)
        return Created(f"/sm-policies/{identifier}", decided)

    async def update(self, sm_policy_id: str, body: SmPolicyUpdateContextData) -> SmPolicyDecision:
        """§4.2.4: the SMF reports; what changes by it is the answer."""
        found = self._associations.get(sm_policy_id)
        if found is None:
            raise _unknown(sm_policy_id)
        request = found.request
        triggers = body.rep_policy_ctrl_req_triggers
        if "SE_AMBR_CH" in triggers and body.subs_sess_ambr is not None:
            request = replace(request, subs_sess_ambr=body.subs_sess_ambr)
        if "DEF_QOS_CH" in triggers and body.subs_def_qos is not None:
            request = replace(request, subs_def_qos=body.subs_def_qos)
        made = replace(_failed(found, body.rule_reports), request=request)
        if body.ue_init_res_req is not None:
            rules = asked(request.supi, made.ue_rules, body.ue_init_res_req, self._settings)
            made = replace(made, ue_rules=rules)
        decided = await self._decide(made)
        current = self._associations.get(sm_policy_id) or made
        self._associations.put(sm_policy_id, replace(made, decided=decided, af_rules=current.af_rules))
        self.heard(body.rule_reports)
        return difference(made.decided, decided) or SmPolicyDecision()

    async def delete(self, sm_policy_id: str, body: SmPolicyDeleteData) -> None:
        if not self._removed(sm_policy_id):
            raise _unknown(sm_policy_id)
        supi = sm_policy_id.removeprefix("sm-").rpartition("-")[0]
        if all(self._associations.get(_identifier(supi, number)) is None for number in SESSIONS):
            await self._elements.limits.leave(supi)

    async def policy_changed(self, supi: str) -> None:
        """Npcf_SMPolicyControl_UpdateNotify, §4.2.3. Problem 5xx: the SMF cannot be reached now."""
        for number in SESSIONS if self._sbi is not None else ():
            identifier = _identifier(supi, number)
            found = self._associations.get(identifier)
            if found is not None and self._sbi is not None:
                await self._notify(self._sbi, identifier, replace(found, failed=()))

    async def _notify(
        self, sbi: Bus, identifier: str, association: SmAssociation, confirm: tuple[str, ...] = ()
    ) -> None:
        request, resource = association.request, sbi.uri(f"{ROUTE}/{identifier}")
        elements = await self._elements.of(request.supi)
        if denied(request, elements):  # §4.2.3.3: the SMF releases the session, and deletes this then
            end = TerminationNotification(resource_uri=resource, cause="UNSPECIFIED")
            await self._told(sbi, identifier, f"{request.notification_uri}/terminate", end)
            return
        decided = decide(association, elements)
        new = difference(association.decided, decided)
        if new is None:
            return
        if confirm:
            asked = RequestedRuleData(ref_pcc_rule_ids=list(confirm), req_data=["SUCC_RES_ALLO"])
            new = replace(new, last_req_rule_data=[asked])
        body = SmPolicyNotification(resource_uri=resource, sm_policy_decision=new)
        answer = await self._told(sbi, identifier, f"{request.notification_uri}/update", body)
        current = self._associations.get(identifier)  # the SMF may have reported or deleted it meanwhile
        if answer is False or current is None:
            return
        made = replace(current, decided=decided, failed=association.failed)
        if isinstance(answer, PartialSuccessReport):
            made = _failed(made, answer.rule_reports)
        self._associations.put(identifier, made)

    async def _told(self, sbi: Bus, identifier: str, uri: str, body: object) -> object:
        """The SMF's answer; False where it takes nothing of it. Problem 5xx: it cannot be reached now."""
        try:
            return await notify(sbi, "PCF", uri, body)
        except Problem as problem:
            if problem.status >= 500:
                raise
            if problem.status == 404:  # the session is not there any more
                self._removed(identifier)
            else:
                log.warning("%s takes nothing of the policy: %s", identifier, problem.why)
            return False

    async def _decide(self, association: SmAssociation) -> SmPolicyDecision:
        return decide(association, await self._elements.of(association.request.supi))


def _failed(association: SmAssociation, reports: list[RuleReport]) -> SmAssociation:
    """§4.2.4.15: what could not be put in force is not there; the rules of the UE among it are gone."""
    reported = [name for r in reports if r.rule_status == "INACTIVE" for name in r.pcc_rule_ids]
    if not reported:
        return association
    for report in reports:
        if report.rule_status == "INACTIVE":
            names, request = ", ".join(report.pcc_rule_ids), association.request
            reason = report.failure_code or "no reason given"
            log.warning(
                "rules %s of session %d of %s are not in force: %s",
                *(names, request.pdu_session_id, request.supi, reason),
            )
    return replace(
        association,
        decided=without(association.decided, reported),
        ue_rules={name: rule for name, rule in association.ue_rules.items() if name not in reported},
        failed=tuple(dict.fromkeys((*association.failed, *reported))),
    )


def _identifier(supi: str, pdu_session_id: int) -> str:
    return f"sm-{supi}-{pdu_session_id}"


def _unknown(identifier: str) -> Problem:
    return Problem(404, "POLICY_CONTEXT_NOT_FOUND", Why(f"no policy association {identifier[:60]}"))
