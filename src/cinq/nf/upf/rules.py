"""PDRs, FARs and QERs: their IEs checked (draft), and compiled to what the data plane takes. TS 29.244 §5.2."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address
from typing import NamedTuple, Self, TypeVar

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
ACCESS, SIDES = Interface.ACCESS, (Interface.ACCESS, Interface.CORE, Interface.SGI_LAN_N6_LAN)
GTPU_REMOVALS = (0, 6)
DROP, FORW, BUFF, NOCP = ApplyAction.DROP, ApplyAction.FORW, ApplyAction.BUFF, ApplyAction.NOCP
OFFERED = frozenset((DROP, FORW, BUFF, BUFF | NOCP))
"""Of the Apply Action flags: §8.2.26 wants exactly one of DROP, FORW and BUFF; NOCP only with BUFF."""
PASS, DISCARD, WAIT = Action.FORWARD, Action.DROP, Action.BUFFER


def failed(cause: Cause, what: str, kind: int, identity: int, offending: int | None = None) -> Rejected:
    return Rejected(cause, what, offending, FailedRuleId(kind, identity))


class Ends(NamedTuple):
    """The two ends that are ours: where N3 is, and (netmask, network) of the UE pools as numbers; none: any."""

    n3: IPv4Address
    pools: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        pools = tuple((int(pool.netmask), int(pool.network_address)) for pool in settings.ue_pools)
        return cls(settings.n3_address, pools)

    def has(self, ue: IPv4Address) -> bool:
        number = int(ue)
        for mask, network in self.pools:
            if number & mask == network:
                return True
        return not self.pools


class Draft:
    """A session being put together from IEs. Nothing of it is in force before `context` is taken.

    choose_teid gives a TEID that nobody has.
    """

    def __init__(self, session: SessionContext, ends: Ends, choose_teid: Callable[[], int]) -> None:
        self._session, self._ends, self._choose_teid = session, ends, choose_teid
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
        if pdi.source_interface not in SIDES:
            what = f"source interface {pdi.source_interface}"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr.pdr_id, SOURCE_INTERFACE)
        _check_instance(pdi.network_instance)
        if pdi.sdf_filters or pdi.unknown:
            _check_filters(pdr.pdr_id, pdi)
        is_uplink = pdi.source_interface == ACCESS
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
        if f_teid.ipv4 != self._ends.n3 or not f_teid.teid:
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
        given = pfcp.FTeid(teid, self._ends.n3)
        self.created.append(pfcp.CreatedPdr(pdr_id=pdr_id, f_teid=given))
        return teid

    def _ue_address(self, pdr_id: int, pdi: pfcp.Pdi) -> IPv4Address | None:
        found = [ue.ipv4 for ue in pdi.ue_ip_addresses if ue.ipv4 is not None]
        if not found:
            if pdi.ue_ip_addresses:
                what = "UE address of another kind than IPv4, or to be chosen"
                raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr_id, UE_IP_ADDRESS)
            return None
        if found.count(found[0]) != len(found) or not self._ends.has(found[0]):
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


def _check_filters(pdr_id: int, pdi: pfcp.Pdi) -> None:
    """All of a UE's packets are one flow here: only a filter that says so is taken (DEV-071)."""
    for each in pdi.sdf_filters:
        text = " ".join((each.flow_description or "")[: LONGEST_FILTER + 1].split())
        if not text.startswith("permit ") or len(text) > LONGEST_FILTER:
            raise failed(Cause.MANDATORY_IE_INCORRECT, "malformed SDF filter", PDR, pdr_id, SDF_FILTER)
        if text not in ANY_FLOW:
            what = f"SDF filter '{text}': flows are not told apart"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr_id, SDF_FILTER)
    if any(kind == SDF_FILTER for kind, _ in pdi.unknown):
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
    """The flags, where they are OFFERED; a flag that is not comes after those that exclude each other."""
    flags = action.value
    if flags in OFFERED:
        return flags
    if flags & (DROP | FORW | BUFF | NOCP) in OFFERED:
        raise failed(Cause.SERVICE_NOT_SUPPORTED, "Apply Action", FAR, far_id, APPLY_ACTION)
    raise failed(Cause.MANDATORY_IE_INCORRECT, "Apply Action", FAR, far_id, APPLY_ACTION)


def _forwarding(far: Far, ie: pfcp.ForwardingParameters | pfcp.UpdateForwardingParameters) -> Far:
    if ie.redirect_information is not None or ie.forwarding_policy is not None:
        raise failed(Cause.INVALID_FORWARDING_POLICY, "redirection or policy", FAR, far.far_id)
    _check_instance(ie.network_instance)
    if ie.destination_interface is not None:
        if ie.destination_interface not in SIDES:
            what = f"destination interface {ie.destination_interface}"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, FAR, far.far_id, 42)
        far = replace(far, to_access=ie.destination_interface == ACCESS)
    outer = ie.outer_header_creation
    if outer is None:
        return far
    usable = outer.description == OuterHeaderCreation.GTPU_UDP_IPV4 and outer.teid
    if not usable or outer.ipv4 is None or not _is_host(int(outer.ipv4)):
        what = f"outer header creation {outer.description:#06x} to {outer.ipv4}"
        raise failed(Cause.MANDATORY_IE_INCORRECT, what, FAR, far.far_id, OUTER_HEADER_CREATION)
    return replace(far, teid=outer.teid or 0, peer=outer.ipv4)


def _is_host(address: int) -> bool:
    """Neither of 0.0.0.0/8 nor multicast, reserved or broadcast (224.0.0.0/3)."""
    return address >> 24 != 0 and address >> 29 != 7


def _qer(qer: Qer, ie: pfcp.CreateQer | pfcp.UpdateQer) -> Qer:
    if ie.gate_status is not None:
        qer = replace(qer, uplink_open=not ie.gate_status.uplink, downlink_open=not ie.gate_status.downlink)
    if ie.mbr is not None:
        qer = replace(qer, uplink_bps=ie.mbr.uplink * 1000, downlink_bps=ie.mbr.downlink * 1000)
    return qer if ie.qfi is None else replace(qer, qfi=ie.qfi)


# -- compilation -----------------------------------------------------------------------------------------


def compile_rules(session: SessionContext, n3: IPv4Address) -> SessionRules:
    """What the data plane is to do. n3: our end. Rejected for a session that it cannot serve."""
    ordered = sorted(session.pdrs, key=lambda pdr: pdr.precedence)
    uplink = [pdr for pdr in ordered if pdr.is_uplink]
    downlink = [pdr for pdr in ordered if not pdr.is_uplink]
    decap: dict[int, DecapRule] = {}
    encap: dict[int, EncapRule] = {}
    for pdr in uplink:
        if pdr.teid is not None and pdr.teid not in decap:
            decap[pdr.teid] = _decap(session, pdr, pdr.teid, uplink, downlink)
    for pdr in downlink:
        if pdr.ue is not None and int(pdr.ue) not in encap:
            encap[int(pdr.ue)] = _encap(session, pdr, pdr.ue, n3)
    ambr = _same_rates(
        _lowest([session.qer(n).uplink_bps for pdr in uplink for n in pdr.qer_ids]),
        _lowest([session.qer(n).downlink_bps for pdr in downlink for n in pdr.qer_ids]),
    )
    return SessionRules(session.seid, tuple(decap.values()), tuple(encap.values()), ambr)


@lru_cache(1024)
def _same_rates(uplink: int, downlink: int) -> Ambr:
    return Ambr(uplink, downlink)


def _lowest(rates: list[int]) -> int:
    """Of those that limit at all."""
    limits = [rate for rate in rates if rate]
    return min(limits) if limits else 0


def _decap(session: SessionContext, pdr: Pdr, teid: int, uplink: list[Pdr], downlink: list[Pdr]) -> DecapRule:
    ue = pdr.ue or next((each.ue for each in downlink), None)
    if ue is None:
        raise failed(Cause.CONDITIONAL_IE_MISSING, "no UE address", PDR, pdr.pdr_id, UE_IP_ADDRESS)
    far = session.far(pdr.far_id)
    if far.actions & FORW and far.to_access is not False:
        what = "uplink packets go to the core network side only"
        raise failed(Cause.SERVICE_NOT_SUPPORTED, what, FAR, far.far_id, 42)
    is_closed = False in [session.qer(n).uplink_open for n in pdr.qer_ids]
    qfis = [each.qfis for each in uplink if each.teid == teid]
    single = qfis[0][0] if len(qfis[0]) == 1 and qfis.count(qfis[0]) == len(qfis) else 0
    return DecapRule(teid, ue, PASS if far.actions & FORW and not is_closed else DISCARD, single)


def _encap(session: SessionContext, pdr: Pdr, ue: IPv4Address, n3: IPv4Address) -> EncapRule:
    far = session.far(pdr.far_id)
    qfi, is_closed = None, False
    for number in pdr.qer_ids:
        qer = session.qer(number)
        qfi = qer.qfi if qfi is None else qfi
        is_closed = is_closed or not qer.downlink_open
    qfi = qfi or 0
    if far.actions & DROP or is_closed:
        return EncapRule(ue, qfi=qfi, action=DISCARD)
    if far.actions & BUFF:
        return EncapRule(ue, qfi=qfi, action=WAIT, notify=bool(far.actions & NOCP))
    if far.peer is None or not far.to_access:
        what = "downlink packets need the gNB's F-TEID"
        raise failed(Cause.CONDITIONAL_IE_MISSING, what, FAR, far.far_id, OUTER_HEADER_CREATION)
    if far.peer == n3:
        what = "downlink packets would come back to us"
        raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, FAR, far.far_id, OUTER_HEADER_CREATION)
    return EncapRule(ue, far.teid, far.peer, n3, qfi)
