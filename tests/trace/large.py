"""Makes captures of any size: `python -m tests.trace.large heartbeats|control|user PATH MEGABYTES`, and reads one with
its rate and memory: `python -m tests.trace.large read PATH`."""

from __future__ import annotations

import resource
import struct
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from cinq.numbering import Suci
from cinq.transport import frames, pcap
from cinq.wire import gtpu, pfcp

SMF, UPF = ("10.0.0.4", 8805), ("10.0.0.5", 8805)


def heartbeats() -> Iterator[bytes]:
    """A request and its response, for ever; each 58 octets on the wire, 74 in a pcap."""
    request = frames.udp(SMF, UPF, pfcp.encode(pfcp.HeartbeatRequest(recovery_time_stamp=1), sequence=0))
    response = frames.udp(UPF, SMF, pfcp.encode(pfcp.HeartbeatResponse(recovery_time_stamp=2), sequence=0))
    for number in count():
        sequence = (number % (1 << 24)).to_bytes(3, "big")
        yield request[:46] + sequence + request[49:]
        yield response[:46] + sequence + response[49:]


def user_traffic() -> Iterator[bytes]:
    """Downlink packets of 1400 octets."""
    packet = gtpu.GPdu(teid=1, payload=bytes(1400), extensions=(gtpu.DlPduSessionInformation(1),))
    frame = frames.udp(("10.0.0.5", 2152), ("10.0.0.2", 2152), gtpu.encode(packet))
    while True:
        yield frame


def control() -> Iterator[bytes]:
    """UEs that register and ask for service, one after the other, each with connections of its own."""
    from .bench import PLMN, SUPI, Bench

    bench = Bench(2, 0)
    while True:
        bench.ran_id = bench.amf_id = bench.ran_id + 1
        bench.register(Suci.null_scheme(SUPI, PLMN))
        bench.service_request(bench.ran_id)
        for packet in pcap.Reader(bench.capture()):
            yield packet.octets
        bench.start_anew()


MAKERS = {"heartbeats": heartbeats, "user": user_traffic, "control": control}


def write(kind: str, path: Path, octets: int) -> None:
    """A pcap of at least so many octets."""
    with path.open("wb") as file:
        written = file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number, frame in enumerate(MAKERS[kind]()):
            head = struct.pack("<IIII", number // 1000, number % 1000 * 1000, len(frame), len(frame))
            written += file.write(head + frame)
            if written >= octets:
                return


def main() -> None:
    if sys.argv[1] != "read":
        write(sys.argv[1], Path(sys.argv[2]), int(float(sys.argv[3]) * 10**6))
        return
    from cinq.trace import read_capture

    path = Path(sys.argv[2])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, cpu = time.perf_counter(), time.process_time()
    capture = read_capture(path)
    for _ in capture:
        pass
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    size = path.stat().st_size / 1e6
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"{capture.packets} packets, {capture.messages} messages, {capture.undecoded} undecoded, "
        f"{size / seconds:.1f} MB/s, {size / cpu:.1f} MB for a second of CPU, memory grown by {grown / 1024:.0f} MB"
    )


if __name__ == "__main__":
    main()
