"""Names of resources that remember where they are: TS 29.501 §4.4.1.

A resource that another process made is named by the API root of its producer and its identifier, as in
'https://smf-2.example:443/7'. Consumers keep such a name as they would keep '7'; a call about it goes there.
"""

from __future__ import annotations

import re
from functools import lru_cache

from cinq.sbi.operation import Created, Operation, operations, service_name, services, snake

_PARAMETER = re.compile(r"\{(\w+)\}")


def root_of(name: str) -> str:
    """The API root in a name; "" where it is an identifier alone."""
    return name.rpartition("/")[0] if "://" in name else ""


def identifier_of(name: str) -> str:
    return name.rpartition("/")[2] if "://" in name else name


def parted(op: Operation, arguments: tuple[object, ...]) -> tuple[tuple[object, ...], str]:
    """The arguments with identifiers alone, and the root that a name in the path had.

    Only of what a producer makes and names: a SUPI or another word of somebody else sends a request nowhere.
    """
    root = ""
    for at in _in_path(op):
        name = arguments[at] if at < len(arguments) else None
        if isinstance(name, str) and "://" in name:
            root = root_of(name)
            arguments = (*arguments[:at], identifier_of(name), *arguments[at + 1 :])
    return arguments, root


@lru_cache(512)
def _in_path(op: Operation) -> tuple[int, ...]:
    """Where the arguments are that name what a POST of the same service makes."""
    own = [each for one in services() if service_name(one) == op.service for each in operations(one)]
    made = {each.path for each in own if each.method == "POST" and each.status == 201}
    found = _PARAMETER.finditer(op.path)
    named = [snake(one[1]) for one in found if op.path[: one.start()].rstrip("/") in made]
    return tuple(op.parameters.index(name) for name in named if name in op.parameters)


def made_at(op: Operation, answer: object, said: str, root: str, own: str) -> object:
    """What was created, named with its root where that is not ours. said: the Location. root: who was asked."""
    if not isinstance(answer, Created):
        return answer
    if "://" in said and op.root in said:
        root = said[: said.index(op.root)]
    if not root or root == own:
        return answer
    return Created(f"{root}{op.root}{answer.location}", answer.body)
