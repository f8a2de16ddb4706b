"""What a Linux host says of how it is set up, read by commands that change nothing (host.prefix)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cinq.assurance.trial import DoesNotApply, Trial
from cinq.ran.scenarios import check

Row = list[str]
COMMENT = re.compile(r"\s*#.*|\s*;.*")


async def text(trial: Trial, *patterns: str) -> str:
    """The files that these patterns of the shell name, one after another; '' where there is none."""
    names = " ".join(patterns)  # of the cases' own, with stars
    return await trial.on_host(
        "sh", "-c", f'for f in {names}; do [ -f "$f" ] && cat "$f" && echo; done 2>/dev/null; true'
    )


async def lines(trial: Trial, *patterns: str) -> list[str]:
    """The same without comments and empty lines."""
    said = await text(trial, *patterns)
    return [line.strip() for line in said.splitlines() if line.strip() and not COMMENT.fullmatch(line)]


async def there(trial: Trial, *patterns: str) -> bool:
    names = " ".join(patterns)
    said = await trial.on_host("sh", "-c", f'for f in {names}; do [ -e "$f" ] && echo "$f"; done; true')
    return bool(said.strip())


async def rows(trial: Trial, file: str, what: str) -> list[Row]:
    """A control: a table with colons between its columns, such as /etc/passwd."""
    found: list[Row] = []
    with trial.control(f"{file} can be read") as seen:
        found = [line.split(":") for line in (await trial.on_host("cat", file)).splitlines() if ":" in line]
        check.that(bool(found), "there is nothing in it")
        seen.text = f"{len(found)} {what}"
    return found


async def with_password(trial: Trial) -> dict[str, Row]:
    """A control: accounts of the host with a password, each with its row of /etc/shadow. DoesNotApply: none has."""
    found = {
        row[0]: row for row in await rows(trial, "/etc/shadow", "accounts") if row[1][:1] not in ("!", "*")
    }
    if not found:
        raise DoesNotApply(
            "no account of the host has a password: nobody logs in with one (/etc/shadow; TS 33.117 §4.2.3.4)"
        )
    return found


async def pam(trial: Trial, stack: str) -> dict[str, dict[str, str]]:
    """Modules of a stack ('auth', 'password') of all services that ask for passwords, each with its options."""
    found: dict[str, dict[str, str]] = {}
    files = (f"/etc/pam.d/common-{stack}", "/etc/pam.d/system-auth", "/etc/pam.d/password-auth")
    for line in await lines(trial, *files, "/etc/pam.d/login", "/etc/pam.d/sshd"):
        words = re.sub(r"\[[^\]]*\]", "[]", line).split()
        if len(words) > 2 and words[0].lstrip("-") == stack and words[2].endswith(".so"):
            options = dict(word.partition("=")[::2] for word in words[3:])
            found.setdefault(words[2].rpartition("/")[2].removesuffix(".so"), {}).update(options)
    return found


async def assigned(trial: Trial, *patterns: str, mark: str = "=") -> dict[str, str]:
    """Lines 'key = value', the first of a key; mark ' ' where only blanks part both. Keys in small letters."""
    found: dict[str, str] = {}
    for line in await lines(trial, *patterns):
        key, _, value = line.replace("\t", " ").partition(mark)
        found.setdefault(key.strip().lower(), value.split(" #")[0].strip().strip('"'))
    return found


async def sshd(trial: Trial) -> dict[str, str]:
    """A control: the settings of the SSH server, above all its Match blocks. DoesNotApply: there is none."""
    found: dict[str, str] = {}
    with trial.control("the settings of the host can be looked at"):
        check.that(await there(trial, "/etc/passwd"), "there is no /etc/passwd")
    if not await there(trial, "/etc/ssh/sshd_config"):
        raise DoesNotApply("the host has no SSH server (/etc/ssh/sshd_config; TS 33.117 §4.3.2.6)")
    for line in await lines(trial, "/etc/ssh/sshd_config.d/*.conf", "/etc/ssh/sshd_config"):
        key, _, value = line.replace("\t", " ").replace("=", " ").partition(" ")
        if key.lower() == "match":
            break
        found.setdefault(key.lower(), value.strip().lower())
    return found


def number(words: str | None, default: int = 0) -> int:
    """A setting as a whole number."""
    return int(words) if words is not None and re.fullmatch(r"-?\d{1,9}", words) else default


async def kernel(trial: Trial, wanted: Mapping[str, tuple[tuple[str, ...], str]]) -> None:
    """A control and a finding for each setting of the kernel. wanted: by a pattern of names under /proc/sys, the values
    that are right, and in words; of a setting of each interface what comes of it and that of `all`."""
    for pattern, (values, words) in wanted.items():
        found: dict[str, str] = {}
        with trial.control(f"{pattern} can be read") as seen:
            names = " ".join(f"/proc/sys/{one}" for one in pattern.split())
            said = await trial.on_host("sh", "-c", f"grep -H . {names}")
            for line in said.splitlines():
                name, _, value = line.removeprefix("/proc/sys/").partition(":")
                found[name] = value.strip()
            check.that(bool(found), "there is none")
            seen.text = f"{len(found)} values"
        with trial.finding(words) as seen:
            comes = effective(found)
            seen.text = ", ".join(f"{name} {value}" for name, value in sorted(comes.items()))[:200]
            wrong = {name: value for name, value in sorted(comes.items()) if value not in values}
            check.equal(wrong, {}, f"settings that are not {' or '.join(values)}")


BOTH = frozenset(("accept_source_route", "bc_forwarding"))
"""Settings of IPv4 that act where `all` and the interface have them; others act where either has them, and those of
IPv6 where the interface has them."""
ROUTERS = frozenset(("accept_redirects", "accept_ra"))
"""Those that are less to an interface that forwards. Their pattern names `forwarding` too."""


def effective(found: Mapping[str, str]) -> dict[str, str]:
    """What acts at each interface but loopback (Linux, Documentation/networking/ip-sysctl)."""
    comes: dict[str, str] = {}
    beside = any(name.rpartition("/")[2] in ROUTERS for name in found)
    for name, value in found.items():
        parts = name.split("/")
        if "conf" not in parts:
            comes[name] = value
            continue
        interface, key = parts[-2], parts[-1]
        if interface in ("lo", "all") or (beside and key not in ROUTERS):
            continue
        forwards = found.get("/".join((*parts[:-1], "forwarding")), "0") == "1"
        if "ipv6" in parts:
            comes[f"{interface} {key}"] = "0" if forwards and (key, value) == ("accept_ra", "1") else value
            continue
        whole = found.get("/".join((*parts[:-2], "all", key)), value)
        pick = min if key in BOTH or (key in ROUTERS and forwards) else max
        comes[f"{interface} {key}"] = str(pick(number(whole), number(value)))
    return comes
