"""The scenario library. Importing it fills `LIBRARY`; one file for each chapter."""

from cinq.ran.scenarios.library import idle, interface, mobility, registration, security, session
from cinq.ran.scenarios.scenario import LIBRARY

CHAPTERS = (interface, registration, security, session, idle, mobility)
__all__ = ["CHAPTERS", "LIBRARY"]
