"""The SCP: a request comes, goes on to its producer, and the answer goes back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cinq.nf.scp.ports import Repository, Send
from cinq.nf.scp.selection import Factors, Selection, factors
from cinq.nf.scp.settings import Settings
from cinq.nf.scp.tokens import Tokens
from cinq.procedure import Clock, Why
from cinq.sbi.answer import problem_of
from cinq.sbi.assertion import HEADER as CLIENT_CREDENTIALS
from cinq.sbi.caller import Caller
from cinq.sbi.directory import Found
from cinq.sbi.headers import (
    CALLBACK,
    MAX_RSP_TIME,
    SENDER_TIMESTAMP,
    refuse_the_late,
    seconds_of,
)
from cinq.sbi.indirect import (
    ACCESS_SCOPE,
    DISCOVERY,
    MAX_FORWARD_HOPS,
    OTHER_ACCESS_SCOPES,
    RESPONSE_INFO,
    ROUTING_BINDING,
    SELECTION_INFO,
    TARGET_API_ROOT,
)
from cinq.sbi.message import Headers, Request, Response
from cinq.sbi.nf_profile import NFProfile, NFService, ScpInfo
from cinq.sbi.problem import InvalidParam, Problem
from cinq.transport.error import NoAnswerError

WITHIN_S = 10.0  # for an answer, of requests that say nothing of it
TRIES = 3  # producers that are asked, one after the other
AWAY = (429, 503)
IDEMPOTENT = frozenset(("GET", "PUT", "DELETE"))
_ROOT = re.compile(r"https?://[^/?#\s@\\,]{1,255}(/[A-Za-z0-9._~!$&'()*+;=:@%-]{1,60}){0,8}")
_HOPS = re.compile(r"\s*(\d{1,2})\s*;\s*nodetype=scp\s*")
_FOR_US = frozenset(
    (
        *(
            TARGET_API_ROOT,
            ROUTING_BINDING,
            SELECTION_INFO,
            ACCESS_SCOPE,
            OTHER_ACCESS_SCOPES,
            MAX_FORWARD_HOPS,
        ),
        *("connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "te", "host"),
        "content-length",
    )
)
"""Headers that go no further: for the SCP, or of one connection (RFC 9110 §7.6.1, RFC 9113 §8.2.2)."""
_OF_ONE_CONNECTION = frozenset(("connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"))

Candidate = tuple[Found, NFService | None]


@dataclass(slots=True)
class _Way:
    """How one request is to go. tried: the producers that were asked."""

    request: Request
    who: Caller
    target: str
    wanted: Factors | None
    stays: bool
    until: float
    tried: list[Found] = field(default_factory=list)

    @property
    def assertion(self) -> str:
        return self.request.header(CLIENT_CREDENTIALS) or ""


class SCP:
    """send: a request to an API root, and its answer."""

    def __init__(self, settings: Settings, send: Send, clock: Clock, instance_id: str) -> None:
        self.settings = settings
        self.instance_id = instance_id
        self._send = send
        self._clock = clock
        repository = Repository(settings, send)
        self._selection = Selection(repository, clock)
        self._tokens = Tokens(repository, clock)
        self._name = f"SCP-{settings.fqdn}"

    def services(self) -> list[tuple[type, object]]:
        """None of its own."""
        return []

    def profile(self) -> NFProfile:
        """TS 29.510 §6.1.6.2.65."""
        own = self.settings
        return NFProfile(
            nf_instance_id=self.instance_id,
            nf_type="SCP",
            nf_status="REGISTERED",
            fqdn=own.fqdn,
            scp_info=ScpInfo(scp_ports={own.scheme: own.port}),
        )

    def takes(self, request: Request, own: str) -> bool:
        """Whether it is for others: it says where to or what for."""
        target = request.header(TARGET_API_ROOT)
        if target is not None:
            return target.strip() != own
        return any(name.startswith(DISCOVERY) for name, _ in request.headers)

    async def forward(self, request: Request, who: Caller) -> Response:
        """The producer's answer, or ours with a Server header that says so (§6.10.8.2)."""
        way: _Way | None = None
        try:
            way = self._way(request, who)
            response = await self._forwarded(way)
        except Problem as problem:
            made = problem_of(None, problem)
            response = Response(made.status, (*made.headers, ("server", self._name)), made.body)
        if response.status >= 400 and way is not None and len(way.tried) > 1:
            again = (RESPONSE_INFO, "request-retransmitted=true")
            response = Response(response.status, (*response.headers, again), response.body)
        return response

    def _way(self, request: Request, who: Caller) -> _Way:
        """Problem 400: it goes in a circle, or says two things; 504: nobody waits for it any more."""
        for name in (TARGET_API_ROOT, ROUTING_BINDING, SELECTION_INFO, CLIENT_CREDENTIALS, "authorization"):
            if sum(1 for each, _ in request.headers if each == name) > 1:
                raise _incorrect(name, "it is there twice")
        passed = ",".join(value for name, value in request.headers if name == "via")
        if self._name.lower() in passed.lower().replace(",", " ").split():
            raise Problem(400, "MSG_LOOP_DETECTED", Why(f"it has come by {self._name} already"))
        refuse_the_late(request, self._clock.now())
        named = request.header(TARGET_API_ROOT)
        target = (named or "").strip()
        if named is not None and not _ROOT.fullmatch(target):
            raise _incorrect(TARGET_API_ROOT, f"found {target[:80]!r}, wanted an API root")
        stays = "reselection=false" in (request.header(SELECTION_INFO) or "").replace(" ", "")
        until = self._clock.now() + _within(request, self._clock.now())
        return _Way(request, who, target.rstrip("/"), factors(request), stays, until)

    async def _forwarded(self, way: _Way) -> Response:
        """§6.10.3, §6.10.8.1: another producer where the first does not answer and it does no harm."""
        said = "nobody fits"
        candidates = await self._candidates(way)
        while candidates and len(way.tried) < TRIES:
            place, service = candidates.pop(0)
            way.tried.append(place)
            last = len(way.tried) == TRIES
            try:
                response = await self._asked(way, place, service)
            except NoAnswerError as error:
                said = error.what
                self._selection.failed(place.root)
                if not error.not_sent and way.request.method not in IDEMPOTENT:
                    break
            else:
                if response.status not in AWAY or last:
                    return self._back(response)
                self._selection.failed(place.root)
                others = candidates or await self._others(way)
                if not others:
                    return self._back(response)
            candidates = candidates or await self._others(way)
        raise Problem(504, "TARGET_NF_NOT_REACHABLE", Why(said))

    async def _candidates(self, way: _Way) -> list[Candidate]:
        """Where it says; else those that fit. Problem 400 NF_DISCOVERY_FAILURE."""
        if way.target:
            return [(Found(way.target), await self._service_at(way))]
        assert way.wanted is not None  # else it would not be here
        found = await self._selection.places(way.wanted, way.assertion)
        if not found:
            what = f"the NRF knows no {way.wanted.query.target_nf_type[:40]} that fits"
            raise Problem(400, "NF_DISCOVERY_FAILURE", Why(what))
        return found

    async def _service_at(self, way: _Way) -> NFService | None:
        """What the producer says of the service, where a token is to be asked for."""
        if way.wanted is None or not self._needs_token(way):
            return None
        found = await self._selection.places(way.wanted, way.assertion)
        return next((service for place, service in found if place.root == way.target), None)

    async def _others(self, way: _Way) -> list[Candidate]:
        """Those that may be asked in the place of who did not answer: §6.12.3, TS 23.527 §6.5."""
        if way.wanted is None or way.stays:
            return []
        try:
            found = await self._selection.places(way.wanted, way.assertion)
        except Problem:
            return []
        roots = {place.root for place in way.tried}
        return [each for each in found if each[0].root not in roots]

    async def _asked(self, way: _Way, place: Found, service: NFService | None) -> Response:
        """With the consumer's token, or one in its name; one that is refused is asked for anew, once."""
        authorization = await self._authorization(way, service)
        response = await self._sent(way, place, authorization)
        if response.status == 401 and authorization:
            self._tokens.refused(authorization)
            authorization = await self._authorization(way, service)
            response = await self._sent(way, place, authorization)
        return response

    def _needs_token(self, way: _Way) -> bool:
        request = way.request
        return (
            self.settings.tokens
            and way.wanted is not None
            and request.header("authorization") is None
            and request.header(CALLBACK) is None
        )

    async def _authorization(self, way: _Way, service: NFService | None) -> str:
        asks_for_none = service is not None and service.oauth2_required is False
        if way.wanted is None or asks_for_none or not self._needs_token(way):
            return ""
        return await self._tokens.of(way.request, way.wanted, service, way.who, way.assertion)

    async def _sent(self, way: _Way, place: Found, authorization: str) -> Response:
        request = way.request
        headers: list[tuple[str, str]] = [
            (name, value)
            for name, value in request.headers
            if name not in _FOR_US and not name.startswith((DISCOVERY, ":"))
        ]
        hops = _HOPS.fullmatch(request.header(MAX_FORWARD_HOPS) or "")
        if hops is not None:
            headers.append((MAX_FORWARD_HOPS, f"{max(int(hops[1]) - 1, 0)}; nodetype=scp"))
        headers.append(("via", f"2.0 {self._name}"))
        if authorization:
            headers.append(("authorization", authorization))
        within = way.until - self._clock.now()
        if within <= 0:
            raise Problem(504, "TIMED_OUT_REQUEST", Why("nobody waits for the answer any more"))
        onward = Request(request.method, request.target, tuple(headers), request.body)
        return await self._send(place.root, onward, within, place.instance)

    def _back(self, response: Response) -> Response:
        headers: Headers = tuple(each for each in response.headers if each[0] not in _OF_ONE_CONNECTION)
        return Response(response.status, (*headers, ("via", f"2.0 {self._name}")), response.body)


def _within(request: Request, now: float) -> float:
    """Seconds that the consumer waits still (§6.11.2)."""
    waits = (request.header(MAX_RSP_TIME) or "").strip()
    if not (waits.isascii() and waits.isdigit() and len(waits) <= 5):
        return WITHIN_S
    since = seconds_of(request.header(SENDER_TIMESTAMP) or "")
    gone = 0.0 if since is None else max(now - since, 0.0)
    return min(int(waits) / 1000 - gone, WITHIN_S)


def _incorrect(name: str, why: str) -> Problem:
    return Problem(400, "MANDATORY_IE_INCORRECT", Why(f"{name}: {why}"), InvalidParam(param=name, reason=why))
