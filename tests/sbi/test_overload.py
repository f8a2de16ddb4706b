"""Overload control information, TS 29.500 §6.4.3: what is said, what is believed, and what is let be."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.sbi import Bus, Problem, http, producers
from cinq.sbi.directory import OneRoot
from cinq.sbi.message import Request, Response
from cinq.sbi.overload import OCI, Overloads, reduction, said
from cinq.sbi.peers import Peers
from cinq.sbi.reach import api_root
from cinq.sbi.services.npcf_ampolicycontrol import NpcfAMPolicyControl
from tests.sbi.test_http import HOST, REQUEST, Pcf

NF = "54804518-4191-46b3-955c-ac631f953ed8"
# the first example of TS 29.500 §5.2.3.2.9 with this scope
EXAMPLE = (
    'Timestamp: "Tue, 04 Feb 2020 08:49:37 GMT"; Period-of-Validity: 75s; Overload-Reduction-Metric: 100%; '
    f"NF-Instance: {NF}"
)
ASK, URGENT = Request("GET", "/"), Request("GET", "/", (("3gpp-sbi-message-priority", "3"),))


def heard(*values: str, via: str = "") -> Overloads:
    overloads = Overloads()
    headers = tuple((OCI, value) for value in values)
    overloads.heard("r", Response(200, (*headers, *((("via", via),) if via else ()))), 100.0)
    return overloads


def test_what_a_producer_says_is_believed_for_so_long() -> None:
    overloads = heard(EXAMPLE)
    assert overloads.lets_be("r", ASK, 101.0)
    assert not overloads.lets_be("r", URGENT, 101.0)
    assert not overloads.lets_be("other", ASK, 101.0)
    assert not overloads.lets_be("r", ASK, 176.0)


def test_older_news_change_nothing_and_better_news_do() -> None:
    overloads = heard(EXAMPLE)
    overloads.heard(
        "r", Response(200, ((OCI, EXAMPLE.replace("2020", "2019").replace("100%", "0%")),)), 101.0
    )
    assert overloads.lets_be("r", ASK, 102.0)
    overloads.heard(
        "r", Response(200, ((OCI, EXAMPLE.replace("2020", "2021").replace("100%", "0%")),)), 101.0
    )
    assert not overloads.lets_be("r", ASK, 102.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        EXAMPLE.replace("Tue, 04 Feb 2020", "yesterday"),
        EXAMPLE.replace("75s", "-1s"),
        EXAMPLE + "; S-NSSAI: %7B%7D; DNN: internet",
        EXAMPLE + " " * 2000,
        EXAMPLE.replace("NF-Instance", "Callback-Uri"),
    ],
)
def test_what_cannot_be_read_or_is_of_a_part_is_passed_over(text: str) -> None:
    assert not heard(text).lets_be("r", ASK, 101.0)


def test_behind_an_scp_it_is_of_another() -> None:
    assert not heard(EXAMPLE, via="2.0 SCP-one.example").lets_be("r", ASK, 101.0)
    own = EXAMPLE.replace(f"NF-Instance: {NF}", "SCP-FQDN: one.example")
    assert heard(own, via="2.0 SCP-one.example").lets_be("r", ASK, 101.0)


@given(st.text(max_size=300))
def test_any_text_is_harmless(text: str) -> None:
    heard(text).lets_be("r", ASK, 101.0)


def test_what_is_written_is_read() -> None:
    assert (reduction(0, 100), reduction(80, 100), reduction(90, 100), reduction(500, 100)) == (0, 0, 50, 100)
    name, value = said(NF, 100, 1_580_806_177.0)
    assert (name, value) == (OCI, EXAMPLE.replace("75s", "5s"))
    assert heard(value).lets_be("r", ASK, 101.0)


def test_a_crowded_producer_is_asked_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so on an answer; the next request is not sent."""

    async def main() -> None:
        place = OneRoot("")
        wire = http.OverHttp(place, Peers())
        bus = Bus(wire=wire)
        bus.serve(NpcfAMPolicyControl, Pcf(), NF)
        server = await producers.offer(bus, HOST, 0, None, wire.mark)
        place.root = wire.own = bus.api_root = api_root(*server.local, tls=False)
        monkeypatch.setattr(producers, "reduction", lambda under_way, room: 100)
        client = bus.client(NpcfAMPolicyControl, "AMF")
        try:
            await client.create(REQUEST)
            with pytest.raises(Problem, match=r"504 TARGET_NF_NOT_REACHABLE.*asked less"):
                await client.create(REQUEST)
        finally:
            await wire.peers.close()
            await server.close()

    asyncio.run(main())
