"""TS 33.117 on a host, as it should be and weakened in one point: tests/assurance/hosts.py."""

from __future__ import annotations

import pytest

from cinq.assurance.verdict import Verdict

from . import hosts

pytestmark = [pytest.mark.root, pytest.mark.kernel]


@pytest.mark.parametrize("which", hosts.SUBS, ids=" ".join)
def test_a_sound_host_passes_and_each_weakened_one_is_found_out(which: tuple[str, str]) -> None:
    sound = hosts.asked(*which)
    assert sound.verdict is Verdict.PASS, sound.judged.reason
    for name in hosts.KILLS[which]:
        with pytest.MonkeyPatch.context() as patch:
            hosts.MUTANTS[name](patch)
            found = hosts.asked(*which)
            assert found.verdict is Verdict.FAIL, f"{name}: {found.judged.reason}"


def test_where_there_are_no_passwords_nothing_is_asked_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hosts.FILES, "/etc/shadow", hosts.SHADOW.replace(hosts.SHA512, "!"))
    found = hosts.asked("33117-4.2.3.4.3.1", "host")
    assert found.verdict is Verdict.NOT_APPLICABLE, found.judged.reason
    assert "no account of the host has a password" in found.judged.reason


def test_a_host_that_cannot_be_read_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither passed for want of anything wrong, nor called out of the question."""
    monkeypatch.setitem(hosts.FILES, "/etc/shadow", "")
    monkeypatch.setitem(hosts.FILES, "/etc/passwd", "")
    monkeypatch.setitem(hosts.FILES, "/etc/group", "")
    monkeypatch.setitem(hosts.FILES, "/boot/grub/grub.cfg", "")
    monkeypatch.setitem(hosts.FILES, "/srv/conf/apache.conf", "")
    monkeypatch.setitem(hosts.FILES, "/var/lib/dpkg/status", "")
    for which in (
        ("33117-4.2.3.4.3.1", "host"),
        ("33117-4.2.3.4.2.2", "host"),
        ("33117-4.2.3.4.6.1", "host"),
        ("33117-4.2.3.3.2", "host"),
        ("33117-4.3.4.7", "A"),
        ("33117-4.3.2.3", "old"),
    ):
        found = hosts.asked(*which)
        assert found.verdict is Verdict.INCONCLUSIVE, (which, found.judged)
