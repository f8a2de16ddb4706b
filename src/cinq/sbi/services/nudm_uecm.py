"""Nudm_UEContextManagement, TS 29.503 §5.3 and §6.2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from cinq.sbi.extensible import extensible
from cinq.sbi.models import AccessType, Guami, PlmnId, RatType, Snssai, Uri
from cinq.sbi.operation import Created, Model, operation, service


class Amf3GppAccessRegistration(Model):
    amf_instance_id: str
    dereg_callback_uri: Uri
    guami: Guami
    rat_type: RatType
    pei: str | None = None
    initial_registration_ind: bool = False
    purge_flag: bool = False


class Amf3GppAccessRegistrationModification(Model):
    guami: Guami
    purge_flag: bool | None = None
    pei: str | None = None


DeregistrationReason = Literal[
    "UE_INITIAL_REGISTRATION",
    "UE_REGISTRATION_AREA_CHANGE",
    "SUBSCRIPTION_WITHDRAWN",
    "REREGISTRATION_REQUIRED",
    "OPERATOR_DETERMINED_BARRING",
]


if not TYPE_CHECKING:
    (DeregistrationReason,) = extensible(DeregistrationReason)


class DeregistrationData(Model):
    dereg_reason: DeregistrationReason
    access_type: AccessType | None = None


class SmfRegistration(Model):
    smf_instance_id: str
    pdu_session_id: int
    single_nssai: Snssai
    plmn_id: PlmnId
    dnn: str | None = None


@service("nudm-uecm", "v1")
class NudmUEContextManagement(Protocol):
    @operation(
        "Nudm_UECM_Registration",
        "PUT",
        "/{ueId}/registrations/amf-3gpp-access",
        201,
        scopes=("nudm-uecm:amf-registration:write",),
    )
    async def registration(
        self, ue_id: str, body: Amf3GppAccessRegistration
    ) -> Created[Amf3GppAccessRegistration]:
        """A second registration replaces the first; the AMF of the first hears of it.

        404 USER_NOT_FOUND. 403 ACCESS_NOT_ALLOWED (barred) and UNKNOWN_5GS_SUBSCRIPTION: 5GMM cause #7; 403
        RAT_NOT_ALLOWED: #27.
        """
        ...

    @operation(
        "Nudm_UECM_Deregistration",
        "PATCH",
        "/{ueId}/registrations/amf-3gpp-access",
        204,
        scopes=("nudm-uecm:amf-registration:write",),
    )
    async def deregistration(self, ue_id: str, body: Amf3GppAccessRegistrationModification) -> None:
        """purgeFlag true. 404 CONTEXT_NOT_FOUND, 403 INVALID_GUAMI when another AMF has registered since."""
        ...

    @operation(
        "Nudm_UECM_Registration",
        "PUT",
        "/{ueId}/registrations/smf-registrations/{pduSessionId}",
        201,
        scopes=("nudm-uecm:smf-registration:write",),
    )
    async def smf_registration(
        self, ue_id: str, pdu_session_id: int, body: SmfRegistration
    ) -> Created[SmfRegistration]: ...

    @operation(
        "Nudm_UECM_Deregistration",
        "DELETE",
        "/{ueId}/registrations/smf-registrations/{pduSessionId}",
        204,
        scopes=("nudm-uecm:smf-registration:write",),
    )
    async def smf_deregistration(self, ue_id: str, pdu_session_id: int) -> None: ...


@service("namf-callback", "v1")
class NamfUecmCallback(Protocol):
    """To the AMF: deregCallbackUri is /namf-callback/v1/dereg/ and the SUPI. 404 for a UE that is not there."""

    @operation("Nudm_UECM_DeregistrationNotification", "POST", "/dereg/{supi}", 204)
    async def deregistration_notify(self, supi: str, body: DeregistrationData) -> None:
        """TS 29.503 §5.3.2.3, TS 23.502 §4.2.2.3.3. Answered before the UE is deregistered.

        UE_INITIAL_REGISTRATION, UE_REGISTRATION_AREA_CHANGE: another AMF serves the UE; nothing is sent to it.
        SUBSCRIPTION_WITHDRAWN: `cinq subscriber remove`. OPERATOR_DETERMINED_BARRING: `cinq subscriber set --barred`.
        REREGISTRATION_REQUIRED: the UE is to come back.
        """
        ...
