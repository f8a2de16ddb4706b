"""What a partner's SEPP may not do: each is refused with its cause, logged, and leaves nothing behind."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cinq.crypto import kdf
from cinq.nf.udr import records
from cinq.sbi import tls
from cinq.sbi.certificates import Authority, Files
from cinq.sbi.message import Request, Response
from cinq.transport.error import NoAnswerError
from cinq.transport.http2 import Http2Peer
from tests.nf.sepp.countries import HOST, STRANGER, SUPI, A, B, Country, domain, run

B_JSON, A_JSON = {"mcc": B.mcc, "mnc": B.mnc}, {"mcc": A.mcc, "mnc": A.mnc}
NRF = "https://nrf.5gc.mnc070.mcc999.3gppnetwork.org"
HELLO = {
    "sender": domain(B),
    "supportedSecCapabilityList": ["TLS"],
    "plmnIdList": [B_JSON],
    "targetPlmnId": A_JSON,
}
Send = Callable[..., Awaitable[Response]]


class Partner:
    """B's operator, with its key, who writes its own requests."""

    def __init__(self, home: Country, files: Files) -> None:
        context = tls.mutual(
            str(files.certificate), str(files.key), str(home.folder / "sbi-ca.pem"), server=False
        )
        self._peer = Http2Peer(HOST, home.n32_port, tls=context, authority=f"{domain(A)}:{home.n32_port}")

    async def send(self, method: str, target: str, body: object = None, **headers: str) -> Response:
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        octets = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if octets and "content_type" not in headers:
            named.append(("content-type", "application/json"))
        return await self._peer.send(Request(method, target, tuple(named), octets), within=5.0)

    async def hello(self, **changes: object) -> Response:
        return await self.send("POST", "/n32c-handshake/v1/exchange-capability", {**HELLO, **changes})

    async def ask(self, method: str, target: str, body: object = None, **headers: str) -> Response:
        """A message of N32-f for the NRF's host, where all of A's services are."""
        headers.setdefault("3gpp_sbi_target_apiroot", NRF)
        return await self.send(method, target, body, **headers)

    async def close(self) -> None:
        await self._peer.close()


def files_of(country: Country) -> Files:
    folder = country.folder
    return Files(folder / "n32.pem", folder / "n32.key", folder / "sbi-ca.pem")


def hostile(
    tmp_path: Path, body: Callable[[Country, Partner], Awaitable[None]], *, of_a: str = "", hello: bool = True
) -> None:
    async def both(home: Country, visited: Country) -> None:
        partner = Partner(home, files_of(visited))
        if hello:
            assert (await partner.hello()).status == 200
        try:
            await body(home, partner)
        finally:
            await partner.close()
        supi = str(SUPI)
        store = home.network.store
        assert records.AMF_CONTEXT.read(store, supi) is None
        assert not list(store.items("sdm-subscriptions"))

    run(tmp_path, both, of_a=of_a)


def cause(response: Response) -> object:
    return json.loads(response.body).get("cause")


def token(**claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"Bearer {part({'alg': 'ES256'})}.{part(claims)}.AAAA"


# N32-c


def test_a_certificate_of_a_strange_authority_opens_nothing(tmp_path: Path) -> None:
    async def body(home: Country, visited: Country) -> None:
        other = tmp_path / "other"
        other.mkdir()
        stranger = Partner(home, Authority.kept(other).issue(other, "n32", [], [domain(B)]))
        with pytest.raises(NoAnswerError):
            await stranger.hello()
        await stranger.close()

    run(tmp_path, body)


def test_a_partners_authority_makes_no_certificate_for_anybody_else(tmp_path: Path) -> None:
    async def body(home: Country, visited: Country) -> None:
        made = Authority.kept(visited.folder).issue(
            visited.folder, "forged", [], ["sepp.example.org", domain(A)]
        )
        forger = Partner(home, made)
        answer = await forger.hello()
        assert (answer.status, answer.body) == (403, b"")
        await forger.close()

    run(tmp_path, body)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"sender": "sepp.example.org"}, (403, "PLMNID_MISMATCH")),
        ({"sender": domain(A)}, (403, "PLMNID_MISMATCH")),
        ({"plmnIdList": [B_JSON, A_JSON]}, (403, "PLMNID_MISMATCH")),
        ({"plmnIdList": [{"mcc": "262", "mnc": "01"}]}, (403, "PLMNID_MISMATCH")),
        ({"targetPlmnId": {"mcc": "262", "mnc": "01"}}, (403, "PLMNID_MISMATCH")),
        ({"supportedSecCapabilityList": ["NONE"]}, (403, None)),
        ({"supportedSecCapabilityList": ["PRINS"]}, (403, None)),
        (
            {"intendedUsagePurpose": [{"usagePurpose": "SMS_INTERCONNECT"}]},
            (403, "REQUESTED_PURPOSE_NOT_ALLOWED"),
        ),
        ({"supportedSecCapabilityList": "TLS"}, (400, "MANDATORY_IE_INCORRECT")),
        ({"sender": 7}, (400, "MANDATORY_IE_INCORRECT")),
    ],
)
def test_what_is_not_so_is_not_agreed_on(
    tmp_path: Path, changes: dict[str, object], wanted: tuple[int, str | None]
) -> None:
    async def body(home: Country, partner: Partner) -> None:
        answer = await partner.hello(**changes)
        assert (answer.status, cause(answer)) == wanted
        after = await partner.ask("GET", "/nnrf-disc/v1/nf-instances")
        assert (after.status, cause(after)) == (403, "N32F_CONTEXT_NOT_FOUND")

    hostile(tmp_path, body, hello=False)


def test_errors_are_heard(tmp_path: Path) -> None:
    async def body(home: Country, partner: Partner) -> None:
        base = "/n32c-handshake/v1"
        assert (await partner.send("POST", f"{base}/nothing", {})).status == 404
        error = {"n32fMessageId": "1", "n32fErrorType": "INTEGRITY_CHECK_FAILED"}
        assert (await partner.send("POST", f"{base}/n32f-error", error)).status == 204

    hostile(tmp_path, body)


# N32-f

AUTHENTICATE = {"supiOrSuci": str(SUPI), "servingNetworkName": kdf.snn(B.mcc, B.mnc)}
REGISTER = {
    "amfInstanceId": "00000000-0000-4000-8000-000000000001",
    "deregCallbackUri": f"https://amf.5gc.mnc001.mcc001.3gppnetwork.org/namf-callback/v1/dereg/{SUPI}",
    "guami": {"plmnId": B_JSON, "amfId": "010040"},
    "ratType": "NR",
}
CASES = {
    "a service that is not in the agreement": (
        ("GET", f"/nudr-dr/v2/subscription-data/{SUPI}/authentication-data/authentication-subscription"),
        (403, None),
    ),
    "a service of nobody": (("GET", "/"), (403, None)),
    "the serving network is the home network": (
        (
            "POST",
            "/nausf-auth/v1/ue-authentications",
            AUTHENTICATE | {"servingNetworkName": kdf.snn(A.mcc, A.mnc)},
        ),
        (403, "PLMNID_MISMATCH"),
    ),
    "the serving network is a third one": (
        (
            "POST",
            "/nausf-auth/v1/ue-authentications",
            AUTHENTICATE | {"servingNetworkName": kdf.snn("262", "01")},
        ),
        (403, "PLMNID_MISMATCH"),
    ),
    "a subscriber of the partner itself": (
        ("POST", "/nausf-auth/v1/ue-authentications", AUTHENTICATE | {"supiOrSuci": str(STRANGER)}),
        (403, "PLMNID_MISMATCH"),
    ),
    "a SUCI of a third network": (
        (
            "POST",
            "/nausf-auth/v1/ue-authentications",
            AUTHENTICATE | {"supiOrSuci": "suci-0-262-01-0-0-0-0000000001"},
        ),
        (403, "PLMNID_MISMATCH"),
    ),
    "a GUAMI of the home network": (
        (
            "PUT",
            f"/nudm-uecm/v1/{SUPI}/registrations/amf-3gpp-access",
            REGISTER | {"guami": {"plmnId": A_JSON, "amfId": "010040"}},
        ),
        (403, "PLMNID_MISMATCH"),
    ),
    "a callback to an address inside": (
        (
            "PUT",
            f"/nudm-uecm/v1/{SUPI}/registrations/amf-3gpp-access",
            REGISTER | {"deregCallbackUri": f"http://127.0.0.1:8000/{SUPI}"},
        ),
        (403, None),
    ),
    "a callback to a name that was never given": (
        (
            "PUT",
            f"/nudm-uecm/v1/{SUPI}/registrations/amf-3gpp-access",
            REGISTER | {"deregCallbackUri": f"https://udr.5gc.mnc070.mcc999.3gppnetwork.org/{SUPI}"},
        ),
        (403, None),
    ),
    "a notification about a subscriber of ours": (
        (
            "POST",
            f"/namf-callback/v1/dereg/{SUPI}",
            {"deregReason": "UE_INITIAL_REGISTRATION", "accessType": "3GPP_ACCESS"},
        ),
        (403, "PLMNID_MISMATCH"),
    ),
    "a query for another serving network": (
        ("GET", f'/nudm-sdm/v2/{SUPI}?dataset-names=AM&plmn-id={{"mcc":"262","mnc":"01"}}'),
        (403, "PLMNID_MISMATCH"),
    ),
    "a discovery in nobody's name": (
        ("GET", "/nnrf-disc/v1/nf-instances?target-nf-type=AUSF&requester-nf-type=AMF"),
        (400, "MANDATORY_QUERY_PARAM_MISSING"),
    ),
    "a discovery in our name": (
        (
            "GET",
            "/nnrf-disc/v1/nf-instances?target-nf-type=AUSF&requester-nf-type=AMF"
            '&target-plmn-list=[{"mcc":"999","mnc":"70"}]&requester-plmn-list=[{"mcc":"999","mnc":"70"}]',
        ),
        (403, "PLMNID_MISMATCH"),
    ),
    "JSON that ends too soon": (
        ("POST", "/nausf-auth/v1/ue-authentications", b'{"a":'),
        (400, "INVALID_MSG_FORMAT"),
    ),
    "JSON without an end of depth": (
        ("POST", "/nausf-auth/v1/ue-authentications", b'{"a":' * 200 + b"1" + b"}" * 200),
        (400, "INVALID_MSG_FORMAT"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_partner_speaks_for_itself_alone(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    sent, wanted = CASES[name]

    async def body(home: Country, partner: Partner) -> None:
        caplog.set_level(logging.WARNING)
        method, target = str(sent[0]), str(sent[1]).replace('"', "%22")
        answer = await partner.ask(method, target, *sent[2:])
        assert (answer.status, cause(answer)) == wanted
        assert "detail" not in json.loads(answer.body)
        assert any("N32 with beta: refused" in one.message for one in caplog.records)
        assert any(event.interface == "N32" and event.cause for event in home.events)

    hostile(tmp_path, body)


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"authorization": token(consumerPlmnId=A_JSON)}, (403, "PLMNID_MISMATCH")),
        ({"authorization": token(consumerPlmnId={"mcc": "262", "mnc": "01"})}, (403, "PLMNID_MISMATCH")),
        ({"authorization": token(sub="x")}, (403, "PLMNID_MISMATCH")),
        ({"authorization": "Bearer x.y.z"}, (403, "PLMNID_MISMATCH")),
        ({"authorization": "Basic eDp5"}, (403, "PLMNID_MISMATCH")),
        (
            {"authorization": token(consumerPlmnId=B_JSON, producerPlmnId=B_JSON)},
            (403, "PLMNID_MISMATCH"),
        ),
        ({"authorization": token(consumerPlmnId=B_JSON)}, (401, None)),  # nobody has signed it: our AUSF says
        ({"3gpp_sbi_originating_network_id": "999-70"}, (403, "ORIGINATING_NETWORK_ID_MISMATCH")),
        ({"3gpp_sbi_originating_network_id": "no"}, (403, "ORIGINATING_NETWORK_ID_MISMATCH")),
        ({"3gpp_sbi_target_apiroot": "https://127.0.0.1:8000"}, (504, "TARGET_NF_NOT_REACHABLE")),
        (
            {"3gpp_sbi_target_apiroot": "https://udr.5gc.mnc070.mcc999.3gppnetwork.org"},
            (504, "TARGET_NF_NOT_REACHABLE"),
        ),
        ({"content_type": "text/html"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        ({"content_encoding": "gzip"}, (400, "INVALID_MSG_FORMAT")),
        ({"content_encoding": "br"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
    ],
)
def test_headers_say_nothing_else(
    tmp_path: Path, headers: dict[str, str], wanted: tuple[int, str | None]
) -> None:
    async def body(home: Country, partner: Partner) -> None:
        answer = await partner.ask("POST", "/nausf-auth/v1/ue-authentications", AUTHENTICATE, **headers)
        assert (answer.status, cause(answer)) == wanted

    hostile(tmp_path, body)


def test_a_message_for_nobody_is_refused(tmp_path: Path) -> None:
    async def body(home: Country, partner: Partner) -> None:
        answer = await partner.send("POST", "/nausf-auth/v1/ue-authentications", AUTHENTICATE)
        assert (answer.status, cause(answer)) == (400, "MANDATORY_IE_MISSING")

    hostile(tmp_path, body)


def test_more_than_was_agreed_on_is_refused_for_a_while(tmp_path: Path) -> None:
    async def body(home: Country, partner: Partner) -> None:
        answers = [await partner.ask("GET", "/nudr-dr/v2/x") for _ in range(4)]
        assert [each.status for each in answers] == [403, 403, 429, 429]
        assert cause(answers[-1]) == "NF_CONGESTION_RISK"
        assert answers[-1].header("retry-after") == "1"

    hostile(tmp_path, body, of_a="requests_per_s = 1")


def test_a_partner_learns_nothing_of_the_inside(tmp_path: Path) -> None:
    """Discovery shows names for addresses, and functions alone that the agreement is about."""

    async def body(home: Country, partner: Partner) -> None:
        query = (
            "target-nf-type={}&requester-nf-type=AMF&requester-plmn-list=%5B%7B%22mcc%22:%22001%22,"
            "%22mnc%22:%2201%22%7D%5D&target-plmn-list=%5B%7B%22mcc%22:%22999%22,%22mnc%22:%2270%22%7D%5D"
        )
        found = await partner.ask("GET", f"/nnrf-disc/v1/nf-instances?{query.format('AUSF')}")
        assert found.status == 200
        instances = json.loads(found.body)["nfInstances"]
        assert [one["nfType"] for one in instances] == ["AUSF"]
        names = [service["fqdn"] for one in instances for service in one["nfServices"]]
        assert all(name.endswith(".5gc.mnc070.mcc999.3gppnetwork.org") for name in names)
        assert HOST.encode() not in found.body
        assert str(home.sbi_port).encode() not in found.body
        hidden = await partner.ask("GET", f"/nnrf-disc/v1/nf-instances?{query.format('UDR')}")
        assert json.loads(hidden.body)["nfInstances"] == []
        unknown = await partner.ask(
            "POST",
            "/nausf-auth/v1/ue-authentications",
            AUTHENTICATE,
            authorization=token(consumerPlmnId=B_JSON),
        )
        assert HOST not in json.dumps([unknown.headers, unknown.body.decode()])

    hostile(tmp_path, body)


# PRINS

PRINS = {"supportedSecCapabilityList": ["PRINS"]}
PARAMS = {
    "n32fContextId": "0123456789abcdef",
    "jweCipherSuiteList": ["A128GCM"],
    "jwsCipherSuiteList": ["ES256"],
}
BASE = "/n32c-handshake/v1"


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"jweCipherSuiteList": ["A128CBC-HS256"]}, (409, "REQUESTED_PARAM_MISMATCH")),
        ({"jwsCipherSuiteList": ["none"]}, (409, "REQUESTED_PARAM_MISMATCH")),
        (
            {"protectionPolicyInfo": {"apiIeMappingList": [], "dataTypeEncPolicy": ["UEID"]}},
            (409, "REQUESTED_PARAM_MISMATCH"),
        ),
        ({"n32fContextId": "no"}, (400, "MANDATORY_IE_INCORRECT")),
        ({"n32fContextId": None}, (400, "MANDATORY_IE_INCORRECT")),
    ],
)
def test_parameters_that_do_not_fit_make_no_context(
    tmp_path: Path, changes: dict[str, object], wanted: tuple[int, str]
) -> None:
    async def body(home: Country, partner: Partner) -> None:
        assert (await partner.hello(**PRINS)).status == 200
        answer = await partner.send("POST", f"{BASE}/exchange-params", {**PARAMS, **changes})
        assert (answer.status, cause(answer)) == wanted

    hostile(tmp_path, body, of_a='security = "prins"', hello=False)


def test_contexts_of_prins_are_made_and_ended(tmp_path: Path) -> None:
    async def body(home: Country, partner: Partner) -> None:
        assert (await partner.hello(**PRINS)).status == 200
        made = await partner.send("POST", f"{BASE}/exchange-params", PARAMS)
        assert made.status == 200
        said = json.loads(made.body)
        assert (said["selectedJweCipherSuite"], said["selectedJwsCipherSuite"]) == ("A128GCM", "ES256")
        ours = {"n32fContextId": said["n32fContextId"]}
        assert (await partner.send("POST", f"{BASE}/n32f-terminate", PARAMS)).status == 404
        ended = await partner.send("POST", f"{BASE}/n32f-terminate", ours)
        assert (ended.status, json.loads(ended.body)) == (200, {"n32fContextId": PARAMS["n32fContextId"]})
        assert (await partner.send("POST", f"{BASE}/n32f-terminate", ours)).status == 404

    hostile(tmp_path, body, of_a='security = "prins"', hello=False)


def test_with_prins_nothing_goes_without_it(tmp_path: Path) -> None:
    """Neither a plain message, nor one of a context that is not there, nor octets that are none."""

    async def body(home: Country, partner: Partner) -> None:
        assert (await partner.hello(**PRINS)).status == 200
        plain = await partner.ask("POST", "/nausf-auth/v1/ue-authentications", AUTHENTICATE)
        assert (plain.status, cause(plain)) == (403, "N32F_CONTEXT_NOT_FOUND")
        block = {"metaData": {"n32fContextId": "0" * 16, "messageId": "1", "authorizedIpxId": "null"}}
        aad = base64.urlsafe_b64encode(json.dumps(block).encode()).decode().rstrip("=")
        flat = {"protected": "e30", "aad": aad, "iv": "AAAA", "ciphertext": "AAAA", "tag": "AAAA"}
        unknown = await partner.send("POST", "/n32f-forward/v1/n32f-process", {"reformattedData": flat})
        assert (unknown.status, cause(unknown)) == (403, "N32F_CONTEXT_NOT_FOUND")
        for octets in (b"{}", b"[", b'{"reformattedData":7}', b""):
            answer = await partner.send("POST", "/n32f-forward/v1/n32f-process", octets or None)
            assert (answer.status, cause(answer)) == (403, "MESSAGE_RECONSTRUCTION_FAILED")

    hostile(tmp_path, body, of_a='security = "prins"', hello=False)


def test_with_tls_there_are_no_parameters(tmp_path: Path) -> None:
    async def body(home: Country, partner: Partner) -> None:
        assert (await partner.send("POST", f"{BASE}/exchange-params", PARAMS)).status == 409
        assert (await partner.send("POST", f"{BASE}/n32f-terminate", PARAMS)).status == 404
        protected = await partner.ask("POST", "/n32f-forward/v1/n32f-process", {})
        assert protected.status == 403

    hostile(tmp_path, body)
