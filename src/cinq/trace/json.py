"""A trace as JSON: an object with the list `messages` and the number `undecoded`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from cinq.trace.message import TracedMessage
from cinq.trace.reader import Capture


def message_facts(message: TracedMessage) -> dict[str, object]:
    """One message. Octets are hexadecimal; cause, integrity and fault only where there is something to say."""
    facts: dict[str, object] = {
        "time": message.time,
        "frame": message.frame,
        "interface": message.interface,
        "src": message.source,
        "dst": message.destination,
        "sender": message.sender,
        "receiver": message.receiver,
        "message": message.message,
        "ue": message.ue or None,
        "decoded": message.decoded,
        "octets": message.octets.hex(),
    }
    for name, value in (
        ("cause", message.cause),
        ("integrity", message.integrity),
        ("fault", message.fault),
        ("mend", message.mend),
    ):
        if value:
            facts[name] = value
    return facts


def counts(capture: Capture) -> dict[str, object]:
    """What was counted of a capture that was read."""
    return {
        "undecoded": capture.undecoded,
        "faulty": capture.faulty,
        "packets": capture.packets,
        "user_packets": capture.user_packets,
        "tcp_packets": capture.tcp_packets,
        "other_packets": capture.other_packets,
        "cut_packets": capture.cut_packets,
        "passed_over": {name: count for name, count in capture.passed.counts.most_common() if count},
        "fault": capture.fault or None,
    }


def write_json(messages: Iterable[TracedMessage], capture: Capture, write: Callable[[str], object]) -> None:
    """Writes the object as the messages come, one on a line, then the counts."""
    before = '{"messages": [\n'
    for message in messages:
        write(before + json.dumps(message_facts(message), ensure_ascii=False))
        before = ",\n"
    rest = json.dumps(counts(capture), ensure_ascii=False)
    write(("\n" if before[0] == "," else before) + "], " + rest[1:] + "\n")


def to_json(messages: Iterable[TracedMessage], capture: Capture) -> str:
    """The trace as JSON text. messages: all that `capture` gave."""
    parts: list[str] = []
    write_json(messages, capture, parts.append)
    return "".join(parts)
