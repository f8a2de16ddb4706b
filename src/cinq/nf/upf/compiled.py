"""A session of N4 compiled to what the data plane takes. TS 29.244 §5.2.1: precedence, detection, enforcement.

A tunnel end with one PDR that takes every packet is a plain rule; one with more, or with filters, has flows, one for
each PDR and numbered as it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Network, ip_network
from operator import attrgetter

from msgspec import structs

from cinq.nf.upf.context import FAR, PDR, Far, Pdr, SessionContext, failed
from cinq.nf.upf.draft import UE_IP_ADDRESS
from cinq.nf.upf.elements import BUFF, DROP, FORW, NOCP, OUTER_HEADER_CREATION, QER_ID
from cinq.nf.upf.ends import Ends, Network
from cinq.transport_address import Address
from cinq.userplane.flows import MOST_LIMITS, NO_ADDRESS
from cinq.userplane.rules import Action, Ambr, DecapRule, EncapRule, Flow, Limit, SessionRules
from cinq.wire.pfcp import Cause

PASS, DISCARD, WAIT = Action.FORWARD, Action.DROP, Action.BUFFER
NOTHING = frozenset[int]()
PRECEDENCE = attrgetter("precedence")
FRAMED_OF = {4: 153, 6: 155}
"""Framed-Route and Framed-IPv6-Route."""


def compile_rules(session: SessionContext, ends: Ends, exhausted: frozenset[int] = NOTHING) -> SessionRules:
    """Rejected for a session that cannot be served. ends: ours. exhausted: the URRs whose quota is used up."""
    return _Compiler(session, ends, exhausted).rules()


def senders(session: SessionContext, ends: Ends) -> tuple[Network, ...]:
    """From where the session's uplink may come: its gNB, as long as downlink packets go to one; else anywhere.

    Before the SMF names the gNB's end, uplink packets are on their way already (TS 23.502 §4.2.3.2 step 12).
    """
    peers = list(session.uplink_peers)
    if len(peers) > 1:
        peers.sort(key=lambda peer: (peer.version, int(peer)))
    return tuple(dict.fromkeys([_senders(ends.gnbs, peer) for peer in peers]))


def core_senders(session: SessionContext, ends: Ends) -> tuple[Network, ...]:
    """From where packets of the session's N9 may come: the UPFs that its uplink goes on to; () is from nowhere."""
    peers = sorted(session.core_peers, key=lambda peer: (peer.version, int(peer)))
    return tuple(dict.fromkeys([_senders(ends.gnbs, peer) for peer in peers]))


@lru_cache(1024)
def _senders(gnbs: tuple[Network, ...], peer: Address) -> Network:
    """From where the gNB with this end may send: the network of it that the settings name, else itself."""
    return next((network for network in gnbs if peer in network), ip_network(peer))


class _Compiler:
    def __init__(self, session: SessionContext, ends: Ends, exhausted: frozenset[int]) -> None:
        self._session, self._ends, self._exhausted = session, ends, exhausted
        self._senders, self._core = senders(session, ends), core_senders(session, ends)
        qers = {qer.qer_id: qer for qer in session.qers}
        self._qers = {pdr.pdr_id: [qers[number] for number in pdr.qer_ids] for pdr in session.pdrs}
        self._frames: list[Pdr] = []
        self._uplink: dict[int, list[Pdr]] = {}
        self._back: dict[int, list[Pdr]] = {}
        self._downlink: dict[IPv4Address | IPv6Network, list[Pdr]] = {}
        asked_of_smf = {far.far_id for far in session.fars if far.to_cp}
        for pdr in sorted(session.pdrs, key=PRECEDENCE):
            if pdr.far_id in asked_of_smf:
                continue  # held, and never asked: see n4u
            if pdr.is_uplink and pdr.teid is not None:
                self._uplink.setdefault(pdr.teid, []).append(pdr)
            elif pdr.leads_back and pdr.teid is not None:
                self._back.setdefault(pdr.teid, []).append(pdr)
            elif not pdr.is_uplink:
                for end in pdr.ends:
                    self._downlink.setdefault(end, []).append(pdr)
                if pdr.link:
                    self._frames.append(pdr)
        self._limits: dict[int, Limit] = {}

    def rules(self) -> SessionRules:
        up, down = list(self._uplink.values()), list(self._downlink.values())
        if self._frames:
            down = [self._frames]
        down += [pdrs for pdrs in self._back.values() if pdrs[0].from_core]
        plain_up, plain_down = self._are_plain(up), self._are_plain(down)
        decap = tuple([self._decap(teid, pdrs, plain_up) for teid, pdrs in self._uplink.items()])
        decap += tuple([self._leads_back(teid, pdrs, plain_down) for teid, pdrs in self._back.items()])
        if self._frames and not (plain_up and plain_down):
            what = "an Ethernet session has one QoS flow"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, self._frames[0].pdr_id)
        link = self._frames[0].link if self._frames else ""
        frames = self._encap(NO_ADDRESS, self._frames, plain_down) if self._frames else None
        encap = tuple([self._encap(ue, pdrs, plain_down) for ue, pdrs in self._downlink.items()])
        ambr = _same_rates(
            _lowest([q.uplink_bps for pdrs in up for q in self._qers[pdrs[0].pdr_id]]) if plain_up else 0,
            _lowest([q.downlink_bps for pdrs in down for q in self._qers[pdrs[0].pdr_id]])
            if plain_down
            else 0,
        )
        return SessionRules(
            self._session.seid, decap, encap, ambr, tuple(self._limits.values()), frames, link
        )

    def _are_plain(self, ends: list[list[Pdr]]) -> bool:
        """Whether the ends of a direction need no flows: each has one PDR for all, all with the same QERs."""
        for pdrs in ends:
            first = pdrs[0]
            alike = len(pdrs) == 1 and not first.filters and len(first.qfis) <= 1
            if not alike or first.qer_ids != ends[0][0].qer_ids:
                return False
            if not first.is_uplink and self._is_reflective(first):
                return False
        return True

    def _is_reflective(self, pdr: Pdr) -> bool:
        return True in [qer.reflective for qer in self._qers[pdr.pdr_id]]

    def _limits_of(self, pdr: Pdr) -> tuple[int, ...]:
        limiting = [qer for qer in self._qers[pdr.pdr_id] if qer.uplink_bps or qer.downlink_bps]
        if len(limiting) > MOST_LIMITS:
            what = f"{len(limiting)} QERs with rates, at most {MOST_LIMITS}"
            raise failed(Cause.NO_RESOURCES_AVAILABLE, what, PDR, pdr.pdr_id, QER_ID)
        for qer in limiting:
            self._limits[qer.qer_id] = Limit(qer.qer_id, qer.uplink_bps, qer.downlink_bps)
        return tuple(qer.qer_id for qer in limiting)

    def _is_over(self, pdr: Pdr) -> bool:
        """Whether a quota of its is used up."""
        return not self._exhausted.isdisjoint(pdr.urr_ids)

    # -- uplink ------------------------------------------------------------------------------------------

    def _decap(self, teid: int, pdrs: list[Pdr], plain: bool) -> DecapRule:
        first = pdrs[0]
        if first.link:
            qfi = first.qfis[0] if first.qfis else 0
            return DecapRule(teid, action=self._passes(first), qfi=qfi, peers=self._senders, is_frames=True)
        ue, prefix = _ue_of(pdrs)
        if ue is None and prefix is None:
            ue, prefix = _ue_of(self._session.pdrs)
        if ue is None and prefix is None and any(self._session.far(pdr.far_id).peer is None for pdr in pdrs):
            raise failed(Cause.CONDITIONAL_IE_MISSING, "no UE address", PDR, first.pdr_id, UE_IP_ADDRESS)
        ue = ue or NO_ADDRESS
        if not plain:
            flows = tuple(self._tunnelled(pdr, self._passes(pdr)) for pdr in pdrs)
            return DecapRule(teid, ue, prefix=prefix, flows=flows, peers=self._senders)
        qfi, far = first.qfis[0] if first.qfis else 0, self._session.far(first.far_id)
        end = far.teid, self._onward(far)
        given = DecapRule(teid, ue, self._passes(first), qfi, prefix=prefix, peers=self._senders)
        return given if far.peer is None else structs.replace(given, onward=end[0], peer=end[1], tos=far.tos)

    def _onward(self, far: Far) -> Address:
        """The other UPF that uplink packets go on to, NO_ADDRESS where they leave by N6."""
        if far.peer is None or not far.actions & FORW:
            return NO_ADDRESS
        if wrong := self._ends.wrong(far.peer):
            cause = Cause.RULE_CREATION_MODIFICATION_FAILURE
            raise failed(cause, wrong, FAR, far.far_id, OUTER_HEADER_CREATION)
        return far.peer

    def _tunnelled(self, pdr: Pdr, action: Action) -> Flow:
        """The flow of a PDR whose packets come from a tunnel, and perhaps go on in another."""
        far = self._session.far(pdr.far_id)
        peer = (self._peer(far) if pdr.leads_back else self._onward(far)) if action is PASS else NO_ADDRESS
        teid, notify = far.teid if int(peer) else 0, bool(far.actions & NOCP)
        limits = self._limits_of(pdr)
        return Flow(
            pdr.pdr_id,
            pdr.filters,
            action,
            pdr.qfis,
            limits,
            tos=far.tos,
            teid=teid,
            peer=peer,
            notify=notify,
        )

    def _leads_back(self, teid: int, pdrs: list[Pdr], plain: bool) -> DecapRule:
        """From N9, or from a gNB that forwards: the packets keep their QFI."""
        first = pdrs[0]
        if any(pdr.from_core != first.from_core for pdr in pdrs):
            what = "one F-TEID for packets of both sides"
            raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, PDR, first.pdr_id)
        peers = self._core if first.from_core else self._senders
        if not peers and first.from_core:
            return DecapRule(teid, action=DISCARD, to_ue=True)  # nobody has it yet
        if not (plain and first.from_core):
            flows = tuple(
                self._tunnelled(pdr, self._does(pdr, self._session.far(pdr.far_id))) for pdr in pdrs
            )
            return DecapRule(teid, flows=flows, peers=peers, to_ue=True)
        far, qfi = self._session.far(first.far_id), first.qfis[0] if first.qfis else 0
        action, notify = self._does(first, far), bool(far.actions & NOCP)
        given = DecapRule(teid, action=action, qfi=qfi, peers=peers, to_ue=True, notify=notify)
        if action is not PASS:
            return given
        return structs.replace(given, onward=far.teid, peer=self._peer(far), tos=far.tos)

    def _passes(self, pdr: Pdr) -> Action:
        far = self._session.far(pdr.far_id)
        if far.actions & FORW and far.to_access is not False:
            what = "uplink packets go to the core network side, or back in another tunnel"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, FAR, far.far_id, 42)
        if not far.actions & FORW or self._is_over(pdr):
            return DISCARD
        return DISCARD if False in [qer.uplink_open for qer in self._qers[pdr.pdr_id]] else PASS

    # -- downlink ----------------------------------------------------------------------------------------

    def _encap(self, ue: IPv4Address | IPv6Network, pdrs: list[Pdr], plain: bool) -> EncapRule:
        routes = self._behind(ue, pdrs)
        if not plain:
            return EncapRule(ue, flows=tuple(self._flow(pdr) for pdr in pdrs), routes=routes)
        pdr = pdrs[0]
        far, qfi = self._session.far(pdr.far_id), self._qfi(pdr)
        action = self._does(pdr, far)
        if action is PASS:
            peer = self._peer(far)
            return EncapRule(ue, far.teid, peer, qfi, tos=far.tos, routes=routes)
        return EncapRule(ue, qfi=qfi, action=action, notify=bool(far.actions & NOCP), routes=routes)

    def _behind(self, ue: IPv4Address | IPv6Network, pdrs: list[Pdr]) -> tuple[Network, ...]:
        """The networks of the UE's version of IP that any of its PDRs names: flows are chosen by the filters alone."""
        named = dict.fromkeys(route for pdr in pdrs for route in pdr.behind)
        lost = [route for route in named if not any(end.version == route.version for end in self._downlink)]
        if lost:
            what, kind = f"{lost[0]} is behind a UE that has no such address", FRAMED_OF[lost[0].version]
            raise failed(Cause.RULE_CREATION_MODIFICATION_FAILURE, what, PDR, pdrs[0].pdr_id, kind)
        return tuple(route for route in named if route.version == ue.version)

    def _flow(self, pdr: Pdr) -> Flow:
        far, qfi = self._session.far(pdr.far_id), self._qfi(pdr)
        action, limits = self._does(pdr, far), self._limits_of(pdr)
        reflective = self._is_reflective(pdr)
        if action is not PASS:
            notify = bool(far.actions & NOCP)
            return Flow(pdr.pdr_id, pdr.filters, action, (), limits, qfi, reflective, notify=notify)
        peer, teid = self._peer(far), far.teid
        return Flow(pdr.pdr_id, pdr.filters, action, (), limits, qfi, reflective, far.tos, teid, peer)

    def _qfi(self, pdr: Pdr) -> int:
        for qer in self._qers[pdr.pdr_id]:
            if qer.qfi is not None:
                return qer.qfi
        return 0

    def _does(self, pdr: Pdr, far: Far) -> Action:
        if far.actions & DROP or self._is_over(pdr):
            return DISCARD
        if False in [qer.downlink_open for qer in self._qers[pdr.pdr_id]]:
            return DISCARD
        if far.actions & FORW and far.to_access and far.peer is None:
            return DISCARD  # to the access side, by no tunnel yet: free5GC's SMF names the gNB's in an Update FAR
        return WAIT if far.actions & BUFF else PASS

    def _peer(self, far: Far) -> Address:
        """The gNB that packets go to."""
        if far.peer is None or not far.to_access:
            what = "downlink packets need the gNB's F-TEID"
            raise failed(Cause.CONDITIONAL_IE_MISSING, what, FAR, far.far_id, OUTER_HEADER_CREATION)
        if wrong := self._ends.wrong(far.peer):
            cause = Cause.RULE_CREATION_MODIFICATION_FAILURE
            raise failed(cause, wrong, FAR, far.far_id, OUTER_HEADER_CREATION)
        return far.peer


@lru_cache(1024)
def _same_rates(uplink: int, downlink: int) -> Ambr:
    return Ambr(uplink, downlink)


def _lowest(rates: list[int]) -> int:
    """Of those that limit at all."""
    return min(filter(None, rates), default=0)


def _ue_of(pdrs: Iterable[Pdr]) -> tuple[IPv4Address | None, IPv6Network | None]:
    """The first address and the first prefix among them."""
    ue, prefix = None, None
    for pdr in pdrs:
        ue, prefix = ue or pdr.ue, prefix or pdr.prefix
    return ue, prefix
