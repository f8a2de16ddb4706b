"""SMF and CHF are killed at every write and every call of their charging: what was used is paid once, all of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import TypeVar

import msgspec
import pytest

from cinq.nf.chf import CHF, Settings
from cinq.nf.chf.account import Account
from cinq.nf.smf import Charging
from cinq.nf.smf.charging import Report, used
from cinq.nf.smf.context import Charged, SmContext, decoded, encoded
from cinq.nf.smf.flows import NOTHING
from cinq.nf.smf.procedures import charging, usage
from cinq.numbering import PlmnId, SNssai
from cinq.procedure.store import MemoryStore
from cinq.sbi.services.nchf_convergedcharging import ChargingDataRequest, ChargingDataResponse
from tests.nf.chf.test_charging import FLAT, MB, SUPI, Clock, Killed
from tests.nf.smf.test_charging import octets, report

T = TypeVar("T")
CONTEXT = SmContext("ref", SUPI, 1, "internet", SNssai(1), 1, NOTHING, state="ACTIVE", seid=77)
REPORTS = 3


class Cut:
    """The whole is killed at its nth moment: before or after a write or a call."""

    def __init__(self, at: int) -> None:
        self.at, self.moments = at, 0

    def __call__(self) -> None:
        self.moments += 1
        if self.moments == self.at:
            raise Killed


class Disk(MemoryStore):
    """Puts are lost with the process unless `durable` came to its end."""

    def __init__(self, cut: Cut) -> None:
        super().__init__()
        self.cut = cut
        self.saved: dict[str, dict[str, bytes]] = {}

    def put(self, collection: str, key: str, value: bytes) -> None:
        self.cut()
        super().put(collection, key, value)

    def delete(self, collection: str, key: str) -> None:
        self.cut()
        super().delete(collection, key)

    async def durable(self) -> None:
        self.cut()
        self.saved = {name: dict(found) for name, found in self._collections.items()}
        self.cut()

    async def replace(self, collection: str, key: str, before: bytes, after: bytes) -> bool:
        done = await super().replace(collection, key, before, after)
        await self.durable()
        return done

    def restarted(self, keeps: bool) -> None:
        """keeps: the writer had got further than anybody waited for."""
        if not keeps:
            self._collections = {name: dict(found) for name, found in self.saved.items()}


class Session:
    """What the charging procedures see of a PDU session; there is no UPF that takes orders."""

    def __init__(self, world: World, context: SmContext) -> None:
        self.world, self.context, self.label = world, context, "session"
        self.ports, self.runtime = world.ports, world.ports.runtime
        self.epoch = self.branch_epoch = 0

    def note(self, **changes: object) -> None:
        self.context = msgspec.structs.replace(self.context, **changes)

    def commit(self, **changes: object) -> None:
        self.note(**changes)
        self.world.smf.put("sm-contexts", "session", encoded(self.context))

    def want(self, signal: object) -> None:
        raise AssertionError(f"the session ends: {signal}")


class World:
    """An SMF's charging, a CHF, their disks, and a UPF that reports until it is heard."""

    def __init__(self, cut: Cut) -> None:
        self.cut, self.clock = cut, Clock()
        self.smf, self.chf_disk = Disk(cut), Disk(cut)
        self.names = itertools.count(1)
        self.unheard: list[Report] = [report(n, octets(MB, MB)) for n in range(REPORTS)]
        self.begin()

    def begin(self) -> None:
        """Both processes start, with what their disks have."""

        def entropy(n: int) -> bytes:
            return next(self.names).to_bytes(n, "big")

        self.chf = CHF(Settings((FLAT,)), self.chf_disk, self.clock, entropy, "chf")  # type: ignore[arg-type]
        self.spawned: list[Callable[[], Awaitable[object]]] = []
        runtime = SimpleNamespace(
            clock=self.clock,
            stopping=False,
            report=lambda *_: None,
            spawn=lambda body, name: self.spawned.append(body),
        )
        self.ports = SimpleNamespace(
            runtime=runtime,
            settings=SimpleNamespace(charging=Charging(on=True), plmn=PlmnId("999", "70")),
            instance_id="smf",
            sbi=SimpleNamespace(uri=lambda path: path),
            home=lambda supi: None,
            chf=SimpleNamespace(update=self._update, release=self._release),
            store=self.smf,
            telling=set(),
            associations={},
        )
        kept = self.smf.get("sm-contexts", "session")
        self.session = Session(self, decoded(kept)) if kept is not None else None

    async def _update(self, ref: str, body: ChargingDataRequest) -> ChargingDataResponse:
        self.cut()
        answer = await self.chf.update(ref, body)
        self.cut()
        return answer

    async def _release(self, ref: str, body: ChargingDataRequest) -> None:
        self.cut()
        await self.chf.release(ref, body)
        self.cut()

    async def settle(self) -> None:
        """All that was spawned runs."""
        while self.spawned:
            await self.spawned.pop(0)()

    async def open(self) -> None:
        await self.chf.accounts.open(Account(SUPI, "flat", "EUR", balance=Decimal(5)))
        self.session = Session(self, CONTEXT)
        charged = Charged(1, self.clock.now())
        body = charging.charging.request(CONTEXT, charged, charging.who(self.session), 0.0, (1,))  # type: ignore[arg-type]
        made = await self.chf.create(body)
        self.session.commit(charging=msgspec.structs.replace(charged, ref=made.id))
        await self.smf.durable()

    async def live(self) -> None:
        """Reports come, until the UPF has none; then the session ends. From wherever it stands."""
        if self.session is not None and self.session.context.charging is not None:
            usage.report_again(self.session)  # type: ignore[arg-type]
            await self.settle()
            while self.unheard:
                known = self.session.context.charging
                assert known is not None
                self.session.commit(charging=used(known, self.unheard[:1], self.clock.now()))
                usage.report_soon(self.session)  # type: ignore[arg-type]
                await self.smf.durable()
                self.cut()  # the answer is lost
                del self.unheard[0]
                await self.settle()
            untold = charging.kept(self.session, [])  # type: ignore[arg-type]
            assert untold is not None
            self.smf.delete("sm-contexts", "session")
            await self.smf.durable()
            charging.tell_soon(self.ports, untold.ref)  # type: ignore[arg-type]
        await self.settle()
        await charging.tell_all(self.ports)  # type: ignore[arg-type]
        await self.smf.durable()


def survive(at: int, *, keeps: bool, who: str) -> int:
    """The moments of an undisturbed life after `at`; 0 where that is behind its end."""

    async def main() -> int:
        cut = Cut(0)
        world = World(cut)
        await world.open()
        cut.moments, cut.at = 0, at
        try:
            await world.live()
        except Killed:
            cut.at = 0
            for name, disk in (("smf", world.smf), ("chf", world.chf_disk)):
                if who in (name, "both"):
                    disk.restarted(keeps)
            world.begin()
            await world.live()
        account = world.chf.accounts.get(SUPI)
        assert account is not None
        spent = Decimal("0.01") * 2 * REPORTS
        assert 5 - account.balance == spent
        assert not account.sessions
        assert sum((one.amount for one in world.chf.records), Decimal(0)) == spent
        assert not list(world.smf.items("charging-untold"))
        return cut.moments

    return asyncio.run(main())


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("who", ["smf", "chf", "both"])
def test_killed_at_every_moment(who: str, keeps: bool) -> None:
    moments = survive(0, keeps=keeps, who=who)
    assert moments > 30
    for at in range(1, moments + 1):
        survive(at, keeps=keeps, who=who)
