"""The bench on HTTP/2: whom it asks, and where it is asked, over TLS with the lab's certificates or in cleartext."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cinq.assurance.credentials import URN, Credentials, Sbi
from cinq.assurance.trial import Shown
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.transport.error import NoAnswerError, TransportError
from cinq.transport.http2 import Answer, Http2Peer, Request, Response, authority_of, serve


class Wire:
    """One connection for each API root and certificate. It trusts the lab's authorities, whatever name they sign."""

    def __init__(self, where: Sbi) -> None:
        self.credentials = Credentials(where)
        self._where = where
        self._peers: dict[tuple[str, Shown], Http2Peer] = {}

    async def ask(self, root: str, request: Request, shown: Shown = "own", within: float = 5.0) -> Response:
        """Failed: no answer."""
        try:
            peer = self._peers.get((root, shown))
            if peer is None:
                peer = self._peers[root, shown] = self._made(root, shown)
            return await peer.send(request, within=within)
        except NoAnswerError as error:
            raise Failed(f"{request.method} {request.target[:80]}: {error}") from None

    def _made(self, root: str, shown: Shown) -> Http2Peer:
        try:
            parts = urlsplit(root)
            host, port, secured = parts.hostname or "", parts.port, parts.scheme == "https"
        except ValueError:
            raise Failed(f"{root[:120]!r} is no API root") from None
        tls = self.tls(shown, server=False) if secured else None
        return Http2Peer(host, port or (443 if secured else 80), tls=tls, authority=parts.netloc)

    @asynccontextmanager
    async def serving(self, answer: Answer) -> AsyncIterator[str]:
        address = str(check.present(self._where.address, "an own address (sbi.address)"))
        secured = self._where.nrf.startswith("https")
        try:
            server = await serve(address, 0, answer, tls=self.tls("own", server=True) if secured else None)
        except TransportError as error:
            raise Failed(f"the bench has no place at {address}: {error}") from None
        try:
            yield f"{'https' if secured else 'http'}://{authority_of(*server.local)}"
        finally:
            await server.close()

    def client_tls(self) -> ssl.SSLContext:
        return self.tls("own", server=False)

    def tls(self, shown: Shown, *, server: bool) -> ssl.SSLContext:
        """Failed: a file cannot be read."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
        if not server:
            context.check_hostname = False
        where = self._where
        try:
            context.load_verify_locations(where.authorities)
            if shown == "own":
                context.load_cert_chain(where.certificate, where.key)
            elif shown == "foreign":
                _load_foreign(context, self.credentials.instances)
        except OSError as error:  # of ssl too
            raise Failed(f"the certificates of the section sbi: {error}") from None
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def close(self) -> None:
        for peer in self._peers.values():
            peer.end()
        self._peers.clear()


def _load_foreign(context: ssl.SSLContext, instances: tuple[str, ...]) -> None:
    """A certificate that says the same as the bench's own, and that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stranger")])
    now = datetime.now(UTC)
    names = [x509.UniformResourceIdentifier(f"{URN}{one}") for one in instances]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.TemporaryDirectory() as folder:  # ssl takes files alone
        shown, secret = Path(folder, "shown.pem"), Path(folder, "secret.pem")
        shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(private)
        context.load_cert_chain(shown, secret)
