"""A decoder's body: the bit position is followed while the code is written, so that most shifts are constants."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cinq.wire.per.emit import Body

Alternative = tuple[str, Callable[[], None]]


class DecoderBody(Body):
    """Reads from `b` at `i`.

    Position: octet `i + offset` (or `offset` alone as long as `i` is not set) and bit `bit` in it; when bit is None,
    `i` itself counts bits.
    """

    def __init__(self, bit: int | None, *, root: bool = False) -> None:
        super().__init__()
        self.bit = bit
        self.offset = 0
        self.based = not root
        self.sliced = False

    def at(self, more: int = 0) -> str:
        """The octet position as an expression."""
        offset = self.offset + more
        if not self.based:
            return str(offset)
        return f"i + {offset}" if offset else "i"

    def settle(self) -> None:
        """Makes `i` the exact octet (or bit) position."""
        if self.bit is None:
            return
        if not self.based:
            self.line(f"i = {self.offset}")
            self.based = True
        elif self.offset:
            self.line(f"i += {self.offset}")
        self.offset = 0

    def moved(self, by: str) -> None:
        """`i` goes on by an amount only known at run time; the position must be settled and aligned."""
        self.line(f"i += {by}")
        self.sliced = True

    def count_bits(self) -> None:
        """From here on `i` counts bits."""
        if self.bit is None:
            return
        self.line(f"i = {self._bit_position()}")
        self.based, self.offset, self.bit = True, 0, None

    def _bit_position(self) -> str:
        if self.bit is None:
            return "i"
        if not self.based:
            return str(self.offset * 8 + self.bit)
        more = self.offset * 8 + self.bit
        return f"(i << 3) + {more}" if more else "i << 3"

    def align(self) -> None:
        if self.bit is None:
            self.line("i = (i + 7) >> 3")
            self.offset = self.bit = 0
        elif self.bit:
            self.offset += 1
            self.bit = 0

    def bits(self, n: int) -> str:
        """An expression of the next n bits, to be used before anything else is written."""
        if n == 0:
            return "0"
        if self.bit is None:
            value = self.fresh()
            self.line(f"{value} = bits(b, i, {n})")
            self.line(f"i += {n}")
            self.sliced = True
            return value
        octets = (self.bit + n + 7) // 8
        shift = octets * 8 - self.bit - n
        text = self._octets(octets)
        if shift:
            text = f"{text} >> {shift}" if octets == 1 else f"({text}) >> {shift}"
        if self.bit:
            text = f"{text} & {(1 << n) - 1}" if octets == 1 or shift else f"({text}) & {(1 << n) - 1}"
        self.offset, self.bit = self.offset + (self.bit + n) // 8, (self.bit + n) % 8
        return text

    def flag(self) -> str:
        """The next bit as the condition of a branch that follows at once."""
        self.settle()
        text = self.bits(1)
        if not self.offset:
            return text
        value = self.fresh()
        self.line(f"{value} = {text}")
        return value

    def _octets(self, n: int) -> str:
        if n > 3:
            self.sliced = True
            return f'from_bytes(b[{self.at()}:{self.at(n)}], "big")'
        parts = [f"b[{self.at(k)}]" + (f" << {8 * (n - 1 - k)}" if k < n - 1 else "") for k in range(n)]
        return " | ".join(parts)

    def octets(self, n: int) -> str:
        """An expression of the next n octets, aligned or not."""
        if self.bit != 0:
            return f'({self.bits(8 * n)}).to_bytes({n}, "big")'
        text = f"b[{self.at()}:{self.at(n)}]"
        self.offset += n
        self.sliced = True
        return text

    def branch(self, alternatives: Sequence[Alternative]) -> None:
        """`if`/`elif`/`else`; behind it the position is the same on every way that does not raise."""
        self.settle()
        before = self.bit
        ends: list[tuple[str, list[str], int, int | None]] = []
        for head, write in alternatives:
            self.based, self.offset, self.bit = True, 0, before
            lines = self.captured(write)
            ends.append((head, lines, self.offset, self.bit))
        exits = {bit for _, lines, _, bit in ends if not _raises(lines)}
        same = len(exits) == 1 and None not in exits
        for head, lines, offset, bit in ends:
            self.line(head)
            self.lines.extend(lines)
            with self.indented():
                self._meet(lines, offset, bit, same)
        self.based, self.offset, self.bit = True, 0, exits.pop() if same else None

    def _meet(self, lines: list[str], offset: int, bit: int | None, same: bool) -> None:
        if _raises(lines):
            return
        if same or bit is None:
            if offset:
                self.line(f"i += {offset}")
            elif not lines:
                self.line("pass")
            return
        more = offset * 8 + bit
        self.line(f"i = (i << 3) + {more}" if more else "i <<= 3")

    def repeat(self, head: str, write: Callable[[], None]) -> None:
        """A loop; when an item moves the bit offset, bits are counted throughout."""
        self.settle()
        before = self.bit
        outer = self._temporaries
        lines = self.captured(lambda: self._round(write))
        if self.bit != before:
            self.offset, self.bit, self._temporaries = 0, before, outer
            self.count_bits()
            lines = self.captured(lambda: self._round(write))
        self.line(head)
        self.lines.extend(lines)

    def _round(self, write: Callable[[], None]) -> None:
        counting = self.bit is None
        write()
        if counting:
            self.count_bits()
        else:
            self.settle()

    def finish(self) -> None:
        """At the end of a whole buffer: what was sliced must have been there."""
        if not self.sliced:
            return
        if self.bit is None:
            self.line("if i > len(b) << 3:")
        else:
            self.line(f"if {self.at(1 if self.bit else 0)} > len(b):")
        with self.indented():
            self.line("overrun()")


def _raises(lines: list[str]) -> bool:
    return len(lines) == 1 and lines[0].lstrip().startswith("bad(")
