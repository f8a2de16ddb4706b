"""Generic UE configuration update, TS 24.501 §5.4.4: a new 5G-GUTI for a UE that was paged (TS 33.501 §6.12.3)."""

from __future__ import annotations

from cinq.nf.amf import signals
from cinq.nf.amf.procedures.gmm import guti_reallocation
from cinq.nf.amf.ue import Ue
from cinq.procedure import ABORT, BESIDE, Timer, Verdict, collision, procedure
from cinq.wire import nas, ngap

T3555 = Timer("T3555", 6.0)


@procedure(opens=signals.ReplaceGuti)
async def configuration_update(ue: Ue, _: signals.ReplaceGuti) -> None:
    """The paged identity was heard by everybody: it is not used again."""
    if ue.connection is None or not ue.exchange.secured:
        return
    guti = ue.registry.allocate_guti(ue, ue.plmn)
    command = nas.ConfigurationUpdateCommand(
        configuration_update_indication=nas.ConfigurationUpdateIndication(acknowledgement_requested=True),
        guti=guti,
    )
    await guti_reallocation.tell(ue, guti, command, nas.ConfigurationUpdateComplete, T3555)


@collision(
    configuration_update,
    nas.RegistrationRequest,
    nas.DeregistrationRequestUEOriginating,
    nas.ServiceRequest,
    ngap.UEContextReleaseRequest,
    ngap.InitialContextSetupFailure,
)
def _(ue: Ue, message: object) -> Verdict:
    """§5.4.4.6 c) and d): what the UE wants goes on, with the identity that it shows to have."""
    return ABORT


@collision(configuration_update, nas.ULNASTransport)
def _(ue: Ue, message: object) -> Verdict:
    return BESIDE
