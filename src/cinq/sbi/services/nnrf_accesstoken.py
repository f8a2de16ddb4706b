"""Nnrf_AccessToken, TS 29.510 §5.4 and §6.3: OAuth 2.0 client credentials (RFC 6749 §4.4)."""

from __future__ import annotations

from typing import Literal, Protocol, cast

from msgspec import field

from cinq.procedure import Why
from cinq.sbi.models import PlmnId, PlmnIdNid, Snssai
from cinq.sbi.operation import Form, Model, operation, service
from cinq.sbi.problem import Problem

TokenError = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
]


class AccessTokenReq(Form):
    """scope: names of services and resource/operation-level scopes, with blanks between them.

    targetNfType and nfType for any producer of a type, targetNfInstanceId for one (TS 29.510 §6.3.5.2.2).
    """

    nf_instance_id: str
    scope: str
    grant_type: str = field(name="grant_type")
    nf_type: str | None = None
    target_nf_type: str | None = None
    target_nf_instance_id: str | None = None
    requester_plmn: PlmnId | None = None
    requester_plmn_list: list[PlmnId] = []
    requester_snssai_list: list[Snssai] = []
    requester_fqdn: str | None = None
    target_plmn: PlmnId | None = None
    target_snssai_list: list[Snssai] = []
    target_nsi_list: list[str] = []
    target_nf_set_id: str | None = None
    target_nf_service_set_id: str | None = None
    source_nf_instance_id: str | None = None


class AccessTokenRsp(Model):
    """access_token: a JWS in compact form of AccessTokenClaims. expires_in: seconds."""

    access_token: str = field(name="access_token")
    token_type: Literal["Bearer"] = field(name="token_type")
    expires_in: int | None = field(name="expires_in", default=None)
    scope: str | None = None

    @property
    def http_headers(self) -> tuple[tuple[str, str], ...]:
        """RFC 6749 §5.1: a token is nothing for caches."""
        return NOT_STORED

    def __repr__(self) -> str:
        return f"AccessTokenRsp(scope={self.scope!r}, expires_in={self.expires_in})"


NOT_STORED = (("cache-control", "no-store"), ("pragma", "no-cache"))


class AccessTokenClaims(Model):
    """TS 29.510 §6.3.5.2.4. iss: the NRF; sub: the consumer; aud: an NF type, or instances of producers.

    exp: seconds since 1970. The consumer's PLMN, and what the producer must be: its slices, its set.
    """

    iss: str
    sub: str
    aud: str | list[str]
    scope: str
    exp: int
    iat: int | None = None
    consumer_plmn_id: PlmnId | None = None
    consumer_snpn_id: PlmnIdNid | None = None
    producer_plmn_id: PlmnId | None = None
    producer_snssai_list: list[Snssai] = []
    producer_nsi_list: list[str] = []
    producer_nf_set_id: str | None = None
    producer_nf_service_set_id: str | None = None
    source_nf_instance_id: str | None = None


class AccessTokenErr(Model):
    """RFC 6749 §5.2."""

    error: TokenError
    error_description: str | None = field(name="error_description", default=None)

    @property
    def http_headers(self) -> tuple[tuple[str, str], ...]:
        return NOT_STORED

    @classmethod
    def of(cls, problem: Exception) -> AccessTokenErr | None:
        found = cast(Problem, problem)
        if isinstance(found, TokenRefused):
            return cls(error=found.error, error_description=found.details.detail)
        return (
            cls(error="invalid_request", error_description=found.details.detail)
            if found.status == 400
            else None
        )

    def problem(self, status: int) -> Exception:
        return TokenRefused(self.error, self.error_description or "", status)


class TokenRefused(Problem):
    """No token: one of the errors of RFC 6749 §5.2."""

    def __init__(self, error: TokenError, detail: str, status: int = 400) -> None:
        super().__init__(status, error, Why(detail))
        self.error = error


@service("oauth2", "")
class NnrfAccessToken(Protocol):
    @operation("Nnrf_AccessToken_Get", "POST", "/token", error=AccessTokenErr)
    async def get(self, body: AccessTokenReq) -> AccessTokenRsp:
        """TokenRefused."""
        ...
