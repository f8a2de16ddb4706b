"""Notifications find their receiver by the URI that it gave."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Why
from cinq.sbi import Bus, Problem, checked, direct, producers
from cinq.sbi.bus import Transport
from cinq.sbi.callback import notify
from cinq.sbi.directory import OneRoot
from cinq.sbi.http import OverHttp
from cinq.sbi.message import Request, Response
from cinq.sbi.peers import Peers
from cinq.sbi.reach import api_root
from cinq.sbi.services.namf_communication import NamfCallback, SmContextStatusNotification, StatusInfo
from cinq.sbi.services.npcf_ampolicycontrol import NpcfAMPolicyControl
from cinq.sbi.services.nudm_uecm import DeregistrationData, NamfUecmCallback
from cinq.transport.http2 import Secured
from tests.sbi.test_http import HOST, REQUEST, SUPI, Pcf

WITHDRAWN = DeregistrationData(dereg_reason="SUBSCRIPTION_WITHDRAWN")


class Amf:
    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    async def deregistration_notify(self, supi: str, body: DeregistrationData) -> None:
        if supi == "imsi-1":
            raise Problem(404, "CONTEXT_NOT_FOUND", Why("imsi-1 is not registered", "cinq ue"))
        self.heard.append((supi, body.dereg_reason))

    async def sm_context_status_notify(
        self, supi: str, pdu_session_id: int, body: SmContextStatusNotification
    ) -> None:
        self.heard.append((supi, pdu_session_id))


@pytest.mark.parametrize("transport", [direct, checked])
def test_the_uri_says_the_operation_and_its_parameters(transport: Transport) -> None:
    bus, one, two = Bus(transport), Amf(), Amf()
    for amf, name in ((one, "1"), (two, "2")):
        bus.serve(NamfUecmCallback, amf, name)
        bus.serve(NamfCallback, amf, name)
    status = SmContextStatusNotification(status_info=StatusInfo(resource_status="RELEASED"))

    async def run() -> None:
        await notify(bus, "UDM", "/namf-callback/v1/dereg/imsi-2", WITHDRAWN)
        await notify(bus, "UDM", "https://amf.example/namf-callback/v1/dereg/imsi%2D3", WITHDRAWN, "2")
        await notify(bus, "SMF", "/namf-callback/v1/sm-context-status/imsi-4/5", status)

    asyncio.run(run())
    assert one.heard == [("imsi-2", "SUBSCRIPTION_WITHDRAWN"), ("imsi-4", 5)]
    assert two.heard == [("imsi-3", "SUBSCRIPTION_WITHDRAWN")]


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/namf-callback/v1/dereg/imsi-2/more",
        "/namf-callback/v1/sm-context-status/imsi-4/five",
        "/nudm-sdm/v2/imsi-2/am-data",  # no callback
        "/namf-callback/v1/dereg/",
        "::",
    ],
)
def test_a_uri_of_nobody(uri: str) -> None:
    bus = Bus(checked)
    bus.serve(NamfUecmCallback, Amf(), "1")
    bus.serve(NamfCallback, Amf(), "1")
    with pytest.raises(Problem, match="TARGET_NF_NOT_REACHABLE"):
        asyncio.run(notify(bus, "UDM", uri, WITHDRAWN))


def test_nobody_serves_it() -> None:
    with pytest.raises(Problem, match="TARGET_NF_NOT_REACHABLE"):
        asyncio.run(notify(Bus(checked), "UDM", "/namf-callback/v1/dereg/imsi-2", WITHDRAWN))


def test_a_refusal_comes_back_with_what_mends_it() -> None:
    bus = Bus(checked)
    bus.serve(NamfUecmCallback, Amf(), "1")
    with pytest.raises(Problem) as caught:
        asyncio.run(notify(bus, "UDM", "/namf-callback/v1/dereg/imsi-1", WITHDRAWN))
    assert (caught.value.why, caught.value.why.mend) == ("imsi-1 is not registered", "cinq ue")


def test_a_problem_as_a_reason_says_what_mends_it() -> None:
    problem = Problem(404, "USER_NOT_FOUND", Why("imsi-1 is not provisioned", "cinq subscriber add 1"))
    text = str(problem)
    assert text == "404 USER_NOT_FOUND: imsi-1 is not provisioned"
    assert isinstance(text, Why)
    assert text.mend == "cinq subscriber add 1"
    assert str(Problem(503)) == "503"
    assert str(Problem(503, "NF_CONGESTION")) == "503 NF_CONGESTION"
    assert str(Problem.of(problem.details)) == text


# over HTTP/2


class Elsewhere:
    """Another process: a bus with an AMF, and a peer with paths of its own."""

    def __init__(self) -> None:
        self.bus, self.amf, self.heard = Bus(), Amf(), list[tuple[str, str]]()
        self.bus.serve(NamfUecmCallback, self.amf, "1")
        self.bus.serve(NpcfAMPolicyControl, Pcf(), "2")

    async def __aenter__(self) -> Elsewhere:
        self.server = await producers.offer(self.bus, HOST, 0, None)
        known = self.server.answer

        async def noted(request: Request, peer: Secured) -> Response:
            self.heard.append((request.method, request.target))
            if request.target.startswith("/foreign"):
                return Response(204)
            return await known(request, peer)

        self.server.answer = noted
        self.root = api_root(*self.server.local, tls=False)
        self.wire = OverHttp(OneRoot("http://127.0.0.1:9"), Peers(), own="http://127.0.0.1:9")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.wire.peers.close()
        await self.server.close()


@pytest.mark.parametrize("remote", [True, False])
def test_a_uri_with_an_authority_goes_there(remote: bool) -> None:
    async def main() -> None:
        async with Elsewhere() as other:
            here = Amf()
            bus = Bus(wire=other.wire, api_root="http://127.0.0.1:9", remote=remote)
            bus.serve(NamfUecmCallback, here, "1")
            uri = bus.uri("/namf-callback/v1/dereg/imsi-2")
            assert uri == "http://127.0.0.1:9/namf-callback/v1/dereg/imsi-2"
            await notify(bus, "UDM", f"{other.root}/namf-callback/v1/dereg/imsi-2", WITHDRAWN)
            assert (other.amf.heard, here.heard) == ([("imsi-2", "SUBSCRIPTION_WITHDRAWN")], [])
            with pytest.raises(Problem) as caught:
                await notify(bus, "UDM", f"{other.root}/namf-callback/v1/dereg/imsi-1", WITHDRAWN)
            assert (caught.value.status, caught.value.cause) == (404, "CONTEXT_NOT_FOUND")
            if not remote:  # our own is within the process
                await notify(bus, "UDM", uri, WITHDRAWN)
                assert here.heard == [("imsi-2", "SUBSCRIPTION_WITHDRAWN")]

    asyncio.run(main())


def test_a_receiver_of_others_has_paths_of_its_own() -> None:
    """The notification is told by its body; query and prefix stay as they were given."""

    async def main() -> None:
        async with Elsewhere() as other:
            bus = Bus(wire=other.wire)
            await notify(bus, "UDM", f"{other.root}/foreign/ue/2/gone?x=1", WITHDRAWN)
            assert other.heard == [("POST", "/foreign/ue/2/gone?x=1")]
            for uri in (
                f"{other.root}/nothing/at/all",
                "ftp://127.0.0.1/x",
                "http://[::1/x",
                "http://u:p@h/x",
            ):
                with pytest.raises(Problem):
                    await notify(bus, "UDM", uri, WITHDRAWN)
            assert not other.amf.heard

    asyncio.run(main())


def test_a_resource_made_elsewhere_is_asked_for_there() -> None:
    """TS 29.501 §4.4.1: a second producer of the same service does not know it."""

    async def main() -> None:
        async with Elsewhere() as one, Elsewhere() as two:
            one.wire.directory = OneRoot(one.root)
            client = Bus(wire=one.wire).client(NpcfAMPolicyControl, "AMF")
            made = await client.create(REQUEST)
            assert made.id == f"{one.root}/{SUPI}"
            one.wire.directory = OneRoot(two.root)  # discovery prefers another
            await client.delete(made.id)
            assert [target for _, target in one.heard][-1] == f"/npcf-am-policy-control/v1/policies/{SUPI}"
            assert not two.heard

    asyncio.run(main())
