"""The AMF, composed: its ports, its gNBs and connections, its UEs, what it serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from cinq.eligibility.gate import OPEN, Gate
from cinq.nf.amf import signals
from cinq.nf.amf.context import UeContext
from cinq.nf.amf.events import Events
from cinq.nf.amf.inbound.admission import Admission
from cinq.nf.amf.inbound.n2 import Inbound
from cinq.nf.amf.location import Location
from cinq.nf.amf.n2.association import Access, N2Association
from cinq.nf.amf.orders import Orders
from cinq.nf.amf.ports import Ports
from cinq.nf.amf.procedures.gmm import equipment
from cinq.nf.amf.procedures.gmm.configuration_update import owe, owed
from cinq.nf.amf.procedures.ngap import eligibility, orders, warning
from cinq.nf.amf.registry import Registry
from cinq.nf.amf.services import Callbacks, Communication
from cinq.nf.amf.settings import Settings
from cinq.nf.amf.ue import Ue
from cinq.nf.amf.warnings import Warnings
from cinq.procedure import Clock, Journal
from cinq.procedure.store import Store
from cinq.sbi import Bus
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.namf_communication import NamfCallback, NamfCommunication
from cinq.sbi.services.namf_eventexposure import NamfEventExposure
from cinq.sbi.services.namf_location import NamfLocation
from cinq.sbi.services.npcf_ampolicycontrol import NamfPolicyCallback
from cinq.sbi.services.nudm_sdm import NamfSdmCallback
from cinq.sbi.services.nudm_uecm import NamfUecmCallback


class AMF:
    """entropy(n) gives n random octets. store: UE contexts by SUPI. No I/O: associations are given by n2_connected."""

    def __init__(
        self,
        settings: Settings,
        sbi: Bus,
        store: Store,
        clock: Clock,
        entropy: Callable[[int], bytes],
        journal: Journal,
        instance_id: str,
        gate: Gate = OPEN,
    ) -> None:
        self.settings = settings
        self.instance_id = instance_id
        self.ports = Ports(settings, sbi, clock, entropy, journal, instance_id, gate)
        self.runtime = self.ports.runtime
        self.access = Access(self.ports, Warnings(store), Orders(store))
        self.admission = Admission()
        self.registry: Registry[Ue] = Registry(settings, store, entropy)
        self.events = Events(self.registry, store, clock, entropy, sbi)
        self._equipment_changed = self._checking_equipment = False
        self._restore()

    def services(self) -> list[tuple[type, object]]:
        callbacks = Callbacks(self.registry)
        return [
            (NamfCommunication, Communication(self.registry, self.access)),
            (NamfLocation, Location(self.registry)),
            (NamfEventExposure, self.events),
            (NamfCallback, callbacks),
            (NamfUecmCallback, callbacks),
            (NamfSdmCallback, callbacks),
            (NamfPolicyCallback, callbacks),
        ]

    def profile(self) -> NFProfile:
        return self.ports.profile()

    def start(self) -> None:
        """Begin to sweep for UEs that are gone (one sweep for all, no timer per UE). Needs a running loop.

        What the network had begun with a UE when it was stopped or killed goes on.
        """
        self.runtime.every(self.settings.sweep_s, self.sweep, "sweep")
        self.runtime.every(1.0, self.admission.look, "admission")
        self.runtime.every(1.0, self._look_at_events, "events")
        for ue in list(self.registry.by_supi.values()):
            if ue.context.leaving is not None:
                ue.want(signals.Deregister(ue.context.leaving))

    def _look_at_events(self) -> None:
        if self.events.watched:
            self.runtime.spawn(self.events.look, "events")

    async def stop(self) -> None:
        """The gNBs hear of it. Then all procedures end, each undone; what is stored of every UE is exact, and all of
        them are CM-IDLE."""
        for ran in self.access.rans:
            if ran.context.is_set_up:
                ran.want_beside(signals.Unavailable())
        await asyncio.sleep(0)  # they go out
        await self.runtime.stop()
        for ue in list(self.registry.by_supi.values()):
            if ue.connection is not None:
                ue.disconnect()
                ue.commit()

    def n2_connected(self, association: N2Association) -> Inbound:
        """An association is up. What is returned hears `message(octets, stream, ppid)` and `lost(reason)`."""
        ran = self.access.associated(association)
        return Inbound(self.registry, self.new_ue, ran, self.admission)

    def new_ue(self, context: UeContext) -> Ue:
        return Ue(self.ports, self.registry, self.access, context)

    def reconfigure(self, settings: Settings) -> None:
        """Take other settings while running; gNBs hear what is for them. ValueError: who this AMF is has changed."""
        before = self.settings
        if (settings.plmn, settings.amf_id) != (before.plmn, before.amf_id):
            raise ValueError(f"AMF {before.plmn} {before.amf_id} cannot become another while it runs")
        self.settings = self.ports.settings = settings
        self.registry.settings = settings
        for ran in self.access.rans:
            if ran.context.is_set_up:
                ran.want_beside(signals.ConfigurationChanged())
        for ue in list(self.registry.by_supi.values()):
            if ue.context.rm_state != "RM-REGISTERED":
                continue
            if ue.context.mico and before.mico and not settings.mico:
                owe(ue, "mico", "registration")  # it registers, and has it no more (TS 24.501 §5.4.4.3)
            if contents := owed(ue):
                owe(ue, *contents)

    def look_at_warnings(self) -> None:
        """What `cinq warn` and `cinq order` want takes effect."""
        now = self.ports.clock.now()
        warning.look(self.access, now)
        orders.look(self.access, self.registry, now)
        eligibility.move(self.access)
        eligibility.let_go(self.access)

    def day_has_come(self) -> None:
        """A rule of eligibility may begin to hold, or end."""
        eligibility.day_has_come(self.access)
        self.check_equipment()

    def check_equipment(self) -> None:
        """What the 5G-EIR says of equipment may have changed: each registered UE is asked about anew, in pauses. What
        changes meanwhile is looked at when all have been."""
        if self.settings.equipment_check == "off":
            return
        self._equipment_changed = True
        if not self._checking_equipment:
            self._checking_equipment = True
            self.runtime.spawn(self._check_equipment, "equipment")

    async def _check_equipment(self) -> None:
        try:
            while self._equipment_changed:
                self._equipment_changed = False
                for ue in list(self.registry.by_supi.values()):
                    await equipment.check_again(ue)
                    await asyncio.sleep(0)
        finally:
            self._checking_equipment = False

    def _restore(self) -> None:
        """UE contexts survive a restart. One stored while connected may be behind: that UE is authenticated anew."""
        for context in self.registry.stored():
            ue = self.new_ue(context)
            if context.cm_state == "CM-CONNECTED":
                ue.exchange.doubtful = True
                now = self.ports.clock.now()
                ue.context = msgspec.structs.replace(context, cm_state="CM-IDLE", idle_since=now)
            self.registry.take_back(ue)

    def sweep(self) -> None:
        """Implicit de-registration (TS 24.501 §5.3.7) and releases that no gNB has confirmed."""
        self.access.sweep()
        now = self.ports.clock.now()
        for ue in list(self.registry.by_supi.values()):
            patience = self.settings.implicit_deregistration_s(ue.context.t3512)
            if ue.connection is None and ue.is_idle and ue.context.idle_since < now - patience:
                ue.want(signals.GoneSilent())
