"""A trace as JSON: an object with the list `messages` and the number `undecoded`."""

from __future__ import annotations

import json
from collections.abc import Iterable

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
    ):
        if value:
            facts[name] = value
    return facts


def facts(messages: Iterable[TracedMessage], capture: Capture) -> dict[str, object]:
    """The object that to_json writes, for programs that add to it."""
    listed = [message_facts(message) for message in messages]
    return {
        "messages": listed,
        "undecoded": capture.undecoded,
        "packets": capture.packets,
        "user_packets": capture.user_packets,
        "tcp_packets": capture.tcp_packets,
        "other_packets": capture.other_packets,
        "cut_packets": capture.cut_packets,
        "fault": capture.fault or None,
    }


def to_json(messages: Iterable[TracedMessage], capture: Capture, indent: int | None = None) -> str:
    """The trace as JSON text. messages: all that `capture` gave."""
    return json.dumps(facts(messages, capture), indent=indent, ensure_ascii=False)
