"""The SEPP, composed: what our functions ask of other networks, and what those ask of ours (TS 29.573 §5.3)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from cinq.home_domain import plmn_of_name, root_of
from cinq.nf.sepp import events, prins
from cinq.nf.sepp.bodies import Bodies
from cinq.nf.sepp.context import Bucket, N32Context
from cinq.nf.sepp.handshake import EXPORTED, SENDER, Handshake, unreachable
from cinq.nf.sepp.names import Names
from cinq.nf.sepp.ports import Inside, Interconnect
from cinq.nf.sepp.prins import PrinsError, Security
from cinq.nf.sepp.reformat import ReformatError
from cinq.nf.sepp.screening import ORIGINATING, screen
from cinq.nf.sepp.settings import Partner, Settings
from cinq.procedure import Clock, Journal, Why
from cinq.procedure.store import Store
from cinq.sbi import Bus, InvalidParam, Problem
from cinq.sbi.answer import problem_of
from cinq.sbi.encoding import read_request, read_response
from cinq.sbi.indirect import TARGET_API_ROOT
from cinq.sbi.message import JSON, Headers, Request, Response
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.producers import Producers
from cinq.sbi.request import path_of
from cinq.sbi.services.n32c_handshake import N32cHandshake
from cinq.transport.error import NoAnswerError
from cinq.transport.http2 import Secured

log = logging.getLogger("cinq.sepp")

WITHIN_S = 9.0  # for an answer: a little less than consumers wait
FORWARDED = frozenset(
    (
        "accept",
        "authorization",
        "content-type",
        "if-match",
        "if-none-match",
        "3gpp-sbi-callback",
        "3gpp-sbi-client-credentials",
        "3gpp-sbi-correlation-info",
        "3gpp-sbi-message-priority",
        "3gpp-sbi-max-rsp-time",
        "3gpp-sbi-sender-timestamp",
    )
)
RETURNED = frozenset(
    ("content-type", "etag", "location", "retry-after", "www-authenticate", "cache-control", "pragma")
)
"""Headers that cross N32; the rest is of the inside."""
PROCESS = "/n32f-forward/v1/n32f-process"
NO_CONTEXT = "N32F_CONTEXT_NOT_FOUND"  # to our own and other SEPPs: begin again. No cause of TS 29.500


class SEPP:
    """n32: to the SEPPs of others. inside: to our functions. entropy(n) gives n random octets."""

    def __init__(
        self,
        settings: Settings,
        n32: Interconnect,
        inside: Inside,
        store: Store,
        clock: Clock,
        entropy: Callable[[int], bytes],
        journal: Journal,
        instance_id: str,
    ) -> None:
        self.instance_id = instance_id
        self.settings = settings
        self._n32, self._inside = n32, inside
        self._clock, self._journal = clock, journal
        self._names = Names(settings, store, entropy)
        self._entropy = entropy
        self.handshake = Handshake(settings, n32, entropy)
        self._bodies = {one.name: Bodies(self._names, one) for one in settings.partners}
        self._buckets: dict[str, Bucket] = {}
        bus = Bus(journal=journal)
        bus.serve(N32cHandshake, self.handshake, instance_id)
        self._producers = Producers(bus, f"https://{settings.fqdn}")

    def profile(self) -> NFProfile:
        """It is found by its settings: no service of the SBI is its own."""
        return NFProfile(
            nf_instance_id=self.instance_id, nf_type="SEPP", nf_status="REGISTERED", fqdn=self.settings.fqdn
        )

    # from our functions to other networks

    async def from_inside(self, request: Request, peer: Secured) -> Response:
        """A request with 3gpp-Sbi-Target-apiRoot goes to the network that the name is in (TS 29.500 §6.1.4.3)."""
        try:
            root = request.header(TARGET_API_ROOT)
            if root is None:
                invalid = InvalidParam(param=TARGET_API_ROOT, reason="missing")
                raise Problem(400, "MANDATORY_IE_MISSING", Why(f"no {TARGET_API_ROOT}"), invalid)
            partner = self._partner_of(root)
            return await self._send(partner, root, read_request(request))
        except Problem as problem:
            return problem_of(None, problem)

    def _partner_of(self, root: str) -> Partner:
        host = root_of(root)[1]
        for one in self.settings.partners:
            if plmn_of_name(host, one.plmns) is not None:
                return one
        raise Problem(504, "TARGET_PLMN_NOT_REACHABLE", Why(f"{root[:120]} is of no roaming partner"))

    async def _send(self, partner: Partner, root: str, request: Request) -> Response:
        """Twice where the partner has forgotten what was agreed on: it may have begun anew."""
        service = _service(request)
        if service not in partner.services:
            raise unreachable(partner, f"{service[:40] or 'nothing'} is not in the agreement")
        bodies = self._bodies[partner.name]
        kept = self._kept(request.headers, FORWARDED, bodies, bodies.hide)
        headers, body = bodies.body(kept, request.body, bodies.hide, profiles=False)
        own = self.settings.plmns[0]
        said = ((TARGET_API_ROOT, root), (ORIGINATING, f"{own.mcc}-{own.mnc}"))
        made = Request(request.method, request.target, (*headers, *said), body)
        for again in (True, False):
            context = await self.handshake.agreed(partner)
            events.sent(self._journal, made, partner)
            response = await self._ask(partner, made, root, context)
            if again and _forgotten(response):
                self.handshake.forget(partner)
                continue
            break
        return self._taken(partner, response)

    async def _ask(self, partner: Partner, request: Request, root: str, context: N32Context) -> Response:
        try:
            if context.prins is not None:
                return await self._ask_protected(partner, request, root, context.prins)
            return read_response(await self._n32.send(partner.name, request, WITHIN_S))
        except (NoAnswerError, ValueError) as error:
            raise unreachable(partner, str(error)) from None

    async def _ask_protected(
        self, partner: Partner, request: Request, root: str, security: Security
    ) -> Response:
        """PRINS, TS 29.573 §5.3.3. The target is in the protected request line (TS 29.500 §6.1.4.3.4). ValueError."""
        headers = tuple(each for each in request.headers if each[0] != TARGET_API_ROOT)
        plain = Request(request.method, request.target, headers, request.body)
        message = self._entropy(8).hex()
        octets = security.request(plain, root.partition("://")[2], message)
        sent = Request("POST", PROCESS, (("content-type", JSON),), octets)
        response = read_response(await self._n32.forward(partner.name, sent, WITHIN_S))
        if response.status != 200:
            return response
        try:
            return security.opened_response(response.body, message)
        except PrinsError as error:
            await self._tell(partner, error)
            raise

    async def _tell(self, partner: Partner, error: PrinsError) -> None:
        log.warning("N32 with %s: %s", partner.name, error)
        await self.handshake.report(partner, error)

    def _taken(self, partner: Partner, response: Response) -> Response:
        """An answer as our function sees it: it names functions of the partner, and ours by what they are here."""
        bodies = self._bodies[partner.name]
        kept = self._kept(response.headers, RETURNED, bodies, bodies.restore)
        headers, body = bodies.body(kept, response.body, bodies.restore, profiles=False)
        return Response(response.status, headers, body)

    # from other networks to our functions

    async def from_n32(self, request: Request, peer: Secured, partner: Partner) -> Response:
        """partner: whose SEPP the certificate of the other end is for."""
        SENDER.set(partner)
        EXPORTED.set(peer.exporter)
        if _service(request) == "n32c-handshake":
            return await self._producers.answer(request, peer)
        if partner.security == "PRINS":
            return await self._unprotected(partner, request)
        return await self._served(partner, request)

    async def from_a_hop(self, request: Request, partners: Sequence[str]) -> Response:
        """From our IPX, which stands between us and these partners: a message of PRINS says whose it is."""
        try:
            identifier, _ = prins.context_of(read_request(request).body)
        except (PrinsError, Problem):
            identifier = ""
        for one in self.settings.partners:
            if one.name in partners and self.handshake.protected(one, identifier) is not None:
                return await self._unprotected(one, request)
        log.warning("N32 by an IPX: refused: no context %.16s", identifier)
        return problem_of(None, Problem(403, NO_CONTEXT, Why("no such N32-f context")))

    async def _unprotected(self, partner: Partner, request: Request) -> Response:
        """A message of PRINS: opened, served, and its answer protected again."""
        try:
            self._refuse_where_too_many(partner)
            request = read_request(request)
            if request.target != PROCESS or request.method != "POST":
                raise Problem(403, NO_CONTEXT, Why("PRINS was agreed on, and this is no message of it"))
            identifier, message = prins.context_of(request.body)
            security = self.handshake.protected(partner, identifier)
            if security is None:
                raise PrinsError("CONTEXT_NOT_FOUND", message)
            plain, authority, message = security.opened_request(request.body)
            headers = (*plain.headers, (TARGET_API_ROOT, f"https://{authority}"))
            answer = await self._served(partner, Request(plain.method, plain.target, headers, plain.body))
            return Response(200, (("content-type", JSON),), security.response(answer, message))
        except PrinsError as error:
            await self._tell(partner, error)
            found = NO_CONTEXT if error.kind == "CONTEXT_NOT_FOUND" else error.kind
            problem = Problem(403, found, Why(str(error)))
            events.refused(self._journal, request, partner, problem)
        except ReformatError as error:
            log.warning("N32 with %s: an answer of ours is not forwarded: %s", partner.name, error)
            return Response(500)
        except Problem as found_problem:
            log.warning("N32 with %s: refused: %s", partner.name, found_problem)
            problem = found_problem
        return self._hidden(partner, problem_of(None, problem), profiles=False)

    async def _served(self, partner: Partner, request: Request) -> Response:
        try:
            return await self._received(partner, read_request(request))
        except Problem as problem:
            log.warning("N32 with %s: refused: %s %s", partner.name, problem, _shown(request))
            events.refused(self._journal, request, partner, problem)
            return self._hidden(partner, problem_of(None, problem), profiles=False)

    async def _received(self, partner: Partner, request: Request) -> Response:
        if partner.security == "TLS":
            self._refuse_where_too_many(partner)
            if self.handshake.context(partner) is None:
                raise Problem(403, NO_CONTEXT, Why("nothing is agreed on by N32-c"))
        service = _service(request)
        if service not in partner.services:
            raise Problem(403, None, Why(f"{service[:40] or 'nothing'} is not in the agreement"))
        screen(request, partner, self.settings)
        root = self._target(partner, request)
        bodies = self._bodies[partner.name]
        kept = self._kept(request.headers, FORWARDED, bodies, bodies.restore)
        headers, body = bodies.body(kept, request.body, bodies.restore, profiles=False)
        agent = ("user-agent", f"SEPP-{self.settings.fqdn}")
        made = Request(request.method, request.target, (*headers, agent), body)
        try:
            response = read_response(await self._inside(root, made, WITHIN_S))
        except (NoAnswerError, ValueError) as error:
            log.warning("N32 with %s: %s", partner.name, error)
            raise Problem(504, "TARGET_NF_NOT_REACHABLE", Why("the function does not answer")) from None
        return self._hidden(partner, response, profiles=service == "nnrf-disc" and response.status == 200)

    def _target(self, partner: Partner, request: Request) -> str:
        """The root inside of whom it is for. Problem: nobody here has such a name."""
        said = request.header(TARGET_API_ROOT)
        if said is None:
            invalid = InvalidParam(param=TARGET_API_ROOT, reason="missing")
            raise Problem(400, "MANDATORY_IE_MISSING", Why(f"no {TARGET_API_ROOT}"), invalid)
        found = self._names.root(root_of(said)[1], partner)
        if found is None:
            raise Problem(504, "TARGET_NF_NOT_REACHABLE", Why(f"nobody here is {said[:120]}"))
        return found

    def _hidden(self, partner: Partner, response: Response, *, profiles: bool) -> Response:
        """An answer as the partner sees it."""
        bodies = self._bodies[partner.name]
        kept = self._kept(response.headers, RETURNED, bodies, bodies.hide)
        try:
            headers, body = bodies.body(kept, response.body, bodies.hide, profiles)
        except Problem as problem:
            log.warning("N32 with %s: an answer of ours is not forwarded: %s", partner.name, problem)
            return Response(500)
        return Response(response.status, headers, body)

    def _refuse_where_too_many(self, partner: Partner) -> None:
        """Problem 429 NF_CONGESTION_RISK, TS 29.500 §5.2.7.4."""
        now = self._clock.now()
        bucket = self._buckets.setdefault(partner.name, Bucket(partner.requests_per_s, now))
        wait = bucket.take(now)
        if wait:
            what = f"more than {partner.requests_per_s:g} requests a second"
            problem = Problem(429, "NF_CONGESTION_RISK", Why(what))
            problem.headers = (("retry-after", str(max(1, round(wait)))),)
            raise problem

    def _kept(
        self, headers: Headers, names: frozenset[str], bodies: Bodies, rename: Callable[[str], str]
    ) -> Headers:
        return tuple((name, bodies.text(value, rename)) for name, value in headers if name in names)


def _service(request: Request) -> str:
    return next(iter(path_of(request.target)), "")


def _forgotten(response: Response) -> bool:
    return response.status == 403 and NO_CONTEXT.encode() in response.body


def _shown(request: Request) -> str:
    """For the log: what it asked for, not about whom."""
    return f"({request.method[:16]} /{_service(request)[:40]})"
