"""Certificates of network functions, TS 33.310 §6.1.3c: an authority of one operator, and what it signs.

    authority = Authority.kept(folder)                               # sbi-ca.pem and its key, made where missing
    files = authority.issue(folder, "amf", ["urn:uuid:..."], ["127.0.0.8"])

For networks whose functions run apart on one host, where no operator's PKI is at hand.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cinq.transport.error import TransportError

DAYS, DAYS_OF_THE_AUTHORITY = 90, 3650
EARLY = timedelta(minutes=5)  # for clocks that differ


class Files(NamedTuple):
    """What one end of a TLS connection needs, in PEM."""

    certificate: Path
    key: Path
    authorities: Path


class Authority:
    """A certificate authority of its own."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, file: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._file = file

    @classmethod
    def kept(cls, folder: Path, name: str = "cinq") -> Authority:
        """TransportError: its files are there and cannot be read."""
        shown, private = folder / "sbi-ca.pem", folder / "sbi-ca.key"
        try:
            if not private.exists():
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                key = ec.generate_private_key(ec.SECP256R1())
                subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name[:40]} SBI authority")])
                usage = x509.KeyUsage(
                    digital_signature=False,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=True,
                    crl_sign=True,
                    encipher_only=False,
                    decipher_only=False,
                )
                built = (
                    _begun(subject, subject, key, DAYS_OF_THE_AUTHORITY)
                    .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                    .add_extension(usage, critical=True)
                    .sign(key, hashes.SHA256())
                )
                write_file(shown, built.public_bytes(serialization.Encoding.PEM), 0o644)
                write_file(private, _pem(key), 0o600)
            certificate = x509.load_pem_x509_certificate(shown.read_bytes())
            loaded = serialization.load_pem_private_key(private.read_bytes(), None)
        except (OSError, ValueError) as error:
            raise TransportError(
                f"certificate authority in {folder}: {error}", f"rm {private} {shown}"
            ) from error
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise TransportError(
                f"{private}: found another kind of key, wanted P-256", f"rm {private} {shown}"
            )
        return cls(certificate, loaded, shown)

    def issue(self, folder: Path, name: str, uris: Iterable[str], hosts: Iterable[str]) -> Files:
        """A certificate for both ends of TLS: name.pem and name.key. hosts: addresses or DNS names."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:60])])
        names = [*map(_host, hosts), *map(x509.UniformResourceIdentifier, uris)]
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        built = (
            _begun(subject, self._certificate.subject, key, DAYS)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(both), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        files = Files(folder / f"{name}.pem", folder / f"{name}.key", self._file)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_file(files.key, _pem(key), 0o600)
            write_file(files.certificate, built.public_bytes(serialization.Encoding.PEM), 0o644)
        except OSError as error:
            raise TransportError(f"{files.certificate}: {error.strerror or error}") from error
        return files


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write_file(path: Path, octets: bytes, mode: int) -> None:
    """Whole or not at all, and at no time readable by others than `mode` says. OSError."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(descriptor, octets)
    finally:
        os.close(descriptor)
    beside.replace(path)
