"""The composition root: settings -> ports -> network functions -> run. Read it from top to bottom."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from cinq import contradictions, exposure, functions, protection, state
from cinq.anchors import look_at_anchors
from cinq.eligibility.approval import ApprovalError
from cinq.eligibility.documents import DocumentError
from cinq.eligibility.gate import Gate
from cinq.explain import PACE_S, Explainer
from cinq.interconnect import Interconnection
from cinq.membership import Membership
from cinq.nf.amf import AMF
from cinq.nf.amf.orders import Orders
from cinq.nf.ausf import AUSF
from cinq.nf.bsf import BSF
from cinq.nf.chf import CHF
from cinq.nf.eir import EIR
from cinq.nf.nef import NEF
from cinq.nf.nrf import NRF
from cinq.nf.nssf import NSSF
from cinq.nf.pcf import PCF
from cinq.nf.scp import SCP
from cinq.nf.smf import SMF
from cinq.nf.udm import UDM
from cinq.nf.udr import UDR, looks, provisioning
from cinq.parts import ALL, PARTS, identity
from cinq.procedure import Inside, Journal, RealClock, Runtime
from cinq.procedure.store import MemoryStore, Store
from cinq.sbi.token import SigningKey
from cinq.service_interface import ServiceInterface, token_key
from cinq.settings.network import NetworkSettings
from cinq.trace import stream
from cinq.transport import privilege, sctp, udp
from cinq.transport.error import TransportError
from cinq.transport.write_behind import StoreError, WriteBehind
from cinq.user_plane import UserPlane
from cinq.wire import nas, pfcp

log = logging.getLogger("cinq.network")
ANY_MTU = 9000  # where the data planes are elsewhere, UEs are told that of their data network
CHANGES_S = 1.0  # between looks at what the commands changed
AT_START = (
    "n2_address",
    "n2_port",
    "n2_max_associations",
    "n2_max_associations_per_address",
    "region",
    "set",
    "pointer",
)
"""Settings of the AMF that are read when it starts."""


class NetworkError(RuntimeError):
    """The network cannot start: what is in the way, and the command that mends it. Nothing is left behind."""

    def __init__(self, what: str, remedy: str = "") -> None:
        self.remedy = remedy
        super().__init__(what)


class Network:
    """One running core. `start` builds it from settings; `stop` takes down all it made, in reverse order.

    parts: what of it is in this process; the rest is in others, by way of the SBI and N4.
    """

    def __init__(self, settings: NetworkSettings, journal: Journal, parts: frozenset[str] = ALL) -> None:
        self.settings = settings
        self.journal = journal
        self.clock = RealClock()
        self.runtime = Runtime("NETWORK", journal, self.clock)
        here = parts - {"scp"} if parts == ALL else parts  # in one process there is nobody to go between
        self.parts = here = here if settings.roaming_partner else here - {"sepp"}
        identities = {kind: self.identity(kind) for part, kind in PARTS.items() if kind and part in here}
        elsewhere = (self.identity(kind) for kind in ("NRF", "SCP", "SEPP"))
        self.sbi = ServiceInterface(settings, journal, self.clock, identities, *elsewhere)
        self.bus = self.sbi.bus
        interval, alone = float(settings.nrf.heart_beat_timer_s), parts == ALL
        self.alone = alone
        self.membership = Membership(self.sbi, self.runtime, interval, alone=alone)
        self._undo = contextlib.AsyncExitStack()
        self.user_plane: UserPlane | None = None
        self.nrf: NRF | None = None
        self.udr: UDR | None = None
        self.eir: EIR | None = None
        self.pcf: PCF | None = None
        self.nef: NEF | None = None
        self.edge: Interconnection | None = None
        self.smf: SMF | None = None
        self.amf: AMF | None = None

    @classmethod
    async def start(
        cls, settings: NetworkSettings, journal: Journal | None = None, parts: frozenset[str] = ALL
    ) -> Network:
        """A network that is ready for gNBs, or a part. NetworkError when the host or another program is in the way."""
        network = cls(settings, journal or Journal(), parts)
        try:
            await network._start()
        except (TransportError, StoreError, OSError) as error:
            await network.stop()
            raise NetworkError(getattr(error, "what", str(error)), getattr(error, "remedy", "")) from error
        except BaseException:
            await network.stop()
            raise
        return network

    async def stop(self) -> None:
        """Idempotent. What is in progress is undone, then ports close, then the host is restored."""
        await self._undo.aclose()

    async def _start(self) -> None:
        self._require_rights()
        self._look_for_contradictions()
        protection.of_network(self.settings, self.parts, self._undo)
        self._undo.push_async_callback(self.runtime.stop)
        self._gate()
        store = self._store()
        self._explain(store)
        scp = self._proxy() if "scp" in self.parts else None
        await self.sbi.open()
        self._undo.push_async_callback(self.sbi.close)
        self._undo.push_async_callback(self.membership.leave)  # until then tokens are needed, to undo things
        if scp is not None:
            await self.membership.serve(scp.services(), scp.profile())
        await self._control_functions(store)
        if "sepp" in self.parts:
            await self._edge(store)
        if "upf" in self.parts:
            await self._user_plane()
        if "smf" in self.parts:
            await self._session_management(store)
        if "amf" in self.parts:
            await self._access(store)
        if self.nrf is not None:
            await self.nrf.day_has_come()  # of whom it has kept since it ran last
        if self.amf is not None:
            self.amf.check_equipment()  # lists and rules may have changed since
        self.membership.keep_alive(None if self.nrf is None else self.nrf.look)
        await self._control_socket()
        self.runtime.every(CHANGES_S, self._tell_changes, "data changes")
        self.runtime.spawn(self._prepare_codecs, "codecs")
        if "udr" in self.parts:
            looked_at = partial(contradictions.tell_of_subscribers, self.settings, self.store)
            self.runtime.spawn(looked_at, "subscribers")

    def _explain(self, store: Store) -> None:
        """What is refused, and why: into the log, and into a history that `cinq explain` reads.

        The history is the AMF's: by what others answer it hears of what they refuse.
        """
        explainer = Explainer(store if "amf" in self.parts else MemoryStore())
        self._undo.callback(explainer.close)
        self._undo.callback(self.journal.listen(explainer.event, trouble=True))
        self.runtime.every(PACE_S, lambda: explainer.tick(self.clock.now()), "explainer")

    async def _prepare_codecs(self) -> None:
        """What else would be made when the first UEs come is made now, in the pauses."""
        for _ in chain(nas.prepare(), pfcp.prepare()):
            await asyncio.sleep(0)

    def _require_rights(self) -> None:
        """PrivilegeError names all that are missing, where each would be met by itself later."""
        wanted: dict[str, str] = {}
        if self.settings.upf.start and "upf" in self.parts:
            wanted["CAP_NET_ADMIN"] = "interfaces, routes and forwarding of the UPF"
        if "amf" in self.parts and sctp.implementation() == "usrsctp":
            wanted["CAP_NET_RAW"] = sctp.RAW_PURPOSE
        privilege.require(wanted)

    def _look_for_contradictions(self) -> None:
        """NetworkError where it cannot work; a line of the log where it may."""
        found = [*contradictions.of_settings(self.settings)]
        if self.alone:  # else the ports of other parts are taken, as they should be
            found += contradictions.of_host(self.settings)
        errors = [each for each in found if each.severity == "error"]
        for each in found:
            if each not in errors:
                log.warning("%s", each)
        if errors:
            raise NetworkError("; ".join(e.what for e in errors), "; ".join(e.mend for e in errors))

    def _gate(self) -> None:
        """Whom policies of eligibility keep out. NetworkError: a file does not hold, or approvers have not signed."""
        try:
            self.gate = self._gate_of(self.settings)
        except DocumentError as error:
            raise NetworkError(str(error), "cinq policy check names every mistake") from None
        except ApprovalError as error:
            raise NetworkError(str(error), error.mend) from None
        self.gate.day_has_come()  # from now on

    def _gate_of(self, s: NetworkSettings) -> Gate:
        """DocumentError, ApprovalError."""
        own = {self.identity(kind) for kind in PARTS.values() if kind}
        own |= {str(s.smf.n4_address), *([str(s.upf.n4_address)] if s.upf.start else [])}
        return functions.of_the_gate(s, self.clock, frozenset(own))

    # ports

    def _store(self) -> WriteBehind:
        """One store, held against a second instance of what is here."""
        holders = () if self.alone else tuple(sorted(self.parts))
        self.store = state.opened(self.settings.state, exclusive=True, parts=holders)
        self._undo.callback(self.store.close)
        return self.store

    async def _udp(self, address: str, port: int) -> udp.UdpEndpoint:
        """A socket that hears nothing until its owner is there."""
        endpoint = await udp.endpoint(address, port, lambda octets, peer: None)
        self._undo.callback(endpoint.close)
        return endpoint

    # network functions

    async def _control_functions(self, store: Store) -> None:
        """NRF, UDR, UDM, AUSF, NSSF, BSF, CHF, PCF, 5G-EIR: they answer and keep no ports."""
        s, here = self.settings, self.parts
        if "nrf" in here:
            self._repository(store)
        if "udr" in here:
            plmn = s.network.plmn
            self.udr = UDR(store, self.identity("UDR"), self.bus, plmn.mcc + plmn.mnc)
            await self.membership.serve(self.udr.services(), self.udr.profile())
        if "udm" in here:
            udm = UDM(functions.of_the_udm(s), self.bus, os.urandom, self.identity("UDM"))
            await self.membership.serve(udm.services(), udm.profile())
            await self.membership.subscribes(udm.start, "UDM")
        if "ausf" in here:
            ausf = AUSF(self.bus, self.clock, os.urandom, self.identity("AUSF"))
            await self.membership.serve(ausf.services(), ausf.profile())
        if "nssf" in here:
            nssf = NSSF(functions.of_the_nssf(s), self.identity("NSSF"))
            await self.membership.serve(nssf.services(), nssf.profile())
        if "bsf" in here:
            dnns = tuple(d.identifier for d in s.dnn)
            bsf = BSF(store, os.urandom, self.identity("BSF"), dnns)
            await self.membership.serve(bsf.services(), bsf.profile())
        if "chf" in here:
            own = self.identity("CHF")
            chf = CHF(functions.of_the_chf(s), store, self.clock, os.urandom, own, self.bus, self.journal)
            await self.membership.serve(chf.services(), chf.profile())
            chf.start()
            self._undo.push_async_callback(chf.stop)
        if "pcf" in here:
            self.pcf = PCF(self.identity("PCF"), self.bus, store, functions.of_the_pcf(s))
            await self.membership.serve(self.pcf.services(), self.pcf.profile())
            await self.membership.subscribes(self.pcf.start, "PCF")
        if "nef" in here and s.nef.start:
            self.nef = await exposure.opened(
                s, self.bus, store, self.clock, self.journal, self.identity("NEF"), self._undo
            )
            await self.membership.serve(self.nef.services(), self.nef.profile())
        if "eir" in here or "amf" in here:  # the AMF looks at the lists for what has changed
            self.eir = EIR(functions.of_the_eir(s), store, self.identity("5G_EIR"), self.gate)
        if "eir" in here and self.eir is not None:
            await self.membership.serve(self.eir.services(), self.eir.profile())

    async def _edge(self, store: Store) -> None:
        """SEPP, where there are roaming partners."""
        s, own = self.settings, self.identity("SEPP")
        self.edge = await Interconnection.open(s, store, self.clock, self.journal, own, self._undo)
        await self.membership.serve([], self.edge.sepp.profile())

    def _proxy(self) -> SCP:
        """The SCP: what comes for others goes through it."""
        own = self.identity("SCP")
        settings = functions.of_the_scp(self.settings, self.identity("NRF"), own)
        self.sbi.relay = scp = SCP(settings, self.sbi.peers.send, self.clock, own)
        return scp

    def _repository(self, store: Store) -> None:
        """NRF. It is not registered at itself."""
        settings, own = functions.of_the_nrf(self.settings, self.identity("SEPP")), self.identity("NRF")
        key = self._signing_key()
        self.nrf = NRF(settings, self.clock, own, key, store, self.bus, self.gate, self.journal)
        for service, implementation in self.nrf.services():
            self.bus.serve(service, implementation, own)

    def _tell_changes(self) -> None:
        """What the commands changed in the store takes effect."""
        if self.udr is not None:
            looks.tell(self.store)
            self.runtime.spawn(self.udr.tell_changes, "data changes")
        if self.pcf is not None:
            self.runtime.spawn(self.pcf.look, "bindings and application functions")
        if self.nef is not None:
            self.runtime.spawn(self.nef.look, "exposure")
        self._look_at_the_day()
        if self.amf is not None:
            if self.eir is not None and self.eir.have_changed():
                self.amf.check_equipment()
            self.amf.look_at_warnings()
        if self.smf is not None:
            look_at_anchors(self._orders, self.smf, self.runtime)

    def _look_at_the_day(self) -> None:
        """A rule of eligibility that begins at midnight acts at midnight."""
        day = self.gate.day_has_come()
        if day is not None:
            log.info("it is %s: policies of eligibility are asked anew about everybody who is there", day)
            self._ask_anew()

    def _take_policies(self, settings: NetworkSettings) -> bool:
        """Policies, inventory and what was seen are read again. False: they do not hold, or approvers have not signed;
        what held until now holds on."""
        try:
            made = self._gate_of(settings)
        except (DocumentError, ApprovalError) as error:
            log.error("policies of eligibility are as they were: %s", error)
            return False
        self.gate.take(made)
        self._ask_anew()
        return True

    def _ask_anew(self) -> None:
        upf = None if self.user_plane is None else self.user_plane.upf
        for function in (upf, self.smf, self.amf):
            if function is not None:
                function.day_has_come()
        if self.nrf is not None:
            self.runtime.spawn(self.nrf.day_has_come, "eligibility")

    def reload(self, settings: NetworkSettings) -> bool:
        """Take the AMF's settings, the network's name and eligibility while running; gNBs hear of them. The files that
        eligibility names are read again, whatever has changed. False: that is not all.

        What else has changed waits for a restart, and so do the AMF's identity and its ports.
        """
        now, new = self.settings, settings
        kept = {name: getattr(now.amf, name) for name in AT_START}
        held = self._take_policies(new)
        taken = replace(
            now,
            amf=replace(new.amf, **kept),
            network=replace(now.network, name=new.network.name),
            eligibility=new.eligibility if held else now.eligibility,
        )
        self.settings = taken
        made = functions.of_the_amf(taken)
        if self.amf is not None and made != self.amf.settings:
            self.amf.reconfigure(made)
        return held and taken == new

    async def _user_plane(self) -> None:
        """UPF with its data plane, N6 and NAT, unless all UPFs are elsewhere."""
        s = self.settings
        if not s.upf.start:
            return
        self.user_plane = await UserPlane.open(
            functions.of_the_upf(s, apart="smf" not in self.parts),
            functions.of_the_plane(s),
            s.upf.n4_port,
            self._host_journal(),
            self.clock,
            self.journal,
            self._undo,
            self.gate,
        )
        s.state.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self.user_plane.show(s.upf, s.control, self._undo)

    def _host_journal(self) -> Path:
        return self.settings.state.folder / "host-changes.json"

    async def _session_management(self, store: Store) -> None:
        s = self.settings
        n4 = await self._udp(str(s.smf.n4_address), s.smf.n4_port)
        own = self.user_plane
        settings = functions.of_the_smf(s, own.plane.mtu if own is not None else ANY_MTU)
        self.smf = smf = SMF(
            settings,
            self.bus,
            n4,
            store,
            self.clock,
            os.urandom,
            self.journal,
            self.identity("SMF"),
            self.gate,
        )
        n4.on_datagram = smf.n4_received
        if s.smf.n4_path == "direct" and own is not None:
            near, far = n4.local, own.n4.local
            smf.n4_inside(far, Inside(partial(own.upf.n4_handed, peer=near)))
            own.upf.n4_inside(near, Inside(partial(smf.n4_handed, peer=far)))
        await self.membership.serve(smf.services(), smf.profile())
        self._orders = Orders(store)
        smf.start()
        self._undo.push_async_callback(smf.stop)

    async def _access(self, store: Store) -> None:
        """AMF, last: once its port listens, the network is ready."""
        s = self.settings
        settings = functions.of_the_amf(s)
        self.amf = amf = AMF(
            settings, self.bus, store, self.clock, os.urandom, self.journal, self.identity("AMF"), self.gate
        )
        await self.membership.serve(amf.services(), amf.profile())
        self._orders = amf.access.orders
        amf.start()
        self._undo.push_async_callback(amf.stop)
        bounded = sctp.SctpSettings(
            max_associations=s.amf.n2_max_associations,
            max_associations_per_address=s.amf.n2_max_associations_per_address,
        )
        s.state.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        listener = await sctp.listen(
            str(s.amf.n2_address),
            s.amf.n2_port,
            amf.n2_connected,
            settings=bounded,
            remember=s.control.with_suffix(".n2"),
        )
        self._undo.callback(listener.close)

    def _signing_key(self) -> SigningKey | None:
        """Of access tokens, where the SBI is on the wire."""
        sbi = self.settings.sbi
        return SigningKey.kept(token_key(self.settings)) if sbi.on_the_wire and sbi.access_tokens else None

    async def _control_socket(self) -> None:
        folder = self.settings.state.run
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = self.settings.network.name
        listener = await stream.serve(
            str(self.control),
            self.journal,
            name,
            functions.addresses(self.settings, self.user_plane is not None),
        )
        self._undo.callback(listener.close)

    # what it is

    def identity(self, nf_type: str) -> str:
        """The instance identifier of a function: the same after a restart."""
        return identity(self.settings.network.name, nf_type)

    @property
    def control(self) -> Path:
        """The socket of the event stream; a part without the AMF has one of its own."""
        whole = self.settings.control
        return (
            whole
            if "amf" in self.parts
            else whole.with_name(f"{whole.stem}-{'-'.join(sorted(self.parts))}.sock")
        )

    def facts(self) -> dict[str, object]:
        """What a user wants to know of a network that is ready."""
        s = self.settings
        return {
            "sctp": sctp.implementation() if self.amf is not None else "no",
            "data_plane": "no" if self.user_plane is None else self.user_plane.plane.kind,
            "parts": [part for part in PARTS if part in self.parts],
            "n2": f"{s.amf.n2_address}:{s.amf.n2_port}",
            "n3": ", ".join(map(str, s.upf.n3.all)) if self.user_plane is not None else "",
            "upfs": [str(upf.n4_address) for upf in s.user_plane],
            "sbi": self.sbi.api_root if s.sbi.on_the_wire else "",
            "access_tokens": s.sbi.access_tokens,
            "sbi_tls": bool(s.sbi.key),
            "plmn": str(s.network.plmn),
            "tacs": ", ".join(map(str, s.network.tacs)),
            "slices": ", ".join(map(str, s.network.slices)),
            "dnns": "; ".join(f"DNN {d.name} {d.pool}" for d in s.dnn),
            "subscribers": sum(1 for _ in provisioning.subscribers(self.store)),
            "control": str(self.control),
            "host_changes": [] if self.user_plane is None else list(self.user_plane.plane.changes()),
        }
