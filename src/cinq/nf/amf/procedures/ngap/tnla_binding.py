"""UE TNLA Binding Release, TS 38.413 §8.13.1, TS 23.501 §5.21.1.2."""

from __future__ import annotations

from cinq.nf.amf import signals
from cinq.nf.amf.n2.association import NgConnection
from cinq.procedure import procedure
from cinq.wire import ngap


@procedure(opens=signals.ReleaseBinding)
async def tnla_binding_release(connection: NgConnection, _: signals.ReleaseBinding) -> None:
    """§8.13.1.2. UE context and user plane stay; whatever is sent next of the UE binds it anew."""
    connection.send(
        ngap.UETNLABindingReleaseRequest(
            amf_ue_ngap_id=connection.amf_ue_ngap_id, ran_ue_ngap_id=connection.ran_ue_ngap_id
        )
    )
