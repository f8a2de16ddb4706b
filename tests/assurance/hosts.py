"""A host as it should be, made of this one: in a network and a mount namespace of its own, with files laid over it.

FILES, LINKS, MODES, KERNEL, MOUNTED, COMMANDS and BENCH are what makes it; a mutant is a change of one of them. The
cases' commands are those of this host, and read what is laid over.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cinq.assurance.host import OnHost
from cinq.assurance.run import Outcome
from cinq.assurance.target import Features, Host, Target
from cinq.transport import netns

from .mutants import Weaken
from .plain import described, played
from .site import found

SHA512 = "$6$saltsalt$KZlo1NWhA5ijck6HyrO8DeMsLyhYzGxLOdhIAuVSi.53u4Oig/kFxlocUKQInz.fZ0KkfjjZ4YxiWir9nanIC."
ADMIN = "$6$abcd$dY8o5WhsCMLb.j.Kd5CyByzn3S3c9q/Hd900.YwOXUqIuaplnGcXTNGL4CRQL5QHTiSGSbCgJwr1sz2uelJ2P1"
"""Of a password that nobody tries, and of 'admin'."""
PASSWD = (
    "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/usr/sbin/nologin\nann:x:1000:1000::/home/ann:/bin/sh\n"
)
SHADOW = f"root:*:20000:0:90:7:::\nwww-data:*:20000:0:90:7:::\nann:{SHA512}:20000:0:90:7:::\n"
RULES = "password requisite pam_pwquality.so retry=3\npassword required pam_pwhistory.so remember=5\n"
DPKG = "".join(
    f"Package: {name}\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: a\n\n"
    for name in ("core", "libc6")
)
PROGRAM = "as delivered\n"
MD5 = hashlib.md5(PROGRAM.encode(), usedforsecurity=False).hexdigest()
APACHE = """\
LoadModule mime_module modules/mod_mime.so
<Directory /srv/web>
  Options -Indexes +IncludesNOEXEC
</Directory>
ScriptAlias /cgi-bin/ "/srv/scripts/"
AddType text/html .html
"""
FILES: dict[str, str] = {
    "/etc/passwd": PASSWD,
    "/etc/shadow": SHADOW,
    "/etc/group": "root:x:0:\nsudo:x:27:ann\nwww-data:x:33:\n",
    "/etc/login.defs": "# as usual\nPASS_MAX_DAYS\t90\nENCRYPT_METHOD SHA512\n",
    "/etc/pam.d/common-password": f"{RULES}password [success=1] pam_unix.so use_authtok yescrypt\n",
    "/etc/pam.d/common-auth": "auth required pam_faillock.so preauth deny=5\nauth required pam_unix.so\n",
    "/etc/security/pwquality.conf": "minlen = 12\nminclass = 3\n",
    "/etc/sudoers": "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n",
    "/etc/profile": "readonly TMOUT=600\nexport TMOUT\n",
    "/etc/ssh/sshd_config": "Port 22\nPermitRootLogin no\nMatch User ann\n  PermitRootLogin yes\n",
    "/etc/os-release": 'ID=lab\nVERSION_ID="1"\nSUPPORT_END=2099-01-01\n',
    "/etc/apt/sources.list": "deb https://deb.example.org stable main\n",
    "/etc/rsyslog.conf": 'action(type="omfwd" target="logs.example.org" StreamDriver="ossl" StreamDriverMode="1")\n',
    "/etc/chrony.conf": "pool time.example.org iburst\n",
    "/etc/fstab": "/dev/sdb1 /media/stick vfat user,noauto 0 0\n/dev/sda1 / ext4 defaults 0 1\n",
    "/etc/logrotate.d/core": "/srv/log/*.log {\n  maxsize 100M\n  rotate 3\n}\n",
    "/boot/grub/grub.cfg": 'set superusers="root"\npassword_pbkdf2 root grub.pbkdf2.sha512.10000.AA.BB\n',
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61": "\6\0\0\0\1",
    "/var/lib/dpkg/status": DPKG,
    "/var/lib/dpkg/info/format": "1\n",
    "/var/lib/dpkg/info/core.list": "/.\n/srv\n/srv/programs\n/srv/programs/core\n",
    "/var/lib/dpkg/info/core.md5sums": f"{MD5}  srv/programs/core\n",
    "/srv/programs/core": PROGRAM,
    "/srv/log/core.log": "as usual\n",
    "/srv/data/a.sqlite": "",
    "/srv/conf/apache.conf": APACHE,
    "/srv/web/index.html": "<html></html>\n",
    "/srv/scripts/report": "#!/bin/false\n",
    "/srv/uploads/picture": "",
    "/lib/udev/rules.d/60-block.rules": 'SUBSYSTEM=="block", SYMLINK+="disk"\n',
    "/proc/modules": "sctp 1 0 - Live 0x0\n",
    "/proc/filesystems": "nodev\ttmpfs\n\text4\n",
}
WANTS, EFI = "/etc/systemd/system/multi-user.target.wants", "/sys/firmware/efi/efivars/SecureBoot-8be4df61"
LINKS: dict[str, str] = {f"{WANTS}/core.service": "/dev/null"}
MODES: dict[str, str] = {
    "/srv/conf/apache.conf": "640",
    "/srv/web/index.html": "644",
    "/srv/uploads/picture": "644",
}
KERNEL: dict[str, str] = {
    **{
        f"net.ipv4.conf.{where}.{name}": value
        for where in ("all", "default", "d0")
        for name, value in {
            "rp_filter": "1",
            "log_martians": "1",
            "accept_redirects": "0",
            "send_redirects": "0",
            "accept_source_route": "0",
            "proxy_arp": "0",
            "bc_forwarding": "0",
            "arp_accept": "0",
        }.items()
    },
    **{
        f"net.ipv6.conf.{where}.{name}": "0"
        for where in ("all", "default", "d0", "d1")
        for name in (
            "accept_redirects",
            "accept_ra",
            "accept_source_route",
            "forwarding",
        )
    },
    **{
        f"net.ipv4.conf.d1.{name}": value
        for name, value in {
            "rp_filter": "1",
            "accept_redirects": "0",
            "send_redirects": "0",
            "arp_accept": "0",
        }.items()
    },
    "net.ipv4.conf.all.log_martians": "0",
    "net.ipv4.conf.d1.log_martians": "1",
    "net.ipv4.conf.all.rp_filter": "0",  # the greater of this and the interface's counts
    "net.ipv4.icmp_ignore_bogus_error_responses": "1",
    "net.ipv4.icmp_echo_ignore_broadcasts": "1",
    "net.ipv4.ip_forward": "0",
}
MOUNTED: dict[str, str] = dict.fromkeys(("/tmp", "/var/tmp", "/dev/shm"), "nosuid,nodev")
COMMANDS: dict[str, str] = {"web-server --serve": "33"}
"""Command lines of processes that run, and the number of the user that each runs as."""
BENCH: dict[str, str] = {
    "packages": "core\nlibc6\n",
    "supported": "name,until\ncore,2099-01-01\nlibc6,2099-01-01\n",
}
MUTANTS: dict[str, Weaken] = {}
KILLS: dict[tuple[str, str], list[str]] = {}
"""By sub-case, the mutants that it is to tell apart."""


def mutants(case: str, sub: str, **named: tuple[dict[str, str], str, str]) -> None:
    """Each one change: of which table, under which key, to what."""
    for name, change in named.items():

        def weaken(patch: pytest.MonkeyPatch, change: tuple[dict[str, str], str, str] = change) -> None:
            table, key, value = change
            patch.setitem(table, key, value)

        MUTANTS[name] = weaken
        KILLS.setdefault((f"33117-{case}", sub), []).append(name)


def file(name: str, old: str, new: str) -> tuple[dict[str, str], str, str]:
    """A file in which one thing is another. old: '': it stands behind all."""
    assert old in FILES[name], (name, old)
    return FILES, name, FILES[name].replace(old, new, 1) if old else FILES[name] + new


def kernel(name: str, value: str) -> tuple[dict[str, str], str, str]:
    return KERNEL, name, value


PAM, CONF = "/etc/pam.d/common-password", "/srv/conf/apache.conf"
mutants(
    "4.2.3.2.3",
    "host",
    a_hash_is_of_md5=file("/etc/shadow", "$6$", "$1$"),
    two_accounts_have_one_salt=file("/etc/shadow", "", f"bob:{SHA512}:20000:0:90:7:::\n"),
    new_passwords_are_hashed_by_des=file(PAM, "yescrypt", "bigcrypt"),
)
mutants(
    "4.2.3.4.2.2",
    "host",
    an_undeclared_account_has_a_password=file("/etc/shadow", "root:*", f"root:{SHA512}"),
)
mutants(
    "4.2.3.4.2.3",
    "host",
    a_password_is_usual=file("/etc/shadow", SHA512, ADMIN),
    a_password_is_empty=file("/etc/shadow", SHA512, ""),
)
mutants(
    "4.2.3.4.3.1",
    "host",
    nobody_looks_at_new_passwords=file(PAM, "pam_pwquality", "pam_permit"),
    passwords_may_be_short=file("/etc/security/pwquality.conf", "minlen = 12", "minlen = 6"),
    passwords_may_be_of_one_kind=file("/etc/security/pwquality.conf", "minclass = 3", "# minclass = 3"),
)
mutants(
    "4.2.3.4.3.2",
    "host",
    former_passwords_are_taken_again=file(PAM, "remember=5", "remember=0"),
    passwords_never_end=file("/etc/login.defs", "90", "99999"),
    a_password_never_ends=file("/etc/shadow", f"{SHA512}:20000:0:90", f"{SHA512}:20000:0:99999"),
)
mutants("4.2.3.4.3.3", "host", passwords_may_be_tried=file("/etc/pam.d/common-auth", "deny=5", "deny=0"))
mutants(
    "4.2.3.4.5", "host", no_account_is_ever_shut=file("/etc/pam.d/common-auth", "pam_faillock", "pam_permit")
)
mutants(
    "4.2.3.4.6.1",
    "host",
    a_stranger_has_the_host=file("/etc/group", "sudo:x:27:ann", "sudo:x:27:ann,www-data"),
    sudo_asks_for_nothing=file("/etc/sudoers", "%sudo ALL=(ALL:ALL)", "%sudo ALL=(ALL:ALL) NOPASSWD:"),
    a_stranger_may_do_all=file("/etc/sudoers", "", "www-data ALL=(ALL) ALL\n"),
)
mutants(
    "4.2.3.5.2",
    "host",
    shells_never_end=file("/etc/profile", "TMOUT=600", "TMOUT=0"),
    whoever_likes_turns_the_end_off=file("/etc/profile", "readonly ", ""),
)
mutants(
    "4.3.2.6",
    "ssh",
    root_logs_in=file("/etc/ssh/sshd_config", "PermitRootLogin no", "PermitRootLogin yes"),
    root_logs_in_by_default=file("/etc/ssh/sshd_config", "PermitRootLogin no\n", ""),
    empty_passwords_open=file("/etc/ssh/sshd_config", "Port 22", "PermitEmptyPasswords yes"),
)
TELNETD = (
    DPKG + "Package: telnetd\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nDescription: a\n\n"
)
mutants("4.3.2.3", "list", a_package_is_not_declared=(BENCH, "packages", "libc6\n"))
mutants("4.3.2.3", "old", telnetd_is_installed=(FILES, "/var/lib/dpkg/status", TELNETD))
mutants("4.3.2.4", "units", a_unit_is_not_declared=(LINKS, f"{WANTS}/cups.service", "/dev/null"))
mutants(
    "4.3.2.4",
    "modules",
    file_systems_of_others_are_there=file("/proc/filesystems", "", "\thfsplus\n"),
)
mutants("4.3.2.5", "system", the_system_is_old=file("/etc/os-release", "2099", "2019"))
mutants("4.3.2.5", "components", a_component_is_old=(BENCH, "supported", "name,until\ncore,2019-01-01\n"))
mutants(
    "4.2.3.3.5",
    "sources",
    a_source_is_trusted=file("/etc/apt/sources.list", "deb ", "deb [trusted=yes] "),
    packages_come_by_ftp=file("/etc/apt/sources.list", "https", "ftp"),
)
mutants("4.2.3.3.5", "files", a_program_was_changed=(FILES, "/srv/programs/core", "changed\n"))
mutants(
    "4.2.3.3.2",
    "host",
    the_loader_asks_for_nothing=file("/boot/grub/grub.cfg", "password_pbkdf2 root", "# "),
    secure_boot_is_off=(FILES, EFI, "\6\0\0\0\0"),
)
mutants(
    "4.3.3.1.3",
    "host",
    an_automounter_runs=(COMMANDS, "usbmount", "0"),
    a_rule_mounts=file(
        "/lib/udev/rules.d/60-block.rules", "", 'ACTION=="add", RUN+="/usr/bin/mount /dev/%k /mnt"\n'
    ),
    an_automounter_is_set_up=(FILES, "/etc/systemd/system/media.automount", "[Automount]\n"),
)
mutants(
    "4.3.3.1.6",
    "host",
    shared_places_lend_rights=(MOUNTED, "/dev/shm", "nodev"),
    a_stick_lends_rights=file("/etc/fstab", "user,noauto", "user,suid,dev,noauto"),
)
mutants("4.2.4.1.1.1", "logs", a_log_grows=file("/etc/logrotate.d/core", "maxsize 100M", "daily"))
mutants(
    "4.3.3.1.1",
    "settings",
    sources_are_not_looked_at=kernel("net.ipv4.conf.d0.rp_filter", "0"),
    martians_are_not_logged=kernel("net.ipv4.conf.d0.log_martians", "0"),
)
mutants(
    "4.2.4.1.1.2",
    "settings",
    redirects_are_followed=kernel("net.ipv4.conf.d0.accept_redirects", "1"),
    redirects_are_sent=kernel("net.ipv4.conf.all.send_redirects", "1"),
    wrong_errors_are_heeded=kernel("net.ipv4.icmp_ignore_bogus_error_responses", "0"),
)
mutants(
    "4.2.4.1.1.2",
    "settings-6",
    redirects_of_ipv6_are_followed=kernel("net.ipv6.conf.d0.accept_redirects", "1"),
    routers_are_heeded=kernel("net.ipv6.conf.d0.accept_ra", "1"),
)
mutants(
    "4.2.4.1.1.3",
    "settings",
    routing_headers_are_followed=kernel("net.ipv6.conf.d0.accept_source_route", "1"),
)
mutants(
    "4.3.3.1.2",
    "settings",
    echoes_to_all_are_answered=kernel("net.ipv4.icmp_echo_ignore_broadcasts", "0"),
    the_host_answers_for_others=kernel("net.ipv4.conf.d0.proxy_arp", "1"),
    whoever_likes_says_where_he_is=kernel("net.ipv4.conf.all.arp_accept", "1"),
)
mutants(
    "4.3.3.1.2",
    "forwarding",
    packets_are_forwarded=kernel("net.ipv4.ip_forward", "1"),
    packets_of_ipv6_are_forwarded=kernel("net.ipv6.conf.d0.forwarding", "1"),
)
mutants(
    "4.2.3.6.2",
    "host",
    logs_stay=file("/etc/rsyslog.conf", "target=", "#"),
    logs_go_in_clear=file("/etc/rsyslog.conf", 'StreamDriver="ossl"', ""),
)
mutants("4.2.3.6.1", "clock", nobody_is_asked_for_the_time=file("/etc/chrony.conf", "pool", "# pool"))
mutants("4.3.4.2", "A", the_web_server_is_root=(COMMANDS, "web-server --serve", "0"))
mutants(
    "4.3.4.4",
    "A",
    the_server_shows_its_state=file(CONF, "mime_module", "status_module"),
    the_server_lists_folders=file(CONF, "-Indexes", "+Indexes"),
)
mutants("4.3.4.5", "A", a_shell_is_among_scripts=(FILES, "/srv/scripts/bash", ""))
mutants(
    "4.3.4.6",
    "A",
    uploads_are_run=file(CONF, "/srv/scripts/", "/srv/uploads/"),
    an_upload_may_be_run=(MODES, "/srv/uploads/picture", "755"),
)
mutants(
    "4.3.4.7",
    "A",
    includes_run_commands=file(CONF, "IncludesNOEXEC", "Includes"),
    nginx_includes=file(CONF, "", "ssi on;\n"),
)
mutants("4.3.4.8", "A", anybody_reads_the_configuration=(MODES, CONF, "644"))
mutants("4.3.4.13", "A", scripts_are_run_anywhere=file(CONF, "", "AddHandler cgi-script .pl\n"))
mutants(
    "4.3.4.14",
    "host",
    anybody_writes_pages=(MODES, "/srv/web/index.html", "666"),
    a_link_leads_out=(LINKS, "/srv/web/all", "/etc"),
)
SUBS = tuple(KILLS)


def of(clause: str) -> dict[str, Weaken]:
    """The mutants that sub-cases of a clause are to tell apart."""
    names = [
        name for (case, _), found in KILLS.items() if case.startswith(f"33117-{clause}") for name in found
    ]
    return {name: MUTANTS[name] for name in names}


HARDWARE = Features(web=True, hardware=True)


def target(bench: Path) -> Target:
    named = {name: bench / f"{name}.txt" for name in BENCH}
    host = Host(
        prefix=("env",),
        private=("/srv/data/a.sqlite",),
        logs=("/srv/log/core.log",),
        accounts=("ann",),
        services=("core.service",),
        forwards=False,
        web_processes=("web-server --serve",),
        web_configuration=("/srv/conf/apache.conf",),
        web_content=("/srv/web",),
        web_uploads=("/srv/uploads",),
        packages=named["packages"],
        supported=named["supported"],
    )
    return replace(described(), host=host, features=HARDWARE)


def laid(over: Path) -> str:
    """Writes the files; returns the shell's words that lay them over those of this host, in a namespace of mounts."""
    tops: set[str] = set()
    for name, text in FILES.items():
        path = over / name[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o644)
        if not name.startswith("/proc/") or Path(name).exists():
            tops.add(name if name.startswith("/proc/") else top_of(name))
    for name, to in LINKS.items():
        (over / name[1:]).parent.mkdir(parents=True, exist_ok=True)
        (over / name[1:]).symlink_to(to)
    for name, mode in MODES.items():
        (over / name[1:]).chmod(int(mode, 8))
    steps = [f"mount --bind {shlex.quote(str(over / name[1:]))} {name}" for name in sorted(tops)]
    for place, options in MOUNTED.items():
        steps.append(
            f"while umount -l {place} 2>/dev/null; do :; done\nmount -t tmpfs -o {options} tmpfs {place}"
        )
    return "\n".join(("set -e", *steps))


def top_of(name: str) -> str:
    """Which folder is laid over."""
    deep = {"/var/lib/dpkg": 3, "/lib/udev/rules.d": 3, "/sys/firmware": 2}
    for start in deep:
        if name.startswith(f"{start}/"):
            return start
    return "/".join(name.split("/")[:2])


@contextmanager
def running(over: Path) -> Iterator[None]:
    """Processes of these names that do nothing, seen by every host that is made of this one."""
    begun, sleep = [], shutil.which("sleep") or "sleep"
    try:
        for words, user in COMMANDS.items():
            program = shutil.copy(sleep, over / words.split()[0])
            begun.append(subprocess.Popen([words, "300"], executable=program, user=int(user)))
        yield
    finally:
        for one in begun:
            one.kill()
            one.wait()


def asked(case: str, sub: str) -> Outcome:
    """The outcome of one sub-case against the host as its tables have it now."""
    name = f"hardening-host-{os.getpid()}"
    whole, part = found(case, sub)
    with ExitStack() as stack:
        over = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        over.chmod(0o755)
        netns.create(name)
        stack.callback(netns.delete, name)
        with netns.inside(name):
            subprocess.run(["ip", "link", "add", "d0", "type", "veth", "peer", "name", "d1"], check=True)
            for key, value in KERNEL.items():
                Path("/proc/sys", *key.split(".")).write_text(value)
        for key, text in BENCH.items():
            (over / f"{key}.txt").write_text(text)
        stack.enter_context(running(over))
        script = f'{laid(over)} && exec "$@"'
        inside = ("nsenter", f"--net=/run/netns/{name}", "unshare", "-m", "sh", "-c", script, "--")
        judged, trial = played(case, sub, target(over), host=OnHost(inside))
    return Outcome(whole, part, judged, tuple(trial.facts))
