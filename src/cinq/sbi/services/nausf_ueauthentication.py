"""Nausf_UEAuthentication, TS 29.509 §5.2 and §6.1."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import field

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


class UEAuthenticationCtx(Model):
    auth_type: Literal["5G_AKA", "EAP_AKA_PRIME"]
    auth_data_5g: Av5gAka = field(name="5gAuthData")
    links: dict[str, Link] = field(name="_links")
    serving_network_name: str | None = None


class ConfirmationData(SecretModel, omit_defaults=False):
    """resStar: 32 hexadecimal digits, or null where the UE sent none."""

    res_star: str | None


class ConfirmationDataResponse(SecretModel):
    """kseaf: 64 hexadecimal digits, present on success only."""

    auth_result: Literal["AUTHENTICATION_SUCCESS", "AUTHENTICATION_FAILURE", "AUTHENTICATION_ONGOING"]
    supi: str | None = None
    kseaf: str | None = None


@service("nausf-auth", "v1")
class NausfUEAuthentication(Protocol):
    @operation("Nausf_UEAuthentication_Authenticate", "POST", "/ue-authentications", 201)
    async def authenticate(self, body: AuthenticationInfo) -> Created[UEAuthenticationCtx]:
        """403 SERVING_NETWORK_NOT_AUTHORIZED, 404 USER_NOT_FOUND, 403 AUTHENTICATION_REJECTED."""
        ...

    @operation(
        "Nausf_UEAuthentication_Authenticate", "PUT", "/ue-authentications/{authCtxId}/5g-aka-confirmation"
    )
    async def confirm_5g_aka(self, auth_ctx_id: str, body: ConfirmationData) -> ConfirmationDataResponse:
        """404 CONTEXT_NOT_FOUND."""
        ...
