"""The target's host, where the lab has it: commands behind a prefix, such as `ip netns exec X` or `docker exec X`."""

from __future__ import annotations

import asyncio
import shlex

from cinq.ran.scenarios.commands import ended, last_words

HOST_S = 30.0
LARGEST = 4 << 20  # octets of an answer that are kept


class OnHost:
    """prefix: words before a command's own."""

    def __init__(self, prefix: tuple[str, ...]) -> None:
        self._prefix = prefix

    async def run(self, *words: str, within: float = HOST_S) -> str:
        """What it prints. OSError: it is not there, failed, or did not end in time."""
        whole = (*self._prefix, *words)
        code, printed, wrong = await ended(whole, within, asyncio.subprocess.PIPE)
        if code:
            said = last_words(wrong.decode(errors="replace"))
            raise OSError(f"`{shlex.join(whole)}`: {said or f'exit code {code}'}")
        return printed[:LARGEST].decode(errors="replace")
