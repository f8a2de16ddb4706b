"""Namespaces for the sub-cases of transport and host."""

from __future__ import annotations

from tests.transport.conftest import namespace, new_namespace

__all__ = ["namespace", "new_namespace"]
