"""URIs in messages: ours become names for the partner, names of ours become URIs again, and no others come in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeGuard

import msgspec

from cinq.home_domain import plmn_of_name, root_of
from cinq.nf.sepp.names import Names
from cinq.nf.sepp.settings import Partner
from cinq.procedure import Why
from cinq.sbi import Problem, multipart
from cinq.sbi.directory import places_of
from cinq.sbi.message import FORM, HAL, JSON, MULTIPART, PROBLEM, Headers, media_type
from cinq.sbi.multipart import MultipartError, Part
from cinq.sbi.nf_profile import NFProfile

TREES = (JSON, HAL, PROBLEM, "application/json-patch+json", "application/merge-patch+json")
URI = re.compile(r"https?://[^\s\"',;<>]+")
DEEPEST = 64
PROFILE = ("nfInstanceId", "nfType", "nfStatus", "plmnList", "sNssais", "priority", "capacity", "nfSetIdList")
SERVICE = (
    "serviceInstanceId",
    "serviceName",
    "versions",
    "nfServiceStatus",
    "priority",
    "capacity",
    "oauth2Required",
    "supportedFeatures",
)
"""What a partner is told of a function and of its services (TS 29.510 §6.2.6.2.3)."""
OWN_DETAIL = ("detail", "mend", "instance")
"""What problem details say of the inside, for our own people."""

Rename = Callable[[str], str]


class Bodies:
    """Of one partner. Each method gives another text; Problem: a URI is nobody's that may be named."""

    def __init__(self, names: Names, partner: Partner) -> None:
        self._names = names
        self._partner = partner

    def hide(self, uri: str) -> str:
        """A URI of ours, as the partner sees it. Those of the partner stay."""
        root, host = root_of(uri)
        if not root or self._names.is_ours(host) or self._is_theirs(host):
            return uri
        return self._names.hidden(root, self._partner) + uri[len(root) :]

    def restore(self, uri: str) -> str:
        """A URI that the partner sends, as we see it. Problem 403: it is in neither network (TS 33.501 §13.1)."""
        root, host = root_of(uri)
        if self._is_theirs(host):
            return uri
        found = self._names.root(host, self._partner) if self._names.is_ours(host) else None
        if found is None:
            raise Problem(403, None, Why(f"{uri[:120]} is no name that {self._partner.name} may give"))
        return found + uri[len(root) :]

    def _is_theirs(self, host: str) -> bool:
        return plmn_of_name(host, self._partner.plmns) is not None

    def text(self, text: str, rename: Rename) -> str:
        """A header's value."""
        return URI.sub(lambda found: rename(found[0]), text)

    def body(self, headers: Headers, octets: bytes, rename: Rename, profiles: bool) -> tuple[Headers, bytes]:
        """profiles: it is an answer of our NRF, and tells of functions."""
        kind = media_type(next((value for name, value in headers if name == "content-type"), None))
        if not octets or kind == FORM:
            return headers, octets
        if kind == MULTIPART:
            return self._multipart(headers, octets, rename)
        if kind not in TREES:
            raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", Why(f"Content-Type: found {kind[:60] or 'nothing'}"))
        tree = tree_of(octets)
        if profiles and isinstance(tree, dict):
            tree = self._discovered(tree)
        elif kind == PROBLEM and isinstance(tree, dict) and rename == self.hide:
            tree = {key: value for key, value in tree.items() if key not in OWN_DETAIL}
        return headers, msgspec.json.encode(_renamed(tree, rename))

    def _multipart(self, headers: Headers, octets: bytes, rename: Rename) -> tuple[Headers, bytes]:
        said = next((value for name, value in headers if name == "content-type"), "")
        try:
            parts = multipart.decode(said, octets)
        except MultipartError as error:
            raise Problem(400, "INVALID_MSG_FORMAT", Why(str(error))) from None
        made = [
            Part(p.content_type, p.content_id, msgspec.json.encode(_renamed(tree_of(p.octets), rename)))
            if p.content_type in TREES
            else p
            for p in parts
        ]
        content_type, body = multipart.encode(made)
        rest = tuple(each for each in headers if each[0] != "content-type")
        return (*rest, ("content-type", content_type)), body

    def _discovered(self, tree: dict[str, object]) -> dict[str, object]:
        """Of each profile what a partner needs, with names for addresses."""
        found = tree.get("nfInstances")
        instances = [self._profile(one) for one in found if isinstance(one, dict)] if _is_list(found) else []
        offering = [one for one in instances if one["nfServices"]]
        return {"validityPeriod": tree.get("validityPeriod", 1), "nfInstances": offering}

    def _profile(self, profile: Mapping[str, object]) -> dict[str, object]:
        listed, mapped = profile.get("nfServices"), profile.get("nfServiceList")
        services = [*(listed if _is_list(listed) else []), *(mapped.values() if _is_map(mapped) else [])]
        shown = {key: profile[key] for key in PROFILE if key in profile}
        made = [self._service(one, profile) for one in services if isinstance(one, dict)]
        return {**shown, "nfServices": [one for one in made if one is not None]}

    def _service(
        self, service: Mapping[str, object], profile: Mapping[str, object]
    ) -> dict[str, object] | None:
        """None: the partner may not ask for it, or nothing says where it is."""
        root = _root_of_service(service, profile)
        if service.get("serviceName") not in self._partner.services or root is None:
            return None
        name = root_of(self._names.hidden(root, self._partner))[1]
        shown = {key: service[key] for key in SERVICE if key in service}
        return {**shown, "scheme": "https", "fqdn": name}


def tree_of(octets: bytes) -> object:
    """Problem 400: it is no JSON, or too deep."""
    try:
        return msgspec.json.decode(octets)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Problem(400, "INVALID_MSG_FORMAT", Why(f"the body is no JSON: {error}")) from None


def _renamed(tree: object, rename: Rename, deep: int = 0) -> object:
    if deep > DEEPEST:
        raise Problem(400, "INVALID_MSG_FORMAT", Why(f"the body is more than {DEEPEST} deep"))
    if isinstance(tree, str):
        return rename(tree) if tree.startswith(("http://", "https://")) else tree
    if isinstance(tree, dict):
        return {key: _renamed(value, rename, deep + 1) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_renamed(value, rename, deep + 1) for value in tree]
    return tree


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _is_map(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _root_of_service(service: Mapping[str, object], profile: Mapping[str, object]) -> str | None:
    """Where it is reached inside, as its own consumers would find it (cinq.sbi.directory)."""
    alone = {**profile, "nfServices": [service], "nfServiceList": {}}
    try:
        read = msgspec.convert(alone, NFProfile)
    except msgspec.ValidationError:
        return None
    places = places_of(read, None)
    return places[0].root if places else None
