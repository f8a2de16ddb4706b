"""AMF Configuration Update, TS 38.413 §8.7.3, with its TNL associations; UE TNLA Binding Release, §8.13.1."""

from __future__ import annotations

import logging
from ipaddress import IPv4Address

from cinq.procedure import Refused, Timer, TimerExpired, procedure
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.n2.association import OnTnla
from cinq.ran.gnb.n2.tnla import Tnla
from cinq.ran.gnb.procedures.ng_setup import announced
from cinq.ran.gnb.procedures.ran_configuration_update import update
from cinq.ran.gnb.signals import Associate
from cinq.transport.sctp.association import N2_PORT
from cinq.wire import ngap

log = logging.getLogger("cinq.ran.gnb")

FIRST_MESSAGE = Timer("RAN Configuration Update", 10, 0)
_UNAVAILABLE: ngap.Cause = ("transport", "transport-resource-unavailable")


def received(n2: N2, message: ngap.AMFConfigurationUpdate) -> None:
    """AMF CONFIGURATION UPDATE. It is acknowledged when the associations that it adds are there, or cannot be."""
    n2.commit(**announced(message))
    for changed in message.amf_tnl_association_to_update_list or ():
        for tnla in n2.tnlas.at(*_endpoint(changed.amf_tnl_association_address)):
            tnla.usage = changed.tnl_association_usage or tnla.usage
            weight = changed.tnl_address_weight_factor
            tnla.weight = tnla.weight if weight is None else weight
    for gone in message.amf_tnl_association_to_remove_list or ():
        _remove(n2, *_endpoint(gone.amf_tnl_association_address))
    if message.amf_tnl_association_to_add_list:
        n2.want(Associate(tuple(message.amf_tnl_association_to_add_list)))
    else:
        n2.send(ngap.AMFConfigurationUpdateAcknowledge())


@procedure(opens=Associate)
async def associate(n2: N2, wanted: Associate) -> None:
    """§8.7.3.2: each association is opened and joined to the interface, or listed as failed."""
    done: list[ngap.AMFTNLAssociationSetupItem] = []
    failed: list[ngap.TNLAssociationItem] = []
    for item in wanted.items:
        address = item.amf_tnl_association_address
        try:
            await _add(n2, item)
        except (OSError, Refused, TimerExpired) as error:
            log.warning("further association with the AMF: %s", getattr(error, "what", error))
            failed.append(ngap.TNLAssociationItem(tnl_association_address=address, cause=_UNAVAILABLE))
        else:
            done.append(ngap.AMFTNLAssociationSetupItem(amf_tnl_association_address=address))
    n2.send(
        ngap.AMFConfigurationUpdateAcknowledge(
            amf_tnl_association_setup_list=done or None,
            amf_tnl_association_failed_to_setup_list=failed or None,
        )
    )


async def _add(n2: N2, item: ngap.AMFTNLAssociationToAddItem) -> None:
    """The first message on it is RAN CONFIGURATION UPDATE with the gNB's identity (§8.7.2.2)."""
    address, port = _endpoint(item.amf_tnl_association_address)
    endpoint = address, N2_PORT if port is None else port
    if n2.ports.further is None:
        raise OSError(f"{address}: this gNB keeps to one association")
    if n2.tnlas.at(*endpoint):
        return
    tnla = Tnla(n2, endpoint, item.tnl_association_usage, item.tnl_address_weight_factor)
    tnla.association = await n2.ports.further(endpoint, tnla)
    n2.tnlas.all.append(tnla)
    try:
        answer = await n2.ask(
            OnTnla(update(n2), tnla),
            ngap.RANConfigurationUpdateAcknowledge,
            ngap.RANConfigurationUpdateFailure,
            timer=FIRST_MESSAGE,
        )
        if isinstance(answer, ngap.RANConfigurationUpdateFailure):
            raise Refused(answer, f"{address}: RAN Configuration Update Failure")
    except (Refused, TimerExpired):
        if tnla.association is not None:
            tnla.association.abort("not joined to the interface")
        raise


def _remove(n2: N2, address: str, port: int | None) -> None:
    """The last association stays: without it there is no AMF to acknowledge to."""
    for tnla in n2.tnlas.at(address, port):
        association = tnla.association
        if association is not None:
            n2.runtime.spawn(association.close, "TNL association")
    first = n2.association
    if n2.tnlas and first is not None and first.remote[0] == address and port in (None, first.remote[1]):
        n2.runtime.spawn(first.close, "TNL association")


def _endpoint(address: ngap.CPTransportLayerInformation) -> tuple[str, int | None]:
    """Address and port; of a dual-stack address the IPv4 part. port None: none is named."""
    if address[0] == "EndpointIPAddressAndPort":
        (value, bits), port = address[1].endpoint_ip_address, int.from_bytes(address[1].port_number, "big")
        return _text(value, bits), port
    return _text(*address[1]), None


def _text(value: int, bits: int) -> str:
    return str(IPv4Address(value if bits == 32 else value >> bits - 32)) if bits >= 32 else ""


def binding_released(n2: N2, message: ngap.UETNLABindingReleaseRequest) -> None:
    """UE TNLA BINDING RELEASE REQUEST: context and user plane stay, the next message goes by any association."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is not None:
        ue.tnla = n2.tnlas.for_ue()
