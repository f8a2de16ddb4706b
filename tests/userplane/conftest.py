"""What this host can do for the user plane."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cinq.userplane.ebpf.plane import OBJECT
from cinq.userplane.topology import Topology, topology


def missing(kind: str) -> str:
    """Why a plane of this kind cannot run here; '' when it can."""
    if os.geteuid() != 0:
        return "needs root (network namespaces)"
    if kind in ("ebpf", "tun") and not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun"
    if kind == "ebpf" and not OBJECT.exists():
        return "gtpu.o was not built: no clang and no ziglang at install"
    if kind == "ebpf" and tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2]) < (6, 6):
        return f"kernel {os.uname().release} has no tcx (6.6)"
    return ""


@pytest.fixture
def row() -> Iterator[Topology]:
    """UE, gNB, UPF and data network in namespaces of their own."""
    reason = missing("pair")
    if reason:
        pytest.skip(reason)
    with topology(f"up{os.getpid()}") as t:
        yield t


@pytest.fixture(scope="module")
def lasting_row() -> Iterator[Topology | None]:
    """The same for all tests of a module, each of which leaves it as it was. None where it cannot be."""
    if missing("pair"):
        yield None
        return
    with topology(f"um{os.getpid()}") as t:
        yield t
