"""Capabilities: what is missing is named, and nothing else; and what helps a user, a container, a namespace."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cinq.transport import privilege
from cinq.transport.privilege import PrivilegeError

WANTED = {"CAP_NET_RAW": "SCTP", "CAP_NET_ADMIN": "interfaces"}


@pytest.fixture
def effective(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file to write effective capabilities to, of an ordinary user who called `cinq gnb -c 'my gnb.toml'`."""
    monkeypatch.setattr(privilege, "STATUS", tmp_path / "status")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["cinq", "gnb", "-c", "my gnb.toml"])
    return tmp_path / "status"


def hold(effective: Path, *names: str) -> None:
    bits = sum(1 << privilege.BITS[name] for name in names)
    effective.write_text(f"CapPrm:\t0000000000000000\nCapEff:\t{bits:016x}\n")


def test_what_is_held_is_not_missed(effective: Path) -> None:
    hold(effective, *WANTED)
    privilege.require(WANTED)
    privilege.require({})
    assert privilege.held() == set(WANTED)


def test_all_that_is_missing_is_named_at_once(effective: Path) -> None:
    hold(effective)
    with pytest.raises(PrivilegeError) as found:
        privilege.require(WANTED)
    assert found.value.what == (
        "CAP_NET_RAW is missing, wanted for SCTP; CAP_NET_ADMIN is missing, wanted for interfaces"
    )
    assert found.value.remedy == "sudo cinq gnb -c 'my gnb.toml'"
    hold(effective, "CAP_NET_RAW")
    with pytest.raises(PrivilegeError, match=r"^[^;]*CAP_NET_ADMIN is missing, wanted for interfaces;[^;]*$"):
        privilege.require(WANTED)


def test_root_without_a_capability_is_in_a_container(
    effective: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(effective)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(PrivilegeError) as found:
        privilege.require(WANTED)
    assert found.value.remedy == "start the container with --cap-add=NET_RAW --cap-add=NET_ADMIN"


def test_a_capability_of_a_user_namespace_may_not_be_enough(effective: Path) -> None:
    hold(effective, "CAP_NET_RAW")
    refused = privilege.refused("CAP_NET_RAW", "SCTP")
    assert "held in this user namespace only" in refused.what
    assert "unshare -Urnm" in refused.remedy
    assert "CAP_NET_ADMIN is missing" in privilege.refused("CAP_NET_ADMIN", "a route").what
