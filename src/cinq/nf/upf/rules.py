"""PDRs, FARs and QERs: their IEs checked (draft), and compiled to what the data plane takes. TS 29.244 §5.2."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address
from typing import TypeVar

from msgspec.structs import replace

from cinq.nf.upf.context import FAR, PDR, QER, Far, Pdr, Qer, Rejected, SessionContext
from cinq.nf.upf.settings import Settings
from cinq.userplane.rules import Action, Ambr, DecapRule, EncapRule, SessionRules
from cinq.wire import pfcp
from cinq.wire.pfcp import ApplyAction, Cause, FailedRuleId, Interface, OuterHeaderCreation

R = TypeVar("R", Pdr, Far, Qer)
MOST = 32  # rules of one kind in a session
MOST_QERS = 8  # of one PDR
LONGEST_FILTER = 200
F_TEID, NETWORK_INSTANCE, SDF_FILTER, GATE, OUTER_HEADER_CREATION = 21, 22, 23, 25, 84
APPLY_ACTION, UE_IP_ADDRESS, FAR_ID, QER_ID, URR_ID, PDI, SOURCE_INTERFACE = 44, 93, 108, 109, 81, 2, 20
ANY_FLOW = ("permit out ip from any to assigned", "permit out ip from any to any")
CORE = (Interface.CORE, Interface.SGI_LAN_N6_LAN)
GTPU_REMOVALS = (0, 6)


def failed(cause: Cause, what: str, kind: int, identity: int, offending: int | None = None) -> Rejected:
    return Rejected(cause, what, offending, FailedRuleId(kind, identity))


class Draft:
    """A session being put together from IEs. Nothing of it is in force before `context` is taken.

    choose_teid gives a TEID that nobody has.
    """

    def __init__(self, session: SessionContext, settings: Settings, choose_teid: Callable[[], int]) -> None:
        self._session, self._settings, self._choose_teid = session, settings, choose_teid
        self.pdrs = {pdr.pdr_id: pdr for pdr in session.pdrs}
        self.fars = {far.far_id: far for far in session.fars}
        self.qers = {qer.qer_id: qer for qer in session.qers}
        self.created: list[pfcp.CreatedPdr] = []
        self._chosen: dict[int, int] = {}

    # -- create ------------------------------------------------------------------------------------------

    def create(
        self, pdrs: list[pfcp.CreatePdr], fars: list[pfcp.CreateFar], qers: list[pfcp.CreateQer]
    ) -> None:
        for far in fars:
            self.fars[far.far_id] = self._far(far)
        for qer in qers:
            self.qers[qer.qer_id] = _qer(Qer(qer.qer_id), qer)
        for pdr in pdrs:
            self.pdrs[pdr.pdr_id] = self._pdr(pdr)
        for rules in (self.pdrs, self.fars, self.qers):
            if len(rules) > MOST:
                raise Rejected(Cause.NO_RESOURCES_AVAILABLE, f"{len(rules)} rules, at most {MOST}")

    def _pdr(self, ie: pfcp.CreatePdr) -> Pdr:
        if ie.far_id is None:
            raise failed(Cause.CONDITIONAL_IE_MISSING, "PDR without FAR", PDR, ie.pdr_id, FAR_ID)
        if ie.activate_predefined_rules:
            raise failed(Cause.UNKNOWN_PRE_DEFINED_RULE, "no predefined rules", PDR, ie.pdr_id)
        _no_usage_reports(ie.urr_ids)
        blank = Pdr(ie.pdr_id, ie.precedence, True, None, None, (), ie.far_id, _qer_ids(ie.qer_ids))
        pdr = self._detect(blank, ie.pdi)
        if pdr.is_uplink:
            _check_removal(ie.pdr_id, ie.outer_header_removal)
        return pdr

    def _detect(self, pdr: Pdr, pdi: pfcp.Pdi) -> Pdr:
        if pdi.source_interface not in (Interface.ACCESS, *CORE):
            what = f"source interface {pdi.source_interface}"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr.pdr_id, SOURCE_INTERFACE)
        _check_instance(pdi.network_instance)
        _check_filters(
            pdr.pdr_id, pdi.sdf_filters, [body for kind, body in pdi.unknown if kind == SDF_FILTER]
        )
        is_uplink = pdi.source_interface == Interface.ACCESS
        teid = self._tunnel_end(pdr.pdr_id, pdi) if is_uplink else None
        ue = self._ue_address(pdr.pdr_id, pdi)
        if not is_uplink and ue is None:
            raise failed(Cause.CONDITIONAL_IE_MISSING, "no UE address", PDR, pdr.pdr_id, UE_IP_ADDRESS)
        return replace(pdr, is_uplink=is_uplink, teid=teid, ue=ue, qfis=_same_numbers(tuple(pdi.qfis)))

    def _tunnel_end(self, pdr_id: int, pdi: pfcp.Pdi) -> int:
        """F-TEID, §8.2.3: of our choice, or given (restoration)."""
        f_teid = pdi.f_teid
        if f_teid is None:
            unreadable = [body for kind, body in pdi.unknown if kind == F_TEID]
            if unreadable:
                cause = (
                    Cause.INVALID_F_TEID_ALLOCATION_OPTION if len(unreadable[0]) > 4 else Cause.INVALID_LENGTH
                )
                raise failed(cause, "F-TEID is unreadable", PDR, pdr_id, F_TEID)
            raise failed(Cause.CONDITIONAL_IE_MISSING, "uplink PDR without F-TEID", PDR, pdr_id, F_TEID)
        if f_teid.teid is None:
            return self._choose(pdr_id, f_teid)
        if f_teid.ipv4 != self._settings.n3_address or not f_teid.teid:
            what = f"F-TEID {f_teid.teid:#x} at {f_teid.ipv4} is not ours"
            raise failed(Cause.INVALID_F_TEID_ALLOCATION_OPTION, what, PDR, pdr_id, F_TEID)
        return f_teid.teid

    def _choose(self, pdr_id: int, f_teid: pfcp.FTeid) -> int:
        if not f_teid.wants_ipv4:
            what = "CHOOSE without V4: N3 is IPv4 here"
            raise failed(Cause.INVALID_F_TEID_ALLOCATION_OPTION, what, PDR, pdr_id, F_TEID)
        known = None if f_teid.choose_id is None else self._chosen.get(f_teid.choose_id)
        teid = known or self._choose_teid()
        if f_teid.choose_id is not None:
            self._chosen[f_teid.choose_id] = teid
        given = pfcp.FTeid(teid, self._settings.n3_address)
        self.created.append(pfcp.CreatedPdr(pdr_id=pdr_id, f_teid=given))
        return teid

    def _ue_address(self, pdr_id: int, pdi: pfcp.Pdi) -> IPv4Address | None:
        found = [ue.ipv4 for ue in pdi.ue_ip_addresses if ue.ipv4 is not None]
        if not found:
            if pdi.ue_ip_addresses:
                what = "UE address of another kind than IPv4, or to be chosen"
                raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr_id, UE_IP_ADDRESS)
            return None
        pools = self._settings.ue_pools
        if len(set(found)) > 1 or (pools and not any(found[0] in pool for pool in pools)):
            what = f"UE address {', '.join(map(str, found))} is not one of ours"
            raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, PDR, pdr_id, UE_IP_ADDRESS)
        return found[0]

    def _far(self, ie: pfcp.CreateFar) -> Far:
        far = Far(ie.far_id, _actions(ie.far_id, ie.apply_action))
        parameters = ie.forwarding_parameters
        if ie.duplicating_parameters:
            raise failed(Cause.SERVICE_NOT_SUPPORTED, "duplication", FAR, ie.far_id)
        return far if parameters is None else _forwarding(far, parameters)

    # -- update and remove -------------------------------------------------------------------------------

    def update(
        self, pdrs: list[pfcp.UpdatePdr], fars: list[pfcp.UpdateFar], qers: list[pfcp.UpdateQer]
    ) -> None:
        for far in fars:
            known = _known(self.fars, far.far_id, FAR)
            if far.apply_action is not None:
                known = replace(known, actions=_actions(far.far_id, far.apply_action))
            if far.forwarding_parameters is not None:
                known = _forwarding(known, far.forwarding_parameters)
            self.fars[far.far_id] = known
        for qer in qers:
            self.qers[qer.qer_id] = _qer(_known(self.qers, qer.qer_id, QER), qer)
        for pdr in pdrs:
            self.pdrs[pdr.pdr_id] = self._updated(_known(self.pdrs, pdr.pdr_id, PDR), pdr)

    def _updated(self, pdr: Pdr, ie: pfcp.UpdatePdr) -> Pdr:
        _no_usage_reports(ie.urr_ids)
        if ie.pdi is not None:
            pdr = self._detect(pdr, ie.pdi)
        return replace(
            pdr,
            precedence=pdr.precedence if ie.precedence is None else ie.precedence,
            far_id=pdr.far_id if ie.far_id is None else ie.far_id,
            qer_ids=_qer_ids(ie.qer_ids) if ie.qer_ids else pdr.qer_ids,
        )

    def remove(self, pdrs: Iterable[int], fars: Iterable[int], qers: Iterable[int]) -> None:
        for number in pdrs:
            _known(self.pdrs, number, PDR)
            del self.pdrs[number]
        for number in fars:
            _known(self.fars, number, FAR)
            del self.fars[number]
        for number in qers:
            _known(self.qers, number, QER)
            del self.qers[number]

    def context(self, cp_seid: int | None = None) -> SessionContext:
        """The session with these rules. Rejected when a PDR names a rule that is not there."""
        for pdr in self.pdrs.values():
            if pdr.far_id not in self.fars:
                what = f"FAR {pdr.far_id} is not there"
                raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, PDR, pdr.pdr_id, FAR_ID)
            for qer_id in pdr.qer_ids:
                if qer_id not in self.qers:
                    what = f"QER {qer_id} is not there"
                    raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, PDR, pdr.pdr_id, QER_ID)
        seid = self._session.cp_seid if cp_seid is None else cp_seid
        pdrs, fars = tuple(self.pdrs.values()), tuple(self.fars.values())
        return SessionContext(
            self._session.seid, seid, self._session.smf, pdrs, fars, _same_qers(tuple(self.qers.values()))
        )


@lru_cache(1024)
def _same_qers(qers: tuple[Qer, ...]) -> tuple[Qer, ...]:
    """The first that were equal: most sessions have the same."""
    return qers


@lru_cache(1024)
def _same_numbers(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return numbers


def _known(rules: dict[int, R], number: int, kind: int) -> R:
    found = rules.get(number)
    if found is None:
        what = f"rule {number} is not there"
        raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, kind, number)
    return found


# -- single IEs ------------------------------------------------------------------------------------------


def _check_removal(pdr_id: int, removal: pfcp.OuterHeaderRemoval | None) -> None:
    if removal is None:
        raise failed(Cause.CONDITIONAL_IE_MISSING, "uplink PDR keeps its outer header", PDR, pdr_id, 95)
    if removal.description not in GTPU_REMOVALS:
        what = f"outer header removal {removal.description}"
        raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr_id, 95)


def _check_instance(instance: pfcp.NetworkInstance | None) -> None:
    """Labels, or plain text of characters that a name may have (DEV-079)."""
    if instance is not None and not _is_name(instance.name):
        raise Rejected(Cause.MANDATORY_IE_INCORRECT, "malformed network instance", NETWORK_INSTANCE)


@lru_cache(256)
def _is_name(text: str) -> bool:
    return bool(text) and all(c.isascii() and (c.isalnum() or c in "-._") for c in text)


def _check_filters(pdr_id: int, filters: list[pfcp.SdfFilter], unreadable: list[bytes]) -> None:
    """All of a UE's packets are one flow here: only a filter that says so is taken (DEV-071)."""
    for each in filters:
        text = " ".join((each.flow_description or "")[: LONGEST_FILTER + 1].split())
        if not text.startswith("permit ") or len(text) > LONGEST_FILTER:
            raise failed(Cause.MANDATORY_IE_INCORRECT, "malformed SDF filter", PDR, pdr_id, SDF_FILTER)
        if text not in ANY_FLOW:
            what = f"SDF filter '{text}': flows are not told apart"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr_id, SDF_FILTER)
    if unreadable:
        raise failed(Cause.INVALID_LENGTH, "SDF filter cut short", PDR, pdr_id, SDF_FILTER)


def _no_usage_reports(urr_ids: list[int]) -> None:
    if urr_ids:
        raise Rejected(Cause.SERVICE_NOT_SUPPORTED, "usage reporting is not offered", URR_ID)


def _qer_ids(numbers: list[int]) -> tuple[int, ...]:
    if len(numbers) > MOST_QERS:
        raise Rejected(
            Cause.NO_RESOURCES_AVAILABLE, f"{len(numbers)} QERs of a PDR, at most {MOST_QERS}", QER_ID
        )
    return _same_numbers(tuple(numbers))


def _actions(far_id: int, action: ApplyAction) -> int:
    """§8.2.26: exactly one of DROP, FORW and BUFF; NOCP only with BUFF."""
    main = [action.has(flag) for flag in (ApplyAction.DROP, ApplyAction.FORW, ApplyAction.BUFF)]
    if sum(main) != 1 or (action.has(ApplyAction.NOCP) and not main[2]):
        raise failed(Cause.MANDATORY_IE_INCORRECT, "Apply Action", FAR, far_id, APPLY_ACTION)
    if action.value & ~(ApplyAction.DROP | ApplyAction.FORW | ApplyAction.BUFF | ApplyAction.NOCP):
        raise failed(Cause.SERVICE_NOT_SUPPORTED, "Apply Action", FAR, far_id, APPLY_ACTION)
    return action.value


def _forwarding(far: Far, ie: pfcp.ForwardingParameters | pfcp.UpdateForwardingParameters) -> Far:
    if ie.redirect_information is not None or ie.forwarding_policy is not None:
        raise failed(Cause.INVALID_FORWARDING_POLICY, "redirection or policy", FAR, far.far_id)
    _check_instance(ie.network_instance)
    if ie.destination_interface is not None:
        if ie.destination_interface not in (Interface.ACCESS, *CORE):
            what = f"destination interface {ie.destination_interface}"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, FAR, far.far_id, 42)
        far = replace(far, to_access=ie.destination_interface == Interface.ACCESS)
    outer = ie.outer_header_creation
    if outer is None:
        return far
    usable = outer.description == OuterHeaderCreation.GTPU_UDP_IPV4 and outer.teid and outer.ipv4
    if not usable or outer.ipv4 is None or outer.ipv4.is_unspecified or outer.ipv4.is_multicast:
        what = f"outer header creation {outer.description:#06x} to {outer.ipv4}"
        raise failed(Cause.MANDATORY_IE_INCORRECT, what, FAR, far.far_id, OUTER_HEADER_CREATION)
    return replace(far, teid=outer.teid or 0, peer=outer.ipv4)


def _qer(qer: Qer, ie: pfcp.CreateQer | pfcp.UpdateQer) -> Qer:
    if ie.gate_status is not None:
        qer = replace(qer, uplink_open=not ie.gate_status.uplink, downlink_open=not ie.gate_status.downlink)
    if ie.mbr is not None:
        qer = replace(qer, uplink_bps=ie.mbr.uplink * 1000, downlink_bps=ie.mbr.downlink * 1000)
    return qer if ie.qfi is None else replace(qer, qfi=ie.qfi)


# -- compilation -----------------------------------------------------------------------------------------


def compile_rules(session: SessionContext, settings: Settings) -> SessionRules:
    """What the data plane is to do. Rejected for a session that it cannot serve."""
    ordered = sorted(session.pdrs, key=lambda pdr: pdr.precedence)
    uplink, downlink = ([pdr for pdr in ordered if pdr.is_uplink is way] for way in (True, False))
    decap: dict[int, DecapRule] = {}
    encap: dict[IPv4Address, EncapRule] = {}
    for pdr in uplink:
        if pdr.teid is not None and pdr.teid not in decap:
            decap[pdr.teid] = _decap(session, pdr, pdr.teid, uplink, downlink)
    for pdr in downlink:
        if pdr.ue is not None and pdr.ue not in encap:
            encap[pdr.ue] = _encap(session, pdr, pdr.ue, settings)
    ambr = _same_rates(
        _limit(session.qer(n).uplink_bps for pdr in uplink for n in pdr.qer_ids),
        _limit(session.qer(n).downlink_bps for pdr in downlink for n in pdr.qer_ids),
    )
    return SessionRules(session.seid, tuple(decap.values()), tuple(encap.values()), ambr)


@lru_cache(1024)
def _same_rates(uplink: int, downlink: int) -> Ambr:
    return Ambr(uplink, downlink)


def _limit(rates: Iterable[int]) -> int:
    """The lowest of those that limit at all."""
    return min((rate for rate in rates if rate), default=0)


def _decap(session: SessionContext, pdr: Pdr, teid: int, uplink: list[Pdr], downlink: list[Pdr]) -> DecapRule:
    ue = pdr.ue or next((each.ue for each in downlink), None)
    if ue is None:
        raise failed(Cause.CONDITIONAL_IE_MISSING, "no UE address", PDR, pdr.pdr_id, UE_IP_ADDRESS)
    far = session.far(pdr.far_id)
    if far.actions & ApplyAction.FORW and far.to_access is not False:
        what = "uplink packets go to the core network side only"
        raise failed(Cause.SERVICE_NOT_SUPPORTED, what, FAR, far.far_id, 42)
    is_open = all(session.qer(n).uplink_open for n in pdr.qer_ids)
    action = Action.FORWARD if far.actions & ApplyAction.FORW and is_open else Action.DROP
    qfis = [each.qfis for each in uplink if each.teid == teid]
    single = qfis[0][0] if len(set(qfis)) == 1 and len(qfis[0]) == 1 else 0
    return DecapRule(teid, ue, action, single)


def _encap(session: SessionContext, pdr: Pdr, ue: IPv4Address, settings: Settings) -> EncapRule:
    far = session.far(pdr.far_id)
    qers = [session.qer(n) for n in pdr.qer_ids]
    qfi = next((qer.qfi for qer in qers if qer.qfi is not None), 0)
    if far.actions & ApplyAction.DROP or not all(qer.downlink_open for qer in qers):
        return EncapRule(ue, qfi=qfi, action=Action.DROP)
    if far.actions & ApplyAction.BUFF:
        notify = bool(far.actions & ApplyAction.NOCP)
        return EncapRule(ue, qfi=qfi, action=Action.BUFFER, notify=notify)
    if far.peer is None or not far.to_access:
        what = "downlink packets need the gNB's F-TEID"
        raise failed(Cause.CONDITIONAL_IE_MISSING, what, FAR, far.far_id, OUTER_HEADER_CREATION)
    return EncapRule(ue, far.teid, far.peer, settings.n3_address, qfi)
