"""A scan of UDP ports beside a host that sends few errors."""

from __future__ import annotations

import asyncio
import socket

import pytest

from cinq.procedure import run_virtual
from cinq.transport import ports

BURST = 6


@pytest.fixture
def far_host(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The open ports of a host that tells of closed ones six times at once, then once in a second (RFC 4443 2.4 f)."""
    opened, state = set[int](), {"tokens": float(BURST), "at": 0.0}

    async def silent(address: str, port: int) -> bool:
        now = asyncio.get_running_loop().time()
        state["tokens"] = min(BURST, state["tokens"] + now - state["at"])
        state["at"] = now
        if port not in opened and state["tokens"] >= 1:
            state["tokens"] -= 1
            return False
        await asyncio.sleep(ports.UDP_S)
        return True

    monkeypatch.setattr(ports, "_is_silent", silent)
    return opened


def test_a_host_that_limits_its_errors_has_the_open_ports_alone(far_host: set[int]) -> None:
    far_host |= {53, 2152}

    async def scan() -> set[int]:
        return await ports.silent_udp("192.0.2.1", range(40, 100)) | await ports.silent_udp(
            "192.0.2.1", [2151, 2152]
        )

    assert run_virtual(scan()) == far_host


async def _of_the_loopback() -> set[int]:
    with ports.listening_udp("127.0.0.1") as own, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        closed = other.getsockname()[1]
        other.close()
        return await ports.silent_udp("127.0.0.1", [closed, own]) ^ {own}


def test_a_port_that_listens_is_found_and_one_that_does_not_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "UDP_S", 0.2)
    monkeypatch.setattr(ports, "PAUSE_S", 0.0)
    assert asyncio.run(_of_the_loopback()) == set()
