"""What a PDU session reaches beyond itself: other network functions, N4, the store, address pools."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from cinq.home_domain import plmn_of_imsi
from cinq.nf.smf.addresses import AddressPool, PrefixPool
from cinq.nf.smf.n4 import N4, Peer
from cinq.nf.smf.settings import DataNetwork, Settings
from cinq.numbering import PlmnId
from cinq.procedure import Runtime
from cinq.procedure.store import Store
from cinq.sbi import Bus
from cinq.sbi.services.namf_communication import NamfCommunication
from cinq.sbi.services.nchf_convergedcharging import NchfConvergedCharging
from cinq.sbi.services.npcf_smpolicycontrol import NpcfSMPolicyControl
from cinq.sbi.services.nudm_sdm import NudmSubscriberDataManagement
from cinq.sbi.services.nudm_uecm import NudmUEContextManagement
from cinq.wire import pfcp


class AssociatedUpf(Protocol):
    """A UPF and our association with it (procedures/association.py), as sessions know it.

    epoch: counts the associations; the sessions of an earlier one are not there any more.
    """

    peer: Peer

    @property
    def is_usable(self) -> bool: ...

    @property
    def takes_more(self) -> bool: ...

    @property
    def epoch(self) -> int: ...

    @property
    def load(self) -> int | None:
        """Per cent, as it last said; None when it never did."""

    @property
    def sessions_here(self) -> int:
        """Ours that it has."""

    def loaded(self, said: pfcp.LoadControlInformation | None) -> None:
        """What came with a response."""


@dataclass(frozen=True, slots=True)
class Ports:
    """pools: by DNN. associations: by N4 address. telling: charging sessions that the CHF is being asked about."""

    settings: Settings
    runtime: Runtime
    instance_id: str
    sbi: Bus
    pcf: NpcfSMPolicyControl
    chf: NchfConvergedCharging
    n4: N4
    store: Store
    pools: dict[str, AddressPool]
    prefixes: dict[str, PrefixPool]
    associations: dict[str, AssociatedUpf] = field(default_factory=dict)
    telling: set[str] = field(default_factory=set)

    def home(self, supi: str) -> PlmnId | None:
        """The roaming partner that the subscriber is of; None: this network."""
        partners, own = self.settings.partners, self.settings.plmns or (self.settings.plmn,)
        plmn = plmn_of_imsi(supi, (*own, *partners)) if partners else None
        return plmn if plmn in partners else None

    def sdm(self, supi: str) -> NudmSubscriberDataManagement:
        """Of the UDM of the subscriber's home network."""
        return self.sbi.client(NudmSubscriberDataManagement, "SMF", None, self.home(supi))

    def uecm(self, supi: str) -> NudmUEContextManagement:
        return self.sbi.client(NudmUEContextManagement, "SMF", None, self.home(supi))

    def amf(self, instance: str) -> NamfCommunication:
        """The AMF that serves a UE; of a session that does not say which, any."""
        return self.sbi.client(NamfCommunication, "SMF", instance or None)

    def data_network(self, name: str) -> DataNetwork | None:
        for network in self.settings.data_networks:
            if network.name == name:
                return network
        return None
