"""When a dossier was there at the latest, by the word of a time-stamping authority (RFC 3161).

A token stands in a file of its own beside the dossier and is about all its octets, so that other tools can judge it
(`openssl ts -verify -data core.zip -in core.zip.tsr`). A signature that is added later wants another one.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.x509 import Certificate, load_pem_x509_certificates

from cinq.assurance.dossier.archive import DossierError

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

ANSWER = 1 << 20  # octets of an authority's answer
WITHIN_S = 30.0
NO_LIBRARY = "rfc3161-client is not installed: pip install 'cinq[timestamp]'"


def request(octets: bytes) -> bytes:
    """What an authority is asked: SHA-256 of a dossier, a nonce, and its certificate (a TimeStampReq in DER)."""
    try:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
    except ImportError:
        raise DossierError("", NO_LIBRARY) from None
    return TimestampRequestBuilder().data(octets).hash_algorithm(HashAlgorithm.SHA256).build().as_bytes()


def asked(url: str, question: bytes) -> bytes:
    """The answer of an authority over HTTP (RFC 3161 §3.4). DossierError: none came, or none that can be one."""
    if not url.startswith(("http://", "https://")):
        raise DossierError("", f"{url}: wanted http:// or https://")
    try:
        wanted = urllib.request.Request(url, question, {"Content-Type": "application/timestamp-query"})
        with urllib.request.urlopen(wanted, timeout=WITHIN_S) as answer:
            octets: bytes = answer.read(ANSWER + 1)
    except (OSError, ValueError) as error:
        raise DossierError("", f"{url}: {getattr(error, 'reason', error)}") from None
    if len(octets) > ANSWER:
        raise DossierError("", f"{url}: an answer of more than {ANSWER} octets")
    return octets


def stamped(dossier: bytes, token: bytes, roots: Sequence[Certificate]) -> datetime:
    """When it was there at the latest. DossierError: the token is of something else, or of no authority of these."""
    try:
        from rfc3161_client import VerificationError, VerifierBuilder
    except ImportError:
        raise DossierError("", NO_LIBRARY) from None
    answer = _decoded(token)
    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify_message(answer, dossier)
    except (VerificationError, ValueError) as error:
        raise DossierError("", f"the time stamp does not hold: {error}") from None
    return answer.tst_info.gen_time


def certificates(path: Path) -> list[Certificate]:
    """Of authorities that are trusted (PEM). DossierError: there is none in it."""
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except ValueError as error:
        raise DossierError("", f"{path}: wanted certificates (PEM): {error}") from None


def _decoded(token: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    try:
        return decode_timestamp_response(token)
    except ValueError as error:
        raise DossierError("", f"no time stamp (RFC 3161): {error}") from None
