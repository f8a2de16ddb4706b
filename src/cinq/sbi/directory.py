"""Where the services of others are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cinq.sbi.operation import Operation


class Found(NamedTuple):
    root: str
    instance: str = ""


class OneRoot:
    """All behind one API root. instances: by NF type, of those that are behind it."""

    def __init__(self, root: str, instances: Mapping[str, str] | None = None) -> None:
        self.root = root
        self._instances = instances or {}

    async def find(self, op: Operation, consumer: str, instance: str | None, root: str) -> Found:
        if root and root != self.root:
            return Found(root)
        return Found(self.root, instance or self._instances.get(op.owner, ""))
