"""TS 33.117 on the product's host: how it boots, mounts, and what its kernel does with packets; logs that grow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatch

from cinq.assurance import reading
from cinq.assurance.case import Case, Play
from cinq.assurance.cases.ts33117 import (
    tc_broadcast_icmp_handling,
    tc_handling_ip_options_and_extensions,
    tc_handling_of_icmp,
    tc_ip_spoofing_mitigation,
)
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check

BOOT = Case(
    "SCAS-33117-4.2.3.3.2",
    requirement="The product boots from the media that it is meant to boot from, and nobody can change that unasked.",
    threat="Who stands before it boots a system of his own and has all that is on its disks.",
)
LAUNCH = Case(
    "SCAS-33117-4.3.3.1.3",
    requirement="Removable media are neither mounted nor run when they are put in.",
    threat="A stick that somebody finds runs as root.",
)
MOUNTS = Case(
    "SCAS-33117-4.3.3.1.6",
    requirement="File systems from outside, and places where anybody can write, lend no rights and no devices.",
    threat="A prepared file system brings a program with the rights of root.",
)
GROWTH = Case(
    "SCAS-33117-4.2.4.1.1.1",
    requirement="What grows, such as logs, cannot fill the place that the product needs.",
    threat="Whoever makes the product log enough ends it.",
)
AUTOMATIC = ("udisksd", "automount", "usbmount", "devmon", "udiskie", "pcmanfm", "gvfs-udisks2-vo")
OUTSIDE = (
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "vfat",
    "exfat",
    "ntfs",
    "ntfs3",
    "iso9660",
    "udf",
    "9p",
    "fuse.sshfs",
)
SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # places of the target that are looked at
REMOVABLE = ("/media/*", "/run/media/*", "/mnt/*")
LOADERS = ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub2/user.cfg", "/boot/efi/EFI/*/grub.cfg")
Wanted = Mapping[str, tuple[tuple[str, ...], str]]


@BOOT.sub("host", "the boot loader and Secure Boot", needs=("host",), feature="hardware")
async def boot(trial: Trial) -> None:
    with trial.control("the boot loader's settings can be read"):
        grub = (await reading.text(trial, *LOADERS)).strip()
        loader = await reading.assigned(
            trial, "/boot/loader/loader.conf", "/boot/efi/loader/loader.conf", mark=" "
        )
        check.that(bool(grub or loader), "there are neither those of GRUB nor of systemd-boot")
    with trial.finding(
        "who stands before it cannot choose another medium or another command line unasked"
    ) as seen:
        by_word = re.search(r"^\s*(password_pbkdf2|password) |^GRUB2_PASSWORD=", grub, re.MULTILINE)
        seen.text = "GRUB wants a password" if by_word else f"editor {loader.get('editor', 'yes')}"
        check.that(
            by_word is not None or loader.get("editor", "yes") in ("no", "0", "off", "false"), seen.text
        )
    with trial.finding("only what is signed is booted (UEFI Secure Boot)"):
        state = await trial.on_host(
            "sh", "-c", "od -An -tu1 -j4 -N1 /sys/firmware/efi/efivars/SecureBoot-* 2>/dev/null || echo none"
        )
        check.equal(state.split(), ["1"], "the state of Secure Boot")


@LAUNCH.sub("host", "nothing mounts by itself", needs=("host",))
async def launch(trial: Trial) -> None:
    with trial.control("the host's processes can be listed") as seen:
        said = await trial.on_host("sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null; true")
        check.that(bool(said.split()), "there are none")
        seen.text = f"{len(said.splitlines())} processes"
    with trial.finding("no program runs that mounts by itself"):
        check.equal(sorted(set(said.split()) & set(AUTOMATIC)), [], "programs")
    rules = await reading.lines(
        trial, "/etc/udev/rules.d/*", "/usr/lib/udev/rules.d/*", "/lib/udev/rules.d/*"
    )
    with trial.finding("no rule of udev mounts or runs what was put in"):
        mounting = [line for line in rules if re.search(r"RUN.*(\bmount\b|systemd-mount|usbmount)", line)]
        check.equal(sorted(set(mounting)), [], "rules")
    with trial.finding("no automounter is set up"):
        units = await trial.on_host("sh", "-c", "ls -d /etc/systemd/system/*.automount 2>/dev/null; true")
        check.equal([*units.split(), *(await reading.lines(trial, "/etc/auto.master"))], [], "automounters")


@MOUNTS.sub("host", "what is mounted, and what may be", needs=("host",))
async def mounts(trial: Trial) -> None:
    with trial.control("what is mounted can be listed") as seen:
        now = await reading.lines(trial, "/proc/mounts")
        check.that(bool(now), "nothing is")
        seen.text = f"{len(now)} file systems"
    for what, rows in (
        ("mounted", now),
        ("to be mounted (/etc/fstab)", await reading.lines(trial, "/etc/fstab")),
    ):
        with trial.finding(
            f"what comes from outside or is open to all is {what} with nosuid and nodev"
        ) as seen:
            entries = [line.split() for line in rows if len(line.split()) > 3 and from_outside(line.split())]
            seen.text = ", ".join(f"{row[1]} {row[3]}" for row in entries)[:200] or "there is none"
            wrong = [f"{row[1]} ({row[3]})" for row in entries if not harmless(row[3].split(","))]
            check.equal(wrong, [], "file systems")


def from_outside(row: list[str]) -> bool:
    _, place, kind, options = row[:4]
    if place.startswith("/boot"):
        return False
    by_users = {"user", "users", "owner", "group"} & set(options.split(","))
    return (
        kind in OUTSIDE or place in SHARED or bool(by_users) or any(fnmatch(place, one) for one in REMOVABLE)
    )


def harmless(options: list[str]) -> bool:
    """`user`, `users`, `owner` and `group` bring nosuid and nodev, unless what stands behind takes them back."""
    nosuid = nodev = False
    for one in options:
        by_users = one in ("user", "users", "owner", "group")
        nosuid = True if one == "nosuid" or by_users else False if one in ("suid", "defaults") else nosuid
        nodev = True if one == "nodev" or by_users else False if one in ("dev", "defaults") else nodev
    return nosuid and nodev


@GROWTH.sub("logs", "log files", needs=("host", "logs"))
async def growth(trial: Trial) -> None:
    host = trial.target.host
    with trial.control("there are log files, and the product's data") as seen:
        check.that(bool(host.logs and host.private), "host.logs or host.private names none")
        said = await trial.on_host("stat", "-c", "%d %n", *host.logs, *host.private)
        device = {name: number for number, _, name in (line.partition(" ") for line in said.splitlines())}
        seen.text = said.strip().replace("\n", ", ")
    rules = await reading.text(trial, "/etc/logrotate.conf", "/etc/logrotate.d/*")
    needed = {device[name] for name in host.private if name in device}
    for name in host.logs:
        with trial.finding(f"{name} is cut in time, or is on a file system of its own") as seen:
            cut = [
                block
                for block in re.findall(r"^([^\n#{]+)\{([^}]*)\}", rules, re.MULTILINE)
                if covers(block[0], name)
            ]
            bounded = any(re.search(r"\b(size|maxsize)\s+\d", block[1]) for block in cut)
            seen.text = "by size" if bounded else "on a file system of its own"
            journal = name.startswith(("/var/log/journal", "/run/log/journal"))
            check.that(
                bounded or journal or device.get(name) not in needed, "it grows beside the product's data"
            )


def covers(heading: str, name: str) -> bool:
    return any(fnmatch(name, pattern.strip('"')) for pattern in heading.split())


def settings(wanted: Wanted) -> Play:
    async def play(trial: Trial) -> None:
        await reading.kernel(trial, wanted)

    return play


ANY4, ANY6 = "net/ipv4/conf/*/", "net/ipv6/conf/*/"
SPOOFING, ICMP = tc_ip_spoofing_mitigation.CASE, tc_handling_of_icmp.CASE
BROADCAST, OPTIONS = tc_broadcast_icmp_handling.CASE, tc_handling_ip_options_and_extensions.CASE
SPOOFING.sub("settings", "the kernel's settings", needs=("host",), beyond=True)(
    settings(
        {
            f"{ANY4}rp_filter": (
                ("1", "2"),
                "packets whose source is not reachable by their interface are dropped",
            ),
            f"{ANY4}log_martians": (("1",), "packets with impossible addresses are logged"),
        }
    )
)
ICMP.sub("settings", "the kernel's settings", needs=("host",), beyond=True)(
    settings(
        {
            f"{ANY4}accept_redirects {ANY4}forwarding": (("0",), "ICMP redirects change no route"),
            f"{ANY4}send_redirects": (("0",), "no ICMP redirects are sent"),
            "net/ipv4/icmp_ignore_bogus_error_responses": (("1",), "wrong ICMP errors are ignored"),
        }
    )
)
ICMP.sub("settings-6", "the kernel's settings for IPv6", needs=("host",), beyond=True)(
    settings(
        {
            f"{ANY6}accept_redirects {ANY6}forwarding": (("0",), "ICMPv6 redirects change no route"),
            f"{ANY6}accept_ra {ANY6}forwarding": (("0",), "router advertisements change nothing"),
        }
    )
)
OPTIONS.sub("settings", "the kernel's settings", needs=("host",), beyond=True)(
    settings(
        {
            f"{ANY4}accept_source_route": (("0",), "packets with a source route are not taken"),
            f"{ANY6}accept_source_route": (("0", "-1"), "packets with an IPv6 routing header are not taken"),
        }
    )
)
BROADCAST.sub("settings", "the kernel's settings", needs=("host",), beyond=True)(
    settings(
        {
            "net/ipv4/icmp_echo_ignore_broadcasts": (("1",), "echo requests to all are not answered"),
            f"{ANY4}proxy_arp": (("0",), "the host answers ARP for nobody else"),
            f"{ANY4}bc_forwarding": (("0",), "packets to all of a network are not forwarded into it"),
            f"{ANY4}arp_accept": (("0",), "gratuitous ARP makes no new entry"),
        }
    )
)


@BROADCAST.sub(
    "forwarding", "the host forwards nothing where it is not meant to", needs=("host",), beyond=True
)
async def forwarding(trial: Trial) -> None:
    wanted = ("0", "1") if trial.target.host.forwards else ("0",)
    words = "IP packets are forwarded only where host.forwards says so"
    await reading.kernel(
        trial, {"net/ipv4/ip_forward": (wanted, words), f"{ANY6}forwarding": (wanted, words)}
    )
    with trial.finding("multicast routing is off"):
        said = await trial.on_host("sh", "-c", "cat /proc/sys/net/ipv4/conf/all/mc_forwarding")
        check.equal(said.strip(), "0", "mc_forwarding")
