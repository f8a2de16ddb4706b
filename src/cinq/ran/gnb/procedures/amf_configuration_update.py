"""AMF Configuration Update, TS 38.413 §8.7.3; UE TNLA Binding Release, §8.13.1."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.procedures.ng_setup import announced
from cinq.wire import ngap


def received(n2: N2, message: ngap.AMFConfigurationUpdate) -> None:
    """AMF CONFIGURATION UPDATE. Further TNL associations are not opened, and listed as failed."""
    n2.commit(**announced(message))
    failed = [
        ngap.TNLAssociationItem(
            tnl_association_address=item.amf_tnl_association_address,
            cause=("transport", "transport-resource-unavailable"),
        )
        for item in message.amf_tnl_association_to_add_list or ()
    ]
    n2.send(ngap.AMFConfigurationUpdateAcknowledge(amf_tnl_association_failed_to_setup_list=failed or None))


def binding_released(n2: N2, message: ngap.UETNLABindingReleaseRequest) -> None:
    """UE TNLA BINDING RELEASE REQUEST: context and user plane stay. With one association there is no other binding."""
    n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
