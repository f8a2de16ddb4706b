"""The page for Prometheus: what is asked for rightly gets it, everything else an answer or an end."""

from __future__ import annotations

import asyncio

import pytest

from cinq.transport import metrics
from cinq.transport.error import TransportError
from cinq.transport.metrics import Page

ADDRESS, PORT = "127.0.0.91", 9464


async def _ask(octets: bytes, *, close: bool = False) -> bytes:
    reader, writer = await asyncio.open_connection(ADDRESS, PORT)
    writer.write(octets)
    if close:
        writer.write_eof()
    found = await reader.read()
    writer.close()
    return found


def test_requests() -> None:
    async def main() -> None:
        page = Page(lambda: "a 1\n")
        await page.listen(ADDRESS, PORT)
        with pytest.raises(TransportError, match="metrics at"):
            await Page(str).listen(ADDRESS, PORT)
        good = await _ask(b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert good.startswith(b"HTTP/1.1 200 OK\r\n")
        assert good.endswith(b"\r\n\r\na 1\n")
        assert (await _ask(b"HEAD /metrics HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\n")
        assert b" 404 " in await _ask(b"GET / HTTP/1.1\r\n\r\n")
        assert b" 405 " in await _ask(b"POST /metrics HTTP/1.1\r\n\r\n")
        assert b" 405 " in await _ask(b"\xff\0\r\n\r\n")
        assert await _ask(b"GET /metrics", close=True) == b""
        with_much = await asyncio.gather(_ask(b"x" * 100_000, close=True), return_exceptions=True)
        assert with_much[0] == b"" or isinstance(with_much[0], OSError)
        page.close()

    asyncio.run(main())


def test_who_is_slow_or_one_too_many_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "WITHIN_S", 0.2)
    monkeypatch.setattr(metrics, "AT_ONCE", 2)

    async def main() -> None:
        page = Page(lambda: "a 1\n")
        await page.listen(ADDRESS, PORT)
        found = await asyncio.gather(*(_ask(b"GET /metrics") for _ in range(5)), return_exceptions=True)
        assert all(each == b"" or isinstance(each, OSError) for each in found)
        assert b" 200 " in await _ask(b"GET /metrics HTTP/1.1\r\n\r\n")
        page.close()

    asyncio.run(main())
