"""The slow path of decoding: IE by IE, with the error handling of clause 10 of TS 38.413 and TS 38.423."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from cinq.wire.per import reading
from cinq.wire.per.base import (
    CRITICALITIES,
    KINDS,
    Criticality,
    Ie,
    IeDiagnostic,
    Kind,
    Pdu,
    Sequence,
)
from cinq.wire.per.error import PduError, ProtocolCause
from cinq.wire.per.tables import Tables

S = TypeVar("S", bound=Sequence)

# What generated code raises on octets or values that do not fit; anything else is a bug of the generator.
FAULTS = (ValueError, LookupError, TypeError, AttributeError, OverflowError)
MOST_DIAGNOSTICS = 256  # maxnoofErrors of TS 38.413: more cannot be reported
IGNORE_AND_NOTIFY: ProtocolCause = "abstract-syntax-error-ignore-and-notify"


@dataclass
class Header:
    """What is known of the PDU around the IEs, as far as it could be read."""

    tables: Tables
    procedure_code: int | None = None
    kind: Kind | None = None
    criticality: Criticality | None = None

    def error(
        self,
        offset: int | None,
        what: str,
        clause: str,
        cause: ProtocolCause,
        *,
        ies: tuple[IeDiagnostic, ...] = (),
        partial: Pdu | None = None,
        tolerable: bool = False,
        order_only: bool = False,
        silent: bool = False,
    ) -> PduError:
        """clause: a number; of the specification of the tables."""
        return self.tables.error(
            offset,
            what,
            f"{self.tables.specification} {clause}",
            cause=cause,
            procedure_code=self.procedure_code,
            triggering_message=self.kind,
            procedure_criticality=self.criticality,
            ies=ies,
            partial=partial,
            tolerable=tolerable,
            order_only=order_only,
            silent=silent,
        )


Finding = tuple[int | None, str]


@dataclass
class Findings:
    """All that was found wrong with a container. unread: known IEs that were there and yielded no value. repeated: more
    than the order of the IEs is wrong."""

    tables: Tables
    diagnostics: list[IeDiagnostic] = field(default_factory=list)
    unread: set[int] = field(default_factory=set)
    syntax: Finding | None = None
    misplaced: Finding | None = None
    repeated: bool = False
    rejected: Finding | None = None
    tolerated: Finding | None = None


def decode(tables: Tables, octets: bytes) -> Pdu:
    """The message, or the protocol's error with all that the answer needs."""
    header = Header(tables)
    try:
        content, start = _header(octets, header)
    except FAULTS as fault:
        raise _syntax_error(header, 0, f"not an {tables.pdu}: {told(fault)}") from fault
    cls = _class(header)
    if cls not in tables.ies:
        return _whole(tables.decoders[_key(header)], content, header, start)
    message = blank(cls)
    findings = _container(tables, content, start, message)
    message._diagnostics = tuple(findings.diagnostics)
    _judge(header, findings, message)
    return message


def decode_value(
    tables: Tables, cls: type[S], decoder: Callable[[bytes], Sequence], octets: bytes
) -> Sequence:
    """A type that stands alone, or the protocol's error; what is unknown in it and may be, is passed over."""
    header = Header(tables)
    if cls not in tables.ies:
        return _whole(decoder, octets, header, 0)
    value = blank(cls)
    _judge(header, _container(tables, octets, 0, value), None)
    return value


def _header(octets: bytes, header: Header) -> tuple[bytes, int | None]:
    """Reads the header; the content of the message and where it begins (None when in fragments).

    Octets behind the end that the length tells are no part of the PDU and are passed over.
    """
    if octets[0] & 0x80 or octets[0] >> 5 >= len(KINDS):
        raise reading.Fault("neither initiating message nor outcome")
    header.kind = KINDS[octets[0] >> 5]
    header.procedure_code = octets[1]
    header.criticality = CRITICALITIES[octets[2] >> 6]
    content, end = reading.octets(octets, 3)
    if end > len(octets):
        raise reading.Fault(f"{end} octets are announced, {len(octets)} are there")
    return content, None if octets[3] >= 192 else end - len(content)


def _key(header: Header) -> int:
    assert header.kind is not None
    assert header.procedure_code is not None
    return KINDS.index(header.kind) << 13 | header.procedure_code


def _class(header: Header) -> type[Pdu]:
    cls = header.tables.classes.get(_key(header))
    if cls is not None:
        return cls
    name = header.tables.procedures.get(header.procedure_code or 0)
    if name is not None:
        what = f"{name} has no {header.kind}"
        raise header.error(0, what, "§10.3.4.1A", "abstract-syntax-error-reject")
    raise header.error(
        1,
        f"procedure code {header.procedure_code} is not known",
        "§10.3.4.1",
        "abstract-syntax-error-reject" if header.criticality == "reject" else IGNORE_AND_NOTIFY,
        silent=header.criticality == "ignore",
    )


def blank(cls: type[S]) -> S:
    """A value with nothing in it yet."""
    value = cls.__new__(cls)
    for name in cls.__slots__:
        setattr(value, name, None)
    return value


T = TypeVar("T")


def _whole(decoder: Callable[[bytes], T], content: bytes, header: Header, start: int | None) -> T:
    """A value without a table of IEs: there is nothing to tell but that it cannot be decoded."""
    try:
        return decoder(content)
    except reading.NotComprehended as unknown:
        ies: tuple[IeDiagnostic, ...] = ((CRITICALITIES[unknown.criticality], unknown.ie, "not-understood"),)
        raise header.error(
            start, str(unknown), "§10.3.4.2", "abstract-syntax-error-reject", ies=ies
        ) from unknown
    except reading.Misplaced as misplaced:
        raise header.error(
            start,
            str(misplaced),
            "§10.3.6",
            "abstract-syntax-error-falsely-constructed-message",
        ) from misplaced
    except FAULTS as fault:
        raise _syntax_error(header, start, told(fault)) from fault
    finally:
        reading.NOTICES.clear()


def _syntax_error(header: Header, offset: int | None, what: str, partial: Pdu | None = None) -> PduError:
    return header.error(offset, what, "§10.2", "transfer-syntax-error", partial=partial)


def told(fault: Exception) -> str:
    """What generated code raised, in words."""
    if isinstance(fault, IndexError):
        return "the octets end too early"
    return str(fault) or type(fault).__name__


def _container(tables: Tables, content: bytes, start: int | None, into: Sequence) -> Findings:
    """Reads the IEs of a message that is a SEQUENCE of one container. start: its octet offset in the input."""
    findings = Findings(tables)
    rows = tables.ies[type(into)]
    places = {row[0]: place for place, row in enumerate(rows)}
    last, i = -1, 3
    at = start
    try:
        for _ in range(content[1] << 8 | content[2]):
            at = None if start is None else start + i
            ie, criticality = content[i] << 8 | content[i + 1], content[i + 2] >> 6
            octets, i = reading.octets(content, i + 3)
            if i > len(content):
                reading.overrun()
            if criticality > reading.NOTIFY:
                reading.bad("there is no such criticality")
            place = places.get(ie)
            if place is None:
                _not_understood(findings, at, ie, CRITICALITIES[criticality])
            elif place <= last:
                wrong = f"{tables.named(ie)} comes twice or in the wrong order"
                findings.misplaced = findings.misplaced or (at, wrong)
                if getattr(into, rows[place][1]) is None:  # the answer may need what it says
                    _ie(findings, at, rows[place], CRITICALITIES[criticality], octets, into)
                else:
                    findings.repeated = True
            else:
                last = place
                _ie(findings, at, rows[place], CRITICALITIES[criticality], octets, into)
    except FAULTS as fault:
        findings.syntax = findings.syntax or (at, told(fault))
    if findings.syntax is None:
        _missing(findings, rows, into)
    return findings


def _not_understood(findings: Findings, at: int | None, ie: int, criticality: Criticality) -> None:
    """§10.3.4.2: ignore passes over, notify reports, reject rejects."""
    if criticality == "ignore":
        return
    if len(findings.diagnostics) < MOST_DIAGNOSTICS:
        findings.diagnostics.append((criticality, ie, "not-understood"))
    if criticality == "reject":
        findings.rejected = findings.rejected or (at, f"{findings.tables.named(ie)} is not understood")


def _ie(
    findings: Findings, at: int | None, row: Ie, received: Criticality, octets: bytes, into: Sequence
) -> None:
    """Decodes one known IE; faults inside it are found, not raised."""
    ie, attribute, _, _, decoder = row
    try:
        setattr(into, attribute, decoder(octets))
    except reading.NotComprehended as unknown:
        if unknown.criticality == 0:
            findings.unread.add(ie)
            _not_understood(findings, at, unknown.ie, "reject")
        else:  # an unknown alternative of a CHOICE: the IE around it is what is not understood
            if received != "ignore":
                findings.unread.add(ie)
            _not_understood(findings, at, ie, received)
    except reading.Misplaced as misplaced:
        findings.unread.add(ie)
        findings.repeated = True
        findings.misplaced = findings.misplaced or (at, f"in {findings.tables.named(ie)}: {misplaced}")
    except FAULTS as fault:
        findings.syntax = findings.syntax or (at, f"{findings.tables.named(ie)}: {told(fault)}")
    for criticality, inner in reading.NOTICES:
        _not_understood(findings, at, inner, CRITICALITIES[criticality])
    reading.NOTICES.clear()


def _missing(findings: Findings, rows: tuple[Ie, ...], into: Sequence) -> None:
    """§10.3.5: what is mandatory and not there, by the criticality that the specification gives it."""
    for ie, attribute, criticality, mandatory, _ in rows:
        if not mandatory or getattr(into, attribute) is not None:
            continue
        found = (None, f"{findings.tables.named(ie)} is missing")
        if ie in findings.unread:  # reported already; the message is incomplete all the same
            findings.tolerated = findings.tolerated or found
            continue
        if len(findings.diagnostics) < MOST_DIAGNOSTICS:
            findings.diagnostics.append((criticality, ie, "missing"))
        if criticality == "reject":
            findings.rejected = findings.rejected or found
        else:
            findings.tolerated = findings.tolerated or found


def _judge(header: Header, findings: Findings, partial: Pdu | None) -> None:
    """Raises what weighs most: transfer syntax, construction, what rejects, what could be tolerated."""
    ies = tuple(findings.diagnostics)
    if findings.syntax is not None:
        raise _syntax_error(header, *findings.syntax, partial)
    if findings.misplaced is not None:
        cause: ProtocolCause = "abstract-syntax-error-falsely-constructed-message"
        whole = not findings.repeated and findings.rejected is None and findings.tolerated is None
        raise header.error(*findings.misplaced, "§10.3.6", cause, ies=ies, partial=partial, order_only=whole)
    if findings.rejected is not None:
        cause = "abstract-syntax-error-reject"
        raise header.error(*findings.rejected, "§10.3.4, §10.3.5", cause, ies=ies, partial=partial)
    if findings.tolerated is not None:
        raise header.error(
            *findings.tolerated,
            "§10.3.5",
            IGNORE_AND_NOTIFY,
            ies=ies,
            partial=partial,
            tolerable=True,
        )
