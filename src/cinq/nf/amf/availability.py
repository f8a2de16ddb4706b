"""Nnssf_NSSAIAvailability (TS 29.531 §5.3, TS 23.501 §5.15.8): the NSSF hears which slices there are where."""

from __future__ import annotations

import logging
from typing import Protocol

from cinq.nf.amf.ports import Ports
from cinq.numbering import SNssai, Tai
from cinq.sbi import Problem
from cinq.sbi import models as sbi
from cinq.sbi.services.nnssf_nssaiavailability import NssaiAvailabilityInfo, SupportedNssaiAvailabilityData

log = logging.getLogger("cinq.amf")

Supported = dict[Tai, frozenset[SNssai]]


class Gnbs(Protocol):
    """What the gNBs that are set up support."""

    def supported(self) -> Supported: ...


class Availability:
    """What gNBs support changes with each setup, update and loss. The NSSF is told once for all that a turn of the loop
    brings, and only what it has not heard."""

    def __init__(self, ports: Ports, gnbs: Gnbs) -> None:
        self._ports, self._gnbs = ports, gnbs
        self._told: Supported = {}
        self._telling = False

    def changed(self) -> None:
        if not self._telling:
            self._telling = True
            self._ports.runtime.spawn(self._tell, "Nnssf_NSSAIAvailability")

    async def _tell(self) -> None:
        try:
            while (now := self._gnbs.supported()) != self._told:
                before, self._told = self._told, now
                try:
                    await self._say(now)
                except Problem as problem:
                    self._told = before
                    log.warning("the NSSF does not take what slices there are in tracking areas: %s", problem)
                    return
        finally:
            self._telling = False

    async def _say(self, supported: Supported) -> None:
        nnssf, name = self._ports.nnssf_availability, self._ports.instance_id
        if not supported:
            await nnssf.delete_nssai_availability(name)
            return
        data = [
            SupportedNssaiAvailabilityData(
                tai=sbi.Tai.of(tai), supported_snssai_list=[sbi.Snssai.of(s) for s in sorted(slices, key=str)]
            )
            for tai, slices in supported.items()
        ]
        await nnssf.update_nssai_availability(
            name, NssaiAvailabilityInfo(supported_nssai_availability_data=data)
        )
