"""The cases, one file for each. Importing this fills `case.CASES`."""

from cinq.assurance.case import CASES, in_order
from cinq.assurance.cases import ts33117, ts33512, ts33513

__all__ = ["CASES", "in_order", "ts33117", "ts33512", "ts33513"]
