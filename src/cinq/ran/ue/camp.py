"""Where a UE camps: the cell's broadcast, and whether the UE may use it (TS 24.501 §5.3.13, §5.3.13A)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from cinq.crypto import kdf
from cinq.numbering import PlmnId, Tai
from cinq.procedure import Why
from cinq.ran.radio.port import SystemInformation
from cinq.ran.ue.access_control import barred
from cinq.ran.ue.context import UeContext

log = logging.getLogger("cinq.ran.ue")


class Camp:
    """home: the PLMN that counts before any broadcast was heard."""

    __slots__ = ("_home", "_wake", "information")

    def __init__(self, home: PlmnId) -> None:
        self._home = home
        self._wake: Callable[[], None] | None = None
        self.information: SystemInformation | None = None

    @property
    def plmn(self) -> PlmnId:
        return self._home if self.information is None else self.information.plmn

    @property
    def tai(self) -> Tai | None:
        """Of the cell; None before any broadcast was heard."""
        information = self.information
        return None if information is None else Tai(information.plmn, information.tac)

    @property
    def serving_network(self) -> str:
        """The serving network name, TS 24.501 §9.12.1."""
        return kdf.snn(self.plmn.mcc, self.plmn.mnc)

    def heard(self, information: SystemInformation) -> None:
        """A broadcast, of this cell or of another one that the UE camps on now."""
        self.information = information
        if self._wake is not None:
            wake, self._wake = self._wake, None
            wake()

    async def usable(self, label: str, category: int | None = None) -> None:
        """Wait until the cell is not barred, nor this access category (§4.5.4.1, §5.5.1.2.7 b)).

        Without system information the attempt itself will tell.
        """
        while self.information is not None:
            why = None if category is None else barred(self.information, category)
            if self.information.barred:
                why = Why(f"cell '{self.information.name}' is barred, its gNB has no AMF")
            if why is None:
                return
            log.warning("%s waits: %s", label, why)
            heard = asyncio.Event()
            self._wake = heard.set
            await heard.wait()

    def restricted(self, context: UeContext) -> Why | None:
        """Why the UE may not ask for service here (§5.3.5.2), None where it may."""
        area, here = context.service_area, self.tai
        if area is None or here is None or area.whole_plmn == self.plmn:
            return None
        if (here in area.tais) == area.allowed:
            return None
        mend = "another cell, or the service area restriction in the subscription"
        return Why(f"{here} is outside the area in which the network serves this UE", mend)

    def forbidden(self, context: UeContext) -> Why | None:
        """Why the UE may not register here but for an emergency, None where it may."""
        again = "switch the UE off and on (deregister with switch_off), or camp on another cell"
        if context.barred:
            return Why(f"the UE does not try again: {context.barred}", again)
        if self.plmn in context.forbidden_plmns:
            return Why(f"PLMN {self.plmn} is on the UE's list of forbidden PLMNs", again)
        if self.tai in context.forbidden_tais_roaming:
            return Why(f"{self.tai} is on the UE's list of forbidden tracking areas for roaming", again)
        if self.tai in context.forbidden_tais_regional:
            return Why(
                f"{self.tai} is on the UE's list of forbidden tracking areas for regional service", again
            )
        return None
