"""Access tokens as JWTs that are signed with ES256: TS 29.510 §6.3.5.2.4, TS 33.501 §13.4.1, RFC 7515, RFC 7519.

    key = SigningKey.kept(folder / "nrf-token.pem")      # the NRF
    token = key.sign(claims)
    claims = TrustedKeys.of(key).claims(token)           # a producer; TokenError says what is wrong

ES256 alone is taken (TS 33.210 §6.3): what a token says of its own algorithm chooses nothing.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from cinq.sbi.body import missing_attribute
from cinq.sbi.certificates import write_file
from cinq.sbi.services.nnrf_accesstoken import AccessTokenClaims
from cinq.transport.error import TransportError

ALGORITHMS = ["ES256"]
LONGEST = 8192  # octets of a token
_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(AccessTokenClaims).decode


class TokenError(ValueError):
    """A token that is none, or not one of ours. missing: a claim that must be there and is not."""

    def __init__(self, what: str, missing: str = "") -> None:
        self.missing = missing
        super().__init__(what)


class SigningKey:
    """The private key of an NRF, on P-256."""

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self.identifier = key.thumbprint()

    @classmethod
    def made(cls) -> SigningKey:
        return cls(ECKey.generate_key("P-256", private=True))

    @classmethod
    def kept(cls, path: Path) -> SigningKey:
        """The key of a file; made with it where there is none. Its public half stands beside, as path + '.pub'."""
        public = path.with_name(path.name + ".pub")
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                key = cls.made()
                write_file(path, key._key.as_pem(private=True), 0o600)
            key = cls(_key_of(path, private=True))
            write_file(public, key.public, 0o644)
        except OSError as error:
            raise TransportError(f"{path}: {error.strerror or error}") from error
        return key

    @property
    def public(self) -> bytes:
        """PEM of the public key."""
        return bytes(self._key.as_pem(private=False))

    def sign(self, claims: AccessTokenClaims) -> str:
        header = {"alg": "ES256", "typ": "JWT", "kid": self.identifier}
        return jws.serialize_compact(header, _ENCODE(claims), self._key, algorithms=ALGORITHMS)


class TrustedKeys:
    """Public keys of the NRFs whose tokens are taken. paths: PEM files, read again where a token names another key."""

    def __init__(self, paths: tuple[Path, ...] = ()) -> None:
        self._paths = paths
        self._read: dict[Path, float] = {}
        self._keys: dict[str, ECKey] = {}

    @classmethod
    def of(cls, key: SigningKey) -> TrustedKeys:
        found = cls()
        public = ECKey.import_key(key.public)
        found._keys[public.thumbprint()] = public
        return found

    def claims(self, token: str) -> AccessTokenClaims:
        """What the token says, its signature having been verified; nothing else has been. TokenError."""
        if len(token) > LONGEST:
            raise TokenError(f"a token of more than {LONGEST} octets")
        try:
            header = jws.extract_compact(token.encode("ascii")).headers()
            key = self._named(header.get("kid"))
            payload = jws.deserialize_compact(token, key, algorithms=ALGORITHMS).payload
        except TokenError:
            raise
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise TokenError(f"its signature does not hold: {type(error).__name__}") from None
        try:
            return _DECODE(payload or b"")
        except msgspec.ValidationError as error:
            raise TokenError(f"its claims: {error}", missing_attribute(str(error))) from None
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            raise TokenError("its claims are no JSON") from None

    def _named(self, identifier: object) -> ECKey:
        found = self._keys.get(identifier) if isinstance(identifier, str) else None
        if found is None:
            self._read_again()
            found = self._keys.get(identifier) if isinstance(identifier, str) else None
        if found is None and identifier is None and len(self._keys) == 1:
            found = next(iter(self._keys.values()))
        if found is None:
            raise TokenError("it is signed with no key of an NRF that is trusted here")
        return found

    def _read_again(self) -> None:
        """Files that have changed since; who sends tokens of unknown keys makes us look at a file's time, no more."""
        for path in self._paths:
            try:
                changed = path.stat().st_mtime
                if self._read.get(path) != changed:
                    key = _key_of(path, private=False)
                    self._read[path] = changed
                    self._keys = {**self._keys, key.thumbprint(): key}
            except OSError:
                continue


def _key_of(path: Path, *, private: bool) -> ECKey:
    """TransportError: the file holds no key of P-256, or none with its private half."""
    try:
        key = ECKey.import_key(path.read_bytes())
    except (JoseError, ValueError, TypeError):
        raise TransportError(
            f"{path}: this is no key in PEM", "openssl ecparam -genkey -name prime256v1"
        ) from None
    if key.curve_name != "P-256" or (private and not key.is_private):
        wanted = "a private key" if private else "a key"
        raise TransportError(f"{path}: found {key.curve_name}, wanted {wanted} of P-256")
    return key
