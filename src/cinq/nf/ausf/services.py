"""Nausf_UEAuthentication, TS 29.509 §5.2: EAP-AKA' (TS 33.501 §6.1.3.1) and 5G AKA (§6.1.3.2)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from cinq.crypto import eap_aka, kdf
from cinq.nf.ausf import eap_aka_prime
from cinq.nf.ausf.context import AkaContext, AuthenticationContext, Contexts, EapContext
from cinq.nf.ausf.eap_aka_prime import Accepted, Ended, Faulty, Foreign, Resynchronise
from cinq.procedure import Clock, Why
from cinq.sbi import Bus, Created, Problem
from cinq.sbi.caller import caller
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.nausf_ueauthentication import (
    AuthenticationInfo,
    Av5gAka,
    ConfirmationData,
    ConfirmationDataResponse,
    EapSession,
    Link,
    NausfUEAuthentication,
    ResynchronizationInfo,
    UEAuthenticationCtx,
)
from cinq.sbi.services.nudm_ueau import (
    AuthenticationInfoRequest,
    AuthenticationInfoResult,
    AuthEvent,
    Av5GHeAka,
    AvEapAkaPrime,
    NudmUEAuthentication,
)
from cinq.wire import eap

ROOT = "/nausf-auth/v1/ue-authentications"
SERVING_NETWORK_NAME = re.compile(r"5G:mnc\d{3}\.mcc\d{3}\.3gppnetwork\.org")
IDENTIFIERS = 256


class AUSF:
    """entropy(n) gives n random octets."""

    def __init__(self, sbi: Bus, clock: Clock, entropy: Callable[[int], bytes], instance_id: str) -> None:
        self._sbi = sbi
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
        """The vector of the UDM becomes the 5G SE AV of the SEAF (§6.1.3.2.0 steps 1 to 5) or an EAP challenge."""
        network = body.serving_network_name
        if not SERVING_NETWORK_NAME.fullmatch(network):
            why = Why(f"{network[:80]!r} is no serving network name (TS 24.501 §9.12.1)")
            raise Problem(403, "SERVING_NETWORK_NOT_AUTHORIZED", why)
        _refuse_for_another(network)
        result = await self._vector(body.supi_or_suci, network, body.resynchronization_info)
        identifier = self._entropy(16).hex()
        path = f"/ue-authentications/{identifier}"
        match result.authentication_vector, result.supi:
            case Av5GHeAka() as av, str(supi):
                xres_star = bytes.fromhex(av.xres_star)
                self._keep(identifier, AkaContext(supi, network, xres_star, bytes.fromhex(av.kausf)))
                hxres_star = kdf.hres_star(bytes.fromhex(av.rand), xres_star).hex()
                data: Av5gAka | bytes = Av5gAka(rand=av.rand, hxres_star=hxres_star, autn=av.autn)
                links = self._links("5g-aka", identifier, "5g-aka-confirmation")
            case AvEapAkaPrime() as av, str(supi):
                context = _eap_context(supi, network, av, self._entropy(1)[0])
                self._keep(identifier, context)
                data = eap_aka_prime.challenge(context, bytes.fromhex(av.autn))
                links = self._links("eap-session", identifier, "eap-session")
            case _:
                raise Problem(500, "AV_GENERATION_PROBLEM", Why("the UDM gave no vector"))
        answer = UEAuthenticationCtx(
            auth_type=result.auth_type, auth_data_5g=data, links=links, serving_network_name=network
        )
        return Created(path, answer)

    def _links(self, relation: str, identifier: str, what: str) -> dict[str, Link]:
        """The URI of what follows, whole: other AMFs take it as it is (TS 29.501 §4.7.6)."""
        return {relation: Link(href=self._sbi.uri(f"{ROOT}/{identifier}/{what}"))}

    def _ongoing(self, identifier: str, packet: bytes) -> EapSession:
        links = self._links("eap-session", identifier, "eap-session")
        return EapSession(eap_payload=packet, auth_result="AUTHENTICATION_ONGOING", links=links)

    async def confirm_5g_aka(self, auth_ctx_id: str, body: ConfirmationData) -> ConfirmationDataResponse:
        """TS 33.501 §6.1.3.2.0 steps 10 to 12: RES* is compared at home; KSEAF leaves on success only."""
        context = self._contexts.take(auth_ctx_id, self._clock.now())
        if not isinstance(context, AkaContext):
            raise _nothing_under_way(auth_ctx_id)
        try:
            res_star = bytes.fromhex(body.res_star or "")
        except ValueError:
            res_star = b""
        success = hmac.compare_digest(res_star, context.xres_star)
        await self._confirm(context, success)
        if not success:
            return ConfirmationDataResponse(
                auth_result="AUTHENTICATION_FAILURE",
                why=f"RES* of {context.supi} is wrong",
                mend=eap_aka_prime.WRONG_KEY.format(context.supi),
            )
        kseaf = kdf.kseaf(context.kausf, context.serving_network)
        return ConfirmationDataResponse(
            auth_result="AUTHENTICATION_SUCCESS", supi=context.supi, kseaf=kseaf.hex()
        )

    async def eap_session(self, auth_ctx_id: str, body: EapSession) -> EapSession:
        """TS 33.501 §6.1.3.1 steps 7 to 12. While a packet is looked at the exchange is nobody else's."""
        context = self._contexts.take(auth_ctx_id, self._clock.now())
        if not isinstance(context, EapContext):
            raise _nothing_under_way(auth_ctx_id)
        verdict = eap_aka_prime.judge(context, body.eap_payload or b"")
        match verdict:
            case Foreign(why):
                self._keep(auth_ctx_id, context)
                raise Problem(400, "MANDATORY_IE_INCORRECT", why)
            case Accepted():
                await self._confirm(context, True)
                kseaf = kdf.kseaf(context.keys.kausf, context.serving_network)
                return EapSession(
                    eap_payload=eap.success(context.identifier),
                    auth_result="AUTHENTICATION_SUCCESS",
                    supi=context.supi,
                    kseaf=kseaf.hex(),
                )
            case Resynchronise(auts):
                return await self._challenge_anew(auth_ctx_id, context, auts)
            case Faulty(why):
                return self._notify(auth_ctx_id, context, why)
            case Ended(why):
                await self._confirm(context, False)
                return EapSession(
                    eap_payload=eap.failure(context.identifier),
                    auth_result="AUTHENTICATION_FAILURE",
                    why=str(why),
                    mend=why.mend or None,
                )

    async def _challenge_anew(self, identifier: str, context: EapContext, auts: bytes) -> EapSession:
        """TS 33.102 §6.3.5: the UDM judges AUTS and gives a vector that the USIM will take."""
        lost = ResynchronizationInfo(rand=context.rand.hex(), auts=auts.hex())
        try:
            result = await self._vector(context.supi, context.serving_network, lost)
        except Problem as problem:
            if problem.status != 403:
                raise
            return self._notify(identifier, context, problem.why)
        av = result.authentication_vector
        if not isinstance(av, AvEapAkaPrime):
            why = Why(f"the authentication method of {context.supi} was changed meanwhile", "register again")
            return self._notify(identifier, context, why)
        made = _eap_context(context.supi, context.serving_network, av, _next(context.identifier))
        made = replace(made, resynchronised=True)
        self._keep(identifier, made)
        return self._ongoing(identifier, eap_aka_prime.challenge(made, bytes.fromhex(av.autn)))

    def _notify(self, identifier: str, context: EapContext, why: Why) -> EapSession:
        """RFC 4187 §6.3.2: the UE hears of the failure first; whatever it answers, EAP-Failure follows."""
        made = replace(context, identifier=_next(context.identifier), failing=why)
        self._keep(identifier, made)
        return self._ongoing(identifier, eap_aka_prime.general_failure(made.identifier))

    def _keep(self, identifier: str, context: AuthenticationContext) -> None:
        self._contexts.add(identifier, context, self._clock.now())

    async def _vector(
        self, identity: str, network: str, lost: ResynchronizationInfo | None
    ) -> AuthenticationInfoResult:
        request = AuthenticationInfoRequest(
            serving_network_name=network, ausf_instance_id=self.instance_id, resynchronization_info=lost
        )
        return await self._udm.generate_auth_data(identity, request)

    async def _confirm(self, context: AuthenticationContext, success: bool) -> None:
        """Nudm_UEAuthentication_ResultConfirmation, TS 33.501 §6.1.4.1a."""
        event = AuthEvent(
            nf_instance_id=self.instance_id,
            success=success,
            time_stamp=datetime.fromtimestamp(self._clock.now(), UTC).isoformat(),
            auth_type="EAP_AKA_PRIME" if isinstance(context, EapContext) else "5G_AKA",
            serving_network_name=context.serving_network,
        )
        await self._udm.confirm_auth(context.supi, event)


def _refuse_for_another(network: str) -> None:
    """A SEAF of another network authenticates for that network alone, TS 33.501 §6.1.2. Problem 403."""
    who = caller()
    claims = None if who is None else who.claims
    if claims is None or claims.producer_plmn_id is None or claims.consumer_plmn_id is None:
        return
    serves = kdf.snn(claims.consumer_plmn_id.mcc, claims.consumer_plmn_id.mnc)
    if network != serves:
        why = Why(f"the consumer's access token is for {serves}, it names {network}")
        raise Problem(403, "SERVING_NETWORK_NOT_AUTHORIZED", why)


def _eap_context(supi: str, network: str, av: AvEapAkaPrime, identifier: int) -> EapContext:
    """The identity in the keys is the SUPI, whatever the UE called itself (TS 33.501 §F.2)."""
    ck_prime, ik_prime = bytes.fromhex(av.ck_prime), bytes.fromhex(av.ik_prime)
    keys = eap_aka.session_keys(ck_prime, ik_prime, supi.removeprefix("imsi-"))
    return EapContext(supi, network, identifier, bytes.fromhex(av.rand), bytes.fromhex(av.xres), keys)


def _next(identifier: int) -> int:
    return (identifier + 1) % IDENTIFIERS


def _nothing_under_way(identifier: str) -> Problem:
    why = Why(f"no authentication {identifier[:32]} is under way: it was answered before, or not in time")
    return Problem(404, "CONTEXT_NOT_FOUND", why)
