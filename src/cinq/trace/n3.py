"""The control messages of GTP-U: who sent them."""

from __future__ import annotations

from collections.abc import Iterator

from cinq.trace.ends import Ends
from cinq.trace.message import Arrival, TracedMessage
from cinq.wire import gtpu
from cinq.wire.examined import Examined

_EXTENSION, _CONTAINER = 4, 0x85


class N3:
    """The gNBs and UPFs of a capture, by their addresses on N3."""

    def __init__(self) -> None:
        self.ends = Ends("gNB", "UPF")

    def user_packet(self, source: str, destination: str, octets: bytes) -> None:
        """A G-PDU: its PDU Session Container says who sends downlink (TS 38.415 §5.5.2)."""
        if self.ends.known(source) and self.ends.known(destination):
            return
        if len(octets) >= 14 and octets[0] & _EXTENSION and octets[11] == _CONTAINER and octets[13] >> 5 == 0:
            uplink = octets[13] >> 4
            self.ends.learn(source, "gNB" if uplink else "UPF")
            self.ends.learn(destination, "UPF" if uplink else "gNB")

    def read(self, at: Arrival, octets: bytes) -> Iterator[TracedMessage]:
        """The message in a UDP datagram of port 2152, TS 29.281."""
        examined = gtpu.examine(octets)
        message = examined.message
        name = "GTP-U" if message is None else type(message).__name__
        # Where no address tells: the UPF ends a path (§5.2.2), the gNB asks for an echo as likely as the UPF.
        guess = "UPF" if name in ("EchoResponse", "EndMarker") else "gNB"
        shown = TracedMessage(at, "n3", *self.ends.pair(at.source[0], at.destination[0], guess), name, octets)
        shown.fault = "; ".join(examined.faults)
        if message is not None:
            shown.facts = lambda: _facts(examined)
            shown.content = message if examined.whole else None
        yield shown


def is_user_packet(octets: bytes) -> bool:
    """A G-PDU of GTP-U version 1: the user's packet, which a trace counts and does not show."""
    return len(octets) >= 8 and octets[0] >> 5 == 1 and octets[1] == gtpu.GPdu.TYPE


def _facts(examined: Examined[gtpu.GtpuMessage]) -> dict[str, object]:
    plain = gtpu.plain(examined.message)
    return dict(plain) if isinstance(plain, dict) else {}
