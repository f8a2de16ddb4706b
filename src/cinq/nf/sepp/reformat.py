"""An HTTP message as JSON, TS 29.573 §6.2.5 and TS 33.501 §13.2.4.3: what is in the clear, and what is to be encrypted.

    clear, secret = blocks_of_request(request, authority, metadata)
    request, authority = request_of(clear, secret)

What is encrypted end to end (TS 33.501 §5.9.3.3) is taken out of the message, with its index left in its place: in a
value {"encBlockIndex": 3}, in a path or a query {encBlockIndex:3}.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast
from urllib.parse import parse_qsl, quote, unquote, urlencode

import msgspec

from cinq.nf.sepp.bodies import DEEPEST, TREES
from cinq.sbi.message import FORM, Headers, Request, Response, media_type
from cinq.sbi.services.n32c_handshake import IeType

Tree = dict[str, object]
_BY_TYPE: dict[IeType, tuple[str, ...]] = {
    "UEID": ("supi", "supiOrSuci", "suci", "pei", "gpsi", "gpsis"),
    "AUTHENTICATION_MATERIAL": (
        *("rand", "autn", "auts", "xres", "xresStar", "hxresStar", "resStar"),
        *("5gAuthData", "eapPayload", "authenticationVector"),
    ),
    "KEY_MATERIAL": ("kseaf", "kSeaf", "kausf", "kAusf", "ckPrime", "ikPrime"),
    "LOCATION": ("userLocation", "ueLocation", "nrLocation", "ncgi"),
    "AUTHORIZATION_TOKEN": ("access_token",),
}
ENCRYPTED = {name: kind for kind, names in _BY_TYPE.items() for name in names}
"""NF API data-type placement (TS 33.501 §13.2.3.3): attributes whose values are encrypted, wherever they are."""
TYPES = tuple(_BY_TYPE)
HEADERS = ("authorization", "3gpp-sbi-correlation-info")
INDEX = "encBlockIndex"
MOST_BLOCKS = 256
_IDENTITY = re.compile(r"(?:imsi|suci|nai|imei|imeisv|msisdn)-[0-9A-Za-z@._-]+")
_REFERENCE = re.compile(r"\{encBlockIndex:(\d{1,4})\}")


class ReformatError(ValueError):
    """A message that cannot be made again. reason: INVALID_JSON_POINTER, INVALID_INDEX_TO_ENCRYPTED_BLOCK or
    INVALID_HTTP_HEADER (TS 29.573 §6.1.5.3.9)."""

    def __init__(self, reason: str, attribute: str) -> None:
        self.reason, self.attribute = reason, attribute
        super().__init__(f"{attribute}: {reason}")


class _Secrets:
    """What is encrypted, by index."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def take(self, value: object) -> int:
        if len(self.values) >= MOST_BLOCKS:
            raise ReformatError("INVALID_INDEX_TO_ENCRYPTED_BLOCK", "dataToEncrypt")
        self.values.append(value)
        return len(self.values) - 1

    def text(self, text: str) -> str:
        """Identities in a path or a query."""
        return _IDENTITY.sub(lambda found: f"{{{INDEX}:{self.take(unquote(found[0]))}}}", text)

    def tree(self, value: object, name: str = "", deep: int = 0) -> object:
        if deep > DEEPEST:
            raise ReformatError("INVALID_JSON_POINTER", name)
        if name in ENCRYPTED or (isinstance(value, str) and _IDENTITY.search(value)):
            return {INDEX: self.take(value)}
        if isinstance(value, dict):
            return {self.text(key): self.tree(each, key, deep + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [self.tree(each, "", deep + 1) for each in value]
        return value


def blocks_of_request(request: Request, authority: str, metadata: Tree) -> tuple[Tree, list[object]]:
    """The block that is protected, and the values that are encrypted. ReformatError."""
    secrets = _Secrets()
    path, _, query = request.target.partition("?")
    line: Tree = {
        "method": request.method,
        "scheme": "https",
        "authority": authority,
        "path": secrets.text(path),
        "protocolVersion": "HTTP/2",
    }
    if query:
        line["queryFragment"] = secrets.text(query)
    clear: Tree = {"metaData": metadata, "requestLine": line}
    return _with_the_rest(clear, request.headers, request.body, secrets), secrets.values


def blocks_of_response(response: Response, metadata: Tree) -> tuple[Tree, list[object]]:
    secrets = _Secrets()
    clear: Tree = {"metaData": metadata, "statusLine": f"HTTP/2 {response.status}"}
    return _with_the_rest(clear, response.headers, response.body, secrets), secrets.values


def _with_the_rest(clear: Tree, headers: Headers, body: bytes, secrets: _Secrets) -> Tree:
    shown = [
        {
            "header": name,
            "value": {INDEX: secrets.take(value)} if name in HEADERS or _IDENTITY.search(value) else value,
        }
        for name, value in headers
    ]
    if shown:
        clear["headers"] = shown
    if body:
        kind = media_type(next((value for name, value in headers if name == "content-type"), None))
        clear["payload"] = _payload(kind, body, secrets)
    return clear


def _payload(kind: str, body: bytes, secrets: _Secrets) -> list[Tree]:
    """A JSON object, a list of them, or a form."""
    if kind == FORM:
        tree: object = dict(parse_qsl(body.decode(), keep_blank_values=True))
    elif kind in TREES:
        try:
            tree = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            raise ReformatError("INVALID_JSON_POINTER", "payload") from None
    else:
        raise ReformatError("INVALID_HTTP_HEADER", "content-type")
    listed = enumerate(tree) if isinstance(tree, list) else [("", tree)]
    return [
        {
            "iePath": f"/{at}" if at != "" else "",
            "ieValueLocation": "BODY",
            "value": secrets.tree(value),
        }
        for at, value in listed
    ]


# and back


class _Found:
    """Puts encrypted values into their places."""

    def __init__(self, values: list[object]) -> None:
        self._values = values

    def value(self, index: object, attribute: str) -> object:
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(self._values):
            raise ReformatError("INVALID_INDEX_TO_ENCRYPTED_BLOCK", attribute)
        return self._values[index]

    def text(self, text: str, attribute: str, written: Callable[[str], str]) -> str:
        def put(found: re.Match[str]) -> str:
            value = self.value(int(found[1]), attribute)
            if not isinstance(value, str):
                raise ReformatError("INVALID_INDEX_TO_ENCRYPTED_BLOCK", attribute)
            return written(value)

        return _REFERENCE.sub(put, text)

    def tree(self, value: object, deep: int = 0) -> object:
        if deep > DEEPEST:
            raise ReformatError("INVALID_JSON_POINTER", "payload")
        if isinstance(value, dict):
            if set(value) == {INDEX}:
                return self.value(value[INDEX], "payload")
            return {self.text(key, "payload", str): self.tree(each, deep + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [self.tree(each, deep + 1) for each in value]
        return value


def request_of(clear: Tree, secret: list[object]) -> tuple[Request, str]:
    """The request and the authority that it is for. ReformatError."""
    line, found = clear.get("requestLine"), _Found(secret)
    if not isinstance(line, dict):
        raise ReformatError("INVALID_HTTP_HEADER", "requestLine")
    method, path, authority = (_text(line, name) for name in ("method", "path", "authority"))
    target = found.text(path, "requestLine/path", _quoted)
    if "queryFragment" in line:
        target += "?" + found.text(_text(line, "queryFragment"), "requestLine/queryFragment", _quoted)
    headers = _headers(clear, found)
    return Request(method, target, headers, _body(clear, headers, found)), authority


def response_of(clear: Tree, secret: list[object]) -> Response:
    """ReformatError."""
    found, line = _Found(secret), re.fullmatch(r"HTTP/2(?:\.0)? (\d{3})(?: .*)?", _text(clear, "statusLine"))
    if line is None:
        raise ReformatError("INVALID_HTTP_HEADER", "statusLine")
    headers = _headers(clear, found)
    return Response(int(line[1]), headers, _body(clear, headers, found))


def _quoted(value: str) -> str:
    return quote(value, safe=":@")


def _text(tree: Tree, name: str) -> str:
    value = tree.get(name)
    if not isinstance(value, str):
        raise ReformatError("INVALID_HTTP_HEADER", name)
    return value


def _headers(clear: Tree, found: _Found) -> Headers:
    made: list[tuple[str, str]] = []
    for each in _list(clear, "headers"):
        name, value = each.get("header"), found.tree(each.get("value"))
        if not isinstance(name, str) or not isinstance(value, str):
            raise ReformatError("INVALID_HTTP_HEADER", "headers")
        made.append((name.lower(), value))
    return tuple(made)


def _body(clear: Tree, headers: Headers, found: _Found) -> bytes:
    parts = _list(clear, "payload")
    if not parts:
        return b""
    trees = [found.tree(each.get("value")) for each in parts]
    places = [each.get("iePath") for each in parts]
    kind = media_type(next((value for name, value in headers if name == "content-type"), None))
    if places == [""]:
        if kind == FORM:
            return _form(trees[0])
        return msgspec.json.encode(trees[0])
    if places != [f"/{n}" for n in range(len(places))]:
        raise ReformatError("INVALID_JSON_POINTER", "payload")
    return msgspec.json.encode(trees)


def _form(tree: object) -> bytes:
    if not isinstance(tree, dict) or not all(isinstance(value, str) for value in tree.values()):
        raise ReformatError("INVALID_JSON_POINTER", "payload")
    return urlencode(tree).encode()


def _list(clear: Tree, name: str) -> list[Tree]:
    value = clear.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ReformatError("INVALID_JSON_POINTER", name)
    return cast("list[Tree]", value)


def references(value: object, path: str = "") -> list[tuple[str, object]]:
    """Where encrypted values belong, and which: nobody on the way moves one (TS 33.501 §13.2.3.4)."""
    if isinstance(value, dict):
        if INDEX in value:
            return [(path, value[INDEX])]
        return [each for key, one in value.items() for each in references(one, f"{path}/{key}")]
    if isinstance(value, list):
        return [each for n, one in enumerate(value) for each in references(one, f"{path}/{n}")]
    if isinstance(value, str):
        return [(path, found) for found in _REFERENCE.findall(value)]
    return []
