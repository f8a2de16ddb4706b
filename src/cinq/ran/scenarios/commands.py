"""A knob's command: words of a target file with names in braces, run without a shell."""

from __future__ import annotations

import asyncio
import shlex

KNOB_S = 20.0
SHOWN = 200


async def run(command: str, names: dict[str, str], within: float = KNOB_S) -> str:
    """What the command printed, errors included. OSError: it is not there, failed, or did not end in time."""
    words = [word.format_map(_Names(names)) for word in shlex.split(command)]
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(within):
            printed, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise OSError(f"`{shlex.join(words)}` did not end within {within:g} s") from None
    said = printed.decode(errors="replace")
    if process.returncode:
        raise OSError(f"`{shlex.join(words)}`: {' '.join(said.split())[-SHOWN:]}")
    return said


class _Names(dict[str, str]):
    def __missing__(self, name: str) -> str:
        raise OSError(f"the command names {{{name}}}, which this knob does not have")
