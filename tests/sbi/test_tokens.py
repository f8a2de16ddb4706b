"""Access tokens: what the NRF gives to whom, what producers take, and how a consumer comes by them.

TS 29.510 §5.4 and §6.3, TS 33.501 §13.4.1.1, TS 29.500 §6.7.3.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from joserfc import jws

from cinq.sbi import Problem, bus
from cinq.sbi.caller import Caller
from cinq.sbi.guard import Guard, Producer, Unauthorized
from cinq.sbi.models import PlmnId, Snssai
from cinq.sbi.operation import operations
from cinq.sbi.services.nnrf_accesstoken import AccessTokenClaims
from cinq.sbi.services.npcf_ampolicycontrol import NpcfAMPolicyControl
from cinq.sbi.services.nudm_sdm import NudmSubscriberDataManagement
from cinq.sbi.token import SigningKey, TokenError, TrustedKeys
from cinq.transport.error import TransportError
from tests.sbi.test_http import REQUEST, SUPI
from tests.sbi.wire import AMF, NRF_ID, PCF, Wire, profile, run

POLICIES = "/npcf-am-policy-control/v1/policies"
SERVICE = "npcf-am-policy-control"
BODY = msgspec.json.encode(REQUEST)
STRANGER = "00000000-0000-4000-8000-0000000000aa"


def claims(wire: Wire, **changes: object) -> AccessTokenClaims:
    return AccessTokenClaims(
        **{
            "iss": NRF_ID,
            "sub": AMF,
            "aud": "PCF",
            "scope": SERVICE,
            "exp": int(wire.clock.now()) + 60,
            **changes,
        }
    )


def form(**fields: str) -> bytes:
    given = {
        "grant_type": "client_credentials",
        "nfInstanceId": AMF,
        "nfType": "AMF",
        "targetNfType": "PCF",
        "scope": SERVICE,
        **fields,
    }
    return urlencode({name: value for name, value in given.items() if value}).encode()


async def token_answer(wire: Wire, body: bytes, stranger: bool = False) -> tuple[int, dict]:
    ask = wire.ask_as_stranger if stranger else wire.ask
    answer = await ask("POST", "/oauth2/token", body, content_type="application/x-www-form-urlencoded")
    assert (answer.header("cache-control"), answer.header("pragma")) == ("no-store", "no-cache")
    return answer.status, json.loads(answer.body)


# the way of a consumer


@pytest.mark.parametrize("secured", [False, True])
def test_a_consumer_asks_once_and_again_shortly_before_expiry(tmp_path: Path, secured: bool) -> None:
    async def body(wire: Wire) -> None:
        client = wire.bus.client(NpcfAMPolicyControl, "AMF")
        created = await client.create(REQUEST)
        assert created.id == f"{wire.root}/{SUPI}"
        await asyncio.gather(*(client.create(REQUEST) for _ in range(5)))
        tokens = [each for each in wire.asked if each == "POST /oauth2/token"]
        assert len(tokens) == 1
        wire.clock.ahead += 71  # of 100 s: what is left is less than 30 s
        await asyncio.gather(*(client.create(REQUEST) for _ in range(5)))
        assert wire.asked.count("POST /oauth2/token") == 2

    run(body, tmp_path if secured else None)


def test_a_token_that_the_producer_refuses_is_asked_for_again_once(tmp_path: Path) -> None:
    """As when the NRF has another key than before (TS 29.500 §6.7.3)."""

    async def body(wire: Wire) -> None:
        client = wire.bus.client(NpcfAMPolicyControl, "AMF")
        await client.create(REQUEST)
        (kept,) = wire.credentials._kept.values()
        kept.token = SigningKey.made().sign(claims(wire))
        await client.create(REQUEST)
        assert wire.asked[-3:] == [f"POST {POLICIES}", "POST /oauth2/token", f"POST {POLICIES}"]

    run(body)


def test_a_consumer_that_gets_no_token_says_so() -> None:
    async def body(wire: Wire) -> None:
        await wire.nrf.nf_deregister(AMF)
        await wire.nrf.nf_register(AMF, profile(AMF, "UDR"))
        wire.credentials._identities = {"UDR": AMF}
        with pytest.raises(
            Problem, match=r"403: no access token for npcf-am-policy-control.*invalid_scope"
        ) as caught:
            await wire.bus.client(NpcfAMPolicyControl, "UDR").create(REQUEST)
        assert caught.value.status == 403
        assert not wire.pcf.there

    run(body)


def test_operations_with_a_scope_of_their_own() -> None:
    """A token that names operations grants those alone; a producer may insist on them."""

    async def body(wire: Wire) -> None:
        by_name = {op.attribute: op for op in operations(NudmSubscriberDataManagement)}
        am, sm = by_name["get_am_data"], by_name["get_sm_data"]
        trusted = TrustedKeys.of(wire.key)

        def admitted(scope: str, op: object, insists: bool = False) -> str:
            guard = Guard(
                trusted, wire.clock, lambda _: Producer("UDM", frozenset()), operation_scopes=insists
            )
            token = wire.key.sign(claims(wire, aud="UDM", scope=scope))
            try:
                guard.admit(op, f"Bearer {token}", Caller(), "http://udm")  # type: ignore[arg-type]
            except Unauthorized as refused:
                return dict(refused.headers)["www-authenticate"]
            return "yes"

        assert admitted("nudm-sdm", am) == "yes"
        assert admitted("nudm-sdm nudm-sdm:am-data:read", am) == "yes"
        assert 'scope="nudm-sdm nudm-sdm:sm-data:read"' in admitted("nudm-sdm nudm-sdm:am-data:read", sm)
        assert 'error="insufficient_scope"' in admitted("nudm-sdm", am, insists=True)
        assert 'error="insufficient_scope"' in admitted("nudm-sdm:am-data:read", am)

    run(body)


# what the NRF gives


def test_claims_are_those_of_the_request_and_the_profiles() -> None:
    async def body(wire: Wire) -> None:
        plmn, one, two = PlmnId(mcc="999", mnc="70"), Snssai(sst=1), Snssai(sst=2)
        await wire.nrf.nf_register(AMF, profile(AMF, "AMF", plmn_list=[plmn]))
        pcf = profile(
            PCF, "PCF", (NpcfAMPolicyControl,), s_nssais=[one], nf_set_id_list=["set1"], nsi_list=["a"]
        )
        await wire.nrf.nf_register(PCF, pcf)
        slices = json.dumps([{"sst": 1}, {"sst": 2}])
        status, answer = await token_answer(
            wire,
            form(
                targetSnssaiList=slices,
                targetNsiList="a",
                targetNfSetId="set1",
                requesterPlmn='{"mcc":"999","mnc":"70"}',
            ),
        )
        assert (status, answer["token_type"], answer["expires_in"], answer["scope"]) == (
            200,
            "Bearer",
            100,
            SERVICE,
        )
        said = TrustedKeys.of(wire.key).claims(answer["access_token"])
        assert (said.iss, said.sub, said.aud, said.scope) == (NRF_ID, AMF, "PCF", SERVICE)
        assert 95 < said.exp - wire.clock.now() <= 100
        assert (said.consumer_plmn_id, said.producer_snssai_list) == (plmn, [one])
        assert (said.producer_nsi_list, said.producer_nf_set_id) == (["a"], "set1")
        header = json.loads(base64.urlsafe_b64decode(answer["access_token"].split(".")[0] + "=="))
        assert header == {"alg": "ES256", "typ": "JWT", "kid": wire.key.identifier}
        status, answer = await token_answer(
            wire, form(targetNfInstanceId=PCF.upper(), targetNfType="", nfType="")
        )
        assert TrustedKeys.of(wire.key).claims(answer["access_token"]).aud == [PCF]
        assert two not in said.producer_snssai_list

    run(body)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"scope": "nsmf-toto"}, "invalid_scope"),  # DEV-091
        ({"targetNfType": "NRF", "scope": "nudm-sdm"}, "invalid_scope"),  # DEV-090
        ({"targetNfType": "NRF", "scope": "npcf-am-policy-control"}, "invalid_scope"),
        ({"scope": f"{SERVICE} nudm-sdm"}, "invalid_scope"),
        ({"scope": f"{SERVICE} "}, "invalid_scope"),
        ({"scope": "a" * 129}, "invalid_scope"),
        ({"scope": f"{SERVICE}:policies:create"}, "invalid_scope"),
        ({"targetNfType": "UDM", "scope": "nudm-sdm"}, "invalid_request"),
        ({"targetNfType": ""}, "invalid_request"),
        ({"nfType": "SMF"}, "invalid_client"),  # DEV-092
        ({"nfInstanceId": STRANGER}, "invalid_client"),
        ({"requesterPlmn": '{"mcc":"001","mnc":"01"}'}, "invalid_client"),
        ({"requesterSnssaiList": '[{"sst":9}]'}, "invalid_client"),
        ({"requesterPlmn": "{"}, "invalid_request"),
        ({"requesterPlmn": '{"mcc":"001"}'}, "invalid_request"),
        ({"nfInstanceId": ""}, "invalid_request"),
        ({"targetNfSetId": "none"}, "invalid_request"),
    ],
)
def test_who_is_given_no_token(fields: dict[str, str], error: str) -> None:
    async def body(wire: Wire) -> None:
        plmn = PlmnId(mcc="999", mnc="70")
        await wire.nrf.nf_register(AMF, profile(AMF, "AMF", plmn_list=[plmn], s_nssais=[Snssai(sst=1)]))
        status, answer = await token_answer(wire, form(**fields))
        assert (status, answer["error"]) == (400, error)
        assert "access_token" not in answer
        assert (await token_answer(wire, form()))[0] == 200

    run(body)


def test_a_form_that_is_none() -> None:
    async def body(wire: Wire) -> None:
        for octets in (
            b"\xff\xfe",
            b"a" * 70_000,
            b"&".join(b"a=1" for _ in range(65)),
            b"",
            form() + b"&scope=x",
        ):
            answer = await wire.ask(
                "POST", "/oauth2/token", octets, content_type="application/x-www-form-urlencoded"
            )
            assert answer.status in (400, 413)
        answer = await wire.ask("POST", "/oauth2/token", b"{}", content_type="text/plain")
        assert answer.status == 415

    run(body)


def test_a_certificate_is_for_whom_it_names(tmp_path: Path) -> None:
    """DEV-092: TS 33.501 §13.4.1.1.2, by TS 29.510 §5.4.2.2.1 with 400 invalid_client."""

    async def body(wire: Wire) -> None:
        status, answer = await token_answer(wire, form(), stranger=True)
        assert (status, answer["error"]) == (400, "invalid_client")
        status, answer = await token_answer(wire, form())
        assert status == 200
        stolen = await wire.ask_as_stranger("POST", POLICIES, BODY, answer["access_token"])
        assert stolen.status == 401
        assert 'error="invalid_token"' in (stolen.header("www-authenticate") or "")
        assert not wire.pcf.there
        assert (await wire.ask("POST", POLICIES, BODY, answer["access_token"])).status == 201

    run(body, tmp_path)


def test_a_service_for_other_types_is_not_granted() -> None:
    async def body(wire: Wire) -> None:
        await wire.nrf.nf_register(STRANGER, profile(STRANGER, "UDR"))
        status, answer = await token_answer(wire, form(nfInstanceId=STRANGER, nfType="UDR"))
        assert (status, answer["error"]) == (400, "invalid_scope")

    run(body)


# what a producer takes


def test_no_token_is_a_challenge_without_an_error() -> None:
    async def body(wire: Wire) -> None:
        for token in (None, "Basic YTpi", "Digest a=b"):
            answer = await wire.ask("POST", POLICIES, BODY, token)
            assert answer.status == 401
            assert answer.header("www-authenticate") == f'Bearer realm="{wire.root}/{SERVICE}/v1"'
            assert json.loads(answer.body)["status"] == 401
        assert not wire.pcf.there

    run(body)


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({}, 201, ""),
        ({"aud": [PCF]}, 201, ""),
        ({"aud": [STRANGER, PCF.upper()]}, 201, ""),
        ({"exp": 1}, 401, "invalid_token"),
        ({"aud": "UDM"}, 401, "invalid_token"),
        ({"aud": [STRANGER]}, 401, "invalid_token"),
        ({"aud": []}, 401, "invalid_token"),
        ({"scope": "nudm-sdm"}, 403, "insufficient_scope"),
        ({"scope": ""}, 403, "insufficient_scope"),
        ({"scope": f"{SERVICE}x"}, 403, "insufficient_scope"),
    ],
)
def test_claims_that_a_producer_takes(changes: dict[str, object], status: int, error: str) -> None:
    """DEV-114: expired, for others, without the scope."""

    async def body(wire: Wire) -> None:
        answer = await wire.ask("POST", POLICIES, BODY, wire.key.sign(claims(wire, **changes)))
        assert answer.status == status
        challenge = answer.header("www-authenticate") or ""
        assert (f'error="{error}"' in challenge) == bool(error)
        assert (f'scope="{SERVICE}"' in challenge) == (status == 403)
        assert bool(wire.pcf.there) == (status == 201)

    run(body)


def test_a_claim_that_is_missing_is_named() -> None:
    async def body(wire: Wire) -> None:
        said = json.loads(msgspec.json.encode(claims(wire)))
        for name in ("iss", "sub", "aud", "scope", "exp"):
            partial = {key: value for key, value in said.items() if key != name}
            header = {"alg": "ES256", "kid": wire.key.identifier}
            token = jws.serialize_compact(
                header, json.dumps(partial).encode(), wire.key._key, algorithms=["ES256"]
            )
            answer = await wire.ask("POST", POLICIES, BODY, token)
            problem = json.loads(answer.body)
            assert (answer.status, problem["cause"]) == (401, "ACCESS_TOKEN_CLAIM_MISSING")
            assert [one["param"] for one in problem["invalidParams"]] == [f"/{name}"]
        assert not wire.pcf.there

    run(body)


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def test_signatures_that_are_none() -> None:
    """DEV-114: alg none, HS256 with the public key as the secret, a foreign key, changed claims, no JWT."""

    async def body(wire: Wire) -> None:
        good = wire.key.sign(claims(wire))
        head, payload, signature = good.split(".")
        none = b64(json.dumps({"alg": "none", "kid": wire.key.identifier}).encode())
        hs256 = b64(json.dumps({"alg": "HS256", "kid": wire.key.identifier}).encode())
        mac = hmac.new(wire.key.public, f"{hs256}.{payload}".encode(), hashlib.sha256).digest()
        other = b64(msgspec.json.encode(claims(wire, scope=f"{SERVICE} nudr-dr")))
        foreign = SigningKey.made()
        same_name = b64(json.dumps({"alg": "ES256", "kid": wire.key.identifier}).encode())
        forged = foreign.sign(claims(wire)).split(".")
        for token in (
            f"{none}.{payload}.",
            f"{none}.{payload}.{signature}",
            f"{hs256}.{payload}.{b64(mac)}",
            f"{head}.{other}.{signature}",
            f"{same_name}.{forged[1]}.{forged[2]}",
            foreign.sign(claims(wire)),
            f"{head}.{payload}",
            "x",
            "....",
            good + "A" * 9000,
            "é.é.é",
        ):
            answer = await wire.ask("POST", POLICIES, BODY, token.encode().decode("latin-1"))
            assert answer.status == 401, token
            assert 'error="invalid_token"' in (answer.header("www-authenticate") or "")
        assert not wire.pcf.there
        assert (await wire.ask("POST", POLICIES, BODY, good)).status == 201

    run(body)


def test_notifications_carry_none() -> None:
    """TS 29.500 §6.7.3; and the NRF's own services ask who the caller is instead (TS 33.501 §13.3.1.3)."""

    async def body(wire: Wire) -> None:
        answer = await wire.ask("GET", f"/nnrf-nfm/v1/nf-instances/{AMF}")
        assert answer.status == 200

    run(body)


# keys


def test_a_key_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "nrf-token.pem"
    key = SigningKey.kept(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.kept(path).identifier == key.identifier
    trusted = TrustedKeys((path.with_name("nrf-token.pem.pub"),))
    said = AccessTokenClaims(iss=NRF_ID, sub=AMF, aud="PCF", scope="x", exp=1)
    assert trusted.claims(key.sign(said)) == said
    path.unlink()
    with pytest.raises(TokenError, match="no key of an NRF"):
        TrustedKeys(()).claims(key.sign(said))
    assert trusted.claims(SigningKey.kept(path).sign(said)) == said  # the file is read again


def test_a_file_that_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("no key")
    with pytest.raises(TransportError, match=r"key\.pem: this is no key in PEM"):
        SigningKey.kept(path)


def test_in_process_calls_know_no_tokens() -> None:
    assert bus.Bus().wire is None
