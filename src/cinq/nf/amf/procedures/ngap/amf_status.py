"""AMF Status Indication, TS 38.413 §8.7.6: an AMF that is stopped in order says so (TS 23.501 §5.21.2.2)."""

from __future__ import annotations

from cinq.nf.amf import signals
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.association import Ran
from cinq.procedure import procedure
from cinq.wire import ngap


@procedure(opens=signals.Unavailable)
async def amf_status_indication(ran: Ran, _: signals.Unavailable) -> None:
    """§8.7.6.2: all GUAMIs. There is no backup AMF, and UEs are not moved: no timer."""
    settings = ran.ports.settings
    ran.tell(
        ngap.AMFStatusIndication(
            unavailable_guami_list=[
                ngap.UnavailableGUAMIItem(guami=elements.guami(served.plmn, settings.amf_id))
                for served in settings.served
            ]
        )
    )
