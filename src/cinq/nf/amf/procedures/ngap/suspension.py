"""Procedures for CIoT optimisations, TS 38.413 §8.3.6 to §8.3.13. They are for ng-eNBs; this AMF has gNBs alone.

What has an unsuccessful outcome gets it, what asks for a UE's information gets it, and a UE that cannot be
authenticated by the control plane optimisation is not.
"""

from __future__ import annotations

from cinq.nf.amf import journal
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.association import NgConnection, Ran
from cinq.nf.amf.ue import Ue
from cinq.procedure import Why, procedure
from cinq.wire import ngap

NOT_SERVED: ngap.Cause = ("radioNetwork", "unspecified")
MEND = "switch suspend, resume and CIoT optimisations off in the NG-RAN node"


def suspend(ue: Ue, connection: NgConnection, request: ngap.UEContextSuspendRequest) -> None:
    """§8.3.11.3: the UE stays connected."""
    connection.moved(request.user_location_information)
    connection.send(
        ngap.UEContextSuspendFailure(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            cause=NOT_SERVED,
        )
    )
    journal.note(ue, Why(f"{connection.ran.label} wants the UE suspended, which is for ng-eNBs", MEND))


@procedure(opens=ngap.UEContextResumeRequest)
async def resume(connection: NgConnection, request: ngap.UEContextResumeRequest) -> None:
    """§8.3.12.3: nothing was suspended, no session is resumed; the failure releases the connection.

    A procedure, though it waits for nothing: what the UE said before has its effect first.
    """
    connection.send(
        ngap.UEContextResumeFailure(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            cause=NOT_SERVED,
        )
    )
    connection.user.connection_lost(
        connection, Why(f"{connection.ran.label} wants the UE resumed, which was not suspended", MEND)
    )


def mt_communication(ue: Ue, connection: NgConnection, request: ngap.MTCommunicationHandlingRequest) -> None:
    """§8.3.13.3: core network based handling of what comes for a UE in RRC_INACTIVE is not offered."""
    connection.send(
        ngap.MTCommunicationHandlingFailure(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            cause=NOT_SERVED,
        )
    )
    journal.note(ue, Why("the gNB wants MT communication handling for long eDRX, which is not offered"))


def tell_about(ran: Ran, ue: Ue | None, request: ngap.RetrieveUEInformation) -> None:
    """§8.3.9, answered by UE INFORMATION TRANSFER, §8.3.10: of a UE that is not known, nothing but its identity."""
    transfer = ngap.UEInformationTransfer(five_g_s_tmsi=request.five_g_s_tmsi)
    if ue is not None:
        context = ue.context
        transfer.ue_radio_capability = context.radio_capability or None
        transfer.allowed_nssai = elements.allowed_nssai(context.allowed_nssai) or None
        transfer.masked_imeisv = elements.masked_imeisv(context.pei) if context.pei else None
    ran.tell(transfer)


@procedure(opens=ngap.RANCPRelocationIndication)
async def ran_cp_relocation(ran: Ran, indication: ngap.RANCPRelocationIndication) -> None:
    """§8.3.8.2: without authentication no security information is given, and nothing is kept of the connection.

    What is authenticated there are NAS keys of the control plane CIoT optimisation, which no UE has from this AMF.
    """
    ran.tell(
        ngap.ConnectionEstablishmentIndication(
            amf_ue_ngap_id=ran.access.unused_number(), ran_ue_ngap_id=indication.ran_ue_ngap_id
        )
    )
    journal.note(ran, Why("a UE wants its control plane connection relocated, which is for NB-IoT", MEND))
