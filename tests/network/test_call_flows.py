"""The call flows of the reference: each ladder that a whole network draws is the file in docs/reference/call-flows.

CINQ_UPDATE_GOLDENS=1 writes them anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cinq.nf.eir import lists
from cinq.procedure import Event, Refused, run_virtual
from cinq.ran.gnb.gnb import Path as Path_
from cinq.ran.gnb.ng_ran import NgRan
from cinq.ran.ue.settings import SessionSettings
from cinq.trace import ladder_text, steps_of_events
from cinq.wire import pfcp
from tests.conftest import ROOT
from tests.network.test_lifecycle import attached, inactivity, settled
from tests.network.world import Network

FOLDER = ROOT / "docs" / "reference" / "call-flows"
TIME = re.compile(r" +-?\d+\.\d+ m?s$", re.MULTILINE)
WIDTH = 111  # 100 when the times are cut off

Flow = Callable[[Network], Awaitable[None]]


async def ng_setup(network: Network) -> None:
    """A gNB connects."""
    await network.gnb()


async def registration_suci_a(network: Network) -> None:
    """Initial registration of a phone with its SUCI by profile A."""
    ue = network.ue(await network.gnb(), suci="A")
    begin(network)
    await ue.register()


async def registration_resynchronisation(network: Network) -> None:
    """Initial registration of a phone whose USIM has seen higher sequence numbers."""
    ue = network.ue(await network.gnb(), sqn=1 << 40 | 1)
    begin(network)
    await ue.register()


async def registration_eap_aka_prime(network: Network) -> None:
    """Initial registration of a phone whose subscription asks for EAP-AKA'."""
    network.provision(1, "999700000000501", auth_method="EAP_AKA_PRIME")
    ue = network.ue(await network.gnb(), imsi="999700000000501")
    begin(network)
    await ue.register()


async def registration_guti(network: Network) -> None:
    """A phone that is idle registers at another gNB, by its 5G-GUTI: no new authentication."""
    gnb, ue = await attached(network)
    inactivity(gnb)
    other = await network.gnb(2)
    again = network.ue(other)
    again.context, again.security, again.usim = ue.context, ue.security, ue.usim
    again.security.released()
    await settled()
    begin(network)
    await again.register()


async def registration_reject(network: Network) -> None:
    """Nobody has provisioned this phone."""
    ue = network.ue(await network.gnb(), number=7)
    begin(network)
    with pytest.raises(Refused):
        await ue.register()


async def registration_equipment_refused(network: Network) -> None:
    """The 5G-EIR has this phone on its prohibited list."""
    network.amf.reconfigure(replace(network.amf.settings, equipment_check="fail-closed"))
    lists.put(network.store, [lists.entry("43708161", "black", "stolen")])
    ue = network.ue(await network.gnb())
    begin(network)
    with pytest.raises(Refused):
        await ue.register()


async def pdu_session_establishment(network: Network) -> None:
    """A registered phone opens a PDU session."""
    ue = network.ue(await network.gnb())
    await ue.register()
    await settled()
    begin(network)
    await ue.establish_session()


async def pdu_session_reject(network: Network) -> None:
    """The DNN is not in the subscription: the AMF gives the request back."""
    ue = network.ue(await network.gnb(), sessions=(SessionSettings("corporate"),))
    await ue.register()
    await settled()
    begin(network)
    with pytest.raises(Refused):
        await ue.establish_session()


async def pdu_session_release(network: Network) -> None:
    """The phone releases its PDU session."""
    _, ue = await attached(network)
    await settled()
    begin(network)
    await ue.release_session(1)


async def an_release(network: Network) -> None:
    """The gNB finds the phone inactive: it becomes idle and keeps its session."""
    gnb, _ = await attached(network)
    await settled()
    begin(network)
    inactivity(gnb)


async def service_request(network: Network) -> None:
    """An idle phone has something to send."""
    gnb, ue = await attached(network)
    inactivity(gnb)
    await settled()
    begin(network)
    await ue.request_service()


async def paging(network: Network) -> None:
    """A downlink packet arrives for an idle phone."""
    gnb, _ = await attached(network)
    inactivity(gnb)
    await settled()
    begin(network)
    (session,) = network.upf.sessions.values()
    report = pfcp.SessionReportRequest(
        report_type=pfcp.ReportType(pfcp.ReportType.DLDR),
        downlink_data_report=pfcp.DownlinkDataReport(pdr_ids=[2]),
        seid=session.cp_f_seid.seid,
    )
    network.upf.ask(report, sequence=7, seid=session.cp_f_seid.seid)


async def deregistration(network: Network) -> None:
    """The phone deregisters."""
    _, ue = await attached(network)
    await settled()
    begin(network)
    await ue.deregister()


async def xn_handover(network: Network) -> None:
    """A phone with a session moves to another gNB by Xn: the path is switched."""
    await handed_over(network, "xn")


async def n2_handover(network: Network) -> None:
    """A phone with a session moves to another gNB by N2."""
    await handed_over(network, "n2")


async def handed_over(network: Network, via: Path_) -> None:
    neighbours = NgRan(xn=via == "xn")
    gnb, target = await network.gnb(1, neighbours), await network.gnb(2, neighbours)
    ue = network.ue(gnb, sessions=(SessionSettings(),))
    await ue.power_on()
    await settled()
    begin(network)
    (context,) = gnb.n2.ues.values()
    await gnb.hand_over(context, target.cells[0], via)
    await settled()


FLOWS: tuple[Flow, ...] = (
    ng_setup,
    registration_suci_a,
    registration_guti,
    registration_resynchronisation,
    registration_eap_aka_prime,
    registration_reject,
    registration_equipment_refused,
    pdu_session_establishment,
    pdu_session_reject,
    pdu_session_release,
    an_release,
    service_request,
    paging,
    deregistration,
    xn_handover,
    n2_handover,
)


def begin(network: Network) -> None:
    """The ladder begins here."""
    network.events.clear()


def drawn(flow: Flow) -> str:
    """The flow's ladder, without times."""

    async def run() -> list[Event]:
        network = Network()
        network.provision()
        await network.start()
        await settled()
        begin(network)
        await flow(network)
        await settled()
        events = list(network.events)
        await network.stop()
        return events

    ladder = ladder_text(steps_of_events(run_virtual(run())), WIDTH)
    return f"{flow.__doc__}\n\n{TIME.sub('', ladder)}\n"


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.__name__)
def test_the_reference_shows_this_call_flow(flow: Flow) -> None:
    path: Path = FOLDER / f"{flow.__name__.replace('_', '-')}.txt"
    text = drawn(flow)
    if os.environ.get("CINQ_UPDATE_GOLDENS"):
        path.write_text(text, "utf-8")
    assert path.exists(), f"{path} is missing: CINQ_UPDATE_GOLDENS=1 writes it"
    assert text == path.read_text("utf-8"), "the call flow changed: CINQ_UPDATE_GOLDENS=1 writes it anew"


DRAWN_ELSEWHERE = {"roaming.txt"}
"""By tests of whole demos, in tests/lab."""


def test_every_file_is_drawn_by_a_flow() -> None:
    drawn_here = {f"{flow.__name__.replace('_', '-')}.txt" for flow in FLOWS}
    assert {path.name for path in FOLDER.iterdir()} == drawn_here | DRAWN_ELSEWHERE
