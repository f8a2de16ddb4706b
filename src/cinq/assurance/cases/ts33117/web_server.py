"""TS 33.117 §4.3.4 and §4.2.5.2.1, a web server for management, over the network."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Awaitable, Callable

from cinq.assurance import web
from cinq.assurance.case import Case, Play
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check

METHODS = Case(
    "SCAS-33117-4.3.4.3",
    requirement="HTTP methods that are not needed are off.",
    threat="A method that nobody thought of writes a file, or shows what another's browser sends.",
)
DEFAULT = Case(
    "SCAS-33117-4.3.4.9",
    requirement="Nothing is left of what the web server was delivered with: examples, manuals, scripts.",
    threat="An example is a program that nobody maintains.",
)
LISTINGS = Case(
    "SCAS-33117-4.3.4.10",
    requirement="The web server does not list what is in a folder.",
    threat="What was not linked was not meant to be found.",
)
HEADERS = Case(
    "SCAS-33117-4.3.4.11",
    requirement="Headers of answers do not say which version of what is there.",
    threat="Who knows the version knows its faults.",
)
ERRORS = Case(
    "SCAS-33117-4.3.4.12",
    requirement="Error pages say neither versions nor how the inside looks.",
    threat="A trace of calls is a map of the program.",
)
FILES = Case(
    "SCAS-33117-4.3.4.14",
    requirement="The web server hands out nothing but what is in the folders that it is to hand out.",
    threat="By '..' whoever asks reads the host's passwords.",
)
LOGGING = Case(
    "SCAS-33117-4.2.5.2.1",
    requirement="Each access to the web server is logged: when, from where, as whom, what, and with which outcome.",
    threat="Nobody sees that somebody tries passwords.",
)
UNNEEDED = (
    "TRACE",
    "TRACK",
    "CONNECT",
    "DEBUG",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "SEARCH",
)
REFUSED = frozenset((0, 400, 403, 404, 405, 501))
LEFT = (
    "/icons/",
    "/manual/",
    "/examples/",
    "/docs/",
    "/cgi-bin/test-cgi",
    "/cgi-bin/printenv",
    "/server-status",
    "/server-info",
    "/phpinfo.php",
    "/info.php",
    "/test.php",
    "/index.nginx-debian.html",
    "/manager/html",
    "/web-console/",
    "/iisstart.htm",
    "/README.md",
    "/.git/HEAD",
)
GREETINGS = re.compile(
    r"welcome to nginx|apache2 .{0,20}default page|it works!|iis windows server", re.IGNORECASE
)
FOLDERS = (
    "/",
    "/static/",
    "/assets/",
    "/images/",
    "/img/",
    "/js/",
    "/css/",
    "/icons/",
    "/files/",
    "/uploads/",
)
LISTED = re.compile(r"<title>\s*(index of|directory listing)|\[to parent directory\]", re.IGNORECASE)
TELLING = (
    "server",
    "x-powered-by",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "via",
    "x-generator",
    "x-runtime",
)
VERSION = re.compile(r"\d+\.\d+")
INSIDE = re.compile(
    r"\b(apache|nginx|lighttpd|tomcat|jetty|iis|php|openssl|python|node|express|werkzeug|gunicorn|cherrypy)"
    r"[/ ]v?\d+\.\d+"
    r"|traceback \(most recent call last\)|\bat [\w.$]+\([\w.]+:\d+\)|\.go:\d+|stack ?trace|/usr/(lib|share)/\w+",
    re.IGNORECASE,
)
WAYS_OUT = (
    "/../../../../../../etc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd",
    "/%252e%252e/%252e%252e/%252e%252e/%252e%252e/etc/passwd",
    "/static/../../../../../../etc/passwd",
    "/static..%2f..%2f..%2f..%2f..%2fetc/passwd",
    "/....//....//....//....//etc/passwd",
    "/..%c0%af..%c0%af..%c0%af..%c0%afetc/passwd",
    "/%00/../../../../etc/passwd",
    "//etc/passwd",
)
PASSWD = re.compile(r"^root:[^:]*:0:0:", re.MULTILINE)
NOBODYS = "/c10c-nobody-has-this"


def at_each(question: Callable[[Trial, str], Awaitable[None]]) -> Play:
    """The question at each place, behind a control that somebody answers there."""

    async def play(trial: Trial) -> None:
        for place in trial.target.interfaces.https:
            with trial.control(f"a web server answers at {place}") as seen:
                answer = await web.ask(place)
                check.that(answer.status > 0, "what comes is no HTTP response")
                seen.text = f"GET / is answered with {answer.status}"
            await question(trial, place)

    return play


def case(
    one: Case, name: str, title: str, *needs: str
) -> Callable[[Callable[[Trial, str], Awaitable[None]]], None]:
    def declare(question: Callable[[Trial, str], Awaitable[None]]) -> None:
        one.sub(name, title, needs=("https", *needs), feature="web", within=120.0)(at_each(question))

    return declare


@case(METHODS, "A", "methods that a web server seldom needs")
async def methods(trial: Trial, place: str) -> None:
    with trial.finding(f"{place} refuses {', '.join(UNNEEDED)}") as seen:
        answers = {method: (await web.ask(place, "/", method)).status for method in UNNEEDED}
        seen.text = ", ".join(f"{method} {status}" for method, status in answers.items())
        taken = {method: status for method, status in answers.items() if status not in REFUSED}
        check.equal(taken, {}, "methods that were not refused")


@case(DEFAULT, "A", "what web servers are delivered with")
async def default(trial: Trial, place: str) -> None:
    absent = await web.ask(place, NOBODYS)
    first = await web.ask(place)
    with trial.finding(f"the page of {place} is not that of a server that was just installed"):
        check.that(GREETINGS.search(first.text) is None, "it is")
    with trial.finding(f"{place} has nothing at {len(LEFT)} usual places") as seen:
        found = []
        for path in LEFT:
            answer = await web.ask(place, path)
            # one that answers every path with the same page has nothing there either
            if answer.status == 200 and answer.body != absent.body and answer.body != first.body:
                found.append(path)
        seen.text = f"what is not there is answered with {absent.status}"
        check.equal(found, [], "paths that were answered")


@case(LISTINGS, "A", "folders without a page")
async def listings(trial: Trial, place: str) -> None:
    with trial.finding(f"{place} lists none of {len(FOLDERS)} usual folders") as seen:
        answers = {path: await web.ask(place, path) for path in FOLDERS}
        seen.text = ", ".join(f"{path} {answer.status}" for path, answer in answers.items())
        check.equal([path for path, answer in answers.items() if LISTED.search(answer.text)], [], "folders")


@case(HEADERS, "A", "headers of answers")
async def headers(trial: Trial, place: str) -> None:
    for path in ("/", NOBODYS):
        answer = await web.ask(place, path)
        with trial.finding(f"the headers of {place}{path} name no version") as seen:
            told = [f"{name}: {answer.headers[name]}" for name in TELLING if name in answer.headers]
            seen.text = ", ".join(told) or "none of those that could"
            check.equal([line for line in told if VERSION.search(line)], [], "headers")


@case(ERRORS, "A", "errors of four kinds")
async def errors(trial: Trial, place: str) -> None:
    wrong = {
        "a page that is not there": await web.ask(place, NOBODYS),
        "a method that is none": await web.ask(place, "/", "C10C"),
        "a version that is none": await web.ask(place, "/", version="HTTP/9.9"),
        "a path of 16,000 letters": await web.ask(place, "/" + "a" * 16_000),
        "a cookie that is none": await web.ask(place, "/", more="Cookie: =;;\x01=\r\nContent-Length: x\r\n"),
    }
    with trial.control(f"{place} answers one of them with an error") as seen:
        seen.text = ", ".join(f"{what}: {answer.status}" for what, answer in wrong.items())
        check.that(any(answer.status >= 400 for answer in wrong.values()), seen.text)
    for what, answer in wrong.items():
        with trial.finding(f"the answer to {what} shows nothing of the inside"):
            told = INSIDE.search(answer.text)
            check.that(told is None, f"it says {told.group(0)[:60]!r}" if told else "")


@case(FILES, "A", "paths that lead out of the folder")
async def files(trial: Trial, place: str) -> None:
    for path in WAYS_OUT:
        with trial.finding(f"GET {path} does not show /etc/passwd") as seen:
            answer = await web.ask(place, path)
            seen.text = f"answered with {answer.status}"
            check.that(PASSWD.search(answer.text) is None, "it does")


@case(LOGGING, "A", "a request with wrong credentials", "log")
async def logging(trial: Trial, place: str) -> None:
    since = str(int(trial.lab.utc()) - 1)
    before = Counter((await trial.turn("log", since=since)).splitlines())
    credentials = base64.b64encode(b"c10c-nobody:wrong").decode()
    answer = await web.ask(place, NOBODYS, more=f"Authorization: Basic {credentials}\r\n")
    trial.step(f"GET {NOBODYS} with the password of nobody is answered with {answer.status}")
    await trial.settle()
    after = Counter((await trial.turn("log", since=since)).splitlines())
    lines = [line for line in (after - before).elements() if NOBODYS in line or "c10c-nobody" in line]
    with trial.finding(f"the log has a new entry about it, with its time, at {place}") as seen:
        check.that(bool(lines), "it has none")
        seen.text = lines[0][:200]
        check.that(
            any(re.search(r"\d{1,2}:\d{2}:\d{2}|\d{10}", line) for line in lines), "there is no time in it"
        )
    with trial.finding("the password is not in the log"):
        check.that(
            not any(("wrong" in line and "c10c-nobody:" in line) or credentials in line for line in lines),
            "it is",
        )
