"""TS 33.117 §4.3.4 over the network: a web server as it should be, and weakened in one point."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from cinq.assurance import web
from cinq.assurance.run import out_of_reach
from cinq.assurance.target import Features
from cinq.assurance.trial import Lab
from cinq.assurance.verdict import Judged, Verdict
from cinq.sbi.certificates import Authority, Files
from cinq.sbi.tls import mutual

from .plain import described, played
from .site import found

pytestmark = pytest.mark.kernel
Request = tuple[str, str, str]
"""Method, path and all of the head."""
Handler = Callable[[Request], str]
LOG: list[str] = []


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("web")
    return Authority.kept(folder).issue(folder, "web", ["urn:uuid:1"], ["127.0.0.1"])


def answer(status: int, body: str = "", headers: str = "Server: web\r\n") -> str:
    return f"HTTP/1.1 {status} So\r\n{headers}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"


def sound(request: Request) -> str:
    method, path, head = request
    user = " user c10c-nobody" if "Authorization" in head else ""
    LOG.append(f"2026-11-30 12:00:00 127.0.0.1 {method} {path[:80]}{user}")
    if "HTTP/1.1" not in head.splitlines()[0]:
        return answer(400, "no such version")
    if method not in ("GET", "HEAD"):
        return answer(405, "no such method")
    return answer(200, "<h1>management</h1>") if path == "/" else answer(404, "not here")


def with_one(method: str = "GET", path: str = "", said: str = "") -> Handler:
    """Sound, but for the answer to one request."""

    def handler(request: Request) -> str:
        mine = request[0] == method and (not path or request[1] == path)
        return said if mine else sound(request)

    return handler


def tells_its_version(request: Request) -> str:
    return sound(request).replace("Server: web", "Server: Apache/2.4.1")


def shows_its_inside(request: Request) -> str:
    return sound(request).replace("not here", "Traceback (most recent call last):")[:2000]


def logs_nothing(request: Request) -> str:
    said = sound(request)
    LOG.clear()
    return said


def logs_passwords(request: Request) -> str:
    said = sound(request)
    LOG.append(f"12:00:00 {request[1]} " + request[2].replace("\r\n", " "))
    return said


INDEX = answer(200, "<title>Index of /static</title>")
SHADOW = answer(200, "root:x:0:0:root:/root:/bin/sh\n")
KILLS: dict[str, tuple[Handler, ...]] = {
    "33117-4.3.4.3": (with_one("TRACE", said=answer(200, "TRACE /")),),
    "33117-4.3.4.9": (
        with_one(path="/manual/", said=answer(200, "the manual")),
        with_one(path="/", said=answer(200, "<h1>Welcome to nginx!</h1>")),
    ),
    "33117-4.3.4.10": (with_one(path="/static/", said=INDEX),),
    "33117-4.3.4.11": (tells_its_version,),
    "33117-4.3.4.12": (shows_its_inside,),
    "33117-4.3.4.14": (with_one(path="/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", said=SHADOW),),
    "33117-4.2.5.2.1": (logs_nothing, logs_passwords),
}


def asked(case: str, files: Files, handler: Handler) -> Judged:
    context = mutual(*map(str, files), server=True)
    context.verify_mode = ssl.CERT_NONE  # a browser has no certificate
    listening = socket.create_server(("127.0.0.1", 0))
    LOG.clear()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            words = head.split("\r\n")[0].split(" ")
            writer.write(handler((words[0], words[1], head)).encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        async with await asyncio.start_server(serve, sock=listening, ssl=context):
            yield

    place = f"127.0.0.1:{listening.getsockname()[1]}"
    whom = dataclasses.replace(described(https=(place,)), features=Features(web=True))
    return played(case, "A", whom, around, turns={"log": lambda names: "\n".join(LOG)})[0]


@pytest.mark.parametrize("case", KILLS)
def test_a_sound_server_passes_and_each_weakened_one_is_found_out(case: str, files: Files) -> None:
    judged = asked(case, files, sound)
    assert judged.verdict is Verdict.PASS, judged.reason
    for weakened in KILLS[case]:
        judged = asked(case, files, weakened)
        assert judged.verdict is Verdict.FAIL, judged.reason


def test_a_server_that_answers_nonsense_is_not_judged(files: Files) -> None:
    for case in KILLS:
        assert asked(case, files, lambda request: "\0\1\2 nonsense").verdict is Verdict.INCONCLUSIVE


def test_without_a_web_server_nothing_is_asked() -> None:
    for case in KILLS:
        judged = out_of_reach(found(case, "A")[1], Lab(described(), None, lambda: 0.0))  # type: ignore[arg-type]
        assert judged is not None
        assert judged.verdict is Verdict.NOT_APPLICABLE
        assert "features.web = false" in judged.reason


@pytest.mark.parametrize(
    "octets", [b"", b"HTTP/1.1", b"HTTP/1.1 2x0 a\r\n\r\n", b"HTTP/1.1 99999\r\n\r\n", b"\xff" * 99]
)
def test_what_is_no_response(octets: bytes) -> None:
    assert web.read(octets).status == 0
