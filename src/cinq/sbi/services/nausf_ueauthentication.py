"""Nausf_UEAuthentication, TS 29.509 §5.2 and §6.1."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import field

from cinq.procedure import Why
from cinq.sbi.operation import Created, Model, SecretModel, operation, service


class ResynchronizationInfo(Model):
    """rand: 32 hexadecimal digits. auts: 28."""

    rand: str
    auts: str


class AuthenticationInfo(Model):
    supi_or_suci: str
    serving_network_name: str
    resynchronization_info: ResynchronizationInfo | None = None
    pei: str | None = None


class Av5gAka(Model):
    rand: str
    hxres_star: str
    autn: str


class Link(Model):
    href: str


AuthType = Literal["5G_AKA", "EAP_AKA_PRIME"]
AuthResult = Literal["AUTHENTICATION_SUCCESS", "AUTHENTICATION_FAILURE", "AUTHENTICATION_ONGOING"]


class UEAuthenticationCtx(Model):
    """5gAuthData: the vector of 5G AKA, or the first EAP packet for the UE (base64 in JSON)."""

    auth_type: AuthType
    auth_data_5g: Av5gAka | bytes = field(name="5gAuthData")
    links: dict[str, Link] = field(name="_links")
    serving_network_name: str | None = None


class ConfirmationData(SecretModel, omit_defaults=False):
    """resStar: 32 hexadecimal digits, or null where the UE sent none."""

    res_star: str | None


class ConfirmationDataResponse(SecretModel):
    """kseaf: 64 hexadecimal digits, present on success only. why, mend: of a failure, for a person; others pass
    over them (TS 29.500 §6.6.2)."""

    auth_result: AuthResult
    supi: str | None = None
    kseaf: str | None = None
    why: str | None = None
    mend: str | None = None

    @property
    def reason(self) -> Why:
        """Why it failed, and what mends it."""
        return Why(self.why or self.auth_result, self.mend or "")


class EapSession(SecretModel):
    """One EAP packet, of the UE in the request and for the UE in the answer (base64 in JSON).

    kSeaf (64 hexadecimal digits) and supi: on success only. _links: where the next packet goes, while it goes on.
    why, mend: of a failure, for a person; others pass over them (TS 29.500 §6.6.2).
    """

    eap_payload: bytes | None
    auth_result: AuthResult | None = None
    supi: str | None = None
    kseaf: str | None = field(name="kSeaf", default=None)
    links: dict[str, Link] | None = field(name="_links", default=None)
    why: str | None = None
    mend: str | None = None

    @property
    def reason(self) -> Why:
        """Why it failed, and what mends it."""
        return Why(self.why or self.auth_result or "", self.mend or "")


@service("nausf-auth", "v1")
class NausfUEAuthentication(Protocol):
    @operation(
        "Nausf_UEAuthentication_Authenticate",
        "POST",
        "/ue-authentications",
        201,
        scopes=("nausf-auth:ue-authentications",),
    )
    async def authenticate(self, body: AuthenticationInfo) -> Created[UEAuthenticationCtx]:
        """403 SERVING_NETWORK_NOT_AUTHORIZED, 404 USER_NOT_FOUND, 403 AUTHENTICATION_REJECTED.

        The subscription says the method: authType 5G_AKA with a vector and the link `5g-aka`, or EAP_AKA_PRIME with
        an EAP packet and the link `eap-session`. The created id is authCtxId of what follows.
        """
        ...

    @operation(
        "Nausf_UEAuthentication_Authenticate",
        "PUT",
        "/ue-authentications/{authCtxId}/5g-aka-confirmation",
        scopes=("nausf-auth:ue-authentications",),
    )
    async def confirm_5g_aka(self, auth_ctx_id: str, body: ConfirmationData) -> ConfirmationDataResponse:
        """404 CONTEXT_NOT_FOUND."""
        ...

    @operation(
        "Nausf_UEAuthentication_Authenticate",
        "POST",
        "/ue-authentications/{authCtxId}/eap-session",
        scopes=("nausf-auth:ue-authentications",),
    )
    async def eap_session(self, auth_ctx_id: str, body: EapSession) -> EapSession:
        """The UE's EAP packet. The answer's is for the UE, by authResult:

        AUTHENTICATION_ONGOING   in AUTHENTICATION REQUEST: a challenge anew, or a notification that it will fail
        AUTHENTICATION_SUCCESS   EAP-Success, with supi and kSeaf
        AUTHENTICATION_FAILURE   EAP-Failure, in AUTHENTICATION REJECT

        400 MANDATORY_IE_INCORRECT: no answer to the last request; it is to be ignored, the exchange stands.
        404 CONTEXT_NOT_FOUND: over, or waited for too long.
        """
        ...
