"""A UE with a session on a gNB of two cells, and a core that says what a test wants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypedDict

from cinq.procedure import run_virtual
from cinq.ran.gnb import GnbSettings
from cinq.ran.gnb.n2 import UeContext
from cinq.ran.gnb.settings import CellSettings
from cinq.ran.ue import Ue
from cinq.wire import ngap

from .core import Core, Radio, settle

PLMN = bytes.fromhex("99f907")


class Ids(TypedDict):
    amf_ue_ngap_id: int
    ran_ue_ngap_id: int


IDS = Ids(amf_ue_ngap_id=1, ran_ue_ngap_id=1)
SST = ngap.SNSSAI(sst=b"\1")
TWO_CELLS = (CellSettings(cell=0, tac=1), CellSettings(cell=1, tac=7))


class Scene:
    """A UE with a session on a gNB of two cells."""

    def __init__(self, **changes: object) -> None:
        self.core = Core()
        self.core.areas = (1, 7)
        settings = GnbSettings(cells=TWO_CELLS, **changes)  # type: ignore[arg-type]
        self.radio = Radio(self.core, settings=settings)
        self.ue: Ue

    async def up(self) -> None:
        await self.radio.up()
        self.ue = self.radio.ue()
        await self.ue.power_on()
        await settle()

    @property
    def context(self) -> UeContext:
        return self.radio.gnb.n2.ues[1]

    async def answers(self, message: ngap.Pdu) -> list[ngap.Pdu]:
        before = len(self.core.heard)
        self.core.tell(message)
        await settle()
        return self.core.heard[before:]


def scene(act: Callable[[Scene], Awaitable[None]], **changes: object) -> None:
    async def main() -> None:
        one = Scene(**changes)
        await one.up()
        await act(one)

    run_virtual(main())
