"""Nudm_UEContextManagement, TS 29.503 §5.3 and §6.2."""

from __future__ import annotations

from typing import Protocol

from cinq.sbi.models import Guami, PlmnId, RatType, Snssai
from cinq.sbi.operation import Created, Model, operation, service


class Amf3GppAccessRegistration(Model):
    amf_instance_id: str
    dereg_callback_uri: str
    guami: Guami
    rat_type: RatType
    pei: str | None = None
    initial_registration_ind: bool = False
    purge_flag: bool = False


class Amf3GppAccessRegistrationModification(Model):
    guami: Guami
    purge_flag: bool | None = None
    pei: str | None = None


class SmfRegistration(Model):
    smf_instance_id: str
    pdu_session_id: int
    single_nssai: Snssai
    plmn_id: PlmnId
    dnn: str | None = None


@service("nudm-uecm", "v1")
class NudmUEContextManagement(Protocol):
    @operation("Nudm_UECM_Registration", "PUT", "/{ueId}/registrations/amf-3gpp-access", 201)
    async def registration(
        self, ue_id: str, body: Amf3GppAccessRegistration
    ) -> Created[Amf3GppAccessRegistration]:
        """A second registration replaces the first. 404 USER_NOT_FOUND."""
        ...

    @operation("Nudm_UECM_Deregistration", "PATCH", "/{ueId}/registrations/amf-3gpp-access", 204)
    async def deregistration(self, ue_id: str, body: Amf3GppAccessRegistrationModification) -> None:
        """purgeFlag true. 404 CONTEXT_NOT_FOUND, 403 INVALID_GUAMI when another AMF has registered since."""
        ...

    @operation("Nudm_UECM_Registration", "PUT", "/{ueId}/registrations/smf-registrations/{pduSessionId}", 201)
    async def smf_registration(
        self, ue_id: str, pdu_session_id: int, body: SmfRegistration
    ) -> Created[SmfRegistration]: ...

    @operation(
        "Nudm_UECM_Deregistration", "DELETE", "/{ueId}/registrations/smf-registrations/{pduSessionId}", 204
    )
    async def smf_deregistration(self, ue_id: str, pdu_session_id: int) -> None: ...
