"""What happens to a phone after first data: idle, back, paged, moved, reset, core restarted, many at once."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Refused, run_virtual
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.gnb.procedures.ue_context_release_request import send as release_request
from cinq.ran.gnb.signals import Reset
from cinq.ran.ue import Ue
from cinq.wire import pfcp
from tests.network.world import Network


async def attached(network: Network, number: int = 0, gnb: Gnb | None = None) -> tuple[Gnb, Ue]:
    gnb = gnb or await network.gnb()
    ue = network.ue(gnb, number)
    await ue.register()
    await ue.establish_session()
    return gnb, ue


def inactivity(gnb: Gnb) -> None:
    """The gNB finds all its UEs inactive (TS 38.413 §8.3.2)."""
    for ue in list(gnb.n2.ues.values()):
        release_request(ue, ("radioNetwork", "user-inactivity"))


async def settled() -> None:
    await asyncio.sleep(1)


def apply_actions(network: Network) -> list[int]:
    return [int(far.apply_action) for far in network.upf.far.values() if far.apply_action is not None]


def test_idle_and_back_with_the_same_address() -> None:
    async def run() -> None:
        network = Network()
        network.provision()
        await network.start()
        gnb, ue = await attached(network)
        address = ue.sessions[1].context.address
        inactivity(gnb)
        await settled()
        assert not ue.link.connected
        assert ue.context.registered
        await ue.request_service()
        assert ue.link.connected
        assert (ue.sessions[1].context.address, ue.sessions[1].context.bearer) == (address, True)
        await network.stop()

    run_virtual(run())


def test_downlink_data_pages_an_idle_phone() -> None:
    async def run() -> None:
        network = Network()
        network.provision()
        await network.start()
        gnb, ue = await attached(network)
        inactivity(gnb)
        await settled()
        (session,) = network.upf.sessions.values()
        report = pfcp.SessionReportRequest(
            report_type=pfcp.ReportType(pfcp.ReportType.DLDR),
            downlink_data_report=pfcp.DownlinkDataReport(pdr_ids=[2]),
            seid=session.cp_f_seid.seid,
        )
        network.upf.ask(report, sequence=7, seid=session.cp_f_seid.seid)
        await settled()
        assert ue.link.connected
        assert ue.sessions[1].context.bearer
        assert any(e.message == "Paging" for e in network.events)
        await network.stop()

    run_virtual(run())


def test_a_known_phone_comes_back_by_its_guti() -> None:
    async def run() -> None:
        network = Network()
        network.provision()
        await network.start()
        gnb, ue = await attached(network)
        first = ue.context.guti
        inactivity(gnb)
        await settled()
        other = await network.gnb(2)
        again = network.ue(other)
        again.context, again.security, again.usim = ue.context, ue.security, ue.usim
        again.security.released()
        await again.register()
        assert again.context.registered
        assert again.context.guti != first
        assert len(network.amf.registry.by_supi) == 1
        await network.stop()

    run_virtual(run())


def test_the_core_restarts_and_phones_keep_registration_and_address() -> None:
    async def run() -> None:
        network = Network()
        network.provision()
        await network.start()
        _, ue = await attached(network)
        address, guti = ue.sessions[1].context.address, ue.context.guti
        await network.stop()

        again = Network(store=network.store)
        await again.start()
        back = again.ue(await again.gnb())
        back.context, back.security, back.usim = ue.context, ue.security, ue.usim
        back.security.released()
        for session in ue.sessions.values():
            session.ue = back
        back.sessions = ue.sessions
        await settled()
        await back.request_service()
        assert back.context.guti == guti
        assert not any(e.message == "AuthenticationRequest" for e in again.events)
        restored = again.upf.sessions.values()
        assert [str(address)] == [str(s.create_pdrs[1].pdi.ue_ip_addresses[0].ipv4) for s in restored]
        await back.deregister()
        assert not again.upf.sessions
        await again.stop()

    run_virtual(run())


def test_ng_reset_makes_phones_idle_and_keeps_them_registered() -> None:
    async def run() -> None:
        network = Network()
        network.provision(3)
        await network.start()
        gnb, _ = await attached(network, 0)
        for number in (1, 2):
            await attached(network, number, gnb)
        await gnb.n2.demand(Reset())
        await settled()
        assert len(network.amf.registry.by_supi) == 3
        assert not network.amf.access.connections
        assert len(network.upf.sessions) == 3
        await network.stop()

    run_virtual(run())


def test_a_lost_gnb_leaves_others_alone() -> None:
    async def run() -> None:
        network = Network()
        network.provision(2)
        await network.start()
        first, one = await attached(network, 0)
        second = await network.gnb(2)
        _, two = await attached(network, 1, second)
        assert first.n2.association is not None
        first.n2.association.abort("power cut")
        assert not one.link.connected
        assert two.link.connected
        assert len(network.amf.access.connections) == 1
        await two.deregister()
        assert len(network.upf.sessions) == 1
        await network.stop()

    run_virtual(run())


def test_release_of_a_session_frees_its_address() -> None:
    async def run() -> None:
        network = Network()
        network.provision()
        await network.start()
        _, ue = await attached(network)
        await ue.release_session(1)
        await settled()
        assert not network.upf.sessions
        session = await ue.establish_session()
        assert session.context.bearer or session.context.state == "ACTIVE"
        await ue.deregister()
        assert not network.upf.sessions
        await network.stop()

    run_virtual(run())


def test_two_hundred_phones_at_once_and_nothing_is_left() -> None:
    async def run() -> None:
        network = Network()
        network.provision(200)
        await network.start()
        gnb = await network.gnb()
        phones = [network.ue(gnb, n, suci="A" if n % 2 else "null") for n in range(200)]
        await asyncio.gather(*(p.power_on() for p in phones))
        addresses = {str(p.sessions[1].context.address) for p in phones}
        assert len(addresses) == 200
        await asyncio.gather(*(p.deregister() for p in phones))
        await settled()
        assert not network.upf.sessions
        assert not network.amf.access.connections
        assert not gnb.n2.ues
        assert network.amf.runtime.busy == network.smf.runtime.busy == 0
        await network.stop()

    run_virtual(run())


def test_a_phone_that_nobody_knows_is_rejected_with_the_reason_in_the_trace() -> None:
    async def run() -> None:
        network = Network()
        await network.start()
        ue = network.ue(await network.gnb())
        with pytest.raises(Refused):
            await ue.register()
        await asyncio.sleep(0.1)
        assert not ue.context.registered
        assert any("USER_NOT_FOUND" in e.cause for e in network.events)
        assert not network.amf.access.connections or not ue.link.connected
        await network.stop()

    run_virtual(run())
