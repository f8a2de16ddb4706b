"""The SMF put together: its ports, its services, N4, and the sessions of the former run."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cinq.eligibility.gate import OPEN, Gate
from cinq.nf.smf.addresses import AddressPool, PrefixPool
from cinq.nf.smf.context import COLLECTION, Ipv4, Ipv4v6, Ipv6, decoded
from cinq.nf.smf.events import Events
from cinq.nf.smf.inbound.n4 import Reports
from cinq.nf.smf.n4 import N4, Handlers, N4Port, Peer
from cinq.nf.smf.ports import Ports
from cinq.nf.smf.procedures import charging, usage
from cinq.nf.smf.procedures.association import Association  # with the others, for what they open
from cinq.nf.smf.procedures.relocation import lives_on
from cinq.nf.smf.services import PduSessions
from cinq.nf.smf.session import PduSession, Sessions
from cinq.nf.smf.settings import Settings
from cinq.nf.smf.signals import NetworkRelease, Relocation
from cinq.procedure import Clock, Inside, Journal, Runtime
from cinq.procedure.store import Store
from cinq.sbi import Bus
from cinq.sbi.models import Snssai
from cinq.sbi.nf_profile import DnnSmfInfoItem, NFProfile, SmfInfo, SnssaiSmfInfoItem
from cinq.sbi.services.namf_communication import NsmfCallback
from cinq.sbi.services.nchf_convergedcharging import NchfConvergedCharging, NsmfChargingCallback
from cinq.sbi.services.npcf_smpolicycontrol import NpcfSMPolicyControl, NsmfPolicyCallback
from cinq.sbi.services.nsmf_eventexposure import NsmfEventExposureService
from cinq.sbi.services.nsmf_pdusession import NsmfPDUSession
from cinq.sbi.services.nudm_sdm import NsmfSdmCallback
from cinq.wire import pfcp
from cinq.wire.nas import GsmCause

SERVICES = (NsmfPDUSession, NsmfCallback, NsmfPolicyCallback, NsmfSdmCallback, NsmfChargingCallback)


class SMF:
    """The session management function. `start` sets the associations up; `n4_received` takes what comes on N4.

    entropy(n) gives n random octets. gate: whom policies of eligibility keep out.
    """

    def __init__(
        self,
        settings: Settings,
        sbi: Bus,
        n4: N4Port,
        store: Store,
        clock: Clock,
        entropy: Callable[[int], bytes],
        journal: Journal,
        instance_id: str,
        gate: Gate = OPEN,
    ) -> None:
        self.instance_id = instance_id
        self.runtime = Runtime("SMF", journal, clock)
        self._settings = settings
        self.sessions = Sessions(int.from_bytes(entropy(4), "big") << 24)
        self._reports = Reports(self.sessions, self.runtime)
        handlers = Handlers(
            self._reports.request, self._reports.unclaimed, self.sessions.label, store.durable
        )
        transactions = N4(settings, n4, self.runtime, handlers)
        self._reports.n4 = transactions
        self.ports = Ports(
            settings=settings,
            runtime=self.runtime,
            instance_id=instance_id,
            sbi=sbi,
            pcf=sbi.client(NpcfSMPolicyControl, "SMF"),
            chf=sbi.client(NchfConvergedCharging, "SMF"),
            n4=transactions,
            store=store,
            pools={network.name: AddressPool(network.pool) for network in settings.data_networks},
            prefixes={n.name: PrefixPool(n.ipv6_pool) for n in settings.data_networks},
        )
        for upf in settings.user_planes:
            association = Association(upf.address, upf.port, transactions, self.sessions, self.runtime, gate)
            self.ports.associations[str(upf.address)] = self._reports.associations[str(upf.address)] = (
                association
            )
        self._services = PduSessions(self.ports, self.sessions, entropy)
        self.events = Events(self.sessions, store, clock, entropy, sbi)
        self._load(store)
        self.events.begin()

    def services(self) -> list[tuple[type, object]]:
        offered: list[tuple[type, object]] = [(service, self._services) for service in SERVICES]
        return [*offered, (NsmfEventExposureService, self.events)]

    def profile(self) -> NFProfile:
        slices = {s for network in self._settings.data_networks for s in network.slices}
        info = SmfInfo(
            s_nssai_smf_info_list=[
                SnssaiSmfInfoItem(
                    s_nssai=Snssai.of(snssai),
                    dnn_smf_info_list=[
                        DnnSmfInfoItem(dnn=network.name)
                        for network in self._settings.data_networks
                        if not network.slices or snssai in network.slices
                    ],
                )
                for snssai in sorted(slices, key=str)
            ]
        )
        return NFProfile(
            nf_instance_id=self.instance_id,
            nf_type="SMF",
            nf_status="REGISTERED",
            smf_info=info if slices else None,
        )

    def start(self) -> None:
        """Set up the PFCP associations, and keep them by heartbeats."""
        for association in self._reports.associations.values():
            association.begin()
            self.runtime.every(self._settings.heartbeat_s, association.tick, "heartbeat")
        self.runtime.every(1.0, self._look_at_events, "events")
        if self._settings.charging.on:
            self.runtime.every(self._settings.charging.again_s, self._tell_untold, "charging")
        for session in list(self.sessions.by_identity.values()):
            if session.context.expires:
                lives_on(session)

    def _look_at_events(self) -> None:
        if self.events.watched:
            self.runtime.spawn(self.events.look, "events")

    def _tell_untold(self) -> None:
        """The CHF is told again what it has not heard."""
        for session in list(self.sessions.by_identity.values()):
            usage.report_again(session)
        self.runtime.spawn(lambda: charging.tell_all(self.ports), "charging")

    def day_has_come(self) -> None:
        """A rule of eligibility may begin to hold, or end: what it says of the UPFs is told."""
        for association in self._reports.associations.values():
            association.ruling(is_there=association.context.is_established)

    async def stop(self) -> None:
        await self.runtime.stop()

    def n4_received(self, octets: bytes, peer: Peer) -> None:
        """A datagram from N4. Never raises."""
        self.ports.n4.received(octets, peer)

    def n4_inside(self, upf: Peer, way: Inside[pfcp.Message]) -> None:
        """This UPF is of the same process: what is for it goes that way."""
        self.ports.n4.inside[upf] = way

    def n4_handed(self, message: pfcp.Message, peer: Peer) -> None:
        """A message of such a UPF."""
        self.ports.n4.handed(message, peer)

    def _load(self, store: Store) -> None:
        """The sessions of the former run, their user plane deactivated. What cannot be read is not there."""
        for key, octets in list(store.items(COLLECTION)):
            try:
                context = decoded(octets)
            except msgspec.DecodeError as error:
                store.delete(COLLECTION, key)
                self.runtime.report_bug(f"stored SM context {key[:9]}…", error)
                continue
            pool, address = self.ports.pools.get(context.dnn), context.address
            if pool is not None and isinstance(address, Ipv4 | Ipv4v6):
                pool.reserve(address.ipv4)
            if pool is not None and isinstance(address, Ipv6 | Ipv4v6):
                self.ports.prefixes[context.dnn].hold(address.prefix)
            self.sessions.add(PduSession(context, self.ports, self.sessions))

    async def release(self, supi: str, pdu_session_id: int, cause: GsmCause) -> bool:
        """A release by the network itself (TS 23.502 §4.3.4.2 step 1b); False when there is no such session."""
        session = self.sessions.by_identity.get((supi, pdu_session_id))
        if session is None:
            return False
        session.give_way("the session is released")
        await session.demand(NetworkRelease(cause))
        return True

    async def relocate(self, supi: str, pdu_session_id: int) -> bool:
        """Another anchor for a session of SSC mode 2 or 3 (TS 23.502 §4.3.5); False when there is no such session.

        Refused: the session keeps its anchor.
        """
        session = self.sessions.by_identity.get((supi, pdu_session_id))
        if session is None:
            return False
        await session.demand(Relocation())
        return True
