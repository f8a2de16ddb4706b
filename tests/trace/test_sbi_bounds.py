"""What a hostile capture may cost: segments that never fit, TLS that nobody opens, headers and paths without an end."""

from __future__ import annotations

import io
import json

import pytest

from cinq.trace import Keys
from cinq.trace.http import KeyLog, connections
from cinq.trace.http.connections import _CONNECTIONS, Connections
from cinq.trace.http.exchange import _BODIES, _FIELDS, PREFACE, Kind, Reader
from cinq.trace.http.hpack import _TABLE, UNKNOWN, Decoder
from cinq.trace.http.tcp import Direction, Segment
from cinq.trace.json import write_json
from cinq.trace.ladders import steps_of_messages
from cinq.trace.message import Arrival
from cinq.trace.n1 import N1
from cinq.trace.sbi import names
from cinq.trace.sbi.whose import Whose
from tests.trace.test_sbi import PATH, Talk, read

END_HEADERS = 4


def segment(number: int, payload: bytes, *, syn: bool = False) -> bytes:
    flags = 0x02 if syn else 0x18
    return bytes(4) + number.to_bytes(4, "big") + bytes(4) + bytes((0x50, flags)) + bytes(6) + payload


def frame(kind: Kind, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def arrival(port: int) -> Arrival:
    return Arrival(0, 0, ("10.0.0.1", port), ("10.0.0.2", 7777))


def reader() -> Reader:
    made = Reader(False)
    assert not list(made.take(PREFACE))
    return made


def test_an_old_retransmission_behind_a_gap_brings_nothing_back() -> None:
    direction = Direction()
    direction.take(Segment(0, True, b""))
    assert direction.take(Segment(1, False, b"first")) == (b"first", False)
    for n in range(64):
        assert direction.take(Segment(100 + 10 * n, False, b"held")) == (b"", False)
    assert direction.take(Segment(1, False, b"first")) == (b"", False)
    assert direction.take(Segment(90, False, b"ninety")) == (b"ninety", True)


def test_a_retransmission_may_carry_more() -> None:
    direction = Direction()
    direction.take(Segment(0, True, b""))
    direction.take(Segment(4, False, b"de"))
    direction.take(Segment(4, False, b"defg"))
    assert direction.take(Segment(1, False, b"abc")) == (b"abcdefg", False)


def test_tls_that_cannot_be_opened_is_not_kept() -> None:
    made = Connections(KeyLog())
    made.take(arrival(1), segment(0, b"", syn=True))
    record = b"\x17\x03\x03\x40\x00" + bytes(0x4000)
    for n in range(50):
        made.take(arrival(1), segment(1 + n * len(record), record))
    assert made._octets < 2 * len(record)


def test_connections_that_speak_outlive_a_port_scan() -> None:
    made = Connections(KeyLog())
    made.take(arrival(1), segment(0, b"", syn=True))
    made.take(arrival(1), segment(1, PREFACE))
    place = 1 + len(PREFACE)
    request = frame(Kind.HEADERS, END_HEADERS | 1, 1, b"\x82\x84")
    for port in range(2, 2 * _CONNECTIONS):
        made.take(arrival(port), segment(0, b"", syn=True))
        if port % 1000 == 0:
            heard = made.take(arrival(1), segment(place, request))
            assert isinstance(heard, list)
            assert heard[0].half.headers == ((":method", "GET"), (":path", "/"))
            place += len(request)
    assert len(made._known) <= _CONNECTIONS


def test_what_is_kept_of_all_connections_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    room = 1 << 18
    monkeypatch.setattr(connections, "_OCTETS", room)
    made = Connections(KeyLog())
    body = frame(Kind.DATA, 0, 1, bytes(10_000))
    for port in range(1, 200):
        made.take(arrival(port), segment(0, b"", syn=True))
        made.take(arrival(port), segment(1, PREFACE + body))
        kept = sum(one.octets for one in made._known.values())
        assert made._octets == kept <= room


def test_trailers_without_an_end() -> None:
    one = reader()
    for _ in range(100):
        assert not list(one.take(frame(Kind.HEADERS, END_HEADERS, 1, b"\x82" * 500)))
    (half,) = one.rest()
    assert len(half.headers) == _FIELDS
    assert half.fault == f"more than {_FIELDS} fields"


def test_bodies_without_an_end() -> None:
    one = reader()
    for stream in range(1, 101, 2):
        for _ in range(16):
            list(one.take(frame(Kind.DATA, 0, stream, bytes(1 << 16))))
    assert one.octets <= _BODIES + (1 << 10)
    for stream in range(1, 101, 2):
        list(one.take(frame(Kind.RST_STREAM, 0, stream, bytes(4))))
    assert one.octets < 1 << 10


def test_a_header_table_without_an_end() -> None:
    decoder = Decoder(False)
    field = b"\x40\x01x\x7f" + bytes((0x81, 0x07)) + b"v" * 1024
    for _ in range(200):
        assert decoder.block(field) == [("x", "v" * 1024)]
    assert decoder.octets <= _TABLE
    assert decoder.block(b"\xff\x7f") == [(UNKNOWN, UNKNOWN)]  # it was there, and is forgotten


def test_paths_without_an_end() -> None:
    whose = Whose(N1(Keys()))
    long = "/nudm-sdm/v2" + "/a" * 100_000
    assert whose.at(long) is None
    assert not whose._places
    assert len(names.operation("GET", "/x/v1/" + "a" * 100_000)) < 100


@pytest.mark.parametrize(
    "body", [b'{"cause":"\\ud800"}', b'{"cause":NaN}', b'{"\\udfff":1}', b"[" * 5000 + b"]" * 5000]
)
def test_json_that_cannot_be_written_again(body: bytes) -> None:
    """A lone surrogate, and what is no JSON (RFC 8259 §8.2, §6): a fault of the message, no end of the reader."""
    made = Talk()
    made.call(PATH, body)
    capture, found = read(made.packets())
    text = io.StringIO()
    write_json(found, capture, text.write)
    assert json.loads(text.getvalue().encode())["messages"][0]["fault"].startswith("JSON: ")


def test_a_terminal_takes_no_orders_from_a_capture() -> None:
    made = Talk()
    made.call("/%1b[2J/v1/x", b"{}", b'{"cause":"\\u001b[2J","detail":"a\\nb"}', status="404")
    _, found = read(made.packets())
    steps = steps_of_messages(found)
    assert [step.text for step in steps if not step.text.isprintable()] == []
    assert "\N{REPLACEMENT CHARACTER}[2J" in steps[1].cause
