"""Who an application is: client credentials for access tokens (RFC 6749 §4.4, TS 33.501 §12.4), and what it may do."""

from __future__ import annotations

import hmac

from cinq.nf.nef.settings import Application, Settings
from cinq.procedure import Clock, Why
from cinq.sbi import Problem
from cinq.sbi.caller import caller
from cinq.sbi.services.nef_northbound import ClientCredentialsReq
from cinq.sbi.services.nnrf_accesstoken import AccessTokenClaims, AccessTokenRsp, TokenRefused
from cinq.sbi.token import SigningKey

NOBODY = "-" * 32  # compared with where there is no such client, so that it takes as long


class Clients:
    """instance: of the NEF, which issues and takes the tokens."""

    def __init__(self, settings: Settings, key: SigningKey, clock: Clock, instance: str) -> None:
        self._settings = settings
        self._key = key
        self._clock = clock
        self._instance = instance
        self._by_id = {one.id: one for one in settings.applications}

    async def token(self, body: ClientCredentialsReq) -> AccessTokenRsp:
        """TokenRefused: invalid_client says not which of the two was wrong."""
        if body.grant_type != "client_credentials":
            raise TokenRefused("unsupported_grant_type", f"grant_type: found {body.grant_type[:40]!r}")
        known = self._by_id.get(body.client_id)
        secret = NOBODY if known is None else known.secret
        same = hmac.compare_digest(secret.encode(), body.client_secret.encode("utf-8", "replace"))
        if known is None or not same:
            raise TokenRefused("invalid_client", "client_id or client_secret")
        wanted = tuple(dict.fromkeys((body.scope or " ".join(known.apis)).split(" ")))
        unknown = next((each for each in wanted if each not in known.apis), None)
        if unknown is not None:
            raise TokenRefused("invalid_scope", f"scope: {unknown[:60]!r} is none of {' '.join(known.apis)}")
        now, scope = int(self._clock.now()), " ".join(wanted)
        claims = AccessTokenClaims(
            iss=self._instance,
            sub=known.id,
            aud="NEF",
            scope=scope,
            exp=now + self._settings.token_s,
            iat=now,
        )
        token = self._key.sign(claims)
        return AccessTokenRsp(
            access_token=token, token_type="Bearer", expires_in=self._settings.token_s, scope=scope
        )

    def asking(self, named: str | None = None) -> Application:
        """The client of this request. named: as the path has it. Problem 403: it is another, or none."""
        who = caller()
        subject = named if who is None else None if who.claims is None else who.claims.sub
        known = self._by_id.get(subject or "")
        if known is None or named not in (None, known.id):
            raise Problem(403, "REQUEST_NOT_AUTHORIZED", Why("the access token is of another application"))
        return known


def may_be_told(application: Application, uri: str) -> bool:
    """Whether notifications may go there: nobody makes the NEF ask others for what only it reaches."""
    return ".." not in uri and any(
        uri == root or uri.startswith(f"{root.rstrip('/')}/") for root in application.notify
    )
