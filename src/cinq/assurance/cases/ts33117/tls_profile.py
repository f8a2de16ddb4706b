"""TS 33.117 §4.2.2.2.2 TC_PROTECT_TRANSPORT_LAYER and §4.2.5.1 HTTPS: the TLS profile, of a server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cinq.assurance import tls
from cinq.assurance.case import Case, Play
from cinq.assurance.trial import Trial

SBI = Case(
    "SCAS-33117-4.2.2.2.2",
    requirement="Network functions speak TLS by the profile of TS 33.210 §6.2 and RFC 9113, with certificates of both "
    "ends (TS 33.501 §13.1).",
    threat="An old version or a weak suite opens what network functions tell each other.",
)
WEB = Case(
    "SCAS-33117-4.2.5.1",
    requirement="A web server of the product is reached over TLS alone, by the profile of TS 33.210 §6.2.",
    threat="An administrator's password or session is read on its way.",
)
Question = Callable[[Trial, str], Awaitable[None]]


def at_each(places: Callable[[Trial], tuple[str, ...]], question: Question) -> Play:
    async def play(trial: Trial) -> None:
        for place in places(trial):
            await question(trial, place)

    return play


def of_sbi(trial: Trial) -> tuple[str, ...]:
    return trial.target.interfaces.tls


def of_web(trial: Trial) -> tuple[str, ...]:
    return trial.target.interfaces.https


async def forbidden(trial: Trial, place: str) -> None:
    await tls.suites_refused(trial, place, tls.FORBIDDEN)


async def not_in_http_2(trial: Trial, place: str) -> None:
    await tls.suites_refused(trial, place, tls.NOT_IN_HTTP_2)


QUESTIONS: tuple[tuple[str, str, Question], ...] = (
    ("mandated", "versions and suites that every end must have", tls.mandated),
    ("versions", "SSL 3.0, TLS 1.0 and TLS 1.1", tls.old_versions),
    ("suites", "suites that are forbidden, one by one", forbidden),
    ("compression", "compression and renegotiation", tls.no_compression),
)
for _name, _title, _question in QUESTIONS:
    SBI.sub(_name, f"{_title}, as a server", needs=("tls",), within=120.0)(at_each(of_sbi, _question))
    WEB.sub(_name, _title, needs=("https",), within=120.0)(at_each(of_web, _question))
SBI.sub("http2", "suites that HTTP/2 rules out, as a server", needs=("tls",), within=120.0)(
    at_each(of_sbi, not_in_http_2)
)
SBI.sub("mutual", "the client's certificate is wanted", needs=("tls",))(
    at_each(of_sbi, tls.wants_a_certificate)
)
SBI.not_yet("client", "the same of the product as a client", "bench TLS server")
