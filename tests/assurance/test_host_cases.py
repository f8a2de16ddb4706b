"""TS 33.117 on a host: files of the test's own, and a host that answers as a weakened one would."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cinq.assurance.host import OnHost
from cinq.assurance.live import documents
from cinq.assurance.run import out_of_reach
from cinq.assurance.target import Document, Host, Knobs, Target
from cinq.assurance.trial import Lab
from cinq.assurance.verdict import Judged, Verdict
from cinq.explain import Explainer
from cinq.nf.amf.inbound.n2 import Inbound
from tests.network.world import K

from . import site
from .plain import described, played

HERE = OnHost(("env",))
RIGHTS, LOGS, SECRETS = "33117-4.3.2.7", "33117-4.2.3.6.3", "33117-4.2.3.2.2"
ME = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")


class Fake:
    """A host whose answers are chosen by a word of the command."""

    def __init__(self, **answers: str) -> None:
        self._answers = answers

    async def run(self, *words: str) -> str:
        said = " ".join(words)
        for name, answer in self._answers.items():
            if name in said:
                return answer
        raise OSError(f"{said}: not there")


def whom(**host: object) -> Target:
    return dataclasses.replace(described(), host=Host(("env",), **host))  # type: ignore[arg-type]


def judged(case: str, sub: str, target: Target, host: object = HERE) -> Judged:
    return played(case, sub, target, host=host)[0]


# files


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    for name in ("a.sqlite", "a.sqlite-wal"):
        (folder / name).touch(mode=0o600)
    return folder


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda folder: None, Verdict.PASS),
        (lambda folder: (folder / "a.sqlite-wal").chmod(0o644), Verdict.PASS),  # the folder is shut
        (lambda folder: (folder.chmod(0o755), (folder / "a.sqlite-wal").chmod(0o644)), Verdict.FAIL),
        (lambda folder: (folder.chmod(0o755), (folder / "a.sqlite").chmod(0o660)), Verdict.FAIL),
    ],
)
def test_private_files(change: Callable[[Path], object], verdict: Verdict, store: Path) -> None:
    change(store)
    found = judged(RIGHTS, "private", whom(private=(str(store),), users=(ME,)))
    assert found.verdict is verdict, found.reason


def test_files_of_another_user(store: Path) -> None:
    found = judged(RIGHTS, "private", whom(private=(str(store),), users=("somebody",)))
    assert found.verdict is Verdict.FAIL
    assert "files of others" in found.reason


def test_files_that_are_not_there_prove_nothing(tmp_path: Path) -> None:
    for where in ((), (str(tmp_path / "nowhere"),)):
        assert judged(RIGHTS, "private", whom(private=where)).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("mode", "verdict"), [(0o644, Verdict.PASS), (0o664, Verdict.FAIL), (0o646, Verdict.FAIL)]
)
def test_configuration(mode: int, verdict: Verdict, tmp_path: Path) -> None:
    file = tmp_path / "network.toml"
    file.touch()
    file.chmod(mode)
    assert judged(RIGHTS, "configuration", whom(configuration=(str(file),))).verdict is verdict


@pytest.mark.parametrize(
    ("mode", "verdict"), [(0o640, Verdict.PASS), (0o644, Verdict.FAIL), (0o620, Verdict.FAIL)]
)
def test_log_files(mode: int, verdict: Verdict, tmp_path: Path) -> None:
    file = tmp_path / "core.log"
    file.touch()
    file.chmod(mode)
    assert judged(LOGS, "A", whom(logs=(str(file),))).verdict is verdict


# accounts and processes

PASSWD = "root:x:0:0::/root:/bin/sh\nbin:x:1:1::/:/bin/false\n"
SHADOW = "root:$6$salt$hash:19000::::::\nbin:*:19000::::::\n"


@pytest.mark.parametrize(
    ("passwd", "verdict"),
    [
        (PASSWD, Verdict.PASS),
        (PASSWD + "toor:x:0:0::/root:/bin/sh\n", Verdict.FAIL),
        (PASSWD + "also:x:1:1::/:/bin/sh\n", Verdict.FAIL),
        ("nonsense", Verdict.INCONCLUSIVE),
    ],
)
def test_accounts(passwd: str, verdict: Verdict) -> None:
    assert judged("33117-4.2.4.2.2", "A", whom(), Fake(passwd=passwd)).verdict is verdict


@pytest.mark.parametrize(
    ("shadow", "verdict"),
    [
        (SHADOW, Verdict.PASS),
        (SHADOW + "open::19000::::::\n", Verdict.FAIL),
        (SHADOW + "old:$1$salt$hash:19000::::::\n", Verdict.FAIL),
        ("", Verdict.INCONCLUSIVE),
    ],
)
def test_passwords(shadow: str, verdict: Verdict) -> None:
    assert judged("33117-4.2.3.4.2.1", "host", whom(), Fake(shadow=shadow)).verdict is verdict


STATUS = "Name:\tcinq\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nCapEff:\t{held}\nCapBnd:\t000001ffffffffff\n"


def process(uid: int = 100, held: str = "0000000000003000", environ: str = "A=1", core: str = "0") -> Fake:
    return Fake(
        **{
            "for p in": "7 /opt/core --config core.toml \n8 sleep 1 \n",
            "/status": STATUS.format(uid=uid, held=held),
            "environ": environ,
            "/limits": f"Max core file size        {core}                    unlimited            bytes\n",
            "passwd": PASSWD + "core:x:100:100::/:/bin/false\n",
        }
    )


@pytest.mark.parametrize(
    ("case", "sub", "weakened"),
    [
        ("33117-4.2.4.1.2.1", "users", process(uid=0)),
        ("33117-4.2.4.1.2.1", "not-root", process(uid=0, held="000001ffffffffff")),
        (SECRETS, "processes", process(environ=f"SECRET={K.hex()}")),
        (SECRETS, "dumps", process(core="unlimited")),
    ],
)
def test_processes(case: str, sub: str, weakened: Fake) -> None:
    target = whom(processes=("/opt/core",), users=("core",))
    assert judged(case, sub, target, process()).verdict is Verdict.PASS
    found = judged(case, sub, target, weakened)
    assert found.verdict is Verdict.FAIL, found.reason
    assert judged(case, sub, whom(processes=("/opt/other",)), process()).verdict is Verdict.INCONCLUSIVE


def test_programs_that_lend_rights() -> None:
    host = Fake(**{"ls -d": "4\n", "-perm": "/usr/bin/su\n"})
    assert judged("33117-4.2.4.1.2.1", "lent", whom(lends=("/usr/bin/su",)), host).verdict is Verdict.PASS
    assert judged("33117-4.2.4.1.2.1", "lent", whom(), host).verdict is Verdict.FAIL


@pytest.mark.parametrize(("space", "verdict"), [("2\n", Verdict.PASS), ("0\n", Verdict.FAIL)])
def test_kernel(space: str, verdict: Verdict) -> None:
    host = Fake(randomize=space, suid_dumpable="0\n", protected_symlinks="1\n")
    assert judged("33117-4.3.3.1.5", "kernel", whom(), host).verdict is verdict


SS = "udp UNCONN 0 0 127.0.0.7:2152 0.0.0.0:*\ntcp LISTEN 0 9 127.0.0.8:7777 0.0.0.0:*\n"


@pytest.mark.parametrize(("tcp", "verdict"), [((7777,), Verdict.PASS), ((), Verdict.FAIL)])
def test_what_listens(tcp: tuple[int, ...], verdict: Verdict) -> None:
    target = dataclasses.replace(described(tcp=tcp, udp=(2152,)), host=Host(("env",)))
    assert judged("33117-4.3.2.1", "host", target, Fake(ss=SS)).verdict is verdict
    assert judged("33117-4.3.2.1", "host", target, Fake(ss="")).verdict is Verdict.INCONCLUSIVE


def test_a_host_that_floods_or_hangs_is_the_benchs_to_bear() -> None:
    host = OnHost(("sh", "-c", "exec sleep 60", "--"))
    run = host.run

    async def soon(*words: str) -> str:
        return await run(*words, within=0.2)

    host.run = soon  # type: ignore[method-assign]
    assert judged("33117-4.2.4.2.2", "A", whom(), host).verdict is Verdict.INCONCLUSIVE


# what the product itself tells, on the network in this process


def asked(case: str, sub: str, **host: object) -> Judged:
    whole = site.target(host=Host(("env",), **host))  # type: ignore[arg-type]
    return site.asked(case, sub, whole, on_host=HERE).judged


def test_no_secret_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(SECRETS, "log").verdict is Verdict.PASS
    received = Inbound.message

    def tells(self: Inbound, octets: bytes, stream: int, ppid: int) -> None:
        logging.getLogger("cinq.amf").info("key %s", K.hex(":"))
        received(self, octets, stream, ppid)

    monkeypatch.setattr(Inbound, "message", tells)
    found = asked(SECRETS, "log")
    assert found.verdict is Verdict.FAIL
    assert "the log does not hold the subscribers' K" in found.reason


def test_no_secret_in_files(tmp_path: Path) -> None:
    file = tmp_path / "core.log"
    file.write_text("nothing of interest\n")
    assert asked(SECRETS, "files", logs=(str(file),)).verdict is Verdict.PASS
    file.write_text(f"k = {K.hex().upper()}\n")
    assert asked(SECRETS, "files", logs=(str(file),)).verdict is Verdict.FAIL
    assert asked(SECRETS, "files").verdict is Verdict.INCONCLUSIVE


EVENTS = "33117-4.2.3.6.1"


@pytest.mark.parametrize("sub", ["interface", "configuration", "authentication"])
def test_security_events_are_logged(sub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(EVENTS, sub)
    assert found.verdict is Verdict.PASS, found.reason
    monkeypatch.setattr(Explainer, "event", lambda self, event: None)
    monkeypatch.setattr(logging.getLogger("cinq.amf"), "info", lambda *given: None)
    found = asked(EVENTS, sub)
    assert found.verdict is Verdict.FAIL, found.reason


def test_a_restart_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    def restart(names: dict[str, str]) -> None:
        logging.getLogger("cinq.amf").info("started")

    described_ = site.target(knobs=dataclasses.replace(Knobs(), log="here", restart="here"))
    monkeypatch.setitem(site.TURNS, "restart", restart)
    assert site.asked(EVENTS, "restart", described_).verdict is Verdict.PASS
    monkeypatch.setitem(site.TURNS, "restart", lambda names: None)
    assert site.asked(EVENTS, "restart", described_).verdict is Verdict.FAIL


PERSONAL = "33117-4.2.3.2.5"


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [
        ("subscriber 999700000000001 was looked at by user ann", Verdict.PASS),
        ("", Verdict.FAIL),
        ("somebody looked at a subscriber", Verdict.FAIL),
        (f"subscriber looked at by user ann: {K.hex()}", Verdict.FAIL),
    ],
)
def test_a_look_at_personal_data_is_logged(
    entry: str, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shows(names: dict[str, str]) -> str:
        if entry:
            logging.getLogger("cinq.amf").info("%s", entry)
        return f"imsi {names['supi']} msisdn 1"

    monkeypatch.setitem(site.TURNS, "personal_data", shows)
    described_ = site.target(knobs=dataclasses.replace(Knobs(), log="here", personal_data="here"))
    found = site.asked(PERSONAL, "A", described_)
    assert found.verdict is verdict, found.judged.reason


def test_nothing_was_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(site.TURNS, "personal_data", lambda names: "")
    described_ = site.target(knobs=dataclasses.replace(Knobs(), log="here", personal_data="here"))
    assert site.asked(PERSONAL, "A", described_).verdict is Verdict.INCONCLUSIVE


def test_documents_are_named_with_their_digest_and_read_by_nobody(tmp_path: Path) -> None:
    file = tmp_path / "memory.pdf"
    file.write_bytes(b"%PDF")
    described_ = site.target(
        document=(
            Document(row="33.117 4.3.3.1.5", file=file),
            Document(row="33.117 4.2.3.3.3", file=tmp_path / "x"),
        )
    )
    assert documents(described_) == {
        "33.117 4.3.3.1.5": [f"memory.pdf, SHA-256 {hashlib.sha256(b'%PDF').hexdigest()}"],
        "33.117 4.2.3.3.3": ["x, no such file or directory"],
    }
    lab = Lab(described_, None, lambda: 0.0, documents=documents(described_))  # type: ignore[arg-type]
    judged = out_of_reach(site.found("33117-4.3.3.1.5", "A")[1], lab, "33.117 4.3.3.1.5")
    assert judged is not None
    assert judged.verdict is Verdict.NOT_TESTED
    assert judged.reason.startswith("for a person to read: memory.pdf, SHA-256 ")


def test_a_clock_that_is_wrong() -> None:
    host = Fake(date=f"{int(time.time()) - 90}.0\n", chrony="server a\n", timesync="there\n")
    assert judged(EVENTS, "clock", whom(), host).verdict is Verdict.FAIL
