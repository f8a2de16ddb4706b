"""Anti-spoofing on N32, TS 33.501 §5.9.3.2 and §13.1: a partner speaks for its own PLMNs, and of whom it may.

Looked at are the PLMNs in access tokens and headers, the serving network in names and identities, and whose subscriber
a request is about. Refusals carry the causes of TS 29.500 table 5.2.7.4-1.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl

import msgspec

from cinq.crypto import kdf
from cinq.home_domain import plmn_of_imsi
from cinq.nf.sepp.bodies import DEEPEST, tree_of
from cinq.nf.sepp.settings import Partner, Settings
from cinq.numbering import PlmnId
from cinq.procedure import Why
from cinq.sbi import InvalidParam, Problem, multipart
from cinq.sbi.message import FORM, MULTIPART, Request, media_type
from cinq.sbi.multipart import MultipartError
from cinq.sbi.request import path_of

ORIGINATING = "3gpp-sbi-originating-network-id"
_SUPI = re.compile(r"imsi-(\d{6,15})(?!\d)")
_SUCI = re.compile(r"suci-0-(\d{3})-(\d{2,3})-")
_NETWORK_ID = re.compile(r"\s*(\d{3})-(\d{2,3})(?=$|[-; ])")
SERVING = frozenset(("servingNetwork", "servingPlmn", "servCnPlmnId", "requesterPlmn", "requesterPlmnList"))
"""Attributes that name the network where a consumer is: the sender's, whatever the operation."""
BODY = 64 * 1024  # octets of a token that are looked at


class Facts:
    """What a request says, beside its method: words of its path, query and body, and its body as a tree."""

    def __init__(self, request: Request) -> None:
        self.segments = path_of(request.target)
        query = request.target.partition("?")[2]
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        self.tree = _tree(request)
        tree_words = (text for _, text in strings(self.tree))
        self.words = [*self.segments, *self.query.values(), *tree_words]

    @property
    def service(self) -> str:
        return self.segments[0] if self.segments else ""


def screen(request: Request, partner: Partner, settings: Settings) -> Facts:
    """Problem 403: the partner speaks for another network. 400: what it says cannot be read."""
    facts = Facts(request)
    _refuse_network(request, partner)
    _refuse_token(request, partner, settings)
    _refuse_subscribers(facts, partner, settings)
    _refuse_serving(facts, partner)
    _refuse_requester(facts, partner, settings)
    return facts


def is_callback(service: str) -> bool:
    """Whether it is a notification to a URI that a function of ours gave."""
    return service.endswith("-callback")


# what each looks at


def _refuse_network(request: Request, partner: Partner) -> None:
    """3gpp-Sbi-Originating-Network-Id (TS 29.500 §5.2.3.2.15), where it is there."""
    said = request.header(ORIGINATING)
    if said is None:
        return
    found = _NETWORK_ID.match(said)
    if found is None or PlmnId(found[1], found[2]) not in partner.plmns:
        why = Why(f"{ORIGINATING}: found {said[:60]}, which is not {partner.name}'s")
        raise Problem(403, "ORIGINATING_NETWORK_ID_MISMATCH", why)


def _refuse_token(request: Request, partner: Partner, settings: Settings) -> None:
    """The token's signature the producer verifies; its PLMNs are looked at here (TS 33.501 §13.4.1.2.2)."""
    said = request.header("authorization")
    if said is None:
        return
    claims = _claims(said)
    consumer, producer = plmn_of(claims.get("consumerPlmnId")), plmn_of(claims.get("producerPlmnId"))
    if consumer not in partner.plmns:
        raise _mismatch(f"the access token is for a consumer of {consumer or 'no PLMN'}", partner)
    if producer is not None and producer not in settings.plmns:
        raise _mismatch(f"the access token is for a producer of {producer}", partner)


def _claims(authorization: str) -> Mapping[str, object]:
    scheme, _, token = authorization.partition(" ")
    parts = token.strip().split(".")
    try:
        if scheme.lower() != "bearer" or len(parts) != 3 or len(token) > BODY:
            raise ValueError("no JWT")
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True))
        if isinstance(claims, dict):
            return claims
    except (ValueError, msgspec.DecodeError, RecursionError):
        pass
    raise Problem(403, "PLMNID_MISMATCH", Why("the access token cannot be read, so names no PLMN"))


def _refuse_subscribers(facts: Facts, partner: Partner, settings: Settings) -> None:
    """Whose home we are, the partner asks about ours; notifications to us are about its own subscribers."""
    whose = partner.plmns if is_callback(facts.service) else settings.plmns
    for word in facts.words:
        for suci in _SUCI.finditer(word):
            if PlmnId(suci[1], suci[2]) not in whose:
                raise _mismatch(f"a SUCI of PLMN {suci[1]}-{suci[2]}", partner)
        for supi in _SUPI.finditer(word):
            if plmn_of_imsi(supi[1], whose) is None:
                raise _mismatch(f"a SUPI that begins with {supi[1][:6]}", partner)


def _refuse_serving(facts: Facts, partner: Partner) -> None:
    """Serving network name, GUAMI, PLMN of a serving SMF: where the UE is, which is with the sender."""
    if is_callback(facts.service):
        return
    names = {kdf.snn(plmn.mcc, plmn.mnc) for plmn in partner.plmns}
    for key, text in strings(facts.tree):
        if key == "servingNetworkName" and text not in names:
            raise _mismatch(f"the serving network name {text[:80]}", partner)
    for path, plmn in plmns(facts.tree):
        serves = path[-1:] == ("plmnId",) or not SERVING.isdisjoint(path)
        if serves and plmn not in partner.plmns:
            raise _mismatch(f"{'/'.join(path)} of PLMN {plmn}", partner)
    asked = facts.query.get("plmn-id")
    if asked is not None and _of_json(asked) not in partner.plmns:
        raise _mismatch(f"plmn-id {asked[:60]}", partner)


def _refuse_requester(facts: Facts, partner: Partner, settings: Settings) -> None:
    """Of an NRF a partner says who asks, and asks for our functions alone."""
    if facts.service == "nnrf-disc":
        _among("requester-plmn-list", facts.query.get("requester-plmn-list"), partner.plmns, partner)
        _among("target-plmn-list", facts.query.get("target-plmn-list"), settings.plmns, partner)
    elif facts.service == "oauth2" and isinstance(facts.tree, dict):
        named = facts.tree.get("requesterPlmn")
        _among("requesterPlmn", f"[{named}]" if isinstance(named, str) else None, partner.plmns, partner)
        listed, target = facts.tree.get("requesterPlmnList"), facts.tree.get("targetPlmn")
        if isinstance(listed, str):
            _among("requesterPlmnList", listed, partner.plmns, partner)
        if isinstance(target, str):
            _among("targetPlmn", f"[{target}]", settings.plmns, partner)


def _among(name: str, said: str | None, allowed: Iterable[PlmnId], partner: Partner) -> None:
    """said: JSON of a list of PLMNs."""
    try:
        found = msgspec.json.decode(said or "")
    except (msgspec.DecodeError, RecursionError):
        found = None
    listed = [plmn_of(one) for one in found] if isinstance(found, list) else []
    if not listed:
        raise Problem(
            400,
            "MANDATORY_QUERY_PARAM_MISSING",
            Why(f"no {name}"),
            InvalidParam(param=name, reason="missing"),
        )
    for one in listed:
        if one not in tuple(allowed):
            raise _mismatch(f"{name} of PLMN {one}", partner)


# how it is read


def plmn_of(value: object) -> PlmnId | None:
    """Of an object with mcc and mnc; None: it is none."""
    if not isinstance(value, dict):
        return None
    mcc, mnc = value.get("mcc"), value.get("mnc")
    if not (isinstance(mcc, str) and isinstance(mnc, str)):
        return None
    if not re.fullmatch(r"[0-9]{3}", mcc) or not re.fullmatch(r"[0-9]{2,3}", mnc):
        return None
    return PlmnId(mcc, mnc)


def _of_json(text: str) -> PlmnId | None:
    try:
        return plmn_of(msgspec.json.decode(text))
    except (msgspec.DecodeError, RecursionError):
        return None


def _tree(request: Request) -> object:
    """The JSON of a body; of a form its fields. Problem 400."""
    said = request.header("content-type") or ""
    kind = media_type(said)
    if not request.body:
        return None
    if kind == FORM:
        try:
            text = request.body.decode()
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=DEEPEST))
        except ValueError as error:
            raise Problem(400, "INVALID_MSG_FORMAT", Why(f"the form: {error}")) from None
    if kind == MULTIPART:
        try:
            parts = multipart.decode(said, request.body)
        except MultipartError as error:
            raise Problem(400, "INVALID_MSG_FORMAT", Why(str(error))) from None
        return [tree_of(part.octets) for part in parts if part.content_type.endswith("json")]
    return tree_of(request.body)


def strings(tree: object, key: str = "", deep: int = 0) -> Iterator[tuple[str, str]]:
    """Every text of a tree, the names of its attributes too, each with the attribute that it is of. Problem 400."""
    if deep > DEEPEST:
        raise Problem(400, "INVALID_MSG_FORMAT", Why(f"the body is more than {DEEPEST} deep"))
    if isinstance(tree, str):
        yield key, tree
    elif isinstance(tree, dict):
        for name, value in tree.items():
            yield "", name
            yield from strings(value, name, deep + 1)
    elif isinstance(tree, list):
        for value in tree:
            yield from strings(value, key, deep + 1)


def plmns(
    tree: object, path: tuple[str, ...] = (), deep: int = 0
) -> Iterator[tuple[tuple[str, ...], PlmnId]]:
    """Every PLMN of a tree, with the attributes that lead to it."""
    if deep > DEEPEST:
        return
    if isinstance(tree, dict):
        found = plmn_of(tree)
        if found is not None:
            yield path, found
        for name, value in tree.items():
            yield from plmns(value, (*path, name), deep + 1)
    elif isinstance(tree, list):
        for value in tree:
            yield from plmns(value, path, deep + 1)


def _mismatch(what: str, partner: Partner) -> Problem:
    return Problem(403, "PLMNID_MISMATCH", Why(f"{partner.name} may not send {what}"))
