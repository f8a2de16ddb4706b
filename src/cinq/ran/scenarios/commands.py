"""A knob's command: words of a target file with names in braces, run without a shell."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence

KNOB_S = 20.0
SHOWN = 200


async def run(command: str, names: dict[str, str], within: float = KNOB_S) -> str:
    """What the command printed, errors included. OSError: it is not there, failed, or did not end in time."""
    words = [word.format_map(_Names(names)) for word in shlex.split(command)]
    code, printed, _ = await ended(words, within, asyncio.subprocess.STDOUT)
    said = printed.decode(errors="replace")
    if code:
        raise OSError(f"`{shlex.join(words)}`: {last_words(said)}")
    return said


async def ended(words: Sequence[str], within: float, errors: int) -> tuple[int, bytes, bytes]:
    """A program's exit code, what it printed, and its errors where they go to a pipe of their own.

    errors: STDOUT or PIPE of asyncio.subprocess. OSError: it is not there, or did not end in time.
    """
    process = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=errors
    )
    try:
        async with asyncio.timeout(within):
            printed, wrong = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise OSError(f"`{shlex.join(words)}` did not end within {within:g} s") from None
    return process.returncode or 0, printed, wrong or b""


def last_words(said: str) -> str:
    """The end of what a program said, on one line."""
    return " ".join(said.split())[-SHOWN:]


class _Names(dict[str, str]):
    def __missing__(self, name: str) -> str:
        raise OSError(f"the command names {{{name}}}, which this knob does not have")
