"""cinq: a complete 5G Standalone network in Python."""

__version__ = "0.1.0"
