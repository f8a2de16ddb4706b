"""What every generated class is, a SEQUENCE with its members as attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Literal

Criticality = Literal["reject", "ignore", "notify"]
Kind = Literal["initiatingMessage", "successfulOutcome", "unsuccessfulOutcome"]
TypeOfError = Literal["not-understood", "missing"]

CRITICALITIES: tuple[Criticality, ...] = ("reject", "ignore", "notify")
KINDS: tuple[Kind, ...] = ("initiatingMessage", "successfulOutcome", "unsuccessfulOutcome")

# One IE of a message: id, attribute, criticality, whether mandatory, decoder of its content.
Ie = tuple[int, str, Criticality, bool, Callable[[bytes], object]]
# One entry of the Criticality Diagnostics (TS 38.413 §9.3.1.3, TS 38.423 §9.2.3.3): criticality, IE id, type of error.
IeDiagnostic = tuple[Criticality, int, TypeOfError]


class Sequence:
    """A SEQUENCE. Two are equal when they are of one class and all attributes are equal."""

    __slots__: tuple[str, ...] = ()
    SECRETS: ClassVar[frozenset[str]] = frozenset()
    """The attributes that are keys: repr() does not show them."""
    __hash__ = None  # type: ignore[assignment]  # mutable, as a list is

    def items(self) -> Iterator[tuple[str, object]]:
        """The attributes that are present, in the order of the constructor."""
        for name in type(self).__slots__:
            value: object = getattr(self, name, None)
            if value is not None:
                yield name, value

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name, None) == getattr(other, name, None) for name in type(self).__slots__)

    def __repr__(self) -> str:
        shown = [
            f"{name}={'<hidden>' if name in self.SECRETS else repr(value)}" for name, value in self.items()
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


class Pdu(Sequence):
    """A message. PROCEDURE is the elementary procedure's name, CRITICALITY that of the procedure code."""

    __slots__ = ("_diagnostics",)

    PROCEDURE_CODE: ClassVar[int]
    PROCEDURE: ClassVar[str]
    KIND: ClassVar[Kind]
    CRITICALITY: ClassVar[Criticality]

    _diagnostics: tuple[IeDiagnostic, ...]

    @property
    def diagnostics(self) -> tuple[IeDiagnostic, ...]:
        """Unknown IEs of criticality notify that were passed over: the sender wants to hear of them (§10.3.4)."""
        return getattr(self, "_diagnostics", ())
