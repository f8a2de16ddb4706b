"""The scenario library. Importing it fills `LIBRARY`; one file for each chapter."""

from cinq.ran.scenarios.library import idle, interface, mobility, policy, registration, security, session
from cinq.ran.scenarios.scenario import LIBRARY

CHAPTERS = (interface, registration, security, session, policy, idle, mobility)
__all__ = ["CHAPTERS", "LIBRARY"]
