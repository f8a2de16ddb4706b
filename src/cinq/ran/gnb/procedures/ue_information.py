"""Procedures of an ng-eNB for CIoT, TS 38.413 §8.3.6 to §8.3.10: what a bench may send, and what may come."""

from __future__ import annotations

from cinq.numbering import STmsi
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.n2.elements import s_tmsi
from cinq.wire import ngap


def retrieve(n2: N2, identity: STmsi) -> None:
    """RETRIEVE UE INFORMATION, §8.3.9."""
    n2.send(ngap.RetrieveUEInformation(five_g_s_tmsi=s_tmsi(identity)))


def transferred(n2: N2, message: ngap.UEInformationTransfer) -> None:
    """UE INFORMATION TRANSFER, §8.3.10: to whoever asked."""
    n2.relayed(message)


def established(n2: N2, message: ngap.ConnectionEstablishmentIndication) -> None:
    """CONNECTION ESTABLISHMENT INDICATION, §8.3.6: the AMF names the UE."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is not None and message.ue_radio_capability is not None:
        ue.commit(radio_capability=message.ue_radio_capability)


def relocated(n2: N2, message: ngap.AMFCPRelocationIndication) -> None:
    """AMF CP RELOCATION INDICATION, §8.3.7: nothing more is delivered here, the UE is at another node."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is not None:
        ue.commit(leaving="ue-context-transfer")
