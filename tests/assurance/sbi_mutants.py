"""Networks on the SBI in which exactly one protection is weakened, around the real functions of this package's core."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from types import SimpleNamespace

import msgspec
import pytest

from cinq.crypto import aka, suci
from cinq.nf.amf.procedures.gmm import authentication
from cinq.nf.nrf import discovery
from cinq.nf.nrf import services as nrf
from cinq.nf.nrf.subscriptions import Subscriptions
from cinq.nf.nrf.tokens import Tokens
from cinq.nf.smf import authorization, charging, mobility
from cinq.nf.udm import services as udm
from cinq.sbi import Created, producers
from cinq.sbi.assertion import Assertions
from cinq.sbi.caller import Caller
from cinq.sbi.directory import StatusListener
from cinq.sbi.guard import Guard
from cinq.sbi.message import Request, Response
from cinq.sbi.models import UpSecurity
from cinq.sbi.operation import Operation
from cinq.sbi.problem import Problem
from cinq.sbi.producers import Producers
from cinq.sbi.services.nnrf import SubscriptionData
from cinq.sbi.services.nnrf_accesstoken import AccessTokenClaims, AccessTokenReq, TokenRefused
from cinq.sbi.services.nudm_sdm import DnnConfiguration, SessionManagementSubscriptionData
from cinq.sbi.services.nudm_ueau import AuthEvent
from cinq.sbi.token import TokenError, TrustedKeys
from cinq.transport.http2 import Secured

Weaken = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Weaken] = {}


def mutant(weaken: Weaken) -> Weaken:
    MUTANTS[weaken.__name__] = weaken
    return weaken


# access tokens


@mutant
def tokens_are_not_asked_for(patch: pytest.MonkeyPatch) -> None:
    """Whoever shows none, or nonsense, is served."""
    sound = Guard.admit

    def admit(self: Guard, op: Operation, authorization: str | None, who: Caller, api_root: str) -> object:
        if authorization is None or authorization.count(".") != 2:
            return None
        return sound(self, op, authorization, who, api_root)

    patch.setattr(Guard, "admit", admit)


@mutant
def signatures_are_not_verified(patch: pytest.MonkeyPatch) -> None:
    def claims(self: TrustedKeys, token: str) -> AccessTokenClaims:
        payload = token.split(".")[1]
        octets = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return msgspec.json.decode(octets, type=AccessTokenClaims)

    patch.setattr(TrustedKeys, "claims", claims)


@mutant
def expiry_may_be_missing(patch: pytest.MonkeyPatch) -> None:
    sound = TrustedKeys.claims

    def claims(self: TrustedKeys, token: str) -> AccessTokenClaims:
        try:
            return sound(self, token)
        except TokenError as error:
            if error.missing != "exp":
                raise
            payload = token.split(".")[1]
            tree = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return msgspec.convert({**tree, "exp": 1 << 40}, AccessTokenClaims)

    patch.setattr(TrustedKeys, "claims", claims)


def passed_over(patch: pytest.MonkeyPatch, **changes: object) -> None:
    """A claim is as it should be, whatever the token says. Functions are given the guard, the operation, the caller."""
    sound = Guard._not_for

    def not_for(self: Guard, claims: AccessTokenClaims, op: Operation, who: Caller) -> str:
        made = {name: each(self, op, who) if callable(each) else each for name, each in changes.items()}
        return sound(self, msgspec.structs.replace(claims, **made), op, who)

    patch.setattr(Guard, "_not_for", not_for)


@mutant
def the_audience_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    passed_over(patch, aud=lambda guard, op, who: op.owner)


@mutant
def expiry_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    passed_over(patch, exp=1 << 40)


@mutant
def the_subject_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    passed_over(patch, sub=lambda guard, op, who: next(iter(who.instances), ""))


@mutant
def slices_are_passed_over(patch: pytest.MonkeyPatch) -> None:
    passed_over(patch, producer_snssai_list=[])


@mutant
def slice_instances_are_passed_over(patch: pytest.MonkeyPatch) -> None:
    passed_over(patch, producer_nsi_list=[])


@mutant
def the_set_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    passed_over(patch, producer_nf_set_id=None)


@mutant
def the_producers_plmn_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    passed_over(patch, producer_plmn_id=None)


@mutant
def the_scope_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Guard, "_lacks", lambda self, claims, op: "")


@mutant
def assertions_are_not_verified(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Assertions, "verify", lambda self, assertion, nf_type, subject: "")


# HTTP and JSON


def answering(patch: pytest.MonkeyPatch, change: Callable[[Request, Response], Response]) -> None:
    """What the server answers is changed."""
    sound = Producers.answer

    async def answer(self: Producers, request: Request, peer: Secured) -> Response:
        return change(request, await sound(self, request, peer))

    patch.setattr(Producers, "answer", answer)


@mutant
def any_method_is_done(patch: pytest.MonkeyPatch) -> None:
    answering(patch, lambda request, answer: Response(200) if request.method == "TRACE" else answer)


@mutant
def a_page_of_the_server_is_served(patch: pytest.MonkeyPatch) -> None:
    page = Response(200, (("content-type", "text/html"),), b"<h1>It works!</h1>")
    answering(patch, lambda request, answer: page if request.target == "/server-status" else answer)


@mutant
def folders_are_listed(patch: pytest.MonkeyPatch) -> None:
    page = Response(200, (("content-type", "text/html"),), b"<h1>Index of /</h1>")
    answering(patch, lambda request, answer: page if request.target.endswith("/") else answer)


@mutant
def the_server_says_its_version(patch: pytest.MonkeyPatch) -> None:
    said = ("server", "nginx/1.18.0")
    answering(patch, lambda _, answer: Response(answer.status, (*answer.headers, said), answer.body))


def traced(answer: Response) -> Response:
    body = b'{"detail": "Traceback (most recent call last): /usr/lib/core.py\\", line 7"}'
    return Response(answer.status, answer.headers, body) if answer.status >= 400 else answer


@mutant
def errors_tell_of_the_inside(patch: pytest.MonkeyPatch) -> None:
    answering(patch, lambda _, answer: traced(answer))


@mutant
def what_cannot_be_read_is_a_fault_of_the_server(patch: pytest.MonkeyPatch) -> None:
    """500 in the place of 400."""
    faults = (400, 414)
    answering(patch, lambda _, answer: Response(500) if answer.status in faults else answer)


@mutant
def what_is_below_a_resource_is_the_resource(patch: pytest.MonkeyPatch) -> None:
    sound = Producers.answer

    async def answer(self: Producers, request: Request, peer: Secured) -> Response:
        found = await sound(self, request, peer)
        if found.status == 404 and request.target.endswith("/more"):
            above = Request(request.method, request.target[: -len("/more")], request.headers, request.body)
            return Response(404, found.headers, (await sound(self, above, peer)).body)
        return found

    patch.setattr(Producers, "answer", answer)


@mutant
def references_are_fetched(patch: pytest.MonkeyPatch) -> None:
    sound = Producers.answer

    async def answer(self: Producers, request: Request, peer: Secured) -> Response:
        tree = json.loads(request.body) if request.method == "PUT" and b'"$ref"' in request.body else {}
        if "$ref" in tree:
            root, _, path = tree["$ref"].rpartition("/")
            await self._bus.wire.peers.send(root, Request("GET", f"/{path}"), 5.0)  # type: ignore[union-attr]
        return await sound(self, request, peer)

    patch.setattr(Producers, "answer", answer)


@mutant
def names_may_stand_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(producers, "refuse_duplicates", lambda content_type, body: None)


@mutant
def profiles_are_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(nrf, "_check", lambda identifier, body: None)


# the NRF


@mutant
def whoever_asks_is_allowed(patch: pytest.MonkeyPatch) -> None:
    """Discovery shows everybody to everybody."""
    patch.setattr(discovery, "admits", lambda producer, consumer: True)


@mutant
def scopes_are_granted_as_they_are_asked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tokens, "_grants", lambda self, scope, found, consumer, body: True)


@mutant
def consumers_are_whoever_they_say(patch: pytest.MonkeyPatch) -> None:
    sound = Tokens._consumer

    def consumer(self: Tokens, body: AccessTokenReq) -> object:
        try:
            return sound(self, body)
        except TokenRefused:
            return next(one for one in self._known() if one.nf_type == "AMF")

    patch.setattr(Tokens, "_consumer", consumer)


@mutant
def anybody_registers_anybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(nrf.NRF, "_own", lambda self, identifier: None)


@mutant
def the_nrf_may_be_taken_away(patch: pytest.MonkeyPatch) -> None:
    sound = nrf.NRF.nf_deregister

    async def deregister(self: nrf.NRF, nf_instance_id: str) -> None:
        if nf_instance_id != self.instance_id:
            await sound(self, nf_instance_id)

    patch.setattr(nrf.NRF, "nf_deregister", deregister)


@mutant
def profiles_are_shown_whole(patch: pytest.MonkeyPatch) -> None:
    async def nf_profile(self: nrf.NRF, nf_instance_id: str) -> object:
        return self._instances.current(self._instances.known(nf_instance_id))

    patch.setattr(nrf.NRF, "nf_profile", nf_profile)


@mutant
def anybody_subscribes_for_anybody(patch: pytest.MonkeyPatch) -> None:
    sound = Subscriptions.subscribe

    def subscribe(self: Subscriptions, body: SubscriptionData) -> object:
        return sound(self, msgspec.structs.replace(body, req_nf_instance_id=None))

    patch.setattr(Subscriptions, "subscribe", subscribe)


@mutant
def a_uri_without_a_path_ends_the_request(patch: pytest.MonkeyPatch) -> None:
    sound = Subscriptions.subscribe

    def subscribe(self: Subscriptions, body: SubscriptionData) -> object:
        if body.nf_status_notification_uri.count("/") < 3:
            raise IndexError
        return sound(self, body)

    patch.setattr(Subscriptions, "subscribe", subscribe)


@mutant
def an_unknown_type_ends_the_request(patch: pytest.MonkeyPatch) -> None:
    sound = nrf._check

    def check(identifier: str, body: object) -> None:
        if body.read.nf_type == "CUSTOM_INF":  # type: ignore[attr-defined]
            raise KeyError
        sound(identifier, body)  # type: ignore[arg-type]

    patch.setattr(nrf, "_check", check)


@mutant
def lists_are_as_long_as_they_like(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(nrf, "_long", lambda tree: [])


@mutant
def half_a_patch_is_kept(patch: pytest.MonkeyPatch) -> None:
    sound = nrf.NRF.nf_update

    async def update(self: nrf.NRF, nf_instance_id: str, body: list[object]) -> object:
        try:
            return await sound(self, nf_instance_id, body)  # type: ignore[arg-type]
        except Problem:
            await sound(self, nf_instance_id, body[:1])  # type: ignore[arg-type]
            raise

    patch.setattr(nrf.NRF, "nf_update", update)


@mutant
def any_notification_is_taken(patch: pytest.MonkeyPatch) -> None:
    async def notify(self: StatusListener, reference: str, body: object) -> None: ...

    patch.setattr(StatusListener, "nf_status_notify", notify)


# the UDM


BESIDE = ("imsi-999700000000001", "imsi-999700000000002")
"""Those who must not notice."""


@mutant
def the_next_subscriber_is_named(patch: pytest.MonkeyPatch) -> None:
    """In the place of the one whose SUCI it is."""
    sound = udm.supi_of

    def supi_of(identity: str, settings: object) -> str:
        found = sound(identity, settings)  # type: ignore[arg-type]
        other = identity.startswith("suci") and found not in BESIDE
        return f"imsi-{int(found[5:]) + 1}" if other else found

    patch.setattr(udm, "supi_of", supi_of)


@mutant
def tags_are_not_compared(patch: pytest.MonkeyPatch) -> None:
    always = SimpleNamespace(digest=suci.hmac.digest, compare_digest=lambda one, other: True)
    patch.setattr(suci, "hmac", always)


@mutant
def what_cannot_be_revealed_is_somebody(patch: pytest.MonkeyPatch) -> None:
    sound = udm.supi_of

    def supi_of(identity: str, settings: object) -> str:
        try:
            return sound(identity, settings)  # type: ignore[arg-type]
        except Problem:
            return "imsi-999700000000001"

    patch.setattr(udm, "supi_of", supi_of)


@mutant
def the_usims_number_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    sound = udm.last_sqn
    patch.setattr(udm, "last_sqn", lambda supi, subscriber, info: sound(supi, subscriber, None))


@mutant
def any_auts_is_taken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(aka, "hmac", SimpleNamespace(compare_digest=lambda one, other: True))


def storing(patch: pytest.MonkeyPatch, **changes: object) -> None:
    """What the UDM stores of an authentication is changed."""
    sound = udm.UDM.confirm_auth

    async def confirm_auth(self: udm.UDM, supi: str, body: AuthEvent) -> object:
        return await sound(self, supi, msgspec.structs.replace(body, **changes))

    patch.setattr(udm.UDM, "confirm_auth", confirm_auth)


@mutant
def authentications_are_not_stored(patch: pytest.MonkeyPatch) -> None:
    async def confirm_auth(self: udm.UDM, supi: str, body: AuthEvent) -> object:
        return Created(f"/{supi}/auth-events/1", body)

    patch.setattr(udm.UDM, "confirm_auth", confirm_auth)


@mutant
def authentications_are_of_another_network(patch: pytest.MonkeyPatch) -> None:
    storing(patch, serving_network_name="5G:mnc001.mcc001.3gppnetwork.org")


@mutant
def every_authentication_is_a_success(patch: pytest.MonkeyPatch) -> None:
    storing(patch, success=True)


def policies(patch: pytest.MonkeyPatch, policy: Callable[[str], UpSecurity]) -> None:
    """What the UDM says of each DNN. policy: by SUPI."""
    sound = udm.UDM.get_sm_data

    async def get_sm_data(
        self: udm.UDM, supi: str, *given: object
    ) -> list[SessionManagementSubscriptionData]:
        made = []
        for each in await sound(self, supi, *given):  # type: ignore[arg-type]
            configurations: dict[str, DnnConfiguration] = {
                dnn: msgspec.structs.replace(one, up_security=policy(supi))
                for dnn, one in each.dnn_configurations.items()
            }
            made.append(msgspec.structs.replace(each, dnn_configurations=configurations))
        return made

    patch.setattr(udm.UDM, "get_sm_data", get_sm_data)


@mutant
def protection_is_only_preferred(patch: pytest.MonkeyPatch) -> None:
    policies(patch, lambda supi: UpSecurity(up_integr="PREFERRED", up_confid="REQUIRED"))


@mutant
def each_member_has_a_policy_of_its_own(patch: pytest.MonkeyPatch) -> None:
    def policy(supi: str) -> UpSecurity:
        return UpSecurity(up_integr="REQUIRED" if int(supi[-1]) % 2 else "PREFERRED", up_confid="REQUIRED")

    policies(patch, policy)


# the SMF and the AMF


@mutant
def the_smfs_own_policy_goes_first(patch: pytest.MonkeyPatch) -> None:
    sound = authorization.user_plane_security

    def security(network: object, subscribed: DnnConfiguration, rate: object) -> object:
        return sound(network, msgspec.structs.replace(subscribed, up_security=None), rate)  # type: ignore[arg-type]

    patch.setattr(authorization, "user_plane_security", security)


@mutant
def the_gnbs_policy_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mobility, "is_other_policy", lambda context, told: False)


@mutant
def charging_identifiers_come_again(patch: pytest.MonkeyPatch) -> None:
    numbers = itertools.cycle(range(1, 8))
    patch.setattr(charging, "charging_id", lambda context: next(numbers))


@mutant
def a_wrong_response_goes_home(patch: pytest.MonkeyPatch) -> None:
    """RES* goes to the AUSF, whether it holds or not."""
    always = SimpleNamespace(compare_digest=lambda one, other: True)
    patch.setattr(authentication, "hmac", always)


@mutant
def a_silent_home_network_is_congestion(patch: pytest.MonkeyPatch) -> None:
    """Neither is the authentication rejected nor the UE asked who it is."""
    sound = authentication._unjudged

    def unjudged(problem: Problem) -> int:
        if problem.status == authentication.UNANSWERED:
            raise problem
        return sound(problem)

    patch.setattr(authentication, "_unjudged", unjudged)
