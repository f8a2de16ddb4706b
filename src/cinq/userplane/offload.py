"""Offloads of an interface: switched and read back; and the name of its driver."""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
from typing import Literal

from cinq.transport import ethtool

Feature = Literal["tx", "tso", "gso"]
GET_DRIVER = 0x03
FLAT = ("veth", "bridge", "macvlan", "ipvlan")
"""Drivers without hardware: they pass unfinished checksums and super-packets on to the other end."""


def switch(interface: str, feature: Feature, on: bool) -> None:
    """OSError when the driver refuses or keeps its own mind."""
    ethtool.set_feature(interface, feature, on)
    if ethtool.feature(interface, feature) is not on:
        raise OSError(f"{interface}: offload {feature} stays {'off' if on else 'on'}")


def driver(interface: str) -> str:
    """'veth', 'tun', 'virtio_net' and so on; '' when the interface does not say."""
    buffer = ctypes.create_string_buffer(struct.pack("I192x", GET_DRIVER), 196)
    request = struct.pack("16sQ16x", interface.encode(), ctypes.addressof(buffer))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        try:
            fcntl.ioctl(control, ethtool.SIOCETHTOOL, request)
        except OSError:
            return ""
    return buffer.raw[4:36].split(b"\0")[0].decode()
