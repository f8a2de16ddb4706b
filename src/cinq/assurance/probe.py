"""What the target shows of itself before it is asked anything."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import struct
from collections.abc import Iterator
from contextlib import closing

from cryptography import x509

from cinq.assurance.evidence import Identity
from cinq.assurance.run import Stage
from cinq.assurance.target import Target, endpoint
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.spoil import identities
from cinq.transport.raw import SCTP, Raw, accepts, payload_of, sctp_init

WAIT_S = 5.0
PARAMETERS = {
    5: "IPv4 address",
    6: "IPv6 address",
    7: "state cookie",
    9: "cookie preservative",
    11: "host name",
    12: "supported address types",
    0x8000: "ECN",
    0x8002: "random",
    0x8003: "chunk list",
    0x8004: "HMAC algorithms",
    0x8008: "supported extensions",
    0xC000: "forward TSN",
    0xC006: "adaptation layer",
}
"""IANA, SCTP chunk parameter types."""


async def identity(stage: Stage) -> Identity:
    """By an NG Setup, an INIT, and TLS handshakes. Unreachable: it does not let a gNB in."""
    target = stage.lab.target
    sctp, tls = await init_ack(target), await certificates(target)
    bench = Bench(stage.place("identity"), [])
    try:
        gnb = await bench.gnb()
        context = gnb.n2.context
        response = next(
            e.octets for e in bench.events if e.direction == "in" and e.message == "NGSetupResponse"
        )
        return Identity(
            context.amf_name,
            tuple(
                f"{plmn} region {amf.region} set {amf.set} pointer {amf.pointer}"
                for plmn, amf in context.guamis
            ),
            context.relative_capacity,
            tuple(f"{plmn} {slice_}" for plmn, slice_ in context.slices),
            identities(response),
            sctp,
            tls,
        )
    finally:
        await bench.close()


async def init_ack(target: Target) -> tuple[str, ...]:
    """Window, streams and parameters of the AMF's INIT ACK; nothing where this host cannot ask, or none came."""
    core = target.core
    try:
        with closing(Raw(str(target.radio.n3_address), SCTP)) as raw:
            packet = await raw.answer(sctp_init(core.amf_port), str(core.amf_address), accepts)
    except OSError:
        return ()
    return () if packet is None else tuple(read_init_ack(payload_of(packet)))


def read_init_ack(packet: bytes) -> Iterator[str]:
    """From the common header on (RFC 9260 §3.3.3), as far as it can be read."""
    chunk = packet[12:]
    length = int.from_bytes(chunk[2:4], "big")
    if len(chunk) < 20:
        return
    window, outbound, inbound = struct.unpack_from(">IHH", chunk, 8)
    yield f"window {window}"
    yield f"streams {outbound} out, {inbound} in"
    place = 20
    while place + 4 <= min(length, len(chunk)):
        kind, size = struct.unpack_from(">HH", chunk, place)
        if size < 4:
            return
        value = chunk[place + 4 : place + size]
        name = PARAMETERS.get(kind, f"parameter {kind:#06x}")
        yield (
            f"{name} {value.hex(' ')}"
            if kind in (0x8003, 0x8004, 0x8008)
            else f"{name} ({len(value)} octets)"
        )
        place += size + -size % 4


async def certificates(target: Target) -> tuple[str, ...]:
    """Whoever speaks TLS: version, suite and certificate, or why not."""
    return tuple([f"{place}: {await _certificate(place)}" for place in target.interfaces.tls])


async def _certificate(place: str) -> str:
    host, port = endpoint("interfaces", place)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is looked at, not trusted
    context.set_alpn_protocols(["h2"])
    try:
        async with asyncio.timeout(WAIT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError) as error:
        return str(error) or "no answer"
    with closing(writer):
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        cipher, octets = connection.cipher(), connection.getpeercert(binary_form=True)
        said = f"{connection.version()}, {cipher[0] if cipher else 'no suite'}"
        return f"{said}, {_described(octets)}" if octets else f"{said}, no certificate"


def _described(octets: bytes) -> str:
    """Who it is of, who signed it, until when, and its digest."""
    digest = hashlib.sha256(octets).hexdigest()
    try:
        found = x509.load_der_x509_certificate(octets)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    except ValueError as error:
        return f"a certificate that cannot be read ({error}), SHA-256 {digest}"
    subject, issuer = found.subject.rfc4514_string(), found.issuer.rfc4514_string()
    until = f"until {found.not_valid_after_utc:%Y-%m-%d}"
    return ", ".join((f"subject {subject}", f"issuer {issuer}", *uris, until, f"SHA-256 {digest}"))
