"""What an AMF is built from, and whom it asks."""

from __future__ import annotations

from collections.abc import Callable

from cinq.crypto import kdf
from cinq.nf.amf.settings import Settings
from cinq.procedure import Clock, Journal, Runtime
from cinq.sbi import Bus
from cinq.sbi.models import Guami, PlmnId, PlmnIdNid, Snssai
from cinq.sbi.models import Tai as SbiTai
from cinq.sbi.services.namf_communication import NsmfCallback
from cinq.sbi.services.nausf_ueauthentication import NausfUEAuthentication
from cinq.sbi.services.nnrf import AmfInfo, NFProfile
from cinq.sbi.services.nnssf_nsselection import NnssfNSSelection
from cinq.sbi.services.npcf_ampolicycontrol import NpcfAMPolicyControl
from cinq.sbi.services.nsmf_pdusession import NsmfPDUSession
from cinq.sbi.services.nudm_sdm import NudmSubscriberDataManagement
from cinq.sbi.services.nudm_uecm import NudmUEContextManagement


class Ports:
    """entropy(n) gives n random octets. The rest: the AMF's own names, and a client of each service that it uses."""

    def __init__(
        self,
        settings: Settings,
        sbi: Bus,
        clock: Clock,
        entropy: Callable[[int], bytes],
        journal: Journal,
        instance_id: str,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.entropy = entropy
        self.journal = journal
        self.instance_id = instance_id
        self.runtime = Runtime("AMF", journal, clock)
        self.guami = Guami.of(settings.plmn, settings.amf_id)
        self.serving_plmn = PlmnIdNid.of(settings.plmn)
        self.serving_network = kdf.snn(settings.plmn.mcc, settings.plmn.mnc)
        self._clients(sbi)

    def _clients(self, sbi: Bus) -> None:
        self.nausf = sbi.client(NausfUEAuthentication, "AMF")
        self.nudm_sdm = sbi.client(NudmSubscriberDataManagement, "AMF")
        self.nudm_uecm = sbi.client(NudmUEContextManagement, "AMF")
        self.nnssf = sbi.client(NnssfNSSelection, "AMF")
        self.npcf = sbi.client(NpcfAMPolicyControl, "AMF")
        self.nsmf = sbi.client(NsmfPDUSession, "AMF")
        self.nsmf_callback = sbi.client(NsmfCallback, "AMF")

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
