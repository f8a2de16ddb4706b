"""Which networks may serve our subscribers: TS 33.501 §6.1.2, TS 23.502 §4.2.2.2.2 step 14, TS 29.503 §6.2.7.3."""

from __future__ import annotations

from cinq.crypto import kdf
from cinq.nf.udm.settings import Settings
from cinq.numbering import PlmnId
from cinq.procedure import Why
from cinq.sbi import Problem


def may_authenticate(network: str, settings: Settings) -> None:
    """network: the serving network name. Problem 403 SERVING_NETWORK_NOT_AUTHORIZED: no vector is made for it."""
    if settings.roams and network not in {kdf.snn(plmn.mcc, plmn.mnc) for plmn in _serving(settings)}:
        why = Why(f"subscribers may not roam in {network[:60]}", _mend())
        raise Problem(403, "SERVING_NETWORK_NOT_AUTHORIZED", why)


def may_serve(supi: str, plmn: PlmnId, settings: Settings) -> None:
    """plmn: of the AMF. Problem 403 ROAMING_NOT_ALLOWED."""
    if settings.roams and plmn not in _serving(settings):
        raise Problem(403, "ROAMING_NOT_ALLOWED", Why(f"{supi} may not roam in PLMN {plmn}", _mend()))


def _serving(settings: Settings) -> tuple[PlmnId, ...]:
    return (*settings.plmns, *settings.partners)


def _mend() -> str:
    return "outbound = true in its [[roaming_partner]] table"
