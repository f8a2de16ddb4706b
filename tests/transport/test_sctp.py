"""Real associations over loopback, in network namespaces of their own."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Iterator
from dataclasses import replace

import pytest

from cinq.transport import sctp
from cinq.transport.error import NoAnswerError, TransportError
from cinq.transport.netlink import Netlink
from cinq.transport.sctp import usrsctp_stack
from cinq.transport.sctp.association import Association, SctpSettings

from .sctp_ends import QUICK, Recorder, Side, run, start_peer, stop

pytestmark = [pytest.mark.root, pytest.mark.kernel]

PORT = 38412


@pytest.fixture(autouse=True)
def _sctp(namespace: str) -> Iterator[None]:
    try:
        sctp.implementation()
    except TransportError as error:
        pytest.skip(str(error))
    yield
    if sctp.implementation() == "usrsctp":
        usrsctp_stack.stack().impair(None)


@pytest.fixture
def needs_usrsctp() -> None:
    if sctp.implementation() != "usrsctp":
        pytest.skip("about libusrsctp only; the kernel's SCTP is in use")


def aborted_by_peer(reason: str) -> str:
    """What the other end hears of `abort(reason)`: the kernel sends no text."""
    return "aborted by the peer" + (f": {reason}" if sctp.implementation() == "usrsctp" else "")


async def refused(clients: Side) -> None:
    """The kernel may tell of the ABORT before it tells that the association was up."""
    try:
        await sctp.connect("127.0.0.1", PORT, clients)
    except NoAnswerError as error:
        reason = error.what
    else:
        reason = await clients.recorders[-1].end()
    early = "SCTP to 127.0.0.1:38412: Connection reset by peer"
    assert reason in (aborted_by_peer("too many associations"), early)


def test_messages_keep_their_boundaries_stream_and_ppid() -> None:
    async def work() -> None:
        server, client = Side(echo=True), Side()
        listener = await sctp.listen("127.0.0.1", PORT, server)
        association = await sctp.connect("127.0.0.1", PORT, client)
        assert association.remote == ("127.0.0.1", PORT)
        assert association.outbound_streams == 32
        sent = [(bytes([number]) * (number + 1), number % 32, 60) for number in range(100)]
        sent += [(os.urandom(60_000), 3, 60), (b"other payload protocol", 0, 61)]
        for octets, stream, ppid in sent:
            association.send(octets, stream=stream, ppid=ppid)
        back = await client.recorders[0].heard(len(sent))
        assert sorted(back) == sorted(sent)
        for stream in range(32):
            assert [each for each in back if each[1] == stream] == [
                each for each in sent if each[1] == stream
            ]
        assert len(listener.associations) == 1
        await association.close()
        assert client.recorders[0].reasons == ["shut down"]
        assert await server.recorders[0].end() == "shut down by the peer"
        assert not listener.associations
        association.send(b"too late")
        listener.close()
        listener.close()

    run(work)


def test_peer_with_one_stream_is_served() -> None:
    """DEV-056."""

    async def work() -> None:
        server, client = Side(), Side()
        listener = await sctp.listen("127.0.0.1", PORT, server)
        one = SctpSettings(outbound_streams=1, inbound_streams=1)
        association = await sctp.connect("127.0.0.1", PORT, client, settings=one)
        assert association.outbound_streams == 1
        association.send(b"up", stream=5)
        await server.up(1)
        served = server.recorders[0].association
        assert served.outbound_streams == 1
        served.send(b"down", stream=17)
        assert await client.recorders[0].heard(1) == [(b"down", 0, 60)]
        assert await server.recorders[0].heard(1) == [(b"up", 0, 60)]
        listener.close()

    run(work)


def test_message_beyond_the_limit_ends_only_its_association() -> None:
    """DEV-055."""

    async def work() -> None:
        server, good, bad = Side(echo=True), Side(), Side()
        listener = await sctp.listen("127.0.0.1", PORT, server)
        first = await sctp.connect("127.0.0.1", PORT, good)
        second = await sctp.connect("127.0.0.1", PORT, bad)
        second.send(bytes(70_000))
        assert await bad.recorders[0].end() == aborted_by_peer("message longer than 65536 octets")
        assert await server.recorders[1].end() == "aborted here: message longer than 65536 octets"
        first.send(bytes(65_536))
        assert len((await good.recorders[0].heard(1))[0][0]) == 65_536
        listener.close()
        assert await good.recorders[0].end() == aborted_by_peer("the server stops")

    run(work)


def test_loss_is_repaired_in_order(needs_usrsctp: None) -> None:
    async def work() -> None:
        server, client = Side(echo=True), Side()
        listener = await sctp.listen("127.0.0.1", PORT, server, settings=QUICK)
        chance = random.Random(5)
        usrsctp_stack.stack().impair(lambda direction: chance.random() < 0.05)
        patient = replace(QUICK, max_retransmissions=20)
        association = await sctp.connect("127.0.0.1", PORT, client, settings=patient)
        sent = [b"%d" % number + bytes(number * 7 % 3000) for number in range(150)]
        for octets in sent:
            association.send(octets, stream=1)
        assert [each[0] for each in await client.recorders[0].heard(len(sent))] == sent
        usrsctp_stack.stack().impair(None)
        listener.close()

    run(work)


def test_abort_of_one_leaves_the_others() -> None:
    async def work() -> None:
        server, clients = Side(echo=True), Side()
        listener = await sctp.listen("127.0.0.1", PORT, server)
        first, second = [await sctp.connect("127.0.0.1", PORT, clients) for _ in range(2)]
        first.abort("enough")
        assert clients.recorders[0].reasons == ["aborted here: enough"]
        assert await server.recorders[0].end() == aborted_by_peer("enough")
        second.send(b"still here")
        assert await clients.recorders[1].heard(1) == [(b"still here", 0, 60)]
        assert len(listener.associations) == 1
        listener.close()

    run(work)


def test_too_many_associations_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Those that are open stay, a flood of refusals is one line, and one that ends makes room."""

    async def work() -> None:
        server, clients = Side(echo=True), Side()
        bounded = SctpSettings(max_associations=2)
        listener = await sctp.listen("127.0.0.1", PORT, server, settings=bounded)
        first, _ = [await sctp.connect("127.0.0.1", PORT, clients) for _ in range(2)]
        for _ in range(20):
            await refused(clients)
        assert len(server.recorders) == len(listener.associations) == 2
        first.send(b"still here")
        assert await clients.recorders[0].heard(1) == [(b"still here", 0, 60)]
        await first.close()
        await server.recorders[0].end()
        again = await sctp.connect("127.0.0.1", PORT, clients)
        again.send(b"there is room")
        assert await clients.recorders[-1].heard(1) == [(b"there is room", 0, 60)]
        listener.close()

    run(work)
    assert sum("refused" in each.getMessage() for each in caplog.records) == 1


def test_one_address_does_not_take_all(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        server, clients = Side(), Side()
        bounded = SctpSettings(max_associations=9, max_associations_per_address=2)
        listener = await sctp.listen("127.0.0.1", PORT, server, settings=bounded)
        first, _ = [await sctp.connect("127.0.0.1", PORT, clients) for _ in range(2)]
        await refused(clients)
        await sctp.connect("127.0.0.1", PORT, clients, local="127.0.0.2")
        await server.up(3)
        first.abort()
        await server.recorders[0].end()
        await sctp.connect("127.0.0.1", PORT, clients)
        await server.up(4)
        listener.close()

    run(work)
    assert "2 of that address are open and no more are taken" in caplog.text


def test_a_peer_that_answers_is_alive() -> None:
    async def work() -> None:
        server, clients = Side(), Side()
        listener = await sctp.listen("127.0.0.1", PORT, server)
        near = await sctp.connect("127.0.0.1", PORT, clients)
        await server.up(1)
        for association in (near, server.recorders[0].association):
            assert await association.alive(1)
        assert await asyncio.gather(*(near.alive(1) for _ in range(5))) == [True] * 5
        near.abort()
        assert not await near.alive(1)
        listener.close()

    run(work)


def test_failing_handler_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Recorder):
        def message(self, octets: bytes, stream: int, ppid: int) -> None:
            super().message(octets, stream, ppid)
            if octets == b"bug":
                raise ValueError("bug")

    async def work() -> None:
        served: list[Failing] = []

        def failing(association: Association) -> Failing:
            served.append(Failing(association, echo=True))
            return served[0]

        listener = await sctp.listen("127.0.0.1", PORT, failing)
        client = Side()
        association = await sctp.connect("127.0.0.1", PORT, client)
        association.send(b"bug")
        association.send(b"good")
        assert [each[0] for each in await client.recorders[0].heard(2)] == [b"bug", b"good"]
        listener.close()

    run(work)
    assert "failed on a message of 3 octets" in caplog.text


def test_two_hundred_associations_at_once() -> None:
    """On addresses that the host has: on others of 127/8 the kernel's SCTP, bound to all, does not answer."""
    hosts = [f"127.0.1.{number}" for number in range(1, 5)]
    with Netlink() as net:
        for host in hosts:
            net.add_address("lo", f"{host}/32")

    async def work() -> None:
        server, clients = Side(echo=True), Side()
        listener = await sctp.listen("0.0.0.0", PORT, server)
        connecting: list[Awaitable[Association]] = [
            sctp.connect(hosts[number % 4], PORT, clients, within=10) for number in range(200)
        ]
        associations = await asyncio.gather(*connecting)
        for number, association in enumerate(associations):
            association.send(b"%d" % number)
        for recorder in clients.recorders:
            number = associations.index(recorder.association)
            assert await recorder.heard(1) == [(b"%d" % number, 0, 60)]
            assert recorder.association.remote[0] == hosts[number % 4]
        assert len(listener.associations) == 200
        locals_ = {each.local[0] for each in listener.associations}
        assert locals_ <= set(hosts) if sctp.implementation() == "kernel" else locals_ == set(hosts)
        await asyncio.gather(*(each.close() for each in associations))
        for recorder in server.recorders:
            assert await recorder.end() == "shut down by the peer"
        assert not listener.associations
        listener.close()

    run(work)


def test_other_process_in_the_same_namespace_and_its_death() -> None:
    async def work() -> None:
        server = Side()
        listener = await sctp.listen("127.0.0.1", PORT, server, settings=QUICK)
        own = await sctp.connect("127.0.0.1", PORT, Side(echo=True))
        peers = [start_peer("127.0.0.1", PORT) for _ in range(2)]
        try:
            await server.up(3)
            for recorder in server.recorders[1:]:
                recorder.association.send(b"hello", stream=2)
                assert await recorder.heard(1) == [(b"hello", 2, 60)]
            server.recorders[1].association.send(b"end")
            assert await server.recorders[1].end() == "shut down by the peer"
            for each in peers:
                stop(each)
            kernel = sctp.implementation() == "kernel"  # which shuts down for a process that was killed
            reason = "shut down by the peer" if kernel else "no answer from the peer"
            assert await server.recorders[2].end() == reason
            assert not server.recorders[0].reasons
            own.send(b"unharmed")
            assert await server.recorders[0].heard(1) == [(b"unharmed", 0, 60)]
        finally:
            for each in peers:
                stop(each)
        listener.close()

    run(work)


def test_peer_restart_is_a_loss_and_a_new_association(needs_usrsctp: None) -> None:
    """The kernel would shut a killed process's association down."""

    async def work() -> None:
        server = Side()
        listener = await sctp.listen("127.0.0.1", PORT, server)
        peer = start_peer("127.0.0.1", PORT, local_port=40_000)
        try:
            await server.up(1)
            stop(peer)
            peer = start_peer("127.0.0.1", PORT, local_port=40_000)
            assert await server.recorders[0].end() == "restarted by the peer"
            await server.up(2)
            server.recorders[1].association.send(b"hello")
            assert await server.recorders[1].heard(1) == [(b"hello", 0, 60)]
            assert listener.associations == {server.recorders[1].association}
        finally:
            stop(peer)
        listener.close()

    run(work)


def test_silent_peer_fills_the_queue_and_is_aborted(needs_usrsctp: None) -> None:
    async def work() -> None:
        server, client = Side(), Side()
        listener = await sctp.listen("127.0.0.1", PORT, server)
        settings = replace(QUICK, send_queue_limit=1 << 20)
        association = await sctp.connect("127.0.0.1", PORT, client, settings=settings)
        usrsctp_stack.stack().impair(lambda direction: True)
        for _ in range(40):
            association.send(bytes(50_000))
        await asyncio.sleep(0)
        assert client.recorders[0].reasons == [
            "aborted here: more than 1048576 octets wait: the peer does not read"
        ]
        usrsctp_stack.stack().impair(None)
        listener.close()

    run(work)


def test_queue_drains_when_the_peer_reads() -> None:
    async def work() -> None:
        server, client = Side(), Side()
        listener = await sctp.listen("127.0.0.1", PORT, server)
        association = await sctp.connect("127.0.0.1", PORT, client)
        for number in range(40):
            association.send(bytes([number]) * 50_000)
        await association.close(within=10)
        assert client.recorders[0].reasons == ["shut down"]
        assert [each[0][0] for each in server.recorders[0].messages] == list(range(40))
        listener.close()

    run(work)


def test_nobody_answers() -> None:
    async def work() -> None:
        with pytest.raises(TransportError, match=r"127\.0\.0\.1:38412"):
            await sctp.connect("127.0.0.1", PORT, Side(), within=0.3)
        task = asyncio.ensure_future(sctp.connect("127.0.0.1", PORT, Side()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work)
    if sctp.implementation() == "usrsctp":
        assert not usrsctp_stack.stack().endpoints


def test_port_in_use() -> None:
    async def work() -> None:
        first = await sctp.listen("127.0.0.1", PORT, Side())
        with pytest.raises(TransportError, match=rf"SCTP port {PORT} on 127\.0\.0\.1 is in use"):
            await sctp.listen("127.0.0.1", PORT, Side())
        with pytest.raises(TransportError, match="in use"):
            await sctp.listen("0.0.0.0", PORT, Side())
        other = Side(echo=True)
        second = await sctp.listen("127.0.0.2", PORT, other)
        client = Side()
        association = await sctp.connect("127.0.0.2", PORT, client, local="127.0.0.3", local_port=2905)
        association.send(b"to the second")
        assert await client.recorders[0].heard(1)
        assert other.recorders[0].association.remote == ("127.0.0.3", 2905)
        association.abort()
        second.close()
        first.close()
        everywhere = await sctp.listen("0.0.0.0", PORT, Side())
        with pytest.raises(TransportError, match="in use"):
            await sctp.listen("127.0.0.1", PORT, Side())
        everywhere.close()

    run(work)


def test_wrong_addresses() -> None:
    async def work() -> None:
        with pytest.raises(TransportError, match=r"192\.0\.2\.1"):
            await sctp.listen("192.0.2.1", PORT, Side())
        with pytest.raises(TransportError, match=r"192\.0\.2\.1"):
            await sctp.connect("192.0.2.1", PORT, Side(), within=0.3)
        with pytest.raises(TransportError, match="no address"):
            await sctp.connect("no address", PORT, Side())

    run(work)


def test_a_second_event_loop_starts_afresh(needs_usrsctp: None) -> None:
    async def work() -> None:
        server, client = Side(echo=True), Side()
        await sctp.listen("127.0.0.1", PORT, server)
        association = await sctp.connect("127.0.0.1", PORT, client)
        association.send(b"hello")
        await client.recorders[0].heard(1)

    run(work)
    run(work)
