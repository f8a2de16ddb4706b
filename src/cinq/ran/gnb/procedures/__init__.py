"""The gNB's part of the NGAP procedures, TS 38.413 §8. dispatch.py says which message goes where."""
