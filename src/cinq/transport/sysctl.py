"""Kernel settings below /proc/sys; those of net/ belong to the network namespace of the calling thread."""

from __future__ import annotations

import os
from pathlib import Path

from cinq.transport.error import TransportError

ROOT = Path("/proc/sys")


def _path(key: str) -> Path:
    """'net.ipv4.ip_forward' or 'net/ipv4/conf/eth0.5/forwarding' (for names that contain a dot)."""
    parts = key.split("/") if "/" in key else key.split(".")
    return ROOT.joinpath(*parts)


def read(key: str) -> str:
    try:
        return _path(key).read_text().strip()
    except OSError as error:
        raise TransportError(f"sysctl {key}: {os.strerror(error.errno or 0)}") from None


def write(key: str, value: str | int) -> None:
    try:
        _path(key).write_text(f"{value}\n")
    except OSError as error:
        raise TransportError(
            f"sysctl {key}={value}: {os.strerror(error.errno or 0)}", "run as root"
        ) from None
