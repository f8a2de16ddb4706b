"""Client credentials assertions: TS 33.501 §13.3.8.3, TS 29.500 §6.7.5."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jws
from joserfc.jwk import ECKey

from cinq.procedure import RealClock
from cinq.sbi import Problem
from cinq.sbi.assertion import Assertions
from cinq.sbi.certificates import Authority, Files

AMF, OTHER = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> Files:
    return Authority.kept(tmp_path).issue(tmp_path, "amf", [f"urn:uuid:{AMF}"], ["127.0.0.1"])


def asserted(files: Files, key: Path | None = None, x5c: object = None, **claims: object) -> str:
    now = int(time.time())
    said = {"sub": AMF, "iat": now, "exp": now + 60, "aud": ["NRF", "PCF"], **claims}
    der = x509.load_pem_x509_certificate(files.certificate.read_bytes()).public_bytes(Encoding.DER)
    header = {"alg": "ES256", "x5c": [base64.b64encode(der).decode()] if x5c is None else x5c}
    private = ECKey.import_key((key or files.key).read_bytes())
    payload = json.dumps({name: each for name, each in said.items() if each is not None}).encode()
    return jws.serialize_compact(header, payload, private, algorithms=["ES256"])


def test_it_says_who_the_consumer_is(files: Files) -> None:
    assertions = Assertions(files.authorities, RealClock())
    assert assertions.verify(asserted(files), "PCF", None) == AMF
    assert assertions.verify(asserted(files, aud="PCF"), "PCF", AMF.upper()) == AMF
    with pytest.raises(Problem, match="403 TOKEN_CCA_MISMATCH"):
        assertions.verify(asserted(files), "PCF", OTHER)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"iat": 4_000_000_000, "exp": 4_000_000_060},
        {"aud": "UDM"},
        {"aud": []},
        {"sub": OTHER},
        {"sub": None},
        {"exp": None},
        {"exp": "soon"},
        {"x5c": []},
        {"x5c": ["AAAA"]},
        {"x5c": ["!"]},
        {"x5c": ["AAAA"] * 9},
    ],
)
def test_assertions_that_do_not_hold(files: Files, claims: dict[str, object]) -> None:
    with pytest.raises(Problem, match="403 CCA_VERIFICATION_FAILURE"):
        Assertions(files.authorities, RealClock()).verify(asserted(files, **claims), "PCF", None)  # type: ignore[arg-type]


def test_a_certificate_of_others_and_a_key_of_others(files: Files, tmp_path: Path) -> None:
    elsewhere = tmp_path / "foreign"
    foreign = Authority.kept(elsewhere).issue(elsewhere, "amf", [f"urn:uuid:{AMF}"], ["127.0.0.1"])
    assertions = Assertions(files.authorities, RealClock())
    deep = base64.urlsafe_b64encode(b"[" * 6000).decode().rstrip("=")
    for wrong in (
        asserted(foreign),
        asserted(files, key=foreign.key),
        "x",
        "a.b.c",
        "x" * 9000,
        "é.é.é",
        f"{deep}.e30.AAAA",
    ):
        with pytest.raises(Problem, match="403 CCA_VERIFICATION_FAILURE"):
            assertions.verify(wrong, "PCF", None)
