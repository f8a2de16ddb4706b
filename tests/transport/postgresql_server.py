"""A PostgreSQL server for the tests of the store."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

WORD = "a-secret-word"


class Server:
    """One of its own, on loopback, whose data go with it. It does not run as root."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        with socket.socket() as free:
            free.bind(("127.0.79.3", 0))
            self.port: int = free.getsockname()[1]
        self.user = {"user": "postgres"} if os.geteuid() == 0 else {}
        if self.user:
            shutil.chown(folder, "postgres")
        (folder / "word").write_text(WORD)
        (folder / "word").chmod(0o644)
        made = ("-A", "scram-sha-256", "-U", "cinq", f"--pwfile={folder}/word", "--no-sync", "-D", self.data)
        self._run("initdb", *made)
        self.start()

    @property
    def data(self) -> str:
        return f"{self.folder}/data"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            (self.programs / program, *arguments),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **self.user,
        )  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        how = f"-F -h 127.0.79.3 -p {self.port} -k {self.folder}"
        self._run("pg_ctl", "-D", self.data, "-w", "-l", f"{self.folder}/log", "-o", how, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def uri(self, name: str, word: str = WORD) -> str:
        return f"postgresql://cinq:{word}@127.0.79.3:{self.port}/{name}"
