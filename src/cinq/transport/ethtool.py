"""Offload features of a network interface, by the ethtool ioctl (linux/ethtool.h)."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct

from cinq.transport.error import TransportError

SIOCETHTOOL = 0x8946

FEATURES = {
    "rx": (0x14, 0x15),  # receive checksum
    "tx": (0x16, 0x17),  # transmit checksum
    "sg": (0x18, 0x19),
    "tso": (0x1E, 0x1F),
    "gso": (0x23, 0x24),
    "gro": (0x2B, 0x2C),
}
"""Name: (command to read, command to write)."""


def _call(device: str, command: int, value: int) -> int:
    request = ctypes.create_string_buffer(struct.pack("=II", command, value), 8)
    interface = struct.pack("16sP16x", device.encode(), ctypes.addressof(request))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCETHTOOL, interface)
    return int(struct.unpack("=II", request.raw)[1])


def feature(device: str, name: str) -> bool:
    """Whether the feature (a key of FEATURES) is on."""
    try:
        return bool(_call(device, FEATURES[name][0], 0))
    except OSError as error:
        raise TransportError(f"ethtool {device} {name}: {os.strerror(error.errno or 0)}") from None


def set_feature(device: str, name: str, on: bool) -> None:
    try:
        _call(device, FEATURES[name][1], int(on))
    except OSError as error:
        wanted = "on" if on else "off"
        raise TransportError(f"ethtool {device} {name} {wanted}: {os.strerror(error.errno or 0)}") from None
