"""In which ways a message is spoilt, and in which order: every message and every element first, then every way.

Chance of an input comes from the seed, the message, the element and the kind alone, not from what was made before.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
from msgspec import Struct

from cinq.assurance.robustness.form import (
    Grammar,
    Input,
    Part,
    Path,
    Siblings,
    Symbols,
    at,
    changed,
    names,
    paths,
)

Chance = random.Random
Spoil = Callable[[Siblings, int, Chance, Grammar], Siblings | None]
"""An element among its siblings, spoilt; None where there is nothing to spoil in this way."""
replace = msgspec.structs.replace
OVERSIZE = 4000  # octets more than there should be, where the encoding has room for them
MANY = 40


def _one(change: Callable[[Part, Chance, Grammar], Part | None]) -> Spoil:
    """A change of one element alone."""

    def spoil(siblings: Siblings, index: int, chance: Chance, grammar: Grammar) -> Siblings | None:
        made = change(siblings[index], chance, grammar)
        return None if made is None else (*siblings[:index], made, *siblings[index + 1 :])

    return spoil


def _missing(siblings: Siblings, index: int, chance: Chance, grammar: Grammar) -> Siblings | None:
    return (*siblings[:index], *siblings[index + 1 :]) if siblings[index].mandatory else None


def _twice(siblings: Siblings, index: int, chance: Chance, grammar: Grammar) -> Siblings:
    return (*siblings[: index + 1], *siblings[index:])


def _many(siblings: Siblings, index: int, chance: Chance, grammar: Grammar) -> Siblings:
    return (*siblings[:index], *(siblings[index],) * MANY, *siblings[index + 1 :])


def _out_of_order(siblings: Siblings, index: int, chance: Chance, grammar: Grammar) -> Siblings | None:
    if len(siblings) < 2:
        return None
    rest = (*siblings[:index], *siblings[index + 1 :])
    return (siblings[index], *rest) if index else (*rest, siblings[index])


def _stranger(
    which: int, siblings: Siblings, index: int, chance: Chance, grammar: Grammar
) -> Siblings | None:
    if which >= len(grammar.strangers):
        return None
    return (*siblings[:index], grammar.strangers[which], *siblings[index:])


def _flat(part: Part, value: bytes, told: int | None = None) -> Part:
    """The element with other contents, which are its own from now on."""
    return replace(part, value=value, inside=(), symbol="", told=told)


def _with(change: Callable[[bytes, Chance], bytes]) -> Spoil:
    """Contents changed; where a symbol stands for them the value does as an example of their size."""

    def made(part: Part, chance: Chance, grammar: Grammar) -> Part | None:
        value = part.value or grammar.part(replace(part, told=None, symbol=""), {})
        new = change(value, chance)[: grammar.longest]
        return None if new == part.value and not part.symbol and not part.inside else _flat(part, new)

    return _one(made)


def _flipped(value: bytes, chance: Chance) -> bytes:
    if not value:
        return b"\x01"
    at_, bit = chance.randrange(len(value)), chance.randrange(8)
    return bytes((*value[:at_], value[at_] ^ 1 << bit, *value[at_ + 1 :]))


def _tells(told: Callable[[int], int]) -> Spoil:
    """The header of the element tells another length than it has."""

    def made(part: Part, chance: Chance, grammar: Grammar) -> Part:
        length = len(part.value) or sum(len(grammar.part(one, {})) for one in part.inside)
        return replace(part, told=told(length))

    return _one(made)


KINDS: dict[str, Spoil] = {
    "missing mandatory element": _missing,
    "duplicate": _twice,
    f"{MANY} times": _many,
    "wrong order": _out_of_order,
    "empty": _with(lambda value, chance: b""),
    "one octet short": _with(lambda value, chance: value[:-1]),
    "one octet long": _with(lambda value, chance: value + b"\0"),
    "tells no length": _tells(lambda length: 0),
    "tells one octet more": _tells(lambda length: length + 1),
    "tells as much as can be told": _tells(lambda length: 0xFFFF),
    "oversize": _with(lambda value, chance: value + chance.randbytes(OVERSIZE)),
    "out of range: ones": _with(lambda value, chance: b"\xff" * max(1, len(value))),
    "out of range: zeros": _with(lambda value, chance: bytes(max(1, len(value)))),
    "contents of chance": _with(lambda value, chance: chance.randbytes(max(1, len(value)))),
    "one bit turned": _with(_flipped),
    "unknown element (1)": partial(_stranger, 0),
    "unknown element (2)": partial(_stranger, 1),
    "unknown element (3)": partial(_stranger, 2),
}
"""Of elements."""
CUTS = ("cut behind", "cut inside")
WHOLE = ("whole", "no elements", "backwards", "octets behind the end", "cut in the header")
"""Of messages. `whole`: right as a message, said by one who may not or when it does not fit."""


class Planned(Struct, frozen=True):
    """An input that is not made yet. path: () for one of the message as a whole."""

    form: int
    path: Path
    kind: str


def plan(grammar: Grammar, seed: str) -> list[Planned]:
    """All of them, each once. The first of every message come first, then one for every element, then the rest."""
    chance, forms = Chance(f"{seed}:{grammar.name}"), grammar.forms()
    layers: list[list[Planned]] = [[Planned(n, (), "whole") for n in range(len(forms))]]

    def spread(number: int, path: Path, kinds: tuple[str, ...]) -> None:
        order = list(kinds)
        chance.shuffle(order)
        for depth, kind in enumerate(order, 1):
            if depth == len(layers):
                layers.append([])
            layers[depth].append(Planned(number, path, kind))

    for number, form in enumerate(forms):
        for path in paths(form.parts):
            spread(number, path, (*KINDS, *CUTS))
        spread(number, (), WHOLE[1:])
    for layer in layers:
        chance.shuffle(layer)
    return [one for layer in layers for one in layer]


def made(grammar: Grammar, one: Planned, seed: str, symbols: Symbols) -> Input | None:
    """None: this element cannot be spoilt in this way."""
    form = grammar.forms()[one.form]
    chance = Chance(f"{seed}:{grammar.name}:{form.message}:{one.path}:{one.kind}")
    if not one.path:
        return _as_a_whole(grammar, form, one.kind, chance, symbols)
    where = names(form.parts, one.path)
    if one.kind in CUTS:
        behind = grammar.behind(form.parts, one.path, symbols)
        inside = len(grammar.part(at(form.parts, one.path), symbols))
        cut = behind if one.kind == "cut behind" else behind + (inside + 1) // 2
        return replace(form, kind=one.kind, at=where, cut=cut) if cut else None
    nothing = False

    def spoil(siblings: Siblings, index: int) -> Siblings:
        nonlocal nothing
        found = KINDS[one.kind](siblings, index, chance, grammar)
        nothing = found is None
        return siblings if found is None else found

    parts = changed(form.parts, one.path, spoil)
    return None if nothing else replace(form, parts=parts, kind=one.kind, at=where)


def _as_a_whole(grammar: Grammar, form: Input, kind: str, chance: Chance, symbols: Symbols) -> Input:
    match kind:
        case "no elements":
            return replace(form, kind=kind, parts=())
        case "backwards":
            return replace(form, kind=kind, parts=form.parts[::-1])
        case "octets behind the end":
            return replace(form, kind=kind, tail=chance.randbytes(chance.randrange(1, 64)))
        case "cut in the header":
            whole = len(grammar.octets(form, symbols))
            return replace(
                form, kind=kind, cut=whole - chance.randrange(1, min(8, whole)) if whole > 1 else 0
            )
    return form


def inputs(grammar: Grammar, seed: str) -> Iterator[Callable[[Symbols], Input | None]]:
    """In order; each is made when the sender knows what its symbols stand for."""
    for one in plan(grammar, seed):
        yield partial(made, grammar, one, seed)
