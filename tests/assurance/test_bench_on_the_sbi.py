"""The bench's own ends of the SBI on bad ground: targets that answer nonsense or nothing, and files that are none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from cinq.assurance import credentials
from cinq.assurance.credentials import Credentials, CredentialsError, Sbi
from cinq.assurance.sbi import frames, nf
from cinq.assurance.sbi.wire import Wire
from cinq.assurance.verdict import Verdict
from cinq.ran.scenarios.check import Failed
from cinq.sbi.certificates import Authority
from cinq.sbi.token import SigningKey, TokenError, TrustedKeys
from cinq.transport.http2 import Request, Response, Secured, serve

from .plain import played
from .test_http2_attacks import HOST, PORT, WHERE, target_of

pytestmark = pytest.mark.kernel
Says = Callable[[Request], Response]
JSON = (("content-type", "application/json"),)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda each: (
        st.lists(each, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("nfServices", "nfServiceList", "serviceName", "ipEndPoints", "fqdn", "port", "scheme", "x")
            )
            | st.text(max_size=4),
            each,
            max_size=6,
        )
    ),
    max_leaves=12,
)


def nothing_of_the_sort(request: Request) -> Response:
    return Response(200, JSON, b"[1, 2]")


def registers_and_then_lies(request: Request) -> Response:
    if request.method == "PUT":
        return Response(201, JSON, b"{}")
    return Response(200, JSON, b'{"nfInstances": [{"nfServices": 5}, 7, null], "access_token": 9}')


def deep(request: Request) -> Response:
    return Response(201 if request.method == "PUT" else 200, JSON, b"[" * 100_000)


def faulty(request: Request) -> Response:
    return Response(500)


def not_utf_8(request: Request) -> Response:
    return Response(201 if request.method == "PUT" else 200, JSON, b"\xff\xfe{}")


@pytest.mark.kernel
@pytest.mark.parametrize("says", [nothing_of_the_sort, registers_and_then_lies, deep, faulty, not_utf_8])
@pytest.mark.parametrize(
    ("case", "sub"),
    [
        ("33117-4.4.4", "DEV-090"),
        ("33117-4.4.4", "DEV-113"),
        ("33117-4.3.6.3", "producers"),
        ("33117-4.2.2.2.3.1", "signature"),
        ("33117-4.3.4.11", "SBI"),
    ],
)
def test_nonsense_is_not_judged(case: str, sub: str, says: Says) -> None:
    """A control fails, and nothing else of the bench does."""
    wire = Wire(WHERE)

    async def answer(request: Request, peer: Secured) -> Response:
        return says(request)

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        server = await serve(HOST, PORT, answer)
        try:
            yield
        finally:
            wire.close()
            await server.close()

    judged, _ = played(case, sub, target_of(WHERE), around, sbi=wire)
    assert judged.verdict is Verdict.INCONCLUSIVE, judged.reason


@pytest.mark.kernel
def test_nobody_is_there() -> None:
    wire = Wire(WHERE)
    judged, _ = played("33518-4.2.2.2.1", "A", target_of(WHERE), sbi=wire)
    wire.close()
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert f"{HOST}:{PORT}" in judged.reason


@given(TREES, st.text(max_size=8))
def test_any_profile_is_read_or_refused(tree: object, service: str) -> None:
    profile = tree if isinstance(tree, dict) else {"nfServices": [tree]}
    with suppress(Failed):
        nf.Found("UDM", "x", profile).root_of(service)


@given(st.binary(max_size=64))
def test_any_body_is_read_or_refused(octets: bytes) -> None:
    answer = nf.Answer(Response(200, JSON, octets))
    assert isinstance(answer.cause, str)
    assert str(answer).startswith("200")
    with suppress(Failed):
        assert isinstance(answer.tree, dict)


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_octets_of_a_server_are_frames_or_nothing(pieces: list[bytes]) -> None:
    async def main() -> None:
        link = frames.Link()
        for piece in pieces:
            link.data_received(piece)
        for block in link.answered.values():
            assert frames.status_of(block) >= 0

    asyncio.run(main())


@given(st.text(max_size=60))
def test_any_text_is_a_token_or_none(text: str) -> None:
    with suppress(ValueError):
        credentials.read(text)


def test_tokens_are_what_a_foreign_library_reads(tmp_path: Path) -> None:
    """joserfc, by way of the core: it takes ES256 of the right key, and nothing else."""
    key = SigningKey.kept(tmp_path / "key.pem")
    own = Credentials(Sbi(token_key=str(tmp_path / "key.pem"))).token_key
    header, claims = (
        {"kid": key.identifier},
        {"iss": "a", "sub": "b", "aud": "UDM", "scope": "x", "exp": 1 << 40},
    )
    keys = TrustedKeys.of(key)
    good = credentials.es256(header, claims, own)
    assert keys.claims(good).aud == "UDM"
    assert credentials.read(good)[1] == claims
    stranger = ec.generate_private_key(ec.SECP256R1())
    for bad in (
        credentials.spoilt(good),
        credentials.unsigned(header, claims),
        credentials.hs256(header, claims, credentials.public_pem(own)),
        credentials.es256(header, claims, stranger),
    ):
        with pytest.raises(TokenError):
            keys.claims(bad)


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    with pytest.raises(CredentialsError, match=r"no\.pem"):
        _ = Credentials(Sbi(token_key=str(tmp_path / "no.pem"))).token_key
    with pytest.raises(CredentialsError, match="absent"):
        _ = Credentials(Sbi(token_key=str(tmp_path / "absent"))).token_key
    files = Authority.kept(tmp_path).issue(tmp_path, "bench", ["urn:uuid:1"], ["127.0.0.1"])
    where = Sbi(certificate=str(files.certificate), key=str(files.key), authorities=str(files.authorities))
    with pytest.raises(CredentialsError, match="found 1 URIs"):
        _ = Credentials(where).instances


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"nrf": "core:7777"}, "wanted an API root"),
        ({"nrf": "https://core:7777"}, "wanted all three"),
        ({"nrf": "http://core:7777", "key": "k"}, "wanted all three or none"),
        ({"status_callback": "http://core"}, "wanted a URI with a path"),
    ],
)
def test_a_section_that_does_not_hold_together(keys: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Sbi(**keys)  # type: ignore[arg-type]


def test_a_request_that_the_bench_writes_is_what_a_foreign_decoder_reads() -> None:
    import hpack

    decoder = hpack.Decoder()
    found = dict(
        decoder.decode(frames.block("GET", "/x" * 90, "core:7777", ("content-type", "application/json")))
    )
    assert found == {
        ":method": "GET",
        ":scheme": "https",
        ":path": "/x" * 90,
        ":authority": "core:7777",
        "content-type": "application/json",
    }
    assert json.dumps(found)
