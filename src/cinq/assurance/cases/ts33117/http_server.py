"""TS 33.117 §4.3.4: what an HTTP server must not show or do, asked of the servers of the SBI.

A web server for management is asked by a lab with an account; what the rules say holds of any HTTP server.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from cinq.assurance.cases.ts33117.web_server import DEFAULT, ERRORS, HEADERS, LISTINGS, METHODS
from cinq.assurance.sbi.hostile import INSIDE
from cinq.assurance.sbi.nf import Answer, Nf, services_of
from cinq.assurance.sbi.services import Producer, producers
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed

LIMIT = "asked of the SBI; a web server for management is sub-case A"
UNUSED = ("TRACE", "TRACK", "OPTIONS", "SEARCH", "PROPFIND", "MKCOL", "COPY", "DEBUG", "PURGE")
DEFAULTS = (
    "/index.html",
    "/favicon.ico",
    "/server-status",
    "/manual/",
    "/icons/",
    "/docs",
    "/swagger-ui/",
    "/openapi.json",
    "/metrics",
    "/debug/pprof/",
    "/actuator/env",
    "/.git/config",
    "/.env",
    "/cgi-bin/test-cgi",
    "/phpinfo.php",
    "/static/../../etc/passwd",
)
VERSION = re.compile(
    r"\d+\.\d+|nginx|apache|openssl|python|golang|java|libmicrohttpd|nghttp|tomcat|jetty", re.I
)
SAYS = ("server", "x-powered-by", "x-aspnet-version", "x-generator", "via")
LISTING = re.compile(rb"Index of|Directory listing|<a href=", re.I)
Question = Callable[[Trial, Nf, str, Producer], Awaitable[None]]


def at_each_server(question: Question) -> Callable[[Trial], Awaitable[None]]:
    """Once for each API root; a control: a request that it knows is answered there."""

    async def play(trial: Trial) -> None:
        me, roots = Nf(trial), dict[str, Producer]()
        try:
            for producer in await producers(me):
                for service in services_of(producer.found.profile):
                    roots.setdefault(producer.found.root_of(str(service.get("serviceName"))), producer)
            for root, producer in roots.items():
                await me.register(me.profile(producer.request.consumer))
                with trial.control(f"{root}: a request of {producer.request.service} is answered") as seen:
                    answer = await _known(me, root, producer)
                    seen.text = str(answer)
                await question(trial, me, root, producer)
        finally:
            await me.deregister()

    return play


async def _known(me: Nf, root: str, producer: Producer) -> Answer:
    one = producer.request
    asked = await me.ask_for_token(one.service, one.consumer, one.nf_type)
    token = str(asked.tree.get("access_token", "")) if asked.status == 200 else ""
    return await one.ask(me, root, token)


async def unused_methods(trial: Trial, me: Nf, root: str, producer: Producer) -> None:
    target = producer.request.target.format(supi="imsi-000000000000001")
    for method in UNUSED:
        with trial.finding(f"{root}: {method} is not done") as seen:
            answer = await me.ask(method, target, root=root)
            seen.text = str(answer)
            check.one_of(answer.status, (400, 401, 403, 404, 405, 501), "the status")


async def defaults(trial: Trial, me: Nf, root: str, producer: Producer) -> None:
    with trial.finding(f"{root}: none of {len(DEFAULTS)} places where servers have default content has any"):
        for path in DEFAULTS:
            answer = await me.ask("GET", path, root=root)
            check.that(answer.status >= 400, f"GET {path} is answered {answer}")


async def listings(trial: Trial, me: Nf, root: str, producer: Producer) -> None:
    segments = producer.request.target.partition("?")[0].strip("/").split("/")
    folders = ["/", *(f"/{'/'.join(segments[:n])}/" for n in range(1, len(segments)))]
    with trial.finding(f"{root}: no folder is listed: {', '.join(folders)[:120]}"):
        for path in folders:
            answer = await me.ask("GET", path, root=root)
            check.that(answer.status >= 300, f"GET {path} is answered {answer}")
            check.that(LISTING.search(answer.body) is None, f"GET {path} lists something")


async def headers(trial: Trial, me: Nf, root: str, producer: Producer) -> None:
    with trial.finding(f"{root}: no header tells which server it is") as seen:
        for answer in (await _known(me, root, producer), await me.ask("GET", "/no-such-place", root=root)):
            told = {name: value for name, value in answer.headers if name.lower() in SAYS}
            seen.text = str(told or "none of them is there")
            for name, value in told.items():
                check.that(VERSION.search(value) is None, f"{name}: {value[:80]}")


async def error_pages(trial: Trial, me: Nf, root: str, producer: Producer) -> None:
    one = producer.request
    for what, method, target, body in (
        ("an unknown place", "GET", "/no-such-place", None),
        ("an unknown version", "GET", f"/{one.service}/v99/x", None),
        ("a wrong method", "PROPFIND", one.target.format(supi="x"), None),
        ("no JSON", "POST", one.target.format(supi="x"), b"{[\xff"),
        ("an endless name", "GET", f"/{one.service}/v1/{'A' * 3000}", None),
    ):
        with trial.finding(f"{root}: {what}: an error that tells nothing of the inside") as seen:
            answer = await me.ask(method, target, body, root=root)
            seen.text = str(answer)
            check.that(answer.status >= 400, f"it is answered {answer}")
            found = INSIDE.search(answer.body)
            if found is not None:
                raise Failed(f"its body tells {found[0][:60]!r}")


for _case, _title, _question in (
    (METHODS, "methods that no resource has", unused_methods),
    (DEFAULT, "places where servers have default content", defaults),
    (LISTINGS, "folders above the resources", listings),
    (HEADERS, "headers of answers", headers),
    (ERRORS, "answers to what is wrong", error_pages),
):
    _case.sub("SBI", f"{_title}, at each server of the SBI", needs=("sbi nrf",), limit=LIMIT, within=180.0)(
        at_each_server(_question)  # type: ignore[arg-type]
    )
