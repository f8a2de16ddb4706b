"""A session of N4 being put together from the IEs of a request: PDRs, FARs, QERs, URRs. TS 29.244 §5.2."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Network
from itertools import combinations, product
from typing import TypeVar

from msgspec.structs import replace

from cinq.nf.upf import n4u
from cinq.nf.upf.context import FAR, PDR, QER, URR, Far, Pdr, Qer, Rejected, SessionContext, Urr, failed
from cinq.nf.upf.elements import (
    ACCESS,
    PRECEDENCE,
    QER_ID,
    SIDES,
    URR_ID,
    actions,
    check_instance,
    check_removal,
    ethernet_link,
    forwarding,
    qer_ids,
    qer_of,
    same_numbers,
    urr_ids,
)
from cinq.nf.upf.ends import Ends
from cinq.nf.upf.framed import behind
from cinq.nf.upf.sdf import sdf_filters
from cinq.nf.upf.urr import urr_of
from cinq.transport_address import TransportAddress
from cinq.userplane.flows import Filter, overlap
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause, Interface

R = TypeVar("R", Pdr, Far, Qer, Urr)
MOST = 64  # rules of one kind in a session
F_TEID, UE_IP_ADDRESS, FAR_ID, SOURCE_INTERFACE = 21, 93, 108, 20


Creating = pfcp.SessionEstablishmentRequest | pfcp.SessionModificationRequest


class Draft:
    """A session being put together from IEs. Nothing of it is in force before `context` is taken.

    choose_teid gives a TEID that nobody has.
    """

    def __init__(self, session: SessionContext, ends: Ends, choose_teid: Callable[[], int]) -> None:
        self._session, self._ends, self._choose_teid = session, ends, choose_teid
        self.pdrs = {pdr.pdr_id: pdr for pdr in session.pdrs}
        self.fars = {far.far_id: far for far in session.fars}
        self.qers = {qer.qer_id: qer for qer in session.qers}
        self.urrs = {urr.urr_id: urr for urr in session.urrs}
        self._named = dict(session.named_filters)
        self.created: list[pfcp.CreatedPdr] = []
        self._chosen: dict[int, int] = {}

    # -- create ------------------------------------------------------------------------------------------

    def create(self, request: Creating) -> None:
        """Rejected also where two have one identity."""
        pdrs, fars, qers = request.create_pdrs, request.create_fars, request.create_qers
        if not (pdrs or fars or qers or request.create_urrs):
            return
        _check_once(PDR, [pdr.pdr_id for pdr in pdrs], self.pdrs)
        _check_once(FAR, [far.far_id for far in fars], self.fars)
        _check_once(QER, [qer.qer_id for qer in qers], self.qers)
        _check_once(URR, [urr.urr_id for urr in request.create_urrs], self.urrs)
        for urr in request.create_urrs:
            self.urrs[urr.urr_id] = urr_of(Urr(urr.urr_id), urr)
        for far in fars:
            self.fars[far.far_id] = self._far(far)
        for qer in qers:
            self.qers[qer.qer_id] = qer_of(Qer(qer.qer_id), qer)
        for pdr in pdrs:
            self.pdrs[pdr.pdr_id] = self._pdr(pdr)
        for rules in (self.pdrs, self.fars, self.qers, self.urrs):
            if len(rules) > MOST:
                raise Rejected(Cause.NO_RESOURCES_AVAILABLE, f"{len(rules)} rules, at most {MOST}")

    def _pdr(self, ie: pfcp.CreatePdr) -> Pdr:
        if ie.far_id is None:
            raise failed(Cause.CONDITIONAL_IE_MISSING, "PDR without FAR", PDR, ie.pdr_id, FAR_ID)
        if ie.activate_predefined_rules:
            raise failed(Cause.UNKNOWN_PRE_DEFINED_RULE, "no predefined rules", PDR, ie.pdr_id)
        urrs = urr_ids(ie.urr_ids)
        blank = Pdr(ie.pdr_id, ie.precedence, True, None, None, (), ie.far_id, qer_ids(ie.qer_ids), urrs)
        pdr = self._detect(blank, ie.pdi)
        if pdr.teid is not None and not pdr.from_cp:
            check_removal(ie.pdr_id, ie.outer_header_removal)
        return pdr

    def _detect(self, pdr: Pdr, pdi: pfcp.Pdi) -> Pdr:
        if pdi.source_interface == Interface.CP_FUNCTION:
            return replace(pdr, is_uplink=False, teid=self._tunnel_end(pdr.pdr_id, pdi), from_cp=True)
        if pdi.source_interface not in SIDES:
            what = f"source interface {pdi.source_interface}"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr.pdr_id, SOURCE_INTERFACE)
        check_instance(pdi.network_instance)
        filters = sdf_filters(pdr.pdr_id, pdi, self._named) if pdi.sdf_filters or pdi.unknown else ()
        is_uplink = pdi.source_interface == ACCESS
        from_core = not is_uplink and (pdi.f_teid is not None or F_TEID in dict(pdi.unknown))
        teid = self._tunnel_end(pdr.pdr_id, pdi) if is_uplink or from_core else None
        ue, prefix = (None, None) if from_core else self._ue_address(pdr.pdr_id, pdi)
        link = "" if from_core else ethernet_link(pdr.pdr_id, pdi, self._ends.links)
        if not (is_uplink or from_core) and ue is None and prefix is None and not link:
            raise failed(Cause.CONDITIONAL_IE_MISSING, "no UE address", PDR, pdr.pdr_id, UE_IP_ADDRESS)
        pdr = replace(pdr, behind=behind(pdr.pdr_id, pdi, self._ends), link=link, from_core=from_core)
        qfis = same_numbers(tuple(pdi.qfis))
        return replace(pdr, is_uplink=is_uplink, teid=teid, qfis=qfis, filters=filters, ue=ue, prefix=prefix)

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
        ours, given = self._ends.n3, TransportAddress(f_teid.ipv4, f_teid.ipv6)
        if not set(given.all) <= set(ours.all) or not f_teid.teid:
            what = f"F-TEID {f_teid.teid:#x} at {' and '.join(map(str, given.all))} is not ours"
            raise failed(Cause.INVALID_F_TEID_ALLOCATION_OPTION, what, PDR, pdr_id, F_TEID)
        return f_teid.teid

    def _choose(self, pdr_id: int, f_teid: pfcp.FTeid) -> int:
        """Of both versions where the SMF takes both, those that N3 has (§8.2.3)."""
        ours = self._ends.n3
        ends = ours.ipv4 if f_teid.wants_ipv4 else None, ours.ipv6 if f_teid.wants_ipv6 else None
        if ends == (None, None):
            wanted = [name for name, wants in (("V4", f_teid.wants_ipv4), ("V6", f_teid.wants_ipv6)) if wants]
            what = f"CHOOSE with {' and '.join(wanted) or 'neither'}: N3 is at {' and '.join(map(str, ours.all))}"
            raise failed(Cause.INVALID_F_TEID_ALLOCATION_OPTION, what, PDR, pdr_id, F_TEID)
        known = None if f_teid.choose_id is None else self._chosen.get(f_teid.choose_id)
        teid = known or self._choose_teid()
        if f_teid.choose_id is not None:
            self._chosen[f_teid.choose_id] = teid
        given = pfcp.FTeid(teid, *ends)
        self.created.append(pfcp.CreatedPdr(pdr_id=pdr_id, f_teid=given))
        return teid

    def _ue_address(self, pdr_id: int, pdi: pfcp.Pdi) -> tuple[IPv4Address | None, IPv6Network | None]:
        """The address of IPv4 and the prefix of IPv6, §8.2.62; the same wherever it stands in the PDI."""
        found = pdi.ue_ip_addresses
        if not found:
            return None, None
        ues, prefixes = set[IPv4Address](), set[IPv6Network]()
        for each in found:
            if each.choose_ipv4 or each.choose_ipv6 or each.prefix_delegation_bits:
                what = "UE address to be chosen, or a prefix to be delegated"
                raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr_id, UE_IP_ADDRESS)
            if each.ipv4 is not None:
                ues.add(each.ipv4)
            if each.ipv6 is not None:
                prefixes.add(self._prefix(pdr_id, each))
        if len(ues) > 1 or len(prefixes) > 1 or not all(map(self._ends.has, ues)):
            what = f"UE address {', '.join(map(str, (*ues, *prefixes)))} is not one of ours"
            raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, PDR, pdr_id, UE_IP_ADDRESS)
        return next(iter(ues), None), next(iter(prefixes), None)

    def _prefix(self, pdr_id: int, address: pfcp.UeIpAddress) -> IPv6Network:
        prefix = IPv6Network((address.ipv6 or 0, 64), strict=False)
        if address.prefix_length not in (None, 64):
            what = f"an IPv6 prefix of {address.prefix_length} bits, wanted 64"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr_id, UE_IP_ADDRESS)
        if not any(prefix.subnet_of(pool) for pool in self._ends.prefixes):
            what = f"UE prefix {prefix} is not one of ours"
            raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, PDR, pdr_id, UE_IP_ADDRESS)
        return prefix

    def _far(self, ie: pfcp.CreateFar) -> Far:
        far = Far(ie.far_id, actions(ie.far_id, ie.apply_action))
        parameters = ie.forwarding_parameters
        if ie.duplicating_parameters:
            raise failed(Cause.SERVICE_NOT_SUPPORTED, "duplication", FAR, ie.far_id)
        return far if parameters is None else forwarding(far, parameters, self._ends.n3)

    # -- update and remove -------------------------------------------------------------------------------

    def update(self, request: pfcp.SessionModificationRequest) -> None:
        for urr in request.update_urrs:
            self.urrs[urr.urr_id] = urr_of(_known(self.urrs, urr.urr_id, URR), urr)
        for far in request.update_fars:
            known = _known(self.fars, far.far_id, FAR)
            if far.apply_action is not None:
                known = replace(known, actions=actions(far.far_id, far.apply_action))
            if far.forwarding_parameters is not None:
                known = forwarding(known, far.forwarding_parameters, self._ends.n3)
            self.fars[far.far_id] = known
        for qer in request.update_qers:
            self.qers[qer.qer_id] = qer_of(_known(self.qers, qer.qer_id, QER), qer)
        for pdr in request.update_pdrs:
            self.pdrs[pdr.pdr_id] = self._updated(_known(self.pdrs, pdr.pdr_id, PDR), pdr)

    def _updated(self, pdr: Pdr, ie: pfcp.UpdatePdr) -> Pdr:
        if ie.pdi is not None:
            pdr = self._detect(pdr, ie.pdi)
        return replace(
            pdr,
            precedence=pdr.precedence if ie.precedence is None else ie.precedence,
            far_id=pdr.far_id if ie.far_id is None else ie.far_id,
            qer_ids=qer_ids(ie.qer_ids) if ie.qer_ids else pdr.qer_ids,
            urr_ids=urr_ids(ie.urr_ids) if ie.urr_ids else pdr.urr_ids,
        )

    def remove(self, request: pfcp.SessionModificationRequest) -> None:
        """A URR that goes leaves the PDRs that name it (§5.2.2.2)."""
        if not (request.remove_pdrs or request.remove_fars or request.remove_qers or request.remove_urrs):
            return
        _take(self.pdrs, PDR, [each.pdr_id for each in request.remove_pdrs])
        _take(self.fars, FAR, [each.far_id for each in request.remove_fars])
        _take(self.qers, QER, [each.qer_id for each in request.remove_qers])
        gone = {each.urr_id for each in request.remove_urrs}
        _take(self.urrs, URR, gone)
        for pdr in list(self.pdrs.values()) if gone else ():
            kept = tuple(number for number in pdr.urr_ids if number not in gone)
            self.pdrs[pdr.pdr_id] = replace(pdr, urr_ids=kept)

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
            for urr_id in pdr.urr_ids:
                if urr_id not in self.urrs:
                    what = f"URR {urr_id} is not there"
                    raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, PDR, pdr.pdr_id, URR_ID)
        n4u.check(self.pdrs.values(), self.fars)
        _check_precedence(self.pdrs.values())
        seid = self._session.cp_seid if cp_seid is None else cp_seid
        pdrs, fars = tuple(map(self._directed, self.pdrs.values())), tuple(self.fars.values())
        qers, urrs = _same_qers(tuple(self.qers.values())), tuple(self.urrs.values())
        named = tuple(self._named.items())
        known = self._session
        more = known.csids, known.dnn, known.s_nssai
        return SessionContext(known.seid, seid, known.smf, pdrs, fars, qers, urrs, named, *more)

    def _directed(self, pdr: Pdr) -> Pdr:
        """From the access side back to it: data forwarding in a handover, whose packets go towards the UE."""
        if pdr.teid is None or pdr.from_core or pdr.from_cp:
            return pdr
        back = self.fars[pdr.far_id].to_access is True
        return pdr if pdr.is_uplink != back else replace(pdr, is_uplink=not back)


@lru_cache(1024)
def _same_qers(qers: tuple[Qer, ...]) -> tuple[Qer, ...]:
    """The first that were equal: most sessions have the same."""
    return qers


def _check_once(kind: int, identities: list[int], there: Container[int]) -> None:
    """Rejected where two of a request have one identity, or one has that of a rule which is there."""
    seen: set[int] = set()
    for identity in identities:
        if identity in seen or identity in there:
            what = f"rule {identity} is created twice"
            raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, kind, identity)
        seen.add(identity)


def _check_precedence(pdrs: Iterable[Pdr]) -> None:
    """§5.2.1: the PDR of a packet is found by precedence, so two that take the same packet differ in it."""
    same: dict[tuple[int, int | None], list[Pdr]] = {}
    for pdr in pdrs:
        same.setdefault((pdr.precedence, pdr.teid), []).append(pdr)
    for alike in same.values():
        for one, other in combinations(alike, 2) if len(alike) > 1 else ():
            if one.is_uplink == other.is_uplink and _meet(one, other):
                what = f"PDR {one.pdr_id} and {other.pdr_id} take the same packets at precedence {one.precedence}"
                cause = Cause.RULE_CREATION_MODIFICATION_FAILURE
                raise failed(cause, what, PDR, other.pdr_id, PRECEDENCE)


def _meet(one: Pdr, other: Pdr) -> bool:
    """Whether a packet can be of both."""
    if one.qfis and other.qfis and not set(one.qfis) & set(other.qfis):
        return False
    if one.ends and other.ends and not set(one.ends) & set(other.ends):
        return False
    pairs = product(one.filters or (Filter(),), other.filters or (Filter(),))
    return any(overlap(this, that) for this, that in pairs)


def _take(rules: dict[int, R], kind: int, identities: Iterable[int]) -> None:
    for identity in identities:
        _known(rules, identity, kind)
        del rules[identity]


def _known(rules: dict[int, R], number: int, kind: int) -> R:
    found = rules.get(number)
    if found is None:
        what = f"rule {number} is not there"
        raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, kind, number)
    return found
