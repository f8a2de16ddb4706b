"""What a producer asks of a request before it looks at it: an access token, TS 33.501 §13.4.1.1.2 step 2.

Refusals are those of TS 29.500 §6.7.3: 401 with a challenge, and 403 insufficient_scope (RFC 6750 §3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cinq.procedure import Clock, Why
from cinq.sbi.caller import Caller
from cinq.sbi.models import PlmnId, Snssai
from cinq.sbi.operation import Operation
from cinq.sbi.problem import InvalidParam, Problem
from cinq.sbi.services.nnrf_accesstoken import AccessTokenClaims
from cinq.sbi.token import TokenError, TrustedKeys

KEPT = 1024  # tokens whose signature has been verified
FREE = frozenset(("oauth2", "bootstrapping", "nnrf-nfm", "nnrf-disc"))
"""Of the NRF: optional there (TS 33.501 §13.3.1.3). The NRF looks at who the caller is."""


@dataclass(frozen=True, slots=True)
class Producer:
    """Whom a token must be for. snssais: what it serves; none: all. nsis: network slice instances."""

    nf_type: str
    instances: frozenset[str]
    snssais: tuple[Snssai, ...] = ()
    nf_sets: tuple[str, ...] = ()
    nsis: tuple[str, ...] = ()


class Unauthorized(Problem):
    """401 or 403 with a challenge. error: of RFC 6750 §3.1; "" where no token was shown."""

    def __init__(
        self,
        realm: str,
        error: str,
        detail: str,
        *invalid: InvalidParam,
        scope: str = "",
        cause: str | None = None,
    ) -> None:
        super().__init__(403 if scope else 401, cause, Why(detail), *invalid)
        said = [f'realm="{realm}"']
        if error:
            said.append(f'error="{error}"')
        if scope:
            said.append(f'scope="{scope}"')
        self.headers = (("www-authenticate", f"Bearer {', '.join(said)}"),)


class Guard:
    """operation_scopes: whether an operation that the API gives a scope of its own is refused without it.

    sepps: instances of our SEPPs, which bring requests of other networks. plmns: those of this network. bearers: a
    token is of whoever shows it, as those of applications are.
    """

    def __init__(
        self,
        keys: TrustedKeys,
        clock: Clock,
        whom: Callable[[Operation], Producer],
        *,
        issuers: frozenset[str] = frozenset(),
        operation_scopes: bool = False,
        bearers: bool = False,
        sepps: frozenset[str] = frozenset(),
        plmns: frozenset[PlmnId] = frozenset(),
    ) -> None:
        self._bearers = bearers
        self._keys = keys
        self._clock = clock
        self._whom = whom
        self._issuers = issuers
        self._operation_scopes = operation_scopes
        self._sepps = sepps
        self._plmns = plmns
        self._verified: dict[str, AccessTokenClaims] = {}

    def admit(
        self, op: Operation, authorization: str | None, who: Caller, api_root: str
    ) -> AccessTokenClaims | None:
        """The claims under which the operation may be carried out; None: it needs none. Unauthorized."""
        if op.service in FREE or op.callback:
            return None  # notifications carry none: TS 29.500 §6.7.3
        realm = f"{api_root}{op.root}"
        if authorization is None:
            raise Unauthorized(realm, "", f"{op.name}: no access token")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized(realm, "", f"Authorization: found {scheme[:20]!r}, wanted Bearer")
        claims = self._claims(realm, token.strip())
        wrong = self._not_for(claims, op, who)
        if wrong:
            raise Unauthorized(realm, "invalid_token", f"access token: {wrong}")
        wanted = self._lacks(claims, op)
        if wanted:
            raise Unauthorized(
                realm,
                "insufficient_scope",
                f"access token: its scope {claims.scope[:120]!r} does not grant {op.name}",
                scope=wanted,
            )
        return claims

    def _claims(self, realm: str, token: str) -> AccessTokenClaims:
        """The signature is verified once for each token."""
        found = self._verified.get(token)
        if found is None:
            try:
                found = self._keys.claims(token)
            except TokenError as error:
                invalid = InvalidParam(param=f"/{error.missing}", reason="missing") if error.missing else None
                raise Unauthorized(
                    realm,
                    "invalid_token",
                    f"access token: {error}",
                    *(() if invalid is None else (invalid,)),
                    cause="ACCESS_TOKEN_CLAIM_MISSING" if invalid else None,
                ) from None
            if len(self._verified) >= KEPT:
                del self._verified[next(iter(self._verified))]
            self._verified[token] = found
        return found

    def _not_for(self, claims: AccessTokenClaims, op: Operation, who: Caller) -> str:
        """What is wrong with it, or nothing: expiry, issuer, subject, audience, and what the producer must be."""
        if claims.exp <= self._clock.now():
            return "it has expired"
        if self._issuers and claims.iss.lower() not in self._issuers:
            return "its issuer is no NRF of ours"
        if not (self._bearers or who.may_be(claims.sub) or self._is_from_abroad(claims, who)):
            return "its subject is not whom the client's certificate names"
        producer = self._whom(op)
        audience = claims.aud
        if isinstance(audience, str):
            if audience.upper() != producer.nf_type:
                return f"it is for {audience[:40]}, and this is {producer.nf_type}"
        elif not producer.instances & {each.lower() for each in audience}:
            return "it is for other NF instances"
        return _not_such(claims, producer, self._plmns)

    def _is_from_abroad(self, claims: AccessTokenClaims, who: Caller) -> bool:
        """Whether our SEPP brings it, of a consumer of another network (TS 33.501 §13.4.1.2): it has looked that the
        network is the one that sent it."""
        plmn = claims.consumer_plmn_id
        return plmn is not None and plmn not in self._plmns and bool(who.instances & self._sepps)

    def _lacks(self, claims: AccessTokenClaims, op: Operation) -> str:
        """The scopes that would grant the operation, where the token's do not."""
        granted = claims.scope.split(" ")
        own = f"{op.service}:"
        narrow = self._operation_scopes or any(each.startswith(own) for each in granted)
        if op.service in granted and not (op.scopes and narrow and not set(op.scopes) & set(granted)):
            return ""
        return f"{op.service} {op.scopes[-1]}" if op.scopes and narrow else op.service


def _not_such(claims: AccessTokenClaims, producer: Producer, plmns: frozenset[PlmnId]) -> str:
    """TS 33.501 §13.4.1.1.2 step 2 and §13.4.1.2: slices, their instances, the set and the PLMN of the producer."""
    if claims.producer_snssai_list and producer.snssais:
        offered = {one.numbering() for one in producer.snssais}
        if not offered & {one.numbering() for one in claims.producer_snssai_list}:
            return "it is for other slices"
    if claims.producer_nsi_list and not set(claims.producer_nsi_list) & set(producer.nsis):
        return "it is for other network slice instances"
    wanted_set = claims.producer_nf_set_id
    if wanted_set is not None and wanted_set not in producer.nf_sets:
        return "it is for another NF set"
    if claims.producer_plmn_id is not None and plmns and claims.producer_plmn_id not in plmns:
        return "it is for producers of another PLMN"
    return ""
