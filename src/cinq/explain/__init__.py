"""Explained: each refusal, release and silence of a core, with its reason and what mends it.

    explainer = Explainer(store)                          # in a running core
    journal.listen(explainer.event, trouble=True)
    chosen([each for _, each in stored(store)], "001010000000009")   # later, from the same store

The history is bounded; it outlives the process.
"""

from cinq.explain.explainer import PACE_S, Explainer
from cinq.explain.history import COLLECTION, History, stored
from cinq.explain.incident import Incident
from cinq.explain.tell import chosen, facts, names, text

__all__ = [
    "COLLECTION",
    "PACE_S",
    "Explainer",
    "History",
    "Incident",
    "chosen",
    "facts",
    "names",
    "stored",
    "text",
]
