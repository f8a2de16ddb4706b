"""Registration load: many UEs on one gNB in one process, some of them in flight at a time."""

from cinq.ran.load.run import Latencies, Load, LoadSettings, Outcome, run
from cinq.ran.load.steps import STEPS, WORDS, Actor, Step

__all__ = ["STEPS", "WORDS", "Actor", "Latencies", "Load", "LoadSettings", "Outcome", "Step", "run"]
