"""Nnrf_AccessToken_Get (TS 29.510 §5.4.2.2, TS 33.501 §13.4.1.1.2 step 1): who may ask whom for what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from cinq.nf.nrf.roaming import Roaming
from cinq.procedure import Clock
from cinq.sbi.caller import caller
from cinq.sbi.models import PlmnId, Snssai
from cinq.sbi.nf_profile import NFProfile, NFService
from cinq.sbi.services.nnrf_accesstoken import (
    AccessTokenClaims,
    AccessTokenReq,
    AccessTokenRsp,
    NnrfAccessToken,
    TokenRefused,
)
from cinq.sbi.token import SigningKey

SCOPES = re.compile(r"[a-zA-Z0-9_:-]{1,128}( [a-zA-Z0-9_:-]{1,128}){0,63}", re.ASCII)
OWN_SERVICES = frozenset(("nnrf-nfm", "nnrf-disc"))


class Tokens:
    """known: the registered instances, as they are now. validity_s: of a token."""

    def __init__(
        self,
        key: SigningKey,
        clock: Clock,
        instance_id: str,
        known: Callable[[], Iterable[NFProfile]],
        validity_s: int,
        *,
        roaming: Roaming,
    ) -> None:
        self._key = key
        self._clock = clock
        self._instance_id = instance_id
        self._known = known
        self._validity_s = validity_s
        self._roaming = roaming

    def services(self) -> list[tuple[type, object]]:
        return [(NnrfAccessToken, self)]

    async def get(self, body: AccessTokenReq) -> AccessTokenRsp:
        """TokenRefused: invalid_client where it is not who it says, invalid_scope where nobody offers it that."""
        if body.grant_type != "client_credentials":
            raise TokenRefused("unsupported_grant_type", f"grant_type: found {body.grant_type[:40]!r}")
        if not SCOPES.fullmatch(body.scope):
            raise TokenRefused("invalid_scope", "scope: wanted names with single blanks between them")
        consumer = self._consumer(body)
        if body.target_plmn is not None:
            elsewhere = self._roaming.elsewhere((body.target_plmn,))
            if elsewhere is not None:
                return await self._roaming.token(elsewhere, body)
        producers = self._producers(body, consumer)
        scopes = tuple(dict.fromkeys(body.scope.split(" ")))
        for scope in scopes:
            if not self._grants(scope, producers, consumer, body):
                raise TokenRefused(
                    "invalid_scope", f"{scope}: nobody who was asked for offers it to {consumer.nf_type}"
                )
        claims = self._claims(body, consumer, producers, " ".join(scopes))
        return AccessTokenRsp(
            access_token=self._key.sign(claims),
            token_type="Bearer",
            expires_in=self._validity_s,
            scope=claims.scope,
        )

    def _consumer(self, body: AccessTokenReq) -> NFProfile:
        """The profile of who asks; what it says of itself is what its certificate and its profile say."""
        who, identifier = caller(), body.nf_instance_id.lower()
        if (guest := self._guest(body, identifier)) is not None:
            return guest
        if who is not None and not who.may_be(identifier):
            raise TokenRefused("invalid_client", "nfInstanceId is not of the client's certificate")
        found = next((p for p in self._known() if p.nf_instance_id == identifier), None)
        if found is None:
            raise TokenRefused("invalid_client", f"no NF instance {identifier[:60]} is registered")
        if body.nf_type is not None and body.nf_type != found.nf_type:
            raise TokenRefused(
                "invalid_client", f"nfType: found {body.nf_type[:40]}, registered as {found.nf_type}"
            )
        plmns = [*([body.requester_plmn] if body.requester_plmn else ()), *body.requester_plmn_list]
        if found.plmn_list and any(plmn not in found.plmn_list for plmn in plmns):
            raise TokenRefused("invalid_client", "requesterPlmn is not of the registered profile")
        slices = {one.numbering() for one in found.s_nssais}
        if slices and any(one.numbering() not in slices for one in body.requester_snssai_list):
            raise TokenRefused("invalid_client", "requesterSnssaiList is not of the registered profile")
        return found

    def _guest(self, body: AccessTokenReq, identifier: str) -> NFProfile | None:
        """A function of a partner, whose own NRF has looked who it is (TS 33.501 §13.4.1.2.2); None: it is ours."""
        plmns = [*([body.requester_plmn] if body.requester_plmn else ()), *body.requester_plmn_list]
        if not self._roaming.is_guest(plmns):
            return None
        if body.nf_type is None:
            raise TokenRefused("invalid_request", "nfType: found nothing, wanted that of the consumer")
        return NFProfile(
            nf_instance_id=identifier, nf_type=body.nf_type, nf_status="REGISTERED", plmn_list=plmns
        )

    def _producers(self, body: AccessTokenReq, consumer: NFProfile) -> list[NFProfile]:
        """Those for whom it asks. TokenRefused: it does not say, or means none."""
        if body.target_nf_instance_id is not None:
            wanted = body.target_nf_instance_id.lower()
            if wanted == self._instance_id:
                return []
            found = [p for p in self._known() if p.nf_instance_id == wanted]
        elif body.target_nf_type is None or body.nf_type is None:
            raise TokenRefused("invalid_request", "wanted targetNfInstanceId, or nfType and targetNfType")
        elif body.target_nf_type == "NRF":
            return []
        else:
            found = [p for p in self._known() if p.nf_type == body.target_nf_type]
        if body.target_nf_set_id is not None:
            found = [p for p in found if body.target_nf_set_id in p.nf_set_id_list]
        if body.target_nsi_list:
            found = [p for p in found if set(p.nsi_list) & set(body.target_nsi_list)]
        wanted_slices = {one.numbering() for one in body.target_snssai_list}
        if wanted_slices:
            found = [
                p for p in found if not p.s_nssais or wanted_slices & {s.numbering() for s in p.s_nssais}
            ]
        if body.target_nf_type is not None:
            found = [p for p in found if p.nf_type == body.target_nf_type]
        if not found:
            raise TokenRefused("invalid_request", "no such producer is registered")
        return [p for p in found if admits(p, consumer)]

    def _grants(
        self, scope: str, producers: list[NFProfile], consumer: NFProfile, body: AccessTokenReq
    ) -> bool:
        """Whether one of the producers offers the service to this consumer, and the operation where it names one."""
        name, _, operation = scope.partition(":")
        if body.target_nf_type == "NRF" or (body.target_nf_instance_id or "").lower() == self._instance_id:
            return name in OWN_SERVICES and not operation
        return any(
            each.service_name == name
            and offers(each, consumer)
            and (not operation or scope in operations_of(each, consumer))
            for producer in producers
            for each in producer.services
        )

    def _claims(
        self, body: AccessTokenReq, consumer: NFProfile, producers: list[NFProfile], scope: str
    ) -> AccessTokenClaims:
        now = int(self._clock.now())
        one = body.target_nf_instance_id
        return AccessTokenClaims(
            iss=self._instance_id,
            sub=consumer.nf_instance_id,
            aud=[one.lower()] if one is not None else body.target_nf_type or "",
            scope=scope,
            exp=now + self._validity_s,
            iat=now,
            consumer_plmn_id=next(iter(consumer.plmn_list), None)
            if body.requester_plmn is None
            else body.requester_plmn,
            producer_plmn_id=body.target_plmn,
            producer_snssai_list=_slices(body.target_snssai_list, producers),
            producer_nsi_list=[
                each for each in body.target_nsi_list if any(each in p.nsi_list for p in producers)
            ],
            producer_nf_set_id=body.target_nf_set_id if one is None else None,
        )


def admits(producer: NFProfile, consumer: NFProfile) -> bool:
    """The authorization attributes of a producer's profile (TS 29.510 §6.1.6.2.2): types, PLMNs, slices."""
    return _admits(
        producer.allowed_nf_types,
        producer.allowed_plmns,
        producer.plmn_list,
        producer.allowed_nssais,
        consumer,
    )


def offers(service: NFService, consumer: NFProfile) -> bool:
    """Those of one service, TS 29.510 §6.1.6.2.3."""
    own: list[PlmnId] = []
    return _admits(service.allowed_nf_types, service.allowed_plmns, own, service.allowed_nssais, consumer)


def _admits(
    types: list[str],
    plmns: list[PlmnId],
    own: list[PlmnId],
    slices: list[Snssai],
    consumer: NFProfile,
) -> bool:
    """An attribute that is not there allows all. PLMNs of the producer itself are allowed always."""
    if types and consumer.nf_type not in types:
        return False
    if plmns and consumer.plmn_list and not any(plmn in (*plmns, *own) for plmn in consumer.plmn_list):
        return False
    allowed, served = {s.numbering() for s in slices}, {s.numbering() for s in consumer.s_nssais}
    return not allowed or not served or bool(allowed & served)


def operations_of(service: NFService, consumer: NFProfile) -> set[str]:
    """The resource/operation-level scopes that a consumer may have, TS 29.510 §6.1.6.2.3."""
    by_instance = service.allowed_operations_per_nf_instance.get(consumer.nf_instance_id)
    by_type = service.allowed_operations_per_nf_type.get(consumer.nf_type, [])
    if by_instance is not None and service.allowed_operations_per_nf_instance_overrides:
        return set(by_instance)
    return {*(by_instance or ()), *by_type}


def _slices(wanted: list[Snssai], producers: list[NFProfile]) -> list[Snssai]:
    """Of the slices that were asked for, those that a producer serves (NOTE a of TS 33.501 §13.4.1.1.2)."""
    served = {s.numbering() for p in producers for s in p.s_nssais}
    return [one for one in wanted if not served or one.numbering() in served]
