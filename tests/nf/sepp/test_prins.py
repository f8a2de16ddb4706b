"""PRINS: joserfc opens what crosses, openssl exports the same keys, and nothing that was changed is taken."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey

from cinq.crypto import n32
from cinq.nf.sepp.prins import Keys, PrinsError, Security, Window, allows
from cinq.nf.sepp.settings import Ipx
from cinq.sbi.certificates import Authority
from cinq.sbi.message import Request, Response
from cinq.transport.tls_exporter import ExportingContext, exporter_of, one_for_each

MASTER = bytes(range(64))
ONE, OTHER = "0123456789abcdef", "fedcba9876543210"
AUTHORITY = "ausf.5gc.mnc070.mcc999.3gppnetwork.org"
BODY = {
    "supiOrSuci": "suci-0-999-70-0-0-0-0000000001",
    "servingNetworkName": "5G:mnc001.mcc001.3gppnetwork.org",
    "pei": "imeisv-4370816125816151",
    "more": {"list": [1, "imsi-999700000000001", None, True]},
}
REQUEST = Request(
    "POST",
    "/nudm-sdm/v2/imsi-999700000000001/sm-data?dnn=internet&x=imsi-999700000000001",
    (("content-type", "application/json"), ("authorization", "Bearer a.b.c"), ("accept", "*/*")),
    json.dumps(BODY).encode(),
)
KEY = ECKey.generate_key("P-256", private=True)
IPX = Ipx(
    "ipx.example.org", bytes(KEY.as_pem(private=False)), ("/payload/*/value/servingNetworkName", "/headers/-")
)


def ends(suite: str = "A256GCM", ipxes: tuple[Ipx, ...] = (IPX,)) -> tuple[Security, Security]:
    """The SEPP that began, and the other."""
    return (
        Security(ONE, OTHER, suite, Keys.of(MASTER, ONE, suite, initiator=True), ipxes),
        Security(OTHER, ONE, suite, Keys.of(MASTER, ONE, suite, initiator=False), ipxes),
    )


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "===")


@pytest.mark.parametrize("suite", ["A256GCM", "A128GCM"])
def test_there_and_back(suite: str) -> None:
    one, other = ends(suite)
    request, authority, message = other.opened_request(one.request(REQUEST, AUTHORITY, "7"))
    assert (request.method, request.target, request.headers) == (
        REQUEST.method,
        REQUEST.target,
        REQUEST.headers,
    )
    assert (json.loads(request.body), authority, message) == (BODY, AUTHORITY, "7")
    response = Response(
        201, (("content-type", "application/json"), ("location", "https://x/y")), b'{"kseaf":"00"}'
    )
    assert one.opened_response(other.response(response, "7"), "7") == response
    back, _, _ = one.opened_request(other.request(REQUEST, AUTHORITY, "8"))  # the other way
    assert back.target == REQUEST.target


def test_forms_and_lists_cross_too() -> None:
    one, other = ends()
    form = Request(
        "POST",
        "/oauth2/token",
        (("content-type", "application/x-www-form-urlencoded"),),
        b"a=1&b=%7B%22c%22%3A1%7D",
    )
    assert other.opened_request(one.request(form, AUTHORITY, "1"))[0] == form
    patch = Request(
        "PATCH", "/x", (("content-type", "application/json-patch+json"),), b'[{"op":"remove","path":"/a"}]'
    )
    assert other.opened_request(one.request(patch, AUTHORITY, "2"))[0] == patch
    other.opened_request(one.request(Request("GET", "/y"), AUTHORITY, "3"))


def test_joserfc_opens_it_and_finds_what_is_encrypted() -> None:
    one, _ = ends()
    message = json.loads(one.request(REQUEST, AUTHORITY, "7"))["reformattedData"]
    key = OctKey.import_key(one.keys.ours.pair.key)
    opened = jwe.decrypt_json(message, key, algorithms=["dir", "A256GCM"])
    values = json.loads(opened.plaintext or b"")["dataToEncrypt"]
    assert set(map(str, values)) == {
        "imsi-999700000000001",
        "Bearer a.b.c",
        BODY["supiOrSuci"],
        BODY["pei"],
    }
    clear = unb64(message["aad"])
    assert b"999700000000001" not in clear
    assert b"internet" in clear
    block = json.loads(clear)
    assert block["metaData"] == {"n32fContextId": OTHER, "messageId": "7", "authorizedIpxId": "null"}
    assert block["requestLine"]["authority"] == AUTHORITY


def test_a_message_is_taken_once() -> None:
    one, other = ends()
    first, second = (one.request(REQUEST, AUTHORITY, n) for n in "12")
    other.opened_request(second)
    other.opened_request(first)  # the network may change their order
    for again in (first, second):
        with pytest.raises(PrinsError, match="INTEGRITY_CHECK_FAILED"):
            other.opened_request(again)


def test_an_answer_is_of_its_request() -> None:
    one, other = ends()
    with pytest.raises(PrinsError, match="another request"):
        one.opened_response(other.response(Response(204), "7"), "8")


@pytest.mark.parametrize("part", ["protected", "aad", "iv", "ciphertext", "tag"])
def test_nothing_of_it_is_changed(part: str) -> None:
    one, other = ends()
    message = json.loads(one.request(REQUEST, AUTHORITY, "7"))
    octets = bytearray(unb64(message["reformattedData"][part]))
    octets[len(octets) // 2] ^= 1
    message["reformattedData"][part] = b64(bytes(octets))
    with pytest.raises(PrinsError):
        other.opened_request(json.dumps(message).encode())


def test_keys_of_requests_and_answers_and_of_both_ways_differ() -> None:
    one, other = ends()
    ways = (one.keys.ours, one.keys.to_ours, one.keys.theirs, one.keys.to_theirs)
    assert len({way.pair.key for way in ways} | {way.pair.salt for way in ways}) == 8
    with pytest.raises(PrinsError):
        one.opened_request(one.request(REQUEST, AUTHORITY, "7"))  # a mirror
    assert one.keys.ours.pair == other.keys.theirs.pair


def test_the_window_of_counters() -> None:
    window = Window()
    assert [window.take(n) for n in (0, 0, 5, 3, 3, 5, 1, 2000, 976, 977, 977, 5)] == [
        *(True, False, True, True, False, False, True, True),
        *(False, True, False, False),
    ]


def test_a_counter_comes_to_its_end() -> None:
    one, _ = ends()
    one.keys.ours.sent = 1 << 32
    assert one.keys.used_up
    with pytest.raises(PrinsError, match="ENCRYPTION_KEY_EXPIRED"):
        one.request(REQUEST, AUTHORITY, "7")


# what an IPX does


def changed(
    octets: bytes,
    operations: object,
    *,
    key: ECKey = KEY,
    identity: str = "ipx.example.org",
    tag: str | None = None,
) -> bytes:
    message = json.loads(octets)
    said = {
        "identity": identity,
        "operations": operations,
        "tag": message["reformattedData"]["tag"] if tag is None else tag,
    }
    signed = jws.serialize_json(
        {"protected": {"alg": "ES256"}}, json.dumps(said).encode(), key, algorithms=["ES256"]
    )
    message.setdefault("modificationsBlock", []).append(signed)
    return json.dumps(message).encode()


def test_an_ipx_changes_what_it_may() -> None:
    one, other = ends()
    operations = [
        {"op": "replace", "path": "/payload/0/value/servingNetworkName", "value": "5G:changed"},
        {"op": "add", "path": "/headers/-", "value": {"header": "via", "value": "ipx"}},
    ]
    sent = changed(one.request(REQUEST, AUTHORITY, "7"), operations)
    sent = changed(sent, None)  # the second has nothing to change, and says so
    request, _, _ = other.opened_request(sent)
    assert json.loads(request.body)["servingNetworkName"] == "5G:changed"
    assert json.loads(request.body)["pei"] == BODY["pei"]
    assert request.headers[-1] == ("via", "ipx")


@pytest.mark.parametrize(
    ("operations", "more", "kind"),
    [
        (
            [{"op": "replace", "path": "/requestLine/path", "value": "/nudr-dr"}],
            {},
            "MODIFICATIONS_INSTRUCTIONS",
        ),
        ([{"op": "replace", "path": "/metaData/messageId", "value": "8"}], {}, "MODIFICATIONS_INSTRUCTIONS"),
        (
            [{"op": "copy", "from": "/payload/0/value/pei", "path": "/payload/0/value/servingNetworkName"}],
            {},
            "MODIFICATIONS_INSTRUCTIONS",
        ),
        (
            [{"op": "replace", "path": "/payload/0/value/servingNetworkName", "value": {"encBlockIndex": 0}}],
            {},
            "moved an encrypted value",
        ),
        (
            [{"op": "replace", "path": "/payload/0/value/servingNetworkName", "value": "{encBlockIndex:0}"}],
            {},
            "moved an encrypted value",
        ),
        ([{"op": "remove", "path": "/payload/9/value/servingNetworkName"}], {}, "MODIFICATIONS_INSTRUCTIONS"),
        (None, {"key": ECKey.generate_key("P-256", private=True)}, "INTEGRITY_CHECK_ON_MODIFICATIONS_FAILED"),
        (None, {"identity": "other.example.org"}, "INTEGRITY_CHECK_ON_MODIFICATIONS_FAILED"),
        (None, {"tag": "AAAA"}, "INTEGRITY_CHECK_ON_MODIFICATIONS_FAILED"),
        ("no patch", {}, "INTEGRITY_CHECK_ON_MODIFICATIONS_FAILED"),
    ],
)
def test_an_ipx_changes_nothing_else(operations: object, more: dict[str, object], kind: str) -> None:
    one, other = ends()
    sent = changed(one.request(REQUEST, AUTHORITY, "7"), operations, **more)  # type: ignore[arg-type]
    with pytest.raises(PrinsError, match=kind):
        other.opened_request(sent)


def test_more_than_two_have_no_place_on_the_way() -> None:
    one, other = ends()
    sent = one.request(REQUEST, AUTHORITY, "7")
    for _ in range(3):
        sent = changed(sent, None)
    with pytest.raises(PrinsError, match="too many"):
        other.opened_request(sent)


def test_patterns_of_the_modification_policy() -> None:
    assert allows(("/a/*/b", "/c/*"), "/a/0/b")
    assert allows(("/a/*/b", "/c/*"), "/c/d/e")
    assert not allows(("/a/*/b", "/c/*"), "/a/0/1/b")
    assert not allows(("/a.b",), "/aXb")
    assert not allows((), "/a")


# whatever comes


@given(st.binary(max_size=200))
def test_any_octets_are_a_message_or_a_prins_error(octets: bytes) -> None:
    with pytest.raises(PrinsError):
        ends()[1].opened_request(octets)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=6), each, max_size=3),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["metaData", "requestLine", "headers", "payload", "x"]), JSON), JSON)
def test_any_blocks_of_a_partner_are_a_request_or_a_prins_error(
    clear: dict[str, object], secret: object
) -> None:
    """The partner has the key, and writes what it likes."""
    one, other = ends()
    metadata = {"n32fContextId": OTHER, "messageId": "1", "authorizedIpxId": "null"}
    block = {**clear, "metaData": metadata}
    values = secret if isinstance(secret, list) else [secret]
    with contextlib.suppress(PrinsError):
        request, _, _ = other.opened_request(one._sealed(one.keys.ours, block, values))
        assert isinstance(request, Request)


@given(st.dictionaries(st.text(max_size=8).filter(lambda key: "encBlock" not in key), JSON, max_size=4))
def test_any_body_comes_out_as_it_went_in(tree: dict[str, object]) -> None:
    one, other = ends()
    sent = Request("POST", "/x", (("content-type", "application/json"),), json.dumps(tree).encode())
    assert json.loads(other.opened_request(one.request(sent, AUTHORITY, "1"))[0].body) == tree


# keys of the connection


def _context(folder: Path, kind: type[ssl.SSLContext]) -> ssl.SSLContext:
    context = kind(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "x.pem", folder / "x.key")
    return context


async def _with_server(folder: Path, body: Callable[[int], object]) -> list[tuple[bytes, str]]:
    """Each connection has a context of its own, of which the secret is read when the client has spoken."""
    Authority.kept(folder).issue(folder, "x", [], ["sepp.example.org"])
    found: list[tuple[bytes, str]] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        found.append(exporter_of(writer.get_extra_info("ssl_object")))
        writer.write(b"heard\n")
        await writer.drain()
        writer.close()

    context = _context(folder, ssl.SSLContext)
    one_for_each(context, lambda: _context(folder, ExportingContext))  # type: ignore[arg-type, return-value]
    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=context)
    async with server:
        await body(server.sockets[0].getsockname()[1])  # type: ignore[misc]
    return found


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_keys_are_those_that_openssl_exports(tmp_path: Path) -> None:
    exported: list[str] = []

    async def client(port: int) -> None:
        words = ["s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3", "-servername", "sepp.example.org"]
        words += ["-keymatexport", "EXPORTER_3GPP_N32_MASTER", "-keymatexportlen", "64"]
        process = await asyncio.create_subprocess_exec(
            "openssl",
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await process.communicate(b"hello\n")
        exported.extend(
            line.rpartition(" ")[2]
            for line in out.decode(errors="replace").splitlines()
            if "Keying material: " in line
        )

    (found,) = asyncio.run(_with_server(tmp_path, client))
    assert exported[0].lower() == n32.exported(*found).hex()
