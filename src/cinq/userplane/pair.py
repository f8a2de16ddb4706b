"""What stands in for a TUN where the host gives no /dev/net/tun: a veth pair with a packet socket at its far end.

A user namespace may make one, and so may a container without devices. Programs see the near end as they would see
a TUN; packets are read from and written to the far end, which has no address and answers nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket

from cinq.transport import privilege
from cinq.userplane import offload
from cinq.userplane.host import Host
from cinq.userplane.tap import Device
from cinq.userplane.ue_side import quieten

MTU = 65535  # of both ends: routes say what is sent, and what comes in may be of any size
BUFFER = 8 << 20
ANY, IPV4, IPV6 = 0x0003, 0x0800, 0x86DD
_new_socket = socket.socket
NAME = 13  # of the 15 octets of an interface name
SOL_PACKET, PACKET_QDISC_BYPASS, PACKET_IGNORE_OUTGOING = 263, 20, 23


def open_pair(name: str, host: Host) -> Device:
    """The interface `name`, down, and its far end. OSError: no right, or the kernel has no veth."""
    far = f"{name[:NAME]}-r"
    host.veth(far, name)
    for feature in ("tx", "tso", "gso"):
        offload.switch(name, feature, False)  # whole packets with their checksums
    quieten(far)
    host.links.set_up(far, mtu=MTU, arp=False)
    with contextlib.ExitStack() as undo:
        # Two sockets: this one reads without the Ethernet header, the other writes with it.
        reads, writes = (undo.enter_context(_socket(kind)) for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW))
        reads.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        reads.bind((far, ANY))
        writes.bind((far, 0))
        # The far end's queue takes packets only some time after the near end is up; nothing waits in it anyway.
        writes.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        macs = host.links.link(name).mac, host.links.link(far).mac
        ends = b"".join(bytes.fromhex(mac.replace(":", "")) for mac in macs)
        ipv4, ipv6 = (ends + kind.to_bytes(2, "big") for kind in (IPV4, IPV6))
        send = writes.send
        undo.pop_all()

    def close() -> None:
        os.close(fd)
        writes.close()

    fd = reads.detach()
    return Device(fd, lambda packet: send((ipv6 if packet[0] >> 4 == 6 else ipv4) + packet), close, MTU)


def _socket(kind: socket.SocketKind) -> socket.socket:
    """A packet socket that hears nothing before it is bound."""
    try:
        made = _new_socket(socket.AF_PACKET, kind | socket.SOCK_NONBLOCK, 0)
    except PermissionError:
        raise privilege.refused("CAP_NET_RAW", "the interfaces of UEs without /dev/net/tun") from None
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        made.setsockopt(socket.SOL_SOCKET, option, BUFFER)
    return made
