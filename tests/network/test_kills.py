"""A core that is killed after any of its writes: what is on disk is enough to go on from, and nothing is left over."""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Awaitable, Callable

import pytest

from cinq.procedure import Refused, run_virtual
from cinq.procedure.store import MemoryStore
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.gnb.ng_ran import NgRan
from cinq.ran.gnb.procedures.ue_context_release_request import send as release_request
from cinq.ran.ue import Ue
from cinq.wire.nas import RegistrationKind
from tests.network.world import Network

COLLECTIONS = ("amf-ue", "sm-contexts", "amf-3gpp-access", "smf-registrations")


class Disk(MemoryStore):
    """Sees the first `durable` writes, and those that were waited for. The core is `killed` at write `at`."""

    def __init__(self, durable: int, at: int) -> None:
        super().__init__()
        self.writes, self.durable_writes, self.at = 0, durable, at
        self.on_disk = MemoryStore()
        self.killed = asyncio.Event()

    def begin(self) -> None:
        """From here on writes count."""
        self.writes = 0
        self.killed.clear()
        self.keep()

    def keep(self) -> None:
        if not self.killed.is_set():
            self.on_disk._collections = copy.deepcopy(self._collections)

    def _written(self) -> None:
        self.writes += 1
        if self.writes <= self.durable_writes:
            self.keep()
        if self.writes >= self.at:
            self.killed.set()

    def put(self, collection: str, key: str, value: bytes) -> None:
        super().put(collection, key, value)
        self._written()

    def delete(self, collection: str, key: str) -> None:
        super().delete(collection, key)
        self._written()

    async def replace(self, collection: str, key: str, before: bytes, after: bytes) -> bool:
        replaced = await super().replace(collection, key, before, after)
        await self.durable()
        return replaced

    async def durable(self) -> None:
        """A core that is dead does not go on: what waits for the disk is never told to anybody."""
        if self.killed.is_set():
            await asyncio.Event().wait()
        self.keep()


def inactivity(gnb: Gnb) -> None:
    for ue in list(gnb.n2.ues.values()):
        release_request(ue, ("radioNetwork", "user-inactivity"))


Life = Callable[[list[Gnb], Ue], Awaitable[None]]


async def life(gnbs: list[Gnb], ue: Ue) -> None:
    """Everything that writes."""
    gnb = gnbs[0]
    await ue.register()
    await ue.establish_session()
    inactivity(gnb)
    await asyncio.sleep(1)
    await ue.request_service()
    await ue.release_session(1)
    await ue.establish_session()
    inactivity(gnb)
    await asyncio.sleep(1)
    await ue.register()
    await ue.establish_session()
    await ue.deregister()
    await asyncio.sleep(1)
    await ue.register()
    await ue.establish_session()
    await asyncio.sleep(1)


async def moves(gnbs: list[Gnb], ue: Ue) -> None:
    """There and back by N2."""
    await ue.register()
    await ue.establish_session()
    for here, there in ((0, 1), (1, 0)):
        (context,) = gnbs[here].n2.ues.values()
        await gnbs[here].hand_over(context, gnbs[there].cells[0], "n2")
        await asyncio.sleep(1)
    await ue.register(RegistrationKind.MOBILITY)
    await asyncio.sleep(1)


async def goes_on(ue: Ue) -> None:
    """As a phone does: by what it has; by SUCI where the network does not know it (TS 24.501 §5.6.1.5, #9)."""
    for _ in range(2):
        if not ue.context.registered:
            await ue.register()
        with contextlib.suppress(Refused):
            await ue.request_service()
            break
    if 1 not in ue.sessions:
        await ue.establish_session()


async def killed(disk: Disk, lives: Life, **amf: object) -> tuple[Network, Ue] | None:
    """The next core on that disk, and the UE that the last one had. None: the life ended before the kill."""
    first = Network(disk, **amf)  # type: ignore[arg-type]
    first.provision()
    disk.begin()
    await first.start()
    ng_ran = NgRan(xn=False)
    gnbs = [await first.gnb(number, ng_ran, ng_setup_retry_s=1) for number in (1, 2)]
    ue = first.ue(gnbs[0])
    living = asyncio.ensure_future(lives(gnbs, ue))
    kill = asyncio.ensure_future(disk.killed.wait())
    await asyncio.wait([living, kill], return_when=asyncio.FIRST_COMPLETED)
    kill.cancel()
    if living.done():
        living.result()
        return None
    again = Network(disk.on_disk, **amf)  # type: ignore[arg-type]
    again.radio = first.radio
    await again.start()
    dead, first.amf = first.amf, again.amf
    for ran in list(dead.access.rans):
        ran.association.abort("killed")
    living.cancel()
    await asyncio.gather(living, return_exceptions=True)
    await asyncio.sleep(3)
    return again, ue


def sessions(network: Network) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """By SUPI and name of the SM context: those that the AMF knows, and those of the SMF."""
    amf = {
        (str(s), sm.ref) for s, ue in network.amf.registry.by_supi.items() for sm in ue.context.sm_contexts
    }
    smf = {(s.context.supi, s.ref) for s in network.smf.sessions.by_identity.values()}
    return amf, smf


def nothing_left(network: Network) -> None:
    amf, smf = network.amf, network.smf
    names = smf.sessions
    tables = (
        amf.registry.by_supi,
        amf.registry.by_tmsi,
        amf.access.connections,
        names.by_identity,
        names.by_ref,
        names.by_seid,
    )
    assert [len(table) for table in (*tables, network.upf.sessions, smf.ports.pools["internet"])] == [0] * 8
    assert [name for name in COLLECTIONS if list(network.store.items(name))] == []


async def kill_and_go_on(durable: int, at: int, lives: Life = life, **amf: object) -> bool:
    found = await killed(Disk(durable, at), lives, **amf)
    if found is None:
        return False
    again, ue = found
    amf, smf = sessions(again)
    assert smf <= amf, "a session of the SMF that no AMF will ever end"
    await goes_on(ue)
    await asyncio.sleep(1)
    amf, smf = sessions(again)
    assert amf == smf
    (session,) = again.smf.sessions.by_identity.values()
    assert len(again.upf.sessions) == 1
    assert (ue.sessions[1].context.address, ue.sessions[1].context.bearer) == (session.context.ipv4, True)
    await ue.deregister()
    await asyncio.sleep(1)
    nothing_left(again)
    await again.stop()
    return True


@pytest.mark.parametrize("behind", [0, 2, 7])
def test_killed_after_any_write_with_the_last_ones_not_on_disk(behind: int) -> None:
    """behind: how many writes that nobody waited for are lost."""
    durable = 1
    while run_virtual(kill_and_go_on(durable, durable + behind)):
        durable += 1
    assert durable > 25


@pytest.mark.parametrize("new_kamf", [False, True])
@pytest.mark.parametrize("behind", [0, 3])
def test_killed_at_any_moment_of_a_handover(behind: int, new_kamf: bool) -> None:
    """The UE may have other keys than the core by then (TS 33.501 §6.9.2.3.3): it is known again, or registers anew."""
    durable = 1
    while run_virtual(kill_and_go_on(durable, durable + behind, moves, new_kamf_at_handover=new_kamf)):
        durable += 1
    assert durable > 12
