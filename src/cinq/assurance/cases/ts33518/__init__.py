"""TS 33.518, the NRF, version 18.0.0."""

from cinq.assurance.cases.ts33518 import tc_disc_authorization_slice_nrf

__all__ = ["tc_disc_authorization_slice_nrf"]
