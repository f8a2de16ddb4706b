"""A place for whole programs: three network namespaces joined by veth pairs, and processes in them.

radio (10.99.0.2) -- 10.99.0.1 core 10.78.0.1 -- dn (10.78.0.2, the core's default route)
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

CORE, RADIO = "10.99.0.1", "10.99.0.2"
CORE_N6, DN = "10.78.0.1", "10.78.0.2"
CINQ = (sys.executable, "-m", "cinq")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
_numbers = itertools.count()


class Running:
    """A process whose lines of output can be waited for."""

    def __init__(self, argv: tuple[str, ...], log: Path | None = None) -> None:
        self.argv = argv
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._log = log.open("a") if log is not None else None
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(ANSI.sub("", line.rstrip("\n")))
                self._news.notify_all()
            if self._log is not None:
                self._log.write(line)
                self._log.flush()
        with self._news:
            self.lines.append("")
            self._news.notify_all()
        self.process.stdout.close()
        if self._log is not None:
            self._log.close()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def mark(self) -> int:
        """Where the output is now: for `wait(..., after=mark)`."""
        return len(self.lines)

    def wait(self, pattern: str, within: float = 10.0, after: int = 0) -> re.Match[str]:
        """The first line after `after` that matches. AssertionError with the output when none comes."""
        wanted, deadline, at = re.compile(pattern), time.monotonic() + within, after
        with self._news:
            while True:
                while at < len(self.lines):
                    found = wanted.search(self.lines[at])
                    if found:
                        return found
                    at += 1
                left = deadline - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    tail = "\n".join(self.lines[-25:])
                    raise AssertionError(f"no '{pattern}' within {within} s; the output ends:\n{tail}")

    def end(self, number: int = signal.SIGTERM, within: float = 10.0) -> int:
        """Sends the signal; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(within)
        self._reader.join(within)
        return code


class Place:
    """The namespaces, and all that runs in them. Leaving it ends every process."""

    NAMES: tuple[str, ...] = ("core", "radio", "dn")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = f"ct{os.getpid()}x{next(_numbers)}"
        self.running: list[Running] = []

    def __enter__(self) -> Place:
        for name in self.NAMES:
            ip("netns", "add", self.ns(name))
            ip("-n", self.ns(name), "link", "set", "lo", "up")
        self.links()
        return self

    def links(self) -> None:
        self.join("core", "n2", f"{CORE}/24", "radio", "n2", f"{RADIO}/24")
        self.join("core", "n6", f"{CORE_N6}/24", "dn", "eth0", f"{DN}/24")
        ip("-n", self.ns("core"), "route", "add", "default", "via", DN)

    def __exit__(self, *exception: object) -> None:
        for one in reversed(self.running):
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.end()
            if one.process.poll() is None:
                one.end(signal.SIGKILL)
        for name in self.NAMES:
            subprocess.run(("ip", "netns", "del", self.ns(name)), capture_output=True, check=False)

    def inside(self, ns: str) -> tuple[str, ...]:
        """Not `ip netns exec`, which has its own mounts: what is named there nobody else would see."""
        return "nsenter", f"--net=/run/netns/{self.ns(ns)}", "--"

    def ns(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def join(self, a: str, a_link: str, a_address: str, b: str, b_link: str, b_address: str) -> None:
        """A veth pair between two namespaces."""
        pair = ("type", "veth", "peer", "name", b_link, "netns", self.ns(b))
        ip("-n", self.ns(a), "link", "add", a_link, *pair)
        for ns, link, address in ((a, a_link, a_address), (b, b_link, b_address)):
            ip("-n", self.ns(ns), "addr", "add", address, "dev", link)
            ip("-n", self.ns(ns), "link", "set", link, "up")

    def start(self, ns: str, *argv: str, log: str = "") -> Running:
        where = self.folder / log if log else None
        one = Running((*self.inside(ns), *argv), where)
        self.running.append(one)
        return one

    def run(self, ns: str, *argv: str, within: float = 20.0) -> subprocess.CompletedProcess[str]:
        """A program to its end, its output as text."""
        whole = (*self.inside(ns), *argv)
        return subprocess.run(whole, capture_output=True, text=True, timeout=within, check=False)

    def host(self, ns: str) -> str:
        """What a core could leave behind: links, rules, routes, NAT, sysctls (interface indexes left out)."""
        commands = (
            "ip -o link | sed 's/^[0-9]*: //; s/qlen [0-9]*//'; ip rule; ip -4 route show table all; nft list ruleset; "
            "cat /proc/sys/net/ipv4/ip_forward; grep . /proc/sys/net/ipv4/conf/*/rp_filter; "
            "for i in n2 n6; do ethtool -k $i 2>/dev/null | grep -v fixed; tc filter show dev $i ingress; done"
        )
        return self.run(ns, "sh", "-c", commands).stdout


def ip(*argv: str) -> None:
    subprocess.run(("ip", *argv), check=True, capture_output=True)


@contextlib.contextmanager
def http_server(place: Place, folder: Path) -> Iterator[str]:
    """A web server of `folder` in the data network; its URL."""
    one = place.start("dn", sys.executable, "-u", "-m", "http.server", "--directory", str(folder), "8000")
    one.wait("Serving HTTP")
    yield f"http://{DN}:8000"
    one.end()
