"""The access tokens of the consumers of this process: asked for at the NRF, kept until shortly before they expire.

TS 29.510 §5.4.2.2.1, TS 33.501 §13.4.1.1.2: one token for each consumer, NF type of producers, and scope.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from cinq.numbering import PlmnId
from cinq.procedure import Clock, Why
from cinq.sbi.bus import Bus
from cinq.sbi.guard import FREE
from cinq.sbi.models import PlmnId as SbiPlmnId
from cinq.sbi.operation import Operation
from cinq.sbi.problem import Problem
from cinq.sbi.services.nnrf_accesstoken import AccessTokenReq, NnrfAccessToken

EARLY_S = 30.0  # before its expiry a token is not used any more; of a short one at most half its life
UNKNOWN_S = 60  # the life of a token that does not say it
LONGEST_S = 86_400  # for which a token is used at the most
MOST = 1024

Key = tuple[
    str, str, str, PlmnId | None
]  # consumer, NF type of the producers, scope, the other network that they are in


@dataclass(slots=True)
class _Kept:
    token: str = ""
    until: float = 0.0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Credentials:
    """identities: NF type -> instance of the functions here. operation_scopes: ask for those of operations, too.

    plmn: of this network, which is told where the producer is in another.
    """

    def __init__(
        self,
        bus: Bus,
        identities: Mapping[str, str],
        clock: Clock,
        *,
        operation_scopes: bool = False,
        plmn: PlmnId | None = None,
    ) -> None:
        self._bus = bus
        self._identities = identities
        self._clock = clock
        self._operation_scopes = operation_scopes
        self._plmn = plmn
        self._kept: dict[Key, _Kept] = {}

    async def authorization(self, op: Operation, consumer: str, plmn: PlmnId | None = None) -> str:
        """'Bearer ...'; "" where the operation needs none. Problem 403: the NRF gives none."""
        if op.service in FREE or op.callback:
            return ""
        key = self._key(op, consumer, plmn)
        kept = self._of(key)
        if kept.until <= self._clock.now():
            async with kept.asking:  # who comes meanwhile waits for the same token
                if kept.until <= self._clock.now():
                    await self._ask(kept, key)
        return f"Bearer {kept.token}"

    def refused(self, op: Operation, consumer: str, plmn: PlmnId | None = None) -> bool:
        """What was refused is not shown again."""
        kept = self._kept.pop(self._key(op, consumer, plmn), None)
        return kept is not None and bool(kept.token)

    def _key(self, op: Operation, consumer: str, plmn: PlmnId | None) -> Key:
        scope = f"{op.service} {op.scopes[-1]}" if self._operation_scopes and op.scopes else op.service
        return consumer, op.owner, scope, plmn

    def _of(self, key: Key) -> _Kept:
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= MOST:
                del self._kept[next(iter(self._kept))]
            kept = self._kept[key] = _Kept()
        return kept

    async def _ask(self, kept: _Kept, key: Key) -> None:
        consumer, nf_type, scope, plmn = key
        own = self._identities.get(consumer)
        if own is None:
            raise Problem(403, None, Why(f"no access token for {scope}: there is no {consumer} here"))
        wanted = AccessTokenReq(
            grant_type="client_credentials",
            nf_instance_id=own,
            nf_type=consumer,
            target_nf_type=nf_type,
            scope=scope,
            requester_plmn=None if plmn is None or self._plmn is None else SbiPlmnId.of(self._plmn),
            target_plmn=None if plmn is None else SbiPlmnId.of(plmn),
        )
        try:
            answer = await self._bus.client(NnrfAccessToken, consumer).get(wanted)
        except Problem as problem:
            raise Problem(
                problem.status if problem.status >= 500 else 403,
                None,
                Why(f"no access token for {scope}: {problem}"),
            ) from None
        life = float(UNKNOWN_S if answer.expires_in is None else min(max(answer.expires_in, 0), LONGEST_S))
        kept.token = answer.access_token
        kept.until = self._clock.now() + life - min(EARLY_S, life / 2)
