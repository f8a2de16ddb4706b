"""NGAP procedures, TS 38.413 clause 8."""
