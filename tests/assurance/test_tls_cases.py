"""The TLS profile: our own SBI's context as the target, and contexts in which one thing of it is weakened."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from cinq.assurance.verdict import Verdict
from cinq.sbi.certificates import Authority, Files
from cinq.sbi.tls import mutual
from cinq.transport import tls_hello
from cinq.transport.tls_hello import TLS12, TLS13, Answer, client_hello

from .plain import described, played

pytestmark = pytest.mark.kernel
SBI = "33117-4.2.2.2.2"
Weaken = Callable[[ssl.SSLContext], None]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    return Authority.kept(folder).issue(folder, "nf", ["urn:uuid:1"], ["127.0.0.1"])


def sound(context: ssl.SSLContext) -> None: ...


def old_versions(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")


def tls_1_2_is_missing(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3


def tls_1_3_is_missing(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def suites_without_encryption(context: ssl.SSLContext) -> None:
    context.set_ciphers("ECDHE+AESGCM:eNULL:@SECLEVEL=0")


def suites_without_authentication(context: ssl.SSLContext) -> None:
    context.set_ciphers("ECDHE+AESGCM:aNULL:@SECLEVEL=0")


def cbc(context: ssl.SSLContext) -> None:
    context.set_ciphers("ECDHE+AESGCM:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")


def nobody_is_asked_who_he_is(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_NONE


KILLS: dict[str, tuple[Weaken, ...]] = {
    "mandated": (tls_1_2_is_missing, tls_1_3_is_missing),
    "versions": (old_versions,),
    "suites": (suites_without_encryption, suites_without_authentication),
    "http2": (cbc,),
    "mutual": (nobody_is_asked_who_he_is,),
}


def asked(sub: str, files: Files, weaken: Weaken, case: str = SBI) -> tuple[Verdict, str]:
    context = mutual(*map(str, files), server=True)
    weaken(context)
    listening = socket.create_server(("127.0.0.1", 0))

    handshakes: set[asyncio.Task[object]] = set()

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            handshakes.add(task)
        try:
            await writer.start_tls(context, ssl_handshake_timeout=5)
        except OSError:  # a client that is refused, or that has left
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        async with await asyncio.start_server(talk, sock=listening):
            yield
        await asyncio.gather(*handshakes, return_exceptions=True)  # none outlives the loop

    place = f"127.0.0.1:{listening.getsockname()[1]}"
    judged, _ = played(case, sub, described(tls=(place,), https=(place,)), serving)
    return judged.verdict, judged.reason


@pytest.mark.parametrize("sub", [*KILLS, "compression"])
def test_our_own_context_passes(sub: str, files: Files) -> None:
    verdict, reason = asked(sub, files, sound)
    assert verdict is Verdict.PASS, reason


@pytest.mark.parametrize(("sub", "weaken"), [(sub, one) for sub, many in KILLS.items() for one in many])
def test_a_weakened_context_is_found_out(sub: str, weaken: Weaken, files: Files) -> None:
    verdict, reason = asked(sub, files, weaken)
    assert verdict is Verdict.FAIL, reason


MANAGEMENT: dict[tuple[str, str], Weaken] = {
    ("33117-4.2.5.1", "mandated"): tls_1_3_is_missing,
    ("33117-4.2.5.1", "versions"): old_versions,
    ("33117-4.2.5.1", "suites"): suites_without_encryption,
    ("33117-4.2.3.2.4", "tls-versions"): old_versions,
    ("33117-4.2.3.2.4", "tls-suites"): suites_without_authentication,
}


@pytest.mark.parametrize(("which", "weaken"), MANAGEMENT.items())
def test_of_web_servers_and_management(which: tuple[str, str], weaken: Weaken, files: Files) -> None:
    case, sub = which
    assert asked(sub, files, sound, case)[0] is Verdict.PASS
    verdict, reason = asked(sub, files, weaken, case)
    assert verdict is Verdict.FAIL, reason


def test_a_server_that_compresses(monkeypatch: pytest.MonkeyPatch, files: Files) -> None:
    """No library does so any more: what it would answer."""
    ask = tls_hello.ask

    async def compresses(host: str, port: int, hello: bytes) -> Answer:
        answer = await ask(host, port, hello)
        return answer._replace(compression=1) if b"\x02\x01\0" in hello else answer

    monkeypatch.setattr("cinq.assurance.tls.ask", compresses)
    verdict, reason = asked("compression", files, sound)
    assert verdict is Verdict.FAIL, reason


@pytest.mark.parametrize(
    "said", [b"", b"\x16\x03\x03\xff\xff", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9, bytes(70000)]
)
def test_what_speaks_no_tls_is_not_judged(said: bytes, files: Files) -> None:
    """It closes, lies about lengths, talks something else, or floods: no wait is without an end."""
    assert tls_hello.read(said) == Answer()

    @asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(said)
            writer.close()

        async with await asyncio.start_server(talk, "127.0.79.2", 3456):
            yield

    judged, _ = played(SBI, "versions", described(tls=("127.0.79.2:3456",)), serving)
    assert judged.verdict is Verdict.INCONCLUSIVE, judged.reason


def test_nobody_there(files: Files) -> None:
    judged, _ = played(SBI, "mandated", described(tls=("127.0.79.2:3457",)))
    assert judged.verdict is Verdict.INCONCLUSIVE


def test_a_hello_is_what_openssl_reads(files: Files) -> None:
    """A foreign reader: OpenSSL takes both, and answers in the version that was offered."""
    context = mutual(*map(str, files), server=True)
    for version, suite in ((TLS12, 0xC02B), (TLS13, 0x1301)):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        end = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(client_hello(version, (suite,)))
        with pytest.raises(ssl.SSLWantReadError):
            end.do_handshake()
        answer = tls_hello.read(outgoing.read())
        assert (answer.version, answer.suite) == (version, suite)


def test_a_place_is_an_address_and_a_port() -> None:
    with pytest.raises(ValueError, match="tls: found 'amf', wanted address:port"):
        described(tls=("amf",))
