"""The dossier: the evidence of a run in one file that a stranger verifies offline.

A zip without compression, made the same way each time. `statement.json` is an in-toto statement that names every
artefact by its SHA-256; `envelope.json` holds it with the signatures (DSSE). See docs/explanation/decisions.
"""

from cinq.assurance.dossier.archive import Dossier, DossierError, build, read
from cinq.assurance.dossier.verify import Verified, verify

__all__ = ["Dossier", "DossierError", "Verified", "build", "read", "verify"]
