"""UEs on a gNB of another process: the same UE behind the radio socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from cinq.procedure import run_virtual
from cinq.ran.radio import frames
from cinq.ran.radio.link import RadioServer
from cinq.ran.radio.port import Interface, Reconfiguration
from cinq.ran.radio.remote import RemoteCell
from cinq.ran.ue import Ue, UeSettings
from cinq.transport import local
from cinq.transport.error import TransportError
from cinq.wire import ngap

from .core import Core, Entropy, Radio, settle
from .test_gnb import Plane


class Wire:
    """Two ends of a connection in memory."""

    def __init__(self) -> None:
        self.other: Wire | None = None
        self.frame: Callable[[bytes], None] | None = None
        self.lost: Callable[[str], None] | None = None
        self.closed = False

    def send(self, octets: bytes) -> None:
        other = self.other
        if other is not None and other.frame is not None:
            asyncio.get_running_loop().call_soon(other.frame, octets)

    def close(self) -> None:
        for end in (self, self.other):
            if end is not None and end.lost is not None and not end.closed:
                end.closed = True
                asyncio.get_running_loop().call_soon(end.lost, "closed")


def connected(radio: Radio) -> tuple[RemoteCell, Wire, Wire]:
    near, far = Wire(), Wire()
    near.other, far.other = far, near
    server = RadioServer(radio.gnb, near)
    near.frame, near.lost = server.frame, server.lost
    cell = RemoteCell(far)
    far.frame, far.lost = cell.frame, cell.lost
    return cell, near, far


def test_a_remote_ue_refuses_a_handover() -> None:
    """Its gNB has sent it elsewhere by then: its radio connection fails, and it is heard again."""

    async def main() -> None:
        core = Core()
        radio = Radio(core, Plane())
        await radio.up()
        cell, _, _ = connected(radio)
        ue = Ue(UeSettings(), cell, radio.runtime, Entropy())
        await settle()
        await ue.power_on()
        await settle()
        (link,) = radio.gnb.links
        assert link.mobile.on_handover(Reconfiguration(1, 2, 0, nas=bytes(7)))
        await settle()
        assert not ue.link.connected
        assert isinstance(core.heard[-2], ngap.UEContextReleaseRequest)
        await ue.request_service()
        await settle()
        assert ue.sessions[1].context.bearer

    run_virtual(main())


def test_what_a_cell_says_of_an_interface() -> None:
    """Every field crosses the link."""

    async def main() -> None:
        radio = Radio(Core(), Plane())
        await radio.up()
        cell, _, _ = connected(radio)
        heard: list[tuple[Interface, str]] = []

        class Listening(Ue):
            def on_interface(self, interface: Interface, error: str) -> None:
                heard.append((interface, error))

        Listening(UeSettings(), cell, radio.runtime, Entropy())
        await settle()
        (link,) = radio.gnb.links
        opened = Interface(5, "10.0.0.1", 1358, "4711", "ue0", address6="2001:db8::1")
        link.mobile.on_interface(opened, "no")
        await settle()
        assert heard == [(opened, "no")]

    run_virtual(main())


def test_the_whole_life_of_a_remote_ue() -> None:
    async def main() -> None:
        core, plane = Core(), Plane()
        radio = Radio(core, plane)
        await radio.up()
        cell, _, far = connected(radio)
        ue = Ue(UeSettings(netns="4711"), cell, radio.runtime, Entropy())
        await settle()
        assert ue.system_information == radio.gnb.system_information()
        await ue.power_on()
        await settle()
        assert ue.sessions[1].context.interface == "ue0"
        assert plane.sides["ue0"][1] == 4711
        core.release(core.last())
        await settle()
        assert not ue.link.connected
        radio.gnb.bearers.buffered(1)
        await settle(100)
        assert ue.sessions[1].context.bearer
        await ue.deregister()
        await settle()
        assert not plane.rules
        ue.leave()
        await settle()
        assert not radio.gnb.links
        far.close()
        await settle()

    run_virtual(main())


def test_lost_process_takes_its_ues_along() -> None:
    async def main() -> None:
        core, plane = Core(), Plane()
        radio = Radio(core, plane)
        await radio.up()
        cell, near, _ = connected(radio)
        ue = Ue(UeSettings(), cell, radio.runtime, Entropy())
        await ue.power_on()
        await settle()
        near.close()
        await settle()
        assert not radio.gnb.links
        assert not plane.rules
        assert not ue.link.connected
        assert ue.system_information is not None
        assert ue.system_information.barred
        assert core.names()[-1] == "UEContextReleaseComplete"

    run_virtual(main())


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\xff" * 9,
        frames.encode(frames.Attach(1)),
        frames.encode(frames.Hello(99)),
        frames.encode(frames.Uplink(5, b"x")),
    ],
)
def test_strangers_are_closed(octets: bytes) -> None:
    async def main() -> None:
        radio = Radio(Core())
        near = Wire()
        server = RadioServer(radio.gnb, near)
        near.frame, near.lost = server.frame, server.lost
        if octets == frames.encode(frames.Uplink(5, b"x")):
            server.frame(frames.encode(frames.Hello()))
        server.frame(octets)
        assert near.closed

    run_virtual(main())


def test_over_a_socket(tmp_path: Path) -> None:
    async def main() -> None:
        radio = Radio(Core())
        await radio.up()
        path = str(tmp_path / "radio")
        listener = await local.listen(path, lambda connection: RadioServer(radio.gnb, connection))
        with pytest.raises(TransportError, match="another process"):
            await local.listen(path, lambda connection: RadioServer(radio.gnb, connection))
        cells: list[RemoteCell] = []

        def on_connection(connection: local.Connection) -> RemoteCell:
            cells.append(RemoteCell(connection))
            return cells[0]

        connection = await local.connect(path, on_connection)
        ues = [Ue(UeSettings().numbered(i), cells[0], radio.runtime, Entropy()) for i in range(5)]
        async with asyncio.timeout(10):
            await asyncio.gather(*(ue.power_on() for ue in ues))
            await asyncio.gather(*(ue.deregister() for ue in ues))
        assert not radio.gnb.n2.ues
        connection.close()
        listener.close()
        assert not list(tmp_path.iterdir())  # noqa: ASYNC240
        await radio.gnb.stop()
        with pytest.raises(TransportError, match="nobody listens"):
            await local.connect(path, on_connection)

    asyncio.run(main())
