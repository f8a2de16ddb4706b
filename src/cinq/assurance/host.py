"""The target's host, where the lab has it: commands behind a prefix, such as `ip netns exec X` or `docker exec X`."""

from __future__ import annotations

import asyncio
import shlex

HOST_S = 30.0
LARGEST = 4 << 20  # octets of an answer that are kept
SHOWN = 200


class OnHost:
    """prefix: words before a command's own."""

    def __init__(self, prefix: tuple[str, ...]) -> None:
        self._prefix = prefix

    async def run(self, *words: str, within: float = HOST_S) -> str:
        """What it prints. OSError: it is not there, failed, said too much, or did not end in time."""
        whole = (*self._prefix, *words)
        process = await asyncio.create_subprocess_exec(
            *whole,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LARGEST,
        )
        try:
            async with asyncio.timeout(within):
                printed, wrong = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise OSError(f"`{shlex.join(whole)}` did not end within {within:g} s") from None
        if process.returncode:
            said = " ".join(wrong.decode(errors="replace").split())[-SHOWN:]
            raise OSError(f"`{shlex.join(whole)}`: {said or f'exit code {process.returncode}'}")
        return printed[:LARGEST].decode(errors="replace")
