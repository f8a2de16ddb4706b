"""What one HTTP/2 client makes a server do: an NRF on a real port as the target, sound or with one bound taken away."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address

import h2.frame_buffer
import hpack.hpack
import pytest
from h2.connection import ConnectionState

from cinq.assurance.cases import CASES
from cinq.assurance.cases.ts33117 import http2_attacks
from cinq.assurance.credentials import Sbi
from cinq.assurance.sbi import frames
from cinq.assurance.sbi.wire import Wire
from cinq.assurance.target import Target
from cinq.assurance.verdict import Judged, Verdict
from cinq.nf.nrf import NRF, Settings
from cinq.procedure import RealClock
from cinq.sbi import Bus, encoding, producers
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.token import SigningKey
from cinq.sbi.whole import Whole
from cinq.transport.http2 import link, server

from .plain import described, played

pytestmark = pytest.mark.kernel
HOST, PORT = "127.0.79.1", 7779  # out of the way of connections that the kernel gives ports
WHERE = Sbi(nrf=f"http://{HOST}:{PORT}", address=IPv4Address(HOST))
NRF_ID = "00000000-0000-4000-8000-000000000001"
Weaken = Callable[[pytest.MonkeyPatch], None]


@asynccontextmanager
async def serving() -> AsyncIterator[None]:
    nrf, bus = NRF(Settings(), RealClock(), NRF_ID, SigningKey.made()), Bus()
    for service, implementation in nrf.services():
        bus.serve(service, implementation, NRF_ID)
    udm = NFProfile(
        nf_instance_id=NRF_ID[:-1] + "3", nf_type="UDM", nf_status="REGISTERED", ipv4_addresses=[HOST]
    )
    await nrf.nf_register(udm.nf_instance_id, Whole.of(udm))
    listening = await producers.offer(bus, HOST, PORT, None)
    try:
        yield
    finally:
        await listening.close()


def target_of(where: Sbi) -> Target:
    return dataclasses.replace(described(), sbi=where)


def asked(sub: str) -> Judged:
    wire = Wire(WHERE)

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        async with serving():
            try:
                yield
            finally:
                wire.close()

    return played("33117-4.4.4", sub, target_of(WHERE), around, sbi=wire)[0]


def nothing_costs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(link.Link, "_costs", lambda self: None)


def continuations_without_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(h2.frame_buffer, "CONTINUATION_BACKLOG", 1 << 30)


def header_lists_without_end(patch: pytest.MonkeyPatch) -> None:
    sound = link.Link.__init__

    def init(self: link.Link, client: bool, limits: link.Limits) -> None:
        sound(self, client, dataclasses.replace(limits, headers=1 << 30))
        self.h2.decoder.max_header_list_size = 1 << 30

    patch.setattr(link.Link, "__init__", init)
    patch.setattr(hpack.hpack, "DEFAULT_MAX_HEADER_LIST_SIZE", 1 << 30)


def compressed_bodies_without_end(patch: pytest.MonkeyPatch) -> None:
    """It is read, and its end is thrown away."""
    patch.setattr(encoding, "inflated", lambda body: b'{"nfStatusNotificationUri": "http://127.0.0.1/x"}')


def deep_bodies_end_the_request(patch: pytest.MonkeyPatch) -> None:
    """By an exception that nobody has thought of."""

    def deep(content_type: str | None, body: bytes) -> None:
        if body.count(b"[") > 1000:
            raise RecursionError

    patch.setattr(producers, "refuse_duplicates", deep)


def bodies_without_end(patch: pytest.MonkeyPatch) -> None:
    sound = server._Served.__init__

    def init(self: server._Served, of: server.Http2Server) -> None:
        of.limits = dataclasses.replace(of.limits, body=1 << 40)
        sound(self, of)

    patch.setattr(server._Served, "__init__", init)


def slow_bodies_stop_others(patch: pytest.MonkeyPatch) -> None:
    """One octet of a body, and nobody is answered for a while."""
    import time

    sound = server._Served.data

    def data(self: server._Served, stream: int, octets: bytes, ended: bool) -> None:
        time.sleep(0.012)
        sound(self, stream, octets, ended)

    patch.setattr(server._Served, "data", data)


def nonsense_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    """The connection stays, and nothing is said."""
    close, flush = link.Link.close, link.Link.flush

    def stays(self: link.Link, reason: str, *, calm: bool = False) -> None:
        if not reason.startswith("protocol error"):
            close(self, reason, calm=calm)

    def says(self: link.Link) -> None:
        if self.h2.state_machine.state is not ConnectionState.CLOSED:
            flush(self)

    patch.setattr(link.Link, "close", stays)
    patch.setattr(link.Link, "flush", says)


KILLS: dict[str, Weaken] = {
    "DEV-108": bodies_without_end,
    "DEV-108-slow": slow_bodies_stop_others,
    "DEV-109": nothing_costs,
    "DEV-109-settings": nothing_costs,
    "DEV-109-ping": nothing_costs,
    "DEV-109-window": nothing_costs,
    "continuation": continuations_without_end,
    "hpack": header_lists_without_end,
    "gzip": compressed_bodies_without_end,
    "deep": deep_bodies_end_the_request,
    "chunk": nonsense_is_passed_over,
}


@pytest.mark.parametrize("sub", KILLS)
def test_the_sound_server_passes(sub: str) -> None:
    judged = asked(sub)
    assert judged.verdict is Verdict.PASS, judged.reason


@pytest.mark.parametrize("sub", KILLS)
def test_a_server_without_the_bound_is_found_out(sub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    KILLS[sub](monkeypatch)
    monkeypatch.setattr(http2_attacks, "ENDED_S", 1.0)
    judged = asked(sub)
    assert judged.verdict is Verdict.FAIL, judged.reason


def test_every_sub_case_of_frames_is_here() -> None:
    own = {
        name
        for name, sub in CASES["SCAS-33117-4.4.4"].subs.items()
        if sub.play is not None and "http2_attacks" in sub.play.__module__
    }
    assert own == set(KILLS)


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (bytes.fromhex("88"), 200),
        (bytes.fromhex("8d"), 404),
        (b"\x08\x03429", 429),
        (b"\x48\x82\x68\x5d", 0),
        (b"", 0),
        (b"\x00", 0),
    ],
)
def test_a_status_is_read(octets: bytes, status: int) -> None:
    assert frames.status_of(octets) in (status, 413 if status == 0 else status)


def test_huffman_is_what_a_foreign_encoder_writes() -> None:
    encoder = hpack.Encoder()
    for status in (200, 400, 401, 408, 413, 415, 429, 503):
        made = encoder.encode([(":status", str(status))], huffman=True)
        assert frames.status_of(made) == status
        encoder = hpack.Encoder()
