"""Notifications find their receiver by the URI that it gave."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Why
from cinq.sbi import Bus, Problem, checked, direct
from cinq.sbi.bus import Transport
from cinq.sbi.callback import notify
from cinq.sbi.services.namf_communication import NamfCallback, SmContextStatusNotification, StatusInfo
from cinq.sbi.services.nudm_uecm import DeregistrationData, NamfUecmCallback

WITHDRAWN = DeregistrationData(dereg_reason="SUBSCRIPTION_WITHDRAWN")


class Amf:
    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    async def deregistration_notify(self, supi: str, body: DeregistrationData) -> None:
        if supi == "imsi-1":
            raise Problem(404, "CONTEXT_NOT_FOUND", Why("imsi-1 is not registered", "cinq ue"))
        self.heard.append((supi, body.dereg_reason))

    async def sm_context_status_notify(
        self, supi: str, pdu_session_id: int, body: SmContextStatusNotification
    ) -> None:
        self.heard.append((supi, pdu_session_id))


@pytest.mark.parametrize("transport", [direct, checked])
def test_the_uri_says_the_operation_and_its_parameters(transport: Transport) -> None:
    bus, one, two = Bus(transport), Amf(), Amf()
    for amf, name in ((one, "1"), (two, "2")):
        bus.serve(NamfUecmCallback, amf, name)
        bus.serve(NamfCallback, amf, name)
    status = SmContextStatusNotification(status_info=StatusInfo(resource_status="RELEASED"))

    async def run() -> None:
        await notify(bus, "UDM", "/namf-callback/v1/dereg/imsi-2", WITHDRAWN)
        await notify(bus, "UDM", "https://amf.example/namf-callback/v1/dereg/imsi%2D3", WITHDRAWN, "2")
        await notify(bus, "SMF", "/namf-callback/v1/sm-context-status/imsi-4/5", status)

    asyncio.run(run())
    assert one.heard == [("imsi-2", "SUBSCRIPTION_WITHDRAWN"), ("imsi-4", 5)]
    assert two.heard == [("imsi-3", "SUBSCRIPTION_WITHDRAWN")]


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/namf-callback/v1/dereg/imsi-2/more",
        "/namf-callback/v1/sm-context-status/imsi-4/five",
        "/nudm-sdm/v2/imsi-2/am-data",  # no callback
        "/namf-callback/v1/dereg/",
        "::",
    ],
)
def test_a_uri_of_nobody(uri: str) -> None:
    bus = Bus(checked)
    bus.serve(NamfUecmCallback, Amf(), "1")
    bus.serve(NamfCallback, Amf(), "1")
    with pytest.raises(Problem, match="TARGET_NF_NOT_REACHABLE"):
        asyncio.run(notify(bus, "UDM", uri, WITHDRAWN))


def test_nobody_serves_it() -> None:
    with pytest.raises(Problem, match="TARGET_NF_NOT_REACHABLE"):
        asyncio.run(notify(Bus(checked), "UDM", "/namf-callback/v1/dereg/imsi-2", WITHDRAWN))


def test_a_refusal_comes_back_with_what_mends_it() -> None:
    bus = Bus(checked)
    bus.serve(NamfUecmCallback, Amf(), "1")
    with pytest.raises(Problem) as caught:
        asyncio.run(notify(bus, "UDM", "/namf-callback/v1/dereg/imsi-1", WITHDRAWN))
    assert (caught.value.why, caught.value.why.mend) == ("imsi-1 is not registered", "cinq ue")


def test_a_problem_as_a_reason_says_what_mends_it() -> None:
    problem = Problem(404, "USER_NOT_FOUND", Why("imsi-1 is not provisioned", "cinq subscriber add 1"))
    text = str(problem)
    assert text == "404 USER_NOT_FOUND: imsi-1 is not provisioned"
    assert isinstance(text, Why)
    assert text.mend == "cinq subscriber add 1"
    assert str(Problem(503)) == "503"
    assert str(Problem(503, "NF_CONGESTION")) == "503 NF_CONGESTION"
    assert str(Problem.of(problem.details)) == text
