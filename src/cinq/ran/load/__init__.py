"""Registration load: many UEs on one gNB in one process, some of them in flight at a time."""

from cinq.ran.load.run import Load, LoadSettings, Outcome, Sample, run

__all__ = ["Load", "LoadSettings", "Outcome", "Sample", "run"]
