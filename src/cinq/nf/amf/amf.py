"""The AMF: its ports, its gNBs and its UEs."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from cinq.crypto import kdf
from cinq.nf.amf import n2
from cinq.nf.amf.connection import NgConnection
from cinq.nf.amf.context import SmContext, UeContext, decoded, encoded
from cinq.nf.amf.elements import Place
from cinq.nf.amf.ran import N2Association, Ran
from cinq.nf.amf.services import Callbacks, Communication
from cinq.nf.amf.settings import Settings
from cinq.nf.amf.ue import Ue
from cinq.numbering import Guti, STmsi, Supi
from cinq.procedure import Clock, Event, Journal, Runtime
from cinq.procedure.store import Store
from cinq.sbi import Bus
from cinq.sbi.models import Guami, PlmnId, PlmnIdNid, Snssai
from cinq.sbi.models import Tai as SbiTai
from cinq.sbi.services.namf_communication import NamfCallback, NamfCommunication, NsmfCallback
from cinq.sbi.services.nausf_ueauthentication import NausfUEAuthentication
from cinq.sbi.services.nnrf import AmfInfo, NFProfile
from cinq.sbi.services.nnssf_nsselection import NnssfNSSelection
from cinq.sbi.services.npcf_ampolicycontrol import NpcfAMPolicyControl
from cinq.sbi.services.nsmf_pdusession import NsmfPDUSession, UpdateSmContextResponse
from cinq.sbi.services.nudm_sdm import NudmSubscriberDataManagement
from cinq.sbi.services.nudm_uecm import NudmUEContextManagement
from cinq.wire import ngap

log = logging.getLogger("cinq.amf")

COLLECTION = "amf-ue"
MAX_NGAP_ID = (1 << 40) - 1


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
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.entropy = entropy
        self.journal = journal
        self.instance_id = instance_id
        self.runtime = Runtime("AMF", journal, clock)
        self.guami = Guami.of(settings.plmn, settings.amf_id)
        self.serving_plmn = PlmnIdNid.of(settings.plmn)
        self.serving_network = kdf.snn(settings.plmn.mcc, settings.plmn.mnc)
        self.rans: list[Ran] = []
        self.connections: dict[int, NgConnection] = {}
        self.by_supi: dict[Supi, Ue] = {}
        self.by_tmsi: dict[int, Ue] = {}
        self._last_ngap_id = 0
        self._clients(sbi)
        self._restore()

    def _clients(self, sbi: Bus) -> None:
        self.nausf = sbi.client(NausfUEAuthentication, "AMF")
        self.nudm_sdm = sbi.client(NudmSubscriberDataManagement, "AMF")
        self.nudm_uecm = sbi.client(NudmUEContextManagement, "AMF")
        self.nnssf = sbi.client(NnssfNSSelection, "AMF")
        self.npcf = sbi.client(NpcfAMPolicyControl, "AMF")
        self.nsmf = sbi.client(NsmfPDUSession, "AMF")
        self.nsmf_callback = sbi.client(NsmfCallback, "AMF")

    def services(self) -> list[tuple[type, object]]:
        return [(NamfCommunication, Communication(self)), (NamfCallback, Callbacks(self))]

    def profile(self) -> NFProfile:
        amf = self.settings.amf_id
        return NFProfile(
            nf_instance_id=self.instance_id,
            nf_type="AMF",
            nf_status="REGISTERED",
            plmn_list=[PlmnId.of(self.settings.plmn)],
            s_nssais=[Snssai.of(s) for s in self.settings.slices],
            amf_info=AmfInfo(
                amf_set_id=f"{amf.set:03x}",
                amf_region_id=f"{amf.region:02x}",
                guami_list=[self.guami],
                tai_list=[SbiTai.of(tai) for tai in self.settings.tais],
            ),
        )

    def start(self) -> None:
        """Begin to sweep for UEs that are gone (one sweep for all, no timer per UE). Needs a running loop."""
        self.runtime.every(self.settings.sweep_s, self.sweep, "sweep")

    async def stop(self) -> None:
        """End all procedures, each undone; then what is stored of every UE is exact, and all of them are CM-IDLE."""
        await self.runtime.stop()
        for ue in list(self.by_supi.values()):
            if ue.connection is not None:
                ue.disconnect()
                ue.commit()

    # N2

    def n2_connected(self, association: N2Association) -> Ran:
        """An association is up. What is returned hears `message(octets, stream, ppid)` and `lost(reason)`."""
        ran = Ran(self, association)
        self.rans.append(ran)
        return ran

    def n2_lost(self, ran: Ran, reason: str) -> None:
        """TS 38.412 §7: all UE-associated connections of the gNB are gone with it."""
        from cinq.nf.amf.procedures.an_release import lost

        self.rans.remove(ran)
        ran.abort(f"association lost: {reason}")
        for connection in list(ran.connections.values()):
            lost(connection.ue, connection, f"association lost: {reason}")
        log.info("%s: association lost: %s", ran.label, reason)

    # UEs and their connections

    def new_ue(self, context: UeContext) -> Ue:
        return Ue(self, context)

    def new_connection(self, ran: Ran, message: ngap.InitialUEMessage, place: Place, ue: Ue) -> NgConnection:
        number = self._last_ngap_id
        while True:
            number = number + 1 if number < MAX_NGAP_ID else 1
            if number not in self.connections:
                break
        self._last_ngap_id = number
        connection = NgConnection(ran, number, message, place, ue)
        self.connections[number] = ran.connections[message.ran_ue_ngap_id] = connection
        return connection

    def release_ids(self, connection: NgConnection) -> None:
        self.connections.pop(connection.amf_ue_ngap_id, None)
        if connection.ran.connections.get(connection.ran_ue_ngap_id) is connection:
            del connection.ran.connections[connection.ran_ue_ngap_id]

    def known(self, identity: Guti | STmsi | None) -> Ue | None:
        """The registered UE that an identity of this AMF names."""
        if identity is None:
            return None
        amf, ours = self.settings.amf_id, False
        if isinstance(identity, Guti):
            ours = identity.amf == amf and identity.plmn == self.settings.plmn
        else:
            ours = identity.amf_set == amf.set and identity.amf_pointer == amf.pointer
        return self.by_tmsi.get(identity.tmsi) if ours else None

    def forget(self, ue: Ue) -> None:
        """Nothing is left of a UE that is not registered."""
        context = ue.context
        if context.supi is not None and self.by_supi.get(context.supi) is ue:
            del self.by_supi[context.supi]
            if ue.kept:
                self.store.delete(COLLECTION, str(context.supi))
        self.forget_guti(ue, context.guti)
        self.forget_guti(ue, context.former_guti)

    def allocate_guti(self, ue: Ue) -> Guti:
        """A random 5G-TMSI that nobody has (TS 33.501 §6.12.3). The former one stays known until `forget_guti`."""
        while True:
            tmsi = int.from_bytes(self.entropy(4), "big")
            if tmsi not in self.by_tmsi and tmsi != 0xFFFFFFFF:
                break
        self.by_tmsi[tmsi] = ue
        return Guti(self.settings.plmn, self.settings.amf_id, tmsi)

    def forget_guti(self, ue: Ue, guti: Guti | None) -> None:
        if guti is not None and self.by_tmsi.get(guti.tmsi) is ue:
            del self.by_tmsi[guti.tmsi]

    # the store

    def store_ue(self, ue: Ue) -> None:
        context = ue.context
        if context.supi is None:
            return
        if context.rm_state == "RM-REGISTERED":
            self.store.put(COLLECTION, str(context.supi), encoded(context))
            ue.kept = True
        elif ue.kept and self.by_supi.get(context.supi) is ue:
            self.store.delete(COLLECTION, str(context.supi))
            ue.kept = False

    def _restore(self) -> None:
        """UE contexts survive a restart. One stored while connected may be behind: that UE is authenticated anew."""
        for key, octets in self.store.items(COLLECTION):
            try:
                context = decoded(octets)
            except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
                log.error("stored context of %s is unreadable and was left alone: %s", key[:9] + "…", error)
                continue
            ue = Ue(self, context)
            ue.kept = True
            ue.doubtful = context.cm_state == "CM-CONNECTED"
            if context.cm_state == "CM-CONNECTED":
                ue.context = msgspec.structs.replace(context, cm_state="CM-IDLE", idle_since=self.clock.now())
            if context.supi is not None:
                self.by_supi[context.supi] = ue
            for guti in (context.guti, context.former_guti):
                if guti is not None:
                    self.by_tmsi[guti.tmsi] = ue

    def sweep(self) -> None:
        """Implicit de-registration (TS 24.501 §5.3.7) and releases that no gNB has confirmed."""
        from cinq.nf.amf.procedures.deregistration import implicit_deregistration

        now = self.clock.now()
        for ran in self.rans:
            for number, (_, until) in list(ran.leaving.items()):
                if until < now:
                    del ran.leaving[number]
        gone = now - self.settings.implicit_deregistration_s
        for ue in list(self.by_supi.values()):
            if ue.connection is None and ue.is_idle and ue.context.idle_since < gone:
                ue.perform_soon(implicit_deregistration, None)

    # towards the journal and the UE

    def note(self, ue: Ue, cause: str) -> None:
        """Something about a UE that is neither a message nor a bug."""
        if self.journal.listening:
            self.journal.emit(
                Event(self.clock.now(), "AMF", ue.label, ue.procedure_name, "none", "", "", cause)
            )

    def deliver_answer(self, ue: Ue, sm: SmContext, answer: UpdateSmContextResponse) -> None:
        """What an SMF answered to an update goes on to the gNB and the UE."""
        octets1, octets2 = answer.binary_data_n1_sm_message, answer.binary_data_n2_sm_information
        if octets1 is not None or octets2 is not None:
            kind = answer.json_data.n2_sm_info_type
            n2.deliver(ue, n2.Transfer(sm.pdu_session_id, octets1, octets2, kind, sm.s_nssai))
