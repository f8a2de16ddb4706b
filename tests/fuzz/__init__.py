"""Fuzzing: `make fuzz TIME=seconds`. What once failed is kept in `kept/` and is a test for ever."""
