"""What a trace passes over in a capture: it is counted by name and said in one line."""

from __future__ import annotations

from collections import Counter

from cinq.trace.bounded import Bounded

_SBI, _TLS, _TCP = "HTTP/2 (SBI)", "TLS", "other TCP"
_OTHERS, _NAMES, _SAID = "others", 200, 12
_PREFACE = b"PRI * HTTP/2.0"
_HTTP1 = (b"GET ", b"POST ", b"PUT ", b"HTTP/1.")
_FRAME_TYPES, _FRAME_OCTETS = 10, 1 << 14
_UDP = {
    53: "DNS",
    67: "DHCP",
    68: "DHCP",
    123: "NTP",
    500: "IKE",
    2123: "GTP-C (4G)",
    3386: "GTP'",
    4500: "ESP over UDP (IPsec)",
    5060: "SIP",
    36412: "S1AP (4G)",
}
_PPIDS = {
    3: "M3UA",
    18: "S1AP (4G)",
    27: "X2AP (4G)",
    46: "Diameter",
    47: "Diameter",
    62: "F1AP",
    64: "E1AP",
    66: "NGAP over DTLS",
    70: "E2AP",
}

Connection = tuple[object, object]


class Passed:
    """Counts packets (of SCTP: messages) by what they are."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._tcp: Bounded[Connection, str] = Bounded()
        self._bare: Bounded[Connection, int] = Bounded()
        self._again: Bounded[bytes, str] = Bounded()

    def count(self, name: str) -> None:
        """One more of this name. Of very many names the later ones are counted together."""
        self.counts[name if name in self.counts or len(self.counts) < _NAMES else _OTHERS] += 1

    def tcp_again(self, ends: bytes) -> bool:
        """Counts a segment of a connection that is known by its ends (as tcp() was told), in this direction."""
        known = self._again.get(ends)
        if known is None:
            return False
        self.counts[known] += 1
        return True

    def tcp(self, one: object, other: object, payload: bytes, ends: bytes = b"") -> None:
        """A segment between two ends. What a connection is shows at its beginning, or by the frames in it.

        ends: where it will never be anything else.
        """
        key = (one, other)
        known = self._tcp.get(key) or self._tcp.get((other, one))
        if known is None and payload and (known := _kind(payload)) is not None:
            self._tcp[key] = known
            before = self._bare.pop(key, 0) + self._bare.pop((other, one), 0)
            self.counts[_TCP] -= before
            self.counts[known] += before
        if ends:
            self._again[ends] = known or _TCP
        elif known is None:
            self._bare[key] = self._bare.get(key, 0) + 1
        self.counts[known or _TCP] += 1

    def looked_at(self, one: object, other: object) -> int:
        """A connection is read after all: how many of its segments were counted here before."""
        before = self._bare.pop((one, other), 0) + self._bare.pop((other, one), 0) if self._bare else 0
        self.counts[_TCP] -= before
        return before

    def udp(self, ports: tuple[int, int]) -> None:
        """A datagram of no port that is read."""
        self.count(_UDP.get(ports[0]) or _UDP.get(ports[1]) or "other UDP")

    def sctp(self, ppid: int) -> None:
        """A user message of a protocol that is not read."""
        self.count(_PPIDS.get(ppid, f"SCTP of PPID {ppid}"))

    def line(self) -> str:
        """'HTTP/2 (SBI) 1510, ARP 3'; empty where nothing was passed over."""
        said = [f"{name} {count:,}" for name, count in self.counts.most_common() if count]
        more = f", {len(said) - _SAID} kinds more" if len(said) > _SAID else ""
        return ", ".join(said[:_SAID]) + more


def _kind(payload: bytes) -> str | None:
    if payload.startswith(_PREFACE):
        return _SBI
    if payload[0] in (0x16, 0x17) and payload[1:2] == b"\x03":
        return _TLS
    if payload.startswith(_HTTP1):
        return "HTTP/1"
    length = int.from_bytes(payload[:3], "big")
    if len(payload) >= 9 and payload[3] < _FRAME_TYPES and length <= _FRAME_OCTETS and not payload[5] & 0x80:
        return _SBI
    return None
