"""NRF, network repository function: TS 23.501 §6.2.6, TS 29.510: registration, heartbeat, discovery."""

from cinq.nf.nrf.services import NRF
from cinq.nf.nrf.settings import Settings

__all__ = ["NRF", "Settings"]
