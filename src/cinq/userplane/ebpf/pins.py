"""What outlives a UPF's process: maps and links that have names in a BPF file system.

FOLDER/INSTANCE/LAYOUT/MAP     maps of one layout, of which there is one but for a moment of an upgrade
FOLDER/INSTANCE/link-PROGRAM   links
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from cinq.userplane.ebpf import syscall

MOUNTS = Path("/proc/self/mounts")


def trouble(folder: Path) -> str:
    """Why nothing can be pinned there, or nothing."""
    with contextlib.suppress(OSError):
        mounts = [line.split()[1:3] for line in MOUNTS.read_text().splitlines()]
        if any(kind == "bpf" and folder.is_relative_to(place) for place, kind in mounts):
            return ""
    return f"no BPF file system at {folder}; as root: mount -t bpf bpf {folder}"


def remove(folder: Path) -> None:
    """All names of an instance; what nothing else holds goes with them. Absent is well."""
    shutil.rmtree(folder, ignore_errors=True)


class Pins:
    """Of one instance. OSError: the kernel refuses."""

    def __init__(self, folder: Path, layout: Iterable[object]) -> None:
        """layout: what tells maps apart that have the same names."""
        self.folder = folder
        mark = hashlib.sha256(repr(list(layout)).encode()).hexdigest()[:16]
        self._maps = folder / mark
        self.kept = self._maps.is_dir()
        """Whether the maps are those of a former process."""
        self._maps.mkdir(parents=True, exist_ok=True, mode=0o700)

    def map(self, name: str) -> int:
        """A descriptor of the former process's map, -1 where there is none."""
        try:
            return syscall.pinned(self._maps / name)
        except FileNotFoundError:
            self.kept = False
            return -1

    def keep_map(self, name: str, fd: int) -> None:
        syscall.pin(fd, self._maps / name)

    def link(self, program: str, ifindex: int) -> int:
        """A descriptor of the link at this interface, -1 where there is none."""
        path = self.folder / f"link-{program}"
        try:
            found = syscall.pinned(path)
        except FileNotFoundError:
            return -1
        if syscall.interface_of(found) == ifindex:
            return found
        os.close(found)
        path.unlink()
        return -1

    def keep_link(self, program: str, fd: int) -> None:
        syscall.pin(fd, self.folder / f"link-{program}")

    def drop_others(self) -> None:
        """Maps of other layouts, and links of programs that have none now."""
        for each in self.folder.iterdir():
            if each.is_dir() and each != self._maps:
                remove(each)

    def drop_links(self, but: Iterable[str]) -> None:
        wanted = {f"link-{program}" for program in but}
        for each in self.folder.glob("link-*"):
            if each.name not in wanted:
                each.unlink()
