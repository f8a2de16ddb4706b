"""A load on real ports: gNBs over SCTP, thousands of UEs in this process, against the core of a target."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace

from cinq.procedure import Runtime, collect_seldom
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.gnb.ng_ran import NgRan
from cinq.ran.gnb.serve import n2_port
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.load import Load, LoadSettings, Outcome
from cinq.ran.scenarios.target import Target
from cinq.ran.ue.settings import SessionSettings

NG_SETUP_S = 10.0
FIRST_GNB = 0x10AD00


class LoadError(RuntimeError):
    """The load could not begin: what is in the way."""


async def play(
    target: Target, settings: LoadSettings, gnbs: int, on_done: Callable[[int], None] | None = None
) -> Outcome:
    """Set the gNBs up, run the load, and let everybody go. LoadError: a gNB is not let in."""
    runtime = Runtime("RAN")
    ng_ran = NgRan()
    made = [_gnb(target, number, runtime, ng_ran) for number in range(gnbs)]
    try:
        await _up(made)
        collect_seldom()

        load = Load(settings, made, runtime, os.urandom, on_done)
        outcome = await load.run()
        load.leave()
        return outcome
    finally:
        for gnb in made:
            await gnb.stop()
        await runtime.stop()


def of_target(target: Target, settings: LoadSettings) -> LoadSettings:
    """The settings with the target's first test subscribers, and a PDU session for each step that opens one.

    LoadError: there are too few subscribers.
    """
    group = target.subscribers[0]
    if settings.ues > group.count:
        raise LoadError(
            f"{settings.ues} UEs, but {group.count} test subscribers in the first [[subscribers]]"
        )
    opened = min(15, [*settings.first, *settings.repeat].count("session"))
    session = SessionSettings(target.core.dnns[0], target.core.slices[0])
    return replace(settings, ue=replace(target.ues()[0], sessions=(session,) * opened))


def _gnb(target: Target, number: int, runtime: Runtime, ng_ran: NgRan) -> Gnb:
    core, radio = target.core, target.radio
    settings = GnbSettings(
        name=f"cinq-load-{number + 1}",
        gnb_id=FIRST_GNB + number,
        gnb_id_bits=24,
        plmn=core.plmn,
        tac=core.tacs[number % len(core.tacs)],
        slices=core.slices,
        amf_address=core.amf_address,
        amf_port=core.amf_port,
        n2_address=radio.n2_address,
        n3_address=radio.n3_address,
        radio="",
        data_plane="none",
        ng_setup_retry_s=0.5,
    )
    gnb = Gnb(settings, n2_port(settings), runtime, os.urandom, ng_ran)
    gnb.start()
    return gnb


async def _up(gnbs: list[Gnb]) -> None:
    for gnb in gnbs:
        try:
            async with asyncio.timeout(NG_SETUP_S):
                await gnb.up()
        except TimeoutError:
            raise LoadError(f"{gnb.settings.name}: NG Setup: {gnb.trouble or 'no answer'}") from None
