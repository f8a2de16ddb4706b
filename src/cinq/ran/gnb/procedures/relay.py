"""What a gNB passes on and a bench answers: NRPPa (TS 38.413 §8.10), RAN configuration (§8.8), RIM information (§8.16).

LPP goes in NAS messages, between UE and AMF, and needs nothing here.
"""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import global_gnb_id, tai
from cinq.wire import ngap


def nrppa_for_ue(n2: N2, message: ngap.DownlinkUEAssociatedNRPPaTransport) -> None:
    """DOWNLINK UE ASSOCIATED NRPPA TRANSPORT, §8.10.2.1: to the location measurement of the gNB, `N2.relayed`."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is not None:
        n2.relayed(message)


def nrppa(n2: N2, message: ngap.DownlinkNonUEAssociatedNRPPaTransport) -> None:
    """DOWNLINK NON UE ASSOCIATED NRPPA TRANSPORT, §8.10.2.3."""
    n2.relayed(message)


def send_nrppa_of_ue(ue: UeContext, routing_id: bytes, pdu: bytes) -> None:
    """UPLINK UE ASSOCIATED NRPPA TRANSPORT, §8.10.2.2."""
    assert ue.amf_ue_ngap_id is not None
    ue.tell(
        ngap.UplinkUEAssociatedNRPPaTransport(
            amf_ue_ngap_id=ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            routing_id=routing_id,
            nrppa_pdu=pdu,
        )
    )


def send_nrppa(n2: N2, routing_id: bytes, pdu: bytes) -> None:
    """UPLINK NON UE ASSOCIATED NRPPA TRANSPORT, §8.10.2.4."""
    n2.send(ngap.UplinkNonUEAssociatedNRPPaTransport(routing_id=routing_id, nrppa_pdu=pdu))


def ran_configuration(n2: N2, message: ngap.DownlinkRANConfigurationTransfer) -> None:
    """DOWNLINK RAN CONFIGURATION TRANSFER, §8.8.2: a request for our Xn addresses is answered."""
    n2.relayed(message)
    transfer = message.son_configuration_transfer_dl
    if transfer is None or transfer.son_information != ("sONInformationRequest", "xn-TNL-configuration-info"):
        return
    addresses = ngap.XnTNLConfigurationInfo(xn_transport_layer_addresses=[n2.ports.settings.xn.bits])
    source = transfer.source_ran_node_id
    reply = ngap.SONConfigurationTransfer(
        target_ran_node_id_son=ngap.TargetRANNodeIDSON(
            global_ran_node_id=source.global_ran_node_id, selected_tai=source.selected_tai
        ),
        source_ran_node_id=_self(n2),
        son_information=(
            "sONInformationReply",
            ngap.SONInformationReply(xn_tnl_configuration_info=addresses),
        ),
    )
    n2.send(ngap.UplinkRANConfigurationTransfer(son_configuration_transfer_ul=reply))


def ask_xn_addresses(n2: N2, target: ngap.TargetRANNodeIDSON) -> None:
    """UPLINK RAN CONFIGURATION TRANSFER, §8.8.1: the Xn addresses of another gNB are asked for."""
    transfer = ngap.SONConfigurationTransfer(
        target_ran_node_id_son=target,
        source_ran_node_id=_self(n2),
        son_information=("sONInformationRequest", "xn-TNL-configuration-info"),
        xn_tnl_configuration_info=ngap.XnTNLConfigurationInfo(
            xn_transport_layer_addresses=[n2.ports.settings.xn.bits]
        ),
    )
    n2.send(ngap.UplinkRANConfigurationTransfer(son_configuration_transfer_ul=transfer))


def _self(n2: N2) -> ngap.SourceRANNodeID:
    return ngap.SourceRANNodeID(
        global_ran_node_id=global_gnb_id(n2.identity), selected_tai=tai(n2.cells[0].tai)
    )


def rim(n2: N2, message: ngap.DownlinkRIMInformationTransfer) -> None:
    """DOWNLINK RIM INFORMATION TRANSFER, §8.16.2."""
    n2.relayed(message)


def send_rim(n2: N2, transfer: ngap.RIMInformationTransfer) -> None:
    """UPLINK RIM INFORMATION TRANSFER, §8.16.1."""
    n2.send(ngap.UplinkRIMInformationTransfer(rim_information_transfer=transfer))
