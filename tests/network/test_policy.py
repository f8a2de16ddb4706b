"""`cinq policy` beside a running network: what the operator grants reaches UE, gNB and UPF (TS 23.502 §4.3.3.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cinq.nf.udr import policies
from cinq.procedure import Refused, run_virtual
from cinq.ran.ue.session import Session
from cinq.ran.ue.ue import Ue
from cinq.sbi.services.nudr_policy import SessionPolicy
from cinq.settings.policy import Rule
from cinq.settings.toml import BitRate
from tests.network.world import SUPI, Network

FILTER = "permit out 17 from 198.51.100.0/24 5004 to assigned"
VOICE = Rule("voice", (FILTER,), 1, gbr_uplink=BitRate(64000), gbr_downlink=BitRate(64000), precedence=10)


def play(scene: Callable[[Network, Ue, Session], Awaitable[None]]) -> None:
    async def main() -> None:
        network = Network()
        network.provision()
        await network.start()
        ue = network.ue(await network.gnb())
        await ue.register()
        await scene(network, ue, await ue.establish_session())
        await network.stop()

    run_virtual(main())


async def told(network: Network) -> None:
    await network.udr.tell_changes()
    await asyncio.sleep(1)


def test_a_rule_comes_as_a_flow_and_goes() -> None:
    async def scene(network: Network, ue: Ue, session: Session) -> None:
        policies.put(network.store, SUPI, "voice", policies.element(VOICE))
        await told(network)
        flows = {flow.qfi: flow for flow in session.context.flows}
        voice = next(flow for flow in flows.values() if flow.five_qi == 1)
        assert (voice.gfbr_uplink, voice.gfbr_downlink) == (64000, 64000)
        rules = [rule for rule in session.context.rules if rule.qfi == voice.qfi]
        assert [rule.default for rule in rules] == [False]
        assert rules[0].packet_filters
        policies.remove(network.store, SUPI, "voice")
        await told(network)
        assert all(flow.five_qi != 1 for flow in session.context.flows)
        assert [rule.default for rule in session.context.rules] == [True]

    play(scene)


def test_a_rule_that_is_there_before_the_session() -> None:
    async def scene(network: Network, ue: Ue, session: Session) -> None:
        await ue.release_session(session.context.pdu_session_id)
        policies.put(network.store, SUPI, "voice", policies.element(VOICE))
        again = await ue.establish_session()
        await asyncio.sleep(1)
        assert sorted(flow.five_qi or 0 for flow in again.context.flows) == [1, 9]

    play(scene)


def test_denied_sessions_end() -> None:
    async def scene(network: Network, ue: Ue, session: Session) -> None:
        policies.put(network.store, SUPI, "session", SessionPolicy(denied=True))
        await told(network)
        assert not ue.sessions
        with pytest.raises(Refused):
            await ue.establish_session()
        policies.remove(network.store, SUPI, "session")
        await ue.establish_session()

    play(scene)
