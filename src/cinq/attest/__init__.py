"""What a person signs, so that a stranger can hold it against them: one form of JSON, DSSE envelopes, ed25519 keys.

It knows nothing of what is signed: dossiers of the assurance bench, policies of an operator.
"""

from cinq.attest.canonical import Plain, canonical
from cinq.attest.envelope import (
    Envelope,
    KeyFileError,
    Signature,
    decoded,
    holds,
    key_id,
    new_key,
    private_key,
    public_key,
    public_pem,
    signed,
)

__all__ = [
    "Envelope",
    "KeyFileError",
    "Plain",
    "Signature",
    "canonical",
    "decoded",
    "holds",
    "key_id",
    "new_key",
    "private_key",
    "public_key",
    "public_pem",
    "signed",
]
