"""The scenario library. Importing it fills `LIBRARY`; one file for each chapter."""

from cinq.ran.scenarios.library import registration
from cinq.ran.scenarios.scenario import LIBRARY

CHAPTERS = (registration,)
__all__ = ["CHAPTERS", "LIBRARY"]
