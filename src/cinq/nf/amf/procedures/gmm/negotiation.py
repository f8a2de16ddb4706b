"""What a UE asks for in REGISTRATION REQUEST and the AMF answers: DRX, eDRX, MICO, timers (TS 24.501 §5.5.1.2.4)."""

from __future__ import annotations

from msgspec import Struct

from cinq.nf.amf.n2 import elements
from cinq.nf.amf.procedures.gmm.subscription import Subscribed
from cinq.nf.amf.ue import Ue
from cinq.wire import nas
from cinq.wire.nas.ie import ue_radio_capability_id


class Agreed(Struct, frozen=True, gc=False):
    """t3512, t3324: seconds; t3324 None without MICO mode or active time. radio_id: of the UE's radio capability."""

    drx: int = 0
    edrx: tuple[int, int] | None = None
    mico: bool = False
    t3512: int = 0
    t3324: int | None = None

    def changes(self, ue: Ue, request: nas.RegistrationRequest) -> dict[str, object]:
        """Of the UE context."""
        context, update = ue.context, request.update_type
        anew = update is not None and update.radio_capability_update  # §5.5.1.3.4: the stored one is deleted
        capability = request.capability_5gmm
        return {
            "drx": self.drx,
            "edrx": self.edrx,
            "mico": self.mico,
            "t3512": self.t3512,
            "t3324": self.t3324 or 0,
            "capability_5gmm": context.capability_5gmm if capability is None else capability.octets,
            "radio_capability": b"" if anew else context.radio_capability,
            "paging_capability": b"" if anew else context.paging_capability,
            "radio_capability_id": b"" if anew else radio_id(request) or context.radio_capability_id,
        }


def agree(ue: Ue, request: nas.RegistrationRequest, subscribed: Subscribed | None) -> Agreed:
    """subscribed: as just asked for; None where the UE's timers of before go on."""
    settings, context = ue.ports.settings, ue.context
    allowed = context.mico_allowed if subscribed is None else subscribed.mico is not False
    mico = request.mico_indication is not None and settings.mico and allowed
    t3512 = context.t3512 or settings.t3512_s
    active: int | None = None
    if subscribed is not None:
        t3512 = subscribed.t3512 or settings.t3512_s
        active = subscribed.active_time
    if mico and request.requested_t3512 is not None and request.requested_t3512 > 0:
        t3512 = request.requested_t3512
    if mico and request.t3324 is not None and request.t3324 > 0:
        active = active or request.t3324
    return Agreed(
        drx=request.requested_drx_parameters or 0,
        edrx=edrx(request) if settings.edrx else None,
        mico=mico,
        t3512=t3512,
        t3324=active if mico else None,
    )


def edrx(request: nas.RegistrationRequest) -> tuple[int, int] | None:
    """As asked, where NR has it (TS 24.008 §10.5.5.32)."""
    asked = request.requested_extended_drx_parameters
    if asked is None or not elements.edrx_is_known(asked.value):
        return None
    return asked.value, asked.paging_time_window


def answered(
    accept: nas.RegistrationAccept, agreed: Agreed, request: nas.RegistrationRequest
) -> nas.RegistrationAccept:
    """The accept with what was agreed. A negotiated value is told to a UE that had asked."""
    if request.requested_drx_parameters is not None:
        accept = accept.replace(negotiated_drx_parameters=agreed.drx)
    if agreed.edrx is not None:
        value, window = agreed.edrx
        accept = accept.replace(negotiated_extended_drx_parameters=nas.ExtendedDrx(value, window))
    if agreed.mico:
        accept = accept.replace(mico_indication=nas.MicoIndication(), t3324=agreed.t3324)
    return accept


def radio_id(request: nas.RegistrationRequest) -> bytes:
    """UE radio capability ID (RACS), as the gNB is to be told it (TS 38.413 §9.3.1.142): the digits in BCD."""
    digits = request.ue_radio_capability_id
    return b"" if digits is None else ue_radio_capability_id.encode(digits)
