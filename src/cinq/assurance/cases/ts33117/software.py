"""TS 33.117 §4.3.2.3 to §4.3.2.5 and §4.2.3.3.5 : what is installed, started, mended and believed."""

from __future__ import annotations

import asyncio
import csv
import re
from datetime import UTC, date, datetime
from pathlib import Path

from cinq.assurance import reading
from cinq.assurance.case import Case
from cinq.assurance.trial import DoesNotApply, Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed

UNUSED = Case(
    "SCAS-33117-4.3.2.3",
    requirement="Only software that the product needs is installed.",
    threat="What nobody uses nobody mends, and an intruder finds it useful.",
)
FUNCTIONS = Case(
    "SCAS-33117-4.3.2.4",
    requirement="Functions of hardware and software that are not needed are off for good.",
    threat="An interface that nobody looks at is a way in.",
)
SUPPORTED = Case(
    "SCAS-33117-4.3.2.5",
    requirement="No component is used for which its maker mends no faults any more.",
    threat="A fault that everybody knows is never mended.",
)
INTEGRITY = Case(
    "SCAS-33117-4.2.3.3.5",
    requirement="Software is installed only where its signature holds, and by those who may.",
    threat="Who stands between the vendor and the product becomes its author.",
)
OLD = frozenset(
    [
        "telnetd",
        "inetutils-telnetd",
        "telnet-server",
        "rsh-server",
        "rsh-redone-server",
        "rsh-client",
        "tftpd",
        "tftpd-hpa",
        "atftpd",
        "tftp-server",
        "xinetd",
        "inetutils-inetd",
        "openbsd-inetd",
        "nis",
        "ypserv",
        "talkd",
        "talk-server",
        "fingerd",
        "finger-server",
        "vsftpd",
        "ftpd",
        "inetutils-ftpd",
    ]
)
RARE = frozenset(
    [
        "dccp",
        "rds",
        "tipc",
        "ax25",
        "netrom",
        "rose",
        "x25",
        "appletalk",
        "ipx",
        "decnet",
        "n_hdlc",
        "bluetooth",
        "firewire_core",
        "firewire_ohci",
        "usb_storage",
        "uas",
        "cramfs",
        "freevxfs",
        "jffs2",
        "hfs",
        "hfsplus",
        "thunderbolt",
    ]
)
"""Protocols, buses and file systems of the kernel that no network function needs."""
LISTED = (
    "sh",
    "-c",
    "if command -v dpkg-query >/dev/null; then dpkg-query -W -f '${Package} ${db:Status-Status}\\n' | sed -n "
    "'s/ installed$//p'; elif command -v rpm >/dev/null; then rpm -qa --qf '%{NAME}\\n'; "
    "elif command -v apk >/dev/null; then apk info; fi",
)
UNITS = (
    "sh",
    "-c",
    "find /etc/systemd/system -path '*.wants/*' -type l 2>/dev/null; find /etc/rc?.d -name 'S*' 2>/dev/null; true",
)


async def installed(trial: Trial) -> set[str]:
    """A control: the packages of the host, by name. DoesNotApply: the host has no packages."""
    found: set[str] = set()
    with trial.control("the host's packages can be listed") as seen:
        found = set((await trial.on_host(*LISTED)).split())
        check.that(bool(found), "neither dpkg, rpm nor apk lists any")
        seen.text = f"{len(found)} packages"
    return found


async def read_here(trial: Trial, path: Path | None, name: str) -> str:
    """A control: a file of the bench, which is kept as evidence."""
    octets = b""
    with trial.control(f"host.{name} can be read") as seen:
        try:
            octets = await asyncio.to_thread(check.present(path, f"host.{name}").read_bytes)
        except OSError as error:
            raise Failed(error.strerror or str(error)) from None
        seen.text = f"{path}, {len(octets)} octets"
    trial.keep(f"{name}.txt", octets)
    return octets.decode(errors="replace")


@UNUSED.sub("list", "packages against the vendor's list", needs=("host", "packages"))
async def listed(trial: Trial) -> None:
    declared = set((await read_here(trial, trial.target.host.packages, "packages")).split())
    found = await installed(trial)
    with trial.finding("no package is installed that is not declared"):
        check.equal(sorted(found - declared)[:20], [], "packages")


@UNUSED.sub("old", "programs that no product needs any more", needs=("host",), beyond=True)
async def old(trial: Trial) -> None:
    found = await installed(trial)
    with trial.finding("no server of an old unprotected service is installed"):
        check.equal(sorted(found & OLD), [], "packages")


@FUNCTIONS.sub("units", "what the host starts by itself", needs=("host",))
async def units(trial: Trial) -> None:
    with trial.control("the host's settings can be looked at"):
        check.that(await reading.there(trial, "/etc/passwd"), "there is no /etc/passwd")
    if not await reading.there(trial, "/etc/systemd/system", "/etc/rc?.d"):
        raise DoesNotApply(
            "the host starts nothing by itself: it has neither systemd nor run levels (TS 33.117 §4.3.2.4)"
        )
    found = sorted({Path(line).name for line in (await trial.on_host(*UNITS)).splitlines()})
    with trial.finding("it starts nothing but the units of host.services") as seen:
        seen.text = ", ".join(found) or "nothing"
        check.equal([name for name in found if name not in trial.target.host.services], [], "units")


@FUNCTIONS.sub("modules", "protocols, buses and file systems in the kernel", needs=("host",), beyond=True)
async def modules(trial: Trial) -> None:
    with trial.control("the kernel's modules can be listed") as seen:
        said = await reading.lines(trial, "/proc/modules", "/proc/filesystems")
        check.that(bool(said), "it lists neither modules nor file systems")
        seen.text = f"{len(said)} modules and file systems"
    with trial.finding("none is loaded that no network function needs"):
        loaded = {line.split()[0].replace("-", "_") for line in said} | {line.split()[-1] for line in said}
        check.equal(sorted(loaded & RARE), [], "modules")


def day(trial: Trial) -> date:
    return datetime.fromtimestamp(trial.lab.utc(), UTC).date()


async def end_of_system(trial: Trial) -> tuple[str, date | None]:
    """The host's operating system, and until when it is mended, by its own word, the host's list or the vendor's."""
    release = await reading.assigned(trial, "/etc/os-release", "/usr/lib/os-release")
    name, version = release.get("id", ""), release.get("version_id", "")
    if given := release.get("support_end"):
        return f"{name} {version}", _date(given)
    known = (await reading.text(trial, f"/usr/share/distro-info/{name}.csv")) if name.isalnum() else ""
    for row in csv.DictReader(known.splitlines()):
        ends = row.get("eol-lts") or row.get("eol-server") or row.get("eol")
        if version and (row.get("version") or "").split()[:1] == [version]:
            return f"{name} {version}", _date(ends or "")
    return f"{name} {version}", None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


@SUPPORTED.sub("system", "the host's operating system", needs=("host",))
async def system(trial: Trial) -> None:
    name, end = "", None
    with trial.control("what the host runs is known, and until when that is mended") as seen:
        name, end = await end_of_system(trial)
        if end is None and trial.target.host.supported is not None:
            end = (await declared_ends(trial)).get(name)
        check.that(bool(name.strip()), "/etc/os-release names no system")
        until = check.present(end, f"the end of {name} (SUPPORT_END, distro-info, host.supported)")
        seen.text = f"{name}, until {until}"
    with trial.finding(f"{name} is still mended"):
        check.that(end is not None and end >= day(trial), f"until {end}, and it is {day(trial)}")


async def declared_ends(trial: Trial) -> dict[str, date | None]:
    said = await read_here(trial, trial.target.host.supported, "supported")
    return {row.get("name") or "": _date(row.get("until") or "") for row in csv.DictReader(said.splitlines())}


@SUPPORTED.sub(
    "components", "components by the vendor's list", needs=("supported",), limit="what the list names"
)
async def components(trial: Trial) -> None:
    ends = await declared_ends(trial)
    with trial.control("the list names components, each with a date") as seen:
        check.that(bool(ends), "it names none (columns: name, until)")
        check.equal([name for name, end in ends.items() if end is None], [], "components without a date")
        seen.text = f"{len(ends)} components"
    with trial.finding("each is still mended"):
        gone = [f"{name} ({end})" for name, end in ends.items() if end is not None and end < day(trial)]
        check.equal(gone, [], "components")


@INTEGRITY.sub("sources", "only packages whose signature holds are taken", needs=("host",))
async def sources(trial: Trial) -> None:
    await installed(trial)
    apt = await reading.lines(
        trial,
        "/etc/apt/apt.conf",
        "/etc/apt/apt.conf.d/*",
        "/etc/apt/sources.list",
        "/etc/apt/sources.list.d/*",
    )
    yum = await reading.lines(trial, "/etc/yum.conf", "/etc/dnf/dnf.conf", "/etc/yum.repos.d/*.repo")
    with trial.finding("no source and no setting lets packages in that nobody has signed"):
        lax = re.compile(
            r"(AllowUnauthenticated|AllowInsecureRepositories)\W+(true|1|yes)|trusted\s*[=:]\s*yes|gpgcheck\s*=\s*0",
            re.IGNORECASE,
        )
        check.equal([line for line in (*apt, *yum) if lax.search(line)], [], "settings")
    with trial.finding("no package is fetched by FTP"):
        check.equal([line for line in (*apt, *yum) if "ftp://" in line.lower()], [], "sources")


@INTEGRITY.sub("files", "programs are as they were installed", needs=("host",), beyond=True, within=300.0)
async def files(trial: Trial) -> None:
    await installed(trial)
    command = (
        "if command -v dpkg >/dev/null; then dpkg --verify; else rpm -Va --nomtime; fi 2>/dev/null; true"
    )
    said = await trial.on_host("sh", "-c", command, within=240.0)
    changed = [line for line in said.splitlines() if " c " not in line and line[:9].count("5") == 1]
    with trial.finding("no file of a package is another than was installed, settings aside"):
        check.equal([line.split()[-1] for line in changed][:20], [], "files")
