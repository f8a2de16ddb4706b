"""The NEF's interface to applications on a real socket: tokens, and whatever octets come (RFC 6749, TS 33.501 §12)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cinq import exposure
from cinq.procedure import Journal, RealClock
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus
from cinq.sbi.message import Request, Response
from cinq.sbi.peers import Peers
from cinq.sbi.services.nnrf_accesstoken import AccessTokenClaims
from cinq.sbi.services.quality_on_demand import ErrorInfo
from cinq.sbi.token import SigningKey
from cinq.settings.exposure import Application, Nef
from cinq.settings.network import NetworkSettings

NEF_ID, SECRET = "00000000-0000-4000-8000-000000000011", "0123456789abcdef"
SESSIONS = "/quality-on-demand/v1/sessions"
FORM = "application/x-www-form-urlencoded"
BODY = (
    b'{"device":{"ipv4Address":{"publicAddress":"10.45.0.2"}},"applicationServer":{"ipv4Address":"198.51.100.7"},'
    b'"qosProfile":"QOS_L","duration":60}'
)


class World:
    def __init__(self, root: str, folder: Path, store: MemoryStore) -> None:
        self.root, self.folder, self.store, self.peers = root, folder, store, Peers()

    async def ask(
        self, method: str, target: str, body: bytes = b"", token: str = "", kind: str = "application/json"
    ) -> Response:
        headers = [("content-type", kind)] if body else []
        if token:
            headers.append(("authorization", f"Bearer {token}"))
        return await self.peers.send(self.root, Request(method, target, tuple(headers), body), 5.0)

    async def token(self, more: str = "") -> str:
        body = f"grant_type=client_credentials&client_id=video&client_secret={SECRET}{more}".encode()
        answer = await self.ask("POST", "/oauth2/v1/token", body, kind=FORM)
        assert answer.status == 200
        assert answer.header("cache-control") == "no-store"
        return str(msgspec.json.decode(answer.body)["access_token"])


def run(folder: Path, body: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        s = NetworkSettings()
        s = replace(
            s,
            nef=replace(Nef(start=True), address=s.nef.address, port=port),
            af=(Application("video", SECRET, ("quality-on-demand", "3gpp-traffic-influence")),),
            state=replace(s.state, folder=folder),
        )
        store = MemoryStore()
        async with contextlib.AsyncExitStack() as undo:
            await exposure.opened(s, Bus(), store, RealClock(), Journal(), NEF_ID, undo)
            world = World(f"http://{s.nef.address}:{port}", folder, store)
            try:
                await body(world)
            finally:
                await world.peers.close()

    asyncio.run(main())


def test_who_has_no_token_or_a_wrong_one_gets_nothing(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        own = SigningKey.kept(tmp_path / exposure.TOKEN_KEY)
        claims = AccessTokenClaims(iss=NEF_ID, sub="video", aud="NEF", scope="quality-on-demand", exp=2**40)
        foreign = SigningKey.made().sign(claims)
        for token, status in (
            ("", 401),
            ("a.b.c", 401),
            (foreign, 401),
            (own.sign(msgspec.structs.replace(claims, exp=1)), 401),
            (own.sign(msgspec.structs.replace(claims, aud="PCF")), 401),
            (own.sign(msgspec.structs.replace(claims, iss="another")), 401),
            (own.sign(msgspec.structs.replace(claims, scope="3gpp-traffic-influence")), 403),
            (own.sign(msgspec.structs.replace(claims, sub="nobody")), 403),
        ):
            answer = await world.ask("POST", SESSIONS, BODY, token)
            assert (answer.status, msgspec.json.decode(answer.body, type=ErrorInfo).status) == (
                status,
                status,
            )
        narrow = await world.token("&scope=3gpp-traffic-influence")
        assert (await world.ask("POST", SESSIONS, BODY, narrow)).status == 403
        # with a good one the core is asked, and there is none here
        assert (await world.ask("POST", SESSIONS, BODY, await world.token())).status == 504
        assert not list(world.store.items("nef-demands"))

    run(tmp_path, body)


def test_what_is_the_cores_is_not_here(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        token = await world.token()
        for target in (
            "/nnef-callback/v1/app-sessions/a/notify",
            "/npcf-policyauthorization/v1/app-sessions",
            "/nnrf-nfm/v1/nf-instances",
            "/sink-callback/v1/events",
            "/",
        ):
            answer = await world.ask("POST", target, b"{}", token)
            assert answer.status == 400
            assert b"INVALID_API" in answer.body

    run(tmp_path, body)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 415),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 5000, 400),
        (b'{"qosProfile":"a","qosProfile":"b"}', 400),
        (BODY.replace(b"60", b"1e400"), 400),
        (BODY.replace(b"60", b"99999999999999999999"), 400),
        (BODY.replace(b'"QOS_L"', b'"\\u0000"'), 400),
        (BODY.replace(b"198.51.100.7", b"198.51.100.7 to any; drop"), 400),
        (BODY.replace(b"10.45.0.2", b"10.45.0.2/8"), 400),
        (b" " * 3_000_000, 413),
    ],
)
def test_bodies_that_are_none(tmp_path: Path, body: bytes, status: int) -> None:
    async def scene(world: World) -> None:
        answer = await world.ask("POST", SESSIONS, body, await world.token())
        assert answer.status == status
        assert not list(world.store.items("nef-demands"))

    run(tmp_path, scene)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (b"grant_type=client_credentials&client_id=video&client_secret=wrong-wrong-wrong", b"invalid_client"),
        (b"grant_type=client_credentials&client_id=nobody&client_secret=0123456789abcdef", b"invalid_client"),
        (b"grant_type=password&client_id=video&client_secret=0123456789abcdef", b"unsupported_grant_type"),
        (b"client_id=video", b"invalid_request"),
        (b"%ff%fe", b"invalid_request"),
        (b"grant_type=client_credentials&grant_type=x&client_id=v&client_secret=s", b"invalid_request"),
    ],
)
def test_forms_that_give_no_token(tmp_path: Path, form: bytes, error: bytes) -> None:
    async def scene(world: World) -> None:
        answer = await world.ask("POST", "/oauth2/v1/token", form, kind=FORM)
        assert answer.status == 400
        assert error in answer.body

    run(tmp_path, scene)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["device", "applicationServer", "qosProfile", "duration", "sink", "devicePorts", "sinkCredential"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(FIELDS, JSON, max_size=7),
    st.sampled_from(["/sessions", "/sessions/x/extend", "/retrieve-sessions"]),
)
def test_any_json_is_refused_with_a_reason(tmp_path: Path, tree: dict[str, object], path: str) -> None:
    async def scene(world: World) -> None:
        whole = {**msgspec.json.decode(BODY), **tree} if path == "/sessions" and len(tree) < 4 else tree
        body = msgspec.json.encode(whole)
        answer = await world.ask("POST", f"/quality-on-demand/v1{path}", body, await world.token())
        if answer.status != 200:  # an empty list of sessions
            assert 400 <= answer.status < 505
            assert answer.status != 500
            assert msgspec.json.decode(answer.body, type=ErrorInfo).status == answer.status

    run(tmp_path, scene)
