"""One file over HTTP/1.1: the server of the data network and, where there is no curl, the client of the phone.

python -m cinq.lab.http_file ADDRESS PORT OCTETS     serves OCTETS pseudo-random octets; says when it is ready
"""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import sys
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SEED = 5
CHUNK = 1 << 18
SEEN_FROM = "X-Seen-From"  # the address that the request came from


@dataclass(frozen=True, slots=True)
class Download:
    """What came: octets, their SHA-256, seconds until the first octet and until the last."""

    octets: int
    sha256: str
    first_s: float
    total_s: float


def content(octets: int) -> bytes:
    """The same octets each time for the same number."""
    return random.Random(SEED).randbytes(octets)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    body = memoryview(b"")

    def do_GET(self) -> None:
        if self.path != "/file":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(self.body)))
        self.send_header(SEEN_FROM, self.client_address[0])
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Silence: the demonstration says what happened."""


def serve(address: str, port: int, octets: int) -> None:
    """Serves until killed. One line of JSON on standard output once it listens: port and SHA-256."""
    body = content(octets)
    handler = type("Handler", (_Handler,), {"body": memoryview(body)})
    server = ThreadingHTTPServer((address, port), handler)
    ready = {"port": server.server_port, "sha256": hashlib.sha256(body).hexdigest()}
    print(json.dumps(ready), flush=True)
    server.serve_forever()


def download(address: str, port: int, source: str) -> Download:
    """GET /file from a socket bound to `source`. OSError or http.client.HTTPException when it does not come."""
    connection = http.client.HTTPConnection(address, port, timeout=10, source_address=(source, 0))
    begun = time.perf_counter()
    connection.request("GET", "/file")
    response = connection.getresponse()
    first = time.perf_counter() - begun
    digest, octets = hashlib.sha256(), 0
    while chunk := response.read(CHUNK):
        digest.update(chunk)
        octets += len(chunk)
    total = time.perf_counter() - begun
    connection.close()
    return Download(octets, digest.hexdigest(), first, total)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
