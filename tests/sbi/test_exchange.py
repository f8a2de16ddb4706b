"""What goes beside an operation: encodings, custom headers, redirections, congestion, peers that fall silent."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from cinq.sbi import Bus, Created, Problem, headers, producers
from cinq.sbi.directory import Found
from cinq.sbi.encoding import MOST, accepts, inflated
from cinq.sbi.headers import seconds_of, timestamp
from cinq.sbi.http import OverHttp
from cinq.sbi.message import Headers, Request, Response
from cinq.sbi.operation import Operation
from cinq.sbi.peers import SILENT, Peers
from cinq.sbi.reach import api_root
from cinq.sbi.services.npcf_ampolicycontrol import (
    NpcfAMPolicyControl,
    PolicyAssociation,
    PolicyAssociationRequest,
)
from cinq.sbi.services.nudm_uecm import DeregistrationData, NamfUecmCallback
from cinq.transport.error import NoAnswerError
from cinq.transport.http2 import Http2Server, Limits, Secured, serve
from tests.sbi.test_http import HOST, REQUEST, SUPI, Pcf, World
from tests.sbi.test_http import run as run_world

POLICIES = "/npcf-am-policy-control/v1/policies"
BODY = msgspec.json.encode(REQUEST)
Answer = Callable[[Request, Secured], Awaitable[Response]]


class Somebody:
    """A producer that answers as a test wants, and what it was asked."""

    def __init__(self, *answers: Response | None) -> None:
        self.answers, self.asked = list(answers), list[Request]()
        self.server: Http2Server
        self.root = ""

    async def answer(self, request: Request, peer: Secured) -> Response:
        self.asked.append(request)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if found is None:
            await asyncio.sleep(60)
            raise AssertionError
        return found

    async def __aenter__(self) -> Somebody:
        self.server = await serve(HOST, 0, self.answer, limits=Limits())
        self.root = api_root(*self.server.local, tls=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.close()


class Order:
    """A directory with places in order; those that failed go last."""

    def __init__(self, *roots: str) -> None:
        self.places = [Found(root) for root in roots]

    async def find(
        self, op: Operation, consumer: str, instance: str | None, root: str, plmn: object = None
    ) -> Found:
        return Found(root) if root else self.places[0]

    def failed(self, place: Found) -> None:
        self.places.sort(key=lambda one: one.root == place.root)


def made(*extra: tuple[str, str]) -> Response:
    body = json.dumps({"suppFeat": "0", "request": {}}).encode()
    return Response(201, (("location", f"{POLICIES}/7"), ("content-type", "application/json"), *extra), body)


def moved(status: int, place: str, *extra: tuple[str, str]) -> Response:
    return Response(status, (("location", place), *extra))


async def created(wire: OverHttp) -> str:
    try:
        return (await Bus(wire=wire).client(NpcfAMPolicyControl, "AMF").create(REQUEST)).id
    finally:
        await wire.peers.close()


# encodings


def test_a_request_and_its_answer_may_be_compressed() -> None:
    async def body(world: World) -> None:
        long = "x" * 5000
        answer = await world.ask(
            "POST", POLICIES, gzip.compress(BODY), content_type="application/json", content_encoding="gzip"
        )
        assert (answer.status, world.pcf.there) == (201, {SUPI})
        target = f"{POLICIES}/{long[:1900]}/update"
        body = json.dumps({"triggers": []}).encode()
        plain = await world.ask("POST", target, body, content_type="application/json")
        small = await world.ask("POST", target, body, content_type="application/json", accept_encoding="gzip")
        assert (plain.status, small.status) == (200, 200)
        assert small.header("content-encoding") is None  # below the size at which it is worth it
        assert plain.body == small.body

    run_world(body)


def test_long_answers_are_compressed_for_those_that_take_it() -> None:
    class Wordy(Pcf):
        async def delete(self, pol_asso_id: str) -> None:
            raise Problem(404, None, "long " * 2000)

    async def body(world: World) -> None:
        world.bus.withdraw(NpcfAMPolicyControl, "i1")
        world.bus.serve(NpcfAMPolicyControl, Wordy(), "i2")
        plain = await world.ask("DELETE", f"{POLICIES}/7")
        small = await world.ask("DELETE", f"{POLICIES}/7", accept_encoding="br, gzip;q=0.5")
        never = await world.ask("DELETE", f"{POLICIES}/7", accept_encoding="gzip;q=0")
        assert small.header("content-encoding") == "gzip"
        assert len(small.body) < len(plain.body) / 10
        assert gzip.decompress(small.body) == plain.body == never.body
        with pytest.raises(Problem, match="404: long long"):  # our own consumer takes it
            await world.bus.client(NpcfAMPolicyControl, "AMF").delete("7")

    run_world(body)


BOMB = zlib.compress(bytes(300 * MOST), 9, 31)


@pytest.mark.parametrize(
    ("encoding", "octets", "status"),
    [
        ("gzip", BOMB, 413),
        ("gzip", b"no gzip", 400),
        ("gzip", gzip.compress(BODY)[:-9], 400),
        ("gzip", gzip.compress(BODY) + b"x", 400),
        ("br", BODY, 415),
        ("gzip, gzip", gzip.compress(gzip.compress(BODY)), 415),
    ],
)
def test_encodings_that_are_refused(encoding: str, octets: bytes, status: int) -> None:
    async def body(world: World) -> None:
        begun = time.process_time()
        answer = await world.ask(
            "POST", POLICIES, octets, content_type="application/json", content_encoding=encoding
        )
        assert answer.status == status
        assert (answer.header("accept-encoding") == "gzip") == (status == 415)
        assert time.process_time() - begun < 1.0
        assert not world.pcf.there

    run_world(body)


def test_what_is_accepted() -> None:
    assert [accepts(v) for v in ("gzip", "*", "br;q=1, gzip ; q=0.1", "GZIP")] == [True] * 4
    assert [accepts(v) for v in (None, "", "br", "gzip;q=0", "gzip; q=0.0")] == [False] * 5
    assert inflated(gzip.compress(b"x" * MOST)) == b"x" * MOST


# headers


def test_a_request_says_how_long_and_for_whom() -> None:
    async def main() -> None:
        async with Somebody(Response(204)) as one:
            wire = OverHttp(Order(one.root), Peers())
            bus = Bus(wire=wire)
            await bus.client(NpcfAMPolicyControl, "AMF").delete(SUPI)
            await bus.client(NamfUecmCallback, "UDM").deregistration_notify(
                SUPI, DeregistrationData(dereg_reason="SUBSCRIPTION_WITHDRAWN")
            )
            await wire.peers.close()
            deleted, told = one.asked
            assert (deleted.header(headers.MAX_RSP_TIME), deleted.header(headers.CALLBACK)) == ("10000", None)
            assert deleted.header(headers.CORRELATION_INFO) == SUPI
            sent = seconds_of(deleted.header(headers.SENDER_TIMESTAMP) or "")
            assert sent is not None
            assert abs(sent - time.time()) < 30
            assert told.header(headers.CALLBACK) == "Nudm_UECM_DeregistrationNotification"

    asyncio.run(main())


def test_timestamps_are_those_of_ts_29500() -> None:
    assert timestamp(1564908577.845) == "Sun, 04 Aug 2019 08:49:37.845 GMT"
    assert seconds_of("Sun, 04 Aug 2019 08:49:37.845 GMT") == pytest.approx(1564908577.845)
    for wrong in ("", "Sun, 04 Aug 2019 08:49:37 GMT", "Sun, 32 Aug 2019 08:49:37.845 GMT", "x" * 9000):
        assert seconds_of(wrong) is None


def test_a_request_that_comes_too_late_is_not_begun() -> None:
    async def body(world: World) -> None:
        def of(ago: float, waits: str) -> dict[str, str]:
            return {headers.SENDER_TIMESTAMP: timestamp(time.time() - ago), headers.MAX_RSP_TIME: waits}

        late = await world.ask("POST", POLICIES, BODY, content_type="application/json", **of(60, "10000"))
        assert (late.status, json.loads(late.body)["cause"]) == (504, "TIMED_OUT_REQUEST")
        assert not world.pcf.there
        for ago, waits in ((60.0, "99999"), (60.0, "soon"), (60.0, "1" * 400), (-60.0, "1")):
            timely = await world.ask(
                "POST", POLICIES, BODY, content_type="application/json", **of(ago, waits)
            )
            assert timely.status == 201

    run_world(body)


def test_a_resource_says_which_instance_made_it() -> None:
    async def body(world: World) -> None:
        answer = await world.ask("POST", POLICIES, BODY, content_type="application/json")
        assert answer.header(headers.BINDING) == "bl=nf-instance; nfinst=i1"
        assert answer.header(headers.PRODUCER_ID) == "nfinst=i1"

    run_world(body)


def test_when_too_much_is_under_way_what_matters_least_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producers, "MOST_UNDER_WAY", 1)

    async def body(world: World) -> None:
        usual = await world.ask("POST", POLICIES, BODY, content_type="application/json")
        assert (usual.status, usual.header("retry-after")) == (503, "1")
        assert json.loads(usual.body)["cause"] == "NF_CONGESTION"
        urgent = {headers.MESSAGE_PRIORITY: "3"}
        answer = await world.ask("POST", POLICIES, BODY, content_type="application/json", **urgent)
        assert answer.status == 201
        for no_priority in ("", "-1", "99", "x", "3" * 500):
            answer = await world.ask("DELETE", f"{POLICIES}/7", **{headers.MESSAGE_PRIORITY: no_priority})
            assert answer.status == 503

    run_world(body)


def test_a_name_that_no_header_can_hold_is_written_so_that_it_can() -> None:
    class Odd(Pcf):
        async def create(self, body: PolicyAssociationRequest) -> Created[PolicyAssociation]:
            return Created(
                "/policies/a b\r\nx: y é/7", PolicyAssociation(supp_feat="0", ue_ambr=body.ue_ambr)
            )

    async def body(world: World) -> None:
        world.bus.withdraw(NpcfAMPolicyControl, "i1")
        world.bus.serve(NpcfAMPolicyControl, Odd(), "i2")
        answer = await world.ask("POST", POLICIES, BODY, content_type="application/json")
        assert (answer.header("location") or "").endswith("/policies/a%20b%0D%0Ax:%20y%20%C3%A9/7")
        assert (await world.bus.client(NpcfAMPolicyControl, "AMF").create(REQUEST)).id == "7"

    run_world(body)


# redirections


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirection_is_followed_and_the_resource_is_there(status: int) -> None:
    async def main() -> None:
        async with Somebody(made()) as there, Somebody(Response(500)) as here:
            here.answers = [moved(status, f"{there.root}{POLICIES}")]
            wire = OverHttp(Order(here.root), Peers())
            await created(wire)
            assert [request.target for request in there.asked] == [POLICIES]
            assert there.asked[0].body == here.asked[0].body

    asyncio.run(main())


@pytest.mark.parametrize(
    "place",
    [
        "",
        "/npcf-am-policy-control/v1/policies",
        "ftp://127.0.0.1/x",
        "http://user@127.0.0.1/x",
        "http://127.0.0.1",
        "http://127.0.0.1:9/x y",
        "http://\\127.0.0.1/x",
        "http://127.0.0.1/" + "x" * 3000,
        "https://127.0.0.1:9/x",  # not what this process speaks
    ],
)
def test_redirections_to_nowhere(place: str) -> None:
    async def main() -> None:
        async with Somebody(moved(307, place)) as here:
            with pytest.raises(Problem, match="504 TARGET_NF_NOT_REACHABLE"):
                await created(OverHttp(Order(here.root), Peers()))
            assert len(here.asked) == 1

    asyncio.run(main())


def test_redirections_in_a_circle_end() -> None:
    async def main() -> None:
        async with Somebody(Response(500)) as one, Somebody(Response(500)) as two:
            one.answers, two.answers = [moved(307, f"{two.root}/x")], [moved(308, f"{one.root}/x")]
            with pytest.raises(Problem, match=r"504 .*in a circle"):
                await created(OverHttp(Order(one.root), Peers()))
            assert (len(one.asked), len(two.asked)) == (1, 1)

    asyncio.run(main())


# who does not answer


def congested(*extra: tuple[str, str]) -> Response:
    said: Headers = (("content-type", "application/problem+json"), *extra)
    return Response(503, said, b'{"cause":"NF_CONGESTION","status":503}')


def test_one_that_has_no_room_is_passed_over_once() -> None:
    async def main() -> None:
        async with Somebody(congested()) as full, Somebody(made()) as free:
            assert (await created(OverHttp(Order(full.root, free.root), Peers()))).endswith("/7")
            assert (len(full.asked), len(free.asked)) == (1, 1)
        async with Somebody(congested()) as full, Somebody(congested()) as too:
            with pytest.raises(Problem, match="503 NF_CONGESTION"):
                await created(OverHttp(Order(full.root, too.root), Peers()))
            assert (len(full.asked), len(too.asked)) == (1, 1)

    asyncio.run(main())


def test_what_is_not_idempotent_is_not_repeated_once_it_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """TS 29.500 §5.2.8: the producer may have carried it out."""
    monkeypatch.setattr("cinq.sbi.http.WITHIN_S", 0.2)

    async def main() -> None:
        async with Somebody(None) as silent, Somebody(made(), Response(204)) as other:
            with pytest.raises(Problem, match="504"):
                await created(OverHttp(Order(silent.root, other.root), Peers()))
            assert (len(silent.asked), len(other.asked)) == (1, 0)
            wire = OverHttp(Order(silent.root, other.root), Peers())
            other.answers = [Response(204)]
            await Bus(wire=wire).client(NpcfAMPolicyControl, "AMF").delete("7")
            await wire.peers.close()
            assert (len(silent.asked), len(other.asked)) == (2, 1)

    asyncio.run(main())


def test_a_peer_that_answers_nothing_is_left_alone_and_delays_nobody() -> None:
    async def main() -> None:
        peers = Peers()
        async with Somebody(None) as silent, Somebody(Response(204)) as other:
            for _ in range(SILENT):
                with pytest.raises(NoAnswerError, match="no answer within"):
                    await peers.send(silent.root, Request("GET", "/"), 0.1)
            with pytest.raises(NoAnswerError, match=f"not sent: it has not answered {SILENT} times in a row"):
                await peers.send(silent.root, Request("GET", "/"), 60.0)
            assert len(silent.asked) == SILENT
            assert (await peers.send(other.root, Request("GET", "/"), 5.0)).status == 204
            silent.answers = [Response(204)]
            peers._circuits[silent.root].until = 0.0
            assert (await peers.send(silent.root, Request("GET", "/"), 5.0)).status == 204
            assert silent.root not in peers._circuits
            await peers.close()

    asyncio.run(main())


def test_an_answer_that_cannot_be_read_is_an_error_of_the_peer() -> None:
    async def main() -> None:
        for answer in (
            Response(201, (("content-encoding", "gzip"), ("content-type", "application/json")), BOMB),
            Response(201, (("content-encoding", "br"), ("content-type", "application/json")), b"{}"),
        ):
            async with Somebody(answer) as one:
                with pytest.raises(Problem, match="504"):
                    await created(OverHttp(Order(one.root), Peers()))

    asyncio.run(main())
