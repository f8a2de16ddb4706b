"""NRPPa transport, TS 38.413 §8.10, TS 23.273 §6.11: between gNB and LMF, which the routing identity names."""

from __future__ import annotations

from functools import partial

from cinq.nf.amf import journal
from cinq.nf.amf.consumers import Consumer
from cinq.nf.amf.n2.association import NgConnection, Ran
from cinq.nf.amf.ue import Ue
from cinq.procedure import Why, procedure
from cinq.sbi import Problem
from cinq.sbi.models import RefToBinaryData
from cinq.sbi.services.namf_communication import (
    N2InfoContainer,
    N2InfoContent,
    N2InformationNotification,
    N2InformationNotifyRequest,
    NrppaInformation,
)
from cinq.wire import ngap

MEND = "an LMF subscribes with Namf_Communication_N1N2MessageSubscribe or NonUeN2InfoSubscribe"


def of_a_ue(ue: Ue, connection: NgConnection, message: ngap.UplinkUEAssociatedNRPPaTransport) -> None:
    """§8.10.2.2: to the LMF that the routing identity names, for this UE."""
    lmf = name_of(message.routing_id or b"")
    wanted = list(ue.access.consumers.of("N2 NRPPa", ue.context.supi, lmf))
    if not wanted:
        journal.note(ue, Why(f"NRPPa of the UE is not passed on: LMF {lmf!r} has not subscribed", MEND))
    for consumer in wanted:
        ue.beside(partial(tell, ue, consumer, message.nrppa_pdu or b""), "nrppa_of_a_ue")


@procedure(opens=ngap.UplinkNonUEAssociatedNRPPaTransport)
async def nrppa(ran: Ran, message: ngap.UplinkNonUEAssociatedNRPPaTransport) -> None:
    """§8.10.2.4: to that LMF, of the gNB."""
    lmf = name_of(message.routing_id or b"")
    wanted = list(ran.access.consumers.of("N2 NRPPa", None, lmf))
    if not wanted:
        journal.note(ran, Why(f"NRPPa of the gNB is not passed on: LMF {lmf!r} has not subscribed", MEND))
    for consumer in wanted:
        ran.beside(partial(tell, ran, consumer, message.nrppa_pdu or b""), "nrppa")


async def tell(about: Ue | Ran, consumer: Consumer, pdu: bytes) -> None:
    """Namf_Communication_N2InfoNotify, TS 29.518 §5.2.2.3.6 and §5.2.2.4.4."""
    content = N2InfoContent(ngap_data=RefToBinaryData(content_id="n2Info"))
    body = N2InformationNotifyRequest(
        json_data=N2InformationNotification(
            n2_notify_subscription_id=consumer.identifier,
            n2_info_container=N2InfoContainer(
                n2_information_class="NRPPa",
                nrppa_info=NrppaInformation(nf_id=consumer.nf_id, nrppa_pdu=content),
            ),
        ),
        binary_data_n2_information=pdu,
    )
    try:
        await about.ports.notify(consumer.uri, body)
    except Problem as problem:
        journal.note(about, Why(f"NRPPa is not passed on: the LMF answers {problem}", problem.why.mend))


def routing_id(nf_id: str) -> bytes:
    """§9.3.3.13: whatever the AMF makes it; here the LMF's instance identity."""
    return nf_id.encode()


def name_of(routing: bytes) -> str:
    return routing.decode(errors="replace")


def for_a_ue(connection: NgConnection, nf_id: str, pdu: bytes) -> None:
    """§8.10.2.1."""
    connection.send(
        ngap.DownlinkUEAssociatedNRPPaTransport(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            routing_id=routing_id(nf_id),
            nrppa_pdu=pdu,
        )
    )


def for_gnb(ran: Ran, nf_id: str, pdu: bytes) -> None:
    """§8.10.2.3."""
    ran.tell(ngap.DownlinkNonUEAssociatedNRPPaTransport(routing_id=routing_id(nf_id), nrppa_pdu=pdu))
