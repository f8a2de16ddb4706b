"""The cases, one file for each. Importing this fills `case.CASES`."""

from cinq.assurance.case import CASES
from cinq.assurance.cases import ts33512

__all__ = ["CASES", "ts33512"]
