"""Which operation a request is for, TS 29.501 §4.4 and TS 29.500 §5.2.7.

    routes = Routes(operations)
    operation, values = routes.find("POST", "/nsmf-pdusession/v1/sm-contexts/7/modify")

A segment that is written out goes before a parameter, as /am-data before /{subscriptionId}.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cinq.procedure import Why
from cinq.sbi.operation import Operation
from cinq.sbi.problem import Problem
from cinq.sbi.request import path_of

LONGEST_PATH = 2048
PARAMETER = "{}"


@dataclass(slots=True)
class _Node:
    """One place in the tree of paths. below: by segment; PARAMETER for any. here: by HTTP method."""

    below: dict[str, _Node] = field(default_factory=dict)
    here: dict[str, Operation] = field(default_factory=dict)


class Routes:
    """The operations that are served, by method and path."""

    def __init__(self, served: Iterable[Operation] = ()) -> None:
        self._root = _Node()
        for operation in served:
            self.add(operation)

    def add(self, operation: Operation) -> None:
        node = self._root
        for segment in operation.route.split("/")[1:]:
            key = PARAMETER if segment.startswith("{") else segment
            node = node.below.setdefault(key, _Node())
        node.here[operation.method] = operation

    def find(self, method: str, target: str) -> tuple[Operation, list[str]]:
        """The operation and the values of its path's parameters, in order.

        Problem 400 INVALID_API: no such service or version. 404 RESOURCE_URI_STRUCTURE_NOT_FOUND. 405. 414.
        """
        if len(target.partition("?")[0]) > LONGEST_PATH:
            raise Problem(414, None, Why(f"a path of more than {LONGEST_PATH} octets"))
        segments = path_of(target)
        values: list[str] = []
        node = _walk(self._root, segments, values)
        if node is None or not node.here:
            known = self._root.below.get(segments[0]) if segments else None
            if known is None or len(segments) < 2 or segments[1] not in known.below:
                raise Problem(400, "INVALID_API", Why(f"nobody serves {'/'.join(segments[:2])[:80]!r} here"))
            what = f"no resource is at {'/'.join(segments)[:120]!r}"
            raise Problem(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", Why(what))
        operation = node.here.get(method)
        if operation is None:
            raise Problem(405, None, Why(f"{method[:16]}: allowed are {', '.join(sorted(node.here))}"))
        return operation, values


def _walk(node: _Node, segments: list[str], values: list[str], at: int = 0) -> _Node | None:
    """Depth first, since what is written out may lead nowhere. A parameter is never empty."""
    if at == len(segments):
        return node
    written = node.below.get(segments[at])
    if written is not None and (found := _walk(written, segments, values, at + 1)) is not None and found.here:
        return found
    any_value = node.below.get(PARAMETER)
    if any_value is None or not segments[at]:
        return None
    values.append(segments[at])
    found = _walk(any_value, segments, values, at + 1)
    if found is None:
        values.pop()
    return found
