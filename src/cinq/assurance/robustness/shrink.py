"""The smallest input that still does harm: delta debugging over inputs, elements and octets.

Every question costs a target that comes back, so their number is bounded; what is found by then is what there is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from cinq.assurance.robustness.form import Input, Part, Path, Siblings, at, changed, paths

T = TypeVar("T")
Harms = Callable[[list[Input]], Awaitable[bool]]
"""Whether these inputs, one after another, do harm to a target that was well."""
replace = msgspec.structs.replace
FEW = 64  # octets that are tried one by one


class Questions:
    """Counts what is asked. spent: none is left."""

    def __init__(self, harms: Harms, most: int) -> None:
        self._harms = harms
        self.left = most

    @property
    def spent(self) -> bool:
        return self.left <= 0

    async def ask(self, inputs: list[Input]) -> bool:
        """False when none is left."""
        if self.spent:
            return False
        self.left -= 1
        return await self._harms(inputs)


async def fewest(items: Sequence[T], harms: Callable[[list[T]], Awaitable[bool]]) -> list[T]:
    """Those of the items, in order, none of which can be left out: ddmin (Zeller and Hildebrandt, 2002)."""
    kept, pieces = list(items), 2
    while len(kept) >= 2:
        size = max(1, len(kept) // pieces)
        parts = [kept[n : n + size] for n in range(0, len(kept), size)]
        for number, part in enumerate(parts):
            rest = [one for other in parts[:number] + parts[number + 1 :] for one in other]
            if len(parts) > 2 and await harms(part):
                kept, pieces = part, 2
                break
            if rest and await harms(rest):
                kept, pieces = rest, max(2, pieces - 1)
                break
        else:
            if size == 1:
                break
            pieces = min(len(kept), pieces * 2)
    return kept


async def smallest(inputs: list[Input], questions: Questions) -> list[Input]:
    """The fewest inputs, and where that is one, its fewest elements and octets."""
    few = await fewest(inputs, questions.ask)
    if len(few) != 1:
        return few
    one = few[0]
    for change in (_without_tail, _without_elements, _without_octets):
        one = await change(one, questions)
    return [one]


async def _without_tail(one: Input, questions: Questions) -> Input:
    for smaller in (replace(one, tail=b"", cut=0), replace(one, tail=one.tail[:1])):
        if smaller != one and len(smaller.tail) <= len(one.tail) and await questions.ask([smaller]):
            return smaller
    return one


async def _without_elements(one: Input, questions: Questions) -> Input:
    """At each level of the tree."""

    async def harms(parts: list[Part]) -> bool:
        return await questions.ask([replace(one, parts=tuple(parts))])

    if one.parts and await questions.ask([replace(one, parts=())]):
        return replace(one, parts=())
    one = replace(one, parts=tuple(await fewest(one.parts, harms)))
    done: set[Path] = set()
    while not questions.spent:
        path = next((p for p in paths(one.parts) if p not in done and len(at(one.parts, p).inside) > 1), None)
        if path is None:
            break
        done.add(path)
        one = await _without_grouped(one, path, at(one.parts, path).inside, questions)
    return one


async def _without_grouped(one: Input, path: Path, inside: Siblings, questions: Questions) -> Input:
    def with_(parts: list[Part]) -> Input:
        return replace(one, parts=changed(one.parts, path, _filled(parts)))

    async def harms(parts: list[Part]) -> bool:
        return await questions.ask([with_(parts)])

    return with_(await fewest(inside, harms))


def _filled(parts: list[Part]) -> Callable[[Siblings, int], Siblings]:
    def fill(siblings: Siblings, index: int) -> Siblings:
        return (
            *siblings[:index],
            replace(siblings[index], inside=tuple(parts)),
            *siblings[index + 1 :],
        )

    return fill


async def _without_octets(one: Input, questions: Questions) -> Input:
    """Of each element that is left: none, else zeros, else fewer; few enough are tried one by one."""
    for path in list(paths(one.parts)):
        part = at(one.parts, path)
        if part.inside or not part.value or questions.spent:
            continue
        one = await _shorter(one, path, part.value, bool(part.symbol), questions)
    return one


async def _shorter(one: Input, path: Path, value: bytes, symbol: bool, questions: Questions) -> Input:
    def with_(octets: bytes) -> Input:
        def put(siblings: Siblings, index: int) -> Siblings:
            new = replace(siblings[index], value=octets, symbol="")
            return (*siblings[:index], new, *siblings[index + 1 :])

        return replace(one, parts=changed(one.parts, path, put))

    async def harms(octets: list[int]) -> bool:
        return await questions.ask([with_(bytes(octets))])

    if await harms([]):
        return with_(b"")
    zeros = bytes(len(value))
    if value != zeros and await harms(list(zeros)):
        value = zeros
    elif symbol:
        return one  # what the moment knows counts
    low, high = 1, len(value)  # the shortest beginning of it
    while low < high:
        middle = (low + high) // 2
        if await harms(list(value[:middle])):
            high = middle
        else:
            low = middle + 1
    value = value[:high]
    if any(value) and len(value) <= FEW:
        few: list[int] = await fewest(list(value), harms)
        value = bytes(few)
    return with_(value)
