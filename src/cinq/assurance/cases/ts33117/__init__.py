"""TS 33.117, every network product, version 18.1.0: what needs no service-based interface."""

from cinq.assurance.cases.ts33117 import tc_bvt_port_scanning, tc_bvt_robustness

__all__ = ["tc_bvt_port_scanning", "tc_bvt_robustness"]
