"""Traffic of the user-plane bench: one TCP connection, and 64-octet UDP as fast as it goes.

Sockets are made inside the namespaces and used by this process; iperf3, where there is one, runs there itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from cinq.transport import netns

PORT = 5201
UDP_OCTETS = 64
BATCH = 64  # datagrams for each call of sendmmsg
SO_ATTACH_FILTER, SO_SNDBUFFORCE = 26, 32
CHUNK = 1 << 17
PATIENCE_S = 5.0

_libc = ctypes.CDLL(None, use_errno=True)


class TrafficError(RuntimeError):
    """No traffic came through, and why."""


@dataclass(frozen=True, slots=True)
class Way:
    """From a sender to a receiver: the namespace and the address of each."""

    sender: str
    source: IPv4Address
    receiver: str
    destination: IPv4Address


@dataclass(frozen=True, slots=True)
class Rate:
    """What arrived. gbit_s: payload. kpps: packets that the receiver's IP layer was given."""

    gbit_s: float
    kpps: float


def packets(namespace: str) -> int:
    """IP packets that the namespace has received from its interfaces."""

    def read() -> int:
        names, values = Path("/proc/thread-self/net/snmp").read_text().splitlines()[:2]
        return int(values.split()[names.split().index("InReceives")])

    return netns.run(namespace, read)


# -- UDP ---------------------------------------------------------------------------------------------------


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


class _Header(ctypes.Structure):
    """struct msghdr of Linux, with the length of struct mmsghdr behind it."""

    _fields_ = [
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_Vector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("sent", ctypes.c_uint),
    ]


@contextlib.contextmanager
def sink(namespace: str) -> Iterator[None]:
    """A UDP socket whose filter takes nothing: what arrives is neither answered by ICMP nor kept."""
    with netns.inside(namespace):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    nothing = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0), 8)  # BPF_RET 0
    program = struct.pack("H6xP", 1, ctypes.addressof(nothing))
    with receiver:
        receiver.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        receiver.bind(("0.0.0.0", PORT))
        yield


def udp(way: Way, seconds: float) -> Rate:
    """64-octet datagrams without a pause, into a `sink`. What arrived in the time is counted."""
    with netns.inside(way.sender):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender:
        with contextlib.suppress(PermissionError):
            sender.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20)
        sender.bind((str(way.source), 0))
        sender.connect((str(way.destination), PORT))
        before, begun = packets(way.receiver), time.perf_counter()
        _blast(sender, begun + seconds)
        count, took = packets(way.receiver) - before, time.perf_counter() - begun
    if not count:
        raise TrafficError(f"no UDP from {way.source} reached {way.destination}")
    return Rate(count * UDP_OCTETS * 8 / took / 1e9, count / took / 1e3)


def _blast(sender: socket.socket, until: float) -> None:
    vector = _Vector(bytes(UDP_OCTETS), UDP_OCTETS)
    one = _Header(vectors=ctypes.pointer(vector), vector_count=1)
    batch = (_Header * BATCH)(*(one for _ in range(BATCH)))
    descriptor, send, clock = sender.fileno(), _libc.sendmmsg, time.perf_counter
    while clock() < until:
        send(descriptor, batch, BATCH, 0)  # an ICMP error or a full queue is no reason to stop


# -- TCP ---------------------------------------------------------------------------------------------------


def tcp(way: Way, seconds: float) -> Rate:
    """One connection: by iperf3 where there is one and the time is long enough for it, else by sockets of our own."""
    before = packets(way.receiver)
    if by_iperf3(seconds):
        seconds = round(seconds)
        octets_s = _iperf3(way, seconds)
    else:
        octets_s = _tcp(way, seconds)
    return Rate(octets_s * 8 / 1e9, (packets(way.receiver) - before) / seconds / 1e3)


def by_iperf3(seconds: float) -> bool:
    """iperf3 knows whole seconds only."""
    return seconds >= 1 and has_iperf3()


def has_iperf3() -> bool:
    return shutil.which("iperf3") is not None


def _iperf3(way: Way, seconds: float) -> float:
    """Octets per second at the receiver."""
    server = netns.popen(
        way.receiver, ["iperf3", "-s", "-1", "-p", str(PORT), "--forceflush"], stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        while line := server.stdout.readline():
            if b"listening" in line:
                break
        arguments = ["iperf3", "-J", "-c", str(way.destination), "-B", str(way.source), "-p", str(PORT)]
        arguments += ["-t", str(round(seconds)), "--connect-timeout", "2000"]
        client = netns.popen(way.sender, arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            said, _ = client.communicate(timeout=seconds + PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise TrafficError(f"iperf3 from {way.source} to {way.destination} does not end") from None
        finally:
            client.kill()
            client.wait()
    finally:
        server.kill()
        server.communicate()
    return _received(said, way)


def _received(said: bytes, way: Way) -> float:
    try:
        report = json.loads(said)
        if error := report.get("error"):
            raise TrafficError(f"iperf3 from {way.source} to {way.destination}: {error}")
        return float(report["end"]["sum_received"]["bits_per_second"]) / 8
    except (ValueError, KeyError) as error:
        raise TrafficError(f"iperf3 said nothing of use: {error}") from None


def _tcp(way: Way, seconds: float) -> float:
    """Octets per second at the receiver, without iperf3."""
    with netns.inside(way.receiver):
        server = socket.create_server((str(way.destination), 0))
    with netns.inside(way.sender):
        sender = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with server, sender:
        sender.bind((str(way.source), 0))
        sender.settimeout(PATIENCE_S)
        try:
            sender.connect((str(way.destination), server.getsockname()[1]))
        except OSError as error:
            raise TrafficError(f"TCP from {way.source} to {way.destination}: {error}") from None
        receiver, _ = server.accept()
        with receiver:
            receiver.settimeout(PATIENCE_S)
            until = time.perf_counter() + seconds
            thread = threading.Thread(target=_pour, args=(sender, until), name="sender")
            thread.start()
            try:
                return _drain(receiver)
            finally:
                thread.join()


def _pour(sender: socket.socket, until: float) -> None:
    octets = os.urandom(CHUNK)
    with contextlib.suppress(OSError):
        while time.perf_counter() < until:
            sender.sendall(octets)
        sender.shutdown(socket.SHUT_WR)


def _drain(receiver: socket.socket) -> float:
    room, octets, begun = bytearray(CHUNK), 0, time.perf_counter()
    while count := receiver.recv_into(room):
        octets += count
    return octets / (time.perf_counter() - begun)
