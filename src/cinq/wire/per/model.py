"""What the compiler knows of an ASN.1 type: only what aligned PER and the Python classes need."""

from __future__ import annotations

from dataclasses import dataclass, field

CRITICALITIES = ("reject", "ignore", "notify")


@dataclass(frozen=True)
class Size:
    """A size constraint, in octets, bits, characters or items."""

    low: int
    high: int
    extensible: bool

    @property
    def unbounded(self) -> bool:
        """From 64K on an upper bound is not visible to PER (X.691 §11.9.3.3)."""
        return self.high >= 65536

    @property
    def fixed(self) -> bool:
        return self.low == self.high


@dataclass(frozen=True)
class Integer:
    """root holds the ranges of the root, in order; more than one means that there are gaps."""

    root: tuple[tuple[int, int], ...]
    extensible: bool

    @property
    def low(self) -> int:
        return self.root[0][0]

    @property
    def high(self) -> int:
        return self.root[-1][1]


@dataclass(frozen=True)
class Enumerated:
    """additions is None when the type is not extensible."""

    name: str
    root: tuple[str, ...]
    additions: tuple[str, ...] | None


@dataclass(frozen=True)
class BitString:
    """secret: a key, which is not to be printed."""

    size: Size | None
    secret: bool = False

    @property
    def plain_int(self) -> bool:
        """Of a size that never changes, so that the value is a plain int."""
        return self.size is not None and self.size.fixed and not self.size.extensible


@dataclass(frozen=True)
class OctetString:
    size: Size | None


@dataclass(frozen=True)
class CharacterString:
    """encoding is Python's name; the size of a UTF8String is not visible to PER and left out."""

    encoding: str
    size: Size | None


@dataclass(frozen=True)
class Null:
    pass


@dataclass(frozen=True)
class ObjectIdentifier:
    pass


@dataclass(frozen=True)
class OpenType:
    """An open type whose content nobody knows: octets."""


@dataclass(frozen=True)
class SequenceOf:
    item: Type
    size: Size


@dataclass(frozen=True)
class Ie:
    """One row of an information object set: an IE of a container."""

    id: int
    name: str
    attribute: str
    criticality: int
    mandatory: bool
    type: Type


@dataclass(frozen=True)
class Container:
    """ProtocolIE-Container or ProtocolExtensionContainer: its IEs become attributes of the SEQUENCE.

    low is the lower bound of its size, by which the count on the wire is reduced.
    """

    low: int
    extension: bool
    ies: tuple[Ie, ...]


@dataclass(frozen=True)
class Component:
    name: str
    attribute: str
    type: Type | Container
    optional: bool


@dataclass(eq=False)
class Sequence:
    """A SEQUENCE; the protocols have no extension additions of their own, those of later releases are passed over."""

    name: str
    extensible: bool
    components: tuple[Component, ...] = ()

    @property
    def containers(self) -> list[Container]:
        return [part.type for part in self.components if isinstance(part.type, Container)]

    @property
    def message_like(self) -> bool:
        """Nothing but one ProtocolIE-Container: a message, or one of the two transfers built the same way."""
        parts = self.components
        if len(parts) != 1 or not self.extensible:
            return False
        container = parts[0].type
        return isinstance(container, Container) and not container.extension


@dataclass(frozen=True)
class Alternative:
    name: str
    type: Type


@dataclass(frozen=True)
class ExtensionAlternative:
    """The choice-Extensions alternative, a ProtocolIE-SingleContainer: its IEs stand beside the others."""

    ies: tuple[Ie, ...]


@dataclass(eq=False)
class Choice:
    """additions: alternatives behind the extension marker; None when the type is not extensible."""

    name: str
    alternatives: tuple[Alternative | ExtensionAlternative, ...] = ()
    additions: tuple[Alternative, ...] | None = None


Type = (
    Integer
    | Enumerated
    | BitString
    | OctetString
    | CharacterString
    | Null
    | ObjectIdentifier
    | OpenType
    | SequenceOf
    | Sequence
    | Choice
)


@dataclass(frozen=True)
class Message:
    """One message of one elementary procedure. kind: 0 initiating, 1 successful, 2 unsuccessful outcome."""

    kind: int
    procedure_code: int
    procedure: str
    criticality: int
    sequence: Sequence


@dataclass
class Protocol:
    """Everything the compiler is to write. values are the types that stand alone inside octet strings."""

    messages: list[Message] = field(default_factory=list)
    values: list[Sequence] = field(default_factory=list)
    sequences: dict[str, Sequence] = field(default_factory=dict)
    choices: dict[str, Choice] = field(default_factory=dict)
    enumerations: dict[str, Enumerated] = field(default_factory=dict)
    ie_names: dict[int, str] = field(default_factory=dict)
    procedures: dict[int, str] = field(default_factory=dict)
