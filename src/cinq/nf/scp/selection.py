"""Which producers fit what a consumer looks for: TS 29.500 §6.10.3, §6.10.5 and §6.12."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import quote

from msgspec import structs

from cinq.nf.scp.ports import Repository
from cinq.procedure import Clock, Why
from cinq.sbi.directory import Found, places_of
from cinq.sbi.indirect import DISCOVERY, ROUTING_BINDING
from cinq.sbi.message import Request
from cinq.sbi.nf_profile import NFProfile, NFService
from cinq.sbi.operation import operations
from cinq.sbi.problem import InvalidParam, Problem
from cinq.sbi.request import arguments_of
from cinq.sbi.services.nnrf import NnrfNFDiscovery, SearchQuery, SearchResult
from cinq.sbi.whole import Whole

SEARCH = next(op for op in operations(NnrfNFDiscovery) if op.attribute == "search")
KNOWN = frozenset(name.replace("_", "-") for name in SEARCH.query)
MOST = 512  # answers of the NRF that are kept
LEAST_S, LONGEST_S = 1.0, 3600.0  # for which one is kept
REST_S = 10.0  # for which a producer that did not answer is passed over
_BOUND = re.compile(r"\s*bl=nf-(?P<level>instance|set)\s*;(?P<rest>.{0,500})")
_INSTANCE = re.compile(r"nfinst=([0-9a-fA-F-]{36})")
_SET = re.compile(r"nfset=([A-Za-z0-9.-]{1,200})")


@dataclass(frozen=True, slots=True)
class Factors:
    """What a request looks for. text: the query of it, by which answers are kept. instance, nf_set: of the binding."""

    text: str
    query: SearchQuery
    instance: str = ""
    nf_set: str = ""

    @property
    def service(self) -> str | None:
        """The first is that of the request (§6.10.3.2)."""
        return next(iter(self.query.service_names or ()), None)


@dataclass(slots=True)
class _Kept:
    profiles: list[NFProfile] = field(default_factory=list)
    until: float = 0.0


def factors(request: Request) -> Factors | None:
    """None: it says nothing of it. Problem 400: what it says cannot be read."""
    given = [(name[len(DISCOVERY) :], value) for name, value in request.headers if name.startswith(DISCOVERY)]
    if not given:
        return None
    names = [name for name, _ in given]
    wrong = next((name for name in names if name not in KNOWN or names.count(name) > 1), None)
    if wrong is not None:
        raise _refused("INVALID_DISCOVERY_PARAM", wrong, "it is not known here, or there twice")
    text = "&".join(f"{name}={quote(value, safe=',:')}" for name, value in sorted(given))
    try:
        read = arguments_of(SEARCH, [], Request("GET", f"{SEARCH.route}?{text}"))
    except Problem as problem:
        params = problem.details.invalid_params or []
        name = params[0].param if params else names[0]
        missing = "MISSING" in (problem.cause or "")
        cause = "MANDATORY_IE_MISSING" if missing else "MANDATORY_IE_INCORRECT"
        raise _refused(cause, name, problem.details.detail or "") from None
    instance, nf_set = _binding(request.header(ROUTING_BINDING) or "")
    return Factors(text, cast(SearchQuery, read[0]), instance, nf_set)


def _binding(text: str) -> tuple[str, str]:
    """The instance and the set that a routing binding names (§5.2.3.2.5)."""
    found = _BOUND.match(text)
    if found is None:
        return "", ""
    instance, nf_set = _INSTANCE.search(found["rest"]), _SET.search(found["rest"])
    return (instance[1].lower() if instance else ""), (nf_set[1] if nf_set else "")


def _refused(cause: str, name: str, why: str) -> Problem:
    header = f"3gpp-Sbi-Discovery-{name}"
    return Problem(400, cause, Why(f"{header}: {why}"), InvalidParam(param=header, reason=why[:200]))


class Selection:
    """Answers of the NRF, and who has not answered lately."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._rests: dict[str, float] = {}

    async def places(self, wanted: Factors, assertion: str) -> list[tuple[Found, NFService | None]]:
        """Those that fit, the best first; producers of one priority in an order by chance and weight.

        Problem 400 NF_DISCOVERY_FAILURE, 502 NF_DISCOVERY_ERROR, 504 NRF_NOT_REACHABLE.
        """
        found = [
            (place, service)
            for profile in await self._profiles(wanted, assertion)
            if _fits(profile, wanted)
            for service in _services(profile, wanted.service)
            for place in places_of(_only(profile, service), service.service_name)
        ]
        now = self._clock.now()
        return sorted(
            found,
            key=lambda one: (
                self._rests.get(one[0].root, 0.0) > now,
                one[0].priority,
                -(random.random() ** (1 / one[0].weight)),
            ),
        )

    def failed(self, root: str) -> None:
        if len(self._rests) >= MOST:
            self._rests.clear()
        self._rests[root] = self._clock.now() + REST_S

    async def _profiles(self, wanted: Factors, assertion: str) -> list[NFProfile]:
        kept = self._kept.get(wanted.text)
        now = self._clock.now()
        if kept is not None and kept.until > now:
            return kept.profiles
        agent = f"SCP-for-{wanted.query.requester_nf_type[:40]}"
        try:
            answer = await self._repository.ask(SEARCH, (wanted.query,), agent, assertion)
        except Problem as problem:
            if problem.status >= 500 and kept is not None and kept.profiles:
                return kept.profiles  # they may well be there still
            raise _of_the_nrf(problem) from None
        result = cast("Whole[SearchResult]", answer).read
        profiles = result.nf_instances
        life = min(max(float(result.validity_period), LEAST_S), LONGEST_S) if profiles else LEAST_S
        if len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[wanted.text] = _Kept(profiles, now + life)
        return profiles

    def forget(self) -> None:
        """Something has changed at the NRF."""
        self._kept.clear()


def _of_the_nrf(problem: Problem) -> Problem:
    """§5.2.7.4."""
    if problem.cause == "NRF_NOT_REACHABLE":
        return problem
    if problem.status == 429 or problem.status >= 500:
        return Problem(502, "NF_DISCOVERY_ERROR", Why(f"the NRF: {problem}"))
    return Problem(400, "NF_DISCOVERY_FAILURE", Why(f"the NRF: {problem}"))


def _fits(profile: NFProfile, wanted: Factors) -> bool:
    """What is bound to an instance or a set goes nowhere else."""
    if wanted.instance and profile.nf_instance_id.lower() != wanted.instance:
        return bool(wanted.nf_set) and wanted.nf_set in profile.nf_set_id_list
    return not wanted.nf_set or bool(wanted.instance) or wanted.nf_set in profile.nf_set_id_list


def _services(profile: NFProfile, name: str | None) -> list[NFService]:
    return [each for each in profile.services if name in (None, each.service_name)]


def _only(profile: NFProfile, service: NFService) -> NFProfile:
    return structs.replace(profile, nf_services=[service], nf_service_list={})
