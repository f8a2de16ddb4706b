"""Knobs of a target that is really there: commands, and what the operator of the bench does by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cinq.assurance.target import ASK, KnobName, Knobs
from cinq.ran.scenarios import commands
from cinq.ran.scenarios.target import Knob as ScenarioKnob

BY_HAND: dict[KnobName, str] = {
    "algorithm_order": "set the AMF to the order {integrity} and {ciphering}",
    "restart": "restart the target, and wait until it serves again",
    "log": "this knob is of no use by hand: give a command that prints the log since {since}",
    "downlink_data": "send a packet from the data network to {address}",
    "packet_filter": "set the packet filter to the rule {rule} for {address} port {port} (none: take it away)",
    "personal_data": "look at the data of the subscriber {supi} as administrators do",
    "redirect_to_eps": "turn the AMF's redirection of all UEs to EPC {state}",
}
Ask = Callable[[str], bool]
"""Tells the operator what to do, and returns whether it is done. It may wait for a person."""


class Commands:
    """ask: None where there is nobody to ask."""

    def __init__(self, knobs: Knobs, ask: Ask | None = None) -> None:
        self._knobs = knobs
        self._ask = ask

    async def turn(self, knob: KnobName, names: dict[str, str]) -> str:
        command: str = getattr(self._knobs, knob)
        if command != ASK:
            return await commands.run(command, names)
        if self._ask is None:
            raise OSError("nobody is there to do it by hand")
        if not await asyncio.to_thread(self._ask, BY_HAND[knob].format_map(names)):
            raise OSError("the operator did not do it")
        return ""


class NoKnobs:
    """The scenario engine's own knobs are none of the bench's."""

    async def turn(self, knob: ScenarioKnob, names: dict[str, str]) -> None:
        raise OSError(f"{knob} is no knob of the assurance bench")
