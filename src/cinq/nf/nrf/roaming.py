"""Other networks: what our functions want of them is asked of their NRFs, and theirs are known by our SEPP.

TS 29.510 §5.3.2.2.3 (discovery in another PLMN), §5.4.2.2.2 (access tokens in another PLMN), TS 33.501 §13.4.1.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from cinq.nf.nrf.settings import Settings
from cinq.procedure import Why
from cinq.sbi import Bus, Problem
from cinq.sbi.caller import caller
from cinq.sbi.models import PlmnId
from cinq.sbi.services.nnrf import NnrfNFDiscovery, SearchQuery, SearchResult
from cinq.sbi.services.nnrf_accesstoken import AccessTokenReq, AccessTokenRsp, NnrfAccessToken
from cinq.sbi.whole import Whole


class Roaming:
    """bus: by which the NRFs of others are asked."""

    def __init__(self, settings: Settings, bus: Bus | None) -> None:
        self._bus = bus
        self._own = frozenset(map(PlmnId.of, settings.plmns))
        self._partners = frozenset(map(PlmnId.of, settings.partners))
        self._sepp = settings.sepp

    def elsewhere(self, targets: Sequence[PlmnId]) -> PlmnId | None:
        """The other network that is meant. Problem 404: we have no agreement with it."""
        if not self._partners or not targets or any(one in self._own for one in targets):
            return None
        found = next((one for one in targets if one in self._partners), None)
        if found is None or self._bus is None:
            names = ", ".join(f"{one.mcc}-{one.mnc}" for one in targets[:4])
            why = Why(f"PLMN {names[:80]} is no roaming partner", "a [[roaming_partner]] with its plmns")
            raise Problem(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", why)
        return found

    def is_guest(self, requesters: Sequence[PlmnId]) -> bool:
        """Whether a function of a partner asks, by our SEPP, which has looked that it is the partner who sends."""
        if not requesters or not all(one in self._partners for one in requesters):
            return False
        who = caller()
        return who is not None and (not who.tls or self._sepp in who.instances)

    async def search(self, plmn: PlmnId, query: SearchQuery) -> Whole[SearchResult]:
        """Of its NRF. The instance identifier of who asks is nobody's business there."""
        assert self._bus is not None
        asked = replace(query, requester_plmn_list=list(self._own), target_plmn_list=[plmn], hnrf_uri=None)
        nrf = self._bus.client(NnrfNFDiscovery, "NRF", None, plmn.numbering())
        return await nrf.search(asked)

    async def token(self, plmn: PlmnId, body: AccessTokenReq) -> AccessTokenRsp:
        assert self._bus is not None
        named = body.requester_plmn or next(iter(self._own))
        asked = replace(body, requester_plmn=named, requester_plmn_list=[], target_plmn=plmn)
        return await self._bus.client(NnrfAccessToken, "NRF", None, plmn.numbering()).get(asked)
