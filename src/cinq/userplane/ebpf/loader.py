"""Loads a BPF object file: ELF sections, BTF map definitions, relocations. No libbpf, no compiler.

The object is what clang or zig makes of gtpu.c with `-target bpfel -g`. Map definitions are the libbpf
convention: a `.maps` data section whose BTF structure spells type, key, value and max_entries.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cinq.userplane.ebpf.pins import Pins
from cinq.userplane.ebpf.syscall import Map, load_program

PROGBITS, SYMTAB, NOBITS, REL = 1, 2, 8, 9
EXECUTABLE = 4
FUNCTION_SYMBOL = 2
PSEUDO_MAP_FD = 1
KIND_INT, KIND_POINTER, KIND_ARRAY, KIND_STRUCT, KIND_UNION, KIND_ENUM = 1, 2, 3, 4, 5, 6
KIND_DATASEC, KIND_ENUM64 = 15, 19
# octets that follow a BTF type record: a fixed number, or a number for each member
_FIXED = {KIND_INT: 4, KIND_ARRAY: 12, 14: 4, 17: 4}
_EACH = {KIND_STRUCT: 12, KIND_UNION: 12, KIND_ENUM: 8, 13: 8, KIND_DATASEC: 12, KIND_ENUM64: 12}


class ObjectError(OSError):
    """The object file is not one that this loader reads."""


@dataclass(frozen=True, slots=True)
class MapDefinition:
    name: str
    kind: int
    key: int
    value: int
    entries: int
    flags: int


def _text(octets: bytes, at: int) -> str:
    return octets[at : octets.index(b"\0", at)].decode()


@dataclass(frozen=True, slots=True)
class _Type:
    kind: int
    name: str
    size: int  # or the type referred to
    count: int
    tail: bytes


class _Btf:
    """As much of BTF as map definitions need."""

    def __init__(self, octets: bytes) -> None:
        magic, _, _, header, types_at, types_len, strings_at, _ = struct.unpack_from("<HBBIIIII", octets)
        if magic != 0xEB9F:
            raise ObjectError("BTF: wrong magic number")
        strings = octets[header + strings_at :]
        self.types = [_Type(0, "", 0, 0, b"")]
        at, end = header + types_at, header + types_at + types_len
        while at < end:
            name, info, size = struct.unpack_from("<III", octets, at)
            kind, count, at = info >> 24 & 31, info & 0xFFFF, at + 12
            length = _FIXED.get(kind, _EACH.get(kind, 0) * count)
            self.types.append(_Type(kind, _text(strings, name), size, count, octets[at : at + length]))
            at += length
        self._strings = strings

    def size(self, number: int) -> int:
        kind = self.types[number]
        if kind.kind in (KIND_INT, KIND_STRUCT, KIND_UNION, KIND_ENUM, KIND_ENUM64):
            return kind.size
        if kind.kind == KIND_POINTER:
            return 8
        if kind.kind == KIND_ARRAY:
            element, _, count = struct.unpack("<III", kind.tail)
            return self.size(element) * int(count)
        return self.size(kind.size)

    def _pointed_count(self, number: int) -> int:
        """`int (*name)[n]` spells the number n."""
        count: int = struct.unpack("<III", self.types[self.types[number].size].tail)[2]
        return count

    def _definition(self, name: str, structure: _Type) -> MapDefinition:
        found = {"type": 0, "key": 0, "value": 0, "max_entries": 0, "map_flags": 0}
        for member in range(structure.count):
            at, number, _ = struct.unpack_from("<III", structure.tail, member * 12)
            label = _text(self._strings, at)
            pointed = self.types[number].size
            found[label] = self.size(pointed) if label in ("key", "value") else self._pointed_count(number)
        keys = "type", "key", "value", "max_entries", "map_flags"
        return MapDefinition(name, *(found[key] for key in keys))

    def maps(self) -> list[MapDefinition]:
        section = next(t for t in self.types if t.kind == KIND_DATASEC and t.name == ".maps")
        found = []
        for entry in range(section.count):
            variable = self.types[struct.unpack_from("<III", section.tail, entry * 12)[0]]
            found.append(self._definition(variable.name, self.types[variable.size]))
        return found


@dataclass(frozen=True, slots=True)
class _Section:
    name: str
    kind: int
    flags: int
    octets: bytes
    link: int
    info: int


def _sections(elf: bytes) -> list[_Section]:
    if elf[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", elf, 18)[0] != 247:
        raise ObjectError("not a little-endian 64-bit BPF object")
    (table,) = struct.unpack_from("<Q", elf, 40)
    count, names_at = struct.unpack_from("<HH", elf, 60)
    headers = [struct.unpack_from("<IIQQQQIIQQ", elf, table + 64 * n) for n in range(count)]
    octets = [b"" if h[1] == NOBITS else elf[h[4] : h[4] + h[5]] for h in headers]
    return [
        _Section(_text(octets[names_at], h[0]), h[1], h[2], data, h[6], h[7])
        for h, data in zip(headers, octets, strict=True)
    ]


class ObjectFile:
    """A parsed object: `definitions` of its maps, and the code of its programs with their relocations."""

    def __init__(self, octets: bytes) -> None:
        try:
            self._parse(_sections(octets))
        except (struct.error, IndexError, ValueError, KeyError, StopIteration) as wrong:
            raise ObjectError(f"BPF object: {wrong!r}") from wrong

    def _parse(self, sections: list[_Section]) -> None:
        by_name = {section.name: section.octets for section in sections}
        self.definitions = _Btf(by_name[".BTF"]).maps()
        self.licence = by_name["license"].split(b"\0")[0]
        symbols = next(section for section in sections if section.kind == SYMTAB)
        strings = sections[symbols.link].octets
        table = [
            struct.unpack_from("<IBBHQQ", symbols.octets, at) for at in range(0, len(symbols.octets), 24)
        ]
        self._code: dict[str, tuple[bytes, list[tuple[int, str]]]] = {}
        for number, section in enumerate(sections):
            if section.kind != PROGBITS or not section.flags & EXECUTABLE:
                continue
            relocations = [
                (int(offset), _text(strings, table[info >> 32][0]))
                for rel in sections
                if rel.kind == REL and rel.info == number
                for offset, info in struct.iter_unpack("<QQ", rel.octets)
            ]
            for name, info, _, where, start, size in table:
                if where == number and info & 15 == FUNCTION_SYMBOL:
                    inside = [(at - start, label) for at, label in relocations if start <= at < start + size]
                    self._code[_text(strings, name)] = section.octets[start : start + size], inside

    @property
    def programs(self) -> list[str]:
        return list(self._code)

    def code(self, program: str, maps: Mapping[str, Map]) -> bytes:
        """The instructions with the descriptors of the maps filled in."""
        octets, relocations = self._code[program]
        code = bytearray(octets)
        for at, label in relocations:
            code[at + 1] = code[at + 1] & 15 | PSEUDO_MAP_FD << 4
            struct.pack_into("<i", code, at + 4, maps[label].fd)
        return bytes(code)


class Loaded:
    """Maps created and programs loaded. `close` gives all descriptors back, as a failing constructor does."""

    def __init__(
        self,
        path: Path,
        sizes: Mapping[str, int],
        programs: tuple[str, ...],
        pins: Path | None = None,
        marks: tuple[str, ...] = (),
    ) -> None:
        """`sizes` overrides the number of entries of the maps it names. OSError: the kernel's refusal.

        pins: where the maps have names; those of a former process go on, where they are of the same layout (marks
        says of it what sizes do not).
        """
        self.maps: dict[str, Map] = {}
        self.programs: dict[str, int] = {}
        parsed = ObjectFile(path.read_bytes())
        layout = [(d, sizes.get(d.name, d.entries)) for d in parsed.definitions]
        self.pins = None if pins is None else Pins(pins, (*layout, marks))
        try:
            for d, entries in layout:
                fd = -1 if self.pins is None else self.pins.map(d.name)
                self.maps[d.name] = Map(d.name, d.kind, d.key, d.value, entries, d.flags, fd)
                if self.pins is not None and fd < 0:
                    self.pins.keep_map(d.name, self.maps[d.name].fd)
            for name in programs:
                self.programs[name] = load_program(name, parsed.code(name, self.maps), parsed.licence)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        while self.programs:
            os.close(self.programs.popitem()[1])
        while self.maps:
            self.maps.popitem()[1].close()
