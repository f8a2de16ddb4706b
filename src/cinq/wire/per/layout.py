"""From the tree to the generated package: types, a few modules of functions, tables; stubs for mypy beside them."""

from __future__ import annotations

from cinq.wire.per import model
from cinq.wire.per.classes import ClassWriter
from cinq.wire.per.decode import DecoderWriter
from cinq.wire.per.emit import Definition, Program
from cinq.wire.per.encode import EncoderWriter
from cinq.wire.per.tree import Source, TreeReader

# Small enough that compiling one module takes little memory.
LINES_PER_MODULE = 6000
HEAD = '"""Written by cinq.wire.per.build: do not edit."""\n'
CALLED = {
    "reading": "addition bad bit_string bits count extensions fields integer irregular later_alternative longer"
    " object_identifier octets overrun remembered single_container skip_additions",
    "writing": "addition bit_string check_bits close extensions fields flush fragment_length fragments integer"
    " later_alternative object_identifier octets open_octets refuse single_container",
}
STARTS = {
    "reading": "from_bytes = int.from_bytes\nnew = object.__new__\nNO_EXTENSIONS = {}\nNO_ALTERNATIVES = {}\n",
    "writing": "from_bytes = int.from_bytes\n",
}
OPAQUE_STUB = "def __getattr__(name: str) -> object: ...\n"
TABLES_STUB = """from collections.abc import Callable, Mapping

from {base} import Ie, Pdu, Sequence

DECODERS: Mapping[int, Callable[[bytes], Pdu]]
CLASSES: Mapping[int, type[Pdu]]
ENCODERS: Mapping[type[Sequence], tuple[bytes, Callable[[bytearray, Sequence], None]]]
VALUES: Mapping[type[Sequence], tuple[Callable[[bytes], Sequence], Callable[[bytearray, Sequence], None]]]
IES: Mapping[type[Sequence], tuple[Ie, ...]]
IE_NAMES: Mapping[int, str]
PROCEDURES: Mapping[int, str]
"""


def generate(source: Source, base: str) -> dict[str, str]:
    """All files of the generated package, by name; base is the module with the base classes."""
    protocol = TreeReader(source).read()
    decoders, encoders = Program(), Program()
    tables = _tables(protocol, DecoderWriter(decoders), EncoderWriter(encoders))
    types = ClassWriter(protocol, base)
    homes: dict[str, str] = {}
    files = {"__init__.py": HEAD, "types.py": types.module(), "types.pyi": types.stub()}
    for runtime, program in (("reading", decoders), ("writing", encoders)):
        known = program.reachable(Definition("tables", tables).uses)
        files |= _modules(runtime, known, set(protocol.sequences), homes)
    imports = _imports(Definition("tables", tables).uses, homes)
    files["tables.py"] = HEAD + "\n".join(["from . import types as t", *imports, tables]) + "\n"
    files["tables.pyi"] = TABLES_STUB.format(base=base)
    return files


def _tables(protocol: model.Protocol, decoders: DecoderWriter, encoders: EncoderWriter) -> str:
    """The text of what a codec looks things up in; writing it writes all the functions."""
    decode, classes, encode, values, ies = [], [], [], [], []
    for message in protocol.messages:
        kind = message.sequence
        key = message.kind << 13 | message.procedure_code
        header = bytes([message.kind << 5, message.procedure_code, message.criticality << 6, 0])
        decode.append(f"    {key}: {decoders.content(kind, kind.name)},")
        classes.append(f"    {key}: t.{kind.name},")
        encode.append(f"    t.{kind.name}: ({header!r}, {encoders.content(kind)}),")
    for kind in protocol.values:
        values.append(f"    t.{kind.name}: ({decoders.content(kind, kind.name)}, {encoders.content(kind)}),")
    for kind in protocol.sequences.values():
        if kind.message_like:
            ies.append(f"    t.{kind.name}: {decoders.rows(kind)},")
    parts = {"DECODERS": decode, "CLASSES": classes, "ENCODERS": encode, "VALUES": values, "IES": ies}
    lines = [line for name, rows in parts.items() for line in (f"{name} = {{", *rows, "}")]
    return "\n".join([*lines, f"IE_NAMES = {protocol.ie_names!r}", f"PROCEDURES = {protocol.procedures!r}"])


def _modules(
    runtime: str, definitions: list[Definition], classes: set[str], homes: dict[str, str]
) -> dict[str, str]:
    """Modules of definitions in order, each importing from those before it; homes learns what is where."""
    called = set(CALLED[runtime].split())
    files: dict[str, str] = {}
    for number, part in enumerate(_parts(definitions)):
        uses = set().union(*(definition.uses for definition in part))
        name = f"{runtime}_{number}"
        lines = [
            HEAD + f"from cinq.wire.per.{runtime} import {', '.join(sorted(called))}",
            *(
                f"from .types import {word}"
                for word in sorted(uses & classes if runtime == "reading" else ())
            ),
            *_imports(uses, homes),
            STARTS[runtime],
            *(definition.text for definition in part),
        ]
        files[f"{name}.py"] = "\n".join(lines) + "\n"
        files[f"{name}.pyi"] = OPAQUE_STUB
        homes |= {definition.name: name for definition in part}
    return files


def _parts(definitions: list[Definition]) -> list[list[Definition]]:
    parts: list[list[Definition]] = [[]]
    lines = 0
    for definition in definitions:
        if lines > LINES_PER_MODULE:
            parts.append([])
            lines = 0
        parts[-1].append(definition)
        lines += definition.text.count("\n") + 1
    return parts


def _imports(uses: set[str], homes: dict[str, str]) -> list[str]:
    wanted: dict[str, list[str]] = {}
    for name in sorted(uses):
        if name in homes:
            wanted.setdefault(homes[name], []).append(name)
    return [f"from .{module} import {', '.join(names)}" for module, names in wanted.items()]
