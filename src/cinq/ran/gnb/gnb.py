"""The emulated gNB: its association with the AMF, its cell, its user plane."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from cinq.numbering import STmsi
from cinq.procedure import Aborted, Refused, Runtime, TimerExpired
from cinq.ran.gnb.bearers import Bearers
from cinq.ran.gnb.cell import CellLink
from cinq.ran.gnb.inactivity import Inactivity
from cinq.ran.gnb.inbound import handle
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.ports import Ports
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.gnb.signals import SetUp
from cinq.ran.radio.port import Mobile, SystemInformation
from cinq.transport.error import NoAnswerError
from cinq.transport.sctp.association import Association, AssociationHandler
from cinq.wire import ngap

log = logging.getLogger("cinq.ran.gnb")

Connect = Callable[[AssociationHandler], Awaitable[Association]]
"""Opens the SCTP association with the AMF. NoAnswerError: there is none yet. Another OSError: there cannot be."""


class Gnb:
    """An emulated gNB with one cell (radio.port.Cell), good for any core.

    connect: the N2 port. entropy: for TEIDs. Its user plane is given by `bearers.use(plane)`, the events of that
    plane go to `bearers`; without one it does signalling only. station: where a test bench stands on N2.
    """

    def __init__(
        self,
        settings: GnbSettings,
        connect: Connect,
        runtime: Runtime,
        entropy: Callable[[int], bytes],
    ) -> None:
        self.settings = settings
        self.runtime = runtime
        self.location = _location(settings)
        apart = "cinq-ue" if settings.gnb_id == 1 else f"cinq-ue-{settings.gnb_id}"
        self.bearers = Bearers(settings.n3_address, entropy, apart=apart)
        self.n2 = N2(Ports(settings, self.bearers, self), runtime, handle)
        self.station = self.n2.station
        self.links: set[CellLink] = set()
        self._connect = connect
        self._paging: dict[STmsi, CellLink] = {}
        self._up = asyncio.Event()
        self._served = False
        self._sets_up = True
        self._associated = asyncio.Event()
        self._hopeless: OSError | None = None

    def start(self, set_up: bool = True) -> None:
        """Seek the AMF, and seek it again whenever it is lost.

        set_up: do NG Setup of itself; without, the association waits for a bench (`station`, `set_up`).
        """
        self._sets_up = set_up
        self.runtime.spawn(self._hold_association, "N2")
        if self.settings.inactivity_s:
            self.runtime.every(self.settings.inactivity_s, Inactivity(self.n2).look, "inactivity")

    @property
    def trouble(self) -> str:
        """What is in the way of NG Setup, "" for nothing."""
        return self.n2.trouble

    async def up(self) -> None:
        """Returns when NG Setup has succeeded. `trouble` says what is in the way meanwhile.

        OSError: this host gives no association at all (a right, an address, SCTP itself is missing).
        """
        await self._up.wait()
        if self._hopeless is not None:
            raise self._hopeless

    async def associated(self) -> None:
        """Returns when the SCTP association is there."""
        await self._associated.wait()

    async def set_up(self) -> None:
        """NG Setup, for a gNB that does not do it of itself. Refused, TimerExpired or Aborted: it failed."""
        await self.n2.demand(SetUp())
        self.on_n2(True)

    async def stop(self) -> None:
        """Release everything: UEs, association, interfaces."""
        for link in list(self.links):
            link.detach()
        association = self.n2.association
        await self.runtime.stop()
        if association is not None:
            await association.close()

    # the cell, as UEs see it

    def attach(self, mobile: Mobile) -> CellLink:
        link = CellLink(self, mobile)
        self.links.add(link)
        mobile.on_system_information(self.system_information())
        return link

    def system_information(self) -> SystemInformation:
        s = self.settings
        barred = self.n2.context.state != "up"
        return SystemInformation(s.name, s.plmn, s.tac, s.nr_cell_identity, barred)

    def listen(self, link: CellLink, s_tmsi: STmsi | None) -> None:
        if link.s_tmsi is not None and self._paging.get(link.s_tmsi) is link:
            del self._paging[link.s_tmsi]
        link.s_tmsi = s_tmsi
        if s_tmsi is not None:
            self._paging[s_tmsi] = link

    def page(self, s_tmsi: STmsi) -> None:
        """On the paging channel; a UE that has an RRC connection does not listen to it."""
        link = self._paging.get(s_tmsi)
        if link is not None and not link.connected:
            link.mobile.on_paging()

    # N2

    def on_n2(self, up: bool, reason: str = "") -> None:
        """NG Setup succeeded, or the association is lost: the cell opens or is barred."""
        amf = f"AMF {self.settings.amf_address}:{self.settings.amf_port}"
        if up and self._served:
            log.info("NG Setup done again with %s", amf)
        if not up and self._up.is_set() and not self.runtime.stopping:
            log.warning("%s is lost: %s; sought every %g s", amf, reason, self.settings.ng_setup_retry_s)
        self.n2.trouble = reason
        if up:
            self._served = True
            self._up.set()
        else:
            self._up.clear()
        information = self.system_information()
        for link in list(self.links):
            link.mobile.on_system_information(information)

    async def _hold_association(self) -> None:
        while True:
            try:
                association = await self._connect(self.n2)
            except OSError as error:
                if not self._served and not isinstance(error, NoAnswerError):
                    self._hopeless = error
                    self._up.set()
                    return
                why = getattr(error, "what", str(error))
                self._in_the_way(f"AMF {self.settings.amf_address}:{self.settings.amf_port}: {why}")
            else:
                self.n2.established(association)
                self._associated.set()
                if self._sets_up:
                    await self._set_up(association)
                await self.n2.wait_lost()
                self._associated.clear()
            await asyncio.sleep(self.settings.ng_setup_retry_s)

    async def _set_up(self, association: Association) -> None:
        try:
            await self.n2.demand(SetUp())
        except (Refused, TimerExpired, Aborted) as error:
            self._in_the_way(f"NG Setup: {error}")
            association.abort("NG Setup failed")
        else:
            self.on_n2(True)

    def _in_the_way(self, trouble: str) -> None:
        if trouble != self.n2.trouble:
            log.warning("%s; tried again every %g s", trouble, self.settings.ng_setup_retry_s)
        self.n2.trouble = trouble


def _location(settings: GnbSettings) -> ngap.UserLocationInformation:
    """User location of every UE of this gNB: its one cell, TS 38.413 §9.3.1.16."""
    plmn = settings.plmn.octets
    cell = ngap.NRCGI(plmn_identity=plmn, nr_cell_identity=settings.nr_cell_identity)
    area = ngap.TAI(plmn_identity=plmn, tac=settings.tac.to_bytes(3, "big"))
    return "userLocationInformationNR", ngap.UserLocationInformationNR(nr_cgi=cell, tai=area)
