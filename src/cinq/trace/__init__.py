"""Traces: what crossed N1, N2, N3 and N4, from a capture file of any core or from the live event stream.

    keys = read_keys(Path("subscribers.csv"), ["1:A:10c9..."])     # optional: deciphers NAS
    capture = read_capture(Path("run.pcap"), keys)                 # iterates over TracedMessage
    messages = list(capture)
    print(ladder_text(steps_of_messages(messages)))                # one call flow for each UE
    print(to_json(messages, capture))

Live: `steps_of_events(journal.kept())` for the same ladder, `Exporter(file).event` as a journal's listener for a
pcapng that Wireshark opens, deciphered NAS included.

A message with something wrong in it is shown as far as it can be read, with its fault. A capture of any size is read in
bounded memory: `Ladders` draws and `write_json` writes as the messages come.
"""

from cinq.trace.events import StepReader, steps_of_events
from cinq.trace.export import Exporter, export
from cinq.trace.json import to_json, write_json
from cinq.trace.keys import HomeNetworkKey, Keys, KeysError, Subscriber, parse_home_network_key, read_keys
from cinq.trace.ladder import (
    Row,
    Step,
    ladder_rows,
    ladder_text,
)
from cinq.trace.ladders import Chosen, Ladders, steps_of_messages
from cinq.trace.message import Subject, TracedMessage
from cinq.trace.names import ShortNames
from cinq.trace.one_ue import OneUe
from cinq.trace.reader import Capture, read_capture

__all__ = [
    "Capture",
    "Chosen",
    "Exporter",
    "HomeNetworkKey",
    "Keys",
    "KeysError",
    "Ladders",
    "OneUe",
    "Row",
    "ShortNames",
    "Step",
    "StepReader",
    "Subject",
    "Subscriber",
    "TracedMessage",
    "export",
    "ladder_rows",
    "ladder_text",
    "parse_home_network_key",
    "read_capture",
    "read_keys",
    "steps_of_events",
    "steps_of_messages",
    "to_json",
    "write_json",
]
