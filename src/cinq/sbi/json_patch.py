"""JSON Patch (RFC 6902) on JSON as msgspec reads it without a shape; JSON Pointer (RFC 6901)."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from cinq.procedure import Why
from cinq.sbi.operation import Model
from cinq.sbi.problem import InvalidParam, Problem

MOST_OPERATIONS = 256
DEEPEST = 32
MOST_COPIED = 10_000  # values that a patch may copy: copies of copies double with each operation


class PatchItem(Model):
    """One operation, TS 29.571 §5.2.4.10. from: of move and copy."""

    op: Literal["add", "remove", "replace", "test", "move", "copy"]
    path: str
    from_: str | None = field(name="from", default=None)
    value: object = None


def patched(document: object, patch: list[PatchItem]) -> object:
    """The document with all of the patch; on a Problem it may be changed in part, so give one that is nobody else's.

    Problem 400: an operation that fits nothing, 409: a test that fails.
    """
    if len(patch) > MOST_OPERATIONS:
        raise Problem(400, "INVALID_MSG_FORMAT", Why(f"a patch of more than {MOST_OPERATIONS} operations"))
    root = [document]
    left = MOST_COPIED
    for item in patch:
        if item.op == "test":
            if _get(root, item.path) != item.value:
                raise Problem(
                    409, "MODIFICATION_NOT_ALLOWED", Why(f"patch: test of {item.path[:120]} failed")
                )
        elif item.op == "remove":
            _take(root, item.path)
        elif item.op == "replace":
            _replace(root, item.path, item.value)
        elif item.op == "add":
            _add(root, item.path, item.value)
        else:
            if item.from_ is None:
                raise _wrong(item.path, f"{item.op} without 'from'")
            if item.path.startswith(f"{item.from_}/"):
                raise _wrong(item.path, f"{item.op} into itself")
            if item.op == "move":
                moved = _take(root, item.from_)
            else:
                moved, left = _copy(_get(root, item.from_), left, item.path)
            _add(root, item.path, moved)
    if not root:
        raise _wrong("", "nothing is left")
    return root[0]


def _copy(value: object, left: int, path: str, deep: int = 0) -> tuple[object, int]:
    """A copy, and how many values may still be copied."""
    if left <= 0 or deep > DEEPEST:
        raise _wrong(path, f"copies of more than {MOST_COPIED} values, or too deep")
    left -= 1
    if isinstance(value, dict):
        made: dict[object, object] = {}
        for key, one in value.items():
            made[key], left = _copy(one, left, path, deep + 1)
        return made, left
    if isinstance(value, list):
        listed: list[object] = []
        for one in value:
            each, left = _copy(one, left, path, deep + 1)
            listed.append(each)
        return listed, left
    return value, left


def _steps(path: str) -> list[str]:
    """The tokens of a pointer, below the list that holds the document."""
    if path and not path.startswith("/"):
        raise _wrong(path, "a pointer begins with '/'")
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
    if len(steps) > DEEPEST:
        raise _wrong(path, f"a pointer of more than {DEEPEST} steps")
    return ["0", *steps]


def _parent(root: list[object], path: str) -> tuple[object, str]:
    *way, last = _steps(path)
    node: object = root
    for step in way:
        node = _child(node, step, path)
    return node, last


def _child(node: object, step: str, path: str) -> object:
    if isinstance(node, dict) and step in node:
        return node[step]
    if isinstance(node, list):
        return node[_index(node, step, path)]
    raise _wrong(path, "it is not in the resource")


def _index(node: list[object], step: str, path: str, *, beyond: bool = False) -> int:
    if beyond and step == "-":
        return len(node)
    if not (step.isascii() and step.isdigit()) or (len(step) > 1 and step[0] == "0") or len(step) > 6:
        raise _wrong(path, "it is no element of a list")
    number = int(step)
    if number >= len(node) + beyond:
        raise _wrong(path, "it is not in the resource")
    return number


def _get(root: list[object], path: str) -> object:
    node, last = _parent(root, path)
    return _child(node, last, path)


def _take(root: list[object], path: str) -> object:
    node, last = _parent(root, path)
    found = _child(node, last, path)
    if isinstance(node, dict):
        del node[last]
    elif isinstance(node, list):
        del node[_index(node, last, path)]
    return found


def _replace(root: list[object], path: str, value: object) -> None:
    node, last = _parent(root, path)
    _child(node, last, path)
    if isinstance(node, dict):
        node[last] = value
    elif isinstance(node, list):
        node[_index(node, last, path)] = value


def _add(root: list[object], path: str, value: object) -> None:
    node, last = _parent(root, path)
    if node is root and root:
        root[0] = value
    elif isinstance(node, dict):
        node[last] = value
    elif isinstance(node, list):
        node.insert(_index(node, last, path, beyond=True), value)
    else:
        raise _wrong(path, "it is not in the resource")


def _wrong(path: str, what: str) -> Problem:
    invalid = InvalidParam(param=path[:200], reason=what)
    return Problem(400, "INVALID_MSG_FORMAT", Why(f"patch: {path[:120]}: {what}"), invalid)
