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
from cinq.sbi.caller import URN, Caller
from cinq.sbi.operation import Model
from cinq.sbi.problem import Problem
from cinq.sbi.token import ALGORITHMS, LONGEST
from cinq.transport.error import TransportError

HEADER = "3gpp-sbi-client-credentials"
MOST_CERTIFICATES = 4
LIFE_S, FRESH_S = 120, 60  # of an assertion that is made here; for so long the same is shown
KEPT = 1024  # assertions whose signature has been verified
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
    """authorities: a PEM file of those that sign the certificates of consumers. TransportError: it cannot be read.

    relays: NF instances of the SCPs that may forward what a consumer has asserted: what it says counts from them alone.
    """

    def __init__(self, authorities: Path, clock: Clock, relays: frozenset[str] = frozenset()) -> None:
        try:
            self._store = Store(x509.load_pem_x509_certificates(authorities.read_bytes()))
        except (OSError, ValueError) as error:
            raise TransportError(f"TLS: {authorities}: {error}") from error
        self._clock = clock
        self._verified: dict[str, ClientCredentials] = {}
        self.relays = relays

    def verify(self, assertion: str, nf_type: str, token_subject: str | None) -> str:
        """The consumer. Problem 403 CCA_VERIFICATION_FAILURE, or TOKEN_CCA_MISMATCH where the token is another's."""
        said = self._verified.get(assertion)
        try:
            said = said or self._said(assertion)
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
        if len(self._verified) >= KEPT:
            del self._verified[next(iter(self._verified))]
        self._verified[assertion] = said
        return said.sub.lower()

    def spoken_for(self, who: Caller, subject: str) -> Caller:
        """The caller, who may speak for the subject of an assertion that holds, where it is an SCP (§13.3.2.2)."""
        if not who.instances & self.relays:
            return who
        return Caller(who.tls, who.instances | {subject}, who.claims)

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


class Asserter:
    """What one process asserts of itself. instance: whom its certificate names. TransportError: the files."""

    def __init__(self, certificate: Path, key: Path, instance: str, clock: Clock) -> None:
        try:
            chain = x509.load_pem_x509_certificates(certificate.read_bytes())
            self._key = ECKey.import_key(key.read_bytes())
        except (OSError, ValueError, JoseError) as error:
            mend = "an assertion is signed with ES256: make a key of P-256"
            raise TransportError(
                f"client credentials assertion: {certificate}, {key}: {error}", mend
            ) from error
        der = [one.public_bytes(serialization.Encoding.DER) for one in chain[:MOST_CERTIFICATES]]
        self._header = {"alg": "ES256", "typ": "JWT", "x5c": [base64.b64encode(one).decode() for one in der]}
        self._instance, self._clock = instance, clock
        self._made: dict[tuple[str, ...], tuple[str, float]] = {}

    def __call__(self, nf_types: tuple[str, ...]) -> str:
        """For these NF types; the same for a while."""
        now = self._clock.now()
        made, until = self._made.get(nf_types, ("", 0.0))
        if until <= now:
            claims = ClientCredentials(
                sub=self._instance, iat=int(now), exp=int(now) + LIFE_S, aud=list(nf_types)
            )
            made = jws.serialize_compact(
                self._header, msgspec.json.encode(claims), self._key, registry=REGISTRY
            )
            self._made[nf_types] = made, now + FRESH_S
        return made


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
