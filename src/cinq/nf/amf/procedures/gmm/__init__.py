"""5GMM procedures, TS 24.501 clause 5."""
