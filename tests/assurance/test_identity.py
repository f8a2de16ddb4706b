"""What a target shows of itself: what its SCTP and its TLS say, as far as it can be read."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cinq.assurance.probe import certificates, read_init_ack
from cinq.assurance.target import Interfaces
from tests.transport.certificates import certificate

from .site import target

USRSCTP = bytes.fromhex(
    "0016001a0c10c00100000000"  # common header, checksum left out
    "0200005c11223344"  # INIT ACK of 92 octets
    "00020000000a0800deadbeef"
    "800800098082c0c180000000"  # supported extensions: RE-CONFIG, ..., one octet of padding short
    "c0000004"  # forward TSN
    "0007000c0102030405060708"
)


def test_an_init_ack() -> None:
    assert list(read_init_ack(USRSCTP)) == [
        "window 131072",
        "streams 10 out, 2048 in",
        "supported extensions 80 82 c0 c1 80",
        "forward TSN (0 octets)",
        "state cookie (8 octets)",
    ]


@given(st.binary(max_size=200))
def test_any_octets(octets: bytes) -> None:
    list(read_init_ack(octets))


def test_a_certificate(tmp_path: Path) -> None:
    async def main() -> tuple[str, ...]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(
            *certificate(tmp_path, "amf", "urn:uuid:00000000-0000-4000-8000-000000000008")
        )
        context.set_alpn_protocols(["h2"])
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0, ssl=context)
        silent = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        places = [f"127.0.0.1:{each.sockets[0].getsockname()[1]}" for each in (server, silent)]
        async with server, silent:
            return await certificates(target(interfaces=Interfaces(tls=tuple(places))))

    shown, silent = asyncio.run(main())
    assert "TLSv1.3" in shown
    assert "subject CN=amf, issuer CN=amf, urn:uuid:00000000-0000-4000-8000-000000000008" in shown
    assert "SHA-256" in shown
    assert "SHA-256" not in silent
