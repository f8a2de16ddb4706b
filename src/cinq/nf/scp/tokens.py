"""Access tokens in a consumer's name: TS 33.501 §13.4.1.3.2, TS 29.500 §6.10.11.2."""

from __future__ import annotations

import re
from typing import cast

from cinq.nf.scp.ports import Repository
from cinq.nf.scp.selection import Factors
from cinq.procedure import Clock, Why
from cinq.sbi.caller import Caller
from cinq.sbi.indirect import ACCESS_SCOPE
from cinq.sbi.message import Request
from cinq.sbi.nf_profile import NFService
from cinq.sbi.operation import operations
from cinq.sbi.problem import InvalidParam, Problem
from cinq.sbi.services.nnrf_accesstoken import AccessTokenReq, AccessTokenRsp, NnrfAccessToken

GET = next(op for op in operations(NnrfAccessToken) if op.attribute == "get")
MOST = 1024  # tokens that are kept
EARLY_S, UNKNOWN_S, LONGEST_S = 30.0, 60, 86_400
_SCOPES = re.compile(r"[A-Za-z0-9_:-]{1,128}( [A-Za-z0-9_:-]{1,128}){0,15}", re.ASCII)

Key = tuple[str, str, str, str]  # consumer, its type, type of producers, scope


class Tokens:
    """One for each consumer, type of producers and scope; shown for nobody but that consumer."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock
        self._kept: dict[Key, tuple[str, float]] = {}

    async def of(
        self, request: Request, wanted: Factors, service: NFService | None, who: Caller, assertion: str
    ) -> str:
        """'Bearer ...'. Problem 400 MISSING_ACCESS_TOKEN_INFO, 403 ACCESS_TOKEN_DENIED, 504 NRF_NOT_REACHABLE."""
        key = self._key(request, wanted, service, who)
        token, until = self._kept.get(key, ("", 0.0))
        now = self._clock.now()
        if until <= now:
            answer = await self._asked(key, assertion)
            granted = (answer.scope or key[3]).split(" ")
            if any(each not in granted for each in key[3].split(" ")):
                raise Problem(403, "ACCESS_TOKEN_DENIED", Why(f"the NRF grants less than {key[3]}"))
            life = float(
                UNKNOWN_S if answer.expires_in is None else min(max(answer.expires_in, 0), LONGEST_S)
            )
            if len(self._kept) >= MOST:
                del self._kept[next(iter(self._kept))]
            token = answer.access_token
            self._kept[key] = token, now + life - min(EARLY_S, life / 2)
        return f"Bearer {token}"

    def refused(self, authorization: str) -> None:
        """What was refused is not shown again (§6.10.11.2.3)."""
        self._kept = {key: one for key, one in self._kept.items() if f"Bearer {one[0]}" != authorization}

    def _key(self, request: Request, wanted: Factors, service: NFService | None, who: Caller) -> Key:
        scope = (request.header(ACCESS_SCOPE) or "").strip() or wanted.service or ""
        instance = (wanted.query.requester_nf_instance_id or "").lower()
        if not instance:
            raise _missing("3gpp-Sbi-Discovery-requester-nf-instance-id")
        if not _SCOPES.fullmatch(scope):
            raise _missing("3gpp-Sbi-Access-Scope")
        if not who.may_be(instance):
            raise Problem(403, "ACCESS_TOKEN_DENIED", Why("the consumer is not whom its certificate names"))
        query = wanted.query
        return instance, query.requester_nf_type, query.target_nf_type, _expected(scope, service)

    async def _asked(self, key: Key, assertion: str) -> AccessTokenRsp:
        instance, nf_type, target, scope = key
        body = AccessTokenReq(
            grant_type="client_credentials",
            nf_instance_id=instance,
            nf_type=nf_type,
            target_nf_type=target,
            scope=scope,
        )
        try:
            return cast(
                AccessTokenRsp,
                await self._repository.ask(GET, (body,), f"SCP-for-{nf_type[:40]}", assertion),
            )
        except Problem as problem:
            if problem.cause == "NRF_NOT_REACHABLE":
                raise
            raise Problem(403, "ACCESS_TOKEN_DENIED", Why(f"the NRF: {problem}")) from None


def _expected(scope: str, service: NFService | None) -> str:
    """Those of operations only where the producer gives them out (§6.10.11.2.1)."""
    if (
        service is None
        or service.allowed_operations_per_nf_type
        or service.allowed_operations_per_nf_instance
    ):
        return scope
    return " ".join(each for each in scope.split(" ") if ":" not in each) or scope


def _missing(header: str) -> Problem:
    why = Why(f"no access token can be asked for: {header}")
    return Problem(400, "MISSING_ACCESS_TOKEN_INFO", why, InvalidParam(param=header))
