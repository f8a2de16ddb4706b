"""Requests that were the undoing of other cores: the cases of reference/negative-cases.json that are of the SBI.

A whole core answers them as its HTTP/2 server would. Whatever comes, the answer is problem details of the right status,
nothing of the inside stands in it, nothing is kept, and a subscriber is served afterwards.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from cinq.procedure import run_virtual
from cinq.sbi.message import Request, Response
from cinq.sbi.multipart import Part, encode
from cinq.sbi.producers import Producers
from cinq.transport.http2 import Secured
from tests.network.world import SUPI, Network
from tests.nf.smf.world import ESTABLISHMENT_REQUEST
from tests.sbi.test_tokens import BODY, POLICIES
from tests.sbi.wire import AMF, PCF, Wire
from tests.sbi.wire import profile as profile_of
from tests.sbi.wire import run as run_wire

ROOT = Path(__file__).parents[1]
STRANGER = "00000000-0000-4000-8000-0000000000aa"
INSIDE = re.compile(rb"Traceback|/src/|cinq\.|sqlite|0x[0-9a-f]{8}|http://|Error\(")


class Core:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.producers = Producers(network.bus, "http://core")

    async def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Response:
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        answer = await self.producers.answer(Request(method, target, named, body), Secured(("192.0.2.1", 1)))
        if answer.status >= 400 and answer.body:
            assert not INSIDE.search(answer.body), answer.body
        return answer

    async def served(self) -> None:
        """A subscriber registers and has a session."""
        gnb = await self.network.gnb()
        ue = self.network.ue(gnb)
        await ue.register()


def run(body: Callable[[Core], Awaitable[None]]) -> None:
    async def main() -> None:
        network = Network()
        network.provision()
        await network.start()
        try:
            await body(Core(network))
            kept = {
                collection
                for collection in network.store._collections
                if network.store._collections[collection]
            }
            assert not kept & {"amf-ue", "smf-session", "sm-policies", "am-policies"}
        finally:
            await network.stop()

    run_virtual(main())


def cause(answer: Response) -> tuple[int, str | None]:
    return answer.status, json.loads(answer.body).get("cause") if answer.body else None


def test_every_case_has_a_test(shared: Path) -> None:
    cases = json.loads((shared / "reference" / "negative-cases.json").read_text())
    wanted = {each["id"] for each in cases if each["iface"] == "SBI"}
    text = "\n".join(path.read_text() for path in ROOT.rglob("test_*.py"))
    assert len(wanted) == 27
    assert sorted(each for each in wanted if each not in text) == []


# who may


def test_an_instance_speaks_for_itself_alone(tmp_path: Path) -> None:
    """DEV-093, DEV-094, DEV-095, DEV-112: TS 33.501 §13.3.1.1."""

    async def body(wire: Wire) -> None:
        udm = json.dumps(profile_of(AMF, "UDM").document).encode()
        patch = b'[{"op":"replace","path":"/nfStatus","value":"REGISTERED"}]'
        subscription = json.dumps(
            {"nfStatusNotificationUri": "http://127.0.0.1:9/x", "reqNfInstanceId": AMF}
        ).encode()
        place = f"/nnrf-nfm/v1/nf-instances/{AMF}"
        patched = {"content_type": "application/json-patch+json"}
        assert (await wire.ask_as_stranger("PUT", place, udm)).status == 403
        assert (await wire.ask_as_stranger("PATCH", place, patch, **patched)).status == 403
        assert (await wire.ask_as_stranger("DELETE", place)).status == 403
        assert (await wire.ask_as_stranger("POST", "/nnrf-nfm/v1/subscriptions", subscription)).status == 403
        search = f"/nnrf-disc/v1/nf-instances?target-nf-type=PCF&requester-nf-type=AMF&requester-nf-instance-id={AMF}"
        assert (await wire.ask_as_stranger("GET", search)).status == 403
        seen = await wire.ask_as_stranger("GET", f"/nnrf-nfm/v1/nf-instances/{PCF}")
        assert b"allowedNfTypes" not in seen.body
        own = "/nnrf-nfm/v1/nf-instances/00000000-0000-4000-8000-000000000009"
        assert (await wire.ask("DELETE", own)).status == 403  # the NRF's own instance
        assert {p.nf_type for p in wire.nrf.registered()} == {"AMF", "PCF"}
        assert (await wire.ask("PATCH", place, patch, **patched)).status == 204

    run_wire(body, tmp_path)


def test_no_service_without_a_token() -> None:
    """DEV-096: 401, whatever the operation and the body."""

    async def body(wire: Wire) -> None:
        for method, target in (
            ("POST", POLICIES),
            ("DELETE", f"{POLICIES}/7"),
            ("POST", f"{POLICIES}/7/update"),
        ):
            answer = await wire.ask(method, target, BODY if method == "POST" else b"")
            assert answer.status == 401
        assert not wire.pcf.there

    run_wire(body)


# what cannot be read


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        # DEV-097
        ("GET", f"/nudm-sdm/v2/{SUPI}?dataset-names=", (400, "MANDATORY_QUERY_PARAM_INCORRECT")),
        ("GET", f"/nudm-sdm/v2/{SUPI}", (400, "MANDATORY_QUERY_PARAM_MISSING")),
        # DEV-098
        ("GET", "/nudm-sdm/v2/imsi-1%00/am-data", (400, "MANDATORY_IE_INCORRECT")),
        ("GET", "/nudm-sdm/v2/imsi-1%0d%0aX/am-data", (400, "MANDATORY_IE_INCORRECT")),
        ("GET", "/nudm-sdm/v2//am-data", (404, "RESOURCE_URI_STRUCTURE_NOT_FOUND")),
        ("GET", "/nudm-sdm/v2/imsi-%7f/am-data", (400, "MANDATORY_IE_INCORRECT")),
        # DEV-099
        (
            "GET",
            "/nnrf-disc/v1/nf-instances?target-nf-type=AMF&requester-nf-type=SMF&target-plmn-list="
            + quote('[{"mcc":"' + "9" * 1_000_000 + '","mnc":"70"}]'),
            (414, "INVALID_QUERY_PARAM"),
        ),
        # DEV-100
        ("GET", f"/nudm-sdm/v2/{SUPI}/am-data/more", (404, "RESOURCE_URI_STRUCTURE_NOT_FOUND")),
        ("GET", f"/nudm-sdm/v2/{SUPI}/am-dat", (404, "RESOURCE_URI_STRUCTURE_NOT_FOUND")),
        # DEV-105
        (
            "GET",
            f"/nnrf-disc/v1/nf-instances?target-nf-type=AMF&requester-nf-type=SMF&requester-features={'F' * 64}",
            (400, "OPTIONAL_QUERY_PARAM_INCORRECT"),
        ),
        # DEV-106
        (
            "GET",
            "/nnrf-disc/v1/nf-instances?" + "&".join(f"p{n}=1" for n in range(200)),
            (400, "INVALID_QUERY_PARAM"),
        ),
        (
            "GET",
            "/nnrf-disc/v1/nf-instances?target-nf-type=AMF&requester-nf-type=SMF&=x",
            (400, "INVALID_QUERY_PARAM"),
        ),
        # DEV-111
        ("POST", "/nf-status-callback/v1/unknown", (400, "INVALID_API")),
    ],
)
def test_targets(method: str, target: str, expected: tuple[int, str]) -> None:
    async def body(core: Core) -> None:
        assert cause(await core.ask(method, target)) == expected

    run(body)


def create(**changes: object) -> tuple[str, bytes]:
    """A request for an SM context as multipart/related. None takes an attribute away."""
    data = {
        "servingNfId": "00000000-0000-4000-8000-000000000008",
        "servingNetwork": {"mcc": "999", "mnc": "70"},
        "anType": "3GPP_ACCESS",
        "smContextStatusUri": "http://amf/x",
        "supi": str(SUPI),
        "pduSessionId": 1,
        "dnn": "internet",
        "sNssai": {"sst": 1},
        "n1SmMsg": {"contentId": "n1"},
        **changes,
    }
    root = json.dumps({name: value for name, value in data.items() if value is not None}).encode()
    return encode(
        [Part("application/json", "", root), Part("application/vnd.3gpp.5gnas", "n1", ESTABLISHMENT_REQUEST)]
    )


@pytest.mark.parametrize(
    ("changes", "said", "param"),
    [
        # DEV-110
        ({"pduSessionId": -1}, "MANDATORY_IE_INCORRECT", "/pduSessionId"),
        ({"pduSessionId": 256}, "MANDATORY_IE_INCORRECT", "/pduSessionId"),
        ({"pduSessionId": None}, "MANDATORY_IE_MISSING", "/pduSessionId"),
        ({"supi": ""}, "MANDATORY_IE_MISSING", "/supi"),
        ({"supi": None}, "MANDATORY_IE_MISSING", "/supi"),
        ({"smContextStatusUri": "http://amf/" + "x" * 3000}, "MANDATORY_IE_INCORRECT", "/smContextStatusUri"),
        ({"servingNfId": None}, "MANDATORY_IE_MISSING", "/servingNfId"),
        ({"servingNetwork": {"mcc": "999"}}, "MANDATORY_IE_MISSING", "/servingNetwork/mnc"),
        ({"pduSessionId": "1"}, "MANDATORY_IE_INCORRECT", "/pduSessionId"),
        ({"anType": "6G_ACCESS"}, "MANDATORY_IE_INCORRECT", "/anType"),  # DEV-115
        ({"sNssai": {"sst": "x"}}, "MANDATORY_IE_INCORRECT", "/sNssai/sst"),
    ],
)
def test_sm_contexts_that_are_none(changes: dict[str, object], said: str, param: str) -> None:
    async def body(core: Core) -> None:
        content_type, octets = create(**changes)
        answer = await core.ask("POST", "/nsmf-pdusession/v1/sm-contexts", octets, content_type=content_type)
        problem = json.loads(answer.body)
        assert (answer.status, problem["cause"]) == (400, said)
        assert [one["param"] for one in problem["invalidParams"]] == [param]

    run(body)


def test_a_reserved_identity_is_refused_to_amf_and_ue() -> None:
    """DEV-110: pduSessionId 0 with an N1 message makes no session either; the UE hears it in a 5GSM message."""

    async def body(core: Core) -> None:
        content_type, octets = create(pduSessionId=0)
        answer = await core.ask("POST", "/nsmf-pdusession/v1/sm-contexts", octets, content_type=content_type)
        assert 400 <= answer.status < 500
        assert (answer.header("content-type") or "").startswith("multipart/related")

    run(body)


REGISTRATION = {
    "amfInstanceId": STRANGER,
    "deregCallbackUri": "http://amf/x",
    "guami": {"plmnId": {"mcc": "999", "mnc": "70"}, "amfId": "010041"},
    "ratType": "NR",
}
WHERE = f"/nudm-uecm/v1/{SUPI}/registrations/amf-3gpp-access"


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b'{"amfInstanceId":"a",' + json.dumps(REGISTRATION).encode()[1:], 400),  # DEV-115: a name twice
        (json.dumps({**REGISTRATION, "guami": 0}).encode().replace(b"0", b'{"amfId":"1","amfId":"2"}'), 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 100_000, 400),
        (b"", 400),
        (b"\xff\xfe\x00", 400),
        (b"null", 400),
        (b'{"guami":1e999}', 400),
        (b'"' + b"\\" * 99_999, 400),
        (b"9" * 900_000, 400),
    ],
)
def test_json_that_is_none_deep_or_double(octets: bytes, status: int) -> None:
    async def body(core: Core) -> None:
        answer = await core.ask("PUT", WHERE, octets, content_type="application/json")
        assert answer.status == status
        assert json.loads(answer.body)["cause"] in (
            "INVALID_MSG_FORMAT",
            "MANDATORY_IE_MISSING",
            "MANDATORY_IE_INCORRECT",
        )

    run(body)


@pytest.mark.parametrize(
    "octets",
    [
        b"--b\r\n:\r\n\r\n{}\r\n--b--\r\n",  # DEV-107
        b"--b\r\n\r\n{}\r\n--b--\r\n",
        b"--b\r\nContent-Type: application/json\r\n\r\n{}",
        b"--b\r\n" * 1000,
        b"--b\r\nContent-Type: " + b"x" * 5000 + b"\r\n\r\n{}\r\n--b--\r\n",
        b"",
    ],
)
def test_multipart_bodies_that_are_none(octets: bytes) -> None:
    async def body(core: Core) -> None:
        answer = await core.ask(
            "POST", "/nsmf-pdusession/v1/sm-contexts", octets, content_type="multipart/related; boundary=b"
        )
        assert answer.status == 400

    run(body)


def test_after_all_of_it_a_subscriber_is_served() -> None:
    async def main() -> None:
        network = Network()
        network.provision()
        await network.start()
        core = Core(network)
        for octets in (b"{", b"[" * 1000, b'{"a":1,"a":2}'):
            await asyncio.gather(
                *(core.ask("PUT", WHERE, octets, content_type="application/json") for _ in range(20))
            )
        await core.served()
        await network.stop()

    run_virtual(main())
