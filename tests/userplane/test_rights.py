"""Which right the kernel wanted for the eBPF data plane: it answers EPERM or EACCES, and no more."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from cinq.transport import privilege
from cinq.userplane import open as opening


@pytest.mark.parametrize("lacking", opening.BPF_RIGHTS)
@pytest.mark.parametrize("code", [errno.EPERM, errno.EACCES])
def test_the_right_that_is_missing_is_named_and_no_other(
    lacking: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = sum(1 << bit for name, bit in privilege.BITS.items() if name != lacking)
    (tmp_path / "status").write_text(f"CapEff:\t{held:016x}\n")
    monkeypatch.setattr(privilege, "STATUS", tmp_path / "status")
    found = opening._reason(OSError(code, os.strerror(code)))
    assert isinstance(found, privilege.PrivilegeError)
    assert [name for name in privilege.BITS if name in found.what] == [lacking]


def test_all_are_held_and_the_kernel_refuses_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "status").write_text(f"CapEff:\t{(1 << 41) - 1:016x}\n")
    monkeypatch.setattr(privilege, "STATUS", tmp_path / "status")
    found = opening._reason(OSError(errno.EPERM, os.strerror(errno.EPERM)))
    assert isinstance(found, privilege.PrivilegeError)
    assert "held in this user namespace only" in found.what
