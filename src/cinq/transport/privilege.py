"""Capabilities of this process (capabilities(7)), and what is said when one is missing."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from cinq.transport.error import TransportError

BITS: Mapping[str, int] = {
    "CAP_NET_ADMIN": 12,
    "CAP_NET_RAW": 13,
    "CAP_SYS_ADMIN": 21,
    "CAP_PERFMON": 38,
    "CAP_BPF": 39,
}
STATUS = Path("/proc/self/status")


class PrivilegeError(TransportError):
    """The kernel refuses something for want of a capability: trying again does not help."""


def held() -> frozenset[str]:
    """Those of BITS that are effective."""
    for line in STATUS.read_text().splitlines():
        if line.startswith("CapEff:"):
            effective = int(line.split()[1], 16)
            return frozenset(name for name, bit in BITS.items() if effective >> bit & 1)
    return frozenset()


def require(wanted: Mapping[str, str]) -> None:
    """wanted: capabilities, and what each is for. PrivilegeError names all that are missing, and no other."""
    have = held()
    lacking = {name: purpose for name, purpose in wanted.items() if name not in have}
    if lacking:
        said = "; ".join(_missing(name, purpose) for name, purpose in lacking.items())
        raise PrivilegeError(said, _remedy(tuple(lacking)))


def refused(capability: str, purpose: str) -> PrivilegeError:
    """What to raise when the kernel has answered EPERM or EACCES."""
    if capability not in held():
        return PrivilegeError(_missing(capability, purpose), _remedy((capability,)))
    return PrivilegeError(
        f"{capability} is held in this user namespace only; {purpose} wants it in the one that owns the network",
        "run as root of the host, or with a network of its own: unshare -Urnm",
    )


def _missing(capability: str, purpose: str) -> str:
    return f"{capability} is missing, wanted for {purpose}"


def _remedy(capabilities: tuple[str, ...]) -> str:
    """Root without a capability is root of a container."""
    if os.geteuid() == 0:
        options = " ".join(f"--cap-add={name.removeprefix('CAP_')}" for name in capabilities)
        return f"start the container with {options}"
    return f"sudo {shlex.join(sys.argv)}"
