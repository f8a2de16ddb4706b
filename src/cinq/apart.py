"""A network whose functions run apart: one process for each, started in order, started again when it ends.

Each function has its own port of the SBI and its own certificate, of an authority that is made with the state where the
settings name no certificates. They share the host, the state folder and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cinq import contradictions
from cinq.network import NetworkError
from cinq.notify import READY, VARIABLE
from cinq.parts import PARTS, identity
from cinq.sbi.caller import URN
from cinq.sbi.certificates import Authority, Files
from cinq.sbi.reach import api_root
from cinq.settings.network import NetworkSettings
from cinq.settings.service_based import OWN

log = logging.getLogger("cinq.apart")

RESTS_S = (0.2, 1.0, 2.0, 5.0, 10.0)  # before a process that has ended is started again
STEADY_S = 60.0  # after this long it counts as having run
START_S = 60.0  # for a process to be ready when the network starts
PR_SET_PDEATHSIG = 1
STOP_S = 15.0  # for it to end before it is killed


@dataclass(slots=True)
class Part:
    """One process, and what became of it."""

    name: str
    port: int
    files: Files | None
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    starts: int = 0
    tend: asyncio.Task[None] | None = None


class Apart:
    """`start` brings all up; `stop` ends them in reverse order. program: how a part is run, before its arguments."""

    def __init__(
        self,
        settings: NetworkSettings,
        config: Path | None,
        verbose: bool = False,
        program: tuple[str, ...] = (sys.executable, "-m", "cinq"),
    ) -> None:
        self.settings = settings
        self._config = config
        self._verbose = verbose
        self._program = program
        self._folder = settings.state.folder / "sbi"
        files = self._certificates()
        absent = {
            "upf": not settings.upf.start,
            "scp": settings.sbi.scp != OWN["scp"],
            "sepp": not settings.roaming_partner,
            "nef": not settings.nef.start,
        }
        names = [name for name in PARTS if not absent.get(name, False)]
        first = settings.sbi.port
        self.parts = [Part(name, first + number, files(name)) for number, name in enumerate(names)]

    @property
    def nrf(self) -> str:
        return api_root(str(self.settings.sbi.address), self.settings.sbi.port, tls=True)

    @property
    def scp(self) -> str:
        """The API root of the SCP: of our own part, or that of the settings; "" for none."""
        named = self.settings.sbi.scp
        own = next((part.port for part in self.parts if part.name == "scp"), None)
        return named if own is None else api_root(str(self.settings.sbi.address), own, tls=True)

    async def start(self) -> None:
        """NetworkError: a part does not come up; all are down again."""
        self._look()
        try:
            for part in self.parts:
                part.tend = asyncio.create_task(self._tend(part))
                if part.name == "nrf":  # others need it first; among themselves they wait
                    await self._ready(part)
            await asyncio.gather(*(self._ready(part) for part in self.parts))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Idempotent."""
        for part in reversed(self.parts):
            if part.tend is not None:
                part.tend.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await part.tend
                part.tend = None
            await _end(part)

    def reload(self) -> None:
        """SIGHUP is passed on. Who is not ready yet reads the settings file anyway, and would end by it."""
        for part in self.parts:
            if part.process is not None and part.process.returncode is None and part.ready.is_set():
                with contextlib.suppress(ProcessLookupError):
                    part.process.send_signal(signal.SIGHUP)

    def facts(self) -> dict[str, object]:
        """What a user wants to know of it."""
        s = self.settings
        return {
            "nrf": self.nrf,
            "n2": f"{s.amf.n2_address}:{s.amf.n2_port}",
            "plmn": str(s.network.plmn),
            "control": str(s.control),
            "parts": {part.name: None if part.process is None else part.process.pid for part in self.parts},
        }

    def _look(self) -> None:
        """What cannot work is said once, before anything starts."""
        found = [*contradictions.of_settings(self.settings), *contradictions.of_host(self.settings)]
        errors = [each for each in found if each.severity == "error"]
        if errors:
            raise NetworkError("; ".join(e.what for e in errors), "; ".join(e.mend for e in errors))

    def _certificates(self) -> Callable[[str], Files]:
        """Those of the settings for all parts, or one for each of an authority of our own."""
        sbi, name = self.settings.sbi, self.settings.network.name
        if sbi.key:
            given = Files(Path(sbi.certificate), Path(sbi.key), Path(sbi.authorities))
            return lambda part: given
        authority = Authority.kept(self._folder, name)

        def issued(part: str) -> Files:
            uris = [f"{URN}{identity(name, PARTS[part])}"] if PARTS[part] else []
            return authority.issue(self._folder, part, uris, [str(sbi.address)])

        return issued

    def _arguments(self, part: Part) -> list[str]:
        made = [*self._program, "nf", part.name, "--port", str(part.port), "--nrf", self.nrf]
        if self.scp:
            made += ["--scp", self.scp]
        if part.files is not None:
            for name, file in zip(("certificate", "key", "authorities"), part.files, strict=True):
                made += [f"--{name}", str(file)]
        if self._config is not None:
            made += ["--config", str(self._config)]
        return [*made, "--verbose"] if self._verbose else made

    async def _ready(self, part: Part) -> None:
        try:
            async with asyncio.timeout(START_S):
                await part.ready.wait()
        except TimeoutError:
            raise NetworkError(
                f"{part.name} is not ready after {START_S:g} s: its lines above say why"
            ) from None

    async def _tend(self, part: Part) -> None:
        """The process runs; when it ends it is started again, later each time, unless it had run for long."""
        failures = 0
        while True:  # until it is cancelled
            begun = time.monotonic()
            code = await self._run(part)
            failures = 0 if time.monotonic() - begun > STEADY_S else failures + 1
            rest = RESTS_S[min(failures, len(RESTS_S) - 1)]
            log.error("%s has ended (%s); it is started again in %g s", part.name, _how(code), rest)
            await asyncio.sleep(rest)

    async def _run(self, part: Part) -> int:
        """One life of the process. part.ready is set once it says that it is ready."""
        part.ready.clear()
        part.starts += 1
        path = self.settings.state.run / f"ready-{part.name}"
        listening = _socket(path)
        loop = asyncio.get_running_loop()
        loop.add_reader(listening, _heard, listening, part)
        try:
            part.process = await asyncio.create_subprocess_exec(
                *self._arguments(part),
                stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, VARIABLE: str(path)},
                start_new_session=True,  # Ctrl-C is ours to pass on
                preexec_fn=_ends_with_us,
            )
            return await part.process.wait()
        finally:
            loop.remove_reader(listening)
            listening.close()
            path.unlink(missing_ok=True)


def _ends_with_us() -> None:
    """In the new process: it gets SIGTERM when the one that started it ends, however that ends (prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _socket(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind(str(path))
    return made


def _heard(listening: socket.socket, part: Part) -> None:
    with contextlib.suppress(OSError):
        if READY in listening.recv(256).splitlines():
            if part.starts > 1:
                log.warning("%s runs again", part.name)
            part.ready.set()


async def _end(part: Part) -> None:
    process = part.process
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        log.error("%s does not end; it is killed", part.name)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
