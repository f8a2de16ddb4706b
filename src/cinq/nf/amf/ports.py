"""What an AMF is built from, and whom it asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cinq.crypto import kdf
from cinq.eligibility.gate import OPEN, Gate
from cinq.home_domain import plmn_of_imsi
from cinq.nf.amf.settings import Settings
from cinq.numbering import PlmnId as Plmn
from cinq.procedure import Clock, Journal, Runtime
from cinq.sbi import Bus
from cinq.sbi.callback import notify
from cinq.sbi.models import Guami, PlmnId, PlmnIdNid, Snssai
from cinq.sbi.models import Tai as SbiTai
from cinq.sbi.nf_profile import AmfInfo, NFProfile
from cinq.sbi.services.n5g_eir import N5gEirEquipmentIdentityCheck
from cinq.sbi.services.nausf_ueauthentication import NausfUEAuthentication
from cinq.sbi.services.nnssf_nssaiavailability import NnssfNSSAIAvailability
from cinq.sbi.services.nnssf_nsselection import NnssfNSSelection
from cinq.sbi.services.npcf_ampolicycontrol import NpcfAMPolicyControl
from cinq.sbi.services.nsmf_pdusession import NsmfPDUSession
from cinq.sbi.services.nudm_sdm import NudmSubscriberDataManagement
from cinq.sbi.services.nudm_uecm import NudmUEContextManagement


class Serving(NamedTuple):
    """network: the serving network name of TS 33.501 §6.1.1.4."""

    guami: Guami
    plmn: PlmnIdNid
    network: str


class Home(NamedTuple):
    """What the AMF asks of a UE's home network. plmn: None where that is this network."""

    plmn: Plmn | None
    nausf: NausfUEAuthentication
    sdm: NudmSubscriberDataManagement
    uecm: NudmUEContextManagement


class Ports:
    """entropy(n) gives n random octets. gate: whom policies keep out. The rest: the AMF's own names, and a client of
    each service that it uses."""

    def __init__(
        self,
        settings: Settings,
        sbi: Bus,
        clock: Clock,
        entropy: Callable[[int], bytes],
        journal: Journal,
        instance_id: str,
        gate: Gate = OPEN,
    ) -> None:
        self.settings = settings
        self.gate = gate
        self.clock = clock
        self.entropy = entropy
        self.journal = journal
        self.instance_id = instance_id
        self.runtime = Runtime("AMF", journal, clock)
        self._serving: dict[Plmn, Serving] = {}
        self._homes: dict[Plmn | None, Home] = {}
        self._sbi = sbi
        self._clients(sbi)

    def _clients(self, sbi: Bus) -> None:
        self.nnssf = sbi.client(NnssfNSSelection, "AMF")
        self.nnssf_availability = sbi.client(NnssfNSSAIAvailability, "AMF")
        self.npcf = sbi.client(NpcfAMPolicyControl, "AMF")
        self.eir = sbi.client(N5gEirEquipmentIdentityCheck, "AMF")
        self.nsmf = sbi.client(NsmfPDUSession, "AMF")

    def serving(self, plmn: Plmn) -> Serving:
        """How the AMF names itself where it serves a UE in this PLMN."""
        found = self._serving.get(plmn)
        if found is None:
            guami, network = Guami.of(plmn, self.settings.amf_id), kdf.snn(plmn.mcc, plmn.mnc)
            found = self._serving[plmn] = Serving(guami, PlmnIdNid.of(plmn), network)
        return found

    def home(self, identity: str) -> Home:
        """Of the network that a SUCI or a SUPI is of: this one, or a roaming partner (TS 23.501 §6.3.4, §6.3.8)."""
        plmn = self._home_of(identity) if self.settings.partners else None
        found = self._homes.get(plmn)
        if found is None:
            sbi = self._sbi
            found = self._homes[plmn] = Home(
                plmn,
                sbi.client(NausfUEAuthentication, "AMF", None, plmn),
                sbi.client(NudmSubscriberDataManagement, "AMF", None, plmn),
                sbi.client(NudmUEContextManagement, "AMF", None, plmn),
            )
        return found

    def _home_of(self, identity: str) -> Plmn | None:
        """The partner; None: it is of this network, or nobody knows."""
        partners = self.settings.partners
        if not identity.startswith("suci-0-"):
            own = tuple(one.plmn for one in self.settings.served)
            plmn = plmn_of_imsi(identity, (*own, *partners))
            return plmn if plmn in partners else None
        mcc, mnc = identity.split("-")[2:4]
        return next((one for one in partners if (one.mcc, one.mnc) == (mcc, mnc)), None)

    def callback(self, path: str) -> str:
        """The URI under which others notify the AMF."""
        return self._sbi.uri(path)

    async def notify(self, uri: str, body: object) -> None:
        """To a callback that a consumer gave. Problem as it refuses."""
        await notify(self._sbi, "AMF", uri, body, None)

    def profile(self) -> NFProfile:
        amf = self.settings.amf_id
        return NFProfile(
            nf_instance_id=self.instance_id,
            nf_type="AMF",
            nf_status="REGISTERED",
            plmn_list=[PlmnId.of(one.plmn) for one in self.settings.served],
            s_nssais=[Snssai.of(s) for s in self.settings.slices],
            amf_info=AmfInfo(
                amf_set_id=f"{amf.set:03x}",
                amf_region_id=f"{amf.region:02x}",
                guami_list=[self.serving(one.plmn).guami for one in self.settings.served],
                tai_list=[SbiTai.of(tai) for one in self.settings.served for tai in one.tais],
            ),
        )
