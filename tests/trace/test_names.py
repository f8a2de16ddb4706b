"""UEs are told apart by their whole identity, and shown with as few digits as keep them apart."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from cinq.procedure import Event
from cinq.trace import Capture, Exporter, OneUe, ShortNames, Step, ladder_rows, steps_of_events
from cinq.trace.names import supis
from cinq.wire import ngap

from .bench import Bench

ONE, OTHER = "imsi-999700000000001", "imsi-999700000001001"
IDENTITY_RESPONSE = bytes.fromhex("7e005c000d0199f907000000000000000010")


def alike() -> list[Event]:
    """Two subscribers whose IMSIs end alike, in turns."""
    named = [
        Event(n, "AMF", ue, "", "in", "N1", "IdentityResponse", octets=IDENTITY_RESPONSE + bytes([n]))
        for n, ue in enumerate((ONE, OTHER, ONE, OTHER))
    ]
    fault = Event(
        9, "UDM", OTHER, "", "out", "Nudm_SDM", "Nudm_SDM_Get response", f"404: no {ONE}", peer="AMF"
    )
    return [*named, fault]


def headings(steps: list[Step], ue: str | None = None) -> list[str]:
    rows = ladder_rows(steps, ue=ue)
    return [row.text.strip() for row in rows if row.step is None and row.text.startswith(" imsi")]


def test_names_grow_only_where_they_collide() -> None:
    names = ShortNames()
    assert names.shorten(ONE) == "imsi-99970…001"
    assert names.shorten(f"{OTHER}/1, {ONE}") == "imsi-99970…1001/1, imsi-99970…0001"
    assert names.shorten("imsi-999700000000002") == "imsi-99970…002"
    assert names.shorten("imsi-001010000000001") == "imsi-00101…001"
    assert names.shorten("imsi-00101123 and no name") == "imsi-00101123 and no name"


@given(st.lists(st.from_regex(r"99970[01]{1,10}", fullmatch=True), unique=True))
def test_no_two_names_are_the_same(imsis: list[str]) -> None:
    names = ShortNames(f"imsi-{imsi}" for imsi in imsis)
    shown = [names.shorten(f"imsi-{imsi}") for imsi in imsis]
    assert len(set(shown)) == len(imsis)
    assert [supis(f"({each}").count(each) for each in shown] == ["…" not in each for each in shown]


def test_each_has_its_own_ladder_of_live_events() -> None:
    steps = steps_of_events(alike())
    assert headings(steps) == ["imsi-99970…0001", "imsi-99970…1001"]
    for ue in (OTHER, "imsi-99970…1001"):
        assert headings(steps, ue) == ["imsi-99970…1001"]
    # In a reason the identity is often the point: whole.
    assert f"404: no {ONE}" in "\n".join(row.text for row in ladder_rows(steps, 140))
    assert headings(steps[::2][:2]) == ["imsi-99970…001"]


def test_an_exported_capture_keeps_them_apart() -> None:
    file = io.BytesIO()
    exporter = Exporter(file)
    for event in alike():
        exporter.event(event)
    assert [message.ue for message in Capture(io.BytesIO(file.getvalue()))] == [ONE, OTHER, ONE, OTHER]


def test_ngap_identities_that_are_used_again_are_no_one_ue() -> None:
    bench = Bench()
    for _ in range(2):
        bench.initial(b"\x7e\x00\x5c\x00\x01\x00", 5)
    found = {message.ue for message in Capture(bench.capture())}
    assert found == {"RAN UE NGAP ID 5", "RAN UE NGAP ID 5 (2)"}


def test_one_ue_that_never_came_to_have_a_name() -> None:
    """With a wrong key the AMF does not learn the SUPI; what UDM is asked on its behalf names both."""

    def n1(ue: str, time: float) -> Event:
        return Event(time, "AMF", ue, "", "in", "N1", "x", octets=b"\x7e\0\x43")

    def asked(ue: str, behalf: str) -> Event:
        return Event(1.5, "UDM", ue, "", "out", "Nudr_DM", "Nudr_DM_Query request", peer="UDR", behalf=behalf)

    reject = Event(3.0, "AMF", "UE 1", "registration", "none", "N1", "", "refused: MAC failure")
    stream = [n1("UE 1", 1), n1("UE 2", 1), asked(OTHER, "UE 2"), asked(ONE, "UE 1"), n1("UE 1", 2), reject]
    wanted = OneUe(ONE)
    assert [event for each in stream for event in wanted.of(each)] == [stream[0], *stream[3:]]
    steps = steps_of_events(stream)
    assert [step.ue for step in steps] == [ONE, OTHER, OTHER, ONE, ONE, ONE]


def test_one_ue_out_of_a_stream_has_what_came_before_its_name() -> None:
    def n1(ue: str) -> Event:
        return Event(1.0, "AMF", ue, "", "in", "N1", "x", octets=b"\x7e\0\x43")

    def n2(ue: str, number: int) -> Event:
        release = ngap.UEContextReleaseComplete(amf_ue_ngap_id=number, ran_ue_ngap_id=1)
        return Event(2.0, "AMF", ue, "", "in", "N2", "x", content=release)

    stream = [n1("UE 1"), n1("UE 2"), n1("gNB 1"), n2(OTHER, 2), n1(OTHER), n2(ONE, 1), n1(ONE)]
    wanted = OneUe(ONE)
    assert [event for each in stream for event in wanted.of(each)] == [stream[0], *stream[5:]]
    assert [event for each in stream for event in OneUe("").of(each)] == stream
