"""The neighbours of a gNB: who comes by SCTP, who is sought, and which of two associations with one gNB stays."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Protocol

from cinq.numbering import GnbId
from cinq.procedure import Aborted, Refused, TimerExpired
from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.signals import SetUpXn
from cinq.ran.gnb.xn.association import Xn, XnNode
from cinq.transport.sctp.association import Association, AssociationHandler, Listener

log = logging.getLogger("cinq.ran.gnb")

MOST = 64
"""Neighbours at most: whoever reaches the port may come."""
SETUP_S = 10.0
"""How long one that came may take for its XN SETUP REQUEST."""

Endpoint = tuple[str, int]


class XnPort(Protocol):
    """How neighbours are reached: SCTP, or a test's."""

    async def listen(self, on_association: Callable[[Association], AssociationHandler]) -> Listener: ...

    async def connect(self, endpoint: Endpoint, handler: AssociationHandler) -> Association: ...


class Neighbours:
    """all: every Xn of the gNB. begin: who is sought."""

    __slots__ = ("_known", "_listener", "_node", "_said", "all")

    def __init__(self, node: XnNode) -> None:
        self.all: list[Xn] = []
        self._node = node
        self._known: dict[Endpoint, GnbId] = {}
        self._said: dict[Endpoint, str] = {}
        self._listener: Listener | None = None

    def __iter__(self) -> Iterator[Xn]:
        return iter(list(self.all))

    def to(self, gnb: GnbId) -> Xn | None:
        """The interface to that gNB, where there is one and it is up."""
        return next((xn for xn in self.all if xn.reaches(gnb)), None)

    @property
    def cells(self) -> tuple[CellId, ...]:
        """Cells of the neighbours that are up."""
        return tuple(cell for xn in self.all if xn.up and xn.context.state == "up" for cell in xn.cells)

    def remove(self, xn: Xn) -> None:
        if xn in self.all:
            self.all.remove(xn)

    # by SCTP

    async def begin(self, port: XnPort) -> None:
        """Neighbours may come, and those of the settings are sought. OSError: the port cannot be had."""
        self._listener = await port.listen(self._came)
        for endpoint in self._node.settings.xn_endpoints:
            self._node.runtime.spawn(lambda endpoint=endpoint: self._hold(port, endpoint), "Xn")  # type: ignore[misc]

    async def end(self) -> None:
        """Every neighbour hears of it."""
        if self._listener is not None:
            self._listener.close()
        for xn in list(self.all):
            if xn.association is not None:
                await xn.association.close()

    def _came(self, association: Association) -> AssociationHandler:
        xn = Xn(self._node, association)
        if sum(one.association is not None for one in self.all) >= MOST:
            log.warning("Xn from %s:%d refused: %d neighbours are there", *association.remote, MOST)
            asyncio.get_running_loop().call_soon(association.abort, "too many neighbours")
            return xn
        self.all.append(xn)
        self._node.runtime.spawn(lambda: _setup_is_due(xn), "Xn Setup is due")
        return xn

    async def _hold(self, port: XnPort, endpoint: Endpoint) -> None:
        while True:
            known = self._known.get(endpoint)
            if known is None or self.to(known) is None:
                await self._seek(port, endpoint)
            await asyncio.sleep(self._node.settings.ng_setup_retry_s)

    async def _seek(self, port: XnPort, endpoint: Endpoint) -> None:
        """One association, as long as it lasts."""
        xn = Xn(self._node, sought=endpoint)
        try:
            xn.take(await port.connect(endpoint, xn))
        except OSError as error:
            self._say(endpoint, str(getattr(error, "what", error)))
            return
        self.all.append(xn)
        try:
            await xn.demand(SetUpXn())
        except (Refused, TimerExpired, Aborted) as ended:
            self._say(endpoint, str(ended))
            xn.part()
            return
        self._said.pop(endpoint, None)
        await xn.gone()

    def _say(self, endpoint: Endpoint, what: str) -> None:
        """Into the log when it is new."""
        if self._said.get(endpoint) != what:
            self._said[endpoint] = what
            every = self._node.settings.ng_setup_retry_s
            log.warning("neighbour at %s:%d: %s; tried again every %g s", *endpoint, what, every)

    # which one stays

    def refuses(self, xn: Xn, gnb: GnbId) -> str:
        """Why a neighbour that says it is that gNB is not believed; "" where it is."""
        if gnb == self._node.identity:
            return "it has the identity of this gNB"
        for other in self.all:
            if other is xn or not other.reaches(gnb):
                continue
            if other.association is None:
                return f"gNB {gnb} is in this process"
            if xn.association is not None and other.association.remote[0] != xn.association.remote[0]:
                return "gNB {} is there, from {}:{}".format(gnb, *other.association.remote)
        return ""

    def settle(self, xn: Xn) -> None:
        """It is up; of two with one gNB, which have crossed, that stays which the gNB of the lower identity began.

        Of two that the same gNB began the later one stays: it has been started again (TS 38.423 §8.4.1.2).
        """
        gnb, had = xn.gnb, False
        if gnb is None:
            return
        if xn.sought is not None:  # not again while it has come by itself
            self._known[xn.sought] = gnb
        for other in list(self.all):
            if other is xn or not other.reaches(gnb):
                continue
            had = True
            lower = (self._node.identity.value, self._node.identity.bits) < (gnb.value, gnb.bits)
            loser = other if other.ours == xn.ours or xn.ours == lower else xn
            log.debug("%s: another association with the same gNB stays", loser)
            loser.commit(gnb=None)
            loser.lost("another association with the same gNB")
            loser.part()
        if self.to(gnb) is xn and not had:
            log.info("Xn Setup done with gNB %s: %d cells", gnb, len(xn.cells))


async def _setup_is_due(xn: Xn) -> None:
    await asyncio.sleep(SETUP_S)
    if xn.context.state == "setup" and xn.association is not None:
        xn.association.abort(f"no XN SETUP REQUEST within {SETUP_S:g} s")
