"""Nudm_UEAuthentication, TS 29.503 §5.4 and §6.3."""

from __future__ import annotations

from typing import Protocol

from cinq.sbi.operation import Created, Model, SecretModel, operation, service
from cinq.sbi.services.nausf_ueauthentication import AuthType, ResynchronizationInfo


class AuthenticationInfoRequest(Model):
    serving_network_name: str
    ausf_instance_id: str
    resynchronization_info: ResynchronizationInfo | None = None


class Av5GHeAka(SecretModel, tag_field="avType", tag="5G_HE_AKA"):
    """Hexadecimal: rand 32 digits, xresStar 32, autn 32, kausf 64."""

    rand: str
    xres_star: str
    autn: str
    kausf: str


class AvEapAkaPrime(SecretModel, tag_field="avType", tag="EAP_AKA_PRIME"):
    """Hexadecimal: rand 32 digits, xres 8 to 32, autn 32, ckPrime 32, ikPrime 32."""

    rand: str
    xres: str
    autn: str
    ck_prime: str
    ik_prime: str


class AuthenticationInfoResult(Model):
    auth_type: AuthType
    authentication_vector: Av5GHeAka | AvEapAkaPrime | None = None
    supi: str | None = None


class AuthEvent(Model, omit_defaults=False):
    """timeStamp: RFC 3339."""

    nf_instance_id: str
    success: bool
    time_stamp: str
    auth_type: AuthType
    serving_network_name: str


@service("nudm-ueau", "v1")
class NudmUEAuthentication(Protocol):
    @operation(
        "Nudm_UEAuthentication_Get",
        "POST",
        "/{supiOrSuci}/security-information/generate-auth-data",
        200,
        scopes=("nudm-ueau:security-information:generate-auth-data:invoke",),
    )
    async def generate_auth_data(
        self, supi_or_suci: str, body: AuthenticationInfoRequest
    ) -> AuthenticationInfoResult:
        """404 USER_NOT_FOUND, 403 AUTHENTICATION_REJECTED (SUCI not de-concealable, AUTS wrong)."""
        ...

    @operation(
        "Nudm_UEAuthentication_ResultConfirmation",
        "POST",
        "/{supi}/auth-events",
        201,
        scopes=("nudm-ueau:auth-events:create",),
    )
    async def confirm_auth(self, supi: str, body: AuthEvent) -> Created[AuthEvent]: ...
