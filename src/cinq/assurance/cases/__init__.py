"""The cases, one file for each. Importing this fills `case.CASES`."""

from cinq.assurance.case import CASES, in_order
from cinq.assurance.cases import ts33117, ts33512, ts33513, ts33514, ts33515, ts33518

__all__ = ["CASES", "in_order", "ts33117", "ts33512", "ts33513", "ts33514", "ts33515", "ts33518"]
