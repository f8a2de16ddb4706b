"""One packet to each UE, from the data network: python -m cinq.lab.knock RATE, addresses as JSON on standard input.

Says when it sent to each, by the system's monotonic clock: {"10.128.0.2": 1234.5}.
"""

from __future__ import annotations

import json
import socket
import sys
import time

PORT = 9  # discard


def main() -> None:
    """RATE: packets a second."""
    rate, addresses = float(sys.argv[1]), json.load(sys.stdin)
    begun, sent = time.monotonic(), {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knocking:
        for number, address in enumerate(addresses):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            sent[address] = time.monotonic()
            knocking.sendto(b"knock", (address, PORT))
    json.dump(sent, sys.stdout)


if __name__ == "__main__":
    main()
