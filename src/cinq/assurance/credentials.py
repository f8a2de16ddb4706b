"""Who the bench is on the SBI: the section of a target file, its certificate and keys, and what it signs with them.

JSON Web Signatures are made by hand here, since the bench has to make those that nobody may take.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from cinq.ran.scenarios.check import Failed
from cinq.settings import HexOctets, setting

URN = "urn:uuid:"
LEAST = 3
"""NF instances that the bench plays at a time: a consumer, and two that the target asks."""
PLAIN = tuple(f"0cb1a000-0000-4000-8000-{number:012x}" for number in range(1, 1 + LEAST))
"""Those of a bench that shows no certificate."""


@dataclass(frozen=True, slots=True)
class Sbi:
    """The bench on the service-based interface of the target. Without `nrf` none of these cases is tested."""

    nrf: str = setting("API root of the target's NRF, such as 'https://127.0.0.8:7777'.", "")
    address: IPv4Address | None = setting(
        "Own address of the bench's network functions, where those of the target reach them.", None
    )
    certificate: str = setting(
        "PEM file of the bench's certificate, by an authority that the target trusts. It names at least three NF "
        "instances that are the bench's own, as URIs 'urn:uuid:...', and the address above.",
        "",
    )
    key: str = setting("PEM file of its private key (P-256).", "")
    authorities: str = setting("PEM file of those that sign the certificates of the target's functions.", "")
    token_key: str = setting(
        "PEM file of a private key (P-256) whose access tokens the target's functions take: that of its NRF, or one "
        "that the lab has made them trust. With it the bench makes tokens that are wrong in one claim alone.",
        "",
    )
    status_callback: str = setting(
        "URI at which a function of the target takes the NRF's notifications, as it gave it to the NRF.",
        "",
    )
    profile_a: HexOctets = setting(
        "Public key of the home network for SUCIs of profile A (64 digits).", HexOctets(b"")
    )
    profile_a_id: int = setting("Identifier of that key, 0 to 255.", 0)
    profile_b: HexOctets = setting("That for profile B, compressed (66 digits).", HexOctets(b""))
    profile_b_id: int = setting("Identifier of that key, 0 to 255.", 0)

    def __post_init__(self) -> None:
        if self.nrf and not re.fullmatch(r"https?://[^/\s@]+", self.nrf):
            raise ValueError(f"nrf: found {self.nrf[:60]!r}, wanted an API root, 'https://127.0.0.8:7777'")
        if self.status_callback and not re.fullmatch(r"https?://[^/\s@]+/[!-~]+", self.status_callback):
            raise ValueError(
                f"status_callback: found {self.status_callback[:60]!r}, wanted a URI with a path"
            )
        files = {"certificate": self.certificate, "key": self.key, "authorities": self.authorities}
        missing = [name for name, value in files.items() if not value]
        if self.nrf.startswith("https") and missing:
            raise ValueError(
                f"{', '.join(missing)}: found nothing, wanted all three with an NRF that speaks TLS"
            )
        if missing and len(missing) < len(files):
            raise ValueError(f"{', '.join(missing)}: found nothing, wanted all three or none")


class CredentialsError(Failed):
    """The lab's files are not what they must be: which, and why."""


class Credentials:
    """What the files of the section hold. CredentialsError: at the first use of one that cannot be read."""

    def __init__(self, where: Sbi) -> None:
        self.where = where

    @cached_property
    def chain(self) -> list[x509.Certificate]:
        """The bench's certificate first; none in cleartext."""
        if not self.where.certificate:
            return []
        try:
            return x509.load_pem_x509_certificates(Path(self.where.certificate).read_bytes())
        except (OSError, ValueError) as error:
            raise CredentialsError(f"{self.where.certificate}: {error}") from None

    @cached_property
    def instances(self) -> tuple[str, ...]:
        """NF instances that the bench may say it is, in small letters."""
        if not self.chain:
            return PLAIN
        try:
            names = self.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            uris = []
        else:
            uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        found = tuple(uri[len(URN) :].lower() for uri in uris if uri.lower().startswith(URN))
        if len(found) < LEAST:
            raise CredentialsError(
                f"{self.where.certificate}: found {len(found)} URIs 'urn:uuid:...', wanted at least {LEAST}"
            )
        return found

    @cached_property
    def key(self) -> ec.EllipticCurvePrivateKey:
        return _key_of(self.where.key)

    @cached_property
    def token_key(self) -> ec.EllipticCurvePrivateKey:
        return _key_of(self.where.token_key)


def _key_of(path: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(Path(path).read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise CredentialsError(f"{path}: {error}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise CredentialsError(f"{path}: wanted a private key of P-256")
    return key


# JSON Web Signatures, RFC 7515 §3.1


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """ValueError: it is no base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _signed_part(header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"


def es256(header: Mapping[str, object], claims: Mapping[str, object], key: ec.EllipticCurvePrivateKey) -> str:
    """RFC 7518 §3.4: R and S, 32 octets each."""
    part = _signed_part({**header, "alg": "ES256"}, claims)
    r, s = decode_dss_signature(key.sign(part.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{part}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def hs256(header: Mapping[str, object], claims: Mapping[str, object], secret: bytes) -> str:
    """Its secret is what everybody knows: a reader that lets the token choose the algorithm takes it."""
    part = _signed_part({**header, "alg": "HS256"}, claims)
    return f"{part}.{b64(hmac.new(secret, part.encode(), hashlib.sha256).digest())}"


def unsigned(header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    return f"{_signed_part({**header, 'alg': 'none'}, claims)}."


def spoilt(token: str) -> str:
    """With one bit of its signature changed."""
    head, _, signature = token.rpartition(".")
    octets = bytearray(unb64(signature) or b"\0")
    octets[0] ^= 1
    return f"{head}.{b64(bytes(octets))}"


def read(token: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims, unverified. ValueError: it is no JWS of JSON objects."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("it is no JWS in compact form")
    header, claims = (json.loads(unb64(part)) for part in parts[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("its header or its claims are no JSON object")
    return header, claims


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
