"""What a UE had of its former registration is replaced by the next (TS 23.502 §4.2.2.2.2 steps 14 to 17, §4.2.2.2.3).

Counted at UDM, PCF, SMF and UPF. Their identifiers are fresh with each creation, as a foreign peer gives them:
nothing is replaced by chance of its name.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from cinq.nf.pcf import access as am_policies
from cinq.nf.pcf import sessions as sm_policies
from cinq.nf.udm import services as udm
from cinq.nf.udr import provisioning, records
from cinq.numbering import SNssai
from cinq.procedure import Refused, Why, run_virtual
from cinq.ran.gnb import Gnb
from cinq.sbi import Problem
from cinq.wire.nas import RegistrationKind
from tests.network.world import SUPI, Network

TIMES = 20
SESSIONS = 2


@pytest.fixture(autouse=True)
def fresh_identifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count(1)
    monkeypatch.setattr(am_policies, "_identifier", lambda supi: f"am-{supi}-{next(numbers)}")
    monkeypatch.setattr(sm_policies, "_identifier", lambda supi, psi: f"sm-{supi}-{psi}-{next(numbers)}")
    monkeypatch.setattr(udm, "subscription_id", lambda body: f"{next(numbers):08x}")


def kept(network: Network) -> dict[str, int]:
    """What peers of the AMF and of the SMF keep of the subscriber."""
    store = network.store
    subscriptions = records.SDM_SUBSCRIPTIONS.read(store, str(SUPI)) or {}
    consumers = [each.nf_instance_id for each in subscriptions.values()]
    return {
        "AM policies": len(list(store.items(am_policies.COLLECTION))),
        "AMF registrations": len(list(store.items(records.AMF_CONTEXT.collection))),
        "AMF subscriptions": consumers.count(network.amf.instance_id),
        "SM policies": len(list(store.items(sm_policies.COLLECTION))),
        "SMF registrations": len(list(store.items(records.SMF_CONTEXT.collection))),
        "SMF subscriptions": consumers.count(network.smf.instance_id),
        "SM contexts": len(list(store.items("sm-contexts"))),
        "N4 sessions": len(network.upf.sessions),
        "contexts": len(list(store.items("amf-ue"))),
        "NG connections": len(network.amf.access.connections),
    }


def of_one_ue(sessions: int = SESSIONS, connections: int = 1) -> dict[str, int]:
    return {
        "AM policies": 1,
        "AMF registrations": 1,
        "AMF subscriptions": 1,
        "SM policies": sessions,
        "SMF registrations": sessions,
        "SMF subscriptions": sessions,
        "SM contexts": sessions,
        "N4 sessions": sessions,
        "contexts": 1,
        "NG connections": connections,
    }


NOTHING = dict.fromkeys(of_one_ue(), 0)


class Scene:
    def __init__(self, network: Network, gnbs: tuple[Gnb, Gnb]) -> None:
        self.network, self.gnbs = network, gnbs
        self.places = itertools.cycle(gnbs)
        self.ue = network.ue(gnbs[0])

    async def begins(self) -> None:
        await self.ue.register()
        await self.has_sessions()

    async def has_sessions(self) -> None:
        for number in range(1, SESSIONS + 1):
            if number not in self.ue.sessions:
                await self.ue.open_session(self.ue.settings.sessions[0], number)
        assert all(session.context.state == "ACTIVE" for session in self.ue.sessions.values())
        await settled()


async def settled() -> None:
    await asyncio.sleep(2)


Again = Callable[[Scene], Awaitable[None]]


async def initial(s: Scene) -> None:
    """By its 5G-GUTI, on the connection that it has."""
    await s.ue.register(RegistrationKind.INITIAL)


async def from_idle(s: Scene) -> None:
    """By its 5G-GUTI, from CM-IDLE."""
    s.ue.link.fail()
    s.ue.on_released("radio link failure")
    await settled()
    await s.ue.register(RegistrationKind.INITIAL)


async def another_phone(s: Scene) -> None:
    """By SUCI, at another gNB, while the former connection is up: the USIM is in another phone."""
    before, s.ue = s.ue, s.network.ue(next(s.places))
    s.ue.usim = before.usim
    await s.ue.register()


async def forgotten_keys(s: Scene) -> None:
    """By its 5G-GUTI, without a security context."""
    s.ue.link.fail()
    s.ue.on_released("radio link failure")
    s.ue.drop_sessions()
    s.ue.security.delete()
    await s.ue.register()


async def switched_off_in_silence(s: Scene) -> None:
    """The battery is taken out, and put in again."""
    s.ue.link.fail()
    s.ue.on_released("power off")
    s.ue.drop_sessions()
    s.ue.commit(registered=False)
    await s.ue.register()


async def mobility(s: Scene) -> None:
    await s.ue.register(RegistrationKind.MOBILITY)


async def periodic(s: Scene) -> None:
    await s.ue.register(RegistrationKind.PERIODIC)


AGAIN: tuple[Again, ...] = (
    initial,
    from_idle,
    another_phone,
    forgotten_keys,
    switched_off_in_silence,
    mobility,
    periodic,
)


async def scene(act: Callable[[Scene], Awaitable[None]]) -> None:
    network = Network()
    network.provision()
    await network.start()
    one = Scene(network, (await network.gnb(1), await network.gnb(2)))
    await one.begins()
    assert kept(network) == of_one_ue()
    await act(one)
    await network.stop()


@pytest.mark.parametrize("again", AGAIN, ids=lambda again: again.__name__)
def test_a_ue_that_registers_again_and_again(again: Again) -> None:
    async def act(s: Scene) -> None:
        for _ in range(TIMES):
            await again(s)
            await s.has_sessions()
            assert kept(s.network) == of_one_ue(connections=int(s.ue.link.connected))
        await s.ue.deregister()
        await settled()
        assert kept(s.network) == NOTHING

    run_virtual(scene(act))


@pytest.mark.parametrize("end", ["deregistered", "switched off", "removed", "silent"])
def test_the_end_of_a_registration(end: str) -> None:
    async def act(s: Scene) -> None:
        await initial(s)
        await s.has_sessions()
        if end == "removed":
            provisioning.remove(s.network.store, SUPI)
            await s.network.udr.tell_changes()
        elif end == "silent":
            s.ue.link.fail()
            s.ue.link.detach()
            await asyncio.sleep(4 * 3600)
            s.network.amf.sweep()
        else:
            await s.ue.deregister(switch_off=end == "switched off")
        await asyncio.sleep(30)
        assert kept(s.network) == NOTHING

    run_virtual(scene(act))


def test_a_registration_that_is_refused() -> None:
    """Nothing is left of the former registration, nor of the one that was begun; then the UE comes again."""

    async def act(s: Scene) -> None:
        store = s.network.store
        subscriber = provisioning.get(store, SUPI)
        assert subscriber is not None
        provisioning.put(store, replace(subscriber, slices=(SNssai(9),)))
        with pytest.raises(Refused):
            await s.ue.register(RegistrationKind.INITIAL, 1)
        await asyncio.sleep(30)
        assert kept(s.network) == NOTHING
        provisioning.put(store, subscriber)
        s.ue.switched_off()
        await s.ue.register()
        await s.has_sessions()
        assert kept(s.network) == of_one_ue()

    run_virtual(scene(act))


@pytest.mark.parametrize("end", ["again", "deregistered"])
def test_a_peer_that_takes_nothing_back(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps what it has; the others are told all the same, and the UE is served."""

    async def refuse(_: am_policies.AMPolicies, pol_asso_id: str) -> None:
        raise Problem(503, "NF_CONGESTION", Why(f"{pol_asso_id} stays"))

    async def act(s: Scene) -> None:
        if end == "again":
            await s.ue.register(RegistrationKind.INITIAL)
            await s.has_sessions()
            assert kept(s.network) == of_one_ue() | {"AM policies": 2}
        else:
            await s.ue.deregister()
            await settled()
            assert kept(s.network) == NOTHING | {"AM policies": 1}
        assert any("NF_CONGESTION" in event.cause for event in s.network.events)

    monkeypatch.setattr(am_policies.AMPolicies, "delete", refuse)
    run_virtual(scene(act))
