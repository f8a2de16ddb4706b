"""TS 33.117 §4.2.3.2.3 and §4.2.3.4 on the product's host: passwords, and what who has an account may do."""

from __future__ import annotations

import asyncio
import re

from cinq.assurance import crypt, reading
from cinq.assurance.case import Case
from cinq.assurance.reading import number
from cinq.assurance.trial import DoesNotApply, Trial
from cinq.ran.scenarios import check

HOST = "accounts of the host alone; those of the product's own management are for an OAM client to ask"
STORED = Case(
    "SCAS-33117-4.2.3.2.3",
    requirement="Passwords are kept as salted hashes of a kind that is slow to try; one password has two hashes.",
    threat="Who reads the file has every password, and those who use one in two places at once.",
)
PREDEFINED = Case(
    "SCAS-33117-4.2.3.4.2.2",
    requirement="Accounts that came with the product or its system and that nobody needs are gone or shut.",
    threat="Whoever has read the manual has an account.",
)
DEFAULTS = Case(
    "SCAS-33117-4.2.3.4.2.3",
    requirement="No account has the password that it was delivered with.",
    threat="The first password to be tried is that of the manual.",
)
STRUCTURE = Case(
    "SCAS-33117-4.2.3.4.3.1",
    requirement="New passwords have at least eight characters, of three of four kinds.",
    threat="A short word is found by trying.",
)
CHANGES = Case(
    "SCAS-33117-4.2.3.4.3.2",
    requirement="Passwords are changed after a time, and former ones are not taken again.",
    threat="A password that got out once opens for ever.",
)
GUESSING = Case(
    "SCAS-33117-4.2.3.4.3.3",
    requirement="Trying passwords one after another is slowed down or stopped.",
    threat="A program tries a thousand passwords in a second.",
)
FAILED = Case(
    "SCAS-33117-4.2.3.4.5",
    requirement="After some wrong logins in a row an account is shut, for a time or until somebody opens it.",
    threat="Whoever has patience gets in.",
)
LEAST = Case(
    "SCAS-33117-4.2.3.4.6.1",
    requirement="An account has the rights that it needs and no others.",
    threat="Who takes over any account has the host.",
)
IDLE = Case(
    "SCAS-33117-4.2.3.5.2",
    requirement="A session in which nothing is done ends by itself.",
    threat="Whoever passes by an open console is its administrator.",
)
ROOT = Case(
    "SCAS-33117-4.3.2.6",
    requirement="Nobody logs in as root from afar.",
    threat="One password that all administrators know, and no name in the log.",
)
SLOW = ("$y$", "$gy$", "$7$", "$2a$", "$2b$", "$2y$", "$6$", "$5$", "$argon2")
SLOW_METHODS = ("yescrypt", "sha512", "sha256", "bcrypt", "blowfish", "gost_yescrypt")
SHUT = ("nologin", "false", "sync", "shutdown", "halt")
USUAL = (
    "",
    "admin",
    "administrator",
    "changeme",
    "cisco",
    "default",
    "operator",
    "pass",
    "password",
    "root",
    "toor",
)
MOST_TRIES, MOST_IDLE_S = 10, 1800
LENGTH, KINDS = 8, 3
EVERYTHING = ("root", "sudo", "wheel", "admin", "docker", "lxd", "disk", "shadow")
"""Groups whose members have the host."""


@STORED.sub("host", "hashes of the host's accounts", needs=("host",), limit=HOST)
async def stored(trial: Trial) -> None:
    found = await reading.with_password(trial)
    with trial.finding("each is a salted hash of a kind that is slow to try") as seen:
        seen.text = ", ".join(sorted({row[1][:3] for row in found.values()}))
        check.equal([name for name, row in found.items() if not row[1].startswith(SLOW)], [], "accounts")
    with trial.finding("no two accounts have the same hash or salt"):
        salts = [row[1].rpartition("$")[0] for row in found.values()]
        check.equal(sorted({salt for salt in salts if salts.count(salt) > 1}), [], "salts")
    with trial.finding("passwords that are changed get such a hash too") as seen:
        method = (await reading.assigned(trial, "/etc/login.defs", mark=" ")).get("encrypt_method", "")
        unix = (await reading.pam(trial, "password")).get("pam_unix", {})
        chosen = [name for name in (*SLOW_METHODS, "md5", "bigcrypt") if name in unix] or [method.lower()]
        seen.text = chosen[0]
        check.one_of(chosen[0], SLOW_METHODS, "the method")


@PREDEFINED.sub("host", "who can log in is declared", needs=("host",), limit=HOST)
async def predefined(trial: Trial) -> None:
    shells = {row[0]: row[-1] for row in await reading.rows(trial, "/etc/passwd", "accounts")}
    shadow = {row[0]: row[1] for row in await reading.rows(trial, "/etc/shadow", "accounts") if len(row) > 1}
    open_to_keys = await trial.on_host(
        "sh",
        "-c",
        "cut -d: -f1,6 /etc/passwd | while IFS=: read n h; do "
        '[ -s "$h/.ssh/authorized_keys" ] && echo "$n"; done; true',
    )
    with trial.finding(
        "no account but those of host.accounts has a password or a key to log in with"
    ) as seen:
        able = [
            name
            for name, shell in shells.items()
            if not shell.endswith(SHUT)
            and (shadow.get(name, "!")[:1] not in ("!", "*") or name in open_to_keys.split())
        ]
        seen.text = ", ".join(able) or "nobody has"
        check.equal([name for name in able if name not in trial.target.host.accounts], [], "accounts")


@DEFAULTS.sub("host", "usual passwords, and those of the manual", needs=("host",), limit=HOST, within=300.0)
async def defaults(trial: Trial) -> None:
    found = await reading.with_password(trial)
    tried = list(dict.fromkeys((*USUAL, *trial.target.host.defaults)))
    for name, row in found.items():
        with trial.control(f"a hash of the kind of {name}'s can be tried"):
            check.that(row[1] == "" or crypt.understood(row[1]), f"this bench does not know {row[1][:3]}")
        with trial.finding(f"{name} has none of {len(tried)} usual passwords, nor its own name"):
            opens = await asyncio.to_thread(crypt.opening, row[1], [*tried, name])
            check.that(opens is None, "it has" if opens else "its password is empty")


@STRUCTURE.sub("host", "length and kinds of characters", needs=("host",), limit=HOST)
async def structure(trial: Trial) -> None:
    await reading.with_password(trial)
    modules = await reading.pam(trial, "password")
    rule = modules.get("pam_pwquality", modules.get("pam_cracklib"))
    with trial.finding("a module looks at new passwords") as seen:
        check.that(rule is not None, f"none does, of {', '.join(modules) or 'no modules'}")
        seen.text = "pam_pwquality" if "pam_pwquality" in modules else "pam_cracklib"
    files = ("/etc/security/pwquality.conf.d/*.conf", "/etc/security/pwquality.conf")
    given = {**await reading.assigned(trial, *files), **(rule or {})}
    with trial.finding(f"at least {LENGTH} characters are wanted") as seen:
        seen.text = f"minlen {given.get('minlen', 'not set')}"
        check.that(number(given.get("minlen")) >= LENGTH, seen.text)
    with trial.finding(f"at least {KINDS} kinds of characters are wanted") as seen:
        forced = sum(number(given.get(f"{kind}credit")) < 0 for kind in "dulo")
        seen.text = f"minclass {given.get('minclass', 'not set')}, {forced} kinds by themselves"
        check.that(max(number(given.get("minclass")), forced) >= KINDS, seen.text)


@CHANGES.sub("host", "age and history", needs=("host",), limit=HOST)
async def changes(trial: Trial) -> None:
    found = await reading.with_password(trial)
    modules = await reading.pam(trial, "password")
    with trial.finding("former passwords are not taken again") as seen:
        history = modules.get("pam_pwhistory", {}).get("remember")
        if "pam_pwhistory" in modules and history is None:
            history = (await reading.assigned(trial, "/etc/security/pwhistory.conf")).get("remember", "10")
        kept = max(number(history), number(modules.get("pam_unix", {}).get("remember")))
        seen.text = f"{kept} are remembered"
        check.that(kept > 0, seen.text)
    most = (await reading.assigned(trial, "/etc/login.defs", mark=" ")).get("pass_max_days")
    with trial.finding("a new account's password ends after a time") as seen:
        seen.text = f"PASS_MAX_DAYS {most}"
        check.that(0 < number(most) < 9999, seen.text)
    with trial.finding("so do those that are there"):
        without = [name for name, row in found.items() if len(row) < 5 or not 0 < number(row[4], 9999) < 9999]
        check.equal(without, [], "accounts whose password has no end")


async def lock(trial: Trial) -> tuple[int, int]:
    """After how many wrong logins an account is shut, 0: never; and for how many seconds, 0: until it is opened."""
    modules = await reading.pam(trial, "auth")
    for name, default in (("pam_faillock", 3), ("pam_tally2", 0), ("pam_tally", 0)):
        if name in modules:
            file = await reading.assigned(trial, "/etc/security/faillock.conf")
            given = {**(file if name == "pam_faillock" else {}), **modules[name]}
            return number(given.get("deny"), default), number(given.get("unlock_time"), 600)
    return 0, 0


@GUESSING.sub("host", "trying is slowed down or stopped", needs=("host",), limit=HOST)
async def guessing(trial: Trial) -> None:
    await reading.with_password(trial)
    deny, _ = await lock(trial)
    delay = (await reading.pam(trial, "auth")).get("pam_faildelay", {}).get("delay")
    with trial.finding("a wrong login shuts the account after a while, or costs time") as seen:
        seen.text = f"shut after {deny or 'no number of'} tries, {number(delay) // 1000} ms for each"
        check.that(0 < deny <= MOST_TRIES or number(delay) >= 1_000_000, seen.text)


@FAILED.sub("host", "an account is shut after wrong logins", needs=("host",), limit=HOST)
async def failed(trial: Trial) -> None:
    await reading.with_password(trial)
    with trial.finding(f"at most {MOST_TRIES} wrong logins in a row shut an account") as seen:
        deny, seconds = await lock(trial)
        seen.text = f"shut after {deny}, for {seconds} s" if deny else "it is never shut"
        check.that(0 < deny <= MOST_TRIES, seen.text)


@LEAST.sub("host", "who can become root, and how", needs=("host",), limit=HOST)
async def least(trial: Trial) -> None:
    declared = (*trial.target.host.accounts, "root")
    groups = await reading.rows(trial, "/etc/group", "groups")
    with trial.finding("groups that have the host have no member but those of host.accounts"):
        members = [
            f"{one} ({row[0]})"
            for row in groups
            if row[0] in EVERYTHING
            for one in row[-1].split(",")
            if one and one not in declared
        ]
        check.equal(members, [], "members")
    rules = await reading.lines(trial, "/etc/sudoers", "/etc/sudoers.d/*")
    every = [line for line in rules if re.search(r"=.*\bALL\s*$", line) and not line.startswith("Defaults")]
    with trial.finding("no rule of sudo gives all rights without a password"):
        check.equal([line for line in every if "NOPASSWD" in line], [], "rules")
    with trial.finding("a rule of sudo that gives all rights is of a declared account, or of a group above"):
        known = {*declared, *(f"%{name}" for name in EVERYTHING)}
        check.equal([line for line in every if line.split()[0] not in known], [], "rules")


@IDLE.sub("host", "a shell in which nothing is done", needs=("host",), limit=HOST)
async def idle(trial: Trial) -> None:
    names = [row[0] for row in await reading.rows(trial, "/etc/passwd", "accounts")]
    if not set(names) & set(trial.target.host.accounts):
        raise DoesNotApply(
            "nobody logs in at the host (host.accounts names none of its; TS 33.117 §4.2.3.5.2)"
        )
    said = await reading.lines(
        trial, "/etc/profile", "/etc/profile.d/*.sh", "/etc/bash.bashrc", "/etc/bashrc"
    )
    whole = "\n".join(said)
    logind = await reading.assigned(trial, "/etc/systemd/logind.conf.d/*.conf", "/etc/systemd/logind.conf")
    found = re.search(r"\bTMOUT=(\d+)", whole)
    seconds = number(found.group(1) if found else logind.get("stopidlesessionsec"))
    with trial.finding(f"it ends within {MOST_IDLE_S // 60} minutes") as seen:
        seen.text = f"after {seconds} s" if seconds else "it never ends"
        check.that(0 < seconds <= MOST_IDLE_S, seen.text)
    with trial.finding("who uses it cannot turn that off"):
        fixed = re.search(r"\b(readonly|declare -r|typeset -r)\b[^\n]*\bTMOUT\b", whole)
        check.that(found is None or fixed is not None, "TMOUT is not read-only")


@ROOT.sub(
    "ssh", "root over SSH, by the server's settings", needs=("host",), limit="the SSH server of the host"
)
async def no_root(trial: Trial) -> None:
    given = await reading.sshd(trial)
    with trial.finding("PermitRootLogin is no") as seen:
        seen.text = given.get("permitrootlogin", "not set: prohibit-password")
        check.equal(given.get("permitrootlogin", "prohibit-password"), "no", "PermitRootLogin")
    with trial.finding("no account logs in with an empty password"):
        check.equal(given.get("permitemptypasswords", "no"), "no", "PermitEmptyPasswords")


ROOT.not_yet("A", "a login as root", "OAM client")
