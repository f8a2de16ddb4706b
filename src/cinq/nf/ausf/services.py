"""Nausf_UEAuthentication, TS 29.509 §5.2: 5G AKA."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime

from cinq.crypto import kdf
from cinq.nf.ausf.context import AuthenticationContext, Contexts
from cinq.procedure import Clock
from cinq.sbi import Bus, Created, Problem
from cinq.sbi.services.nausf_ueauthentication import (
    AuthenticationInfo,
    Av5gAka,
    ConfirmationData,
    ConfirmationDataResponse,
    Link,
    NausfUEAuthentication,
    UEAuthenticationCtx,
)
from cinq.sbi.services.nnrf import NFProfile
from cinq.sbi.services.nudm_ueau import AuthenticationInfoRequest, AuthEvent, NudmUEAuthentication

SERVING_NETWORK_NAME = re.compile(r"5G:mnc\d{3}\.mcc\d{3}\.3gppnetwork\.org")


class AUSF:
    """entropy(n) gives n random octets."""

    def __init__(self, sbi: Bus, clock: Clock, entropy: Callable[[int], bytes], instance_id: str) -> None:
        self._udm = sbi.client(NudmUEAuthentication, "AUSF")
        self._clock = clock
        self._entropy = entropy
        self._contexts = Contexts()
        self.instance_id = instance_id

    def services(self) -> list[tuple[type, object]]:
        return [(NausfUEAuthentication, self)]

    def profile(self) -> NFProfile:
        return NFProfile(nf_instance_id=self.instance_id, nf_type="AUSF", nf_status="REGISTERED")

    async def authenticate(self, body: AuthenticationInfo) -> Created[UEAuthenticationCtx]:
        """TS 33.501 §6.1.3.2.0 steps 1 to 5: the vector of the UDM becomes the 5G SE AV of the SEAF."""
        network = body.serving_network_name
        if not SERVING_NETWORK_NAME.fullmatch(network):
            raise Problem(403, "SERVING_NETWORK_NOT_AUTHORIZED", f"serving network {network[:80]!r}")
        request = AuthenticationInfoRequest(
            serving_network_name=network,
            ausf_instance_id=self.instance_id,
            resynchronization_info=body.resynchronization_info,
        )
        result = await self._udm.generate_auth_data(body.supi_or_suci, request)
        av, supi = result.authentication_vector, result.supi
        if av is None or supi is None:
            raise Problem(500, "AV_GENERATION_PROBLEM", "the UDM gave no vector")
        xres_star = bytes.fromhex(av.xres_star)
        context = AuthenticationContext(supi, network, xres_star, bytes.fromhex(av.kausf))
        identifier = self._entropy(16).hex()
        self._contexts.add(identifier, context)
        hxres_star = kdf.hres_star(bytes.fromhex(av.rand), xres_star).hex()
        path = f"/ue-authentications/{identifier}"
        answer = UEAuthenticationCtx(
            auth_type="5G_AKA",
            auth_data_5g=Av5gAka(rand=av.rand, hxres_star=hxres_star, autn=av.autn),
            links={"5g-aka": Link(href=f"{path}/5g-aka-confirmation")},
            serving_network_name=network,
        )
        return Created(path, answer)

    async def confirm_5g_aka(self, auth_ctx_id: str, body: ConfirmationData) -> ConfirmationDataResponse:
        """TS 33.501 §6.1.3.2.0 steps 10 to 12: RES* is compared at home; KSEAF leaves on success only."""
        context = self._contexts.take(auth_ctx_id)
        if context is None:
            raise Problem(404, "CONTEXT_NOT_FOUND", "no such authentication is under way")
        try:
            res_star = bytes.fromhex(body.res_star or "")
        except ValueError:
            res_star = b""
        success = hmac.compare_digest(res_star, context.xres_star)
        await self._udm.confirm_auth(context.supi, self._event(context, success))
        if not success:
            return ConfirmationDataResponse(auth_result="AUTHENTICATION_FAILURE")
        kseaf = kdf.kseaf(context.kausf, context.serving_network)
        return ConfirmationDataResponse(
            auth_result="AUTHENTICATION_SUCCESS", supi=context.supi, kseaf=kseaf.hex()
        )

    def _event(self, context: AuthenticationContext, success: bool) -> AuthEvent:
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        return AuthEvent(
            nf_instance_id=self.instance_id,
            success=success,
            time_stamp=now.isoformat(),
            auth_type="5G_AKA",
            serving_network_name=context.serving_network,
        )
