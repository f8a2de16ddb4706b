"""Traces: what crossed N1, N2, N3 and N4, from a capture file of any core or from the live event stream.

    keys = read_keys(Path("subscribers.csv"), ["1:A:10c9..."])     # optional: deciphers NAS
    capture = read_capture(Path("run.pcap"), keys)                 # iterates over TracedMessage
    messages = list(capture)
    print(to_json(messages, capture))

A message that cannot be decoded is shown as octets and counted.
"""

from cinq.trace.json import to_json
from cinq.trace.keys import HomeNetworkKey, Keys, KeysError, Subscriber, parse_home_network_key, read_keys
from cinq.trace.message import Subject, TracedMessage
from cinq.trace.reader import Capture, read_capture

__all__ = [
    "Capture",
    "HomeNetworkKey",
    "Keys",
    "KeysError",
    "Subject",
    "Subscriber",
    "TracedMessage",
    "parse_home_network_key",
    "read_capture",
    "read_keys",
    "to_json",
]
