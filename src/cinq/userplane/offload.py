"""Offloads of an interface, by the ethtool ioctl: checksum, TSO, GSO; and the name of its driver."""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
from typing import Literal

Feature = Literal["tx", "tso", "gso"]
SIOCETHTOOL, GET_DRIVER = 0x8946, 0x03
_GET: dict[Feature, int] = {"tx": 0x16, "tso": 0x1E, "gso": 0x23}
_SET: dict[Feature, int] = {"tx": 0x17, "tso": 0x1F, "gso": 0x24}


def _ethtool(interface: str, request: bytes) -> bytes:
    buffer = ctypes.create_string_buffer(request, len(request))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        ifreq = struct.pack("16sQ16x", interface.encode(), ctypes.addressof(buffer))
        fcntl.ioctl(any_socket.fileno(), SIOCETHTOOL, ifreq)
    return buffer.raw


def get(interface: str, feature: Feature) -> bool:
    """OSError: no such interface, or it cannot say."""
    return int.from_bytes(_ethtool(interface, struct.pack("II", _GET[feature], 0))[4:8], "little") != 0


def switch(interface: str, feature: Feature, on: bool) -> None:
    """Sets the feature and reads it back; OSError when the driver keeps its own mind."""
    _ethtool(interface, struct.pack("II", _SET[feature], on))
    if get(interface, feature) is not on:
        raise OSError(f"{interface}: offload {feature} stays {'off' if on else 'on'}")


def driver(interface: str) -> str:
    """'veth', 'tun', 'virtio_net' and so on; '' when the interface does not say."""
    try:
        answer = _ethtool(interface, struct.pack("I192x", GET_DRIVER))
    except OSError:
        return ""
    return answer[4:36].split(b"\0")[0].decode()
