"""GCRA, as in gtpu.c: virtual scheduling over a theoretical arrival time in nanoseconds."""

from __future__ import annotations


def cost_per_octet(bits_per_s: int) -> int:
    """Nanoseconds an octet takes, times 65536; 0 for no limit."""
    return (8_000_000_000 << 16) // bits_per_s if bits_per_s else 0


class Policer:
    """One direction of a session. `conforms` moves the theoretical arrival time when the packet passes.

    The bucket is rate times `burst_ns`; 250 ms and more let TCP reach the rate at a short round trip time.
    """

    __slots__ = ("burst_ns", "cost", "drops", "tat")

    def __init__(self, bits_per_s: int, burst_ns: int) -> None:
        self.cost, self.burst_ns, self.tat, self.drops = cost_per_octet(bits_per_s), burst_ns, 0, 0

    def conforms(self, octets: int, now_ns: int) -> bool:
        if not self.cost:
            return True
        base = self.tat if self.tat > now_ns else now_ns
        if base - now_ns > self.burst_ns:
            self.drops += 1
            return False
        self.tat = base + (octets * self.cost >> 16)
        return True

    def has_room(self, now_ns: int) -> bool:
        """Whether a packet would pass now; where not, it is counted as dropped."""
        if self.cost and self.tat - now_ns > self.burst_ns:
            self.drops += 1
            return False
        return True


class Rate:
    """GCRA on events: `per_s` a second, `burst` at once."""

    __slots__ = ("interval_ns", "span_ns", "tat")

    def __init__(self, per_s: int, burst: int) -> None:
        self.interval_ns = 1_000_000_000 // per_s
        self.span_ns = self.interval_ns * (burst - 1)
        self.tat = 0

    def conforms(self, now_ns: int) -> bool:
        base = self.tat if self.tat > now_ns else now_ns
        if base - now_ns > self.span_ns:
            return False
        self.tat = base + self.interval_ns
        return True
