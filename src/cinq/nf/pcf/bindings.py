"""The PCF at the BSF, TS 29.521 §4.2.2.2 and §4.2.3.2: which PDU sessions it serves.

A session waits for none of it: what is to be said is said at the next look, and what the BSF could not hear, later.
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import msgspec

from cinq.nf.pcf.context import Associations
from cinq.nf.pcf.sessions import SMPolicies
from cinq.procedure.store import Store
from cinq.sbi import Bus, Problem
from cinq.sbi.nf_profile import IpEndPoint
from cinq.sbi.services.nbsf_management import NbsfManagement, PcfBinding

log = logging.getLogger("cinq.pcf")

COLLECTION = "registered-bindings"
MOST_AT_ONCE = 1000  # of one look
REST = 30  # looks, after one in which the BSF was not there


class Registered(msgspec.Struct, frozen=True):
    """name: of the binding at the BSF. said: what the BSF was told."""

    name: str
    said: PcfBinding


class Registrations:
    """What was registered is kept: after a restart it is put right with the associations that there are."""

    def __init__(self, store: Store, sm: SMPolicies, sbi: Bus | None, instance_id: str) -> None:
        self._registered = Associations(store, COLLECTION, Registered)
        self._sm = sm
        self._sbi = sbi
        self._instance_id = instance_id
        self._unsettled = dict.fromkeys((*self._registered, *sm.identifiers()))
        self._rests = 0
        self._looking = False
        sm.changed = self._changed

    def _changed(self, identifier: str) -> None:
        if self._sbi is not None:
            self._unsettled[identifier] = None

    async def look(self) -> None:
        """To be called often."""
        if self._sbi is None or self._looking:
            return
        if self._rests:
            self._rests -= 1
            return
        self._looking = True
        try:
            for identifier in list(self._unsettled)[:MOST_AT_ONCE]:
                del self._unsettled[identifier]
                if not await self._settled(self._sbi, identifier):
                    self._unsettled[identifier] = None
                    self._rests = REST
                    return
        finally:
            self._looking = False

    async def _settled(self, sbi: Bus, identifier: str) -> bool:
        """False: the BSF cannot be reached now."""
        wanted, made = self._binding(sbi, identifier), self._registered.get(identifier)
        if made is not None and made.said == wanted:
            return True
        bsf = sbi.client(NbsfManagement, "PCF")
        try:
            if made is not None:
                await self._deregister(bsf, identifier, made)
            if wanted is not None:
                name = (await bsf.register(wanted)).id
                self._registered.put(identifier, Registered(name, wanted))
        except Problem as problem:
            if problem.status >= 500:
                log.info("the BSF does not hear of %s yet: %s", identifier, problem)
                return False
            log.warning("the BSF takes no binding of %s: %s", identifier, problem)
        return True

    async def _deregister(self, bsf: NbsfManagement, identifier: str, made: Registered) -> None:
        """What the BSF does not know has gone there too."""
        try:
            await bsf.deregister(made.name)
        except Problem as problem:
            if problem.status >= 500:
                raise
        self._registered.remove(identifier)

    def _binding(self, sbi: Bus, identifier: str) -> PcfBinding | None:
        """None: there is no such session, or no address by which anybody would look for it."""
        found = self._sm.get(identifier)
        if found is None or not (found.request.ipv4_address or found.request.ipv6_address_prefix):
            return None
        request, end = found.request, urlsplit(sbi.api_root)
        points = [_end_point(end.hostname, end.port or (443 if end.scheme == "https" else 80))]
        return PcfBinding(
            supi=request.supi,
            gpsi=request.gpsi,
            ipv4_addr=request.ipv4_address,
            ipv6_prefix=request.ipv6_address_prefix,
            dnn=request.dnn,
            snssai=request.slice_info,
            pcf_id=self._instance_id,
            pcf_ip_end_points=[point for point in points if point is not None],
        )


def _end_point(host: str | None, port: int) -> IpEndPoint | None:
    if host is None:  # in one process
        return None
    if ":" in host:
        return IpEndPoint(ipv6_address=host, transport="TCP", port=port)
    return IpEndPoint(ipv4_address=host, transport="TCP", port=port)
