"""Client credentials assertions: who the consumer is, by its own signature, whoever forwards the request.

TS 33.501 §13.3.8, TS 29.500 §6.7.5: a JWT that is signed with the key of the consumer's certificate, which comes along
in x5c. One that comes is verified; it takes no token's place.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from cinq.procedure import Clock, Why
from cinq.sbi.caller import URN
from cinq.sbi.operation import Model
from cinq.sbi.problem import Problem
from cinq.sbi.token import ALGORITHMS, LONGEST
from cinq.transport.error import TransportError

HEADER = "3gpp-sbi-client-credentials"
MOST_CERTIFICATES = 4
REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS)
REGISTRY.max_header_length = LONGEST  # certificates are in it
SKEW_S = 60.0  # by which clocks may differ


class ClientCredentials(Model):
    """sub: the consumer. aud: NF types of those that it is for. iat, exp: seconds since 1970."""

    sub: str
    iat: int
    exp: int
    aud: str | list[str]


class Assertions:
    """authorities: a PEM file of those that sign the certificates of consumers. TransportError: it cannot be read."""

    def __init__(self, authorities: Path, clock: Clock) -> None:
        try:
            self._store = Store(x509.load_pem_x509_certificates(authorities.read_bytes()))
        except (OSError, ValueError) as error:
            raise TransportError(f"TLS: {authorities}: {error}") from error
        self._clock = clock

    def verify(self, assertion: str, nf_type: str, token_subject: str | None) -> str:
        """The consumer. Problem 403 CCA_VERIFICATION_FAILURE, or TOKEN_CCA_MISMATCH where the token is another's."""
        try:
            said = self._said(assertion)
        except ValueError as error:
            raise _failed(str(error)) from None
        now = self._clock.now()
        if said.exp <= now or said.iat > now + SKEW_S:
            raise _failed("it is not for now")
        audience = [said.aud] if isinstance(said.aud, str) else said.aud
        if nf_type not in audience:
            raise _failed(f"it is not for {nf_type}")
        if token_subject is not None and token_subject.lower() != said.sub.lower():
            raise Problem(403, "TOKEN_CCA_MISMATCH", Why("the access token is another function's"))
        return said.sub.lower()

    def _said(self, assertion: str) -> ClientCredentials:
        """ValueError: what does not hold."""
        if len(assertion) > LONGEST:
            raise ValueError(f"more than {LONGEST} octets")
        try:
            chain = _chain(
                jws.extract_compact(assertion.encode("ascii"), registry=REGISTRY).headers().get("x5c")
            )
            at = datetime.fromtimestamp(self._clock.now(), UTC).replace(tzinfo=None)
            verifier = PolicyBuilder().store(self._store).time(at).build_client_verifier()
            verifier.verify(chain[0], chain[1:])
            pem = (
                chain[0]
                .public_key()
                .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            )
            payload = jws.deserialize_compact(assertion, ECKey.import_key(pem), registry=REGISTRY).payload
            said = msgspec.json.decode(payload or b"", type=ClientCredentials)
        except VerificationError:
            raise ValueError("its certificate is of no authority that is trusted here") from None
        except (JoseError, msgspec.MsgspecError, TypeError, RecursionError, x509.ExtensionNotFound) as error:
            raise ValueError(f"it is none: {type(error).__name__}") from None
        names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        shown = [uri.lower() for uri in names.get_values_for_type(x509.UniformResourceIdentifier)]
        if f"{URN}{said.sub.lower()}" not in shown:
            raise ValueError("its subject is not whom its certificate names")
        return said


def _chain(given: object) -> list[x509.Certificate]:
    """Of x5c, the consumer's first (RFC 7515 §4.1.6). ValueError."""
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_CERTIFICATES:
        raise ValueError("there is no certificate in x5c")
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(str(one), validate=True)) for one in given]
    except ValueError:
        raise ValueError("a certificate in x5c cannot be read") from None


def _failed(what: str) -> Problem:
    return Problem(403, "CCA_VERIFICATION_FAILURE", Why(f"client credentials assertion: {what}"))
