"""TLS of the SBI: mutual, by the profile of TS 33.210 §6.2 and TS 33.310 §6.1.3c."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TypeVar

from cryptography import x509

from cinq.transport.error import TransportError

C = TypeVar("C", bound=ssl.SSLContext)


def mutual(certificate: str, key: str, authorities: str, *, server: bool) -> ssl.SSLContext:
    """TLS 1.2 or 1.3 by the profile of TS 33.210 §6.2, both ends shown. TransportError names the file.

    authorities: those that sign the other end's certificate. Without one nobody could be checked, so there is one.
    """
    return mutual_of(ssl.SSLContext, certificate, key, authorities, server=server)


def mutual_of(kind: type[C], certificate: str, key: str, authorities: str, *, server: bool) -> C:
    """As `mutual`, of a kind of context."""
    context = kind(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    _profile(context)
    try:
        file = authorities
        context.load_verify_locations(authorities)
        file = f"{certificate} or {key}"
        context.load_cert_chain(certificate, key)
    except OSError as error:  # of ssl too
        said = getattr(error, "reason", None) or error.strerror or str(error)
        mend = "name PEM files: the certificate, its key, and the authority that signs those of others"
        raise TransportError(f"TLS: {file}: {said}", mend) from error
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def for_anybody(certificate: str, key: str) -> ssl.SSLContext:
    """Of a server that asks for no certificate. TransportError names the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _profile(context)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        said = getattr(error, "reason", None) or error.strerror or str(error)
        raise TransportError(f"TLS: {certificate} or {key}: {said}", "name PEM files") from error
    return context


def outbound() -> ssl.SSLContext:
    """Of a client of servers that the host's authorities know."""
    context = ssl.create_default_context()
    _profile(context)
    return context


def _profile(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM")
    context.set_alpn_protocols(["h2"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION


def uris(certificate: str) -> tuple[str, ...]:
    """The URIs of a PEM file's certificate (RFC 5280 §4.2.1.6). TransportError: it holds none that can be read."""
    try:
        shown = x509.load_pem_x509_certificate(Path(certificate).read_bytes())
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    except (OSError, ValueError) as error:
        raise TransportError(f"TLS: {certificate}: {error}") from error
    return tuple(names.get_values_for_type(x509.UniformResourceIdentifier))
