"""An encoder's body: bits are gathered while the code is written and go out as whole octets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cinq.wire.per.emit import Body

Alternative = tuple[str, Callable[[], None]]


class EncoderBody(Body):
    """Appends to `o`.

    pending bits are known as (expression or constant, number of bits); between branches and calls fewer than eight of
    them wait in the variable `a`. When their number is not known (`bit` is None) they wait in `d`, behind a leading 1.
    octets counts what has been written as long as that is a constant, else it is None.
    """

    def __init__(self, bit: int | None) -> None:
        super().__init__()
        self.dynamic = bit is None
        self.pending: list[tuple[str | int, int]] = [("a", bit)] if bit else []
        self.octets: int | None = 0

    @property
    def bit(self) -> int | None:
        """The bit offset in the current octet; None when not known."""
        return None if self.dynamic else self._waiting() & 7

    def _waiting(self) -> int:
        return sum(n for _, n in self.pending)

    def put(self, value: str | int, n: int) -> None:
        """n bits: a constant, or an expression of a non-negative int below 2**n."""
        if n == 0:
            return
        if self.dynamic:
            self.line(f"d = d << {n} | {value if isinstance(value, int) else _operand(value)}")
            return
        self.pending.append((value, n))
        if self._waiting() >= 64:
            self.drain()

    def drain(self) -> None:
        """Writes the whole octets of the pending bits; the rest waits in `a`."""
        total = self._waiting()
        rest = total & 7
        if self.dynamic or (total < 8 and self.pending in ([], [("a", rest)])):
            return
        if total < 8:
            self.line(f"a = {self._gathered()}")
        elif rest:
            self.line(f"a = {self._gathered()}")
            self._write(f"a >> {rest}", (total - rest) // 8)
            self.line(f"a &= {(1 << rest) - 1}")
        else:
            self._write(self._gathered(), total // 8)
        self.pending = [("a", rest)] if rest else []

    def _gathered(self) -> str:
        """The pending bits as one int expression."""
        left = self._waiting()
        constant = 0
        parts = []
        for value, n in self.pending:
            left -= n
            if isinstance(value, int):
                constant |= value << left
            else:
                parts.append(f"{_operand(value)} << {left}" if left else _operand(value))
        if constant or not parts:
            parts.append(str(constant))
        return " | ".join(parts)

    def _write(self, text: str, octets: int) -> None:
        if text.isdecimal():
            self.line(f"o += {int(text).to_bytes(octets, 'big')!r}")
        elif octets == 1:
            self.line(f"o.append({text})")
        else:
            self.line(f'o += ({text}).to_bytes({octets}, "big")')
        self._wrote(octets)

    def _wrote(self, octets: int | None) -> None:
        self.octets = None if octets is None or self.octets is None else self.octets + octets

    def raw(self, text: str, octets: int | None) -> None:
        """A line that writes octets by itself, at an aligned position."""
        assert not self.dynamic
        assert not self.pending
        self.line(text)
        self._wrote(octets)

    def align(self) -> None:
        if self.dynamic:
            self.line("flush(o, d)")
            self.dynamic, self.octets = False, None
            return
        if pad := -self._waiting() & 7:
            self.pending.append((0, pad))
        self.drain()

    def mark(self) -> None:
        """From here on the number of waiting bits is not known: `d`."""
        if self.dynamic:
            return
        self.drain()
        rest = self._waiting()
        self.line(f"d = {1 << rest} | a" if rest else "d = 1")
        self.dynamic, self.pending, self.octets = True, [], None

    def leave(self, bit: int | None) -> None:
        """Behind a call or branch: so many bits wait in `a` (or `d`)."""
        self.dynamic = bit is None
        self.pending = [("a", bit)] if bit else []
        self.octets = None

    def branch(self, alternatives: Sequence[Alternative]) -> None:
        """`if`/`elif`/`else`; behind it as many bits wait on every way that does not raise."""
        self.drain()
        before = self.bit
        ends: list[tuple[str, list[str], int | None]] = []
        for head, write in alternatives:
            self.leave(before)
            lines = self.captured(lambda write=write: self._way(write))  # type: ignore[misc]
            ends.append((head, lines, self.bit))
        exits = {bit for _, lines, bit in ends if not _raises(lines)}
        same = len(exits) == 1
        for head, lines, bit in ends:
            self.line(head)
            self.lines.extend(lines)
            with self.indented():
                if not same and bit is not None and not _raises(lines):
                    self.leave(bit)
                    self.mark()
                elif not lines:
                    self.line("pass")
        self.leave(exits.pop() if same else None)

    def _way(self, write: Callable[[], None]) -> None:
        write()
        self.drain()

    def repeat(self, head: str, write: Callable[[], None]) -> None:
        """A loop; when an item moves the bit offset, its bits are marked throughout."""
        self.drain()
        before, outer = self.bit, self._temporaries
        self.leave(before)
        lines = self.captured(lambda: self._way(write))
        if self.bit != before:
            self._temporaries = outer
            self.leave(before)
            self.mark()

            def marked() -> None:
                write()
                self.mark()

            lines = self.captured(marked)
        self.line(head)
        self.lines.extend(lines)
        self.leave(self.bit)


def _operand(text: str) -> str:
    return text if text.isidentifier() else f"({text})"


def _raises(lines: list[str]) -> bool:
    return len(lines) == 1 and lines[0].lstrip().startswith("refuse(")
