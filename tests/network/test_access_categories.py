"""Operator-defined access categories from the AMF's settings to a UE's attempts (TS 24.501 §4.5.3, §5.4.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from cinq.numbering import SNssai
from cinq.procedure import Refused, run_virtual
from cinq.ran.gnb import Gnb
from cinq.ran.gnb.procedures import ue_context_release_request
from cinq.ran.ue import Ue
from cinq.ran.ue.settings import SessionSettings
from cinq.wire import ngap
from cinq.wire.nas import AccessCategory, RegistrationKind
from tests.network.world import SUPI, Network

VIDEO = AccessCategory(10, 40, dnns=("ims",), standardized=5)
BULK = AccessCategory(5, 33, dnns=("internet",), slices=(SNssai(1),))
DEFINED = (VIDEO, BULK)

Act = Callable[[Network, Gnb, Ue], Awaitable[None]]


def play(act: Act, *categories: AccessCategory, sessions: tuple[str, ...] = ("internet",)) -> None:
    async def main() -> None:
        network = Network(dnns=("internet", "ims"), access_categories=categories)
        network.provision(dnns=("internet", "ims"))
        await network.start()
        gnb = await network.gnb()
        ue = network.ue(gnb, sessions=tuple(SessionSettings(dnn, SNssai(1)) for dnn in sessions))
        await ue.power_on()
        await asyncio.sleep(1)
        await act(network, gnb, ue)
        await network.stop()

    run_virtual(main())


def causes(network: Network) -> list[str]:
    """RRC establishment causes of the UE's connections."""
    return [
        e.content.rrc_establishment_cause
        for e in network.events
        if isinstance(e.content, ngap.InitialUEMessage) and e.nf == "AMF"
    ]


async def idle(gnb: Gnb, ue: Ue) -> None:
    (context,) = gnb.n2.ues.values()
    ue_context_release_request.send(context, ("radioNetwork", "user-inactivity"))
    await asyncio.sleep(1)
    assert not ue.link.connected


def test_a_ue_is_told_and_keeps_them() -> None:
    async def act(network: Network, gnb: Gnb, ue: Ue) -> None:
        assert ue.context.access_categories == DEFINED
        assert ue.context.access_categories_of == ue.camp.plmn
        context = network.amf.registry.by_supi[SUPI].context
        assert context.access_categories == DEFINED
        assert context.due == ()
        told = [e for e in network.events if e.message == "CONFIGURATION UPDATE COMMAND" and e.nf == "AMF"]
        assert len(told) == 1
        await ue.register(RegistrationKind.MOBILITY)
        await ue.register(RegistrationKind.INITIAL)
        await asyncio.sleep(1)
        again = [e for e in network.events if e.message == "CONFIGURATION UPDATE COMMAND" and e.nf == "AMF"]
        assert len(again) == 1, "it is told once"

    play(act, *DEFINED)


@pytest.mark.parametrize("connected", [True, False])
def test_other_settings_reach_every_ue(connected: bool) -> None:
    """`cinq reload`: a connected UE hears of it at once, an idle one is paged; an empty list takes them back."""

    async def act(network: Network, gnb: Gnb, ue: Ue) -> None:
        for categories in ((BULK,), ()):
            if not connected:
                await idle(gnb, ue)
            network.amf.reconfigure(replace(network.amf.settings, access_categories=categories))
            await asyncio.sleep(10)
            assert ue.context.access_categories == categories
            assert network.amf.registry.by_supi[SUPI].context.access_categories == categories

    play(act, *DEFINED)


def test_nothing_is_said_without_definitions() -> None:
    async def act(network: Network, gnb: Gnb, ue: Ue) -> None:
        assert ue.context.access_categories == ()
        assert not any(e.message == "CONFIGURATION UPDATE COMMAND" for e in network.events)

    play(act)


@pytest.mark.parametrize(
    ("dnn", "cause"), [("ims", "mo-VideoCall"), ("internet", "mo-Data")], ids=["by definition", "data"]
)
def test_the_cause_of_a_connection(dnn: str, cause: str) -> None:
    """Table 4.5.6.1 by the standardized category of the definition; for data and for 5GSM from CM-IDLE alike."""

    async def act(network: Network, gnb: Gnb, ue: Ue) -> None:
        assert causes(network) == ["mo-Signalling"]
        await idle(gnb, ue)
        ue.on_uplink_data(1)
        await asyncio.sleep(2)
        assert causes(network)[1:] == [cause]
        await idle(gnb, ue)
        await ue.release_session(1)
        assert causes(network)[2:] == [cause]

    play(act, *DEFINED, sessions=(dnn,))


def test_a_cell_that_bars_a_category() -> None:
    """Data of one DNN is held back, and so are 5GSM requests of connected UEs; other data and paging are not."""

    async def act(network: Network, gnb: Gnb, ue: Ue) -> None:
        troubles: list[str] = []
        ue.on_trouble = lambda _, what, why: troubles.append(f"{what}: {why}")
        gnb.bar(33)
        with pytest.raises(Refused, match="access category 33 is barred in cell 'gnb-1'"):
            await ue.open_session(SessionSettings("internet", SNssai(1)), 5)
        assert 5 not in ue.sessions
        await ue.open_session(SessionSettings("ims", SNssai(1)), 6)
        await ue.release_session(6)
        await idle(gnb, ue)
        before = len(causes(network))
        ue.on_uplink_data(1)
        await asyncio.sleep(2)
        assert troubles == ["uplink data: access category 33 is barred in cell 'gnb-1'"]
        assert len(causes(network)) == before
        ue.on_paging()
        await asyncio.sleep(2)
        assert causes(network)[before:] == ["mt-Access"]
        await idle(gnb, ue)
        gnb.bar()
        await ue.request_service()
        assert ue.sessions[1].context.bearer

    play(act, *DEFINED)


def test_a_cell_that_bars_signalling() -> None:
    """§5.5.1.2.7 b): a registration waits until access is alleviated; §5.5.2.2.6: de-registration is local."""

    async def act(network: Network, gnb: Gnb, ue: Ue) -> None:
        gnb.bar(3)
        await idle(gnb, ue)
        before = len(causes(network))
        waiting = asyncio.ensure_future(ue.register(RegistrationKind.MOBILITY))
        await asyncio.sleep(30)
        assert not waiting.done()
        assert len(causes(network)) == before
        gnb.bar()
        await waiting
        gnb.bar(3)
        await idle(gnb, ue)
        before = len(causes(network))
        await ue.deregister()
        assert not ue.context.registered
        assert len(causes(network)) == before

    play(act, *DEFINED)


def test_the_settings_of_a_gnb() -> None:
    async def main() -> None:
        network = Network()
        network.provision()
        await network.start()
        gnb = await network.gnb(barred_access_categories=(7,))
        ue = network.ue(gnb)
        await ue.register()
        with pytest.raises(Refused, match="access category 7 is barred"):
            await ue.establish_session()
        await network.stop()

    run_virtual(main())
