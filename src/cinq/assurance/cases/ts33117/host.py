"""TS 33.117 on the product's host: rights of files, secrets, users, processes. Commands that read, behind host.prefix.

What is looked at is shown to be there before anything is concluded from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cinq.assurance.case import Case
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check

RIGHTS = Case(
    "SCAS-33117-4.3.2.7",
    requirement="Users can change only files that they are to change; what holds keys or data of subscribers is read "
    "by the product alone.",
    threat="Whoever has any account on the host takes every subscriber's key, or sets the product up anew.",
)
LOGS = Case(
    "SCAS-33117-4.2.3.6.3",
    requirement="Log files are readable by those who have to, and changed by none but the product.",
    threat="An intruder reads who did what, or takes his own traces away.",
)
SECRETS = Case(
    "SCAS-33117-4.2.3.2.2",
    requirement="No secret is in clear in what the product shows: logs, its processes' arguments and environment, "
    "configuration that others can read, core dumps.",
    threat="A key that was printed once is in every copy of the log.",
)
ACCOUNTS = Case(
    "SCAS-33117-4.2.4.2.2",
    requirement="Each account of the system has a number of its own; none but root has 0.",
    threat="Under a second name for root nobody can say who did what.",
)
PROTECTED = Case(
    "SCAS-33117-4.2.3.4.2.1",
    requirement="Every account that can log in has something to prove itself by.",
    threat="An account without a password is open to all.",
)
PRIVILEGE = Case(
    "SCAS-33117-4.2.4.1.2.1",
    requirement="The product's processes run as the users that are declared, and no program that lends rights is there "
    "but the declared ones.",
    threat="A mistake in one function gives whoever uses it the whole host.",
)
MEMORY = Case(
    "SCAS-33117-4.3.3.1.5",
    requirement="The host makes memory errors hard to use: addresses are drawn, and crashed processes of other rights "
    "leave no memory behind.",
    threat="One overflow is an entry.",
)
READ, WRITE = 4, 2
ENOUGH = 200  # octets that a process list, a log or a configuration has at least
PROCESSES = (
    "sh",
    "-c",
    'for p in /proc/[0-9]*; do printf "%s " "${p##*/}"; tr "\\0" " " < $p/cmdline; echo; done 2>/dev/null; true',
)


class File(NamedTuple):
    mode: int
    owner: str
    name: str


async def files(trial: Trial, wanted: tuple[str, ...], key: str) -> list[File]:
    """A control: those that are declared are there; folders with what is in them."""
    found: list[File] = []
    with trial.control(f"the files of {key} are there") as seen:
        check.that(bool(wanted), f"{key} names none")
        said = await trial.on_host(
            "find", *wanted, "!", "-type", "l", "-exec", "stat", "-c", "%a %U %n", "{}", "+"
        )
        for line in said.splitlines():
            mode, owner, name = line.split(" ", 2)
            found.append(File(int(mode, 8), owner, name))
        check.that(bool(found), "none was found")
        seen.text = f"{len(found)} files and folders"
    return found


def refused(found: Iterable[File], right: int, whom: str) -> list[str]:
    """Those that others, or also the group, have a right to. What is in a folder that is shut to them is not."""
    shift = {"others": (0,), "group and others": (0, 3)}[whom]
    shut = tuple(f"{one.name}/" for one in found if not any(one.mode >> s & 1 for s in shift))
    return sorted(
        f"{one.name} ({one.mode:o})"
        for one in found
        if any(one.mode >> s & right for s in shift) and not one.name.startswith(shut)
    )


@RIGHTS.sub("private", "what holds keys or subscribers' data is the product's alone", needs=("host",))
async def private(trial: Trial) -> None:
    found = await files(trial, trial.target.host.private, "host.private")
    with trial.finding("neither group nor others can read or write any of it"):
        check.equal(refused(found, READ | WRITE, "group and others"), [], "files")
    with trial.finding("each belongs to a user of the product"):
        users = trial.target.host.users
        check.equal([one.name for one in found if one.owner not in users], [], "files of others")


@RIGHTS.sub("configuration", "nobody else changes the configuration", needs=("host",))
async def configuration(trial: Trial) -> None:
    found = await files(trial, trial.target.host.configuration, "host.configuration")
    with trial.finding("neither group nor others can write it"):
        check.equal(refused(found, WRITE, "group and others"), [], "files")


@LOGS.sub("A", "rights of the log files", needs=("host", "logs"))
async def logs(trial: Trial) -> None:
    found = await files(trial, trial.target.host.logs, "host.logs")
    with trial.finding("others can neither read nor write them, and the group not write"):
        check.equal(refused(found, READ | WRITE, "others"), [], "files")
        check.equal(refused(found, WRITE, "group and others"), [], "files")


def keys(trial: Trial) -> dict[str, re.Pattern[str]]:
    """The test subscribers' secrets, as anything would print them: hexadecimal, however it is broken up."""
    found: dict[str, re.Pattern[str]] = {}
    for group in trial.target.subscribers:
        for name, octets in (("K", group.k), ("OPc", group.opc), ("OP", group.op)):
            if octets:
                pairs = [f"{octet:02x}" for octet in octets]
                found[name] = re.compile(r"[\s:,x0\\-]{0,3}".join(pairs), re.IGNORECASE)
    return found


async def nowhere(trial: Trial, text: str, place: str) -> None:
    """A control and a finding for each secret."""
    with trial.control(f"{place} can be read") as seen:
        check.that(len(text) >= ENOUGH, f"only {len(text)} characters came")
        seen.text = f"{len(text)} characters"
    for name, pattern in keys(trial).items():
        with trial.finding(f"{place} does not hold the subscribers' {name}"):
            match = pattern.search(text)
            check.that(match is None, f"it does, at character {match.start() if match else 0}")


async def registered(trial: Trial) -> None:
    """A control: the keys have been in use since the log began to count."""
    gnb = await trial.bench.gnb()
    ue = await trial.registered(gnb)
    await trial.updated(ue)


@SECRETS.sub("log", "the log of a registration", needs=("log",))
async def in_the_log(trial: Trial) -> None:
    since = str(int(trial.lab.utc()) - 3600)
    await registered(trial)
    await nowhere(trial, await trial.turn("log", since=since), "the log")


@SECRETS.sub("files", "log files and configuration", needs=("host",))
async def in_files(trial: Trial) -> None:
    host = trial.target.host
    await registered(trial)
    for name in (*host.logs, *host.configuration):
        with trial.control(f"{name} is there"):
            text = await trial.on_host("cat", name)
        for what, pattern in keys(trial).items():
            with trial.finding(f"{name} does not hold the subscribers' {what}"):
                check.that(pattern.search(text) is None, "it does")
    with trial.control("there was something to look at"):
        check.that(bool(host.logs or host.configuration), "host.logs and host.configuration name none")


async def processes(trial: Trial) -> dict[str, str]:
    """A control: the product's processes, by number, each with its command line."""
    wanted = trial.target.host.processes
    found: dict[str, str] = {}
    with trial.control("the product's processes run") as seen:
        check.that(bool(wanted), "host.processes names none")
        for line in (await trial.on_host(*PROCESSES)).splitlines():
            number, _, words = line.partition(" ")
            if any(word in words for word in wanted) and "/proc/[0-9]" not in words:
                found[number] = words.strip()
        missing = [word for word in wanted if not any(word in words for words in found.values())]
        check.equal(missing, [], "words of host.processes that no command line holds")
        seen.text = ", ".join(f"{number} {words[:60]}" for number, words in found.items())
    return found


@SECRETS.sub("processes", "arguments and environment of the product's processes", needs=("host",))
async def in_processes(trial: Trial) -> None:
    for number, words in (await processes(trial)).items():
        environment = await trial.on_host("cat", f"/proc/{number}/environ")
        for name, pattern in keys(trial).items():
            with trial.finding(
                f"process {number} holds the subscribers' {name} neither in arguments nor environment"
            ):
                check.that(pattern.search(words) is None, "its arguments do")
                check.that(pattern.search(environment) is None, "its environment does")


@SECRETS.sub("dumps", "a crash leaves no memory behind", needs=("host",), beyond=True)
async def dumps(trial: Trial) -> None:
    for number in await processes(trial):
        limits = await trial.on_host("cat", f"/proc/{number}/limits")
        with trial.finding(f"process {number} writes no core file") as seen:
            found = re.search(r"Max core file size\s+(\S+)", limits)
            seen.text = f"limit {found.group(1) if found else 'unknown'}"
            check.equal(found.group(1) if found else "unknown", "0", "the limit of its core files")


@ACCOUNTS.sub("A", "numbers of accounts", needs=("host",))
async def accounts(trial: Trial) -> None:
    rows = [
        line.split(":") for line in (await trial.on_host("cat", "/etc/passwd")).splitlines() if ":" in line
    ]
    with trial.control("there are accounts") as seen:
        check.that(any(row[0] == "root" for row in rows), "root is not among them")
        seen.text = f"{len(rows)} accounts"
    with trial.finding("none but root has the number 0"):
        check.equal(
            [row[0] for row in rows if len(row) > 2 and row[2] == "0" and row[0] != "root"], [], "accounts"
        )
    with trial.finding("no number is of two accounts"):
        numbers = [row[2] for row in rows if len(row) > 2]
        check.equal(sorted({one for one in numbers if numbers.count(one) > 1}), [], "numbers")


@PROTECTED.sub(
    "host", "accounts of the host without a password", needs=("host",), limit="the host's accounts alone"
)
async def passwords(trial: Trial) -> None:
    rows = [
        line.split(":") for line in (await trial.on_host("cat", "/etc/shadow")).splitlines() if ":" in line
    ]
    with trial.control("the passwords' hashes can be looked at"):
        check.that(bool(rows), "there are none")
    with trial.finding("no account has an empty password"):
        check.equal([row[0] for row in rows if row[1] == ""], [], "accounts")
    with trial.finding("no hash is of a kind that is broken by trying (DES, MD5)"):
        weak = [
            row[0] for row in rows if row[1].startswith("$1$") or re.fullmatch(r"[./0-9A-Za-z]{13}", row[1])
        ]
        check.equal(weak, [], "accounts")


async def statuses(trial: Trial) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for number in await processes(trial):
        said = await trial.on_host("cat", f"/proc/{number}/status")
        found[number] = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)
    return found


async def names_of_users(trial: Trial) -> Callable[[str], str]:
    rows = [
        line.split(":") for line in (await trial.on_host("cat", "/etc/passwd")).splitlines() if ":" in line
    ]
    known = {row[2]: row[0] for row in rows if len(row) > 2}
    return lambda number: known.get(number, number)


@PRIVILEGE.sub("users", "the product's processes run as declared", needs=("host",))
async def users(trial: Trial) -> None:
    named = await names_of_users(trial)
    for number, status in (await statuses(trial)).items():
        with trial.finding(f"process {number} runs as a declared user") as seen:
            whom = {named(one) for one in status.get("Uid", "").split()}
            seen.text = " ".join(sorted(whom))
            check.equal(sorted(whom - set(trial.target.host.users)), [], "users that are not declared")


@PRIVILEGE.sub("lent", "programs that lend rights are the declared ones", needs=("host",), within=120.0)
async def lent(trial: Trial) -> None:
    places = ("/bin", "/sbin", "/usr", "/opt")
    with trial.control("programs can be looked at"):
        some = await trial.on_host("sh", "-c", "ls -d " + " ".join(places) + " 2>/dev/null | wc -l")
        check.that(int(some.strip() or 0) > 0, "there are none")
    command = "find " + " ".join(places) + " -xdev -type f -perm /6000 2>/dev/null; true"
    with trial.finding("no program has set-uid or set-gid rights but those of host.lends") as seen:
        found = sorted(set((await trial.on_host("sh", "-c", command)).split()))
        seen.text = " ".join(found) or "none"
        check.equal([one for one in found if one not in trial.target.host.lends], [], "programs")


@PRIVILEGE.sub("not-root", "no process of the product is root with every right", needs=("host",), beyond=True)
async def not_root(trial: Trial) -> None:
    for number, status in (await statuses(trial)).items():
        with trial.finding(f"process {number} is not root, or has given rights back") as seen:
            held = int(status.get("CapEff", "0"), 16)
            bound = int(status.get("CapBnd", "0"), 16)
            seen.text = f"uid {status.get('Uid', '?').split()[0]}, effective capabilities {held:#x}"
            check.that(status.get("Uid", "0").split()[0] != "0" or held != bound, seen.text)


@MEMORY.sub("kernel", "settings of the host's kernel", needs=("host",), beyond=True)
async def kernel(trial: Trial) -> None:
    wanted = {
        "kernel/randomize_va_space": (("2",), "addresses are drawn (2)"),
        "fs/suid_dumpable": (("0",), "processes of other rights leave no core file (0)"),
        "fs/protected_symlinks": (("1",), "links of others in shared folders are not followed (1)"),
    }
    for name, (values, words) in wanted.items():
        with trial.control(f"{name} can be read"):
            said = (await trial.on_host("cat", f"/proc/sys/{name}")).strip()
        with trial.finding(words):
            check.one_of(said, values, name)


MEMORY.not_yet("A", "the vendor's document about memory protection and its tests", "documents")
