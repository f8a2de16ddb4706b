"""UDP endpoints: batches, and errors that name what is in the way."""

from __future__ import annotations

import asyncio
import os

import pytest

from cinq.transport import udp
from cinq.transport.error import TransportError


def test_both_directions() -> None:
    async def work() -> None:
        got: asyncio.Queue[bytes] = asyncio.Queue()
        server = await udp.endpoint(
            "127.0.0.1", 0, lambda octets, sender: server.send(octets.upper(), sender)
        )
        client = await udp.endpoint("127.0.0.1", 0, lambda octets, sender: got.put_nowait(octets))
        for number in range(200):
            client.send(b"message %d" % number, server.local)
        assert [await got.get() for _ in range(200)] == [b"MESSAGE %d" % number for number in range(200)]
        client.close()
        client.close()
        server.close()

    asyncio.run(work())


def test_a_failing_user_does_not_stop_the_endpoint(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        got = asyncio.get_running_loop().create_future()

        def user(octets: bytes, sender: udp.Address) -> None:
            if octets == b"bad":
                raise ValueError("bug")
            got.set_result(octets)

        server = await udp.endpoint("127.0.0.1", 0, user)
        client = await udp.endpoint("127.0.0.1", 0, lambda octets, sender: None)
        client.send(b"bad", server.local)
        client.send(b"good", server.local)
        assert await got == b"good"
        client.close()
        server.close()

    asyncio.run(work())
    assert "failed on 3 octets" in caplog.text


def test_port_in_use_names_the_holder() -> None:
    with udp.bind("127.0.0.1", 0) as held, pytest.raises(TransportError) as error:
        udp.bind("127.0.0.1", held.getsockname()[1])
    assert f"is in use by process {os.getpid()}" in str(error.value)


def test_address_of_another_host() -> None:
    with pytest.raises(TransportError, match=r"192\.0\.2\.1 \(port 2152\) is not an address of this host"):
        udp.bind("192.0.2.1", 2152)


def test_no_address() -> None:
    with pytest.raises(TransportError, match="found no IP address"):
        udp.bind("no address", 2152)
