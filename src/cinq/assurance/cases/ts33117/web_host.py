"""TS 33.117 §4.3.4, a web server for management, on the host: whom it runs as, and how it is set up."""

from __future__ import annotations

import re

from cinq.assurance import reading
from cinq.assurance.case import Case
from cinq.assurance.cases.ts33117 import web_server
from cinq.assurance.cases.ts33117.host import PROCESSES, READ, WRITE, files, refused
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check

RUNS = Case(
    "SCAS-33117-4.3.4.2",
    requirement="No process of a web server that answers requests runs with the rights of the system.",
    threat="A fault of a page gives away the host.",
)
ADDONS = Case(
    "SCAS-33117-4.3.4.4",
    requirement="Modules of the web server that are not needed are off.",
    threat="Each module is code that anybody reaches.",
)
COMPILER = Case(
    "SCAS-33117-4.3.4.5",
    requirement="Where scripts of the web server are, there is no interpreter, compiler or shell.",
    threat="Whoever reaches it by a request runs what he likes.",
)
UPLOADS = Case(
    "SCAS-33117-4.3.4.6",
    requirement="What is sent to the web server is not kept where scripts are run.",
    threat="Who may send a picture sends a program.",
)
INCLUDES = Case(
    "SCAS-33117-4.3.4.7",
    requirement="Server side includes run no commands of the system.",
    threat="A line of a page becomes a command.",
)
RIGHTS = Case(
    "SCAS-33117-4.3.4.8",
    requirement="Only the web server and its administrators can read and change its configuration.",
    threat="Any account of the host sets the web server up.",
)
MAPPINGS = Case(
    "SCAS-33117-4.3.4.13",
    requirement="Only file types that are needed are handed to programs.",
    threat="A file with an odd ending is run.",
)
SCRIPTS = re.compile(
    r"^\s*(?:ScriptAlias\s+\S+|fastcgi_root|scgi_root|cgi\.dir)\s+\"?([^\"\s;]+)", re.IGNORECASE
)
INTERPRETERS = [
    "sh",
    "bash",
    "dash",
    "ash",
    "ksh",
    "zsh",
    "perl",
    "python",
    "python3",
    "php",
    "ruby",
    "lua",
    "tclsh",
    "gcc",
    "cc",
    "clang",
    "make",
    "node",
]
USUAL = frozenset(
    [
        "status",
        "info",
        "dav",
        "dav_fs",
        "userdir",
        "autoindex",
        "include",
        "cgi",
        "cgid",
        "proxy_ftp",
        "imagemap",
        "dav_lock",
        "example",
        "echo",
    ]
)
"""Modules of Apache that seldom are needed."""
RUNNING = re.compile(
    r"(AddHandler|SetHandler|AddType)\s+(\S*(?:cgi|php|server-parsed|x-httpd)\S*)\s*(.*)|^\s*cgi\.assign",
    re.IGNORECASE,
)
LIMIT = "Apache, nginx and lighttpd, by the words of their configuration"
NEEDS = ("host", "web_configuration")


async def configured(trial: Trial) -> list[str]:
    """A control: the lines of the web server's configuration, without comments; folders with what is in them."""
    found: list[str] = []
    with trial.control("the web server's configuration can be read") as seen:
        names = trial.target.host.web_configuration
        said = await trial.on_host("find", *names, "!", "-type", "d", "-exec", "cat", "{}", "+")
        found = [
            line.strip() for line in said.splitlines() if line.strip() and not line.strip().startswith("#")
        ]
        check.that(bool(found), "there is nothing in it")
        seen.text = f"{len(found)} lines of {', '.join(names)}"
    return found


@RUNS.sub("A", "users of its processes", needs=("host", "web_processes"), feature="web")
async def runs(trial: Trial) -> None:
    host, uids = trial.target.host, dict[str, str]()
    with trial.control("the web server's processes run") as seen:
        for line in (await trial.on_host(*PROCESSES)).splitlines():
            number, _, words = line.partition(" ")
            if any(word in words for word in host.web_processes) and "/proc/[0-9]" not in words:
                status = await trial.on_host("cat", f"/proc/{number}/status")
                uids[number] = dict(row.split(":\t", 1) for row in status.splitlines() if ":\t" in row)["Uid"]
        check.that(bool(uids), "no command line holds a word of host.web_processes")
        seen.text = f"{len(uids)} processes"
    names = {row[2]: row[0] for row in await reading.rows(trial, "/etc/passwd", "accounts") if len(row) > 2}
    runs_as = {number: names.get(uid.split()[1], uid.split()[1]) for number, uid in uids.items()}
    with trial.finding("they run as the users of host.web_users, but the one that opened the port") as seen:
        seen.text = ", ".join(f"{number} {name}" for number, name in runs_as.items())
        others = [f"{number} {name}" for number, name in runs_as.items() if name not in host.web_users]
        parent = len(runs_as) > 1 and len(others) == 1 and others[0].endswith(" root")
        check.that(not others or parent, seen.text)


@ADDONS.sub("A", "modules that are loaded", needs=NEEDS, feature="web", limit=LIMIT)
async def addons(trial: Trial) -> None:
    said = await configured(trial)
    loaded = {
        m.group(1) for line in said if (m := re.match(r"LoadModule\s+(\w+?)_module\b", line, re.IGNORECASE))
    }
    loaded |= {m.group(1) for line in said if (m := re.match(r"load_module\s+\S*ngx_(\w+?)_module", line))}
    with trial.finding("none of those that seldom are needed, but what host.web_modules names") as seen:
        seen.text = ", ".join(sorted(loaded)) or "none is loaded by itself"
        wrong = loaded & USUAL if not trial.target.host.web_modules else loaded
        check.equal(sorted(wrong - set(trial.target.host.web_modules)), [], "modules")
    with trial.finding("the server lists no folders, and shows no state of its own"):
        lax = [
            line
            for line in said
            if re.match(r"(autoindex\s+on|stub_status|Options\s.*(?<!-)\bIndexes)", line)
        ]
        check.equal(lax, [], "settings")


def script_folders(said: list[str]) -> list[str]:
    return sorted({m.group(1).rstrip("/") for line in said if (m := SCRIPTS.match(line))})


@COMPILER.sub("A", "folders of scripts", needs=NEEDS, feature="web", limit=LIMIT)
async def compiler(trial: Trial) -> None:
    folders = script_folders(await configured(trial))
    with trial.finding("no folder of scripts holds an interpreter, a compiler or a shell") as seen:
        seen.text = ", ".join(folders) or "there is no such folder"
        tests = " -o ".join(f"-name {name}" for name in INTERPRETERS)
        command = f'for d; do find -L "$d" {tests} 2>/dev/null; done; true'
        found = await trial.on_host("sh", "-c", command, "sh", *folders)
        check.equal(sorted(found.split()), [], "programs")


@UPLOADS.sub("A", "where uploads are, and scripts", needs=NEEDS, feature="web", limit=LIMIT)
async def uploads(trial: Trial) -> None:
    said = await configured(trial)
    with trial.finding("no folder of uploads is a folder of scripts, or in one") as seen:
        kept = [name.rstrip("/") for name in trial.target.host.web_uploads]
        seen.text = ", ".join(kept) or "nothing is uploaded (host.web_uploads)"
        inside = [
            f"{name} in {folder}"
            for name in kept
            for folder in script_folders(said)
            if f"{name}/".startswith(f"{folder}/")
        ]
        check.equal(inside, [], "folders")
    with trial.finding("no file that was uploaded may be run"):
        found = await trial.on_host(
            "sh", "-c", 'for d; do find "$d" -type f -perm /111 2>/dev/null; done; true', "sh", *kept
        )
        check.equal(found.split(), [], "files")


@INCLUDES.sub("A", "includes that run commands", needs=NEEDS, feature="web", limit=LIMIT)
async def includes(trial: Trial) -> None:
    said = await configured(trial)
    with trial.finding("includes are off, or run no commands"):
        lax = [
            line
            for line in said
            if re.match(
                r"(Options\s.*(?<![-\w])\+?Includes(?!NOEXEC)\b|ssi\s+on\b|ssi\.extension)",
                line,
                re.IGNORECASE,
            )
        ]
        check.equal(lax, [], "settings")


@RIGHTS.sub("A", "rights of its configuration", needs=NEEDS, feature="web")
async def rights(trial: Trial) -> None:
    found = await files(trial, trial.target.host.web_configuration, "host.web_configuration")
    with trial.finding("others can neither read nor write it, and the group not write"):
        check.equal(refused(found, READ | WRITE, "others"), [], "files")
        check.equal(refused(found, WRITE, "group and others"), [], "files")
    with trial.finding("it does not belong to the user that answers requests"):
        own = [one.name for one in found if one.owner in trial.target.host.web_users]
        check.equal(own, [], "files of host.web_users")


@MAPPINGS.sub("A", "file types that are run", needs=NEEDS, feature="web", limit=LIMIT)
async def mappings(trial: Trial) -> None:
    said = await configured(trial)
    with trial.finding("no type of file is handed to a program, but by a module of host.web_modules"):
        declared = trial.target.host.web_modules
        handed = [
            line for line in said if RUNNING.search(line) and not any(name in line for name in declared)
        ]
        check.equal(handed, [], "settings")


@web_server.FILES.sub("host", "rights of what it hands out", needs=("host", "web_content"), feature="web")
async def content(trial: Trial) -> None:
    found = await files(trial, trial.target.host.web_content, "host.web_content")
    with trial.finding("others cannot write any of it"):
        check.equal(refused(found, WRITE, "others"), [], "files")
    with trial.finding("it does not belong to the user that answers requests, uploads aside"):
        users, kept = trial.target.host.web_users, trial.target.host.web_uploads
        own = [
            one.name
            for one in found
            if one.owner in users and not one.name.startswith(tuple(kept) or ("\0",))
        ]
        check.equal(own, [], "files of host.web_users")
    with trial.finding("no link leads out of it"):
        folders = trial.target.host.web_content
        said = await trial.on_host(
            "sh",
            "-c",
            'for d; do find "$d" -type l -exec readlink -f {} +; done 2>/dev/null; true',
            "sh",
            *folders,
        )
        out = [
            name
            for name in said.split()
            if not name.startswith(tuple(f"{one.rstrip('/')}/" for one in folders))
        ]
        check.equal(out, [], "places that links lead to")
